#!/usr/bin/env python3
"""What is kept of a task, and for how long; what goes on to its next attempt; what it may take of the disk."""
import os

import base
import hv
import tasks


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "results")

    def start(self, body="", **more):
        self.agent.declare({}, body=f"  taskDefaults: {{image: {hv.IMAGE}}}\n{body}")
        self.agent.start(**more)
        self.agent.wait_synced()

    def row(self, name):
        return self.agent.ledger.tasks().get(name, {"ended_us": None, "state": None})

    def ended(self, name):
        self.agent.wait(lambda: self.row(name)["ended_us"], f"{name} has ended")
        return self.row(name)

    def do(self, name, script, **spec):
        self.agent.submit(name, {"command": ["/bin/sh", "-c", script], **spec})
        return self.ended(name)

    def path(self, name, attempt, *parts):
        return os.path.join(self.agent.state, "results", name, str(attempt), *parts)


class Retention(Case):
    def test_files_go_when_their_time_is_over(self):
        self.start("  gc: {interval: 1s}\n")
        for name, keep in (("short", "1s"), ("long", "24h")):
            self.do(name, "mkdir results; echo out >results/out; echo said", outputs={"keep": keep})
        self.agent.wait(lambda: not os.path.exists(self.path("short", 1, "files")), "the files are gone")
        listing = self.agent.call("GET", "/api/v1/tasks/short/results")
        self.assertEqual(listing["removed"], "they were kept for 1s (outputs.keep)")
        self.assertEqual([f["path"] for f in listing["files"]], ["results/out"])
        with self.assertRaises(hv.HttpError) as e:
            self.agent.call("GET", "/api/v1/tasks/short/results/results/out", accept="*/*")
        self.assertEqual(e.exception.status, 410)
        self.assertIn("outputs.keep", e.exception.text)
        r = self.agent.ctl("task", "results", "short", "-o", os.path.join(self.agent.dir, "o"))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("outputs.keep", r.stderr)
        self.assertEqual(self.agent.result("short", 1, "log"), b"said\n")
        self.assertIsNone(self.agent.call("GET", "/api/v1/tasks/long/results")["removed"])
        self.assertEqual(self.agent.result("long", 1, "files/results/out"), b"out\n")

    def test_of_too_much_the_oldest_goes(self):
        self.start("  gc: {interval: 1s, tasks: {maxSize: 2500Ki}}\n")
        for name in ("a", "b", "c", "d"):
            self.do(name, "mkdir results; head -c 1000000 /dev/urandom >results/out; echo said")
        self.agent.wait(lambda: not os.path.exists(self.path("b", 1, "files")), "the second is gone")
        self.assertFalse(os.path.exists(self.path("a", 1, "files")))
        self.assertTrue(os.path.exists(self.path("d", 1, "files", "results", "out")))
        self.assertIn("gc.tasks.maxSize", self.agent.call("GET", "/api/v1/tasks/a/results")["removed"])

        def bytes_told():
            text = self.agent.call("GET", "/metrics", accept="*/*")
            return [float(line.split()[1]) for line in text.splitlines() if line.startswith("hivelet_task_results_bytes ")]

        self.agent.wait(lambda: bytes_told() and bytes_told()[0] < 2500 << 10, "what is left is told")


