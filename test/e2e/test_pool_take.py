#!/usr/bin/env python3
"""What the agent takes from a pool and what it does not: known ids, leases, trust, a full outbox, the first list of a process. The
pool is of dialect v1, where all of that can be said."""
import base
import hv
import test_pool

ENDLESS = "exec sleep 1000"


def shell(script, task_id, **more):
    """Little enough that several fit on any machine."""
    return test_pool.shell(script, task_id, cpu_quota=10000, memory_limit="32m", **more)


class Take(test_pool.Case):
    def reports_of(self, task_id):
        return [r for r in self.pool.results.values() if r.task_id == task_id]

    def reported(self, task_id, words):
        self.pool.wait(f"{task_id}: {words}", lambda: any(words in r.reason for r in self.reports_of(task_id)))

    def result(self, task_id):
        self.pool.wait(f"a result of {task_id}", lambda: self.reports_of(task_id))
        return self.reports_of(task_id)[0]

    def running(self, *task_ids):
        self.agent.wait(lambda: all(self.row(t).get("state") == "Running" for t in task_ids), f"{task_ids} run")

    def lease_of(self, task_id):
        return [(r["attempt"], r["lease_epoch"]) for r in self.agent.ledger.rows(
            "SELECT a.attempt, a.lease_epoch FROM assignment a JOIN task ON task.seq = a.task WHERE task.id = ?", task_id)]

    def deliver_nothing(self):
        self.pool.faults = {("ReportTaskResult", n): "refuse" for n in range(1, 10000)}

    def test_the_first_list_is_believed_whole(self):
        self.start()
        self.online()
        self.agent.submit("mine", {"image": hv.IMAGE, "pullPolicy": "never", "command": ["sleep", "1000"],
                                   "resources": {"limits": {"cpu": "100m", "memory": "32Mi"}}})
        self.pool.assign(shell(ENDLESS, "gone"), shell(ENDLESS, "stays"))
        self.running("gone", "stays", "mine")
        self.agent.kill()
        self.pool.take_back("gone")
        self.agent.start()
        self.agent.wait(lambda: self.row("gone")["ended_us"], "what is not in the list is stopped")
        gone = self.row("gone")
        self.assertEqual((gone["state"], gone["stop_by"], gone["stop_reason"]),
                         ("Stopped", "the pool", "it is no longer assigned to this node"))
        self.running("stays", "mine")

    def test_a_full_outbox_takes_nothing_and_drops_nothing(self):
        self.start(outbox={"maxSize": "10"})
        self.online()
        self.deliver_nothing()
        self.pool.assign(shell("echo 0123456789", "first"))
        self.agent.wait(lambda: self.row("first")["ended_us"], "it has ended")
        before = self.pool.counts.get("GetAssignedTasks", 0)
        self.pool.assign(shell("echo second", "second"))
        self.agent.wait(lambda: self.pool.counts.get("GetAssignedTasks", 0) > before + 1, "it is asked for again")
        self.assertNotIn("second", self.agent.ledger.tasks())
        self.pool.faults = {}
        self.assertEqual(self.committed("first").log, b"0123456789\n")
        self.assertEqual(self.committed("second").log, b"second\n")

    def test_trust_that_this_node_has_not(self):
        self.start()
        self.online()
        self.pool.assign(shell("true", "wants_high", required_trust="high"), shell("true", "wants_low", required_trust="low"))
        self.reported("wants_high", "wants a node of trust high, this one is low")
        self.assertEqual(self.committed("wants_low").status, "completed")
        self.assertNotIn("wants_high", self.agent.ledger.tasks())

    def test_another_content(self):
        self.start()
        self.online()
        self.pool.assign(shell("echo one", "job", attempt=1))
        self.assertEqual(self.committed("job").log, b"one\n")
        self.pool.results.clear()
        self.pool.assign(shell("echo two", "job", attempt=1))
        self.reported("job", "Conflict: job is known already, with another content")
        self.pool.results.clear()
        self.pool.assign(shell("echo two", "job", attempt=2))
        self.assertEqual(self.result("job").log, b"two\n")
        self.assertEqual(len(self.agent.ledger.tasks()), 1)

    def test_another_content_waits_for_the_delivery_of_the_one_before(self):
        self.start()
        self.online()
        self.deliver_nothing()
        self.pool.assign(shell("echo one", "job", attempt=1))
        self.agent.wait(lambda: self.row("job")["ended_us"], "it has ended")
        before = self.pool.counts.get("GetAssignedTasks", 0)
        self.pool.assign(shell("echo two", "job", attempt=2))
        self.agent.wait(lambda: self.pool.counts.get("GetAssignedTasks", 0) > before, "it is asked for again")
        self.assertEqual(self.debts(), [("job", None)])
        self.pool.faults = {}
        self.pool.wait("the first", lambda: {r.log for r in self.reports_of("job")} == {b"one\n"})
        self.pool.assign(shell("echo two", "job", attempt=2))  # of an id with a result the scripted pool forgets what it assigned
        self.pool.wait("both", lambda: {r.log for r in self.reports_of("job")} == {b"one\n", b"two\n"})

    def test_leases(self):
        self.start()
        self.online()
        one = shell(ENDLESS, "leased", attempt=3, lease_epoch=7)
        self.pool.assign(one)
        self.running("leased")
        for attempt, lease_epoch, words in ((3, 6, "attempt 3, lease 7 of leased is known already"),
                                            (2, 9, "attempt 3, lease 7 of leased is known already")):
            one.attempt, one.lease_epoch = attempt, lease_epoch
            self.pool.assign(one)
            self.reported("leased", words)
            self.pool.results.clear()
            self.assertEqual(self.lease_of("leased"), [(3, 7)])
        one.attempt, one.lease_epoch = 3, 8
        self.pool.assign(one)
        self.agent.wait(lambda: self.lease_of("leased") == [(3, 8)], "the newer lease is noted")
        self.pool.take_back("leased")
        got = self.result("leased")
        self.assertEqual((got.attempt, got.lease_epoch, got.state), (3, 8, "Stopped"))
        self.assertEqual(len(self.agent.ledger.attempts("leased")), 1)


if __name__ == "__main__":
    base.main()
