"""Faults of the pool and of the way to it: every result is recorded there exactly once, whatever happens, and settled here."""
import unittest

import scripted
from scripted import digest_of
from scripted_pool import Pool

BIG = 3 * 1024 * 1024 + 17  # four pieces

SCRIPTS = [
    ("nothing happens", []),
    ("the first registration is lost", [("RegisterNode", 1, "refuse")]),
    ("the answer to it is lost", [("RegisterNode", 1, "lose")]),
    ("the answer to it is garbage", [("RegisterNode", 1, "garbage"), ("RegisterNode", 2, "garbage")]),
    ("it is too much for the pool", [("RegisterNode", 1, "busy"), ("RegisterNode", 2, "busy")]),
    ("the first beat is cut", [("UpdateNodeStatus", 1, "cut")]),
    ("the pool forgets the node", [("UpdateNodeStatus", 2, "forget")]),
    ("the pool forgets the node twice", [("UpdateNodeStatus", 2, "forget"), ("UpdateNodeStatus", 3, "forget")]),
    ("a result is refused before it is seen", [("ReportTaskResult", 1, "refuse")]),
    ("the answer to a result is lost", [("ReportTaskResult", 1, "lose")]),
    ("the answers to a result are lost three times", [("ReportTaskResult", n, "lose") for n in (1, 2, 3)]),
    ("the answer to a result is garbage", [("ReportTaskResult", 1, "garbage")]),
    ("the answer to a result is late", [("ReportTaskResult", 1, "late"), ("ReportTaskResult", 3, "late")]),
    ("the pool breaks over a result", [("ReportTaskResult", 1, "break"), ("ReportTaskResult", 2, "break")]),
    ("the pool says no once", [("ReportTaskResult", 1, "no")]),
    ("cut before a result is taken", [("ReportTaskResult", 1, "cut")]),
    ("cut after a result was taken", [("ReportTaskResult", 1, "cut-after")]),
    ("cut before and after", [("ReportTaskResult", 1, "cut"), ("ReportTaskResult", 2, "cut-after")]),
    ("cut between pieces", [("ReportTaskResult", 4, "cut")]),
    ("cut after a piece", [("ReportTaskResult", 5, "cut-after")]),
    ("cut after the last piece", [("ReportTaskResult", 7, "cut-after")]),
    ("a piece is answered twice lost", [("ReportTaskResult", 4, "lose"), ("ReportTaskResult", 5, "lose")]),
    ("half of a piece is taken", [("ReportTaskResult", 5, "short")]),
    ("the pool loses what it had of a result", [("ReportTaskResult", 6, "rewind")]),
    ("the log is cut", [("AppendTaskLog", 1, "cut"), ("AppendTaskLog", 2, "lose")]),
    ("the answer to the log is garbage", [("AppendTaskLog", 1, "garbage"), ("AppendTaskLog", 2, "cut-after")]),
    ("the list is cut", [("GetAssignedTasks", 1, "cut"), ("GetAssignedTasks", 2, "garbage")]),
    ("everything at once", [("RegisterNode", 1, "lose"), ("UpdateNodeStatus", 2, "forget"), ("GetAssignedTasks", 1, "busy"),
                            ("AppendTaskLog", 2, "cut"), ("ReportTaskResult", 1, "cut-after"),
                            ("ReportTaskResult", 3, "garbage"), ("ReportTaskResult", 5, "rewind"),
                            ("ReportTaskResult", 8, "cut")]),
]


class Faults(scripted.Case):
    def run_script(self, faults):
        pool = self.begin(Pool(faults=faults))
        node = self.node(pool, "heartbeat_ms=100")
        owed = {"a": 100, "b": BIG, "c": 0, "d": 5000}
        node.tell(*("owe %s Completed 2 1 %d 150000" % one for one in owed.items()))
        settled = sorted(node.wait("committed")["id"] for _ in owed)
        pool.wait("the script to be over", lambda: not pool.left)
        self.assertEqual(node.ask("state", "state")["n"], 0)  # nothing is owed any more
        self.assertEqual(settled, sorted(owed))
        self.assertEqual(sorted(pool.commits), sorted((k, v, digest_of(v)) for k, v in owed.items()))
        self.assertEqual(sorted(pool.results), sorted("n1/%s/2/1" % one for one in owed))
        for one in owed:
            self.assertEqual(len(pool.logs[(one, 2)]), 150000)
        self.assertEqual(len([e for e in node.events if e["event"] == "committed"]), len(owed))


scripted.add_scripts(Faults, SCRIPTS, Faults.run_script)

if __name__ == "__main__":
    unittest.main(verbosity=2)
