"""Cron tasks: a run when somebody asks, no run while they are suspended, and what was missed while the node was off."""
import json
import os
import sqlite3
import subprocess
import time

import base
import hv

DAY_US = 24 * 3600 * 1000000
BODY = ("  services: []\n  cronTasks:\n    - name: backup\n      schedule: \"0 0 * * *\"\n"
        "      startingDeadline: 48h\n"
        f"      task: {{image: \"{hv.IMAGE}\", command: [sh, -c, echo saved]}}\n")


class Cron(base.Case):
    def hivectl(self, *words, code=0):
        r = subprocess.run([*self.agent.hivectl(), *words], capture_output=True, text=True, timeout=hv.LIMIT_S)
        self.assertEqual(r.returncode, code, f"hivectl {' '.join(words)}\n{r.stdout}\n{r.stderr}")
        return r.stdout

    def status(self):
        return json.loads(self.hivectl("get", "cron", "backup", "-o", "json"))["status"]

    def phase(self, name):
        return json.loads(self.hivectl("get", "task", name, "-o", "json"))["status"]["phase"]

    def runs(self):
        return sorted(line[len("task/"):] for line in self.hivectl("get", "tasks", "-o", "name").split())

    def restart(self, between=None):
        self.assertEqual(self.agent.end(), 0)
        if between:
            between()
        self.agent.start()
        self.agent.wait_synced()

    def test_a_run_comes_when_somebody_asks(self):
        self.up(BODY)
        self.agent.wait(lambda: self.status()["dealtWithUntil"], "the schedule begins")
        name = self.hivectl("cron", "trigger", "backup").strip()
        self.assertRegex(name, r"^backup-\d{12}$")
        self.agent.wait(lambda: self.phase(name) == "Completed", "the run ends")
        self.assertEqual(self.hivectl("task", "logs", name), "saved\n")
        self.assertEqual(self.runs(), [name])
        self.assertIn("a run at", self.hivectl("describe", "cron/backup"))
        self.hivectl("cron", "trigger", "nightly", code=4)

    def test_who_is_suspended_stays_so_over_a_restart(self):
        self.up(BODY)
        self.agent.wait(lambda: self.status()["dealtWithUntil"], "the schedule begins")
        self.hivectl("cron", "suspend", "backup", "--reason", "the disk moves")
        given = self.status()["suspension"]
        self.assertEqual((given["by"], given["reason"]), (f"unix:uid={os.getuid()}", "the disk moves"))
        self.restart(between=lambda: self.make_old(3))
        self.assertEqual((self.status()["phase"], self.status()["next"]), ("Suspended", None))
        self.assertEqual(self.status()["suspension"], given)
        self.assertRegex(self.hivectl("status"), r"By hand +cron task backup is suspended by unix:uid=\d+ \(\d+\w ago\): the disk moves;")
        self.restart(between=self.forget_who)
        self.assertEqual(self.status()["suspension"], {"by": "unknown", "reason": None, "since": None})
        self.assertEqual(self.runs(), [])
        self.hivectl("cron", "resume", "backup")
        self.agent.wait(lambda: self.status()["phase"] == "Scheduled", "it goes on")
        self.agent.wait_synced()
        self.assertEqual(self.runs(), [])  # what came meanwhile is not made up for

    def test_the_latest_missed_run_is_made_up_for_once(self):
        self.up(BODY)
        self.agent.wait(lambda: self.status()["dealtWithUntil"], "the schedule begins")
        self.restart(between=lambda: self.make_old(3))
        midnight = time.strftime("backup-%Y%m%d0000", time.gmtime())
        self.agent.wait(lambda: midnight in self.runs() and self.phase(midnight) == "Completed", "the missed run")
        self.restart()
        self.assertEqual(self.runs(), [midnight])

    def in_ledger(self, change, *values):
        with sqlite3.connect(os.path.join(self.agent.dir, "state", "ledger.db")) as ledger:
            ledger.execute(change, values)
        ledger.close()

    def make_old(self, days):
        self.in_ledger("UPDATE cron SET until_us = until_us - ?", days * DAY_US)

    def forget_who(self):  # as an agent left it that did not write it down
        self.in_ledger("UPDATE cron SET suspended_by = NULL, suspended_reason = NULL, suspended_us = NULL")


if __name__ == "__main__":
    base.main()
