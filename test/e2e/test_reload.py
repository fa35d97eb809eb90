#!/usr/bin/env python3
"""How a running agent learns of a change: SIGHUP, drop-ins, the address it listens on; and what it tells its manager."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import tarfile

import base
import hv
from hv import Agent, document, service

TWO = "  services:\n" + service("web") + service("api")


class Manager:
    """The end of NOTIFY_SOCKET that a service manager holds."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(hv.LIMIT_S)
        self.lines = []

    def until(self, start, after=0):
        """The place behind the first line from `after` on that begins so."""
        while True:
            for i in range(after, len(self.lines)):
                if self.lines[i].startswith(start):
                    return i + 1
            self.lines += self.socket.recv(1 << 16).decode().splitlines()

    def status(self, before):
        return [line for line in self.lines[:before] if line.startswith("STATUS=")][-1]

    def close(self):
        self.socket.close()


class Reload(base.Case):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.agent.dir)
        self.addCleanup(self.manager.close)
        self.up(TWO, env={"NOTIFY_SOCKET": self.manager.path})
        self.manager.until("READY=1")

    def hang_up(self):
        """SIGHUP, told from beginning to end (sd_notify(3), Type=notify-reload). The status at its end."""
        begin = len(self.manager.lines)
        self.agent.process.send_signal(signal.SIGHUP)
        reloading = self.manager.until("RELOADING=1", begin)
        self.assertRegex(self.manager.lines[reloading], "^MONOTONIC_USEC=[0-9]+$")
        return self.manager.status(self.manager.until("READY=1", reloading))

    def test_a_reload_is_told_and_takes_the_file(self):
        before = {n: self.started_at(n) for n in self.engine.running()}
        self.hang_up()
        self.assertEqual({n: self.started_at(n) for n in self.engine.running()}, before, "nothing changed, nothing done")
        self.agent.write(document(TWO + service("third")))
        self.hang_up()
        self.agent.wait(lambda: "hive-third" in self.engine.running(), "taken in")
        self.assertEqual(self.agent.terminate(), 0)
        self.manager.until("STOPPING=1")

    def test_the_manager_is_told_of_a_cordon(self):
        def told(after, word, is_there):
            while True:
                after = self.manager.until("STATUS=", after)
                if (word in self.manager.status(after)) == is_there:
                    return after

        cordoned = len(self.manager.lines)
        self.agent.call("POST", "/api/v1/cordon", '{"reason": "the rack moves"}')
        cordoned = told(cordoned, "cordoned by", True)
        self.assertIn("the rack moves", self.manager.status(cordoned))
        self.agent.call("DELETE", "/api/v1/cordon")
        told(cordoned, "cordoned", False)

    def test_sources_and_kept_revisions_say_what_they_hold(self):
        def sources():
            return {s["name"]: s for s in self.agent.call("GET", "/api/v1/sources")["items"]}

        before = sources()
        self.assertEqual((before["file"]["objects"], before["api"]["objects"]), (2, 0))
        self.assertIsNone(before["api"]["revision"])
        more = ("apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: third}\n"
                "spec: {image: hv/busybox:1, command: [sleep, \"1000000\"], network: none}\n")
        result = self.agent.ctl("apply", "-f", "-", stdin=more)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.agent.wait_synced()
        after = sources()
        self.assertEqual(after["file"]["revision"], before["file"]["revision"], "the file gave what it gave before")
        self.assertNotIn(after["api"]["revision"], (None, after["file"]["revision"]))
        kept = self.agent.call("GET", "/api/v1/revisions")["items"]
        self.assertEqual([(r["state"], r["objects"]) for r in kept], [("Active", 3), ("Previous", 2)])

    def test_whoever_stops_does_not_reload(self):
        with socket.socket(socket.AF_UNIX) as unfinished:  # a request that the end waits for
            unfinished.connect(self.agent.socket)
            unfinished.sendall(b"POST /api/v1/apply HTTP/1.1\r\nHost: hivelet\r\nContent-Length: 10\r\n\r\n")
            self.agent.status()  # later on the same loop: the request is known by now
            self.agent.process.send_signal(signal.SIGTERM)
            stopping = self.manager.until("STOPPING=1")
            self.agent.process.send_signal(signal.SIGHUP)
            self.assertEqual(self.agent.process.wait(hv.LIMIT_S), 0)
            self.agent.log.close()
        self.manager.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.manager.until("RELOADING=1", stopping)

    def test_a_reload_of_a_bad_file_ends_ready_and_says_what_is_wrong(self):
        revision = self.agent.status()["revision"]
        self.agent.write(document(TWO + "  servces: []\n"))
        status = self.hang_up()
        self.assertIn("RevisionRejected", status)
        self.assertIn("servces", status)
        self.assertTrue(self.agent.status()["refused"])
        self.assertEqual(self.agent.status()["revision"], revision)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api"})
        self.assertIn("E0201", self.agent.text_of_log())
        self.agent.write(document(TWO))
        self.assertNotIn("RevisionRejected", self.hang_up())
        self.assertFalse(self.agent.status()["refused"])


LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] (ERROR|WARNING|NOTICE|INFO): .+")


class LogFiles(base.Case):
    """logging.dir, live and over a restart."""

    def setUp(self):
        super().setUp()
        self.above = os.path.join(self.agent.dir, "above")
        self.folder = os.path.join(self.above, "log")

    def text(self, logging):
        return document(f"  logging: {{{logging}}}\n  node: {{reconcile: {{resync: 1s}}}}\n  services:\n" + service("web"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def lines(self, name="hivelet.log"):
        with open(self.path(name)) as f:
            return f.read().splitlines()

    def events(self):
        return [json.loads(line) for line in self.lines("events.jsonl")]

    def told(self, event):
        return [e for e in self.agent.call("GET", "/api/v1/events")["items"] if e["event"] == event]

    def hang_up(self):
        self.agent.process.send_signal(signal.SIGHUP)
        return True

    def passes(self):
        return sum(float(v) for v in re.findall(r"^hivelet_reconcile_total\S* (\S+)", self.agent.call("GET", "/metrics", accept="text/plain"), re.M))

    def written(self):
        return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in map(os.stat, map(self.path, sorted(os.listdir(self.folder))))]

    def refused(self, words, **env):
        r = self.agent.run("--check", env=env)
        self.assertEqual(r.returncode, 1, r.stdout)
        self.assertIn(words, r.stderr)

    def test_the_log_is_kept_in_files(self):
        agent = self.agent
        agent.write(self.text("level: info"))
        agent.start()
        agent.wait_synced()
        # A folder that cannot be: told beforehand, told once, and nothing else comes of it.
        agent.write(self.text(f"dir: {self.folder}"))
        self.refused("logging.dir: the folder " + self.folder)
        agent.apply()
        agent.wait(lambda: self.told("LogFilesFailed"), "it is told")
        self.hang_up()
        agent.wait(lambda: self.told("ReloadStarted"), "it goes on")
        self.assertEqual(len(self.told("LogFilesFailed")), 1)
        # It is tried again with what is logged.
        os.mkdir(self.above)
        agent.wait(lambda: self.told("LogFilesBack") or not self.hang_up(), "it is there again")
        self.assertRegex(self.told("LogFilesBack")[0]["message"], "[1-9][0-9]* records")
        agent.wait_synced()
        self.assertEqual((os.stat(self.folder).st_mode & 0o7777, sorted(os.listdir(self.folder))), (0o750, ["events.jsonl", "hivelet.log"]))
        for name in os.listdir(self.folder):
            self.assertEqual(os.stat(self.path(name)).st_mode & 0o7777, 0o640)
        for line in self.lines():
            self.assertRegex(line, LINE)
        kept = self.events()
        shown = {(e["time"], e["event"], e["message"]) for e in agent.call("GET", "/api/v1/events")["items"]}
        for e in kept:
            self.assertEqual(list(e), ["timestamp", "event_type", "task_id", "node_id", "details"])
            self.assertIn((e["timestamp"], e["event_type"], e["details"]["message"]), shown)
        # A node at rest writes nothing, however often it looks. The first pass from now on is after what was asked of it.
        passes = self.passes()
        agent.wait(lambda: self.passes() > passes, "it rests")
        before, passes = self.written(), self.passes()
        agent.wait(lambda: self.passes() >= passes + 2, "it looks twice")
        self.assertEqual(self.written(), before)

        # The next run: its first records are there too, though they were logged before it knew where; nothing of it is anywhere else.
        agent.terminate()
        stopped = [line.split(": ", 1)[1] for line in self.lines() if "stopping on" in line]
        agent.write(self.text("target: file"))
        self.refused("LOG_DIR")
        self.assertEqual(agent.run("--check", env={"LOG_DIR": self.folder}).returncode, 0)
        agent.write(self.text(f"target: file, dir: {self.folder}"))
        length, n_events = len(agent.text_of_log()), len(self.events())
        agent.start()
        agent.wait(lambda: self.told("AgentReady"), "it is ready")
        shown = [e["event"] for e in agent.call("GET", "/api/v1/events")["items"]]
        self.assertEqual(shown[0], "AgentStarted")
        self.assertEqual([e["event_type"] for e in self.events()[n_events:]][:len(shown)], shown)
        self.assertNotIn("ready: ", agent.text_of_log()[length:])
        messages = [e["message"] for e in agent.call("GET", "/api/logs")["logs"]]
        self.assertIn(stopped[0], messages)
        self.assertLess(messages.index(stopped[0]), [m.startswith("ready: ") for m in messages].index(True))

        # Only what is too many goes, and only what is the agent's.
        for name in ("hivelet.log.7", "hivelet.log.4", "hivelet.log.old", "strange"):
            shutil.copy(self.path("hivelet.log"), self.path(name))
        r = agent.ctl("gc", "--dry-run", "-o", "json")
        self.assertEqual([(s["what"], s["name"]) for s in json.loads(r.stdout)["steps"] if s["what"] == "log"], [("log", "hivelet.log.7")])
        self.assertIn("hivelet.log.7", agent.ctl("gc").stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), ["events.jsonl", "hivelet.log", "hivelet.log.4", "hivelet.log.old", "strange"])
        with tarfile.open(self.bundle()) as bundle:
            self.assertEqual([m.size > 0 for m in bundle.getmembers() if m.name.endswith("/hivelet.log")], [True])

        # Live, the other way.
        agent.desire(self.text("level: info"))
        before = self.written()
        n = len(self.told("ReloadStarted"))
        self.hang_up()
        agent.wait(lambda: len(self.told("ReloadStarted")) > n, "something is logged")
        self.assertEqual(self.written(), before)

    def bundle(self):
        path = os.path.join(self.agent.dir, "bundle.tar.gz")
        self.assertEqual(self.agent.ctl("bundle", path).returncode, 0)
        return path


