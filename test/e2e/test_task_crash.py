#!/usr/bin/env python3
"""The agent is killed at every named place of a task's life, and at any time; so is the engine, and the disk fills. Whatever
happens, no attempt is started twice, no result is lost, and nothing is left behind (test/lib/tasks.py says how that is seen)."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import tarfile
import time
import unittest

import base
import gpus
import hv
import tasks
from hv import service
from tasks import ENDLESS, WAIT, check_once, end_with

PROGRAM = os.path.join(hv.BUILD, "test", "e2e", "hivelet_fail_points")
AT_ONCE = 4  # agents beside each other on one engine, each with a node id of its own
WHENS = ("before", "after", "done")

# Actions that no task of these tests needs; the others are its life, and each of their places has a row below.
NOT_OF_A_TASK = {"caps_set", "network_create", "network_remove", "network_connect", "network_disconnect", "volume_create",
                 "volume_remove", "unpause", "update",
                 "task_packages"}  # test_packages.py


def places(*actions, nth=""):
    return [f"{a}:{w}{nth}" for a in actions for w in WHENS]


def all_actions():
    with open(os.path.join(hv.TOP, "pkg", "reconcile", "action.h")) as f:
        return {m.lower() for m in re.findall(r"^ +HV_ACTION_(\w+),", f.read(), re.M)}


class Scenario:
    """One task's life, with a death in it. What is expected is what would be without that death."""

    expected = {"one": ([("success", 0)], "Completed")}
    variables = {}

    def __init__(self, case, place):
        self.case, self.place = case, place
        self.node = re.sub(r"\W", "-", f"{type(self).__name__.lower()}-{place}")
        self.worker = tasks.Worker(case.engine, self.node)
        self.worker.variables = self.variables

    def run(self):
        w = self.worker
        try:
            self.prepare()
            w.program = PROGRAM
            w.start(env={"HIVELET_KILL_AT": self.place}, wait=False)
            self.before_death()
            w.wait_died()
            w.program = None
            w.start()
            self.after_death()
            w.wait_over(self.case.engine, len(self.expected))
            self.more_checks()
            code = w.terminate()
            check_once(w, self.case.engine, self.case.recorder.until_now(), self.expected)
            if code != 0:
                raise AssertionError(f"the agent ended with {code}")
        except Exception as e:
            text = f"{type(self).__name__} {self.place}: {e}\n{w.text_of_log()[-4000:]}"
            print(text, flush=True)  # at once: the whole may yet run into its limit
            raise AssertionError(text) from e
        finally:
            w.done()
            self.case.engine.hang_up()

    def prepare(self):
        self.worker.declare({"one": self.worker.spec("one", end_with(0))})

    def before_death(self):
        pass

    def after_death(self):
        pass

    def more_checks(self):
        pass

    # --- for those who ask over the API: the agent may die before it answers ---

    def ask(self, call):
        try:
            return call()
        except (OSError, http.client.HTTPException):
            return None

    def wait_up(self):
        self.worker.wait(lambda: self.worker.status()["observed"], "the agent is up")


class Success(Scenario):
    places = [*places("connect", "list", "inspect_image", "inspect", "task_accept", "task_prepare", "create", "task_begin", "start",
                      "task_collect", "task_end", "remove", "task_clean")]


class Fenced(Scenario):
    """It dies a first time when the start is recorded, and is not sent; and then once more, behind the fence."""
    places = [*places("task_withhold"), "inspect:done:2", "remove:before", "create:after", "create:done", "start:before",
              "start:after"]

    retries = 0

    def prepare(self):
        spec = self.worker.spec("one", end_with(0))
        spec["retries"]["limit"] = self.retries
        self.worker.declare({"one": spec})
        self.worker.program = PROGRAM
        self.worker.start(env={"HIVELET_KILL_AT": "task_begin:done"}, wait=False)
        self.worker.wait_died()


