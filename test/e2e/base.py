"""base.py - a test case with one private engine for its class and one fresh agent for each test."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import hv  # noqa: E402 - the path comes first
from proxy import Proxy  # noqa: E402


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.engine = hv.Engine()

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()

    def setUp(self):
        self.agent = hv.Agent(self.engine.sock)
        self.proxies = []

    def through_proxy(self):
        """The agent's way to the engine, recorded."""
        proxy = Proxy(os.path.join(self.agent.dir, "proxy.sock"), self.engine.sock)
        self.proxies.append(proxy)
        self.agent.docker = proxy.path
        return proxy

    def tearDown(self):
        failed = self._outcome.result.failures + self._outcome.result.errors if hasattr(self._outcome, "result") else []
        if any(test is self for test, _ in failed) and os.path.exists(self.agent.log_path):
            sys.stderr.write(self.agent.text_of_log()[-4000:])
        code = self.agent.end()
        for proxy in self.proxies:
            proxy.close()
        log = self.agent.text_of_log() if os.path.exists(self.agent.log_path) else ""
        self.agent.done()
        self.engine.clear()
        self.assertEqual(code, 0, log[-4000:])
        for word in ("Sanitizer", "runtime error:"):
            self.assertNotIn(word, log)

    def up(self, body, **more):
        """An agent that has converged on `body`."""
        self.agent.write(hv.document(body))
        self.agent.start(**more)
        self.agent.wait_synced()
        return self.agent

    def started_at(self, name):
        return self.engine.inspect(name)["State"]["StartedAt"]


def main():
    unittest.main(verbosity=2)
