#!/usr/bin/env python3
"""The web interface in a browser, over a real agent: every page (pages.mjs), what they draw (charts.mjs), without a pointer
(keyboard.mjs), what can be looked up, copied and ordered on them (acts.mjs), what an operator does from the login to the logout
(journey.mjs), pages that stay open (live.mjs), and what is served without one. Pictures of all pages stay in BUILD/test/web/pictures."""
import gzip
import http.client
import os
import re
import shlex
import subprocess
import sys
import unittest

sys.path[0:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder) for folder in ("e2e", "lib", "web")]

import base  # noqa: E402 - the path comes first
import hv  # noqa: E402
import stage  # noqa: E402

BROWSER = os.path.join(hv.BUILD, "test", "web", "browser")


class Web(base.Case):
    def setUp(self):
        super().setUp()
        self.stage = stage.Stage(self.agent, self.engine)

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            self.stage.done()

    def test_pages_in_a_browser(self):
        for script in ("pages.mjs", "charts.mjs", "keyboard.mjs", "acts.mjs", "journey.mjs", "live.mjs"):
            with self.subTest(script):
                r = subprocess.run(["node", "--test-reporter=spec", script], cwd=BROWSER, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, timeout=400, env={
                                       **os.environ, "HV_ADMIN": f"http://127.0.0.1:{self.stage.pump.port}", "HV_IMAGE": hv.IMAGE,
                                       "HV_LOGIN": f"http://127.0.0.1:{self.agent.port}",
                                       "HV_CONTROL": f"http://127.0.0.1:{self.stage.control.port}",
                                       "HV_USER": stage.USER, "HV_PASSWORD": stage.PASSWORD, "HV_TUNNEL": self.stage.tunnel.name,
                                       "HV_VIEWER": stage.VIEWER, "HV_SECRET": stage.SECRET, "HV_CTL": shlex.join(self.agent.hivectl()),
                                       "HV_OUT": os.path.join(hv.BUILD, "test", "web", "pictures")})
                print(r.stdout)
                self.assertEqual(r.returncode, 0)
                self.assertGreater(int(re.search(r"tests (\d+)", r.stdout).group(1)), 2)

    def get(self, path, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.agent.port)
        try:
            c.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def test_files_are_served_as_they_may_be_kept(self):
        status, headers, page = self.get("/dashboard")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Cache-Control"], "no-cache")
        self.assertIn("script-src 'self'", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        self.assertNotIn(b"stage", page)  # it holds nothing about the node
        self.assertEqual(self.get("/tasks/anything/at/all")[2], page)
        again = self.get("/dashboard", If_None_Match=headers["ETag"])
        self.assertEqual(again[0], 304)  # its headers replace those of the page that the browser kept
        self.assertEqual(again[1]["Content-Security-Policy"], headers["Content-Security-Policy"])
        for name in re.findall(rb"/assets/[^\"]+", page):
            status, headers, plain = self.get(name.decode())
            self.assertEqual((status, headers["Cache-Control"]), (200, "public, max-age=31536000, immutable"))
            status, headers, zipped = self.get(name.decode(), Accept_Encoding="br, gzip;q=0.5")
            self.assertEqual((headers["Content-Encoding"], headers["Vary"]), ("gzip", "Accept-Encoding"))
            self.assertEqual(gzip.decompress(zipped), plain)
        self.assertEqual(self.get("/assets/app.js")[0], 404)


if __name__ == "__main__":
    base.main()
