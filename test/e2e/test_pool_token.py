#!/usr/bin/env python3
"""The whole agent with hivepool and a token: wrong, renewed while both run, and after the pool has lost its memory; and what a drained
node hands back."""
import glob
import os
import shutil

import base
import hv
import sites
from sites import admin, v1

UNTIL_KILLED = "sleep 1000000"


class Token(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = sites.Worker(self.engine, "holder", None)
        self.tokens = {side: os.path.join(self.agent.dir, side + "-token") for side in ("pool", "node")}

    def set_token(self, side, token):
        self.agent.write(token + "\n", self.tokens[side])  # as an editor does

    def start(self, pool, node, **master):
        self.set_token("pool", pool)
        self.set_token("node", node)
        self.pool = sites.Pool("--insecure", "--token-file", self.tokens["pool"])
        self.addCleanup(self.pool.done)
        self.declare(**master)
        self.agent.start()

    def declare(self, **more):
        more = "".join(f", {name}: {value}" for name, value in more.items())
        self.agent.declare({}, body=f"{hv.CHATTY}  secrets: [{{name: pool, fromFile: {self.tokens['node']}}}]\n  master: "
                           f"{{address: '127.0.0.1:{self.pool.port}', insecure: true, heartbeat: 1s, reconnect: {{initial: 100ms, max: 1s}}, "
                           f"credentials: {{username: holder, passwordSecret: pool}}{more}}}\n")

    def submit(self, name, command="true"):
        client = self.pool.client()
        client("SubmitTask", admin.SubmitTaskRequest(dialect="v1", task=v1.Task(
            id=name, docker_image=hv.IMAGE, command=command).SerializeToString()), admin.SubmitTaskResponse)
        client.channel.close()

    def wait_refused(self):
        self.agent.wait(lambda: "the token is not this pool's" in (self.agent.link().get("message") or ""), "it says why")

    def end_task(self, name):
        self.engine.call("POST", f"/containers/task-{name}/kill?signal=KILL")
        self.agent.wait(lambda: self.agent.ledger.tasks()[name]["ended_us"], "it has ended")

    def check_owed(self, name):
        self.assertIn((name, None), [(n, o) for n, _, o in self.agent.debts()])

    def wait_done(self, name, end="Completed"):
        client = self.pool.client()
        got = client("WaitTask", admin.GetTaskRequest(id=name), admin.GetTaskResponse)
        client.channel.close()
        self.assertEqual([a.end for a in got.attempts], [end])

    def test_a_token_is_renewed_while_both_run(self):
        self.start(pool="first", node="wrong")
        self.wait_refused()
        self.submit("waits")
        self.set_token("node", "first")
        self.agent.apply()
        self.agent.wait_online()
        self.wait_done("waits")
        # The pool's token is another one from now on, and who comes back needs it; what is owed waits for that.
        self.submit("owed", UNTIL_KILLED)
        self.agent.wait(lambda: (self.agent.ledger.tasks().get("owed") or {}).get("state") == "Running", "it runs")
        self.set_token("pool", "second")
        self.pool.kill()
        # A pool that is back before it was missed is the same one to the node, which does not register again.
        self.agent.wait(lambda: self.agent.link().get("state") != "Online", "it is missed")
        self.pool.start()
        self.wait_refused()
        self.end_task("owed")
        self.check_owed("owed")
        self.set_token("node", "second")
        self.agent.apply()
        self.agent.wait_online()
        self.wait_done("owed", "Failed")
        for word in ("first", "second", "wrong"):
            self.assertNotIn(word, self.agent.text_of_log())

    def test_a_pool_that_lost_its_memory_is_told_again(self):
        self.start(pool="only", node="only")
        self.agent.wait_online()
        self.submit("owed", UNTIL_KILLED)
        self.agent.wait(lambda: (self.agent.ledger.tasks().get("owed") or {}).get("state") == "Running", "it runs")
        self.pool.kill()
        for path in glob.glob(os.path.join(self.pool.dir, "*")):
            if os.path.basename(path) != "serve.log":
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        self.end_task("owed")
        self.check_owed("owed")
        self.pool.start()
        self.agent.wait_online()
        self.agent.wait(lambda: [o for _, _, o in self.agent.debts()] == ["unwanted"], "nobody wants it any more")
        self.submit("next")
        self.wait_done("next")

    def test_what_waits_on_a_drained_node_goes_back(self):
        self.start(pool="only", node="only", accept="{maxConcurrentTasks: 1}")
        self.agent.wait_online()
        self.submit("first", UNTIL_KILLED)
        self.agent.wait(lambda: (self.agent.ledger.tasks().get("first") or {}).get("state") == "Running", "it runs")
        self.submit("second")
        self.agent.wait(lambda: "second" in self.agent.ledger.tasks(), "it is promised, and waits")
        self.assertEqual(self.agent.ctl("cordon").returncode, 0)
        self.agent.wait(lambda: not self.is_open(), "the pool knows that nothing is admitted")
        self.assertEqual(self.state("second"), "Assigned")
        drained = self.agent.ctl("drain", "--reason", "the rack moves")
        self.assertEqual(drained.returncode, 0, drained.stderr)
        self.agent.wait(lambda: ("second", 1, "committed") in self.agent.debts(), "the pool has it again")
        told = self.agent.ledger.tasks()["second"]
        self.assertEqual((told["state"], told["cause"]), ("Stopped", "handedBack"))
        self.assertIn("the rack moves", told["message"])
        self.assertEqual(self.state("second"), "Pending")
        self.assertEqual(self.state("first"), "Assigned")
        self.end_task("first")
        self.wait_done("first", "Failed")
        # It is nobody's as long as the node is drained, and runs once when it is not any more.
        self.assertEqual(self.state("second"), "Pending")
        self.assertEqual(self.agent.ctl("uncordon").returncode, 0)
        self.wait_done("second")
        self.assertEqual([r["number"] for r in self.agent.ledger.rows(
            "SELECT number FROM attempt JOIN task ON task.seq = attempt.task WHERE task.id = 'second'")], [1])

    def is_open(self):
        client = self.pool.client()
        got = client("ListNodes", admin.ListNodesRequest(), admin.ListNodesResponse)
        client.channel.close()
        return got.nodes[0].open

    def state(self, name):
        client = self.pool.client()
        got = client("GetTask", admin.GetTaskRequest(id=name), admin.GetTaskResponse)
        client.channel.close()
        return got.task.state


if __name__ == "__main__":
    base.main()
