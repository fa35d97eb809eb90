#!/usr/bin/env python3
"""What breaks around the agent, and the agent itself: nothing is lost, nothing is made twice."""
import collections
import os
import signal

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
            followed = agent.ctl("logs", "-f", "web")  # an engine that does not even begin to answer
            self.assertNotEqual(followed.returncode, 0, followed.stdout)
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
        r = agent.ctl("apply")
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        self.assertIn("as soon as the container engine answers", r.stdout + r.stderr)
        self.engine.restart()
        agent.wait(lambda: agent.status()["synced"] and self.engine.running() == {"hive-web", "hive-third"},
                   "the file that was written meanwhile is what runs")

    def test_a_list_that_fails_is_not_an_empty_one(self):
        """Errors, half answers and nonsense in the place of each list: looked at again, and nothing is made or removed."""
        proxy = self.through_proxy()
        agent = self.up("  node: {reconcile: {resync: 1s}}\n  networks: [{name: net}]\n  volumes: [{name: data}]\n  services:\n" +
                        service("web", "mounts: [{volume: data, target: /data}]", network="networks: [{name: net}]"))
        before = self.started_at("hive-web")
        for part in ("/containers/json", "/networks", "/volumes"):
            for what, answer in (("an error", self.answer(500, '{"message": "no"}')), ("half", self.answer(200, '[{"Id', 99)),
                                 ("nonsense", self.answer(200, "<html>")), ("another type", self.answer(200, '"x"'))):
                with self.subTest(f"{part}: {what}"):
                    begin = len(proxy.requests)
                    proxy.instead = {part: answer}
                    proxy.wait(lambda all: sum(r[1].startswith(part) for r in all[begin:]) >= 2, hv.LIMIT_S)
                    proxy.instead = {}
                    agent.wait_synced()
                    self.assertEqual({method for method, _ in proxy.requests[begin:]}, {"GET"})
        self.assertEqual(self.started_at("hive-web"), before)

    @staticmethod
    def answer(status, text, length=None):
        return (f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length or len(text)}\r\n\r\n"
                f"{text}").encode()

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
        self.addCleanup(events.close)
        self.agent.write(self.many())
        seen = []
        for _ in range(10):
            self.agent.start(wait=False)
            seen += events.next("start", 2)
            self.agent.kill()
        self.agent.start()
        self.agent.wait_synced(240)
        seen += events.until_now(self.engine)
        names = {f"hive-s{i:02}" for i in range(self.N)}
        containers = self.engine.containers()
        self.assertEqual(set(containers), names)
        self.assertEqual({c["State"] for c in containers.values()}, {"running"})
        # Not only the same result: nothing was made twice on the way.
        for action in ("create", "start"):
            self.assertEqual(collections.Counter(name for what, name, _ in seen if what == action),
                             dict.fromkeys(names, 1), action)
        self.assertEqual([e for e in seen if e[0] in ("die", "destroy", "remove")], [])

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
        self.addCleanup(events.close)
        agent.kill()
        agent.start()
        agent.wait_synced()
        self.assertEqual(events.until_now(self.engine), [], "a new agent beside a converged engine has nothing to do")

    def test_quiet_when_in_sync(self):
        proxy = self.through_proxy()
        self.up("  node: {reconcile: {resync: 1s}}\n  gc: {interval: 24h}\n  services:\n" + service("web"))
        self.assertEqual(self.agent.ctl("gc").returncode, 0)  # else the first round comes by itself, ten seconds after the revision
        files, before, told = self.state_files(), len(proxy.requests), self.agent.text_of_log()
        proxy.wait(lambda all: sum(r[1].startswith("/containers/json") for r in all[before:]) >= 5, hv.LIMIT_S)
        # A resync is a list, and the details of a tenth of the containers.
        self.assertEqual({r for r in proxy.requests[before:] if not self.is_look(r)}, set())
        self.assertEqual(self.state_files(), files, "no write while in sync")
        self.assertEqual(self.agent.text_of_log(), told, "nothing to tell either")

    @staticmethod
    def is_look(request):
        return request[0] == "GET" and request[1].startswith(("/containers/", "/networks", "/volumes"))

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