class FencedAndGone(Fenced):
    """... between the removal and the making: nothing is there any more that says that it never ran."""
    places = [*places("task_restore"), "remove:after", "remove:done", "create:before"]
    expected = {"one": ([tasks.NEVER_RAN, ("success", 0)], "Completed")}
    retries = 1


class FencedAndTraced(Fenced):
    """... and the kernel shows a trace of a start, as after an engine that was killed in the middle of one and calls what ran
    "created"."""
    places = places("task_withhold")
    expected = {"one": ([tasks.NEVER_RAN, ("success", 0)], "Completed")}
    retries = 1

    def prepare(self):
        super().prepare()
        [name] = [n for n, c in self.case.engine.containers().items() if (c["Labels"] or {}).get("io.hivelet.node") == self.node]
        root = next(d for d in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.path.isdir(d))
        self.folder = root + self.case.engine.inspect(name)["HostConfig"]["CgroupParent"]
        os.makedirs(self.folder)

    def more_checks(self):
        self.worker.wait(lambda: not os.path.exists(self.folder), "its place among the cgroups is removed")


class FencedAndBootedAnew(Fenced):
    """... and it was before the machine was booted: no kernel knows of it any more."""
    places = places("task_withhold")
    expected = {"one": ([tasks.NEVER_RAN, ("success", 0)], "Completed")}
    retries = 1

    def prepare(self):
        super().prepare()
        with contextlib.closing(sqlite3.connect(self.worker.ledger.path)) as c:
            self.case.assertEqual(c.execute("UPDATE attempt SET boot = 'another'").rowcount, 1)
            c.commit()


class Retry(Scenario):
    """Fails, and fails once more."""
    places = [*places("task_begin", "start", "task_end", nth=":2"), "task_end:after", "task_end:done", "remove:after",
              "task_clean:after", "task_prepare:done:2", "create:after:2"]
    expected = {"one": ([("exitCode", 3), ("exitCode", 3)], "Failed")}

    def prepare(self):
        spec = self.worker.spec("one", end_with(3))
        spec["retries"]["limit"] = 1
        self.worker.declare({"one": spec})


class Timeout(Scenario):
    places = [*places("stop"), "task_collect:done"]
    expected = {"one": ([("timeout", 143)], "TimedOut")}

    def prepare(self):
        # Time enough for what it does before, on any machine.
        self.worker.declare({"one": self.worker.spec("one", ENDLESS, timeout="5s")})

    def more_checks(self):
        self.case.assertEqual([(t["nominal"], t["delta"], t["score"]) for t in self.worker.ledger.trust()], [(-5, 0, 0)])


class Stop(Scenario):
    """Asked to stop while it runs. Who got no answer asks again."""
    places = [*places("task_stopping", "stop"), "task_collect:before", "task_end:after"]
    expected = {"one": ([("stopped", 143)], "Stopped")}

    def prepare(self):
        self.worker.declare({})

    def before_death(self):
        w = self.worker
        self.wait_up()
        w.submit("one", w.spec("one", ENDLESS), self.node)
        tasks.poll(lambda: w.made(), "it runs")
        self.answered = self.ask(lambda: w.call("POST", f"/api/v1/tasks/{self.node}/stop"))

    def after_death(self):
        noted = self.worker.ledger.tasks()[self.node]["stop_us"]
        if self.answered and not noted:
            raise AssertionError("a stop was answered and is not in the ledger")
        if not noted:
            self.worker.call("POST", f"/api/v1/tasks/{self.node}/stop")

    def more_checks(self):
        self.case.assertEqual(self.worker.ledger.trust(), [], "a stop leaves the trust alone")


