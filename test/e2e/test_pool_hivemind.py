#!/usr/bin/env python3
"""The whole agent with a pool like HiveMind's deployed one: pushed, run on a real engine, delivered."""
import io
import json
import os
import shutil
import sys
import zipfile

import base
import hv
import tasks

sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", "pool"))
import scripted_hivemind  # noqa: E402  (of the directory named above)


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "pushed")
        self.pool = scripted_hivemind.Pool()
        self.addCleanup(lambda: self.pool.stop())
        self.port, self.image = scripted_hivemind.free_port(), hv.IMAGE

    def start(self, body="", wait=True, gc="", **more):
        """In this dialect busy CPUs keep work away, and those of a machine that runs tests are."""
        shutil.copytree(os.path.join(hv.TOP, "config", "task-types.d"), os.path.join(self.agent.dir, "task-types.d"))
        secret = os.path.join(self.agent.dir, "password")
        self.agent.write("hunter2", secret)
        master = {"address": f"127.0.0.1:{self.pool.port}", "protocol": "hivemind", "insecure": True, "advertise": "127.0.0.2",
                  "listen": f"127.0.0.1:{self.port}", "credentials": {"username": "alice", "passwordSecret": "pool"},
                  "reconnect": {"initial": "100ms", "max": "500ms"}, **more}
        master = {k: v for k, v in master.items() if v is not None}
        self.agent.declare({}, body=f"  secrets: [{{name: pool, fromFile: {secret}}}]\n  taskDefaults: {{image: {self.image}}}\n"
                                    f"  gc: {{{gc}pressure: {{cpuUsed: 0%}}}}\n  master: {json.dumps(master)}\n{body}")
        self.agent.start()
        if wait:
            self.online()

    def online(self):
        self.agent.wait(lambda: (self.agent.call("GET", "/api/v1/status")["pool"] or {}).get("state") == "Online",
                        "the node is registered")

    def result(self, task_id):
        self.pool.wait(f"the result of {task_id}", lambda: self.pool.results.get(task_id))
        self.assertEqual((len(self.pool.results[task_id]), self.pool.lost), (1, []))
        return zipfile.ZipFile(io.BytesIO(self.pool.results[task_id][0]))

    def push(self, task_id, data=None, **files):
        data = data or scripted_hivemind.archive(**files)
        got = self.pool.execute(self.port, task_id, data, cpu_usage=50)
        self.assertTrue(got.success, got.message)
        return data

    def offer(self, task_id, data):
        """Until it is taken: the pool offers again what was refused."""
        self.agent.wait(lambda: self.pool.execute(self.port, task_id, data, cpu_usage=50).success, f"{task_id} is taken")

    def paid(self, task_id):
        self.agent.wait(lambda: [r["outcome"] for r in self.agent.ledger.rows(
            "SELECT outcome FROM debt JOIN task ON task.seq = debt.task WHERE task.id = ? ORDER BY debt.seq DESC LIMIT 1",
            task_id)] == ["committed"], f"the result of {task_id} is paid")


