#!/usr/bin/env python3
"""A real disk that is full: everything that the agent keeps (ledger, workspaces, results) lies on an ext4 of 24 MiB. Inputs, a
task's own files, its log, its results and the ledger's records meet the end of it. What was promised or told is kept, the agent says what
is wrong, and goes on by itself once there is room.

The file system is mounted in the engine's mount namespace, where the agent runs too: both see one tree, and whatever becomes of the
test, the mount and its loop device go with the namespace."""
import io
import json
import os
import subprocess
import tarfile

import base
import hv
import tasks
from tasks import end_with

SIZE = 24 << 20
MIB = 1 << 20


class Worker(tasks.Worker):
    def __init__(self, engine, node):
        super().__init__(engine, node)
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            self.holder = f.read().strip()
        self.image = os.path.join(self.dir, "disk")
        os.mkdir(self.state, 0o700)
        with open(self.image, "wb") as f:
            f.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", self.image], check=True)
        self.inside("mount", "-o", "loop", self.image, self.state)
        self.seen = f"/proc/{self.holder}/root{self.state}"  # from here
        self.ledger = tasks.CopiedLedger(os.path.join(self.seen, "ledger.db"))

    def inside(self, *words):
        return subprocess.run(["nsenter", "--target", self.holder, "--mount", "--", *words], check=True, capture_output=True, text=True).stdout

    def arguments(self, *more):
        return ["nsenter", "--target", self.holder, "--mount", "--", *super().arguments(*more)]

    def result(self, task, attempt, path):
        with open(os.path.join(self.seen, "results", task, str(attempt), path), "rb") as f:
            return f.read()

    def workspaces(self):
        top = os.path.join(self.seen, "tasks")
        return os.listdir(top) if os.path.isdir(top) else []

    def free_bytes(self):
        s = os.statvfs(self.seen)
        return s.f_bavail * s.f_frsize

    def fill(self, leave=0):
        """Until so many bytes are left; 0: to the last one."""
        path = os.path.join(self.seen, "full")
        with open(path, "ab", buffering=0) as f:
            for size in (MIB, 1 << 16, 4096, 1):
                try:
                    while leave == 0 or self.free_bytes() - size >= leave:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def empty(self):
        os.unlink(os.path.join(self.seen, "full"))

    def done(self):
        self.end()
        mounted = self.inside("sh", "-c", f"grep -c ' {self.state} ' /proc/self/mounts || true").strip()
        if mounted != "0":
            self.inside("umount", self.state)
        super().done()


