"""Dialect hivemind against a pool like the deployed one: login, words, pushed tasks, logs, results, faults."""
import base64
import hashlib
import io
import ipaddress
import json
import math
import os
import socket
import sys
import tempfile
import time
import unittest
import zipfile

import grpc
from cryptography import x509

import scripted
from scripted import Node, digest_of, free_port, pattern
from scripted_hivemind import Pool, archive, pb

sys.path.insert(0, os.path.join(scripted.SOURCE, "test", "lib"))
import certs  # noqa: E402  (of the directory named above)

BIG = 3 * 1024 * 1024 + 17
BESIDE = ("TaskUsage", "GetBalance")  # are sent beside the status, and may overtake it


class Case(scripted.Case):
    hidden = (*scripted.Case.hidden, "token-")

    def pool(self, *faults, **more):
        return self.begin(Pool(faults, **more))

    def node(self, pool, *options):
        self.port = free_port()
        return super().node(pool, "dialect=hivemind", "user=alice", "password=hunter2", "heartbeat_ms=100",
                            "listen=127.0.0.1:%d" % self.port, *options)


class Link(Case):
    def test_the_first_calls_are_login_register_status(self):
        pool = self.pool()
        self.online(pool)
        pool.wait("the usage", lambda: pool.usage)
        first = [c for c in pool.calls if c not in BESIDE][:3]
        self.assertEqual(first, ["Login", "RegisterWorkerNode", "ReportStatus"])
        m = pool.last["RegisterWorkerNode"]
        self.assertEqual((m.node_id, m.hostname, m.port, m.cpu_cores, m.memory_gb, m.docker_status),
                         ("alice", "10.0.0.17", self.port, 4, 8, "available"))
        m = pool.last["ReportStatus"]
        self.assertEqual((m.node_id, m.status, m.running_tasks, m.cpu_usage, m.gpu_usage), ("alice", "Idle", 0, 12.5, 0))
        self.assertEqual((pool.usage[0].task_id, pool.usage[0].token, pool.usage[0].memory_usage), ("0", "alice", 50))

    def test_a_wrong_password_is_said(self):
        pool = self.pool()
        self.nodes.append(Node(pool.port, "dialect=hivemind", "user=bob", "password=hunter2",
                               "listen=127.0.0.1:%d" % free_port()))
        pool.wait("two logins", lambda: pool.counts["Login"] > 1)
        self.assertIn("wrong password", self.nodes[0].ask("state", "state")["text"])

    def test_a_token_that_is_not_taken_any_more(self):
        pool = self.pool(("ReportStatus", 2, "expire"))
        node = self.online(pool)
        node.tell("poke")
        pool.wait("another login", lambda: pool.calls.count("Login") == 2 and pool.calls.count("ReportStatus") > 1)
        self.assertEqual(pool.rejected, 1)
        node.wait("phase", id="Online")
        phases = [e["id"] for e in node.events if e["event"] == "phase"]
        self.assertNotIn("Offline", phases[phases.index("Online"):])  # at once, and not as a pool that broke

    def test_every_call_says_so_differently(self):
        for method, n in (("RegisterWorkerNode", 1), ("ReportStatus", 2), ("TaskOutputUpload", 1), ("TaskResultUpload", 1)):
            with self.subTest(method):
                pool = self.pool((method, n, "log-in"))
                node = self.online(pool)
                node.tell("poke", "owe one Completed 0 1 100 500")
                node.wait("committed", id="one")
                pool.wait("the script to be over", lambda: not pool.left)
                pool.wait("another login", lambda: pool.calls.count("Login") == 2)
                self.assertEqual(len(pool.results["one"]), 1)

    def test_a_pool_that_forgot_the_node_is_told_again(self):
        pool = self.pool(("ReportStatus", 2, "forget"))
        node = self.online(pool)
        node.tell("poke")
        pool.wait("the registration", lambda: pool.calls.count("RegisterWorkerNode") == 2)

    def test_a_node_that_nobody_could_call_does_not_register(self):
        for address in ("127.0.0.1", "::1", "0.0.0.0", "::", "localhost", ""):
            with self.subTest(address):
                pool = self.pool()
                node = self.node(pool, "advertise=" + address)
                while "no address that the pool would dial" not in node.ask("state", "state")["text"]:
                    node.wait("phase")
                self.assertNotIn("RegisterWorkerNode", pool.calls)


