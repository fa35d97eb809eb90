"""The node's side of dialect v1 against this project's own pool: tasks in, results out, with the pool killed in between."""
import os
import sys
import unittest

from scripted import BUILD, Node, digest_of, pattern

os.environ.setdefault("HV_BUILD_DIR", BUILD)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hivepool"))
import site_pool as site  # noqa: E402  (of the directory named above)


class Together(unittest.TestCase):
    def setUp(self):
        self.pool = site.Pool()
        self.node = Node(self.pool.port, "heartbeat_ms=200")

    def tearDown(self):
        code, text = self.node.end()
        self.pool.done()
        self.assertEqual(code, 0, text[-4000:])

    def submit(self, name, *args):
        self.pool.cli("submit", "--id", name, "--image", "docker.io/library/busybox:1.36", *args, "--", "echo", name)

    def result_of(self, name):
        return self.pool.cli("result", name, "-o", "-", binary=True)[0]

    def wait_completed(self, *names):
        client = self.pool.admin()
        for name in names:
            got = client("WaitTask", site.admin.GetTaskRequest(id=name), site.admin.GetTaskResponse)
            self.assertEqual(got.task.state, "Completed", name)
        client.channel.close()

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
        self.wait_completed("a")
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
        self.wait_completed(*names)
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
        self.pool.cli("cancel", "a")
        self.node.wait("cancelled", id="a")


if __name__ == "__main__":
    unittest.main(verbosity=2)
