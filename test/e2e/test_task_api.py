#!/usr/bin/env python3
"""What the API answers about tasks, over its real socket, by an agent whose engine went away after it had been there: promises
need no engine, so every answer comes at once and nothing runs."""
import json
import os

import base
import hv
import tasks

DOCUMENT = {"image": "docker.io/library/none:1", "command": ["true"],
            "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}


class Api(base.Case):
    def setUp(self):
        super().setUp()
        self.ledger = tasks.Ledger(os.path.join(self.agent.dir, "state", "ledger.db"))

    def up(self, body="  services: []\n"):
        super().up(body)
        self.agent.kill()
        self.agent.docker = os.path.join(self.agent.dir, "gone.sock")
        self.again()

    def again(self):
        self.agent.start()
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/tasks")["metadata"]["complete"], "the ledger is there")

    def submit(self, query="", name="job", **spec):
        body = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": name}, "spec": {**DOCUMENT, **spec}}
        return self.agent.call("POST", "/api/v1/tasks" + query, json.dumps(body))

    def refused(self, status, code, call):
        with self.assertRaises(hv.HttpError) as e:
            call()
        self.assertEqual((e.exception.status, json.loads(e.exception.text)["code"]), (status, code), e.exception.text)
        return json.loads(e.exception.text)["detail"]

    def post(self, path, body=None):
        return self.agent.call("POST", path, body)

    def fit(self, **spec):
        body = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": "job"}, "spec": {**DOCUMENT, **spec}}
        return self.post("/api/v1/fit", json.dumps(body))

    def test_a_promise_is_on_the_disk_before_the_answer(self):
        self.up()
        task = self.submit("?id=a")
        self.assertEqual((task["metadata"]["name"], task["status"]["phase"]), ("a", "Queued"))
        self.agent.kill()  # nothing is flushed that was not before
        self.assertEqual(self.ledger.tasks()["a"]["state"], "Queued")
        self.again()
        self.assertEqual(self.submit("?id=a")["metadata"]["name"], "a")  # the same again
        self.refused(409, "AlreadyExists", lambda: self.submit("?id=a", command=["false"]))
        self.assertEqual(len(self.ledger.tasks()), 1)

    def test_what_cannot_be_promised_is_refused_and_leaves_nothing(self):
        self.up("  node: {policy: {images: {allow: [\"docker.io/library/*\"]}}}\n  services: []\n")
        self.refused(422, "TaskRejected", lambda: self.submit(commnd=["true"]))
        self.refused(422, "TaskRejected", lambda: self.submit(image="quay.io/x/y:1"))
        self.refused(507, "NeverFits", lambda: self.submit(resources={"limits": {"cpu": "1", "memory": "900Ti"}}))
        self.refused(400, "BadQuery", lambda: self.submit("?id=a.2"))
        self.assertEqual(self.ledger.tasks(), {})

    def test_a_stop_in_the_queue_ends_it(self):
        self.up()
        self.submit("?id=a")
        self.post("/api/v1/tasks/a/stop", json.dumps({"by": "ana", "reason": "no need"}))
        row = self.ledger.tasks()["a"]
        self.assertEqual((row["stop_by"], row["stop_reason"]), ("ana", "no need"))
        self.agent.wait(lambda: self.ledger.tasks()["a"]["state"] == "Stopped", "it has ended")
        self.assertEqual(self.ledger.tasks()["a"]["message"], "stopped by ana (no need) before it started")
        self.assertEqual(self.ledger.attempts("a"), [])
        self.post("/api/v1/tasks/a/stop", json.dumps({"by": "bob"}))  # again: it is so already
        self.assertEqual(self.ledger.tasks()["a"]["stop_by"], "ana")

    def test_what_lives_is_neither_retried_nor_forgotten(self):
        self.up()
        self.submit("?id=a")
        self.refused(409, "NotEnded", lambda: self.post("/api/v1/tasks/a/retry"))
        self.refused(409, "NotEnded", lambda: self.agent.call("DELETE", "/api/v1/tasks/a"))
        for call in (lambda: self.post("/api/v1/tasks/b/retry"), lambda: self.post("/api/v1/tasks/b/stop"),
                     lambda: self.agent.call("DELETE", "/api/v1/tasks/b")):
            self.refused(404, "NotFound", call)

    def test_a_ledger_that_cannot_be_opened_promises_nothing(self):
        os.makedirs(os.path.join(self.agent.dir, "state", "ledger.db"), mode=0o700)
        os.chmod(os.path.join(self.agent.dir, "state"), 0o700)
        self.agent.write(hv.document("  services: []\n"))
        self.agent.start()
        self.agent.wait(lambda: "tasks cannot be run" in self.agent.text_of_log(), "it is told")
        self.refused(503, "LedgerFailed", lambda: self.submit("?id=a"))

    def test_fit_says_what_a_submission_would_be_told(self):
        self.up()
        before = self.fit()
        self.assertEqual(before["fits"], "now")
        self.submit("?id=a", priority=50)
        self.assertEqual(self.fit()["fits"], "later")  # somebody of its priority waits before it
        self.assertEqual(self.fit(priority=90)["fits"], "now")
        never = self.fit(resources={"limits": {"cpu": "1", "memory": "900Ti"}})
        self.assertEqual(never["fits"], "never")
        self.assertIn(never["message"], self.refused(507, "NeverFits", lambda: self.submit(
            resources={"limits": {"cpu": "1", "memory": "900Ti"}})))

    def test_fit_and_admission_agree_about_services(self):
        self.up()
        memory = self.fit()["forTasks"]["memory"]
        room = {"limits": {"cpu": "1m", "memory": str(memory)}}
        self.assertEqual(self.fit(resources=room)["fits"], "now")
        self.agent.kill()
        self.agent.docker = self.engine.sock
        self.up("  services:\n" + hv.service("web"))
        self.assertEqual(self.fit()["forTasks"]["memory"], memory - (1 << 20))
        self.assertEqual(self.fit(resources=room)["fits"], "never")
        self.refused(507, "NeverFits", lambda: self.submit("?id=big", resources=room))


if __name__ == "__main__":
    base.main()