def token(number, life_s):
    """Of the deployed pool's form; its middle says when it ends."""
    claims = json.dumps({"sub": number, "exp": math.ceil(time.time() + life_s)})
    return "e30.%s.x" % base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")


class Account(Case):
    """Tokens that end in 4 s are renewed after 2, one after the other; those that end in an hour are not renewed in any test."""

    def test_a_token_is_renewed_by_itself(self):
        pool = self.pool()
        pool.make_token = lambda number: token(number, 4)
        node = self.online(pool)
        pool.wait("a third token", lambda: pool.n_tokens == 3)
        newest = "Bearer " + pool.last_token
        pool.wait("which is used", lambda: pool.bearer["ReportStatus"] == newest or pool.n_tokens > 3)
        self.assertEqual((pool.counts["Login"], pool.rejected), (1, 0))
        self.assertEqual(node.ask("state", "state")["id"], "Online")

    def check_login(self, pool):
        """The renewal came to nothing: Login is behind it, and the link is never lost."""
        pool.make_token = lambda number, then=pool.make_token: token(number, 2) if number == 1 else then(number)
        node = self.online(pool)
        pool.wait("another login", lambda: pool.counts["Login"] == 2)
        before = pool.counts["ReportStatus"]
        pool.wait("beats with its token", lambda: pool.counts["ReportStatus"] > before + 2)
        self.assertEqual(pool.counts["Login"], 2)
        self.assertEqual(node.ask("state", "state")["id"], "Online")
        self.assertNotIn("Offline", [e["id"] for e in node.events if e["event"] == "phase"])
        return pool

    def test_a_renewal_that_comes_to_nothing(self):
        for what in ("no", "refuse", "busy", "break", "lose", "garbage", "expire", "log-in", "silence"):
            with self.subTest(what):
                self.check_login(self.pool(("RefreshToken", 1, what)))

    def test_a_pool_that_cannot_renew(self):
        self.check_login(self.pool(without=("RefreshToken",)))

    def test_a_token_that_is_none(self):
        for what, second in (("empty", ""), ("ended", token(2, -60)), ("no text", "a\nb")):
            with self.subTest(what):
                pool = self.pool()
                pool.make_token = lambda number, second=second: second if number == 2 else "token-%d" % number
                self.check_login(pool)

    def test_a_token_with_a_no_is_none(self):
        pool = self.pool()
        pool.RefreshToken = lambda m: pb.RefreshTokenResponse(success=False, new_token=pool.new_token())
        self.check_login(pool)

    def test_the_old_token_again(self):
        pool = self.pool()
        first = []

        def make(number):
            if not first:  # its life begins when it is given
                first.append(token(1, 2))
            return first[0] if number < 3 else "token-%d" % number
        pool.make_token = make
        self.online(pool)
        pool.wait("another login", lambda: pool.counts["Login"] == 2)
        self.assertEqual(pool.counts["RefreshToken"], 1)

    def test_others_are_asked_about(self):
        pool = self.pool()
        pool.accounts["bob"] = "builder"
        node = self.online(pool)
        for name, password, known in (("bob", "builder", "yes"), ("bob", "hunter2", "no"), ("carol", "builder", "no"), ("alice", "hunter2", "yes")):
            with self.subTest(name=name, password=password):
                node.tell(f"vouch {name} {password}")
                self.assertEqual(node.wait("vouched")["id"], known)
        self.assertEqual(pool.bearer["ReportStatus"], "Bearer token-1")  # nobody else's

    def test_an_answer_about_others_says_nothing_of_the_node(self):
        for what in ("stranger", "refuse", "garbage"):
            with self.subTest(what):
                pool = self.pool(("Login", 2, what))
                pool.make_token = lambda number: token(number, 4)
                node = self.online(pool)
                node.tell("vouch bob builder")
                self.assertEqual(node.wait("vouched")["id"], "no")
                pool.wait("a renewal", lambda: pool.n_tokens == 2)
                self.assertEqual((pool.counts["Login"], pool.counts["RefreshToken"], pool.rejected), (2, 1, 0))
                self.assertNotIn("builder", node.text())

    def test_a_link_that_ends_owes_nobody_an_answer(self):
        pool = self.pool(("Login", 2, "silence"))
        node = self.online(pool)
        node.tell("vouch bob builder", "drop")
        self.assertEqual(node.wait("vouched")["id"], "no")

    def test_the_balance_is_told(self):
        pool = self.pool()
        node = self.node(pool)
        self.assertEqual(node.wait("balance")["n"], 42)
        self.assertEqual((pool.last["GetBalance"].username, pool.last["GetBalance"].token[:6]), ("alice", "token-"))
        before = pool.counts["ReportStatus"]  # it is not asked for with each beat
        pool.wait("beats", lambda: pool.counts["ReportStatus"] > before + 5)
        self.assertEqual(pool.counts["GetBalance"], 1)

    def test_no_balance_is_no_fault(self):
        for what in ("no", "refuse", "busy", "break", "lose", "garbage", None):
            with self.subTest(what):
                pool = self.pool(("GetBalance", 1, what)) if what else self.pool(without=("GetBalance",))
                node = self.online(pool)
                before = pool.counts["ReportStatus"]
                pool.wait("beats", lambda: pool.counts["ReportStatus"] > before + 2)
                self.assertEqual((pool.counts["Login"], node.ask("state", "state")["id"]), (1, "Online"))
                self.assertEqual([e["id"] for e in node.events if e["event"] in ("phase", "balance")][-1], "Online")

    def test_a_balance_may_be_the_one_that_says_that_the_token_is_not_taken(self):
        """Of a pool that does not look at the metadata."""
        for says in ("TOKEN_EXPIRED", "INVALID_TOKEN"):
            with self.subTest(says):
                pool = self.pool()
                pool.GetBalance = lambda m, says=says: pb.GetBalanceResponse(success=False, message=says)
                self.online(pool)
                pool.wait("another login", lambda: pool.counts["Login"] == 2)
                before = pool.counts["ReportStatus"]
                pool.wait("and no third", lambda: pool.counts["ReportStatus"] > before + 5)
                self.assertEqual(pool.counts["Login"], 2)


