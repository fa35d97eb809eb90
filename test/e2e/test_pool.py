#!/usr/bin/env python3
"""The whole agent with a node pool of dialect v1: assigned, run on a real engine, delivered. The pool is of another make."""
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import zipfile

import base
import hv
import tasks

sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", "pool"))
import scripted_pool  # noqa: E402  (of the directory named above)

pb = scripted_pool.pb


def shell(script, task_id, **more):
    return pb.Task(id=task_id, docker_image=hv.IMAGE, command=f"/bin/sh -c '{script}'", timeout=3600, **more)


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "pooled")
        self.pool = scripted_pool.Pool()
        self.addCleanup(lambda: self.pool.stop())

    def master(self, **more):
        fields = {"address": f"127.0.0.1:{self.pool.port}", "heartbeat": "1s",
                  "reconnect": {"initial": "100ms", "max": "500ms"}, **more}
        return f"  master: {json.dumps(fields)}\n"

    def start(self, body="", node="", types=None, **more):
        folder = os.path.join(self.agent.dir, "task-types.d")
        shutil.copytree(os.path.join(hv.TOP, "config", "task-types.d"), folder)
        for name, spec in (types or {}).items():
            with open(os.path.join(folder, f"{name}.yaml"), "w", encoding="utf-8") as f:
                json.dump({"apiVersion": "hivelet/v1", "kind": "TaskType", "metadata": {"name": name}, "spec": spec}, f)
        self.agent.declare({}, node=node, body=self.master(**more) + body)
        self.agent.start()

    def online(self):
        self.agent.wait(lambda: (self.agent.call("GET", "/api/v1/status")["pool"] or {}).get("state") == "Online",
                        "the node is registered")

    def committed(self, task_id):
        self.pool.wait(f"the result of {task_id}", lambda: any(c[0] == task_id for c in self.pool.commits))
        found = [r for r in self.pool.results.values() if r.task_id == task_id]
        self.assertEqual(len(found), 1)
        return found[0]

    def go(self, name):
        """Makes a file in the workspace of a task that runs."""
        found = [d for d, _, names in os.walk(os.path.join(self.agent.state, "tasks", name)) if "task.json" in names]
        with open(os.path.join(found[0], "go"), "w"):
            pass

    def row(self, name):
        return self.agent.ledger.tasks().get(name, {"ended_us": None})

    def debts(self):
        return [(r["id"], r["outcome"]) for r in self.agent.ledger.rows(
            "SELECT task.id, outcome FROM debt JOIN task ON task.seq = debt.task ORDER BY debt.seq")]