class DropIns(base.Case):
    def put(self, name, text):
        os.makedirs(os.path.join(self.agent.dir, "conf.d"), exist_ok=True)
        self.agent.write(text, os.path.join(self.agent.dir, "conf.d", name))

    @staticmethod
    def one(name):
        text = service(name).replace(f"    - name: {name}\n", "")
        return (f"apiVersion: hivelet/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n" +
                "".join("  " + line.removeprefix("      ") + "\n" for line in text.splitlines()))

    def test_drop_ins_come_change_and_go(self):
        agent = self.up(TWO)
        self.put("extra.yaml", self.one("extra"))  # the directory itself is new, too
        agent.wait(lambda: "hive-extra" in self.engine.running(), "added")
        before = self.engine.inspect("hive-extra")["Id"]
        self.put("extra.yaml", self.one("extra").replace("1000000", "2000000"))
        agent.wait(lambda: (new := self.engine.look("hive-extra")) and new["Id"] != before and new["State"]["Running"],
                   "changed")
        self.put("ignored.txt", "not yaml: [")
        self.put("twice.yaml", self.one("web"))
        agent.wait(lambda: agent.status()["refused"], "the same name in two files")
        self.assertIn("E0107", [e["code"] for e in agent.status()["errors"]])
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api", "hive-extra"})
        os.unlink(os.path.join(agent.dir, "conf.d", "twice.yaml"))
        agent.wait(lambda: not agent.status()["refused"], "mended")
        os.unlink(os.path.join(agent.dir, "conf.d", "extra.yaml"))
        agent.wait(lambda: set(self.engine.containers()) == {"hive-web", "hive-api"}, "gone")


