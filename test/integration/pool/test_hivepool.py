"""The node's side of dialect v1 against this project's own pool: tasks in, results out, with the pool killed in between."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from scripted_pool import BUILD, PATIENCE, Node, digest_of, pattern

PROGRAM = os.path.join(BUILD, "cmd", "hivepool", "hivepool")


class Hivepool:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hv-hivepool-")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.start()

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "serve", "--insecure", "--data-dir", os.path.join(self.dir, "data"),
                                         "--listen", "127.0.0.1:%d" % self.port], stdout=self.log, stderr=self.log)
        self.until("it answers", lambda: self.call("status", check=False).returncode == 0)

    def call(self, command, *args, check=True):
        return subprocess.run([PROGRAM, command, "--data-dir", os.path.join(self.dir, "data"), *args], check=check,
                              capture_output=True, text=True)

    def json(self, command, *args):
        return json.loads(self.call(command, "--json", *args).stdout)

    def until(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                self.log.flush()
                with open(self.log.name) as f:
                    raise AssertionError("%s: %s" % (what, f.read()[-3000:]))
            time.sleep(0.1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.log.close()
        shutil.rmtree(self.dir)
        return code


class Together(unittest.TestCase):
    def setUp(self):
        self.pool = Hivepool()
        self.node = Node(self.pool.port, "heartbeat_ms=200")

    def tearDown(self):
        code, text = self.node.end()
        self.assertEqual(self.pool.end(), 0)
        self.assertEqual(code, 0, text[-4000:])

    def submit(self, name, *args):
        self.pool.call("submit", "--id", name, "--image", "docker.io/library/busybox:1.36", *args, "--", "echo", name)

    def result_of(self, name):
        return subprocess.run([PROGRAM, "result", "--data-dir", os.path.join(self.pool.dir, "data"), name, "-o", "-"],
                              check=True, capture_output=True).stdout

    def completed(self):
        return {t["id"] for t in self.pool.json("ls")["tasks"] if t["state"] == "Completed"}

    def test_a_task_with_inputs_comes_and_its_result_goes(self):
        self.node.wait("phase", id="Online")
        path = os.path.join(self.pool.dir, "input")
        with open(path, "wb") as f:
            f.write(pattern(3 << 20))
        self.node.tell("run %d" % (5 << 20))
        self.submit("a", "--input", "data.bin=" + path)
        event = self.node.wait("assigned", id="a")
        self.assertIn(digest_of(3 << 20), event["text"])
        self.assertEqual(self.node.inbox(), [digest_of(3 << 20)])
        self.node.wait("committed", id="a")
        self.pool.until("it is recorded", lambda: self.completed() == {"a"})
        self.assertEqual(self.result_of("a"), pattern(5 << 20))

    def test_every_result_is_recorded_although_the_pool_is_killed(self):
        names = {"t%d" % i for i in range(60)}
        self.node.tell("run 1500000")
        for name in sorted(names):
            self.submit(name)
        for n in (5, 15, 25):
            for _ in range(n - len([e for e in self.node.events if e["event"] == "committed"])):
                self.node.wait("committed")
            self.pool.kill()
            self.pool.start()
        self.pool.until("all are recorded", lambda: self.completed() == names)
        for name in sorted(names)[::10]:
            self.assertEqual(self.result_of(name), pattern(1500000))
        self.node.tell("state")
        self.assertEqual(self.node.wait("state")["n"], 0)
        self.assertEqual(len([e for e in self.node.events if e["event"] == "assigned"]), 60)
        self.assertEqual([e for e in self.node.events if e["event"] == "unwanted"], [])

    def test_a_result_that_is_nobodys_any_more_is_settled(self):
        self.node.wait("phase", id="Online")
        self.node.tell("owe ghost Completed 1 1 1000 70000")  # with a log, which is refused first
        self.node.wait("unwanted", id="ghost")
        self.node.tell("state")
        self.assertEqual(self.node.wait("state")["n"], 0)

    def test_a_task_that_is_cancelled_is_taken_back(self):
        self.node.wait("phase", id="Online")
        self.submit("a")
        self.node.wait("assigned", id="a")
        self.pool.call("cancel", "a")
        self.node.wait("cancelled", id="a")


if __name__ == "__main__":
    unittest.main(verbosity=2)
