#!/usr/bin/env python3
"""The whole agent with hivepool and a token: wrong, renewed while both run, and after the pool has lost its memory."""
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

    def start(self, pool, node):
        self.set_token("pool", pool)
        self.set_token("node", node)
        self.pool = sites.Pool("--insecure", "--token-file", self.tokens["pool"])
        self.addCleanup(self.pool.done)
        self.declare()
        self.agent.start()

    def declare(self):
        self.agent.declare({}, body=f"{hv.CHATTY}  secrets: [{{name: pool, fromFile: {self.tokens['node']}}}]\n  master: "
                           f"{{address: '127.0.0.1:{self.pool.port}', insecure: true, heartbeat: 1s, reconnect: {{initial: 100ms, max: 1s}}, "
                           "credentials: {username: holder, passwordSecret: pool}}\n")

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
        self.pool.start()
        self.agent.wait_online()
        self.agent.wait(lambda: [o for _, _, o in self.agent.debts()] == ["unwanted"], "nobody wants it any more")
        self.submit("next")
        self.wait_done("next")


if __name__ == "__main__":
    base.main()
