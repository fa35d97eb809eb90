#!/usr/bin/env python3
"""A machine that runs short: no task is admitted, the least important one is stopped, no service is; and it is over with what made it so.
What is short is set by the rule: no real disk has 99 % of it free."""
import json
import os

import base
import hv
import tasks
from hv import service

SHORT, ENOUGH = "{pressure: {diskFree: 99%}}", "{pressure: {diskFree: 0%}}"


class Pressure(base.Case):
    def setUp(self):
        self.agent = tasks.Worker(self.engine, "pressure-" + os.urandom(3).hex())
        self.proxies = []

    def text(self, gc, **specs):
        self.agent.declare(specs, f"  gc: {gc}\n  services:\n" + service("web"))

    def apply(self, gc, **specs):
        self.text(gc, **specs)
        self.agent.apply()

    def shown(self, name):
        found = [t["status"] for t in self.agent.call("GET", "/api/v1/tasks")["items"] if t["metadata"]["task"] == name]
        return found[0] if found else {}

    def condition(self, name="Admitting"):
        return next(c for c in self.agent.status()["conditions"] if c["type"] == name)

    def test_no_task_is_admitted_until_it_is_over(self):
        self.text(SHORT, quick=self.agent.spec("quick", tasks.end_with()))
        self.agent.start()
        self.agent.wait(lambda: self.shown("quick").get("reason") == "WaitingPressure", "the task waits")
        self.assertIn("of the disk are free, less than 99 %", self.shown("quick")["message"])
        self.assertEqual((self.condition()["status"], self.condition()["reason"]), ("False", "WaitingPressure"))
        self.assertEqual((self.condition("DiskSufficient")["status"], self.condition("DiskSufficient")["reason"]), ("False", "WaitingDisk"))
        self.agent.wait(lambda: "hive-web" in self.engine.running(), "services are no matter of admission")
        self.apply(ENOUGH, quick=self.agent.spec("quick", tasks.end_with()))
        self.agent.wait_over(self.engine, 1)
        self.assertEqual(self.agent.ledger.tasks()[self.agent.id_of("quick")]["state"], "Completed")
        self.assertEqual(self.condition()["status"], "True")

    def test_no_task_is_admitted_while_the_cpus_are_busy(self):
        """What takes them is a task; it is let run. (In the end the rule goes: how busy the machine is besides is nobody's to say.)"""
        busy = self.agent.spec("busy", "while [ ! -e /witness/enough ]; do :; done; exit 0")
        self.text("{pressure: {cpuUsed: 0%}}", busy=busy)
        self.agent.start()
        self.agent.wait(lambda: self.agent.ran()[("busy", "1")], "it takes the CPUs")
        self.apply("{pressure: {cpuUsed: 2%}}", busy=busy, quick=self.agent.spec("quick", tasks.end_with()))
        self.agent.wait(lambda: "of the CPUs are used, more than 2 %" in self.shown("quick").get("message", ""), "the task waits")
        self.assertEqual(self.shown("quick")["reason"], "WaitingCpu")
        self.assertEqual((self.condition()["status"], self.condition()["reason"]), ("False", "WaitingCpu"))
        self.assertIn("of the CPUs are used", self.fits()["message"])
        self.assertEqual(self.fits()["fits"], "later")
        self.assertEqual(self.shown("busy")["phase"], "Running")
        self.agent.write("", os.path.join(self.agent.witness, "enough"))
        self.apply("{pressure: {cpuUsed: 0%}}", busy=busy, quick=self.agent.spec("quick", tasks.end_with()))
        self.agent.wait_over(self.engine, 2)
        self.assertEqual(self.condition()["status"], "True")

    def told(self, task):
        """Why, wherever somebody may ask."""
        shown = self.agent.call("GET", f"/api/v1/tasks/{task}")
        self.assertEqual([a["reason"] for a in shown["attempts"]], ["Pressure"])
        self.assertIn("the node ran short: ", shown["attempts"][0]["message"])
        self.assertEqual((shown["status"]["cause"], shown["status"]["reason"]), ("nodeError", "Pressure"))
        self.assertIn("Pressure", self.agent.ctl("task", "show", task).stdout)
        path = os.path.join(self.agent.dir, "receipt.json")
        self.agent.write(self.agent.ctl("task", "receipt", task).stdout, path)
        with open(path, encoding="utf-8") as f:
            receipt = json.load(f)["receipt"]
        self.assertEqual((receipt["version"], receipt["cause"], receipt["reason"]), (3, "nodeError", "Pressure"))
        verified = self.agent.ctl("receipt", "verify", path)
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def fits(self):
        body = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": "more"}, "spec": {"image": hv.IMAGE, "command": ["true"]}}
        return self.agent.call("POST", "/api/v1/fit", json.dumps(body))

    def test_nothing_is_done_where_nothing_is_to_be(self):
        self.text("{pressure: {diskFree: 99%, action: none}}", quick=self.agent.spec("quick", tasks.end_with()))
        self.agent.start()
        self.agent.wait_over(self.engine, 1)
        self.assertEqual(self.condition()["status"], "True")

    def test_the_least_important_is_stopped_and_no_service(self):
        small = {"resources": {"limits": {"cpu": "100m", "memory": "32Mi"}}}
        specs = {n: self.agent.spec(n, tasks.ENDLESS, priority=p, **small) for n, p in (("low", 1), ("high", 9))}
        self.text(ENOUGH, **specs)
        self.agent.start()
        self.agent.wait(lambda: self.agent.ran()[("low", "1")] and self.agent.ran()[("high", "1")], "both run")
        web = self.started_at("hive-web")
        self.apply(SHORT, **specs)
        self.agent.wait(lambda: self.agent.id_of("low") and self.agent.ledger.tasks()[self.agent.id_of("low")]["state"] == "Failed",
                        "the least important is stopped")
        attempt, = self.agent.ledger.attempts(self.agent.id_of("low"))
        self.assertEqual(attempt["cause"], "nodeError")
        self.told(self.agent.id_of("low"))
        self.assertIn("the node ran short", self.agent.text_of_log())
        self.apply(ENOUGH, **specs)
        self.agent.wait(lambda: self.condition()["status"] == "True", "it is over")
        self.assertEqual(self.shown("high")["phase"], "Running")
        self.assertEqual(self.started_at("hive-web"), web)


if __name__ == "__main__":
    base.main()