class Evicted(Scenario):
    """It loses its GPU while it runs, and the node stops it: whoever lives to see that does not blame the task, which runs once more
    with the other GPU."""
    places = [*places("task_evicting", "stop"), "task_collect:before"]
    expected = {"one": ([("nodeError", 143), ("success", 0)], "Completed")}
    small, large = ("GPU-small-0001", 0, 8192), ("GPU-large-0002", 1, 24576)

    def prepare(self):
        self.machine = gpus.Machine()
        self.machine.has(self.small, self.large)
        self.worker.variables = {"LD_LIBRARY_PATH": self.machine.dir}
        spec = self.worker.spec("one", "[ $n = 2 ] || " + ENDLESS + "; exit 0")
        spec["resources"]["requests"]["gpus"] = 1
        spec["retries"]["limit"] = 1
        self.worker.declare({"one": spec}, body="  resources: {monitor: {interval: 1s}}\n")

    def before_death(self):
        tasks.poll(lambda: self.worker.made(), "it runs")
        self.machine.has(self.small, self.large, more=f"lost {self.small[0]}\n")

    def more_checks(self):
        w = self.worker
        first, second = w.ledger.attempts(w.id_of("one"))
        self.case.assertEqual((first["eviction"], first["reason"], first["by_task"]), ("GpuLost", "GpuLost", 0))
        self.case.assertIn(self.small[0], first["eviction_message"])
        self.case.assertIsNone(second["eviction"])
        self.case.assertEqual([t["nominal"] for t in w.ledger.trust() if t["nominal"] < 0], [], "nobody is blamed")
        self.case.assertIn("is stopped", w.text_of_log())
        self.machine.done()


class Removed(Scenario):
    """Taken out of the file while it runs."""
    places = ["task_stopping:done", "stop:after", "remove:done"]
    expected = {"one": ([("stopped", 143)], "Stopped")}

    def prepare(self):
        self.worker.declare({"one": self.worker.spec("one", ENDLESS)}, node=", safety: {allowEmpty: true}")

    def before_death(self):
        tasks.poll(lambda: self.worker.made(), "it runs")
        self.worker.declare({}, node=", safety: {allowEmpty: true}")
        self.worker.process.send_signal(signal.SIGHUP)


class Cancel(Scenario):
    """Asked to stop while its inputs, a gibibyte of them, are unpacked."""
    places = places("task_cancel")
    expected = {"one": ([], "Stopped")}

    def prepare(self):
        self.archive = os.path.join(self.worker.dir, "big.tar")
        with tarfile.open(self.archive, "w") as tar:
            member = tarfile.TarInfo("zeros")
            member.size = 1 << 30
            tar.fileobj.write(member.tobuf(tarfile.PAX_FORMAT))
            tar.fileobj.truncate(512 + member.size + 1024)  # holes in this file, zeros in the archive
            tar.closed = True
            tar.fileobj.close()
        self.worker.declare({})

    def before_death(self):
        w = self.worker
        self.wait_up()
        spec = w.spec("one", end_with(0), inputs=[{"path": "data", "archive": self.archive}])
        w.submit("one", spec, self.node)
        tasks.poll(lambda: os.path.isdir(os.path.join(w.state, "tasks", self.node)), "it is prepared")
        self.ask(lambda: w.call("POST", f"/api/v1/tasks/{self.node}/stop"))


class Submitted(Scenario):
    """Who got no answer asks again, with the same id: it is one promise."""
    places = places("task_accept")

    def prepare(self):
        self.worker.declare({})

    def before_death(self):
        self.wait_up()
        self.spec = self.worker.spec("one", end_with(0))
        self.answer = self.ask(lambda: self.worker.submit("one", self.spec, self.node))

    def after_death(self):
        if self.answer and self.node not in self.worker.ledger.tasks():
            raise AssertionError("a promise was given and is not in the ledger")
        self.worker.submit("one", self.spec, self.node)