class DiskFull(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = Worker(self.engine, "full")

    def tearDown(self):
        image = self.agent.image
        super().tearDown()
        tasks.poll(lambda: image not in subprocess.run(["losetup", "-a"], capture_output=True, text=True).stdout, "its loop device is gone")

    def up(self, **limits):
        self.agent.variables = {"MAX_CONCURRENT_TASKS": "2"}
        self.agent.declare({}, body=f"  taskDefaults: {{image: {hv.IMAGE}}}\n")
        self.agent.start()
        self.agent.wait_synced()

    def log_says(self, *words):
        """One line of the agent's has them all."""
        self.agent.wait(lambda: any(all(w in line for w in words) for line in self.agent.text_of_log().splitlines()), f"it says {words}")

    def status(self, name):
        return self.agent.call("GET", f"/api/v1/tasks/{name}")["status"]

    def ended(self, name):
        self.agent.wait(lambda: self.agent.ledger.tasks()[name]["ended_us"], f"{name} has ended")
        return self.agent.ledger.tasks()[name]

    def archive(self, n_bytes):
        """Of bytes that nobody could leave holes for."""
        path = os.path.join(self.agent.dir, "in.tar")
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            member = tarfile.TarInfo("data")
            member.size = n_bytes
            tar.addfile(member, io.BytesIO(b"\x5a" * n_bytes))
        return path

    def starts(self, name):
        return [n for a, n, _ in self.events.until_now(self.engine) if a == "start" and n == f"task-{name}"]

    def record(self):
        self.events = hv.Events(self.engine.sock)
        self.addCleanup(self.events.close)

    def test_inputs(self):
        """They do not fit: nothing of them stays, the task waits, and runs once when they do."""
        self.up()
        self.record()
        self.agent.fill(leave=4 * MIB)
        self.agent.submit("in", self.agent.spec("in", "wc -c <data/data >results/size; " + end_with(),
                                                inputs=[{"path": "data", "archive": self.archive(8 * MIB)}]), "in")
        self.log_says("in", "No space left on device")
        self.assertIn(self.status("in")["phase"], ("Admitted", "Fetching"))
        self.assertEqual(self.agent.ran(), {})
        self.agent.wait(lambda: "No space left on device" in json.dumps(self.status("in")), "it is told")  # but for the moment of a try
        self.agent.empty()
        self.assertEqual(self.ended("in")["state"], "Completed")
        self.assertEqual(self.agent.result("in", 1, "files/results/size"), b"8388608\n")
        self.assertEqual((self.agent.ran(), len(self.starts("in"))), ({("in", "1"): 1}, 1))

    def test_log_and_results(self):
        """They cannot be kept: the container stays, with all that it left, through a restart of the agent too."""
        self.up()
        self.record()
        more = "dd if=/dev/urandom of=results/big bs=1M count=4 2>&1; i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; "
        self.agent.submit("out", self.agent.spec("out", more + tasks.WAIT), "out")
        self.agent.wait(lambda: self.agent.ran(), "it runs")
        big = os.path.join(self.agent.seen, "tasks", "out")
        tasks.poll(lambda: any("big" in n and os.path.getsize(os.path.join(d, "big")) == 4 * MIB for d, _, n in os.walk(big)), "it has written")
        self.agent.fill(leave=MIB)
        self.agent.go()
        self.log_says("out", "cannot collect the results of", "No space left on device")
        for _ in range(2):
            self.assertIn("task-out", self.engine.containers())
            self.assertIsNone(self.agent.ledger.tasks()["out"]["ended_us"])
            self.assertEqual(self.status("out")["phase"], "Collecting")
            self.assertEqual(self.agent.terminate(), 0)
            self.agent.start()
            self.agent.wait(lambda: self.status("out")["phase"] == "Collecting", "it knows what it owes")
        self.agent.empty()
        row = self.ended("out")
        self.assertEqual((row["state"], row["cause"]), ("Completed", "success"))
        log = self.agent.result("out", 1, "log").decode().splitlines()
        self.assertEqual((log[0], log[-20000:]), ("said 1", [f"line {i}" for i in range(20000)]))
        files = {f["path"]: f["size"] for f in json.loads(self.agent.result("out", 1, "manifest.json"))["files"]}
        self.assertEqual(files, {"results/big": 4 * MIB, "results/out": 6})
        self.agent.wait(lambda: "task-out" not in self.engine.containers() and not self.agent.workspaces(), "nothing is left")
        self.assertEqual((self.agent.ran(), len(self.starts("out"))), ({("out", "1"): 1}, 1))

    def test_a_task_that_fills_the_disk_itself(self):
        """It meets the end of the disk like any program; what it left is kept once there is room for a copy."""
        self.up()
        self.agent.submit("greedy", self.agent.spec("greedy", "dd if=/dev/urandom of=results/big bs=1M count=2 2>&1; "
                                                    "dd if=/dev/zero of=scratch bs=64k count=1000 2>&1 && exit 9; " + end_with(3)), "greedy")
        self.log_says("greedy", "cannot collect the results of", "No space left on device")
        self.assertIn("task-greedy", self.engine.containers())
        scratch = next(os.path.join(d, "scratch") for d, _, names in os.walk(self.agent.seen) if "scratch" in names)
        os.truncate(scratch, 0)  # what an operator can do
        row = self.ended("greedy")
        self.assertEqual((row["state"], row["cause"], row["exit_code"]), ("Failed", "exitCode", 3))
        self.assertIn(b"No space left on device", self.agent.result("greedy", 1, "log"))
        self.assertEqual(self.agent.result("greedy", 1, "files/results/out"), b"out 1\n")
        self.assertEqual(len(self.agent.result("greedy", 1, "files/results/big")), 2 * MIB)

    def test_the_ledger(self):
        """To the last byte: no promise is given, none is lost; what runs ends and is told of when that is durable."""
        self.up()
        self.record()
        self.agent.submit("first", self.agent.spec("first", tasks.WAIT), "first")
        self.agent.wait(lambda: self.agent.made(), "it runs")
        self.agent.fill()
        for _ in range(3):
            with self.assertRaises(hv.HttpError) as e:
                self.agent.submit("second", self.agent.spec("second", end_with()), "second")
            self.assertEqual(e.exception.status, 503)
            self.assertRegex(e.exception.text, "full|No space")
        with self.assertRaises(hv.HttpError) as e:  # nor is a stop confirmed
            self.agent.call("POST", "/api/v1/tasks/first/stop")
        self.assertEqual(e.exception.status, 503)
        self.agent.kill()
        self.agent.start()  # on the full disk
        self.assertEqual(list(self.agent.ledger.tasks()), ["first"])
        self.agent.go()
        self.events.next("die")
        self.assertIn("task-first", self.engine.containers())
        self.agent.empty()
        row = self.ended("first")
        self.assertIn((row["state"], row["cause"]), [("Completed", "success"), ("Stopped", "stopped")])
        self.agent.submit("second", self.agent.spec("second", end_with()), "second")
        self.assertEqual(self.ended("second")["state"], "Completed")
        self.agent.wait(lambda: not any(n.startswith("task-") for n in self.engine.containers()), "nothing is left")
        self.assertEqual(self.agent.ran(), {("first", "1"): 1, ("second", "1"): 1})
        for name in ("first", "second"):
            self.assertEqual(self.agent.result(name, 1, "log"), b"said 1\n")


if __name__ == "__main__":
    base.main()
