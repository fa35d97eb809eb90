#!/usr/bin/env python3
"""What an attempt at a task used, by the kernel's own account: measured in a cgroup that outlives its container's, recorded once,
and gone afterwards; what the engine counted while the task still ran is the measure. Nobody else's cgroup is touched."""
import glob
import json
import os
import stat

import base
import hv
import tasks

MIB = 1 << 20
with open("/proc/self/mountinfo") as mounts:
    HIERARCHIES = [line.split()[4] for line in mounts if line.split(" - ")[1].split()[0] in ("cgroup", "cgroup2")]

# A second of a processor by the kernel's clock ticks, without a fork; then memory; then it waits without using any.
BURN = ('i=0; ticks=0; while [ $ticks -lt 100 ]; do i=$((i+1)); '
        'if [ $((i % 1000)) -eq 0 ]; then read -r line </proc/self/stat; set -- $line; shift 13; ticks=$(($1+$2)); fi; done; '
        'dd if=/dev/zero of=/dev/shm/block bs=1048576 count=50 2>/dev/null; '
        'echo ready >/witness/ready; read -r go </witness/gate; exit $go')


class Usage(base.Case):
    def setUp(self):
        self.node = "usage-" + os.urandom(3).hex()
        self.stem = "hvtest" + os.urandom(3).hex()
        self.agent = tasks.Worker(self.engine, self.node)
        self.proxies = []
        os.mkfifo(os.path.join(self.agent.witness, "gate"))
        os.chmod(os.path.join(self.agent.witness, "gate"), stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)

    def tearDown(self):
        super().tearDown()
        tasks.poll(self.is_swept, "the slice is empty")  # what watches a container of podman's outlives it a little

    # --- cgroups ---

    def tops(self):
        return [d for h in HIERARCHIES for d in glob.glob(os.path.join(h, self.stem + ".slice"))]

    def is_swept(self):
        try:
            for top in self.tops():
                for d, _, _ in os.walk(top, topdown=False):
                    os.rmdir(d)
        except OSError:
            return False
        return True

    def folder(self, node=None):
        """Where a node's tasks stand, below a hierarchy."""
        escaped = (node or self.node).replace("-", "\\x2d")
        return f"{self.stem}.slice/{self.stem}-tasks.slice/{self.stem}-tasks-{escaped}.slice"

    def place(self, attempt, node=None):
        """Of "<task's id>.<attempt>"."""
        folder = self.folder(node)
        suffix = "" if hv.KIND == "podman" else ".slice"  # podman on cgroupfs refuses it
        return folder + "/" + os.path.basename(folder)[:-len(".slice")] + "-" + attempt.replace("-", "\\x2d") + suffix

    def have(self, place):
        return [h for h in HIERARCHIES if os.path.isdir(os.path.join(h, place))]

    def check_gone(self, place):
        if hv.KIND == "podman" and self.have(place):  # what watched the container may outlive it; the next start finds the rest
            tasks.poll(lambda: not any(self.processes(os.path.join(h, place, "conmon")) for h in self.have(place)), "conmon has ended")
            self.agent.terminate()
            self.agent.start()
        self.assertEqual(self.have(place), [])

    @staticmethod
    def processes(path):
        try:
            with open(os.path.join(path, "cgroup.procs")) as f:
                return f.read()
        except OSError:
            return ""

    def make(self, place):
        for h in HIERARCHIES:
            os.makedirs(os.path.join(h, place))

    # --- the task ---

    def burn(self, **more):
        return self.agent.spec("burn", BURN, **{"resources": {"requests": {"cpu": "1m", "memory": "1Mi"},
                                                              "limits": {"cpu": "1", "memory": "128Mi"}}, **more})

    def declare(self, spec):
        self.agent.declare({"burn": spec}, f"  resources: {{cgroup: {{slice: {self.stem}.slice}}}}\n")

    def wait_ready(self):
        self.agent.wait(lambda: os.path.exists(os.path.join(self.agent.witness, "ready")), "the task has done its work")
        os.unlink(os.path.join(self.agent.witness, "ready"))

    def let_go(self, code=0):
        with open(os.path.join(self.agent.witness, "gate"), "w") as gate:
            gate.write(f"{code}\n")

    def container(self, attempt=1):
        return tasks.name_of(self.agent.id_of("burn"), attempt)

    def counted(self, attempt=1):
        """By the engine, of a container that runs: nanoseconds, bytes."""
        s = self.engine.call("GET", f"/containers/{self.container(attempt)}/stats?stream=false")
        return s["cpu_stats"]["cpu_usage"]["total_usage"], s["memory_stats"].get("max_usage", 50 * MIB)

    def check(self, attempt, counted):
        """What is recorded is what the engine had counted, and what ending takes on top of it."""
        found = self.agent.ledger.attempts(self.agent.id_of("burn"))[attempt - 1]
        cpu_ns, peak = counted
        self.assertGreaterEqual(found["cpu_us"], 900_000)
        self.assertGreaterEqual(found["cpu_us"], cpu_ns // 1000)
        self.assertLess(found["cpu_us"], cpu_ns // 1000 + 500_000)
        self.assertGreaterEqual(found["memory_peak_bytes"], 50 * MIB)
        self.assertGreaterEqual(found["memory_peak_bytes"], peak)
        self.assertLessEqual(found["memory_peak_bytes"], 128 * MIB)
        return {"cpuMicroseconds": found["cpu_us"], "memoryPeakBytes": found["memory_peak_bytes"], "gpu": None}

    def over(self):
        self.agent.wait_over(self.engine, 1)
        task = self.agent.id_of("burn")
        return task, self.agent.ledger.receipts(task)[-1]["usage"]

    # --- tests ---

    def test_what_each_attempt_used_is_recorded(self):
        self.declare(self.burn(retries={"limit": 1, "on": ["exitCode"], "backoff": "0s"}))
        self.agent.start()
        usage = []
        for attempt, code in ((1, 3), (2, 0)):
            self.wait_ready()
            counted = self.counted(attempt)
            self.let_go(code)
            self.agent.wait(lambda: (self.agent.ledger.attempts(self.agent.id_of("burn"))[attempt - 1:] or
                                     [{"ended_us": None}])[0]["ended_us"], f"attempt {attempt} ended")
            usage.append(self.check(attempt, counted))
        task, receipt = self.over()
        self.assertEqual(receipt, usage[1])
        told = self.agent.call("GET", f"/api/v1/tasks/{task}")["attempts"]
        self.assertEqual([a["usage"] for a in told], usage)
        for attempt in (1, 2):
            self.assertEqual(json.loads(self.agent.result(task, attempt, "manifest.json"))["usage"], usage[attempt - 1])
            self.check_gone(self.place(f"{task}.{attempt}"))
        self.assertTrue(self.have(self.folder()))
        shown = self.agent.ctl("task", "show", task).stdout
        self.assertIn(f"{usage[0]['cpuMicroseconds'] / 1e6:.2f}s", shown)
        self.assertIn(f"{usage[1]['memoryPeakBytes'] / MIB:.1f}Mi", shown)
        self.assertNotIn("not known here", self.agent.text_of_log())

    def test_an_agent_that_was_dead_when_it_ended_reads_it_afterwards(self):
        self.declare(self.burn())
        self.agent.start()
        self.wait_ready()
        counted, before = self.counted(), self.engine.inspect(self.container())
        events = hv.Events(self.engine.sock)
        self.addCleanup(events.close)
        self.agent.kill()
        self.agent.start()  # what runs is not made again
        self.agent.wait_synced()
        same = self.engine.inspect(self.container())
        self.assertEqual([same["Id"], same["State"]["StartedAt"]], [before["Id"], before["State"]["StartedAt"]])
        self.agent.kill()
        self.let_go()
        events.next("die")
        task = self.agent.id_of("burn")
        self.assertTrue(self.have(self.place(f"{task}.1")))

        # Left by others meanwhile, and by an attempt whose end is recorded.
        strangers = [self.place("x.1", "another"), self.folder() + "/someone", self.place("busy.1") + "/inside"]
        self.make(self.place("old-1.7"))
        for place in strangers:
            self.make(place)
        self.agent.start()
        _, receipt = self.over()
        self.assertEqual(receipt, self.check(1, counted))
        self.check_gone(self.place(f"{task}.1"))
        self.check_gone(self.place("old-1.7"))
        for place in strangers:
            self.assertEqual(self.have(place), HIERARCHIES)

    def test_one_of_the_same_name_does_not_count(self):
        """What a crash left has counters of its own: a task that is forgotten and asked for again begins at nothing."""
        self.agent.declare({}, f"  resources: {{cgroup: {{slice: {self.stem}.slice}}}}\n")
        self.agent.start()
        self.agent.wait_synced()
        self.make(self.place("burn.1"))
        old = {h: os.stat(os.path.join(h, self.place("burn.1"))).st_ino for h in HIERARCHIES}
        self.agent.submit("burn", self.burn())
        self.wait_ready()
        counted = self.counted()
        for h in self.have(self.place("burn.1")):
            self.assertNotEqual(os.stat(os.path.join(h, self.place("burn.1"))).st_ino, old[h])
        self.let_go()
        self.over()
        self.check(1, counted)

    def test_where_no_cgroup_is_seen_the_task_runs_all_the_same(self):
        """As in a plain container: nothing is mounted there."""
        program = os.path.join(self.agent.dir, "hivelet-without-cgroups")
        with open(program, "w") as f:
            f.write("#!/bin/sh\nexec unshare --mount --propagation private sh -c "
                    f"'umount -R /sys/fs/cgroup; exec {self.agent.arguments()[0]} \"$@\"' sh \"$@\"\n")
        os.chmod(program, 0o755)
        self.agent.program = program
        self.declare(self.burn(retries={"limit": 1, "on": ["exitCode"], "backoff": "0s"}))
        self.agent.start()
        for code in (3, 0):
            self.wait_ready()
            self.let_go(code)
        task, receipt = self.over()
        self.assertEqual(receipt, {"cpuMicroseconds": None, "memoryPeakBytes": None, "gpu": None})
        told = self.agent.call("GET", f"/api/v1/tasks/{task}")
        self.assertEqual(told["status"]["phase"], "Completed")
        self.assertEqual(told["attempts"][0]["usage"], {"cpuMicroseconds": None, "memoryPeakBytes": None, "gpu": None})
        log = self.agent.text_of_log()
        self.assertEqual(log.count("the CPU time of tasks is not known here"), 1, log)
        self.assertEqual(log.count("the peak of memory of tasks is not known here"), 1, log)

    def test_a_receipt_with_figures_is_whole(self):
        self.declare(self.burn())
        self.agent.start()
        self.wait_ready()
        self.let_go()
        task, _ = self.over()
        path = os.path.join(self.agent.dir, "receipt.json")
        with open(path, "w") as f:
            f.write(self.agent.ctl("task", "receipt", task).stdout)
        r = self.agent.ctl("receipt", "verify", path)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        with open(path) as f:
            self.assertIsInstance(json.load(f)["receipt"]["usage"]["cpuMicroseconds"], int)


if __name__ == "__main__":
    base.main()
