"""Tasks from the command line to the engine and back: what is promised runs once, and what it leaves comes out whole."""
import json
import os
import subprocess

import base
import hv

NOTHING = "  services: []\n"


def task(name, script, extra=""):
    return (f"apiVersion: hivelet/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  image: {hv.IMAGE}\n"
            f"  command: [sh, -c, {json.dumps(script)}]\n{extra}")


class Tasks(base.Case):
    def hivectl(self, *words, code=0):
        r = subprocess.run([*self.agent.hivectl(), *words], capture_output=True, text=True, timeout=hv.LIMIT_S)
        self.assertEqual(r.returncode, code, f"hivectl {' '.join(words)}\n{r.stdout}\n{r.stderr}")
        return r.stdout

    def document(self, text):
        path = os.path.join(self.agent.dir, "task.yaml")
        self.agent.write(text, path)
        return path

    def test_a_document_runs_once_and_leaves_its_files(self):
        self.up(NOTHING)
        path = self.document(task("prime", "echo one; echo two >&2; mkdir -p results/deep; echo 2 3 5 7 > results/deep/out.txt"))
        self.assertIn("it fits now", self.hivectl("fit", "-f", path))
        self.assertEqual(sorted(self.hivectl("run", "-f", path, "--follow").split()), ["one", "two"])
        name = self.hivectl("run", "-f", path).strip()  # the same again is the same task
        self.assertEqual(self.hivectl("task", "ls", "-o", "name"), f"task/{name}\n")
        self.assertEqual(self.hivectl("task", "logs", name, "--stream", "stderr"), "two\n")
        out = os.path.join(self.agent.dir, "out")
        self.hivectl("task", "results", name, "-o", out)
        with open(os.path.join(out, "results", "deep", "out.txt"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "2 3 5 7\n")
        self.assertEqual(self.hivectl("trust"), "2 (low)\n")
        self.hivectl("task", "rm", name)
        self.hivectl("task", "show", name, code=4)
        self.assertFalse(os.path.exists(os.path.join(self.agent.dir, "state", "results", name)))

    def test_the_exit_code_is_the_tasks(self):
        self.up(NOTHING)
        self.hivectl("run", hv.IMAGE, "--wait", "--", "sh", "-c", "exit 7", code=7)
        self.hivectl("run", hv.IMAGE, "--wait", "--timeout", "1s", "--", "sleep", "60", code=124)
        self.hivectl("run", hv.IMAGE, "--wait", "--memory", "900Ti", "--", "true", code=125)
        self.assertEqual(self.hivectl("run", hv.IMAGE, "--follow", "-e", "WHO=you", "--", "sh", "-c", "echo hello $WHO"), "hello you\n")

    def test_a_stop_is_recorded_and_a_retry_runs_again(self):
        self.up(NOTHING)
        name = self.hivectl("run", hv.IMAGE, "--", "sleep", "60").strip()
        self.hivectl("task", "stop", name, "--reason", "maintenance", "--wait")
        status = json.loads(self.hivectl("task", "show", name, "-o", "json"))["status"]
        self.assertEqual((status["phase"], status["cause"]), ("Stopped", "stopped"))
        self.assertEqual(status["stop"]["reason"], "maintenance")
        self.assertEqual(self.hivectl("trust"), "0 (low)\n")  # a stop says nothing about the node
        self.agent.wait_synced()  # nothing of it is left to be tidied up
        self.hivectl("task", "retry", name)
        self.hivectl("task", "rm", name, code=1)  # it lives
        self.hivectl("task", "stop", name, "--wait")
        self.assertIn("Stopped", self.hivectl("task", "ls"))

    def test_a_promise_outlives_the_agent(self):
        self.up(NOTHING)
        path = self.document(task("long", "sleep 2; echo done"))
        name = self.hivectl("run", "-f", path).strip()
        self.agent.process.kill()
        self.agent.process.wait()
        self.agent.log.close()
        self.agent.start()
        self.assertEqual(self.hivectl("run", "-f", path, "--wait"), "")
        self.assertEqual(self.hivectl("task", "logs", name), "done\n")
        self.assertEqual(len(json.loads(self.hivectl("task", "show", name, "-o", "json"))["attempts"]), 1)

    def test_once_waits_for_tasks(self):
        self.agent.write(hv.document(f"  tasks:\n    - {{name: once, image: \"{hv.IMAGE}\", command: [sh, -c, sleep 1; exit 3]}}\n"))
        self.assertEqual(self.agent.run("--once").returncode, 0)  # a task that failed has ended, too
        self.assertEqual(len(os.listdir(os.path.join(self.agent.dir, "state", "results"))), 1)
        self.assertEqual(self.engine.containers(), {})


if __name__ == "__main__":
    base.main()
