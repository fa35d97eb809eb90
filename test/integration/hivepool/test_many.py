#!/usr/bin/env python3
"""hivepool with very many tasks: 50,000 that wait (HV_MANY for another number), given out, done, and counted."""
import os
import unittest

import site_pool as site
from site_pool import admin, v1

N = int(os.environ.get("HV_MANY", "50000"))


class Many(site.Case):
    OPTIONS = ["--insecure", "--max-tasks", "1000"]

    def test_all_of_them_are_done_once(self):
        pool = self.pool.admin()
        task = lambda i: admin.SubmitTaskRequest(dialect="v1", task=v1.Task(
            id=f"t{i}", docker_image="busybox", command="true").SerializeToString())
        for i in range(N):
            pool("SubmitTask", task(i), admin.SubmitTaskResponse)
        self.pool.kill()
        self.pool.start()
        pool = self.pool.admin()
        count = lambda: {c.state: c.n for c in pool("GetPool", admin.GetPoolRequest(), admin.GetPoolResponse).tasks}
        self.assertEqual(count()["Pending"], N)
        node, done = self.node(), set()
        lists = node.watch()
        while len(done) < N:
            for t in next(lists):
                if t.id not in done:
                    self.assertTrue(node.report(t).committed)
                    done.add(t.id)
        self.assertEqual(count()["Completed"], N)
        self.assertLess(self.pool.memory_peak_mb(), 200)


if __name__ == "__main__":
    unittest.main()