class Pool(Case):
    def test_what_is_assigned_runs_and_comes_back(self):
        self.start()
        self.online()
        blob = bytes(range(256)) * 300
        self.pool.assign(shell("mkdir results; cp in/data.bin results/copy; echo said; echo $NAME; exit 3", "Job_1",
                               environment={"NAME": "bob $x ${y}"}, input_files={"in/data.bin": blob}, attempt=2,
                               lease_epoch=7))
        got = self.committed("Job_1")
        self.assertEqual((got.status, got.exit_code, got.attempt, got.lease_epoch, got.node_id, got.state),
                         ("failed", 3, 2, 7, "pooled", "Failed"))
        self.assertEqual(got.log, b"said\nbob $x ${y}\n")
        with zipfile.ZipFile(io.BytesIO(got.result)) as z:
            self.assertEqual(z.namelist(), ["results/copy"])
            self.assertEqual(z.read("results/copy"), blob)
        receipt = json.loads(got.receipt)["receipt"]
        self.assertEqual(receipt["task"], "Job_1")
        self.pool.wait("the whole log", lambda: self.pool.logs.get(("Job_1", 2)) == b"said\nbob $x ${y}\n")
        self.agent.wait(lambda: self.debts() == [("Job_1", "committed")], "it is paid")
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/status")["pool"]["outbox"]["results"] == 0, "nothing is owed")
        status = self.agent.call("GET", "/api/v1/status")["pool"]
        self.assertEqual((status["state"], status["dialect"], status["insecure"]), ("Online", "v1", True))
        self.assertTrue(self.agent.call("GET", "/api/status")["is_registered"])
        shown = self.agent.ctl("status").stdout
        self.assertIn(f"Pool       127.0.0.1:{self.pool.port}, Online, plain text", shown)
        self.agent.wait(lambda: os.listdir(os.path.join(self.agent.state, "inbox")) == [], "the inbox is empty")
        self.assertIn("Pool       127.0.0.1:", shown)

    def test_a_parameter_that_is_too_large_for_the_document_goes_through_the_inbox(self):
        self.start(types={"sum": {
            "description": "Adds up.", "fixed": ["command"],
            "task": {"image": hv.IMAGE, "command": ["sh", "-c", "sha256sum in/training_data in/input_data"]},
            "parameters": [{"name": name, "description": "Bytes.", "type": "file", "file": f"in/{name}"}
                           for name in ("training_data", "input_data")]}})
        self.online()
        large, odd = b"a,b\n1,2\n" * 40000, b"\0\xff" * 10
        self.pool.assign(pb.Task(id="sums", type="sum", training_data=large, input_data=odd, timeout=60))
        got = self.committed("sums")
        self.assertEqual((got.state, got.log.decode()), ("Completed", "".join(
            f"{hashlib.sha256(data).hexdigest()}  in/{name}\n"
            for data, name in ((large, "training_data"), (odd, "input_data")))))
        self.agent.wait(lambda: os.listdir(os.path.join(self.agent.state, "inbox")) == [], "the inbox is empty")

    def test_the_node_says_what_it_is(self):
        self.start()
        self.online()
        node = self.pool.nodes["pooled"]
        self.assertEqual(node.cpu_cores, os.sched_getaffinity(0).__len__())
        self.assertGreater(node.memory_gb, 0.5)
        self.assertLessEqual({"docker", "python", "ml", "data_processing"}, set(node.capabilities))
        self.assertEqual(node.trust_score, 0)
        first = [c for c in self.pool.calls if c != "WatchAssignments"][:2]
        self.assertEqual(first, ["RegisterNode", "UpdateNodeStatus"])

    def test_a_result_outlives_pool_and_agent(self):
        self.start()
        self.online()
        self.pool.assign(shell("until [ -e go ]; do sleep 0.1; done; mkdir results; echo done >results/r", "late"))
        self.agent.wait(lambda: self.row("late").get("state") == "Running", "it runs")
        self.pool.stop()
        self.go("late")
        self.agent.wait(lambda: self.row("late")["ended_us"], "it has ended")
        self.assertEqual(self.debts(), [("late", None)])
        refused = self.agent.ctl("task", "rm", "late")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("still owed to the pool", refused.stderr)
        self.agent.kill()
        self.agent.start()
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/status")["pool"]["outbox"]["results"] == 1, "it is still owed")
        self.pool.start()
        got = self.committed("late")
        self.assertEqual((got.status, got.exit_code), ("completed", 0))
        self.agent.wait(lambda: self.debts() == [("late", "committed")], "it is paid")

    def test_what_the_pool_takes_back_is_stopped(self):
        self.start()
        self.online()
        self.pool.assign(shell("echo on; exec sleep 1000", "gone"), shell("exec sleep 1000", "stays"))
        self.agent.wait(lambda: {self.row("gone").get("state"), self.row("stays").get("state")} == {"Running"}, "both run")
        self.pool.take_back("gone")
        self.agent.wait(lambda: self.row("gone")["ended_us"], "one is stopped")
        self.assertEqual((self.row("gone")["state"], self.row("gone")["stop_by"]), ("Stopped", "the pool"))
        self.assertEqual(self.row("stays")["state"], "Running")
        self.assertEqual(self.committed("gone").state, "Stopped")

    def test_an_agent_that_ends_in_order_says_so(self):
        self.start()
        self.online()
        self.pool.assign(shell("exec sleep 1000", "goes-on"), shell("exec sleep 1000", "waits"))
        self.agent.wait(lambda: {self.row("goes-on").get("state"), self.row("waits").get("state")} == {"Running"}, "both run")
        self.pool.wait("a beat that tells of both",
                       lambda: len(self.pool.last["UpdateNodeStatus"].running) == 2)
        self.assertEqual(self.agent.terminate(), 0)
        last = self.pool.last["UpdateNodeStatus"]
        self.assertEqual((last.status, sorted(t.task_id for t in last.running)), ("OFFLINE", ["goes-on", "waits"]))
        self.assertEqual(self.pool.commits, [])
        self.agent.start()
        self.pool.wait("it is back", lambda: self.pool.last["UpdateNodeStatus"].status != "OFFLINE")
        self.pool.take_back("goes-on")
        self.assertEqual(self.committed("goes-on").state, "Stopped")

    def test_an_agent_whose_pool_is_silent_ends_all_the_same(self):
        self.start()
        self.online()
        self.pool.faults[("UpdateNodeStatus", self.pool.counts["UpdateNodeStatus"] + 1)] = "silence"
        self.assertEqual(self.agent.terminate(), 0)

    def test_the_nodes_policy_decides(self):
        self.start()
        self.online()
        self.agent.submit("mine", {"image": hv.IMAGE, "pullPolicy": "never", "command": ["true"]})
        self.pool.assign(shell("true", "mine"),
                         pb.Task(id="net", docker_image=hv.IMAGE, command="true", network="host"),
                         pb.Task(id="path", docker_image=hv.IMAGE, command="true", input_files={"../../etc/x": b"1"}),
                         pb.Task(id="meta", docker_image=hv.IMAGE, command="true", input_urls=[
                             pb.InputUrl(name="a", url="http://169.254.169.254/latest", sha256="0" * 64)]),
                         pb.Task(id="huge", docker_image=hv.IMAGE, command="true", memory_limit="900t"),
                         shell("true", "good"))
        for task_id, why in (("mine", "Conflict"), ("net", "E0466"), ("path", ".."), ("huge", "never fits")):
            got = self.committed(task_id)
            self.assertEqual(got.status, "failed", task_id)
            self.assertIn(why, got.reason, task_id)
        self.assertEqual(self.committed("meta").status, "failed")
        self.assertEqual(self.committed("good").status, "completed")
        self.assertEqual(self.row("mine")["source"], "api")

    def test_a_master_that_wins_takes_an_id_from_the_node(self):
        self.start(onConflict="masterWins")
        self.online()
        self.agent.submit("mine", {"image": hv.IMAGE, "pullPolicy": "never", "command": ["sleep", "1000"]})
        self.agent.wait(lambda: self.row("mine").get("state") == "Running", "the node's own runs")
        self.pool.assign(shell("echo of the pool", "mine"))
        self.assertEqual(self.committed("mine").log, b"of the pool\n")
        self.assertEqual(self.row("mine")["source"], "pool")

    def run_one_and_queue_one(self):
        self.online()
        cpus = len(os.sched_getaffinity(0))
        self.pool.assign(shell("exec sleep 1000", "runs", cpu_quota=100000 * cpus))
        self.agent.wait(lambda: self.row("runs").get("state") == "Running", "one runs")
        self.pool.assign(shell("exec sleep 1000", "waits", cpu_quota=100000 * cpus))
        self.agent.wait(lambda: self.row("waits").get("state") == "Queued", "the other one waits")
        self.pool.stop()
        self.agent.wait(lambda: self.row("waits")["ended_us"], "what has not begun is stopped")
        row = self.row("waits")
        self.assertEqual((row["state"], row["stop_by"]), ("Stopped", "this node"))

    def test_work_of_a_lost_pool_is_drained(self):
        self.start(lostAfter="2s", onLost="drain")
        self.run_one_and_queue_one()
        self.assertEqual(self.row("runs")["state"], "Running")
        self.pool.start()
        got = self.committed("waits")
        self.assertEqual(got.state, "Stopped")
        self.assertIn("the pool has been silent for 2s: master.onLost is drain", got.reason)
        self.assertEqual(self.row("runs")["state"], "Running")

    def test_work_of_a_lost_pool_is_stopped(self):
        self.start(lostAfter="2s", onLost="stop")
        self.run_one_and_queue_one()
        self.agent.wait(lambda: self.row("runs")["ended_us"], "what runs is stopped too")
        self.pool.start()
        self.assertEqual((self.committed("waits").state, self.committed("runs").state), ("Stopped", "Stopped"))

    def test_nothing_is_owed_again_while_files_are_being_removed(self):
        """A round of cleaning up that began before may have the files on its list. It is held here by a lease (fcntl(2)) on a file that
        it reads."""
        self.start("  gc: {interval: 1s}\n")
        one = shell("mkdir results; date +%s%N >results/when", "asked", attempt=1, lease_epoch=1)
        self.pool.assign(one)
        first = self.committed("asked")
        self.agent.wait(lambda: self.debts() == [("asked", "committed")], "it is paid")
        self.addCleanup(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, lambda *_: None))  # somebody waits for the lease
        with open(os.path.join(self.agent.state, "results", "asked", "1", "kept.json"), "rb+") as held:
            tasks.poll(lambda: self.is_leased(held), "no round reads it just now")
            tasks.poll(lambda: fcntl.fcntl(held, fcntl.F_GETLEASE) != fcntl.F_WRLCK, "a round reads it")
            self.pool.results.clear()
            one.lease_epoch = 2
            n = self.pool.counts["GetAssignedTasks"]
            self.pool.assign(one)
            self.pool.wait("it finds no room for it, and asks again", lambda: self.pool.counts["GetAssignedTasks"] > n)
            self.assertEqual(self.debts(), [("asked", "committed")])
        self.pool.wait("its result once more", lambda: len(self.pool.commits) == 2)
        self.assertEqual(self.committed("asked").result, first.result)

    @staticmethod
    def is_leased(file):
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:  # somebody else has it open
            return False
        return True

    def test_a_word_about_an_older_lease_pays_nothing(self):
        """The pool takes the result, loses it and gives the work anew, all before its first answer arrives."""
        self.start()
        self.online()
        one = shell("mkdir results; date +%s%N >results/when", "meanwhile", attempt=1, lease_epoch=1)
        self.pool.faults["ReportTaskResult", 1] = "hold"
        self.pool.keep_results = True
        self.pool.assign(one)
        first = self.committed("meanwhile")
        one.lease_epoch = 2
        self.pool.results.clear()
        self.pool.assign(one)
        self.agent.wait(lambda: self.agent.ledger.rows(
            "SELECT lease_epoch FROM assignment JOIN task ON task.seq = assignment.task WHERE task.id = 'meanwhile'") ==
            [{"lease_epoch": 2}], "the new lease is known")
        self.pool.let.set()
        self.pool.wait("its result once more", lambda: len(self.pool.commits) == 2)
        again = self.committed("meanwhile")
        self.assertEqual((again.lease_epoch, again.result), (2, first.result))
        self.agent.wait(lambda: self.debts() == [("meanwhile", "committed")], "it is paid")

    def test_the_same_again_runs_once(self):
        self.start()
        self.online()
        one = shell("echo x >>/dev/null; mkdir results; date +%s%N >results/when", "same", attempt=1, lease_epoch=1)
        self.pool.keep_results = True
        self.pool.assign(one)
        first = self.committed("same")
        one.lease_epoch = 2
        self.pool.results.clear()
        self.pool.assign(one)  # a pool that lost it
        self.agent.wait(lambda: self.agent.ledger.rows(
            "SELECT lease_epoch FROM assignment JOIN task ON task.seq = assignment.task WHERE task.id = 'same'") ==
            [{"lease_epoch": 2}], "the new lease is known")
        self.pool.wait("its result once more", lambda: len(self.pool.commits) == 2)
        again = self.committed("same")
        self.assertEqual((again.lease_epoch, again.result), (2, first.result))
        self.agent.wait(lambda: self.debts() == [("same", "committed")], "it is paid again")
        self.assertEqual(len(self.agent.ledger.rows("SELECT 1 FROM attempt JOIN task ON task.seq = attempt.task")), 1)
        one.attempt, one.lease_epoch = 2, 3
        self.pool.results.clear()
        self.pool.assign(one)  # ordered once more
        self.pool.wait("a result of the second attempt", lambda: len(self.pool.commits) == 3)
        self.agent.wait(lambda: self.debts() == [("same", "committed"), ("same", "committed")], "both are paid")
        again = self.committed("same")
        self.assertEqual(again.attempt, 2)
        self.assertNotEqual(hashlib.sha256(first.result).digest(), hashlib.sha256(again.result).digest())

    def test_variables_alone_are_enough(self):
        self.agent.variables = {"NODE_POOL_ADDRESS": f"localhost:{self.pool.port}"}
        self.agent.declare({})
        self.agent.start()
        self.online()


if __name__ == "__main__":
    base.main()