class Checkpoints(Case):
    # Counts on from where it was, ten a time; a file that an attempt began and did not finish does not count.
    COUNT = ("n=$(cat save/n 2>/dev/null || echo 0); echo from $n; ls save 2>/dev/null; mkdir -p save/deep; "
             "ln -sf n save/link; echo $((n+10)) >save/n; cp save/n save/deep/n; [ $n -ge 20 ] && exit 0; ")

    def log(self, name, attempt):
        return self.agent.result(name, attempt, "log").decode().split()

    def test_it_goes_on_where_it_was(self):
        """Three attempts, and the agent is killed while each of them runs."""
        self.start()
        self.agent.submit("count", self.agent.spec("count", self.COUNT + "while [ ! -e /witness/go-$n ]; do sleep 0.05; done; exit 85",
                                                   checkpoint={"exitCode": 85, "path": "save"},
                                                   retries={"limit": 0, "backoff": "0s"}))
        for attempt in (1, 2):
            name = tasks.name_of("count", attempt)
            self.agent.wait(lambda n=name: (self.engine.look(n) or {"State": {}})["State"].get("Running"), f"{name} runs")
            self.agent.kill()
            with open(os.path.join(self.agent.witness, f"go-{10 * (attempt - 1)}"), "w", encoding="utf-8"):
                pass
            tasks.poll(lambda n=name: not self.engine.inspect(n)["State"]["Running"], f"{name} has ended")
            self.agent.start()
        row = self.ended("count")
        self.assertEqual(row["state"], "Completed", row["message"])
        self.assertEqual([a["cause"] for a in self.agent.ledger.attempts("count")], ["checkpoint", "checkpoint", "success"])
        self.assertEqual(self.log("count", 1), ["said", "1", "from", "0"])
        self.assertEqual(self.log("count", 2), ["said", "2", "from", "10", "deep", "link", "n"])
        self.assertEqual(self.log("count", 3), ["said", "3", "from", "20", "deep", "link", "n"])
        self.agent.wait(lambda: not self.agent.leftovers(), "nothing is left of it")

    def test_what_failed_in_between_leaves_nothing(self):
        """The second attempt spoils what it got and fails; the third begins where the first stopped."""
        self.start()
        script = ("echo $(cat save/n 2>/dev/null || echo none); mkdir -p save; case $(ls /witness | grep -c tried) in "
                  "0) echo 1 >save/n; touch /witness/tried-1; exit 85;; 1) echo spoilt >save/n; touch /witness/tried-2; exit 7;; "
                  "*) exit 0;; esac")
        row = self.do("mended", script, checkpoint={"exitCode": 85, "path": "save"},
                      inputs=[{"path": "save/n", "inline": "from the inputs\n"}],
                      mounts=[{"hostPath": self.agent.witness, "target": "/witness"}],
                      retries={"limit": 1, "on": ["exitCode"], "backoff": "0s"})
        self.assertEqual(row["state"], "Completed", row["message"])
        self.assertEqual([self.log("mended", n) for n in (1, 2, 3)], [["from", "the", "inputs"], ["1"], ["1"]])


class Disk(Case):
    def test_who_takes_more_than_it_asked_for_is_stopped(self):
        # Root, which alone may write to this image's root.
        self.agent.write(hv.document(f"  node: {{policy: {{privileged: allow}}}}\n  taskDefaults: {{image: {hv.IMAGE}}}\n"))
        self.agent.start()
        self.agent.wait_synced()
        rows = {
            "one file": "head -c 30000000 /dev/zero >big",
            "many files": "i=0; while [ $i -lt 3000 ]; do echo x >f$i; i=$((i+1)); done",
            "outside of the workspace": "head -c 30000000 /dev/zero >/big",
            "too deep": "i=0; while [ $i -lt 200 ]; do mkdir d; cd d; i=$((i+1)); done",
        }
        for n, (what, script) in enumerate(rows.items()):
            with self.subTest(what):
                row = self.do(f"large-{n}", f"mkdir results; echo kept >results/out; {script}; exec sleep 1000000",
                              resources={"requests": {"disk": "10Mi"}}, retries={"limit": 3, "on": ["nodeError", "exitCode"]},
                              stop={"signal": "TERM", "grace": "1s"},
                              security={"readOnlyRoot": what != "outside of the workspace", "user": "0:0"})
                self.assertEqual((row["state"], row["cause"]), ("Failed", "diskLimit"))
                self.assertIn("10Mi of disk", row["message"])
                self.assertEqual(len(self.agent.ledger.attempts(f"large-{n}")), 1)
                self.assertEqual(self.agent.result(f"large-{n}", 1, "files/results/out"), b"kept\n")

    def test_who_stays_below_runs_on(self):
        """Deleted again, a hole, and what lies under several names count as little as they take."""
        self.start()
        row = self.do("small", "head -c 6000000 /dev/zero >big; rm big; head -c 6000000 /dev/zero >one; "
                      "for i in 1 2 3 4; do ln one again-$i; done; dd if=/dev/zero of=hole bs=1 count=1 seek=100000000 2>/dev/null; "
                      "sleep 3", resources={"requests": {"disk": "10Mi"}})
        self.assertEqual((row["state"], row["cause"]), ("Completed", "success"), row["message"])


if __name__ == "__main__":
    base.main()
