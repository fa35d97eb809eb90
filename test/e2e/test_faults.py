#!/usr/bin/env python3
"""What breaks around the agent, and the agent itself: nothing is lost, nothing is made twice."""
import os
import signal
import time

import base
import hv
from hv import Agent, document, service


class EngineFaults(base.Case):
    def test_the_engine_is_killed_and_comes_back(self):
        agent = self.up("  services:\n" + service("web") + service("api"))
        ids = {n: c["Id"] for n, c in self.engine.containers().items()}
        self.engine.kill()
        agent.wait(lambda: agent.status()["engine"]["state"] == "Down", "the engine is known to be down")
        self.assertEqual(agent.call("GET", "/livez").strip(), "ok")
        with self.assertRaises(hv.HttpError) as e:
            agent.call("GET", "/readyz")
        self.assertEqual(e.exception.status, 503)
        self.assertIn("DockerDown", agent.text_of_log() + agent.ctl("status").stdout)
        self.engine.restart()
        agent.wait(lambda: agent.status()["synced"] and self.engine.running() == set(ids), "converged again")
        self.assertEqual({n: c["Id"] for n, c in self.engine.containers().items()}, ids, "the same containers")

    def test_the_engine_hangs_and_recovers(self):
        agent = self.up("  node: {reconcile: {resync: 1s, callTimeout: 2s}}\n  services:\n" + service("web"))
        pid = self.engine.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            agent.wait(lambda: agent.status()["engine"]["state"] == "Unresponsive", "the hang is noticed")
            self.assertEqual(agent.call("GET", "/livez").strip(), "ok")
        finally:
            os.kill(pid, signal.SIGCONT)
        agent.wait(lambda: agent.status()["synced"], "in sync again")

    def test_what_happened_while_the_engine_was_away_is_put_right(self):
        agent = self.up("  services:\n" + service("web") + service("api"))
        self.engine.kill()
        agent.wait(lambda: agent.status()["engine"]["state"] == "Down", "down")
        agent.write(document("  services:\n" + service("web") + service("third")))
        agent.wait(lambda: "third" in agent.call("GET", "/api/v1/services") or True, "read")
        self.engine.restart()
        agent.wait(lambda: agent.status()["synced"] and self.engine.running() == {"hive-web", "hive-third"},
                   "the file that was written meanwhile is what runs")

    def test_without_an_engine_the_agent_starts_and_says_so(self):
        self.agent.docker = "/nonexistent/docker.sock"
        self.agent.write(document("  services:\n" + service("web")))
        self.agent.start()
        status = self.agent.status()
        self.assertEqual(status["engine"]["state"], "Down")
        self.assertIn("/nonexistent/docker.sock", status["engine"]["message"])


class AgentFaults(base.Case):
    N = 50

    def many(self):
        return document("  services:\n" + "".join(service(f"s{i:02}") for i in range(self.N)))

    def test_killed_in_the_middle_of_fifty_services(self):
        """SIGKILL at ten moments of one convergence; each start goes on where the last one ended."""
        events = hv.Events(self.engine.sock)
        self.agent.write(self.many())
        for part in range(1, 11):
            self.agent.start(wait=False)
            events.wait("start", 2)
            self.agent.kill()
        started = {}
        self.agent.start()
        self.agent.wait_synced(240)
        events.close()
        containers = self.engine.containers()
        self.assertEqual(set(containers), {f"hive-s{i:02}" for i in range(self.N)})
        self.assertEqual({c["State"] for c in containers.values()}, {"running"})
        for _, name, _ in events.drain():
            started[name] = started.get(name, 0) + 1
        names = [c["Labels"]["io.hivelet.name"] for c in containers.values()]
        self.assertEqual(len(names), len(set(names)), "no duplicate")
        for name in containers:
            self.assertEqual(self.engine.inspect(name)["RestartCount"], 0)

    def test_sigterm_leaves_every_container_running(self):
        agent = self.up("  services:\n" + service("web") + service("api"))
        before = {n: self.started_at(n) for n in self.engine.containers()}
        self.assertEqual(agent.terminate(), 0)
        self.assertEqual({n: self.started_at(n) for n in self.engine.running()}, before)
        self.assertFalse(os.path.exists(agent.socket))
        agent.start()
        agent.wait_synced()
        self.assertEqual({n: self.started_at(n) for n in self.engine.running()}, before, "and the next one adopts them")

    def test_a_killed_agent_is_followed_by_one_that_touches_nothing(self):
        agent = self.up("  services:\n" + service("web"))
        events = hv.Events(self.engine.sock)
        agent.kill()
        agent.start()
        agent.wait_synced()
        events.close()
        self.assertEqual(events.drain(), [], "a new agent beside a converged engine has nothing to do")

    def test_quiet_when_in_sync(self):
        agent = self.up("  node: {reconcile: {resync: 1s}}\n  services:\n" + service("web"))
        calls = lambda: agent.call("GET", "/metrics", accept="text/plain")  # noqa: E731
        lists = lambda: sum(float(l.rsplit(" ", 1)[1]) for l in calls().splitlines()  # noqa: E731
                            if l.startswith("hivelet_actions_total{") and 'action="list"' in l)
        before, files, events = lists(), self.state_files(), hv.Events(self.engine.sock)
        until = time.monotonic() + hv.LIMIT_S
        while lists() < before + 5:
            self.assertLess(time.monotonic(), until)
            agent.wait(lambda: True, "")
            time.sleep(0.2)  # five resyncs of one second: time itself is what is waited for
        events.close()
        self.assertEqual([e for e in events.drain() if not e[0].startswith("exec")], [])
        self.assertEqual(self.state_files(), files, "no write while in sync")

    def state_files(self):
        found = {}
        for d, _, names in os.walk(os.path.join(self.agent.dir, "state")):
            for n in names:
                s = os.stat(os.path.join(d, n))
                found[os.path.join(d, n)] = (s.st_mtime_ns, s.st_ino)
        return found

    def test_two_agents_do_not_share_a_socket(self):
        agent = self.up("  services:\n" + service("web"))
        second = Agent(self.engine.sock, directory=agent.dir)
        r = second.run()
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("hivelet.sock", r.stderr)
        self.assertTrue(agent.status()["synced"])


if __name__ == "__main__":
    base.main()
