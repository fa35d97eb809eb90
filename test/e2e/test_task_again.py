#!/usr/bin/env python3
"""What was promised once and is asked for again: retries, repeated submissions, and what an agent finds that was away."""
import json
import os

import base
import hv
import tasks
from tasks import end_with

DAY_US = 24 * 3600 * 1000000
PROGRAM = os.path.join(hv.BUILD, "test", "e2e", "hivelet_fail_points")


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "again")
        self.agent.declare({})

    def up(self):
        self.agent.start()
        self.agent.wait_synced()

    def submit(self, script, task="one", **more):
        return self.agent.submit(task, {**self.agent.spec(task, script), **more})

    def row(self, task="one"):
        return self.agent.ledger.tasks()[task]

    def ended(self, task="one"):
        self.agent.wait(lambda: self.row(task)["ended_us"], f"{task} has ended")
        return self.row(task)

    def attempts(self, task="one"):
        return [(a["cause"], a["exit_code"]) for a in self.agent.ledger.attempts(task)]

    def wait_running(self, task="one"):
        """By its own account: its state is Running as soon as its start is under way."""
        tasks.poll(lambda: any(t == task for t, _ in self.agent.ran()), f"{task} runs")

    def refused(self, status, *words, **headers):
        with self.assertRaises(hv.HttpError) as e:
            self.agent.call(*words, **headers)
        self.assertEqual(e.exception.status, status, str(e.exception))
        return e.exception.text


class Retry(Case):
    def test_right_after_the_end(self):
        """While its container is still being removed: it waits for that, and is not refused."""
        self.up()
        self.submit(end_with(0))
        for n in range(1, 6):
            self.agent.wait(lambda: self.attempts() == [("success", 0)] * n, f"attempt {n} has ended")
            self.agent.call("POST", "/api/v1/tasks/one/retry")
        self.agent.wait_over(self.engine, 1)
        self.assertEqual(self.attempts(), [("success", 0)] * 6)
        self.assertEqual(sorted(self.agent.ran().values()), [1] * 6)

    def test_its_attempts_are_counted_anew_by_the_next_agent_too(self):
        self.up()
        self.submit(end_with(3), retries={"limit": 1, "on": ["exitCode"], "backoff": "0s"})
        self.agent.wait_over(self.engine, 1)
        self.assertEqual(self.attempts(), [("exitCode", 3)] * 2)
        self.agent.kill()
        self.agent.program = PROGRAM
        self.agent.start(env={"HIVELET_KILL_AT": "task_begin:done"})
        self.agent.wait_synced()
        try:
            self.agent.call("POST", "/api/v1/tasks/one/retry")
        except (OSError, hv.HttpError):
            pass
        self.agent.wait_died()
        self.agent.program = None
        self.agent.start()
        self.agent.wait_over(self.engine, 1)
        self.assertEqual(self.attempts(), [("exitCode", 3)] * 4)
        self.assertEqual(self.row()["state"], "Failed")


class Keys(Case):
    def ask(self, key="k-1", script="exit 0", **query):
        path = "/api/v1/tasks" + "".join(f"?{k}={v}" for k, v in query.items())
        spec = {"image": hv.IMAGE, "command": ["/bin/sh", "-c", script]}
        body = json.dumps({"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": "keyed"}, "spec": spec})
        return ("POST", path, body), {"Idempotency_Key": key}

    def test_a_key_is_one_task_until_a_day_after_it_was_forgotten(self):
        self.up()
        words, key = self.ask()
        name = self.agent.call(*words, **key)["metadata"]["name"]
        self.assertEqual(self.agent.call(*words, **key)["metadata"]["name"], name)
        # Another id, and the key decides; other content, and it is refused.
        self.assertEqual(self.agent.call("POST", words[1] + "?id=other", words[2], **key)["metadata"]["name"], name)
        self.assertIn("another content", self.refused(409, *self.ask(script="exit 1")[0], **key))
        self.ended(name)
        self.agent.call("DELETE", f"/api/v1/tasks/{name}")
        self.assertIn(f"task {name}, which was forgotten", self.refused(410, *words, **key))
        self.agent.kill()
        self.up()
        self.refused(410, *words, **key)
        self.assertEqual(self.agent.ledger.tasks(), {})
        self.agent.terminate()
        self.agent.ledger.write("UPDATE idempotency_key SET forgotten_us = forgotten_us - ?", DAY_US)
        self.up()
        self.assertEqual(self.agent.call(*words, **key)["metadata"]["name"], name)
        self.ended(name)

    def test_a_key_may_come_with_an_id(self):
        self.up()
        words, key = self.ask(id="mine")
        self.assertEqual(self.agent.call(*words, **key)["metadata"]["name"], "mine")
        words, key = self.ask()
        self.assertEqual(self.agent.call(*words, **key)["metadata"]["name"], "mine")
        self.ended("mine")


class Stop(Case):
    def test_who_and_why_are_kept(self):
        self.up()
        self.submit(tasks.ENDLESS)
        self.wait_running()
        self.agent.call("POST", "/api/v1/tasks/one/stop", json.dumps({"by": "ana", "reason": "the rack moves"}))
        for _ in range(2):  # as it is told by the agent that was asked, and by the next one
            self.ended()
            status = self.agent.call("GET", "/api/v1/tasks/one")["status"]
            self.assertEqual((status["stop"]["by"], status["stop"]["reason"]), ("ana", "the rack moves"))
            self.assertEqual(status["message"], "stopped by ana (the rack moves)")
            self.agent.kill()
            self.up()


class Unreadable(Case):
    """A ledger of another version of hivelet: its documents mean nothing to this one."""

    def spoil(self):
        self.agent.ledger.write("UPDATE task SET document = '{\"apiVersion\": \"hivelet/v9\"}'")

    def test_what_runs_goes_on_to_its_end(self):
        self.up()
        self.submit(tasks.WAIT.replace("exit 0", "exit 3"))
        self.wait_running()
        digest = self.row()["digest"]
        self.agent.kill()
        self.spoil()
        self.up_again()
        self.agent.go()
        self.agent.wait_over(self.engine, 1)
        self.assertEqual((self.row()["state"], self.attempts()), ("Failed", [("exitCode", 3)]))
        self.assertEqual(self.agent.result("one", 1, "log"), b"said 1\n")
        receipt = self.agent.ledger.receipts("one")[0]
        self.assertEqual((receipt["name"], receipt["digest"]), ("one", digest))

    def test_what_began_and_never_started_is_rejected_with_its_record(self):
        self.agent.program = PROGRAM
        self.agent.start(env={"HIVELET_KILL_AT": "start:before"})
        self.agent.wait_synced()
        try:
            self.submit(end_with(0))
        except OSError:
            pass
        self.agent.wait_died()
        self.agent.program = None
        self.spoil()
        self.up_again()
        self.agent.wait_over(self.engine, 1)
        self.assertEqual((self.row()["state"], self.attempts()), ("Rejected", [("rejected", None)]))
        self.assertIn("hivelet/v9", self.row()["message"])
        self.assertEqual(self.agent.ran(), {})

    def up_again(self):
        self.agent.start()
        self.agent.wait(lambda: self.agent.status()["observed"], "the agent is up")


if __name__ == "__main__":
    base.main()
