#!/usr/bin/env python3
"""Images that are there before anybody needs them: pulled beforehand from Debian's docker-registry, through a mirror, inside a window,
from archives; and what cannot come is told while the others do."""
import json
import os
import time
from unittest import mock

import base
import hv
from cutter import Cutter
from hv import document, service
from registry import ADDRESS, Registry

KIB = 1 << 10


class Images(base.Case):
    @classmethod
    def setUpClass(cls):
        with mock.patch.dict(os.environ, HV_ENGINE_ARGS="--max-download-attempts 1"):  # trying again is hivelet's part
            super().setUpClass()
        cls.addClassCleanup(cls.engine.stop)
        cls.registry = Registry(cls.engine)
        cls.addClassCleanup(cls.registry.stop)

    @classmethod
    def tearDownClass(cls):
        pass

    def tearDown(self):
        super().tearDown()
        for name in self.there():
            self.engine.call("DELETE", f"/images/{name}?force=1")

    def there(self):
        return {t for i in self.engine.call("GET", "/images/json") for t in i["RepoTags"] or []} - {hv.IMAGE}

    def seen(self):
        return {i["metadata"]["name"]: i["status"] for i in self.agent.call("GET", "/api/v1/images")["items"]}

    def state(self, name):
        return self.seen()[name]["phase"], self.seen()[name]["reason"]

    def start(self, images, more=""):
        self.agent.write(document(f"  images: {images}\n{more}"))
        self.agent.start()

    def test_one_that_cannot_come_keeps_no_other_back(self):
        a, b = (self.registry.put(f"preload/{n}:1", 64 * KIB) for n in "ab")
        gone, cut = f"{ADDRESS}/preload/nobody-has-it:1", self.registry.put("preload/cut:1", 4096 * KIB, cut=True)
        agent = self.agent
        self.start(f"{{pull: {{parallel: 1}}, preload: [{{ref: \"{gone}\", name: gone}}, {{ref: \"{cut}\", name: cut}}, "
                   f"{{ref: \"{a}\", name: a}}, {{ref: \"{b}\", name: b}}]}}")
        agent.wait(lambda: self.state("a") == self.state("b") == ("Ready", "Synced"), "the others are there")
        agent.wait(lambda: self.state("gone") == self.state("cut") == ("BackOff", "PullFailed"), "it is told")
        self.assertEqual(self.there(), {a, b})
        self.assertIn("gone", agent.ctl("get", "images").stdout)
        said = "not found" if hv.KIND == "docker" else "manifest unknown"
        agent.wait(lambda: said in agent.ctl("why", "image/gone").stdout, "it is told why")  # but while it is tried again
        self.assertIn("PullFailed", json.dumps(agent.call("GET", "/api/v1/events")))
        # Whoever mends it need not wait: `apply` tries again.
        made = self.registry.put("preload/nobody-has-it:1", 64 * KIB)
        agent.apply()
        agent.wait(lambda: self.state("gone") == ("Ready", "Synced"), "it came")
        self.assertEqual(self.there(), {a, b, made})

    def test_as_many_come_at_once_as_may(self):
        """Of three that the registry lets wait, two are asked for."""
        for n in "abc":
            self.registry.put(f"many/{n}:1", 64 * KIB)
        cutter = Cutter(self.engine, 5004, int(ADDRESS.rpartition(":")[2]), 0, hold=True)
        self.addCleanup(cutter.stop)
        wanted = ", ".join(f"{{ref: \"{cutter.address}/many/{n}:1\", name: {n}}}" for n in "abc")
        self.start(f"{{pull: {{parallel: 2}}, preload: [{wanted}]}}")
        self.assertTrue(cutter.was_cut())
        self.agent.wait(lambda: sorted(s["phase"] for s in self.seen().values()) == ["Pending", "Pulling", "Pulling"], "two come")

    def test_a_window_holds_back_only_what_nothing_waits_for(self):
        a, b = (self.registry.put(f"window/{n}:1", 64 * KIB) for n in "ab")
        hour = time.gmtime().tm_hour
        window = f"{(hour + 10) % 24:02}:00-{(hour + 11) % 24:02}:00 UTC"
        web = service("web", image=b).replace("pullPolicy: never", "pullPolicy: missing")
        self.start(f"{{pull: {{window: \"{window}\"}}, preload: [{{ref: \"{a}\", name: a}}]}}", more=f"  services:\n{web}")
        self.agent.wait_synced()
        self.agent.wait(lambda: self.state("a") == ("Waiting", "WaitingWindow"), "it waits")
        self.assertEqual(self.there(), {b})
        window = f"{(hour - 1) % 24:02}:00-{(hour + 10) % 24:02}:00 UTC"
        self.agent.desire(document(f"  images: {{pull: {{window: \"{window}\"}}, preload: [{{ref: \"{a}\", name: a}}]}}\n  services:\n{web}"))
        self.agent.wait(lambda: self.state("a") == ("Ready", "Synced"), "it came")

    def test_what_somebody_asks_for_comes_at_once(self):
        """Inside the policy, whatever the window; and it stays as long as any image that is young."""
        a, b = (self.registry.put(f"asked/{n}:1", 64 * KIB) for n in "ab")
        hour = time.gmtime().tm_hour
        window = f"{(hour + 10) % 24:02}:00-{(hour + 11) % 24:02}:00 UTC"
        self.start(f"{{pull: {{window: \"{window}\", parallel: 1}}}}", more=f"  node: {{policy: {{images: {{allow: [\"{ADDRESS}/asked/*\"]}}}}}}\n"
                   "  gc: {disk: {minAge: 1h}}\n")
        self.agent.wait_synced()
        refused = self.agent.ctl("preload", a, f"{ADDRESS}/other/c:1")
        self.assertEqual(refused.returncode, 5, refused.stderr)
        self.assertIn("matches none of node.policy.images.allow", refused.stderr)
        self.assertEqual(self.agent.call("GET", "/api/v1/preload"), {"images": []})
        gone = f"{ADDRESS}/asked/nobody-has-it:1"
        r = self.agent.ctl("preload", a, gone, b, "--wait")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn(f"{a} is there", r.stderr)
        self.assertIn(f"{gone} cannot be pulled", r.stderr)
        self.assertEqual(self.there(), {a, b})
        self.assertEqual(self.agent.ctl("preload", a, "--wait").returncode, 0)
        shown = self.agent.ctl("images")
        self.assertIn("unused for less than gc.disk.minAge", shown.stdout)
        self.assertIn(f"{gone} cannot be pulled", shown.stderr)
        # Days later it is old, until somebody asks for it again.
        self.agent.end()
        path = os.path.join(self.agent.dir, "state", "images.json")
        with open(path, encoding="utf-8") as f:
            kept = json.load(f)
        for image in kept["images"]:
            image["unusedSince"] -= 7 * 24 * 3600 * 1_000_000
        with open(path, "w", encoding="utf-8") as f:
            json.dump(kept, f)
        self.agent.start()
        self.agent.wait_synced()
        self.assertNotIn("unused for less than gc.disk.minAge", self.agent.ctl("images").stdout)
        self.assertEqual(self.agent.ctl("preload", a, "--wait").returncode, 0)
        young = [line for line in self.agent.ctl("images").stdout.splitlines() if "unused for less than gc.disk.minAge" in line]
        self.assertEqual(["asked/a:1" in line for line in young], [True])

    def test_a_mirror_is_asked_first_and_leaves_no_name(self):
        """The registry that the name begins with does not exist."""
        self.registry.put("cache/library/thing:1", 64 * KIB)
        other = self.registry.put("own/thing:1", 64 * KIB)
        wanted = "registry.invalid/library/thing:1"
        registries = (f"  registries:\n    - {{name: far, host: registry.invalid, mirrors: [\"http://127.0.0.1:1\", \"http://{ADDRESS}/cache\"]}}\n"
                      f"    - {{name: near, host: \"{ADDRESS}\", mirrors: [\"http://{ADDRESS}/nothing-here\"]}}\n")
        self.start(f"{{preload: [{{ref: {wanted}, name: far}}, {{ref: \"{other}\", name: near}}]}}", more=registries)
        self.agent.wait(lambda: self.state("far") == self.state("near") == ("Ready", "Synced"), "both came")
        self.assertEqual(self.there(), {wanted, other})

    def test_a_connection_that_breaks_is_begun_again(self):
        """A megabyte in, the network is gone; when it is back the pull ends by itself, and nothing half-named was there meanwhile."""
        self.registry.put("broken/thing:1", 4096 * KIB)
        cutter = Cutter(self.engine, 5003, int(ADDRESS.rpartition(":")[2]), 1024 * KIB)
        self.addCleanup(cutter.stop)
        wanted = f"{cutter.address}/broken/thing:1"
        web = service("web", image=wanted).replace("pullPolicy: never", "pullPolicy: missing")
        before = {i["Id"] for i in self.engine.call("GET", "/images/json?all=1")}
        self.start("{}", more=f"  services:\n{web}")
        self.assertTrue(cutter.was_cut())
        self.agent.wait(lambda: self.agent.services()["hive-web"]["reason"] == "PullFailed", "it is told")
        self.assertEqual({i["Id"] for i in self.engine.call("GET", "/images/json?all=1")}, before)
        cutter.mend()
        self.agent.wait_synced()
        self.assertEqual((self.engine.running(), self.there()), ({"hive-web"}, {wanted}))
        said = next(line for line in self.agent.call("GET", "/metrics").splitlines() if line.startswith("hivelet_image_pull_bytes_total "))
        if hv.KIND == "docker":  # podman does not say how much came, and Docker leaves steps out, the last one too
            self.assertGreater(int(said.split()[1]), 0)

    def test_archives_are_loaded_once(self):
        folder = os.path.join(self.agent.dir, "archives")
        os.mkdir(folder)
        self.engine.save(os.path.join(folder, "one.tar"), "docker.io/offline/one:1")
        for name, text in (("broken.tar", b"no archive"), ("notes.txt", b"nothing")):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(text)
        os.chmod(os.path.join(folder, "broken.tar"), 0o644)
        with open(os.path.join(folder, "anybody.tar"), "wb") as f:
            f.write(b"x")
        os.chmod(os.path.join(folder, "anybody.tar"), 0o666)
        agent = self.agent
        # The name leads nowhere: what the archive brings is what the service runs.
        web = service("web", image="docker.io/offline/one:1").replace("pullPolicy: never", "pullPolicy: missing")
        self.start(f"{{archives: {folder}}}", more=f"  services:\n{web}")
        agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web"})
        for words in ("broken.tar is not loaded", "anybody.tar is not loaded: it must belong to root"):
            agent.wait(lambda w=words: w in agent.text_of_log(), words)  # the others may come behind the one that was waited for
        self.assertNotIn("notes.txt", agent.text_of_log())
        self.assertEqual(agent.terminate(), 0)
        agent.start()
        agent.wait_synced()
        self.assertEqual(agent.text_of_log().count("1 images loaded"), 1)


if __name__ == "__main__":
    base.main()
