"""Dialect v1 against a pool of another make: order and content of calls, lists, inputs, results, old pools, large things."""
import os
import subprocess
import tempfile
import time
import unittest

import grpc

import scripted
from scripted import Node, digest_of, pattern
from scripted_pool import Pool, pb

MIB = 1024 * 1024


class Case(scripted.Case):
    def pool(self, **more):
        return self.begin(Pool(**more))


def task(name, **fields):
    return pb.Task(id=name, docker_image="docker.io/library/busybox:1.36", **fields)


class Link(Case):
    def test_the_first_calls_are_register_beat_fetch(self):
        pool = self.pool()
        self.node(pool, "password=hunter2")
        pool.wait("the watch", lambda: pool.watchers)
        self.assertEqual(pool.calls[:4], ["RegisterNode", "UpdateNodeStatus", "GetAssignedTasks", "WatchAssignments"])
        register = pool.last["RegisterNode"]
        self.assertEqual((register.node_id, register.ip_address, register.port), ("n1", "10.0.0.17", 50053))
        self.assertEqual((register.cpu_cores, register.memory_gb), (4, 8.0))
        self.assertEqual(list(register.capabilities), ["docker", "python"])
        self.assertEqual((register.agent_version, register.trust_score, register.token), ("1.2.3", 55, "hunter2"))
        beat = pool.last["UpdateNodeStatus"]
        self.assertEqual((beat.node_id, beat.status, beat.node_epoch), ("n1", "IDLE", 1))
        self.assertEqual((beat.usage.cpu, beat.usage.memory, beat.usage.gpu), (12.5, 50.0, -1.0))
        self.assertAlmostEqual(beat.timestamp, time.time(), delta=60)

    def test_status_words(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=100")
        pool.wait("IDLE", lambda: pool.status and pool.status.status == "IDLE")
        pool.assign(task("a"))
        node.wait("assigned", id="a")
        pool.wait("ACTIVE", lambda: pool.status.status == "ACTIVE")
        self.assertEqual([(t.task_id, t.attempt, t.state, t.HasField("usage")) for t in pool.status.running], [("a", 0, "Running", False)])
        node.tell("busy 250 40 -1 12.5")
        pool.wait("its usage", lambda: pool.status.running[0].HasField("usage"))
        used = pool.status.running[0].usage
        self.assertEqual((used.cpu, used.memory, used.gpu, used.gpu_memory), (250, 40, -1, 12.5))
        node.tell("engine 0")
        pool.wait("ERROR", lambda: pool.status.status == "ERROR")

    def test_a_change_is_told_without_waiting_for_the_heartbeat(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=3600000")
        pool.wait("the watch", lambda: pool.watchers)
        node.tell("engine 0")
        pool.wait("the beat", lambda: pool.status.status == "ERROR")
        self.assertEqual(pool.counts["UpdateNodeStatus"], 2)

    def test_the_lease_is_counted_from_the_last_word(self):
        pool = self.pool()
        node = self.node(pool)
        self.assertGreater(node.wait("phase", id="Online")["n"], 0)

    def test_unreachable_at_first(self):
        pool = self.pool()
        port = pool.port
        pool.stop()
        node = self.node(pool)
        node.wait("began")
        for _ in range(3):
            node.wait("phase", id="Offline")
        pool.port = port
        pool.start()
        node.wait("phase", id="Online")

    def test_a_pool_that_comes_back_gets_a_registration_and_a_beat(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=100")
        node.wait("phase", id="Online")
        pool.stop()
        node.wait("phase", id="Offline")
        with pool.lock:
            del pool.calls[:]
            pool.nodes.clear()
        pool.start()
        node.wait("phase", id="Online")
        self.assertEqual(pool.calls[:2], ["RegisterNode", "UpdateNodeStatus"])

    def test_a_pool_that_hangs_is_lost_and_found_again(self):
        # The pool is a process of its own here, so that it can be stopped as a machine that lost its power is.
        text = ("import sys; sys.path.insert(0, %r); from scripted_pool import Pool; p = Pool(); print(p.port, flush=True); "
                "sys.stdin.read(); p.stop()" % os.path.dirname(os.path.abspath(__file__)))
        process = subprocess.Popen(["/usr/bin/python3", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = int(process.stdout.readline())
            node = Node(port, "heartbeat_ms=200")
            self.nodes.append(node)
            node.wait("phase", id="Online")
            process.send_signal(19)  # SIGSTOP
            event = node.wait("phase", id="Offline")
            self.assertIn("DEADLINE_EXCEEDED", event["text"])
            process.send_signal(18)
            node.wait("phase", id="Online")
        finally:
            process.send_signal(18)
            process.stdin.close()
            process.wait(scripted.PATIENCE)
            process.stdout.close()

    def certificate(self, directory, name):
        key, cert = (os.path.join(directory, name + end) for end in (".key", ".pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
        return key, cert

    def test_only_a_pool_that_proves_who_it_is(self):
        with tempfile.TemporaryDirectory() as directory:
            key, cert = self.certificate(directory, "pool")
            _, other = self.certificate(directory, "other")
            with open(key, "rb") as k, open(cert, "rb") as c:
                pool = self.pool(credentials=grpc.ssl_server_credentials(((k.read(), c.read()),)))
            stranger = self.node(pool, "node=stranger", "ca=" + other, "password=hunter2")
            self.node(pool, "node=friend", "ca=" + cert).wait("phase", id="Online")
            for _ in range(3):
                stranger.wait("phase", id="Offline")
            self.assertEqual(sorted(pool.nodes), ["friend"])

    def test_what_a_pool_says_cannot_trick_a_terminal(self):
        pool = self.pool()
        pool.register = lambda request, context, what: pb.RegisterNodeResponse(message="a\x1b[2Jb\nc\u202ed hunter")
        node = self.node(pool, "password=hunter2")
        while True:
            event = node.wait("phase")
            if event["id"] == "Offline" and "pool says" in event["text"]:
                break
        self.assertNotIn("\x1b", event["text"])
        self.assertNotIn("\n", event["text"])
        self.assertNotIn("\u202e", event["text"])


class Lists(Case):
    def ready(self, **more):
        pool = self.pool(**more)
        node = self.node(pool, "heartbeat_ms=200")
        node.wait("phase", id="Online")
        return pool, node

    def assigned(self, node, *ids):
        self.assertEqual(sorted(node.wait("assigned")["id"] for _ in ids), sorted(ids))

    def test_assignments_come_over_the_watch_at_once(self):
        pool, node = self.ready()
        pool.wait("the watch", lambda: pool.watchers)
        pool.assign(task("a", attempt=4, lease_epoch=7, command="echo 'a b'"))
        event = node.wait("assigned", id="a")
        self.assertEqual(event["n"], 4)
        self.assertIn('"args":["echo","a b"]', event["text"])
        self.assertEqual(pool.counts["GetAssignedTasks"], 1)

    def test_what_disappears_is_taken_back(self):
        pool, node = self.ready()
        pool.assign(task("a"), task("b"), task("c"))
        self.assigned(node, "a", "b", "c")
        pool.take_back("b")
        self.assertIn("assigned it to nobody", node.wait("cancelled")["text"])
        self.assertEqual(node.events[-1]["id"], "b")

    def test_what_is_cancelled_is_taken_back(self):
        pool, node = self.ready()
        pool.assign(task("a"))
        self.assigned(node, "a")
        pool.assign(task("a", cancelled=True))
        node.wait("cancelled", id="a")

    def test_nothing_is_concluded_from_a_list_that_is_not_complete(self):
        pool, node = self.ready()
        pool.assign(task("a"), task("b"))
        self.assigned(node, "a", "b")
        with pool.lock:
            pool.incomplete = True
            del pool.tasks["a"]
        pool.assign(task("c"))
        node.wait("assigned", id="c")
        with pool.lock:
            pool.incomplete = False
        pool.assign(task("d"))
        node.wait("assigned", id="d")
        self.assertEqual([e for e in node.events if e["event"] == "cancelled"], [])
        node.wait("cancelled", id="a")  # now it is, from the list that is complete
        self.assertEqual([e["id"] for e in node.events if e["event"] == "cancelled"], ["a"])

    def test_nothing_is_concluded_from_a_list_with_a_task_that_cannot_be_read(self):
        pool, node = self.ready()
        pool.assign(task("a"))
        self.assigned(node, "a")
        good = pb.GetAssignedTasksResponse(tasks=[task("b")], revision=50).SerializeToString()
        with pool.lock:
            pool.listing = good + b"\x0a\x04\x0a\x02\xc3\x28"  # and a task whose id is no UTF-8
        pool.assign(task("x"))
        node.wait("assigned", id="b")
        with pool.lock:
            pool.listing = None
            pool.revision = 60
        pool.assign(task("c"), task("b"))
        node.wait("assigned", id="c")
        self.assertEqual([e for e in node.events if e["event"] == "cancelled"], [])

    def test_a_list_that_is_cut_says_nothing(self):
        pool, node = self.ready()
        pool.assign(task("a"))
        self.assigned(node, "a")
        with pool.lock:
            pool.listing = pb.GetAssignedTasksResponse(tasks=[task("b")], revision=50).SerializeToString()[:-4]
        pool.assign(task("x"))
        pool.wait("it is asked for again", lambda: pool.counts["GetAssignedTasks"] > 1)
        with pool.lock:
            pool.listing = None
        pool.assign(task("b"))
        node.wait("assigned", id="b")
        self.assertEqual([e for e in node.events if e["event"] == "cancelled"], [])

    def test_a_pool_that_lost_its_memory_takes_nothing_back(self):
        pool, node = self.ready()
        with pool.lock:
            pool.revision = 1000
        pool.assign(task("a"), task("b"))
        self.assigned(node, "a", "b")
        pool.stop()
        node.wait("phase", id="Offline")
        with pool.lock:
            pool.tasks.clear()
            pool.nodes.clear()
            pool.revision = 1
        pool.start()
        node.wait("phase", id="Online")
        pool.assign(task("c"))
        node.wait("assigned", id="c")
        pool.assign(task("d"))
        node.wait("assigned", id="d")
        pool.take_back("c")  # of what it named since then it is believed
        node.wait("cancelled", id="c")
        self.assertEqual([e["id"] for e in node.events if e["event"] == "cancelled"], ["c"])

    def test_the_first_list_of_a_process_is_believed_whole(self):
        pool = self.pool()
        pool.assign(task("a"))
        node = self.node(pool)
        node.wait("only", n=1)
        pool.assign(task("b"))
        node.wait("assigned", id="b")
        self.assertEqual(len([e for e in node.events if e["event"] == "only"]), 1)

    def test_the_same_again_is_nothing_and_another_is_refused(self):
        pool, node = self.ready()
        pool.assign(task("a", command="one", attempt=1))
        self.assigned(node, "a")
        pool.assign(task("a", command="one", attempt=1), task("b"))
        self.assigned(node, "b")
        pool.assign(task("a", command="two", attempt=1))
        pool.wait("the refusal", lambda: "n1/a/1/0" in pool.results)
        refusal = pool.results["n1/a/1/0"]
        self.assertEqual((refusal.status, refusal.state, refusal.exit_code), ("failed", "Rejected", -1))
        self.assertIn("Conflict", refusal.reason)
        pool.assign(task("a", command="two", attempt=2))
        self.assertEqual(node.wait("assigned", id="a")["n"], 2)

    def test_what_is_refused_is_told(self):
        pool, node = self.ready()
        pool.assign(task("a", command="it's"), task("b", memory_limit="much"), task("c", command="forbidden"), task("d"))
        self.assigned(node, "d")
        pool.wait("the refusals", lambda: len(pool.results) == 3)
        self.assertIn("a quote (') is not closed", pool.results["n1/a/0/0"].reason)
        self.assertIn("memory_limit", pool.results["n1/b/0/0"].reason)
        self.assertIn("forbidden by the policy", pool.results["n1/c/0/0"].reason)

    def test_an_id_that_is_none_is_not_even_told(self):
        pool, node = self.ready()
        pool.assign(task("../../x"), task("ok"))
        self.assigned(node, "ok")
        self.assertEqual(pool.results, {})
        self.assertIn("is not the id of a task", node.text())

    def test_what_finds_no_room_is_asked_for_again(self):
        pool, node = self.ready()
        node.tell("room 1")
        pool.assign(task("a"), task("b"))
        first = node.wait("assigned")["id"]
        pool.wait("it asks for all", lambda: pool.counts["GetAssignedTasks"] > 1 and pool.known == 0)
        node.tell("room 2")
        self.assertNotEqual(node.wait("assigned")["id"], first)

    def test_fifty_thousand_tasks_in_one_answer(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=200")
        node.wait("phase", id="Online")
        node.tell("memory")
        before = node.wait("memory")["n"]
        node.ask("turn", "turn")
        with pool.lock:
            for i in range(50000):
                pool.tasks["task-%d" % i] = task("task-%d" % i, command="python task.py --part %d" % i, memory_limit="64m")
            del pool.calls[:]
        pool.assign(task("last"))
        pool.wait("beats go on meanwhile", lambda: pool.calls.count("UpdateNodeStatus") >= 3)
        seen = 0
        while seen < 50001:
            seen += node.next()["event"] == "assigned"
        print("longest turn of the loop: %d us" % node.ask("turn", "turn")["n"])
        with pool.lock:
            pool.tasks.clear()
        pool.assign(task("last"))
        cancelled = 0
        while cancelled < 50000:
            cancelled += node.next()["event"] == "cancelled"
        node.tell("memory")
        after = node.wait("memory")["n"]
        # What is kept is the test's own ledger (50,000 documents), not the list.
        self.assertLess(after - before, 200 * MIB)


class Inputs(Case):
    def setUp(self):
        super().setUp()
        self.the_pool = self.pool()

    def ready(self, *options):
        node = self.node(self.the_pool, "heartbeat_ms=200", *options)
        node.wait("phase", id="Online")
        return node

    def refer(self, name, size, task_id="a", sha256=None, **more):
        self.the_pool.inputs[name] = size
        return task(task_id, input_refs=[pb.InputFile(name=name, size=size, sha256=sha256 or digest_of(size))], **more)

    def content(self, node, sha256):
        with open(os.path.join(node.dir, "inbox", sha256), "rb") as f:
            return f.read()

    def test_bytes_that_come_with_it(self):
        node = self.ready()
        data = bytes(range(256)) * 100
        self.the_pool.assign(task("a", input_files={"data.bin": data, "note.txt": b"hello\n"}))
        event = node.wait("assigned", id="a")
        self.assertIn('{"path":"note.txt","inline":"hello\\n"}', event["text"])
        self.assertEqual(len(node.inbox()), 1)
        self.assertEqual(self.content(node, node.inbox()[0]), data)
        self.assertIn('{"path":"data.bin","inbox":"%s"}' % node.inbox()[0], event["text"])
        node.ask("sweep", "swept")
        self.assertEqual(node.inbox(), [])

    def test_an_input_is_fetched_before_the_task_is_assigned(self):
        node = self.ready()
        self.the_pool.assign(self.refer("big", 3 * MIB + 5))
        event = node.wait("assigned", id="a")
        self.assertIn(digest_of(3 * MIB + 5), event["text"])
        self.assertEqual(self.content(node, digest_of(3 * MIB + 5)), pattern(3 * MIB + 5))

    def test_an_input_that_is_cut_goes_on_where_it_was(self):
        self.the_pool.faults = {("FetchTaskInput", 1): "cut", ("FetchTaskInput", 2): "lose"}
        node = self.ready()
        self.the_pool.assign(self.refer("big", 3 * MIB))
        node.wait("assigned", id="a")
        self.assertEqual(self.the_pool.offsets[0], 0)
        self.assertGreater(self.the_pool.offsets[1], 0)
        self.assertGreater(self.the_pool.offsets[2], self.the_pool.offsets[1])
        self.assertEqual(self.content(node, digest_of(3 * MIB)), pattern(3 * MIB))

    def test_inputs_that_are_not_what_was_announced(self):
        node = self.ready()
        short = self.refer("short", 100, "short", digest_of(200))
        short.input_refs[0].size = 200
        longer = self.refer("longer", 300, "longer", digest_of(200))
        longer.input_refs[0].size = 200
        self.the_pool.assign(self.refer("other", 100, "other", digest_of(101)), longer,
                             task("gone", input_refs=[pb.InputFile(name="gone", size=1, sha256=digest_of(1))]),
                             task("huge", input_refs=[pb.InputFile(name="huge", size=1 << 60, sha256=digest_of(2))]),
                             self.refer("good", 100, "good"))
        node.wait("assigned", id="good")
        self.the_pool.wait("refusals", lambda: len(self.the_pool.results) == 4)
        said = {r.task_id: r.reason for r in self.the_pool.results.values()}
        self.assertIn("another SHA-256", said["other"])
        self.assertIn("more than the 200 bytes", said["longer"])
        self.assertIn("no such input", said["gone"])
        self.assertIn("larger than this node takes", said["huge"])
        self.assertEqual(node.inbox(), [digest_of(100)])

    def test_what_is_taken_back_is_not_fetched_to_its_end(self):
        self.the_pool.piece = 1024
        node = self.ready()
        self.the_pool.assign(self.refer("big", 64 * MIB))
        self.the_pool.wait("it begins", lambda: "FetchTaskInput" in self.the_pool.calls)
        self.the_pool.take_back("a")
        self.the_pool.assign(task("b"))
        node.wait("assigned", id="b")
        self.assertEqual([e for e in node.events if e["event"] == "assigned" and e["id"] == "a"], [])

    def test_a_full_inbox_is_no_refusal(self):
        node = self.ready("inbox_bytes=1000")
        self.the_pool.assign(self.refer("one", 900, "a"))
        node.wait("assigned", id="a")
        self.the_pool.assign(self.refer("two", 901, "b"))
        self.the_pool.wait("it asks again", lambda: self.the_pool.counts["GetAssignedTasks"] > 1 and self.the_pool.known == 0)
        self.assertEqual(self.the_pool.results, {})
        node.ask("sweep", "swept")
        node.wait("assigned", id="b")

    def test_five_hundred_megabytes_in_with_flat_memory(self):
        node = self.ready()
        self.the_pool.piece = MIB
        node.tell("memory")
        before = node.wait("memory")["n"]
        self.the_pool.assign(self.refer("big", 500 * MIB))
        most = 0
        while not any(e["event"] == "assigned" for e in node.events):
            node.tell("memory")
            most = max(most, node.wait_any("memory", "assigned")["n"])
        print("500 MiB in: %d KiB more at most" % ((most - before) // 1024))
        self.assertLess(most - before, 40 * MIB)
        self.assertEqual(node.inbox(), [digest_of(500 * MIB)])


class Results(Case):
    def test_what_a_result_says(self):
        pool = self.pool()
        node = self.node(pool)
        node.tell("owe good Completed 2 1 10 70000", "owe bad Failed 3 2 0 5", "owe never Rejected 1 0 0 0")
        for _ in range(3):
            node.wait("committed")
        good, bad, never = pool.results["n1/good/2/1"], pool.results["n1/bad/3/2"], pool.results["n1/never/1/0"]
        self.assertEqual((good.status, good.state, good.exit_code, good.node_id, good.attempt),
                         ("completed", "Completed", 0, "n1", 2))
        self.assertEqual((good.timestamp, good.receipt, good.result), (1700000000, '{"receipt":1}', pattern(10)))
        self.assertEqual(good.log, pattern(70000)[-65536:])
        self.assertEqual(bytes(pool.logs[("good", 2)]), pattern(70000))
        self.assertEqual((bad.status, bad.state, bad.exit_code, bad.reason), ("failed", "Failed", 3, "ExitCode: exit code 3"))
        self.assertEqual((never.status, never.exit_code, never.result), ("failed", -1, b""))

    def test_what_the_pool_gave_to_somebody_else_is_kept_here(self):
        pool = self.pool()
        pool.report = lambda request, context, what: pb.ReportTaskResultResponse(
            success=False, committed=True, message="a newer lease has it")
        node = self.node(pool)
        node.tell("owe a Completed 1 1 10 0")
        self.assertIn("a newer lease has it", node.wait("unwanted", id="a")["text"])

    def test_an_old_pool_gets_what_it_knows(self):
        pool = self.pool(additions=False, faults=[("ReportTaskResult", 1, "lose"), ("ReportTaskResult", 3, "no")])
        node = self.node(pool, "heartbeat_ms=200")
        node.wait("phase", id="Online")
        pool.assign(task("a"))  # polled: it has no stream
        node.wait("assigned", id="a")
        node.tell("owe a Completed 0 1 100 70000", "owe big Completed 0 1 %d 5" % (3 * MIB))
        self.assertEqual(sorted(node.wait("committed")["id"] for _ in "12"), ["a", "big"])
        self.assertEqual(pool.last["ReportTaskResult"].HasField("chunk"), False)
        self.assertIn(("big", 3 * MIB, digest_of(3 * MIB)), pool.commits)
        with pool.lock:
            pool.tasks.clear()  # it does not count its lists: nothing is concluded
            n = pool.counts["GetAssignedTasks"]
        pool.wait("more lists", lambda: pool.counts["GetAssignedTasks"] > n + 2)
        pool.assign(task("b"))
        node.wait("assigned", id="b")
        self.assertEqual([e for e in node.events if e["event"] == "cancelled"], [])

    def test_work_that_runs_is_settled_task_by_task(self):
        pool = self.pool()
        node = self.node(pool)
        node.tell("run 1000")
        pool.assign(*(task("t%d" % i, attempt=1) for i in range(200)))
        pool.wait("all results", lambda: len(pool.commits) == 200)
        self.assertEqual(sorted(c[0] for c in pool.commits), sorted("t%d" % i for i in range(200)))

    def test_a_second_try_begins_its_log_anew(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=200")
        node.wait("phase", id="Online")
        pool.logs["a", 3], pool.tries["a", 3] = bytearray(b"of the first try, and longer" * 5000), 1
        node.tell("owe a Completed 3 2 10 70000")
        node.wait("committed", id="a")
        self.assertEqual(pool.logs["a", 3], pattern(70000))

    def test_a_log_is_told_while_it_grows_and_once(self):
        pool = self.pool()
        node = self.node(pool, "heartbeat_ms=200")
        node.wait("phase", id="Online")
        node.tell("print a 70000")
        pool.assign(task("a", attempt=3))
        pool.wait("what was printed first", lambda: pool.logs.get(("a", 3)) == pattern(70000))
        node.tell("print a %d" % (2 * MIB))
        pool.wait("what was printed then", lambda: pool.logs[("a", 3)] == pattern(70000 + 2 * MIB))
        pool.stop()
        node.wait("phase", id="Offline")
        pool.start()  # it is followed anew, and what the pool has is left out
        node.wait("phase", id="Online")
        node.tell("print a 10")
        pool.wait("what was printed last", lambda: pool.logs[("a", 3)] == pattern(70010 + 2 * MIB))
        node.tell("end a", "owe a Completed 3 1 10 %d" % (70010 + 2 * MIB))
        node.wait("committed", id="a")
        self.assertEqual(pool.logs[("a", 3)], pattern(70010 + 2 * MIB))
        self.assertLess(pool.sent, 4 * MIB)  # not sent a second time from the beginning

    def test_a_ledger_in_trouble_reports_again_and_is_recorded_once(self):
        pool = self.pool()
        node = self.node(pool)
        node.tell("settle 0", "owe a Completed 1 1 10 0")
        pool.wait("several tries", lambda: pool.counts["ReportTaskResult"] >= 3)
        node.tell("settle 1")
        node.wait("committed", id="a")
        self.assertEqual(len(pool.commits), 1)

    def test_five_hundred_megabytes_out_with_flat_memory(self):
        pool = self.pool()
        node = self.node(pool)
        node.wait("phase", id="Online")
        node.tell("memory")
        before = node.wait("memory")["n"]
        node.tell("owe big Completed 1 1 %d 0" % (500 * MIB))
        most = 0
        while not any(e["event"] == "committed" for e in node.events):
            node.tell("memory")
            most = max(most, node.wait_any("memory", "committed")["n"])
        print("500 MiB out: %d KiB more at most" % ((most - before) // 1024))
        self.assertLess(most - before, 40 * MIB)
        self.assertEqual(pool.commits, [("big", 500 * MIB, digest_of(500 * MIB))])


if __name__ == "__main__":
    unittest.main(verbosity=2)
