"""tasks.py - tasks seen from outside: by the engine's account, the ledger on the disk, the store of results and a file that a
task itself writes to. Nothing here asks the agent.
"""
import collections
import contextlib
import hashlib
import json
import os
import queue
import shutil
import sqlite3
import tempfile
import threading
import time

import hv
from hv import LIMIT_S

# What a task of these tests begins with: it notes its attempt in a file of the host, prints it, makes an output, and notes that it has.
PROGRAM = ('n=$(sed "s/.*\\"attempt\\":\\([0-9]*\\).*/\\1/;q" task.json); echo "{name} $n" >>/witness/ran; '
           'echo "said $n"; mkdir -p results; echo "out $n" >results/out; echo "{name} $n" >>/witness/made; ')


def end_with(code=0):
    return f"exit {code}"


# Ends when it is told to through a file, or by a signal.
WAIT = "while [ ! -e /witness/go ]; do sleep 0.05; done; exit 0"
ENDLESS = "exec sleep 1000000"


class Recorder:
    """The engine's account of all containers since it was opened, for several threads."""

    def __init__(self, engine):
        self.engine, self.events, self.seen = engine, hv.Events(engine.sock), []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                event = self.events.queue.get(timeout=0.2)
            except queue.Empty:
                if not self.events.is_alive():
                    return
                continue
            with self.changed:
                self.seen.append(event)
                self.changed.notify_all()

    def wait(self, condition, what, timeout=LIMIT_S):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.seen), timeout):
                raise AssertionError(f"not within {timeout} s: {what}")

    def wait_event(self, action, name):
        self.wait(lambda all: any((a, n) == (action, name) for a, n, _ in all), f"{action} of {name}")

    def until_now(self):
        """All of it: a container is made as a mark, and what came before it has been seen."""
        mark = "mark-" + os.urandom(4).hex()
        self.engine.stranger(mark, start=False)
        self.wait_event("create", mark)
        self.engine.call("DELETE", f"/containers/{mark}?force=1")
        with self.changed:
            return list(self.seen)

    def close(self):
        self.events.close()
        self.thread.join()


class Ledger:
    """The file, read by nobody's leave."""

    def __init__(self, path):
        self.path = path

    def rows(self, sql, *args):
        """Dicts; none while there is no ledger yet."""
        if not os.path.exists(self.path):
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as c:
            c.row_factory = sqlite3.Row
            try:
                return [dict(r) for r in c.execute(sql, args)]
            except sqlite3.OperationalError as e:
                if "no such table" in str(e):
                    return []
                raise

    def tasks(self):
        return {r["id"]: r for r in self.rows("SELECT * FROM task ORDER BY seq")}

    def attempts(self, task):
        return self.rows("SELECT a.* FROM attempt a JOIN task t ON t.seq = a.task WHERE t.id = ? ORDER BY number", task)

    def trust(self):
        return self.rows("SELECT * FROM trust ORDER BY seq")

    def receipts(self, task):
        return [json.loads(r["body"])["receipt"] for r in self.rows("SELECT body FROM receipt WHERE task = ? ORDER BY seq", task)]

    def write(self, sql, *args):
        """By hand, while no agent runs."""
        with contextlib.closing(sqlite3.connect(self.path)) as c:
            c.execute(sql, args)
            c.commit()


class CopiedLedger(Ledger):
    """Of a mount namespace that SQLite cannot find its way into."""

    def log_begins(self):
        """What is written anew whenever the log is begun anew, which is when its pages are all in the other file."""
        try:
            with open(self.path + "-wal", "rb") as f:
                return f.read(32)
        except FileNotFoundError:
            return None

    def copy(self, to):
        """Of one moment: the log is copied behind the file, and is still the same one."""
        begins = self.log_begins()
        for suffix in ("", "-wal"):
            try:
                shutil.copy(self.path + suffix, to + suffix)
            except FileNotFoundError:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(to + suffix)
        return self.log_begins() == begins

    def rows(self, sql, *args):
        with tempfile.TemporaryDirectory() as d:
            copied = os.path.join(d, "ledger.db")
            poll(lambda: self.copy(copied), "the ledger stays the same while it is copied")
            return Ledger(copied).rows(sql, *args)


