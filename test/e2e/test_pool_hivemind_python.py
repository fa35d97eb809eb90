#!/usr/bin/env python3
"""Programs in Python as a pool of dialect hivemind gives them, in an image that has Python: which file is started, what becomes of
requirements.txt, and file by file what is in the archive that comes back."""
import os
import re
import subprocess

import base
import hv
import test_pool_hivemind as hivemind
import wheels

IMAGE = "hv/python:1"
SAY = "import os; print('started', os.path.basename(__file__), os.getcwd(), os.environ['TASK_ID'], flush=True)\n"
LOG = re.compile(r"Task ID: (\S+)\nStatus: (.+)\nExecution Result: (.+)\nTime: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\nNode: (\S+)\n")


class Python(hivemind.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([os.path.join(hv.TOP, "test", "lib", "python-image.sh"), cls.engine.sock], check=True)

    def setUp(self):
        super().setUp()
        self.image = IMAGE

    def check_archive(self, task_id, names, status="Success", result="Completed"):
        """The workspace as it was left, inputs and hivelet's task.json too, and what the pool's users expect beside it. Returns its
        bytes by name."""
        with self.result(task_id) as z:
            found = {n: z.read(n) for n in z.namelist() if not n.endswith("/")}
        self.assertEqual(sorted(found), sorted({*names, "task.json", "execution_log.txt", "task_logs.txt"}))
        log = LOG.match(found["execution_log.txt"].decode())
        self.assertTrue(log, found["execution_log.txt"])
        self.assertEqual(log.groups(), (task_id, status, result, "alice"))
        text = found["task_logs.txt"].decode()
        self.assertTrue(text.startswith(f"=== Task {task_id} Complete Logs ===\n"), text)
        self.assertTrue(text.endswith("\n=== End of Logs ===\n"), text)
        return found

    def test_which_file_is_started(self):
        self.start()
        for files, started in ((("main.py", "run.py", "app.py", "aa.py"), "main.py"),
                               (("app.py", "run.py", "aa.py"), "app.py"),
                               (("run.py", "index.py", "aa.py"), "run.py"),
                               (("index.py", "start.py"), "index.py"),
                               (("start.py", "script.py"), "start.py"),
                               (("script.py", "task_script.py"), "script.py"),
                               (("task_script.py", "aa.py"), "task_script.py"),
                               (("zz.py", "ab.py"), "ab.py")):
            task_id = "starts_" + started.removesuffix(".py")
            with self.subTest(started):
                self.push(task_id, **dict.fromkeys(files, SAY))
                log = self.check_archive(task_id, files)["task_logs.txt"].decode()
                self.assertIn(f"\nstarted {started} /app/task {task_id}\n", log)

    def test_requirements_are_installed_and_not_part_of_the_result(self):
        wheels.make(os.path.join(self.agent.dir, "wheels"), "greeting", files={"greeting.py": "words = 'hello from a wheel'\n"})
        (name,) = os.listdir(os.path.join(self.agent.dir, "wheels"))
        with open(os.path.join(self.agent.dir, "wheels", name), "rb") as f:
            wheel = f.read()
        self.start()
        files = {"main.py": "import greeting\nprint(greeting.words)\nopen('out.txt', 'w').write('made')\n",
                 "requirements.txt": "--no-index\n--find-links wheels\ngreeting\n", "wheels/" + name: wheel, "data/in.bin": bytes(256)}
        self.push("wheel", **files)
        found = self.check_archive("wheel", {*files, "out.txt"})
        self.assertIn("\nhello from a wheel\n", found["task_logs.txt"].decode())
        self.assertEqual((found["out.txt"], found["data/in.bin"]), (b"made", bytes(256)))

    def test_requirements_that_are_not_to_be_had(self):
        self.start()
        files = {"main.py": SAY, "requirements.txt": "--no-index\nnowhere-to-be-found\n"}
        self.push("without", **files)
        log = self.check_archive("without", files)["task_logs.txt"].decode()
        self.assertIn("requirements.txt is not installed; going on without", log)
        self.assertIn("started main.py", log)

    def test_a_program_that_fails(self):
        self.start()
        self.push("fails", **{"main.py": "raise SystemExit(7)\n"})
        self.check_archive("fails", ["main.py"], "Failed", "Error")

    def test_a_stop_reaches_the_program_behind_its_requirements(self):
        self.start()
        files = {"main.py": "import signal, sys\n"
                            "def end(*_):\n    open('stopped', 'w').write('in order')\n    sys.exit(0)\n"
                            "signal.signal(signal.SIGTERM, end)\nprint('on', flush=True)\nwhile True: signal.pause()\n",
                 "requirements.txt": ""}
        self.push("stops", **files)
        self.pool.wait("it runs", lambda: "on\n" in self.pool.logs.get("stops", ""))
        self.assertTrue(self.pool.stop_task(self.port, "stops").success)
        found = self.check_archive("stops", {*files, "stopped", "task_stopped.txt"}, "Stopped by user", "Terminated")
        self.assertEqual(found["stopped"], b"in order")
        self.assertIn("stops", found["task_stopped.txt"].decode())


if __name__ == "__main__":
    base.main()