class Forgotten(Scenario):
    places = places("task_forget")
    expected = {}

    def prepare(self):
        self.worker.declare({})

    def before_death(self):
        w = self.worker
        self.wait_up()
        w.submit("one", w.spec("one", end_with(0)), self.node)
        w.wait_over(self.case.engine, 1)
        self.ask(lambda: w.call("DELETE", f"/api/v1/tasks/{self.node}"))

    def after_death(self):
        self.case.assertEqual(self.worker.ran(), {("one", "1"): 1})
        if self.node in self.worker.ledger.tasks():
            self.worker.call("DELETE", f"/api/v1/tasks/{self.node}")
        for note in ("ran", "made"):
            os.unlink(os.path.join(self.worker.witness, note))


class Queued(Scenario):
    """Two tasks for one place."""
    places = ["task_accept:after:2", "task_begin:after:2", "start:after", "task_end:done", "remove:after", "task_clean:before",
              "task_clean:done", "task_prepare:before:2", "start:before:2"]
    expected = {n: ([("success", 0)], "Completed") for n in ("one", "two")}
    variables = {"MAX_CONCURRENT_TASKS": "1"}

    def prepare(self):
        self.worker.declare({n: self.worker.spec(n, end_with(0)) for n in ("one", "two")})

    def more_checks(self):
        ids, running = set(self.worker.ledger.tasks()), set()
        for action, name, _ in self.case.recorder.until_now():
            if tasks.container_of(name or "") in ids and action == "start":
                running.add(name)
                if len(running) > 1:
                    raise AssertionError(f"at the same time: {running}")
            elif action == "die":
                running.discard(name)


class Pulled(Scenario):
    """Its image comes from a registry."""
    places = places("pull")

    def prepare(self):
        image = self.case.images.pop()
        self.worker.declare({"one": self.worker.spec("one", end_with(0), image=image, pullPolicy="missing")})


class CronScenario(Scenario):
    """A cron task that comes at New Year alone; its one run is asked for. Runs bear the name of theirs: each has its own here."""

    def prepare(self):
        self.cron_name = self.node.replace("_", "-")
        self.expected = {self.cron_name: ([("success", 0)], "Completed")}
        command = json.dumps(["/bin/sh", "-c", tasks.PROGRAM.replace("{name}", self.cron_name) + end_with(0)])
        self.worker.declare({}, body=f"  cronTasks:\n    - name: {self.cron_name}\n      schedule: \"0 0 1 1 *\"\n      task:\n"
                                     f"        image: {hv.IMAGE}\n        pullPolicy: never\n        command: {command}\n"
                                     f"        mounts: [{{hostPath: {self.worker.witness}, target: /witness}}]\n"
                                     "        resources: {limits: {cpu: \"1\", memory: 64Mi}}\n")

    def cron(self):
        return (self.worker.ledger.rows("SELECT * FROM cron WHERE name = ?", self.cron_name) or [None])[0]

    def after_death(self):
        w = self.worker
        w.wait(lambda: self.cron() and self.cron()["until_us"], "its schedule is followed")
        w.call("POST", f"/api/v1/crontasks/{self.cron_name}/trigger")


class CronBegins(CronScenario):
    places = places("cron_advance")


class CronSuspended(CronScenario):
    """Who got no answer asks again; who got one finds it suspended."""
    places = places("cron_suspend")

    def before_death(self):
        self.wait_up()
        self.answered = self.ask(lambda: self.worker.call("POST", f"/api/v1/crontasks/{self.cron_name}/suspend"))

    def after_death(self):
        self.worker.wait(self.cron, "its schedule is known")
        if self.answered and not self.cron()["suspended"]:
            raise AssertionError("it was called suspended, and the ledger does not say so")
        if not self.cron()["suspended"]:
            self.worker.call("POST", f"/api/v1/crontasks/{self.cron_name}/suspend")
        super().after_death()

    def more_checks(self):
        self.case.assertTrue(self.cron()["suspended"])