class Worker(hv.Agent):
    """An agent that runs tasks, with the folder that its tasks write to."""

    def __init__(self, engine, node, directory=None):
        super().__init__(engine.sock, directory=directory)
        self.node, self.program, self.variables = node, None, {}
        self.witness = os.path.join(self.dir, "witness")
        os.makedirs(self.witness, exist_ok=True)
        os.chmod(self.witness, 0o777)
        self.state = os.path.join(self.dir, "state")
        self.ledger = Ledger(os.path.join(self.state, "ledger.db"))

    def arguments(self, *more):
        args = super().arguments("--node-id", self.node, *more)
        return [self.program or args[0], *args[1:]]

    def environment(self, env):
        return super().environment({**self.variables, **(env or {})})

    # --- documents ---

    def spec(self, name, then, **more):
        """Of a task with PROGRAM and what follows, as a document's `spec`."""
        return {"image": hv.IMAGE, "pullPolicy": "never",
                "command": ["/bin/sh", "-c", PROGRAM.replace("{name}", name) + then],
                "mounts": [{"hostPath": self.witness, "target": "/witness"}],
                "stop": {"signal": "TERM", "grace": "5s"},
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}},
                "retries": {"limit": 0, "on": ["exitCode", "nodeError"], "backoff": "0s"}, **more}

    def declare(self, tasks, body="", node=""):
        """A desired state with tasks (name to spec) and further lines of its spec."""
        text = f"  node: {{policy: {{hostPaths: [{self.dir}]}}{node}}}\n{body}"
        if tasks:
            text += "  tasks:\n" + "".join(f"    - {json.dumps({'name': n, **s})}\n" for n, s in tasks.items())
        self.write(hv.document(text))

    def submit(self, name, spec, task_id=None):
        body = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": name}, "spec": spec}
        return self.call("POST", f"/api/v1/tasks?id={task_id or name}", json.dumps(body))

    # --- what is to be seen ---

    def ran(self, note="ran"):
        """(task, attempt) to how often it ran, by its own account."""
        try:
            with open(os.path.join(self.witness, note)) as f:
                return collections.Counter(tuple(line.split()) for line in f)
        except FileNotFoundError:
            return collections.Counter()

    def made(self):
        """As ran(), of those that have said and made what they should: whoever ends one ends it behind that."""
        return self.ran("made")

    def go(self):
        with open(os.path.join(self.witness, "go"), "w"):
            pass

    def leftovers(self):
        """Workspaces, and half made results."""
        found = []
        for top in (os.path.join(self.state, "tasks"),):
            for d, dirs, names in os.walk(top):
                found += [os.path.join(d, n) for n in dirs + names]
        results = os.path.join(self.state, "results")
        for d in os.listdir(results) if os.path.isdir(results) else []:
            found += [os.path.join(d, a) for a in os.listdir(os.path.join(results, d)) if not a.isdigit()]
        return found

    def results(self):
        """(task, attempt) of each result in the store."""
        top = os.path.join(self.state, "results")
        return sorted((t, int(a)) for t in (os.listdir(top) if os.path.isdir(top) else [])
                      for a in os.listdir(os.path.join(top, t)) if a.isdigit())

    def result(self, task, attempt, path):
        with open(os.path.join(self.state, "results", task, str(attempt), path), "rb") as f:
            return f.read()

    def id_of(self, name):
        for t in self.ledger.tasks().values():
            if t["name"] == name:
                return t["id"]
        return None

    def is_over(self, engine, n_tasks):
        tasks = self.ledger.tasks()
        return (len(tasks) == n_tasks and all(t["ended_us"] for t in tasks.values()) and
                not any(container_of(n) in tasks for n in engine.containers()) and not self.leftovers())

    def wait_over(self, engine, n_tasks, timeout=LIMIT_S):
        self.wait(lambda: self.is_over(engine, n_tasks), f"{n_tasks} tasks ended and nothing of them is left", timeout)

    def wait_died(self):
        """Killed at the place that the test named."""
        try:
            code = self.process.wait(LIMIT_S)
        finally:
            self.log.close()
        if code != -9:
            raise AssertionError(f"the agent was to be killed, and ended with {code}\n{self.text_of_log()[-3000:]}")