class Tasks(Case):
    def test_a_task_becomes_a_document(self):
        pool = self.pool()
        node = self.online(pool)
        data = archive(**{"main.py": "print(1)"})
        self.assertTrue(pool.execute(self.port, "Job_1", data, cpu_usage=150, memory_gb=2, gpu_usage=5, gpu_memory_gb=3).success)
        document = json.loads(node.wait("assigned", id="Job_1")["text"])
        sha256 = hashlib.sha256(data).hexdigest()
        self.assertEqual(document["spec"], {
            "type": "hivemind", "env": [{"name": "TASK_ID", "value": "Job_1"}],
            "inputs": [{"path": ".", "inbox": sha256, "unpack": True}],
            "resources": {"limits": {"cpu": document["spec"]["resources"]["limits"]["cpu"], "memory": str(2 << 30)},
                          "requests": {"gpus": 1, "gpuMemory": str(3 << 30)}}})
        self.assertIn(document["spec"]["resources"]["limits"]["cpu"], ("1500m", "1.5"))
        self.assertEqual(node.inbox(), [sha256])
        pool.wait("Running", lambda: pool.last["ReportStatus"].status == "Running 1 tasks")
        self.assertEqual(pool.last["ReportStatus"].running_tasks, 1)

    def test_floors(self):
        pool = self.pool()
        node = self.online(pool)
        self.assertTrue(pool.execute(self.port, "small", archive(a="1")).success)
        limits = json.loads(node.wait("assigned", id="small")["text"])["spec"]["resources"]["limits"]
        self.assertEqual(limits["memory"], str(512 << 20))
        self.assertIn(limits["cpu"], ("100m", "0.1"))

    def test_the_same_again_is_known_and_another_is_refused(self):
        pool = self.pool()
        node = self.online(pool)
        self.assertTrue(pool.execute(self.port, "twice", archive(a="1")).success)
        self.assertTrue(pool.execute(self.port, "twice", archive(a="1")).success)
        got = pool.execute(self.port, "twice", archive(a="2"))
        self.assertFalse(got.success)
        self.assertIn("Conflict", got.message)
        node.ask("state", "state")
        self.assertEqual(len([e for e in node.events if e["event"] == "assigned"]), 1)

    def test_what_cannot_be_is_refused(self):
        pool = self.pool()
        self.online(pool, )
        for task_id, data, more, words in (("../x", b"x", {}, "not the id"), ("", b"x", {}, "not the id"),
                                           ("e", b"", {}, "empty"), ("n", b"x", {"memory_gb": -1}, "memory_gb"),
                                           ("c", b"x", {"cpu_usage": float("nan")}, "cpu_usage")):
            got = pool.execute(self.port, task_id, data, **more)
            self.assertEqual((got.success, words in got.message), (False, True), (task_id, got.message))

    def test_no_room_is_no(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("room 0")
        node.ask("state", "state")
        self.assertFalse(pool.execute(self.port, "later", archive(a="1")).success)

    def test_a_large_one_leaves_no_memory_behind(self):
        # HV_LARGE_MIB=500: one as large as a pool may send.
        pool = self.pool()
        node = self.online(pool)
        before = node.ask("memory", "memory")["n"]
        data = bytes(1 << 20) * int(os.environ.get("HV_LARGE_MIB", "64"))
        self.assertTrue(pool.execute(self.port, "large", data).success)
        self.assertEqual(node.inbox(), [hashlib.sha256(data).hexdigest()])
        self.assertLess(node.ask("memory", "memory")["n"], before + (48 << 20))

    def test_a_stop(self):
        pool = self.pool()
        node = self.online(pool)
        pool.execute(self.port, "s", archive(a="1"))
        self.assertTrue(pool.stop_task(self.port, "s").success)
        node.wait("cancelled", id="s")
        self.assertFalse(pool.stop_task(self.port, "other").success)

    def test_usage_is_told_of_what_is_measured(self):
        pool = self.pool()
        node = self.online(pool)
        pool.execute(self.port, "busy", archive(a="1"))
        pool.wait("Running", lambda: pool.last["ReportStatus"].running_tasks == 1)
        self.assertEqual({u.task_id for u in pool.usage}, {"0"})  # nobody knows anything of the task yet
        node.tell("busy 250 40 -1 12.5")
        pool.wait("its usage", lambda: pool.usage[-1].task_id == "busy")
        got = pool.usage[-1]
        self.assertEqual((got.cpu_usage, got.memory_usage, got.gpu_usage, got.gpu_memory_usage, got.token[:6]), (100, 40, 0, 12.5, "token-"))
        node.tell("busy -1 -1 70 -1")  # a GPU is something, too
        pool.wait("what its GPU does", lambda: pool.usage[-1].task_id == "busy" and pool.usage[-1].gpu_usage == 70)

    def test_a_stranger_and_a_method_that_is_none(self):
        pool = self.pool()
        self.online(pool, "peers=10.0.0.0/24")
        with self.assertRaises(grpc.RpcError) as e:
            pool.execute(self.port, "x", archive(a="1"))
        self.assertEqual(e.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        with self.assertRaises(grpc.RpcError) as e:
            pool.stop_task(self.port, "x")
        self.assertEqual(e.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        other = self.pool()
        self.online(other, "peers=127.0.0.0/8")
        self.assertTrue(other.execute(self.port, "x", archive(a="1")).success)
        channel, call = other.stub(self.port, "TaskOutput", pb.TaskOutputRequest)
        with channel, self.assertRaises(grpc.RpcError) as e:
            call(pb.TaskOutputRequest(), timeout=10)
        self.assertEqual(e.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class Inbox(Case):
    """What came with an offer that was not taken does not stay."""

    def swept(self, node):
        node.ask("sweep", "swept")
        return node.inbox()

    def test_what_is_refused(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("room 0")
        node.ask("state", "state")
        data = archive(a="1")
        self.assertFalse(pool.execute(self.port, "later", data).success)
        node.wait("unclaimed")
        self.assertEqual(self.swept(node), [])

    def test_what_is_taken_stays(self):
        pool = self.pool()
        node = self.online(pool)
        for _ in range(2):  # known, the second time
            ack = pool.execute(self.port, "taken", archive(a="1"))
            self.assertTrue(ack.success, ack.message)
        node.ask("state", "state")
        self.assertNotIn("unclaimed", [e["event"] for e in node.events])

    def test_the_pool_gives_up_while_it_is_written(self):
        pool = self.pool()
        node = self.online(pool)
        data = bytes(1 << 20) * 3
        node.tell("hold")  # nothing reaches the disk
        channel, call = pool.stub(self.port, "ExecuteTask", pb.ExecuteTaskRequest)
        with channel:
            offer = call.future(pb.ExecuteTaskRequest(task_id="gone", task_zip=data), timeout=60)
            pool.wait("all of it", lambda: [os.path.getsize(os.path.join(node.dir, "inbox", f)) for f in node.inbox()] ==
                      [len(data)])
            offer.cancel()
            pool.wait("the node to hear of it", lambda: "given up before it was answered" in node.text())
        node.tell("let")
        self.assertEqual(node.ask("state", "state")["n"], 0)
        pool.wait("its name", lambda: node.inbox() == [hashlib.sha256(data).hexdigest()])
        pool.wait("that it is let go of", lambda: self.swept(node) == [])
        self.assertTrue(pool.execute(self.port, "gone", data).success)  # as if nothing had been


class Listening(Case):
    def test_only_where_it_is_told_to(self):
        pool = self.pool()
        self.online(pool)
        socket.create_connection(("127.0.0.1", self.port)).close()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", self.port))

    def test_a_port_that_is_taken_is_said(self):
        pool = self.pool()
        self.online(pool)
        second = Node(pool.port, "dialect=hivemind", "listen=127.0.0.1:%d" % self.port)
        try:
            self.assertIn("127.0.0.1:%d" % self.port, second.wait("failed")["text"])
        finally:
            self.assertEqual(second.end()[0], 1)

    def test_nobody_is_served_before_the_node_is_registered(self):
        pool = self.pool(*(("RegisterWorkerNode", n, "no") for n in range(1, 1000)))
        self.node(pool)
        pool.wait("a try", lambda: "RegisterWorkerNode" in pool.counts)
        with self.assertRaises(grpc.RpcError) as e:
            pool.execute(self.port, "x", archive(a="1"))
        self.assertEqual(e.exception.code(), grpc.StatusCode.UNAVAILABLE)


class Protected(Case):
    """The port that the pool calls, with a certificate."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.made = certs.Maker(folder.name)
        self.here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        self.ca, self.other = self.made.authority("ca"), self.made.authority("other")
        self.made.leaf("node", self.ca, self.here, [certs.SERVER])
        self.made.leaf("pool", self.ca, self.here, [certs.CLIENT])

    def protected(self, *more):
        """A node that takes callers with a certificate of `ca` that names its pool's host."""
        pool = self.pool()
        pool.calls_with = self.caller("pool")
        path = self.made.path
        self.node_there = self.online(pool, "listen_cert=" + path("node.pem"), "listen_key=" + path("node.key"), *more)
        return pool

    def asking(self):
        return self.protected("listen_ca=" + self.made.path("ca.pem"))

    def caller(self, name=None, believes="ca"):
        pair = (self.made.read(name + ".key"), self.made.read(name + ".pem")) if name else (None, None)
        return grpc.ssl_channel_credentials(self.made.read(believes + ".pem"), *pair)

    def check_refused(self, pool, credentials, code=grpc.StatusCode.UNAVAILABLE, words=""):
        with self.assertRaises(grpc.RpcError) as e:
            pool.calls_with = credentials
            pool.execute(self.port, "refused", archive(a="1"))
        self.assertEqual(e.exception.code(), code)
        self.assertIn(words, e.exception.details())
        self.assertNotIn("assigned", [e["event"] for e in self.node_there.events])

    def test_who_may_call(self):
        pool = self.asking()
        self.made.leaf("self-signed", None, self.here, [certs.CLIENT])
        self.made.leaf("elsewhere", self.other, self.here, [certs.CLIENT])
        self.made.leaf("expired", self.ca, self.here, [certs.CLIENT], certs.NOW - 2 * certs.DAY, certs.NOW - certs.DAY)
        self.made.leaf("stranger", self.ca, [x509.DNSName("stranger.test")], [certs.CLIENT])
        for name, credentials in (("plain text", None), ("no certificate", self.caller()), ("self-signed", self.caller("self-signed")),
                                  ("of another authority", self.caller("elsewhere")), ("expired", self.caller("expired")),
                                  ("it does not believe the node", self.caller("pool", "other"))):
            with self.subTest(name):
                self.check_refused(pool, credentials)
        with self.subTest("of somebody else"):
            self.check_refused(pool, self.caller("stranger"), grpc.StatusCode.PERMISSION_DENIED, "master.address")
        pool.calls_with = self.caller("pool")
        self.assertTrue(pool.execute(self.port, "taken", archive(a="1")).success)
        self.node_there.wait("assigned", id="taken")
        self.assertTrue(pool.stop_task(self.port, "taken").success)

    def test_without_authorities_nobody_is_asked(self):
        pool = self.protected()
        self.check_refused(pool, None)
        pool.calls_with = self.caller()
        self.assertTrue(pool.execute(self.port, "taken", archive(a="1")).success)

    def test_addresses_count_as_well(self):
        pool = self.protected("listen_ca=" + self.made.path("ca.pem"), "peers=10.0.0.0/24")
        self.check_refused(pool, self.caller("pool"), grpc.StatusCode.PERMISSION_DENIED, "master.peers")

    def renew(self, pool, what):
        """Registers again, as it does every 30 s: then the files are read again."""
        n = pool.counts["RegisterWorkerNode"] + 1
        with pool.lock:
            pool.nodes.clear()
        self.node_there.tell("poke")
        pool.wait(what, lambda: pool.counts["RegisterWorkerNode"] >= n and "alice" in pool.nodes)

    def test_a_new_certificate_is_used_without_a_restart(self):
        pool = self.asking()
        self.made.leaf("next-pool", self.other, self.here, [certs.CLIENT])
        self.made.leaf("node", self.other, self.here, [certs.SERVER])
        self.made.write("ca.pem", self.made.read("other.pem"))
        self.renew(pool, "the files are read")
        self.check_refused(pool, self.caller("pool", "other"))  # which was good before
        pool.calls_with = self.caller("next-pool", "other")
        self.assertTrue(pool.execute(self.port, "taken", archive(a="1")).success)

    def test_a_certificate_that_is_none_leaves_the_one_before(self):
        pool = self.asking()
        self.made.write("node.pem", b"nothing")
        self.renew(pool, "the files are read")
        self.assertTrue(pool.execute(self.port, "taken", archive(a="1")).success)
        self.assertIn(self.made.path("node.pem"), self.node_there.text())

    def test_half_a_certificate_is_no_port(self):
        pool = self.pool()
        self.port = free_port()
        node = Node(pool.port, "dialect=hivemind", "listen=127.0.0.1:%d" % self.port, "listen_cert=" + self.made.path("node.pem"),
                    "listen_key=" + self.made.path("pool.key"))
        try:
            self.assertIn("node.pem", node.wait("failed")["text"])
        finally:
            self.assertEqual(node.end()[0], 1)


class Live(Case):
    def test_the_beginning_of_a_line_waits_for_its_end(self):
        """A newline behind each piece is the pool's own. (What an engine hands on of a line of more than 16 KiB has none.)"""
        whole = "".join(chr(b) if 0 < b < 128 else "\N{REPLACEMENT CHARACTER}" for b in pattern(1200))
        lines = [whole[:n].rindex("\n") + 1 for n in (600, 1200)]
        self.assertTrue(0 < lines[0] < 600 < lines[1])
        pool = self.pool()
        node = self.online(pool)
        node.tell("print live 600")
        pool.execute(self.port, "live", archive(a="1"))
        pool.wait("whole lines", lambda: pool.logs.get("live") == whole[:lines[0]])
        before = pool.counts["ReportStatus"]  # ten a second at most: time enough for what must not come
        pool.wait("beats", lambda: pool.counts["ReportStatus"] >= before + 25)
        node.tell("print live 600")
        pool.wait("the rest of the line, and more", lambda: pool.logs["live"] == whole[:lines[1]])


class Gap(Case):
    """RUNNING is written over a result that comes within a second of ExecuteTask's answer. Measured from before the answer, so that a
    slow machine only makes it longer."""
    AT_LEAST_S = 1.4

    def test_between_the_answer_and_the_result(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("run 1000")
        node.ask("state", "state")
        began = time.monotonic()
        pool.execute(self.port, "fast", archive(a="1"))
        pool.wait("the result", lambda: pool.results.get("fast"))
        self.assertGreater(pool.arrived["fast"] - began, self.AT_LEAST_S)

    def test_an_agent_that_has_just_begun(self):
        """Who knows what the one before it answered in its last moment."""
        pool = self.pool()
        began = time.monotonic()
        node = self.node(pool)
        node.tell("owe old Completed 0 1 100 0")
        pool.wait("the result", lambda: pool.results.get("old"))
        self.assertGreater(pool.arrived["old"] - began, self.AT_LEAST_S)


class Results(Case):
    def test_a_result_waits_until_the_pool_has_written_running(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("run 1000")
        node.ask("state", "state")
        pool.execute(self.port, "fast", archive(a="1"))
        pool.wait("the result", lambda: pool.results.get("fast"))
        self.assertEqual((pool.lost, len(pool.results["fast"][0])), ([], 1000))
        self.assertIn("任務 fast 執行完成，狀態: 成功\n", pool.logs["fast"])

    def test_what_never_ran_says_why(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("owe never Failed 0 0 0 0")
        node.wait("committed", id="never")
        with zipfile.ZipFile(io.BytesIO(pool.results["never"][0])) as z:
            self.assertEqual(z.namelist(), ["execution_log.txt"])
            self.assertIn("exit code 3", z.read("execution_log.txt").decode())
        self.assertIn("狀態: 失敗", pool.logs["never"])

    def test_a_result_that_the_pool_cannot_take(self):
        pool = self.pool(("TaskResultUpload", 1, "large"))
        node = self.online(pool)
        node.tell("owe huge Completed 0 1 %d 0" % BIG)
        node.wait("committed", id="huge")
        with zipfile.ZipFile(io.BytesIO(pool.results["huge"][0])) as z:
            self.assertIn(str(BIG), z.read("error_log.txt").decode())

    def test_bytes_that_are_no_text_are_told_as_text(self):
        pool = self.pool()
        node = self.online(pool)
        node.tell("owe bytes Completed 0 1 10 300000")
        node.wait("committed", id="bytes")
        self.assertEqual(pool.rejected, 0)
        self.assertIn("\N{REPLACEMENT CHARACTER}", pool.logs["bytes"])


SCRIPTS = [
    ("nothing happens", []),
    ("the login is lost", [("Login", 1, "refuse")]),
    ("the answer to it is lost", [("Login", 1, "lose")]),
    ("the answer to it is garbage", [("Login", 1, "garbage")]),
    ("the registration is refused", [("RegisterWorkerNode", 1, "no")]),
    ("the registration is lost", [("RegisterWorkerNode", 1, "lose")]),
    ("no token is taken at registration", [("RegisterWorkerNode", 1, "expire")]),
    ("the first status is cut", [("ReportStatus", 1, "cut")]),
    ("the node is forgotten", [("ReportStatus", 1, "forget")]),
    ("no token is taken at a status", [("ReportStatus", 1, "expire")]),
    ("a result is refused before it is seen", [("TaskResultUpload", 1, "refuse")]),
    ("it is too much for the pool", [("TaskResultUpload", 1, "busy"), ("TaskResultUpload", 2, "busy")]),
    ("the pool breaks over a result", [("TaskResultUpload", 1, "break"), ("TaskResultUpload", 2, "break")]),
    ("the pool says no once", [("TaskResultUpload", 1, "no")]),
    ("the answer is late", [("TaskResultUpload", 1, "late"), ("TaskResultUpload", 3, "late")]),
    ("cut before a result is taken", [("TaskResultUpload", 1, "cut")]),
    ("cut twice", [("TaskResultUpload", 1, "cut"), ("TaskResultUpload", 2, "cut")]),
    ("no token is taken at a result", [("TaskResultUpload", 2, "expire")]),
    ("no token is taken at two results", [("TaskResultUpload", 1, "expire"), ("TaskResultUpload", 3, "expire")]),
    ("output is cut", [("TaskOutputUpload", 1, "cut")]),
    ("output is lost", [("TaskOutputUpload", 1, "lose"), ("TaskOutputUpload", 2, "lose")]),
    ("output is not wanted", [("TaskOutputUpload", 1, "no"), ("TaskOutputUpload", 3, "no")]),
    ("no token is taken at output", [("TaskOutputUpload", 2, "expire")]),
    ("the answer to output is garbage", [("TaskOutputUpload", 1, "garbage")]),
    ("everything at once", [("Login", 1, "lose"), ("RegisterWorkerNode", 1, "cut"), ("TaskOutputUpload", 2, "expire"),
                            ("TaskResultUpload", 1, "cut"), ("TaskResultUpload", 3, "expire")]),
]
# The dialect has no key: a result whose answer is lost comes again, the same bytes under the same id.
AGAIN = [
    ("the answer to a result is lost", [("TaskResultUpload", 1, "lose")]),
    ("the answer to a result is garbage", [("TaskResultUpload", 1, "garbage")]),
    ("cut after a result was taken", [("TaskResultUpload", 1, "cut-after")]),
]


class Faults(Case):
    def run_script(self, faults, again):
        pool = self.pool(*faults)
        node = self.node(pool)
        owed = {"a": 100, "b": BIG, "c": 5000}
        node.tell(*("owe %s Completed 0 1 %d 150000" % one for one in owed.items()))
        settled = sorted(node.wait("committed")["id"] for _ in owed)
        pool.wait("the script to be over", lambda: not pool.left)
        self.assertEqual(settled, sorted(owed))
        self.assertEqual(node.ask("state", "state")["n"], 0)
        self.assertEqual(sum(len(r) for r in pool.results.values()), len(owed) + again)
        for one, size in owed.items():
            self.assertEqual({hashlib.sha256(r).hexdigest() for r in pool.results[one]}, {digest_of(size)})


scripted.add_scripts(Faults, SCRIPTS + AGAIN, lambda self, script: self.run_script(script, any(script is a for _, a in AGAIN)))

if __name__ == "__main__":
    unittest.main(verbosity=2)