class CronResumed(CronSuspended):
    """It goes on from now, not from when it was suspended: both are one record."""
    places = places("cron_suspend", nth=":2")

    def before_death(self):
        super().before_death()
        self.until_us = self.cron()["until_us"]
        self.answered = self.ask(lambda: self.worker.call("POST", f"/api/v1/crontasks/{self.cron_name}/resume"))

    def after_death(self):
        if self.cron()["suspended"]:
            if self.answered:
                raise AssertionError("it was called resumed, and the ledger does not say so")
            self.worker.call("POST", f"/api/v1/crontasks/{self.cron_name}/resume")
        CronScenario.after_death(self)

    def more_checks(self):
        self.case.assertFalse(self.cron()["suspended"])
        self.case.assertGreater(self.cron()["until_us"], self.until_us)


SCENARIOS = (Success, Fenced, FencedAndGone, FencedAndTraced, FencedAndBootedAnew, Retry, Timeout, Stop, Evicted, Removed, Cancel,
             Submitted, Forgotten, Queued, Pulled, CronBegins, CronSuspended, CronResumed)


class Case(unittest.TestCase):
    engine_arguments = ""

    def setUp(self):
        os.environ["HV_ENGINE_ARGS"] = self.engine_arguments  # of every start of it
        self.addCleanup(os.environ.pop, "HV_ENGINE_ARGS")
        self.engine = hv.Engine()
        self.addCleanup(self.engine.stop)

    def record(self):
        self.recorder = tasks.Recorder(self.engine)
        self.addCleanup(self.recorder.close)

    def worker_of(self, node):
        worker = tasks.Worker(self.engine, node)
        self.addCleanup(worker.done)
        return worker

    def check_once(self, worker, expected):
        try:
            check_once(worker, self.engine, self.recorder.until_now(), expected)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{worker.text_of_log()[-6000:]}") from None


class NamedPlaces(Case):
    def setUp(self):
        hook = gpus.Machine()
        self.addCleanup(hook.done)
        os.environ["HV_ENGINE_PATH"] = hook.hooks  # a container that asks for GPUs is given some
        self.addCleanup(os.environ.pop, "HV_ENGINE_PATH")
        super().setUp()

    def test_every_place_of_a_tasks_life_has_a_row(self):
        rows = {p.rsplit(":", 1)[0] if p[-1].isdigit() else p for s in SCENARIOS for p in s.places}
        self.assertEqual(set(places(*(all_actions() - NOT_OF_A_TASK))) - rows, set())

    def test_only_the_tests_program_has_such_places(self):
        with open(os.path.join(hv.BUILD, "cmd", "hivelet", "hivelet"), "rb") as f:
            self.assertNotIn(b"HIVELET_KILL_AT", f.read())
        with open(PROGRAM, "rb") as f:
            self.assertIn(b"HIVELET_KILL_AT", f.read())

    def test_killed_at_each(self):
        from registry import Registry  # here: it needs Debian's docker-registry
        self.record()
        with Registry(self.engine) as registry:
            self.images = [registry.push(hv.IMAGE, f"hv/task:{i}") for i in range(3)]
            rows = [(s, p) for s in SCENARIOS for p in s.places]
            only = os.environ.get("HV_CRASH_ONLY", "")
            rows = [(s, p) for s, p in rows if only in f"{s.__name__} {p}"]
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                runs = [(s.__name__, p, pool.submit(lambda s=s, p=p: s(self, p).run())) for s, p in rows]
                for name, place, run in runs:
                    with self.subTest(f"{name} {place}"):
                        run.result()
                        print(f"  killed at {place:<24} {name}", flush=True)
        print(f"{len(rows)} deaths at named places", flush=True)