def container_of(name):
    """The task's id in a container's name; "" when it is none of a task."""
    if not name.startswith("task-"):
        return ""
    task, dot, attempt = name[5:].rpartition(".")
    return task if dot and attempt.isdigit() else name[5:]


def name_of(task, attempt):
    return f"task-{task}" if attempt == 1 else f"task-{task}.{attempt}"


NEVER_RAN = ("nodeError", None)


def check_once(worker, engine, seen, expected):
    """The oracle. `expected`: name of a task to ([(cause, exit code) of each attempt], last state). Each attempt was started
    once and ran once, has one result that is whole, and nothing else is there. One that is called NEVER_RAN did neither."""
    tasks, problems = worker.ledger.tasks(), []
    by_name = {t["name"]: t for t in tasks.values()}

    def want(what, found, wanted):
        if found != wanted:
            problems.append(f"{what}: {found!r}, expected {wanted!r}")

    want("tasks in the ledger", sorted(by_name), sorted(expected))
    want("of each name one", len(tasks), len(by_name))
    started = collections.Counter(n for a, n, _ in seen if a == "start" and container_of(n) in tasks)
    ran, results = {}, []
    for name, (attempts, state) in expected.items():
        task = by_name.get(name)
        if not task:
            continue
        found = worker.ledger.attempts(task["id"])
        want(f"{name}: attempts", [(a["cause"], a["exit_code"]) for a in found], attempts)
        want(f"{name}: state", task["state"], state)
        problems.extend(check_receipt(name, worker.ledger.receipts(task["id"]), attempts))
        for a in found:
            want(f"{name}: attempt {a['number']} has ended", bool(a["ended_us"]), True)
            if a["begun_us"]:
                container = name_of(task["id"], a["number"])
                never_ran = NEVER_RAN in attempts and (a["cause"], a["exit_code"]) == NEVER_RAN
                want(f"{container}: starts", started.pop(container, 0), 0 if never_ran else 1)
                results.append((task["id"], a["number"]))
                if not never_ran:
                    ran[(name, str(a["number"]))] = 1
                    problems.extend(check_result(worker, task["id"], a))
    want("started besides", dict(started), {})
    want("ran, by the tasks' own account", dict(worker.ran()), ran)
    want("results", worker.results(), sorted(results))
    want("containers left", [n for n in engine.containers() if container_of(n) in tasks], [])
    want("files left", worker.leftovers(), [])
    changes = [t["task"] for t in worker.ledger.trust()]
    want("changes of trust twice for one task", [t for t, n in collections.Counter(changes).items() if n > 1], [])
    if problems:
        raise AssertionError("\n  ".join([f"{worker.node}:", *problems]))


def check_receipt(name, receipts, attempts):
    """One for its end. It names the image that ran, except where nothing was left to be asked."""
    if len(receipts) != 1:
        return [f"{name}: {len(receipts)} receipts"]
    image = receipts[0]["image"]["id"]
    if attempts and attempts[-1][0] != "nodeError" and not (image and image.startswith("sha256:")):
        return [f"{name}: the receipt names the image {image!r}"]
    return []


def check_result(worker, task, attempt):
    """Of an attempt with PROGRAM: its log and its output are there, whole, and are what the ledger says they are."""
    n, problems = attempt["number"], []
    try:
        log = worker.result(task, n, "log")
        manifest = worker.result(task, n, "manifest.json")
        out = worker.result(task, n, "files/results/out")
    except OSError as e:
        return [str(e)]
    for what, data, wanted in (("log", log, f"said {n}\n"), ("output", out, f"out {n}\n")):
        if data.decode() != wanted:
            problems.append(f"{task}.{n}: {what} is {data!r}, expected {wanted!r}")
    for what, data, column in (("log", log, "log_sha256"), ("manifest", manifest, "outputs_sha256")):
        if hashlib.sha256(data).hexdigest() != attempt[column]:
            problems.append(f"{task}.{n}: the ledger has another hash of its {what}")
    return problems


def poll(condition, what, timeout=LIMIT_S):
    """For what nothing tells about: a file that a program makes."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.01)
