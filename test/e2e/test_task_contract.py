#!/usr/bin/env python3
"""What HiveMind's worker gives a task, read back from the engine, the ledger and the store of results: docs/tasks.md."""
import contextlib
import datetime
import io
import json
import os
import tarfile

import base
import hv
import tasks
from tasks import ENDLESS

GIB = 1 << 30


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "contract")

    def start(self, body="", node="", **variables):
        self.agent.variables = variables
        self.agent.declare({}, node=node, body=f"  taskDefaults: {{image: {hv.IMAGE}{body}}}\n")
        self.agent.start()
        self.agent.wait_synced()

    def begin(self, name, script, **spec):
        """A task that says nothing but its command (and `spec`)."""
        self.agent.submit(name, {"command": ["/bin/sh", "-c", script], **spec})

    def row(self, name):
        return self.agent.ledger.tasks().get(name, {"ended_us": None})

    def ended(self, *names, timeout=hv.LIMIT_S):
        for name in names:
            self.agent.wait(lambda n=name: self.row(n)["ended_us"], f"{name} has ended", timeout)

    def do(self, name, script, **spec):
        self.begin(name, script, **spec)
        self.ended(name, timeout=hv.LIMIT_S * 20)
        return self.row(name)

    def running(self, name):
        self.agent.wait(lambda: (self.engine.look(f"task-{name}") or {"State": {}})["State"].get("Running"), f"{name} runs")
        return self.engine.inspect(f"task-{name}")

    def status(self, name):
        return self.agent.call("GET", f"/api/v1/tasks/{name}")["status"]


