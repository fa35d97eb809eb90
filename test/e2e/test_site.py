#!/usr/bin/env python3
"""Two hivelets and one hivepool, each on a machine of its own, with certificates: many short tasks, while one of the
agents and the pool are killed again and again.

The oracle asks none of them: the engines say how often each container was started, the store of the pool what is recorded, and
each task leaves a number in its result and in its log that no other run has.

HV_SITE_TASKS: how many tasks; HV_SEED repeats the order and the moments of the deaths.
"""
import collections
import io
import os
import random
import struct
import sys
import time
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

import hv  # noqa: E402 - the path comes first
import sites  # noqa: E402
import tasks  # noqa: E402
from sites import admin, v1  # noqa: E402

N = int(os.environ.get("HV_SITE_TASKS", "40"))
SEED = int(os.environ.get("HV_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
WALLCLOCK = os.path.join(hv.BUILD, "test", "e2e", "wallclock.so")
LIMIT_S = hv.LIMIT_S + 6 * N
PROGRAM = "mkdir results; cat /proc/sys/kernel/random/uuid >results/number; cat results/number; sleep 0.{tenths}; exit {code}"


def code_of(i):
    return 3 if i % 7 == 0 else 0


def task(i):
    program = PROGRAM.format(tenths=i % 8, code=code_of(i))
    return v1.Task(id=f"t{i}", docker_image=hv.IMAGE, command=f"/bin/sh -c '{program}'", timeout=600,
                   required_resources={"cpu": 0.05, "memory_gb": 0.05})


class Deaths:
    """Who dies after how many containers have ended, and a moment later; and how long it stays dead."""

    def __init__(self, rng, n):
        self.all = [(at, rng.choice(("agent", "pool", "agent", "pool", "both")), rng.uniform(0, 0.5), rng.uniform(0, 1.0))
                    for at in sorted(rng.randrange(1, n * 9 // 10) for _ in range(max(6, n // 10)))]

    def happen(self, site):
        agent, pool = site.workers[0], site.pool
        for at, who, moment, dead in self.all:
            tasks.poll(lambda: site.seen() >= at, f"{at} containers have ended", LIMIT_S)
            time.sleep(moment)  # the moment is what is tried out
            if who != "agent":
                pool.kill()
            if who != "pool":
                agent.kill()
            time.sleep(dead)
            if who != "pool":
                agent.start(wait=False)
            if who != "agent":
                pool.start()


class Oracle:
    def __init__(self, site):
        self.site, self.problems, self.never_ran = site, [], 0
        self.starts = collections.Counter()
        self.owed = {}
        for w in site.workers:
            self.starts.update(n for a, n, _ in w.recorder.until_now() if a == "start" and tasks.container_of(n))
            for one, _, outcome in w.debts():
                self.owed.setdefault(one, []).append(outcome)
        self.files = self.fetch(site.pool.client())
        self.ended = site.pool.stop()  # the store is open to nobody else before
        self.attempts = {}
        for row in site.pool.rows("SELECT task.id, task.state AS ended, attempt.* FROM task JOIN attempt "
                                  "ON attempt.task = task.seq"):
            self.attempts.setdefault(row["id"], []).append(row)

    def want(self, what, found, wanted):
        if found != wanted:
            self.problems.append(f"{what}: {found!r}, expected {wanted!r}")

    @staticmethod
    def fetch(pool):
        """Archive and log of each task."""
        def read(method, name):
            return b"".join(p.data for p in pool(method, admin.ReadRequest(id=name), admin.Piece, stream=True))

        try:
            return {f"t{i}": (read("ReadResult", f"t{i}"), read("ReadLog", f"t{i}")) for i in range(N)}
        finally:
            pool.channel.close()

    def check(self):
        numbers = collections.Counter()
        self.want("end of the pool", self.ended, 0)
        for i in range(N):
            numbers.update(self.check_one(f"t{i}", code_of(i)))
        self.want("containers started that are of no task", dict(self.starts), {})
        self.want("results that two tasks share", [n for n, count in numbers.items() if count != 1], [])
        for w in self.site.workers:
            self.want(f"{w.node}: containers left", [n for n in w.engine.containers() if tasks.container_of(n)], [])
            self.want(f"{w.node}: files left", w.leftovers(), [])
        if self.problems:
            raise AssertionError("\n  ".join(["the site:", *self.problems]))

    def check_one(self, name, code):
        """The number in its result."""
        starts = self.starts.pop(f"task-{name}", 0)
        attempts = self.attempts.get(name, [])
        self.want(f"{name}: attempts at the pool", [(a["number"], a["ended_us"] > 0) for a in attempts], [(1, True)])
        self.want(f"{name}: debts", self.owed.get(name), ["committed"])
        if len(attempts) != 1:
            return []
        a = attempts[0]
        if a["state"] == "Failed" and "nodeError" in (a["reason"] or ""):
            self.never_ran += 1  # its attempt was promised when the agent died, and its container had not been made
            self.want(f"{name}: starts of what never ran", starts, 0)
            return []
        self.want(f"{name}: starts", starts, 1)
        self.want(f"{name}: end", (a["state"], a["exit_code"]), ("Failed" if code else "Completed", code))
        archive, log = self.files[name]
        with zipfile.ZipFile(io.BytesIO(archive)) as z:
            self.want(f"{name}: files", z.namelist(), ["results/number"])
            number = z.read("results/number").decode()
        self.want(f"{name}: log", log.decode(), number)
        self.want(f"{name}: length of its number", len(number), 37)
        return [number]


class Deadly(unittest.TestCase):
    def test_every_task_ends_with_one_result(self):
        print(f"HV_SEED={SEED} HV_SITE_TASKS={N}", flush=True)
        rng = random.Random(SEED)
        site = sites.Site("alpha", "beta", pool_options=["--lease", "1h", "--max-tasks", "6"])
        self.addCleanup(site.end)
        try:
            self.run_on(site, rng)
        except BaseException:
            for w in site.workers:
                sys.stderr.write(f"---- {w.node}:\n{w.text_of_log()[-3000:]}")
            raise

    def run_on(self, site, rng):
        for w in site.workers:
            w.start()
            w.wait_online()
        pool = site.pool.client()
        for i in rng.sample(range(N), N):
            pool("SubmitTask", admin.SubmitTaskRequest(dialect="v1", task=task(i).SerializeToString()), admin.SubmitTaskResponse)
        pool.channel.close()
        begin, deaths = time.monotonic(), Deaths(rng, N)
        deaths.happen(site)
        tasks.poll(lambda: site.pool.n_over() == N, "all tasks are over", LIMIT_S)
        for w in site.workers:
            w.wait(lambda: all(t["ended_us"] for t in w.ledger.tasks().values()) and not w.leftovers() and
                   not any(tasks.container_of(n) for n in w.engine.containers()) and
                   all(d[2] for d in w.debts()), f"{w.node} has cleaned up", LIMIT_S)
        oracle = Oracle(site)
        oracle.check()
        died = collections.Counter(who for _, who, _, _ in deaths.all)
        print(f"{N} tasks in {time.monotonic() - begin:.0f} s; killed: agent {died['agent']}, pool {died['pool']}, both "
              f"{died['both']} times; {oracle.never_ran} never ran; by node "
              f"{dict(collections.Counter(a[0]['node'] for a in oracle.attempts.values()))}", flush=True)
        for w in site.workers:
            self.assertEqual(w.end(), 0, w.text_of_log()[-3000:])


class Partition(unittest.TestCase):
    """The way to the pool is cut as by a cable that is pulled: nobody is told."""

    def begin(self, *nodes, lease):
        site = sites.Site(*nodes, pool_options=["--lease", lease])
        self.addCleanup(site.end)
        self.site, self.pool = site, site.pool.client()
        self.addCleanup(self.pool.channel.close)
        site.workers[0].start()
        site.workers[0].wait_online()
        return site

    def submit(self, name, retries=0):
        """A task that runs until it is told to end, by a signal."""
        program = ("trap \"echo $HOSTNAME; mkdir -p results; echo $HOSTNAME >results/host; exit 0\" USR1; echo on; "
                   "while true; do sleep 0.1; done")
        self.pool("SubmitTask", admin.SubmitTaskRequest(dialect="v1", task=v1.Task(
            id=name, docker_image=hv.IMAGE, command=f"/bin/sh -c '{program}'", retries=retries).SerializeToString()),
            admin.SubmitTaskResponse)

    def wait_runs(self, worker, name):
        """It prints when it is ready for the signal."""
        worker.recorder.wait_event("start", f"task-{name}")
        tasks.poll(lambda: "on" in worker.engine.raw("GET", f"/containers/task-{name}/logs?stdout=1", {}), f"{name} runs")

    def end_task(self, worker, name):
        worker.engine.call("POST", f"/containers/task-{name}/kill?signal=USR1")
        worker.wait(lambda: (worker.ledger.tasks().get(name) or {}).get("ended_us"), f"{name} has ended on {worker.node}")

    def ends(self, name):
        """(node, end) of each attempt that the pool knows."""
        got = self.pool("GetTask", admin.GetTaskRequest(id=name), admin.GetTaskResponse)
        return [(a.node, a.end) for a in got.attempts]

    def wait_ends(self, name, *ends):
        tasks.poll(lambda: self.ends(name) == list(ends), f"{name}: {ends}")

    def outcomes(self, worker):
        return {name: outcome for name, _, outcome in worker.debts()}

    def check_starts(self, **expected):
        """Task to the nodes on which a container of it was started, once each."""
        found = {}
        for w in self.site.workers:
            for action, name, _ in w.recorder.until_now():
                if action == "start" and tasks.container_of(name):
                    found.setdefault(tasks.container_of(name), []).append(w.node)
        self.assertEqual(found, expected)

    def test_shorter_than_the_lease(self):
        worker, = self.begin("alpha", lease="1h").workers
        for seconds in (1, 10):
            name = f"cut{seconds}"
            self.submit(name)
            self.wait_runs(worker, name)
            worker.machine.cut_off()
            self.end_task(worker, name)
            time.sleep(seconds)  # the partition itself
            self.assertIsNone(self.outcomes(worker)[name])
            self.assertEqual(self.ends(name), [("alpha", "")])
            worker.machine.join()
            self.wait_ends(name, ("alpha", "Completed"))
            worker.wait(lambda: self.outcomes(worker)[name] == "committed", f"{name} is paid")
        self.check_starts(cut1=["alpha"], cut10=["alpha"])

    def test_longer_than_the_lease(self):
        """What was given to another node meanwhile is the other's: the late result is refused, late work is stopped."""
        site = self.begin("alpha", "beta", lease="15s")
        alpha, beta = site.workers
        for name in ("late", "still"):
            self.submit(name, retries=1)
            self.wait_runs(alpha, name)
        alpha.machine.cut_off()
        self.wait_ends("late", ("alpha", "Lost"))
        self.wait_ends("still", ("alpha", "Lost"))
        self.end_task(alpha, "late")
        beta.start()
        for name in ("late", "still"):
            self.wait_runs(beta, name)
        self.end_task(beta, "late")
        self.wait_ends("late", ("alpha", "Lost"), ("beta", "Completed"))
        self.assertEqual(self.outcomes(alpha), {"late": None})
        alpha.machine.join()
        alpha.wait(lambda: self.outcomes(alpha).get("late") and self.outcomes(alpha).get("still"), "alpha is told")
        self.assertNotIn("committed", self.outcomes(alpha).values())
        self.assertEqual(alpha.ledger.tasks()["still"]["stop_by"], "the pool")
        self.end_task(beta, "still")
        self.wait_ends("still", ("alpha", "Lost"), ("beta", "Completed"))
        beta.wait(lambda: set(self.outcomes(beta).values()) == {"committed"}, "beta is paid")
        for name in ("late", "still"):
            self.assertEqual(self.ends(name), [("alpha", "Lost"), ("beta", "Completed")])
            archive = b"".join(p.data for p in self.pool("ReadResult", admin.ReadRequest(id=name), admin.Piece, stream=True))
            with zipfile.ZipFile(io.BytesIO(archive)) as z:
                self.assertEqual(z.namelist(), ["results/host"])
        self.check_starts(late=["alpha", "beta"], still=["alpha", "beta"])



class Skew(unittest.TestCase):
    """Wall clocks that are hours apart, and that are set while the programs run. Only the wall clock is another one: both programs
    measure with the boot clock. (The engine's clock stays, as it never would: hence a timeout that is longer than all of it.)"""

    @staticmethod
    def set_clock(file, hours):
        with open(file, "r+b" if os.path.exists(file) else "wb") as f:
            f.write(struct.pack("=q", hours * 3600))

    @staticmethod
    def with_clock(file):
        return {"LD_PRELOAD": WALLCLOCK, "HV_WALLCLOCK": file}

    def test_clocks_that_are_hours_apart(self):
        site = sites.Site("alpha", pool_options=["--lease", "20s"])
        self.addCleanup(site.end)
        worker, = site.workers
        clocks = {who: os.path.join(site.dir, who) for who in ("node", "pool")}
        for file in clocks.values():
            self.set_clock(file, 0)
        site.pool.kill()
        site.pool.enter += ["env", *(f"{k}={v}" for k, v in self.with_clock(clocks["pool"]).items())]
        site.pool.start()
        worker.variables = self.with_clock(clocks["node"])
        worker.start()
        worker.wait_online()
        for i, (node, pool) in enumerate(((-6, 0), (6, 0), (72, -20), (-20, 72), (0, 0))):
            self.set_clock(clocks["node"], node)
            self.set_clock(clocks["pool"], pool)
            self.run_one(site, worker, f"before{i}", node, pool)
            if i % 2:
                worker.kill()
                worker.start()
            else:
                site.pool.kill()
                site.pool.start()
            self.run_one(site, worker, f"after{i}", node, pool)

    def run_one(self, site, worker, name, node_hours, pool_hours):
        pool = site.pool.client()
        try:
            pool("SubmitTask", admin.SubmitTaskRequest(dialect="v1", task=v1.Task(
                id=name, docker_image=hv.IMAGE, command="true", timeout=1000000).SerializeToString()), admin.SubmitTaskResponse)
            got = pool("WaitTask", admin.GetTaskRequest(id=name), admin.GetTaskResponse)
        finally:
            pool.channel.close()
        self.assertEqual([(a.end, a.exit_code) for a in got.attempts], [("Completed", 0)],
                         f"{name}\n{worker.text_of_log()[-3000:]}")
        worker.wait(lambda: (name, 1, "committed") in worker.debts(), f"{name} is paid")
        # And the clocks were other ones.
        at_node = worker.ledger.tasks()[name]["ended_us"] / 1e6 - node_hours * 3600
        at_pool = got.attempts[0].ended_us / 1e6 - pool_hours * 3600
        self.assertLess(abs(time.time() - at_node), 1800, name)
        self.assertLess(abs(time.time() - at_pool), 1800, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