class Pushed(Case):
    def test_what_is_pushed_runs_and_comes_back(self):
        self.start()
        self.push("Job_1", **{"run_task.sh": "pwd; echo $TASK_ID $PYTHONUNBUFFERED; cat in/data >out", "in/data": "seen"})
        with self.result("Job_1") as z:
            self.assertLessEqual({"run_task.sh", "in/data", "out", "execution_log.txt", "task_logs.txt"}, set(z.namelist()))
            self.assertEqual(z.read("out"), b"seen")
            self.assertIn("Status: Success", z.read("execution_log.txt").decode())
            self.assertIn("/app/task\nJob_1 1\n", z.read("task_logs.txt").decode())
        self.assertIn("/app/task\nJob_1 1\n", self.pool.logs["Job_1"])
        self.assertTrue(self.pool.logs["Job_1"].endswith("狀態: 成功\n"))

    def test_what_it_takes_is_told(self):
        self.start(heartbeat="1s")
        self.push("busy", **{"run.sh": "head -c 40000000 /dev/zero | tail -c 40000000 >/dev/shm/x; while :; do :; done"})
        self.pool.wait("its usage", lambda: any(u.task_id == "busy" and u.cpu_usage > 1 and u.memory_usage > 5
                                                for u in self.pool.usage))
        self.assertTrue(all(0 <= v <= 100 for u in self.pool.usage for v in (u.cpu_usage, u.memory_usage)))
        self.assertTrue(self.pool.stop_task(self.port, "busy").success)
        self.result("busy").close()

    def test_what_is_refused_leaves_nothing(self):
        self.start()
        self.agent.submit("mine", {"image": hv.IMAGE, "pullPolicy": "never", "command": ["true"]})
        data = scripted_hivemind.archive(**{"run.sh": "true"})
        for task_id, memory_gb, why in (("huge", 100000, "never fits"), ("mine", 0, "Conflict: mine is a task of this node's own")):
            got = self.pool.execute(self.port, task_id, data, memory_gb=memory_gb)
            self.assertEqual((got.success, why in got.message), (False, True), got.message)
        self.agent.wait(lambda: os.listdir(os.path.join(self.agent.state, "inbox")) == [], "the inbox is empty")
        self.assertEqual(set(self.agent.ledger.tasks()), {"mine"})

    def test_nothing_to_start_is_said(self):
        self.start()
        self.push("empty", readme="nothing")
        with self.result("empty") as z:
            self.assertIn("Status: Failed", z.read("execution_log.txt").decode())
            self.assertIn("no run_task.sh", z.read("task_logs.txt").decode())
        self.assertIn("狀態: 失敗", self.pool.logs["empty"])

    def test_a_stopped_one_comes_back_too(self):
        self.start()
        self.push("long", **{"run.sh": "echo on; exec sleep 1000"})
        self.agent.wait(lambda: "on\n" in self.pool.logs.get("long", ""), "it runs")
        self.assertTrue(self.pool.stop_task(self.port, "long").success)
        with self.result("long") as z:
            self.assertIn("task_stopped.txt", z.namelist())
        self.assertEqual(self.agent.ledger.tasks()["long"]["stop_by"], "the pool")


class Live(Case):
    """What a task prints is at the pool while it runs."""

    def workspace(self, path):
        for top, _, names in os.walk(os.path.join(self.agent.state, "tasks")):
            if "run.sh" in names:
                return os.path.join(top, path)
        raise AssertionError("no workspace")

    def told(self, task_id, text):
        self.pool.wait(f"{text!r} of {task_id}", lambda: text in self.pool.logs.get(task_id, ""))

    def until(self, path):
        return f"until [ -e {path} ]; do sleep 0.1; done; "

    def go(self, path):
        with open(self.workspace(path), "w"):
            pass

    def test_whole_lines_of_good_text(self):
        self.start()
        self.push("lines", **{"run.sh": "printf 'one\\ntw'; " + self.until("go") + "printf 'o\\n\\377\\346\\227\\245\\n'; "
                                        + self.until("on") + "printf end"})
        self.told("lines", "one\n")
        self.assertEqual(self.pool.logs["lines"], "one\n")
        self.go("go")
        self.told("lines", "one\ntwo\n\N{REPLACEMENT CHARACTER}\u65e5\n")
        self.go("on")
        self.result("lines").close()
        self.assertEqual(self.pool.logs["lines"], "one\ntwo\n\N{REPLACEMENT CHARACTER}\u65e5\nend\n"
                                                  "任務 lines 執行完成，狀態: 成功\n")

    def test_a_restart_tells_nothing_twice(self):
        self.start()
        self.push("again", **{"run.sh": "echo one; " + self.until("go") + "echo two"})
        told = os.path.join(self.agent.state, "told", "again")
        self.told("again", "one\n")
        tasks.poll(lambda: os.path.exists(told) and os.path.getsize(told) > 0, "it is noted")
        self.agent.kill()
        self.agent.start()
        self.online()
        self.go("go")
        self.result("again").close()
        self.assertEqual(self.pool.logs["again"], "one\ntwo\n任務 again 執行完成，狀態: 成功\n")
        self.paid("again")
        tasks.poll(lambda: not os.path.exists(told), "nothing is noted any more")


class Delivered(Case):
    files = {"run.sh": "echo ran; date +%s%N >when"}

    def deliver(self, task_id, gc=""):
        self.start(gc=gc)
        data = self.push(task_id, **self.files)
        with self.result(task_id) as z:
            when = z.read("when")
        self.paid(task_id)
        self.pool.results.clear()
        self.pool.logs.clear()
        return data, when

    def again(self, task_id):
        with self.result(task_id) as z:
            self.assertIn("ran\n", z.read("task_logs.txt").decode())
            return z.read("when")