class Tasks(Case):
    def test_out_of_memory(self):
        """Of whom the kernel killed the whole, and of whom a child, which a task may not even notice."""
        eat = "sh -c 'x=a; while :; do x=$x$x; done' 2>/dev/null; "
        rows = {"whole": ("x=a; while :; do x=$x$x; done", 137, "ran out of memory (exit code 137)"),
                "child": (eat + "exit 7", 7, "a process in it was killed for want of memory (exit code 7)"),
                "silent": (eat + "exit 0", 0, "a process in it was killed for want of memory (exit code 0)")}
        self.start()
        for name, (script, code, message) in rows.items():
            with self.subTest(name):
                row = self.do(name, script, resources={"limits": {"memory": "64Mi"}})
                self.assertEqual((row["state"], row["cause"], row["exit_code"], row["message"]), ("Failed", "oom", code, message))
                self.assertTrue(self.agent.call("GET", f"/api/v1/tasks/{name}/receipt")["receipt"]["oomKilled"])

    def test_what_a_task_gets_that_says_nothing(self):
        self.start()
        self.begin("tiny", "exit 0", resources={"requests": {"cpu": "1m"}})  # less than the kernel has a quota for
        self.begin("quiet", "env; pwd; " + ENDLESS)
        c = self.running("quiet")
        config, host = c["Config"], c["HostConfig"]
        rows = {
            "image": (config["Image"].removeprefix("docker.io/"), hv.IMAGE),
            "command": ((config["Entrypoint"] or []) + (config["Cmd"] or []), ["/bin/sh", "-c", "env; pwd; " + ENDLESS]),
            "memory": (host["Memory"], GIB),
            "memory and swap": (host["MemorySwap"], GIB),
            "cpu": (host["NanoCpus"], 10 ** 9),
            "processes": (host["PidsLimit"], 1024),
            "working directory": (config["WorkingDir"], "/workspace"),
            "user": (config["User"], "65534:65534"),
            "capabilities dropped": (host["CapDrop"], ["ALL"]),
            "capabilities added": (host["CapAdd"] or [], []),
            "root is read-only": (host["ReadonlyRootfs"], True),
            "privileged": (host["Privileged"], False),
            "new privileges": ([o for o in host["SecurityOpt"] if o.startswith("no-new-privileges")] != [], True),
            "init": (host["Init"], True),
            "network": (host["NetworkMode"], "none"),
            "restart": (host["RestartPolicy"]["Name"] in ("", "no"), True),
            "grace": (config.get("StopTimeout"), 10),
            "removed by the engine": (host["AutoRemove"], False),
            "workspace": ([m["Destination"] for m in c["Mounts"] if m["Type"] == "bind"], ["/workspace"]),
        }
        for name, (found, expected) in rows.items():
            with self.subTest(name):
                self.assertEqual(found, expected)
        # The engine says that it runs before the agent has its answer.
        self.agent.wait(lambda: self.status("quiet")["startedAt"] and self.status("quiet")["nextAt"], "its time is counted")
        status = self.status("quiet")
        with self.subTest("timeout"):
            self.assertEqual(self.seconds(status["nextAt"]) - self.seconds(status["startedAt"]), 3600)
        self.agent.call("POST", "/api/v1/tasks/quiet/stop")
        self.ended("quiet", "tiny")
        with self.subTest("hardly any CPU"):
            self.assertEqual((self.row("tiny")["state"], self.row("tiny")["message"]), ("Completed", None))
        environment = self.agent.result("quiet", 1, "log").decode().splitlines()
        self.assertIn("/workspace", environment)
        self.assertIn("HOME=/workspace", environment)

    @staticmethod
    def seconds(text):
        return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())

    def test_inputs_are_there(self):
        binary = bytes(range(256)) * 16
        path = os.path.join(self.agent.dir, "in.tar")
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, data in (("deep/er/data.bin", binary), ("top.txt", b"top\n")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.start()
        row = self.do("inputs", "mkdir results && cp task.json a/b/text in/deep/er/data.bin in/top.txt results", inputs=[
            {"path": "a/b/text", "inline": "written\n"}, {"path": "in", "archive": path}])
        self.assertEqual(row["state"], "Completed", row["message"])
        document = json.loads(self.agent.result("inputs", 1, "files/results/task.json"))
        self.assertEqual((document["id"], document["name"], document["attempt"]), ("inputs", "inputs", 1))
        self.assertEqual(document["resources"]["memoryBytes"], GIB)
        for name, data in (("text", b"written\n"), ("data.bin", binary), ("top.txt", b"top\n")):
            with self.subTest(name):
                self.assertEqual(self.agent.result("inputs", 1, "files/results/" + name), data)

    def test_no_results_directory_and_a_log_that_is_no_text(self):
        self.start()
        # Docker's json-file writes JSON, and with it U+FFFD for what is no UTF-8; its driver local keeps every byte.
        for name, driver, log in (("bytes", "local", b"\xff\xfe \xc3( \x00 end\n"),
                                  ("text", "json-file", b"\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd( \x00 end\n")):
            with self.subTest(driver):
                row = self.do(name, r"printf '\377\376 \303( \000 end\n'", logging={"driver": driver})
                self.assertEqual((row["state"], row["cause"]), ("Completed", "success"))
                self.assertEqual(self.agent.result(name, 1, "log"), log)
                self.assertEqual(json.loads(self.agent.result(name, 1, "manifest.json"))["files"], [])

    def trust(self):
        return [(t["delta"], t["score"], t["score_group"]) for t in self.agent.ledger.trust()]

    def test_trust(self):
        """From 0: +2, -5, never below 0, never above 100 (what is applied adds up to the score); a stop leaves it alone."""
        self.start()
        self.begin("stopped", ENDLESS)
        self.running("stopped")
        self.agent.call("POST", "/api/v1/tasks/stopped/stop")
        self.ended("stopped")
        self.assertEqual((self.row("stopped")["state"], self.trust()), ("Stopped", []))
        for name, script in (("a", "exit 0"), ("b", "exit 0"), ("c", "exit 0"), ("d", "exit 1"), ("e", "exit 1")):
            self.do(name, script)
        self.assertEqual(self.trust(), [(2, 2, "low"), (2, 4, "low"), (2, 6, "low"), (-5, 1, "low"), (-1, 0, "low")])
        for before, name, script, expected in ((48, "f", "exit 0", (2, 50, "medium")), (79, "g", "exit 0", (2, 81, "high")),
                                               (84, "h", "exit 1", (-5, 79, "medium")), (99, "i", "exit 0", (1, 100, "high"))):
            with self.subTest(f"{before} {script}"):
                self.assertEqual(self.agent.terminate(), 0)
                self.set_trust(before)
                self.agent.start()
                self.agent.wait_synced()
                self.do(name, script)
                self.assertEqual(self.trust()[-1], expected)

    def set_trust(self, score):
        self.agent.ledger.write("INSERT INTO trust (at_us, task, number, delta, score, score_group, cause) "
                                "VALUES (1, 'by-hand', 1, 1, ?, 'low', 'by hand')", score)

    def test_who_waits_too_long_for_room(self):
        self.start(", waitForResources: 1s", MAX_CONCURRENT_TASKS="1")
        self.begin("first", ENDLESS)
        self.running("first")
        row = self.do("second", "exit 0")
        self.assertEqual((row["state"], row["cause"]), ("Failed", "resources"))
        self.assertIn("Insufficient resources", row["message"])
        self.assertEqual(self.agent.ledger.attempts("second"), [])
        self.agent.call("POST", "/api/v1/tasks/first/stop")
        self.ended("first")

    def test_the_image_and_the_command_of_a_task_that_says_nothing_at_all(self):
        """A stand-in of the documented image: its python tells what it was started with."""
        script = b"#!/bin/sh\necho \"python $*\" in $(pwd)\nexec sleep 1000000\n"
        made = self.engine.stranger("stand-in", start=False)
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            member = tarfile.TarInfo("python")
            member.size, member.mode = len(script), 0o755
            archive.addfile(member, io.BytesIO(script))
        self.tar("PUT", f"/containers/{made}/archive?path=/bin", tar.getvalue())
        self.tar("POST", "/images/create?fromSrc=-&repo=python&tag=3.9-slim", self.tar("GET", f"/containers/{made}/export"))
        self.engine.call("DELETE", f"/containers/{made}")
        self.agent.declare({})
        self.agent.start()
        self.agent.wait_synced()
        self.agent.submit("silent", {})
        config = self.running("silent")["Config"]
        with self.subTest("image"):
            self.assertEqual(config["Image"].removeprefix("docker.io/library/"), "python:3.9-slim")
        with self.subTest("command"):
            self.assertEqual((config["Entrypoint"] or []) + (config["Cmd"] or []), ["python", "task.py"])
        said = "python task.py in /workspace\n"
        self.agent.wait(lambda: self.status("silent")["startedAt"], "the agent knows it, too")  # before that it has no log
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/tasks/silent/logs", accept="text/plain") == said, "it spoke")
        self.agent.call("POST", "/api/v1/tasks/silent/stop")
        self.ended("silent")
        self.assertEqual(self.agent.result("silent", 1, "log"), said.encode())

    def tar(self, method, path, data=None):
        with contextlib.closing(hv.UnixConnection(self.engine.sock)) as c:
            c.request(method, "/v1.41" + path, data, {"Content-Type": "application/x-tar"})
            r = c.getresponse()
            self.assertEqual(r.status, 200)
            return r.read()

    def test_the_network_hivemind_of_the_old_worker_is_used_and_survives(self):
        old = self.engine.call("POST", "/networks/create", {"Name": "hivemind", "Driver": "bridge"})["Id"]
        self.start("", DOCKER_NETWORK="hivemind")
        self.begin("joined", ENDLESS)
        self.assertEqual(self.running("joined")["NetworkSettings"]["Networks"]["hivemind"]["NetworkID"], old)
        self.agent.call("POST", "/api/v1/tasks/joined/stop")
        self.ended("joined")
        self.agent.wait_synced()
        found = {n["Id"]: n for n in self.engine.call("GET", "/networks")}
        self.assertEqual((found[old]["Name"], found[old]["Labels"]), ("hivemind", {}))

    def test_the_network_hivemind_is_joined_when_asked_for(self):
        self.start("", DOCKER_NETWORK="hivemind")
        self.begin("joined", ENDLESS)
        self.assertEqual(list(self.running("joined")["NetworkSettings"]["Networks"]), ["hivemind"])
        self.begin("alone", ENDLESS, network="none")
        self.assertEqual(list(self.running("alone")["NetworkSettings"]["Networks"]), ["none"])
        for name in ("joined", "alone"):
            self.agent.call("POST", f"/api/v1/tasks/{name}/stop")
        self.ended("joined", "alone")


class BigLog(Case):
    def test_what_prints_without_end_costs_no_memory(self):
        """HV_BIG_LOG_MIB megabytes of it: the agent's memory stays flat, and the end of the log is kept."""
        mib = int(os.environ.get("HV_BIG_LOG_MIB", "512"))
        self.start()
        self.do("warm", "yes $(printf %04000d 7) | head -c 40000000")
        before = self.pss()
        row = self.do("big", f"yes $(printf %04000d 7) | head -c {mib << 20}; echo; echo last", timeout="2h")
        grown = self.pss() - before
        self.assertEqual(row["state"], "Completed", row["message"])
        log = self.agent.result("big", 1, "log")
        self.assertTrue(log.endswith(b"\nlast\n"), log[-100:])
        self.assertLess(len(log), 64 << 20)
        self.assertLess(grown, 1024, f"KiB that the agent grew by while a task printed {mib} MiB")

    def pss(self):
        with open(f"/proc/{self.agent.process.pid}/smaps_rollup") as f:
            # Its own: the share of the program's pages depends on who else runs that program now.
            return next(int(line.split()[1]) for line in f if line.startswith("Pss_Anon:"))


if __name__ == "__main__":
    base.main()
