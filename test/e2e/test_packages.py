"""Python packages of tasks on a real engine: installed once by pip of the task's own image, from a folder of wheels or an index,
shared, kept, and begun anew after every death of the agent."""
import json
import os
import subprocess
import threading

import base
import hv
import tasks
import wheels

PYTHON = "hv/python:1"
PROGRAM = os.path.join(hv.BUILD, "test", "e2e", "hivelet_fail_points")
PLACES = [f"task_packages:{w}" for w in ("before", "after", "done")] + [
    "packages_made", "packages_started", "packages_installed", "packages_kept"]
IMPORTS = "import greeting\nprint(greeting.words())\n"


class Packages(base.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([os.path.join(hv.TOP, "test", "lib", "python-image.sh"), cls.engine.sock], check=True)
        cls.recorder = tasks.Recorder(cls.engine)

    @classmethod
    def tearDownClass(cls):
        cls.recorder.close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.wheels = os.path.join(self.agent.dir, "wheels")
        wheels.make(self.wheels, "greeting", files={"greeting.py": "import names\ndef words(): return 'hello ' + names.world\n"},
                    requires=["names>=1"])
        wheels.make(self.wheels, "names", files={"names/__init__.py": "world = 'world'\n"})
        for folder in (self.agent.dir, self.wheels):
            os.chmod(folder, 0o755)
        self.index = wheels.Index(self.engine, os.path.join(self.agent.dir, "index"))
        self.addCleanup(self.index.stop)
        self.begun = len(self.recorder.until_now())

    def begin(self, body):
        """An agent that has something to do for longer."""
        self.agent.write(hv.document(body))
        self.agent.start()

    # --- documents ---

    def body(self, *specs, source=None, more=""):
        lines = "".join("    - " + json.dumps({
            "image": PYTHON, "pullPolicy": "never", "timeout": "5m", "command": ["python3", "main.py"],
            "inputs": [{"path": "main.py", "inline": IMPORTS}], "requirements": ["greeting"],
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi", "pids": 64}}, **s}) + "\n" for s in specs)
        source = {"wheels": self.wheels} if source is None else source
        return f"  taskDefaults: {{python: {json.dumps(source)}}}\n{more}  tasks:\n{lines}"

    def task(self, name):
        found = [t for t in self.agent.call("GET", "/api/v1/tasks")["items"] if t["metadata"]["task"] == name]
        return found[0] if found else None

    def ended(self, name):
        def over():
            t = self.task(name)
            return t and t["status"]["phase"] in ("Completed", "Failed", "TimedOut", "Stopped", "Rejected")
        self.agent.wait(over, f"task {name} has ended", 240)
        return self.task(name)

    def log(self, task):
        return self.agent.call("GET", f"/api/v1/tasks/{task['metadata']['name']}/logs", accept="text/plain")

    def completed(self, name):
        task = self.ended(name)
        self.assertEqual(task["status"]["phase"], "Completed", f"{task}\n{self.log(task)}")
        return self.log(task)

    def failed(self, name, says):
        task = self.ended(name)
        self.assertEqual(task["status"]["phase"], "Failed", task)
        self.assertIn(says, task["status"]["message"])
        return task

    # --- what is to be seen ---

    def builds(self, action="create"):
        return [n for a, n, _ in self.recorder.until_now()[self.begun:] if a == action and n.startswith("packages-")]

    def kept(self):
        root = os.path.join(self.agent.dir, "state", "packages")
        return sorted(os.listdir(root)) if os.path.isdir(root) else []

    def wait_clear(self):
        """No container of a build, and nothing that is half made."""
        self.agent.wait(lambda: not any(n.startswith("packages-") for n in self.engine.containers()), "no builder is left")
        self.agent.wait(lambda: all(len(n) == 64 for n in self.kept()), "no build is left")

    def catch_builder(self):
        """What the engine knows of the next builder, while it is there."""
        caught, seen = [], len(self.recorder.seen)

        def look():
            try:
                self.recorder.wait(lambda all: any(a == "create" and n.startswith("packages-") for a, n, _ in all[seen:]), "a builder")
                name = [n for a, n, _ in self.recorder.seen[seen:] if a == "create" and n.startswith("packages-")][0]
                engine = hv.Engine(self.engine.sock)
                caught.append(engine.inspect(name))
                engine.hang_up()
            except (AssertionError, hv.HttpError) as e:
                caught.append(e)

        thread = threading.Thread(target=look)
        thread.start()
        return lambda: (thread.join(), caught[0])[1]

    # --- wheels ---

    def test_tasks_that_want_the_same_share_one_installation(self):
        write = {"inputs": [{"path": "main.py", "inline": (
            "import os, sys, greeting\nprint(greeting.words(), sys.path[1])\n"
            "for path in (os.path.dirname(greeting.__file__) + '/x', greeting.__file__):\n"
            "    try:\n        open(path, 'a')\n        print('written')\n"
            "    except OSError as e:\n        print(e.strerror)\n")}]}
        builder = self.catch_builder()
        self.up(self.body({"name": "one", **write}, {"name": "two", "requirements": ["Greeting", "names >=0.5,<9", "greeting"]},
                          {"name": "three", "requirements": ["names>=0.5, <9", "greeting"]}))
        self.assertEqual(self.completed("one"), "hello world /opt/hivelet/packages\nRead-only file system\nPermission denied\n")
        self.assertEqual([self.completed(n) for n in ("two", "three")], ["hello world\n"] * 2)
        self.assertEqual(len(self.builds()), 2, "one for each set")
        self.wait_clear()
        self.assertEqual(len(self.kept()), 2)
        self.the_builder(builder())
        for key in self.kept():
            for d, dirs, names in os.walk(os.path.join(self.agent.dir, "state", "packages", key)):
                for path in [d, *(os.path.join(d, n) for n in names)]:
                    st = os.lstat(path)
                    self.assertEqual((st.st_uid, st.st_mode & 0o7022), (0, 0), path)
        # Again, by another task and another agent: nothing is installed.
        self.assertEqual(self.agent.terminate(), 0)
        self.up(self.body({"name": "again", "labels": {"other": "one"}}))
        self.assertEqual(self.completed("again"), "hello world\n")
        self.assertEqual(len(self.builds()), 2)
        # Another wheel in the folder is another set.
        wheels.make(self.wheels, "names", "2.0", files={"names/__init__.py": "world = 'moon'\n"})
        self.agent.desire(hv.document(self.body({"name": "newer"})))
        self.assertEqual(self.completed("newer"), "hello moon\n")
        self.assertEqual(len(self.builds()), 3)

    def the_builder(self, c):
        self.assertIsInstance(c, dict, c)
        host, config = c["HostConfig"], c["Config"]
        self.assertEqual((host["NetworkMode"], config["User"], host["ReadonlyRootfs"], host["CapDrop"], host["Memory"], host["PidsLimit"],
                          host["MemorySwap"], host["NanoCpus"]),
                         ("none", "65534:65534", True, ["ALL"], 256 << 20, 64, 256 << 20, 5 * 10**8))
        self.assertIn("no-new-privileges", host["SecurityOpt"])
        self.assertNotIn("greeting", json.dumps([config["Entrypoint"], config["Cmd"], config["Env"], config["Labels"]["io.hivelet.kind"]]))
        self.assertEqual(config["Labels"]["io.hivelet.kind"], "packages")
        self.assertEqual({m["Destination"]: m["RW"] for m in c["Mounts"]}, {"/opt/hivelet/build": True, "/opt/hivelet/wheels": False})

    def test_what_cannot_be_satisfied_is_the_tasks_fault(self):
        bad = os.path.join(self.wheels, "broken-1.0-py3-none-any.whl")
        with open(bad, "w") as f:
            f.write("no zip")
        os.chmod(bad, 0o644)
        wheels.make(self.wheels, "quarrel", requires=["names>=5"])
        self.up(self.body({"name": "absent", "requirements": ["nowhere==1"]}, {"name": "old", "requirements": ["names>=7"]},
                          {"name": "broken", "requirements": ["broken"]}, {"name": "quarrel", "requirements": ["quarrel"]}))
        for name, says in (("absent", "No matching distribution found for nowhere==1"), ("old", "names>=7"), ("broken", "broken"),
                           ("quarrel", "names>=5")):
            task = self.failed(name, says)
            self.assertEqual(task["status"]["reason"], "input", task)
            self.assertIn("its packages cannot be installed: ", task["status"]["message"])
        self.assertEqual(len(self.builds()), 4, "none is tried twice")
        self.assertFalse([n for a, n, _ in self.recorder.until_now()[self.begun:] if a == "create" and n.startswith("task-")])
        self.wait_clear()
        self.assertEqual(self.kept(), [])

    def test_an_image_without_pip_or_python(self):
        c = self.engine.call("POST", "/containers/create?name=bare", {"Image": PYTHON, "Cmd": [
            "sh", "-c", "rm -rf /usr/lib/python3/dist-packages/pip /usr/lib/python3/dist-packages/pip-*"]})
        self.engine.call("POST", f"/containers/{c['Id']}/start")
        self.engine.call("POST", f"/containers/{c['Id']}/wait")
        self.engine.call("POST", "/commit?container=bare&repo=hv/bare&tag=1", {"Cmd": ["true"]})
        self.engine.call("DELETE", "/containers/bare")
        self.up(self.body({"name": "pip", "image": "hv/bare:1"}, {"name": "python", "image": hv.IMAGE}))
        self.failed("pip", "hv/bare:1 has no pip")
        self.failed("python", 'has no program "python"')
        self.wait_clear()

    def test_a_node_without_a_source(self):
        self.agent.write(hv.document(self.body({"name": "t"}, source={})))
        self.assertIn("W033", self.agent.run("--check").stderr)
        self.agent.start()
        self.failed("t", "taskDefaults.python")
        self.assertEqual(self.builds(), [])

    def test_hostile_requirements(self):
        for text in ("--index-url=http://example.org", "-r /etc/passwd", "greeting; import os", "greeting @ file:///etc", "../greeting",
                     "/srv/wheels/x.whl", "greeting\n--pre", "git+https://example.org/x", "$(id)", "greeting`id`", "greeting==1 --hash=x",
                     "greeting; python_version > '3'"):
            with self.subTest(text):
                self.agent.write(hv.document(self.body({"name": "t", "requirements": [text]})))
                r = self.agent.run("--check")
                self.assertEqual((r.returncode, "E0464" in r.stderr + r.stdout), (1, True), r.stderr)
        self.assertEqual(self.builds(), [])

    # --- an index ---

    def test_an_index_is_reached_by_the_builder_alone(self):
        self.index.add("remote", files={"remote.py": "there = 'from afar'\n"})
        self.index.start()
        look = {"inputs": [{"path": "main.py", "inline": "import os, remote\nprint(remote.there, sorted(os.listdir('/sys/class/net')))\n"}]}
        builder = self.catch_builder()
        self.up(self.body({"name": "t", "requirements": ["remote"], **look}, {"name": "bad", "requirements": ["nowhere"]},
                          source={"index": self.index.url}))
        self.assertEqual(self.completed("t"), "from afar ['lo']\n")
        self.failed("bad", "No matching distribution found for nowhere")
        self.assertEqual(builder()["HostConfig"]["NetworkMode"], "bridge")
        self.wait_clear()

    def test_an_index_that_cannot_be_reached_is_the_nodes_fault(self):
        self.index.add("remote", files={"remote.py": "there = 1\n"})
        self.begin(self.body({"name": "t", "requirements": ["remote"], "inputs": [{"path": "main.py", "inline": "import remote\n"}]},
                          source={"index": self.index.url}))
        self.agent.wait(lambda: "cannot be reached" in (self.task("t") or {"status": {}})["status"].get("message", ""), "it is told")
        why = self.agent.ctl("why", f"task/{self.task('t')['metadata']['name']}").stdout
        self.assertIn("install the packages", why)
        self.index.start()
        self.completed("t")
        self.assertGreaterEqual(len(self.builds()), 2)

    def test_a_network_of_its_own(self):
        self.index.add("remote", files={"remote.py": "there = 1\n"})
        builder = self.catch_builder()
        self.begin(self.body({"name": "t", "requirements": ["nowhere"]}, source={"index": self.index.url, "network": "fetching"}))
        self.ended("t")
        self.assertEqual(builder()["HostConfig"]["NetworkMode"], "fetching")
        self.wait_clear()

    def test_stopped_while_packages_are_installed(self):
        self.index.hang()
        self.begin(self.body({"name": "t", "requirements": ["remote"]}, source={"index": self.index.url}))
        self.index.wait_asked()
        t = self.task("t")
        self.assertEqual((t["status"]["phase"], t["status"]["message"]), ("Fetching", "its Python packages are being installed"))
        self.agent.call("POST", f"/api/v1/tasks/{t['metadata']['name']}/stop")
        self.assertEqual(self.ended("t")["status"]["phase"], "Stopped")
        self.wait_clear()
        # The engine tells of it when nothing is left.
        self.recorder.wait(lambda all: any(a == "destroy" and n.startswith("packages-") for a, n, _ in all[self.begun:]), "it is told")
        self.assertEqual(len(self.builds("destroy")), 1)

    def test_who_waits_begins_anew_when_the_first_one_is_stopped(self):
        self.index.add("remote", files={"remote.py": "there = 1\n"})
        self.index.hang()
        spec = {"requirements": ["remote"], "inputs": [{"path": "main.py", "inline": "import remote\nprint(remote.there)\n"}]}
        self.begin(self.body({"name": "first", **spec}, {"name": "second", **spec}, source={"index": self.index.url}))
        self.index.wait_asked()
        self.agent.wait(lambda: all((self.task(n) or {"status": {}})["status"].get("message") == "its Python packages are being installed"
                                    for n in ("first", "second")), "both want them")
        self.assertEqual(len(self.builds()), 1)
        leader = next(n for n in ("first", "second") if self.builds()[0] == f"packages-{self.task(n)['metadata']['name']}.1")
        other = {"first": "second", "second": "first"}[leader]
        self.agent.call("POST", f"/api/v1/tasks/{self.task(leader)['metadata']['name']}/stop")
        self.assertEqual(self.ended(leader)["status"]["phase"], "Stopped")
        self.index.stop()  # not before: whoever finds it again goes on, and is not there to be stopped
        self.index.start()
        self.assertEqual(self.completed(other), "1\n")
        self.wait_clear()
        self.assertIn(f"packages-{self.task(other)['metadata']['name']}.1", self.builds())

    # --- how long they stay ---

    def test_what_nobody_uses_goes(self):
        go = os.path.join(self.agent.dir, "data")
        os.makedirs(go)
        node = f"  node: {{policy: {{hostPaths: [{go}]}}}}\n  gc: {{tasks: {{packages: 1h}}}}\n"
        wait = {"name": "long", "requirements": ["names"], "mounts": [{"hostPath": go, "target": "/go"}], "inputs": [
            {"path": "main.py", "inline": "import os, time, names\nwhile not os.path.exists('/go/go'): time.sleep(0.1)\nimport names as n\n"}]}
        self.up(self.body(wait, {"name": "short"}, more=node))
        self.completed("short")
        self.agent.wait(lambda: self.task("long")["status"]["phase"] == "Running", "it runs")
        self.assertEqual(len(self.kept()), 2)
        root = os.path.join(self.agent.dir, "state", "packages")
        for name in self.kept():
            os.utime(os.path.join(root, name), (1, 1))
        os.makedirs(os.path.join(root, "build-left.1", "tmp"))
        os.makedirs(os.path.join(root, "gone-" + "0" * 64))
        self.agent.kill()
        self.agent.start()
        self.agent.wait(lambda: len(os.listdir(root)) == 1, "the one that nobody uses is gone")
        with open(os.path.join(go, "go"), "w"):
            pass
        self.completed("long")
        self.assertEqual(len(self.kept()), 1)

    # --- deaths ---

    def test_killed_at_every_named_place(self):
        """The agent dies in the middle of it: what is half made goes, and packages are installed once more, or are there."""
        for i, place in enumerate(PLACES):
            with self.subTest(place):
                self.die_at(place, tasks.Worker(self.engine, f"death-{i}"))

    def die_at(self, place, w):
        folder, begun = os.path.join(w.dir, "wheels"), len(self.recorder.until_now())
        wheels.make(folder, "greeting")
        for path in (w.dir, folder):
            os.chmod(path, 0o755)
        spec = {**w.spec("one", "PYTHONDONTWRITEBYTECODE=1 exec python3 -c 'import greeting'"), "image": PYTHON,
                "requirements": ["greeting"], "retries": {"limit": 0}}
        try:
            w.declare({"one": spec}, body=f"  taskDefaults: {{python: {{wheels: {folder}}}}}\n")
            w.program = PROGRAM
            w.start(env={"HIVELET_KILL_AT": place}, wait=False)
            w.wait_died()
            w.program = None
            w.start()
            w.wait_over(self.engine, 1, 180)
            w.wait(lambda: not any(n.startswith("packages-") for n in self.engine.containers()), "no builder is left")
            w.wait(lambda: [len(n) for n in os.listdir(os.path.join(w.state, "packages"))] == [64], "one set is kept, and nothing else")
            self.assertEqual(w.terminate(), 0)
            seen = self.recorder.until_now()[begun:]
            tasks.check_once(w, self.engine, seen, {"one": ([("success", 0)], "Completed")})
            made = [n for a, n, _ in seen if a == "create" and n.startswith("packages-")]
            again = place in ("packages_made", "packages_started", "packages_installed")
            self.assertEqual(len(made), 2 if again else 1)
        except AssertionError as e:
            raise AssertionError(f"{place}: {e}\n{w.text_of_log()[-4000:]}") from None
        finally:
            w.done()


if __name__ == "__main__":
    base.main()
