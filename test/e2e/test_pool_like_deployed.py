#!/usr/bin/env python3
"""The whole agent, a real engine, and this project's own pool with the habits of HiveMind's deployed one: users hand zips in, get
archives back, and neither the pool's death nor the agent's, nor a token's end, is seen in what they get."""
import io
import json
import os
import shutil
import sys
import zipfile

import base
import hv
import tasks

for folder in ("pool", "hivepool"):  # the last one goes first: both have a test_hivemind
    sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", folder))
import site_pool as site  # noqa: E402  (of the directories named above)
import test_hivemind as hivemind  # noqa: E402
from scripted_hivemind import archive, free_port  # noqa: E402

NODE = "127.0.0.2"  # at 127.0.0.1 the deployed pool calls nobody


class LikeDeployed(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "like-deployed")
        accounts = os.path.join(self.agent.dir, "accounts")
        with open(os.open(accounts, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("".join(f"{n}:{hivemind.HASH}\n" for n in ("w1", "ann")))
        self.pool = site.Pool("--insecure", "--like-deployed", "--accounts", accounts, "--hivemind-round", "200ms", "--token-life",
                              "6s", "--node-network", "127.0.0.0/8", "--hivemind-listen", f"127.0.0.1:{free_port('127.0.0.1')}")
        self.addCleanup(self.pool.done)
        shutil.copytree(os.path.join(hv.TOP, "config", "task-types.d"), os.path.join(self.agent.dir, "task-types.d"))
        secret = os.path.join(self.agent.dir, "password")
        self.agent.write(hivemind.PASSWORD, secret)
        master = {"address": f"127.0.0.1:{self.pool.hivemind_port}", "protocol": "hivemind", "insecure": True, "advertise": NODE,
                  "listen": f"{NODE}:{free_port(NODE)}", "peers": ["127.0.0.0/8"], "heartbeat": "1s",
                  "credentials": {"username": "w1", "passwordSecret": "pool"}, "reconnect": {"initial": "100ms", "max": "500ms"}}
        self.agent.declare({}, body=f"  secrets: [{{name: pool, fromFile: {secret}}}]\n  taskDefaults: {{image: {hv.IMAGE}}}\n"
                                    f"  gc: {{pressure: {{cpuUsed: 0%}}}}\n  master: {json.dumps(master)}\n")
        self.agent.start()
        self.online()

    def online(self):
        self.agent.wait(lambda: (self.agent.call("GET", "/api/v1/status")["pool"] or {}).get("state") == "Online",
                        "the node is registered")

    def user(self):
        """A fresh login each time: they end after 6 s."""
        u = hivemind.Worker(self.pool, "ann")
        self.addCleanup(u.close)
        self.assertTrue(u.login().success)
        return u

    def state(self, task_id):
        return self.user().tasks().get(task_id)

    def submit(self, task_id, **files):
        u = self.user()
        r = u.call("MasterNodeService", "UploadTask", hivemind.hm.UploadTaskRequest(
            task_id=task_id, task_zip=archive(**files), memory_gb=0, cpu_score=10, token=u.token))
        self.assertTrue(r.success, r.message)

    def completed(self, task_id):
        self.agent.wait(lambda: self.state(task_id) == "COMPLETED", f"{task_id} is completed")
        got = self.user().get(task_id)
        self.assertTrue(got.success, got.message)
        return zipfile.ZipFile(io.BytesIO(got.result_zip))

    def log(self, task_id):
        u = self.user()
        return u.call("MasterNodeService", "GetTasklog", hivemind.hm.GetTasklogRequest(task_id=task_id, token=u.token),
                      hivemind.hm.GetTasklogResponse).log

    def runs(self, task_id):
        self.agent.wait(lambda: "on\n" in self.log(task_id), f"{task_id} runs")

    def check_once(self, *task_ids):
        self.assertEqual({t: len(self.agent.ledger.attempts(t)) for t in task_ids}, {t: 1 for t in task_ids})
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/status")["pool"]["outbox"]["results"] == 0, "nothing is owed")

    def test_users_get_what_they_asked_for(self):
        names = [f"job_{i}" for i in range(4)]
        for i, name in enumerate(names):
            self.submit(name, **{"run.sh": f"echo out of {name}; cat in >out", "in": str(i)})
        for i, name in enumerate(names):
            with self.completed(name) as z:
                self.assertEqual(z.read("out"), str(i).encode())
                self.assertIn("Status: Success", z.read("execution_log.txt").decode())
            self.assertIn(f"out of {name}\n", self.log(name))
        self.check_once(*names)

    def test_what_the_account_has_is_shown(self):
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/status")["pool"]["balance"] == 1000, "the balance is known")
        self.assertEqual(self.agent.call("GET", "/api/status")["cpt_balance"], 1000)
        self.assertIn("hivelet_pool_balance 1000\n", self.agent.call("GET", "/metrics", accept="text/plain"))
        self.assertIn(", Online, plain text, balance 1000\n", self.agent.ctl("status").stdout)

    def test_a_stop(self):
        self.submit("long", **{"run.sh": "echo on; exec sleep 1000"})
        self.runs("long")
        u = self.user()
        self.assertTrue(u.call("MasterNodeService", "StopTask", hivemind.hm.StopTaskRequest(task_id="long", token=u.token)).success)
        self.agent.wait(lambda: self.agent.ledger.tasks()["long"]["state"] == "Stopped", "it is stopped here")
        self.assertEqual(self.state("long"), "STOPPED")
        self.check_once("long")

    def test_both_die_while_it_runs(self):
        self.submit("tough", **{"run.sh": "echo on; until [ -e go ]; do sleep 0.1; done; echo end"})
        self.runs("tough")
        self.pool.kill()
        self.agent.kill()
        self.pool.start()
        self.agent.start()
        self.online()
        for top, _, names in os.walk(os.path.join(self.agent.state, "tasks")):
            if "run.sh" in names:
                with open(os.path.join(top, "go"), "w", encoding="ascii"):
                    pass
        with self.completed("tough") as z:
            self.assertIn("end\n", z.read("task_logs.txt").decode())
        self.check_once("tough")


if __name__ == "__main__":
    base.main()