class Lost(Delivered):
    """What was delivered is offered again: the pool lost it, or never knew that it has it."""

    def test_it_is_delivered_again_and_not_run_again(self):
        data, when = self.deliver("lost")
        self.push("lost", data)
        self.assertEqual(self.again("lost"), when)
        self.paid("lost")
        self.assertEqual(len(self.agent.ledger.attempts("lost")), 1)
        self.assertIn("ran\n", self.pool.logs["lost"])
        self.assertEqual(self.agent.call("GET", "/api/v1/status")["pool"]["outbox"]["results"], 0)

    def test_the_agent_is_killed_between(self):
        data, when = self.deliver("killed")
        self.pool.faults = {("TaskResultUpload", n): "refuse" for n in range(2, 1000)}
        self.push("killed", data)
        self.pool.wait("a try", lambda: self.pool.counts["TaskResultUpload"] > 1)
        self.agent.kill()
        self.pool.faults = {}
        self.agent.start()
        self.assertEqual(self.again("killed"), when)
        self.paid("killed")
        self.assertEqual(len(self.agent.ledger.attempts("killed")), 1)

    def test_what_is_not_there_any_more_is_run_again(self):
        data, when = self.deliver("cleaned", "interval: 1s, tasks: {maxSize: 1}, ")
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/tasks/cleaned/results").get("removed"), "it is cleaned away")
        self.push("cleaned", data)
        self.assertNotEqual(self.again("cleaned"), when)
        self.assertEqual(len(self.agent.ledger.attempts("cleaned")), 2)
        self.assertIn("ran\n", self.pool.logs["cleaned"])


class Anew(Delivered):
    """Ids are words of the pool's users, who use them again."""

    def test_another_content_is_another_order(self):
        _, when = self.deliver("again")
        self.offer("again", scripted_hivemind.archive(**{**self.files, "more": "of it"}))
        self.assertNotEqual(self.again("again"), when)

    def test_while_it_runs_another_content_is_refused(self):
        self.start()
        self.push("busy", **{"run.sh": "echo on; exec sleep 1000"})
        self.agent.wait(lambda: "on\n" in self.pool.logs.get("busy", ""), "it runs")
        got = self.pool.execute(self.port, "busy", scripted_hivemind.archive(**self.files), cpu_usage=50)
        self.assertFalse(got.success)
        self.assertIn("with another content", got.message)

    def test_while_the_cpus_are_busy_nothing_is_taken(self):
        """What takes the CPUs here is the task that runs."""
        self.start()
        self.push("first", **{"run.sh": "while :; do :; done"})
        with open(self.agent.file) as f:
            self.agent.write(f.read().replace("cpuUsed: 0%", "cpuUsed: 1%"))
        self.agent.apply()
        self.agent.wait(lambda: "gc.pressure.cpuUsed" in self.condition()["message"], "it is seen to be busy")
        got = self.pool.execute(self.port, "second", scripted_hivemind.archive(**self.files), cpu_usage=10)
        self.assertFalse(got.success)
        self.assertIn("of the CPUs are used", got.message)
        self.assertTrue(self.pool.stop_task(self.port, "first").success)

    def condition(self):
        return next(c for c in self.agent.status()["conditions"] if c["type"] == "Admitting")

    def test_what_was_stopped_and_comes_again_is_run_again(self):
        self.start()
        data = self.push("stopped", **{"run.sh": "echo ran; date +%s%N >when; exec sleep 1000"})
        self.agent.wait(lambda: "ran\n" in self.pool.logs.get("stopped", ""), "it runs")
        self.assertTrue(self.pool.stop_task(self.port, "stopped").success)
        with self.result("stopped") as z:
            when = z.read("when")
        self.paid("stopped")
        self.pool.results.clear()
        self.pool.logs.clear()
        self.offer("stopped", data)
        self.agent.wait(lambda: "ran\n" in self.pool.logs.get("stopped", ""), "it runs again")
        self.assertTrue(self.pool.stop_task(self.port, "stopped").success)
        self.assertNotEqual(self.again("stopped"), when)


class Logins(Case):
    def log_in(self, name, password):
        try:
            return self.agent.call("POST", "/login", json.dumps({"username": name, "password": password, "bearer": True}))["role"]
        except hv.HttpError as e:
            return e.status

    def test_whom_the_pool_knows(self):
        self.pool.accounts["bob"] = "builder"
        self.start(hv.CHATTY + "  http: {auth: {poolRole: operator}}\n")
        self.assertEqual([self.log_in("bob", "builder"), self.log_in("carol", "builder")], ["operator", 401])
        self.assertNotIn("builder", self.agent.text_of_log())


if __name__ == "__main__":
    base.main()
