#!/usr/bin/env python3
"""hivepool and nodes of dialect v1: what is given, what comes back, and that it counts once, whoever dies when."""
import os
import random
import threading
import unittest

import grpc

import site_pool as site
from site_pool import v1


class Giving(site.Case):
    def test_a_task_is_given_with_its_inputs_and_comes_back(self):
        with open(os.path.join(self.pool.dir, "data.bin"), "wb") as f:
            f.write(os.urandom(3 << 20))
        name = self.pool.submit("--id", "t1", "-i", f"data.bin={f.name}", "--cpu", "0.5", "--memory", "64m", "-e", "A=b c",
                                "--", "sh", "-c", "echo 'it is'")
        self.assertEqual(name, "t1")
        node = self.node()
        task = node.wait_task("t1")
        self.assertEqual((task.docker_image, task.memory_limit, task.cpu_quota, task.attempt, task.retries),
                         ("busybox", "64m", 50000, 1, 0))
        self.assertEqual(dict(task.environment), {"A": "b c"})
        with open(f.name, "rb") as f:
            data = f.read()
        self.assertEqual(site.sha256(data), task.input_refs[0].sha256)
        self.assertEqual(node.fetch(task, "data.bin"), data)
        self.assertEqual(node.fetch(task, "data.bin", 2 << 20), data[2 << 20:])
        self.assertEqual(node.log(task, b"one\n", 0), 4)
        r = node.report(task, result=b"PK zip", exit_code=0, log=b"not needed")
        self.assertTrue(r.success and r.committed, r.message)
        self.assertEqual(self.pool.state("t1"), "Completed")
        self.assertEqual(self.pool.cli("result", "t1", "-o", "-", binary=True)[0], b"PK zip")
        self.assertEqual(self.pool.cli("logs", "t1")[0], "one\n")
        self.assertEqual(node.tasks(), [])

    def test_a_documented_node_gets_inputs_with_the_task(self):
        with open(os.path.join(self.pool.dir, "data.txt"), "wb") as f:
            f.write(b"hello")
        self.pool.submit("--id", "t1", "-i", f.name)
        node = self.node(agent_version="", capabilities=[])
        task = node.wait_task("t1")
        self.assertEqual(dict(task.input_files), {"data.txt": b"hello"})
        self.assertEqual(list(task.input_refs), [])
        answer = node.call("ReportTaskResult", v1.ReportTaskResultRequest(task_id="t1", node_id="n1", result=b"x",
                                                                          status="completed"),
                           v1.ReportTaskResultResponse)
        self.assertTrue(answer.success)

    def test_room_trust_and_type_decide(self):
        small = self.node("small", cpu_cores=1, trust_score=10)
        large = self.node("large", cpu_cores=8, trust_score=90, capabilities=["docker", "python"])
        self.pool.submit("--id", "big", "--cpu", "4")
        self.pool.submit("--id", "trusted", "--trust", "high")
        self.pool.cli("submit", "--id", "typed", "--type", "python")
        for name in ("big", "trusted", "typed"):
            large.wait_task(name)
        self.assertEqual(small.tasks(), [])
        self.pool.submit("--id", "huge", "--cpu", "64")
        self.assertEqual(self.pool.task("huge")["task"]["waitsFor"],
                         "it asks for more than any of the 2 nodes that could do it has")

    def test_a_cancel_reaches_the_node(self):
        node = self.node()
        self.pool.submit("--id", "t1")
        lists = node.watch()
        while not any(t.id == "t1" for t in next(lists)):
            pass
        self.pool.cli("cancel", "t1", "--reason", "not any more")
        while not any(t.cancelled for t in next(lists)):
            pass
        task = node.tasks()[0]
        self.assertTrue(node.report(task, status="failed", state="Stopped", exit_code=137).committed)
        t = self.pool.task("t1")
        self.assertEqual((t["task"]["state"], t["attempts"][0]["exitCode"]), ("Cancelled", 137))

    def test_who_is_not_registered_is_told(self):
        node = self.node(register=False)
        self.assertFalse(node.beat().success)
        with self.assertRaises(grpc.RpcError) as e:
            node.stub("GetAssignedTasks", v1.GetAssignedTasksRequest(node_id="n1"), v1.GetAssignedTasksResponse)
        self.assertEqual(e.exception.code(), grpc.StatusCode.NOT_FOUND)
        node.register()
        self.assertTrue(node.beat().success)
        node.register()
        node.epoch -= 1
        self.assertIn("registered again", node.beat().message)

    def test_a_node_watches_a_few_times_at_most(self):
        node = self.node()
        streams = [node.watch() for _ in range(9)]
        for stream in streams[:8]:
            self.assertEqual(next(stream), [])
        with self.assertRaises(grpc.RpcError) as e:
            next(streams[8])
        self.assertEqual(e.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_an_input_that_is_fetched_is_no_list(self):
        path = os.path.join(self.pool.dir, "input")
        with open(path, "wb") as f:
            f.write(b"bytes")
        node = self.node()
        self.pool.submit("--id", "t1", "-i", "data=" + path)
        while not node.beat().pending_changes:  # given out in a pass of its own
            pass
        first = node.tasks()[0]  # not watched: a stream would have the rest, too
        self.pool.submit("--id", "t2")
        while not node.beat().pending_changes:
            pass
        self.assertEqual(node.fetch(first, "data"), b"bytes")
        self.assertTrue(node.beat().pending_changes)
        node.tasks()
        self.assertFalse(node.beat().pending_changes)

    def test_nonsense_is_refused(self):
        node = self.node(register=False)
        rows = [{"node_id": ""}, {"node_id": "a b"}, {"node_id": "x" * 300}, {"node_id": "n", "memory_gb": float("nan")},
                {"node_id": "n", "cpu_cores": -1}, {"node_id": "n", "capabilities": ["a\nb"]},
                {"node_id": "n", "capabilities": ["dialect:hivemind"]}]
        for row in rows:
            r = node.call("RegisterNode", v1.RegisterNodeRequest(**row), v1.RegisterNodeResponse)
            self.assertFalse(r.success, row)
        raw = node.channel.unary_unary("/nodepool.NodeManager/RegisterNode")
        for garbage in (b"\xff" * 50, b"\x0a\x02\xff\xfe", b"\x0a\x03a\x00b"):
            with self.assertRaises(grpc.RpcError) as e:
                raw(garbage, timeout=site.LIMIT_S)
            self.assertEqual(e.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        with self.assertRaises(grpc.RpcError) as e:
            node.channel.unary_unary("/nodepool.NodeManager/Nothing")(b"", timeout=site.LIMIT_S)
        self.assertEqual(e.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class Counting(site.Case):
    def test_a_result_counts_once(self):
        node = self.node()
        self.pool.submit("--id", "t1")
        task = node.wait_task("t1")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(node.report(task, result=b"r" * 100000)))
                   for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue(all(a.success and a.committed for a in answers))
        other = node.report(task, result=b"another", key="other")
        self.assertEqual((other.success, other.committed, other.message),
                         (False, True, "attempt 1 of task t1 has another result already"))
        self.assertEqual(len(self.pool.task("t1")["attempts"]), 1)

    def test_pieces_may_come_twice_out_of_order_and_damaged(self):
        node = self.node()
        self.pool.submit("--id", "t1")
        task = node.wait_task("t1")
        data = os.urandom(5 << 20)
        digest, mib = site.sha256(data), 1 << 20
        self.assertEqual(node.piece(task, data[:mib], 0, len(data), digest).next_offset, mib)
        self.assertEqual(node.piece(task, data[:mib], 0, len(data), digest).next_offset, mib)
        self.assertEqual(node.piece(task, data[3 * mib:4 * mib], 3 * mib, len(data), digest).next_offset, mib)
        self.assertEqual(node.piece(task, bytes(4 * mib), mib, len(data), digest).next_offset, 0)  # damaged: anew
        at, answer = 0, None
        while not (answer and answer.committed):
            answer = node.piece(task, data[at:at + mib], at, len(data), digest)
            self.assertTrue(answer.success)
            at = answer.next_offset
        self.assertEqual(self.pool.cli("result", "t1", "-o", "-", binary=True)[0], data)

    def test_a_failure_is_tried_again_as_often_as_allowed(self):
        node = self.node()
        self.pool.submit("--id", "t1", "--retries", "2")
        for attempt in (1, 2, 3):
            task = node.wait_task("t1")
            self.assertEqual(task.attempt, attempt)
            self.assertTrue(node.report(task, status="failed", exit_code=attempt, reason="it broke").committed)
        t = self.pool.task("t1")
        self.assertEqual(t["task"]["state"], "Failed")
        self.assertEqual([a["exitCode"] for a in t["attempts"]], [1, 2, 3])


class Leases(site.Case):
    OPTIONS = ["--insecure", "--lease", "5s"]  # long enough for who beats five times a second

    def test_a_silent_node_loses_its_tasks(self):
        lost = self.node("lost")
        self.pool.submit("--id", "t1", "--retries", "1")
        old = lost.wait_task("t1")
        other = self.node("other")
        beating = threading.Event()

        def keep_alive():
            while not beating.wait(0.2):
                other.beat()
        thread = threading.Thread(target=keep_alive)
        thread.start()
        try:
            new = other.wait_task("t1")
            self.assertEqual(new.attempt, 2)
            self.assertGreater(new.lease_epoch, old.lease_epoch)
            late = lost.report(old, result=b"late")
            self.assertFalse(late.success)
            self.assertTrue(late.committed)
            self.assertIn("was taken from node lost", late.message)
            self.assertTrue(other.report(new, result=b"good").committed)
        finally:
            beating.set()
            thread.join()
        self.assertEqual(self.pool.cli("result", "t1", "-o", "-", binary=True)[0], b"good")
        self.assertEqual([a["end"] for a in self.pool.task("t1")["attempts"]], ["Lost", "Completed"])


class Deaths(site.Case):
    def test_an_upload_goes_on_after_a_crash(self):
        node = self.node()
        self.pool.submit("--id", "t1")
        task = node.wait_task("t1")
        data = os.urandom(40 << 20)
        digest, mib = site.sha256(data), 1 << 20
        for i in range(20):
            node.piece(task, data[i * mib:(i + 1) * mib], i * mib, len(data), digest)
        self.pool.kill()
        self.pool.start()
        answer = node.piece(task, data[20 * mib:21 * mib], 20 * mib, len(data), digest)
        self.assertEqual(answer.next_offset, 16 * mib)  # what was on disk for certain
        while not answer.committed:
            at = answer.next_offset
            answer = node.piece(task, data[at:at + mib], at, len(data), digest)
        self.assertEqual(self.pool.cli("result", "t1", "-o", "-", binary=True)[0], data)

    def test_every_task_ends_with_one_result_whenever_the_pool_dies(self):
        seed = int(os.environ.get("HV_SEED") or random.randrange(1 << 30))
        chance = random.Random(seed)
        names = [self.pool.submit("--id", f"t{i}") for i in range(40)]
        done, lock, stop = {}, threading.Lock(), threading.Event()

        def work(node):
            while not stop.is_set():
                try:
                    node.beat()
                    for task in node.tasks():
                        answer = node.report(task, result=f"{node.name} {task.id}".encode())
                        with lock:
                            if answer.success:
                                done.setdefault(task.id, set()).add((node.name, task.attempt))
                except grpc.RpcError:
                    grpc.channel_ready_future(node.channel).result(site.LIMIT_S)
        nodes = [self.node(f"n{i}") for i in range(3)]
        threads = [threading.Thread(target=work, args=(n,)) for n in nodes]
        for t in threads:
            t.start()
        try:
            for _ in range(8):
                stop.wait(chance.uniform(0.02, 0.3))
                self.pool.kill()
                self.pool.start()
            for name in names:
                self.pool.admin()("WaitTask", site.admin.GetTaskRequest(id=name), site.admin.GetTaskResponse)
        finally:
            stop.set()
            for t in threads:
                t.join()
        for name in names:
            t = self.pool.task(name)
            self.assertEqual((t["task"]["state"], len(t["attempts"])), ("Completed", 1), f"{name}, HV_SEED={seed}")
            self.assertLessEqual(len(done.get(name, {1})), 1, f"{name}, HV_SEED={seed}")


class Sizes(site.Case):
    def test_half_a_gigabyte_in_pieces_takes_no_memory(self):
        node = self.node()
        self.pool.submit("--id", "t1")
        task = node.wait_task("t1")
        piece = os.urandom(4 << 20)
        n = 125
        digest = site.sha256(piece * n)
        before = self.pool.memory_peak_mb()
        for i in range(n):
            answer = node.piece(task, piece, i * len(piece), n * len(piece), digest)
        self.assertTrue(answer.committed)
        out = os.path.join(self.pool.dir, "out")
        os.mkdir(out)
        self.pool.cli("result", "t1", "-o", out)
        self.assertEqual(os.path.getsize(os.path.join(out, "t1.zip")), n * len(piece))
        self.assertLess(self.pool.memory_peak_mb() - before, 120)  # pages of the file that is sent count, too


if __name__ == "__main__":
    unittest.main()
