#!/usr/bin/env python3
"""What HiveMind's documents say of a worker and its node pool, a row for each value: started with variables only, the order of the
first calls, capabilities, status words, the node's id, the keepalive on the wire, the address. Which address of several is told is
a table of its own (test/unit/host/test_host_address.c)."""
import os
import socket
import struct
import threading
import time

import base
import test_pool
import test_pool_hivemind as hivemind
import scripted_pool

PING, ACK = 6, 1  # RFC 9113, 6.7


class Tap:
    """Between a node and its pool: what the node sends, frame by frame, and when."""

    def __init__(self, port):
        self.upstream, self.frames, self.changed = port, [], threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        self.run(self.accept)

    def run(self, target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream))
                self.sockets += [client, server]
                self.run(self.copy, server, client, lambda data: None)
                self.run(self.copy, client, server, self.parser())
        except OSError:
            return

    def copy(self, source, sink, look):
        try:
            while data := source.recv(65536):
                look(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def parser(self):
        held, preface = bytearray(), 24

        def look(data):
            nonlocal preface
            held.extend(data)
            if len(held) >= preface:
                del held[:preface]
                preface = 0
            while not preface and len(held) >= 9:
                size = int.from_bytes(held[:3], "big")
                if len(held) < 9 + size:
                    return
                kind, flags = struct.unpack("BB", held[3:5])
                with self.changed:
                    self.frames.append((time.monotonic(), kind, flags))
                    self.changed.notify_all()
                del held[:9 + size]
        return look

    def idle_before_ping(self):
        """For how long nothing had been sent before a ping that nobody asked for, each time."""
        return [at - self.frames[i - 1][0] for i, (at, kind, flags) in enumerate(self.frames)
                if i and kind == PING and not flags & ACK]

    def is_seen(self, condition, timeout):
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def wait(self, what, condition, timeout=120):
        with self.changed:
            if not self.is_seen(condition, timeout):
                raise AssertionError(f"not within {timeout} s: {what}; {self.frames[-5:]}")

    def close(self):
        for s in self.sockets:
            s.close()


class Documented(test_pool.Case):
    """A worker that is given nothing but variables, as in the documents' `docker run`."""

    def begin(self, *more, docker=None, **variables):
        self.assertFalse(os.path.exists("/etc/hivelet/node.yaml"), "there is a node on this machine")
        arguments = self.agent.arguments
        # No variable names a slice, and hivelet.slice is that of every other test: what it may take is not theirs to set.
        blind = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -R -l /sys/fs/cgroup && exec "$@"', "sh"]

        def without_file(*options):
            args = arguments(*options)
            at = args.index("--config")
            own = args.index("--node-id")
            return blind + [a for i, a in enumerate(args) if i not in (at, at + 1, own, own + 1)]
        self.agent.arguments = without_file
        if docker:
            self.agent.docker = docker
        self.agent.variables = {"NODE_ID": "worker-1", "NODE_POOL_ADDRESS": f"127.0.0.1:{self.pool.port}",
                                "HEARTBEAT_INTERVAL": "1", **variables}
        self.agent.start(*more)

    def says(self, status):
        self.pool.wait(f"status {status}", lambda: self.pool.status and self.pool.status.status == status)

    def test_variables_alone(self):
        self.begin(MAX_CPU_CORES="1", MAX_MEMORY_GB="0.5", MAX_CONCURRENT_TASKS="1")
        self.online()
        node = self.pool.nodes["worker-1"]
        with self.subTest("NODE_ID"):
            self.assertEqual((list(self.pool.nodes), self.pool.last["UpdateNodeStatus"].node_id), (["worker-1"], "worker-1"))
        with self.subTest("MAX_CPU_CORES"):
            self.assertEqual(node.cpu_cores, 1)
        with self.subTest("MAX_MEMORY_GB"):
            self.assertLessEqual(node.memory_gb, 0.5)
        with self.subTest("HEARTBEAT_INTERVAL"):
            before = self.pool.counts["UpdateNodeStatus"]
            self.pool.wait("three beats", lambda: self.pool.counts["UpdateNodeStatus"] >= before + 3)
        with self.subTest("IDLE"):
            self.says("IDLE")
        with self.subTest("MAX_CONCURRENT_TASKS, BUSY"):
            self.pool.assign(test_pool.shell("exec sleep 1000", "one", cpu_quota=10000, memory_limit="16m"))
            self.says("BUSY")
            self.pool.take_back("one")
            self.assertEqual(self.committed("one").node_id, "worker-1")
            self.says("IDLE")
        with self.subTest("cordon seen by pools"):
            self.assertEqual(self.agent.ctl("cordon", "--reason", "the rack moves").returncode, 0)
            self.says("BUSY")
            self.assertEqual(self.agent.ctl("uncordon").returncode, 0)
            self.says("IDLE")

    def test_room_for_more_is_active(self):
        self.begin(MAX_CONCURRENT_TASKS="2")
        self.online()
        self.pool.assign(test_pool.shell("exec sleep 1000", "one", cpu_quota=10000, memory_limit="16m"))
        self.says("ACTIVE")

    def test_flags_alone(self):
        self.begin("--node-pool", f"localhost:{self.pool.port}", NODE_POOL_ADDRESS="")
        self.online()
        self.assertEqual(list(self.pool.nodes), ["worker-1"])

    def test_the_host_name_where_no_id_is_given(self):
        self.begin(NODE_ID="")
        self.online()
        self.assertEqual([n.lower() for n in self.pool.nodes], [socket.gethostname().lower()])

    def test_capabilities(self):
        with self.subTest("docker"):
            self.begin()
            self.online()
            self.assertIn("docker", self.pool.nodes["worker-1"].capabilities)
            self.assertNotIn("gpu", self.pool.nodes["worker-1"].capabilities)  # no engine of these tests has any
        self.assertEqual(self.agent.end(), 0)
        with self.subTest("ERROR: no docker"):
            self.pool.nodes.clear()
            self.agent.arguments = type(self.agent).arguments.__get__(self.agent)
            self.begin(docker=os.path.join(self.agent.dir, "nobody.sock"))
            self.pool.wait("the node", lambda: self.pool.nodes)
            self.says("ERROR")
            self.assertNotIn("docker", self.pool.nodes["worker-1"].capabilities)

    def test_the_first_calls(self):
        self.pool.stop()
        self.pool = scripted_pool.Pool(additions=False)  # which has nothing but what is documented
        self.begin()
        self.pool.wait("the first list", lambda: "GetAssignedTasks" in self.pool.calls)
        first = [c for c in self.pool.calls if c != "WatchAssignments"]
        self.assertEqual(first[:3], ["RegisterNode", "UpdateNodeStatus", "GetAssignedTasks"])
        self.assertEqual(self.pool.last["GetAssignedTasks"].node_id, "worker-1")

    def test_keepalive_on_the_wire(self):
        self.pool.stop()
        self.pool = scripted_pool.Pool(additions=False)  # no stream: a connection without calls
        tap = Tap(self.pool.port)
        self.addCleanup(tap.close)
        self.begin(NODE_POOL_ADDRESS=f"127.0.0.1:{tap.port}", HEARTBEAT_INTERVAL="3600")
        self.online()
        # Once, on a loaded machine, a connection of gRPC 1.51 went two minutes without any: then the next one is looked at.
        for _ in range(2):
            if tap.is_seen(lambda: any(idle > 20 for idle in tap.idle_before_ping()), 60):
                break
            self.assertEqual(self.agent.end(), 0)
            self.agent.start()
            self.online()
        tap.wait("a ping after half a minute of nothing", lambda: any(idle > 20 for idle in tap.idle_before_ping()))
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/status")["pool"]["state"] == "Online", "the link stands")


class Hivemind(hivemind.Case):
    """The same of the dialect that the deployed pool speaks."""

    def test_rows(self):
        self.start(heartbeat="1s")
        m, beat = self.pool.last["RegisterWorkerNode"], self.pool.last["ReportStatus"]
        with self.subTest("the first calls"):
            first = [c for c in self.pool.calls if c not in ("TaskUsage", "GetBalance")][:3]
            self.assertEqual(first, ["Login", "RegisterWorkerNode", "ReportStatus"])
        with self.subTest("node_id is the account"):
            self.assertEqual((m.node_id, beat.node_id), ("alice", "alice"))
        with self.subTest("hostname, port"):
            self.assertEqual((m.hostname, m.port), ("127.0.0.2", self.port))
        with self.subTest("cpu_score is 100 a core"):
            self.assertEqual((m.cpu_cores, m.cpu_score), (len(os.sched_getaffinity(0)), 100 * len(os.sched_getaffinity(0))))
        with self.subTest("Idle"):
            self.assertEqual((beat.status, beat.running_tasks, beat.docker_status), ("Idle", 0, "available"))
        with self.subTest("Running N tasks"):
            self.push("one", **{"run.sh": "exec sleep 1000"})
            self.pool.wait("Running 1 tasks", lambda: self.pool.last["ReportStatus"].status == "Running 1 tasks")
            self.assertEqual(self.pool.last["ReportStatus"].running_tasks, 1)
            self.assertTrue(self.pool.stop_task(self.port, "one").success)
            self.result("one").close()
            self.pool.wait("Idle", lambda: self.pool.last["ReportStatus"].status == "Idle")
        with self.subTest("cordon seen by pools"):
            for order, word in (("cordon", "Cordoned"), ("uncordon", "Idle")):
                self.assertEqual(self.agent.ctl(order).returncode, 0)
                self.pool.wait(word, lambda w=word: self.pool.last["ReportStatus"].status == w)

    def test_never_a_loopback_address(self):
        """Where it listens is what it would tell."""
        self.start(advertise=None, wait=False)
        self.agent.wait(lambda: "no address that the pool would dial" in
                        ((self.agent.call("GET", "/api/v1/status")["pool"] or {}).get("message") or ""), "that is said")
        self.assertNotIn("RegisterWorkerNode", self.pool.calls)


if __name__ == "__main__":
    base.main()