class Listen(base.Case):
    def ask(self, port, method, path, host=None, body=None):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=hv.LIMIT_S)
        try:
            c.request(method, path, body, {"Host": host} if host else {})
            r = c.getresponse()
            return r.status, r.read().decode(), r.headers
        finally:
            c.close()

    def body(self, port):
        return f"  http: {{listen: \"127.0.0.1:{port}\"}}\n" + TWO

    def test_the_address_shows_and_changes_nothing_and_follows_the_file(self):
        first, second = Agent.free_port(), Agent.free_port()
        agent = self.up(self.body(first), env={"FLASK_PORT": ""})
        self.assertEqual(self.ask(first, "GET", "/livez")[0], 200)
        status, text, headers = self.ask(first, "HEAD", "/api/v1/status")
        self.assertEqual((status, text), (200, ""))
        for method, path, wanted in (("POST", "/api/v1/apply", 401), ("POST", "/api/v1/reload", 401), ("DELETE", "/api/v1/services/web", 401),
                                     ("PUT", "/api/v1/status", 405), ("POST", "/api/v1/plan", 401)):
            status, _, headers = self.ask(first, method, path, body=b"{}" if method != "DELETE" else None)
            self.assertEqual((method, path, status), (method, path, wanted))
        for host in ("example.org", "evil.localhost.example.org", "192.0.2.1", f"example.org:{first}"):
            status, text, _ = self.ask(first, "GET", "/api/v1/status", host)
            self.assertEqual((host, status), (host, 421))
            self.assertNotIn("revision", text)
        for host in ("localhost", f"127.0.0.1:{first}", f"localhost:{first}"):
            self.assertEqual(self.ask(first, "GET", "/livez", host)[0], 200, host)
        agent.desire(document(self.body(second)))
        self.assertEqual(self.ask(second, "GET", "/livez")[0], 200)
        with self.assertRaises(ConnectionRefusedError):
            self.ask(first, "GET", "/livez")

    def test_an_address_that_is_taken_costs_nothing_else(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            agent = self.up(self.body(port), env={"FLASK_PORT": ""})
            self.assertIn(f"127.0.0.1:{port}", agent.text_of_log())
            self.assertEqual(self.engine.running(), {"hive-web", "hive-api"})
            self.assertEqual(agent.call("GET", "/livez").strip(), "ok")
            self.assertEqual(self.listening(), ("False", "NotListening"))
        # Free again: it is tried until it works, and told twice in all.
        agent.wait(lambda: f"http.listen: 127.0.0.1:{port} is served" in agent.text_of_log(), "it is served")
        self.assertEqual(self.ask(port, "GET", "/livez")[0], 200)
        self.assertEqual(agent.text_of_log().count("the unix socket still serves"), 1)
        self.assertEqual(self.listening(), ("True", "Ok"))

    def listening(self):
        c = {c["type"]: c for c in self.agent.status()["conditions"]}["Listening"]
        return c["status"], c["reason"]

    def test_other_addresses_are_refused(self):
        self.agent.write(document(self.body(5000).replace("127.0.0.1", "0.0.0.0")))
        r = self.agent.run("--check", env={"FLASK_PORT": ""})
        self.assertEqual(r.returncode, 1)
        self.assertIn("E0504", r.stderr)


if __name__ == "__main__":
    base.main()