class AnyTime(Case):
    def test_killed_at_random_times(self):
        """Twenty deaths in the life of thirty tasks, of which every third fails and is tried once more."""
        self.record()
        seed = int(os.environ.get("HV_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
        print(f"HV_SEED={seed}", flush=True)
        chance, worker = random.Random(seed), self.worker_of("random")
        worker.variables = {"MAX_CONCURRENT_TASKS": "3"}
        specs, expected = {}, {}
        for i in range(30):
            code = 3 if i % 3 == 0 else 0
            specs[f"t{i:02}"] = spec = worker.spec(f"t{i:02}", end_with(code))
            spec["retries"]["limit"] = 1
            expected[f"t{i:02}"] = ([("exitCode", 3)] * 2, "Failed") if code else ([("success", 0)], "Completed")
        worker.declare(specs)
        for _ in range(20):
            worker.start(wait=False)
            time.sleep(chance.uniform(0.02, 0.7))  # not for something: at any time
            worker.kill()
        worker.start()
        worker.wait_over(self.engine, len(expected))
        self.assertEqual(worker.terminate(), 0)
        self.check_once(worker, expected)


class EngineDies(Case):
    """SIGKILL of the engine under a running task."""

    def die(self, spec_of=lambda w: w.spec("one", WAIT)):
        worker = self.worker_of("engine-dies")
        worker.declare({"one": spec_of(worker)})
        worker.start()
        tasks.poll(lambda: worker.made(), "it runs")
        worker.wait(lambda: "started: begun" in worker.text_of_log(), "its engine says so, too")
        one = f"/containers/task-{worker.id_of('one')}/logs?stdout=1"
        tasks.poll(lambda: "said 1" in self.engine.raw("GET", one, {}), "its engine has heard it")
        self.before = self.processes()
        self.engine.kill()
        worker.wait(lambda: worker.status()["engine"]["state"] == "Down", "the engine is known to be down")
        return worker

    def processes(self):
        """Of containers of tasks: what the kernel knows them by. The engine itself tells of a start when it finds them again."""
        found = []
        for name in self.engine.running():
            if name.startswith("task-"):
                with open(f"/proc/{self.engine.inspect(name)['State']['Pid']}/stat") as f:
                    fields = f.read().rsplit(") ", 1)[1].split()
                found.append((name, fields[19]))  # when it was started
        return found

    def starts(self, seen):
        return [n for a, n, _ in seen if a == "start" and n.startswith("task-")]

    def test_without_live_restore_the_attempt_has_ended(self):
        """The engine kills what it finds at its start. The attempt is over, and the next one is another attempt."""
        def twice(worker):
            spec = worker.spec("one", "[ $n = 2 ] || " + ENDLESS + "; exit 0")
            spec["retries"]["limit"] = 1
            return spec

        worker = self.die(twice)
        self.engine.restart()
        self.record()
        worker.wait_over(self.engine, 1)
        self.assertEqual(worker.terminate(), 0)
        one = worker.id_of("one")
        self.assertEqual(self.starts(self.recorder.until_now()), [f"task-{one}.2"])
        self.assertEqual(worker.ran(), {("one", "1"): 1, ("one", "2"): 1})
        self.assertEqual(worker.results(), [(one, 1), (one, 2)])
        first, second = worker.ledger.attempts(one)
        self.assertIn((first["cause"], first["exit_code"]), [*(("exitCode", c) for c in (137, 143, 255)),
                                                               ("nodeError", None)])
        self.assertEqual((second["cause"], second["exit_code"]), ("success", 0))
        self.assertEqual(worker.result(one, 1, "log"), b"said 1\n")


class EngineDiesAlone(EngineDies):
    engine_arguments = "--live-restore"
    test_without_live_restore_the_attempt_has_ended = None

    def test_with_live_restore_the_task_goes_on(self):
        """And ends as if nothing had been."""
        worker = self.die()
        self.engine.restart()
        self.record()
        worker.wait(lambda: worker.status()["engine"]["state"] == "Ready", "the engine is back")
        tasks.poll(lambda: self.processes() == self.before, "the engine has found the same process again")
        worker.go()
        worker.wait_over(self.engine, 1)
        self.assertEqual(worker.terminate(), 0)
        one = worker.id_of("one")
        self.assertEqual(worker.ran(), {("one", "1"): 1})
        self.assertEqual([(a["cause"], a["exit_code"]) for a in worker.ledger.attempts(one)], [("success", 0)])
        self.assertEqual(worker.result(one, 1, "log"), b"said 1\n")


class InsideWorker(tasks.Worker):
    """Its state directory is a small file system of its own, in a mount namespace that only it sees."""

    SIZE = 8 << 20

    def arguments(self, *more):
        os.makedirs(self.state, exist_ok=True)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount -t tmpfs -o size=$1,mode=0700 tmpfs "$2" && shift 2 && exec "$@"', "sh", str(self.SIZE), self.state,
                *super().arguments(*more)]

    def start(self, *more, **how):
        super().start(*more, **how)
        inside = f"/proc/{self.process.pid}/root"
        self.inside = inside + self.state
        self.ledger = tasks.CopiedLedger(os.path.join(self.inside, "ledger.db"))
        return self

    def fill(self):
        """To the last byte."""
        with open(os.path.join(self.inside, "full"), "wb", buffering=0) as f:
            for size in (1 << 16, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        os.unlink(os.path.join(self.inside, "full"))


class DiskFull(Case):
    def test_nothing_is_promised_that_could_not_be_kept(self):
        """No room for the ledger: no task is accepted or started; what runs ends, and is collected when there is room again;
        services go on."""
        self.record()
        worker = InsideWorker(self.engine, "full")
        self.addCleanup(worker.done)
        worker.variables = {"MAX_CONCURRENT_TASKS": "2"}
        worker.declare({"one": worker.spec("one", WAIT)}, node=f", paths: {{work: {worker.dir}/work}}",
                       body="  services:\n" + service("web"))
        worker.start()
        worker.wait_synced()
        tasks.poll(lambda: worker.ran(), "it runs")
        one = worker.id_of("one")
        worker.fill()
        for _ in range(2):
            with self.assertRaises(hv.HttpError) as e:
                worker.submit("two", worker.spec("two", end_with(0)), "two")
            self.assertEqual((e.exception.status, "disk" in e.exception.text or "full" in e.exception.text), (503, True),
                             e.exception.text)
        worker.go()
        self.recorder.wait_event("die", f"task-{one}")
        self.engine.call("DELETE", "/containers/hive-web?force=1")
        self.recorder.wait(lambda all: sum((a, n) == ("start", "hive-web") for a, n, _ in all) == 2, "the service is back")
        worker.wait(lambda: "cannot" in worker.text_of_log() and one in worker.text_of_log().split("cannot", 1)[1],
                    "the result cannot be kept")
        self.assertIn(f"task-{one}", self.engine.containers(), "what is not collected is not removed")
        self.assertEqual([t["ended_us"] for t in worker.ledger.tasks().values()], [None])
        worker.free()
        worker.wait(lambda: worker.ledger.tasks()[one]["ended_us"], "the result is kept")
        worker.submit("two", worker.spec("two", end_with(0)), "two")
        worker.wait(lambda: worker.ledger.tasks()["two"]["ended_us"], "the next one, too")
        worker.wait(lambda: not any(n.startswith("task-") for n in self.engine.containers()), "nothing is left")
        starts = sorted(n for a, n, _ in self.recorder.until_now() if a == "start" and n.startswith("task-"))
        self.assertEqual(starts, sorted([f"task-{one}", "task-two"]))
        self.assertEqual(worker.ran(), {("one", "1"): 1, ("two", "1"): 1})
        for task in (one, "two"):
            with open(os.path.join(worker.inside, "results", task, "1", "log")) as f:
                self.assertEqual(f.read(), "said 1\n")
        self.assertEqual(worker.terminate(), 0)


if __name__ == "__main__":
    base.main()
