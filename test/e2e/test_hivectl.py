#!/usr/bin/env python3
"""The operator's way: everything hivectl shows and does, against a running agent on a real engine."""
import contextlib
import json
import os
import re
import subprocess
import tarfile

import base
import hv
from hv import document, service

NO_SUCH, UNREACHABLE, USAGE = 4, 7, 64

# Speaks when it starts, and again whenever it is asked to: a reader need not wait for a clock.
SPEAKER = service("speaker").replace("command: [/bin/sleep]", "command: [/bin/sh, -c]").replace(
    'args: ["1000000"]', "args: [\"trap 'echo asked' HUP; for i in 1 2 3; do echo line $i; done; echo wrong >&2; "
                         "while :; do sleep 1000000 & wait; done\"]")

# Counts its runs, and ends when it is asked to.
TELLER = service("teller").replace("command: [/bin/sleep]", "command: [/bin/sh, -c]").replace(
    'args: ["1000000"]', "args: [\"n=$(cat /n 2>/dev/null); n=$((n + 1)); echo $n > /n; trap 'echo run $n ends; exit 3' USR1; "
                         "echo run $n begins; echo run $n complains >&2; while :; do sleep 1000000 & wait; done\"]")


class Hivectl(base.Case):
    def ctl(self, *args, code=0, **more):
        r = self.agent.ctl(*args, **more)
        self.assertEqual(r.returncode, code, f"hivectl {' '.join(args)}\n{r.stdout}{r.stderr}")
        return r

    def json(self, *args, **more):
        return json.loads(self.ctl(*args, "-o", "json", **more).stdout)


class ByHand(Hivectl):
    """What people ask for beside the documents; each outlives an agent that is killed."""

    def setUp(self):
        super().setUp()
        self.up("  services:\n" + service("api") + service("web", "replicas: 2"))

    def again(self):
        self.agent.kill()
        self.agent.start()
        self.agent.wait_synced()

    def ids(self, key):
        return {name: key(self.engine.inspect(name)) for name in ("hive-web", "hive-web-2")}

    def test_stop_start_hold_restart_and_signals(self):
        self.ctl("stop", "web", "--reason", "it leaks", "--wait")
        self.assertEqual(self.engine.running(), {"hive-api"})
        self.again()
        self.assertEqual(self.engine.running(), {"hive-api"})
        self.assertRegex(self.ctl("status").stdout, r"service web is stopped by unix:uid=0 \(\w+ ago\): it leaks; until hivectl start")
        self.assertIn("StoppedByUser: stopped by unix:uid=0: it leaks", self.ctl("why", "service/web").stdout)
        self.assertIn("service web is stopped by unix:uid=0", self.ctl("plan").stderr)
        self.assertIn("hivectl start web starts it", self.ctl("restart", "web", code=1).stderr)
        self.ctl("start", "service/web", "--wait")
        self.assertEqual(self.engine.running(), {"hive-api", "hive-web", "hive-web-2"})

        started = self.ids(lambda c: c["State"]["StartedAt"])
        made = self.ids(lambda c: c["Id"])
        self.ctl("restart", "svc", "web", "--wait")
        self.agent.wait(lambda: all(started[n] != s for n, s in self.ids(lambda c: c["State"]["StartedAt"]).items()),
                        "both run anew")
        self.assertEqual(self.ids(lambda c: c["Id"]), made)
        self.agent.wait(lambda: self.agent.status()["orders"]["restarts"] == 0, "the order is over")

        self.ctl("hold", "api")
        self.ctl("kill", "api", "-s", "KILL")
        self.agent.wait(lambda: "hive-api" not in self.engine.running(), "it is dead")
        self.again()
        self.agent.write(document("  services:\n" + service("web")))
        self.assertIn("service api is held by unix:uid=0", self.ctl("apply").stderr)
        self.agent.wait_synced()
        self.assertEqual(set(self.engine.containers()), {"hive-web", "hive-api"})
        self.ctl("release", "api")
        self.agent.wait(lambda: set(self.engine.containers()) == {"hive-web"}, "it goes")
        self.ctl("kill", "absent", code=NO_SUCH)
        self.ctl("stop", "node", code=USAGE)

    def test_a_restart_waits_for_what_the_next_start_needs(self):
        """Somebody made a network of his own under the name of the one that the service is on."""
        self.agent.desire(document("  networks: [{name: net}]\n  services:\n" +
                                   service("api") + service("web", network="networks: [{name: net}]")))
        started = self.engine.inspect("hive-web")["State"]["StartedAt"]
        self.ctl("hold", "node")
        self.engine.call("POST", "/networks/net/disconnect", {"Container": "hive-web"})
        self.engine.call("DELETE", "/networks/net")
        other = self.engine.call("POST", "/networks/create", {"Name": "net"})["Id"]
        self.ctl("release", "node")
        self.agent.wait(lambda: "waits for network net" in self.json("get", "svc/web")["status"]["message"], "it is off its network")
        with subprocess.Popen([*self.agent.hivectl(), "restart", "web", "--wait"], stderr=subprocess.PIPE, text=True) as asking, \
                contextlib.ExitStack() as end:
            end.callback(asking.kill)  # it waits for as long as the network is another's
            told = ""
            while "its restart is put off: waits for network net" not in told:
                told = asking.stderr.readline()
                self.assertTrue(told, "it ended, and told of no wait")
            self.assertIn("its restart is put off: waits for network net", self.ctl("why", "svc/web").stdout)
            self.ctl("restart", "web")  # of the same run, which is to be restarted once
            self.assertEqual(self.agent.status()["orders"]["restarts"], 1)
            self.ctl("start", "web")  # is for what ended
            self.assertEqual(self.agent.status()["orders"]["restarts"], 1)
            self.assertEqual(self.engine.inspect("hive-web")["State"]["StartedAt"], started)
            self.engine.call("DELETE", f"/networks/{other}")
            self.assertEqual(asking.wait(hv.LIMIT_S), 0)
        self.assertNotEqual(self.engine.inspect("hive-web")["State"]["StartedAt"], started)

    def test_a_roll_out_is_paused_and_goes_on(self):
        old = self.ids(lambda c: c["Id"])
        self.ctl("rollout", "pause", "web", "--reason", "it looks slow")
        self.agent.write(document("  services:\n" + service("api") + service("web", "replicas: 2", "1000001")))
        self.assertRegex(self.ctl("apply", "--wait").stderr, r"the roll-out of service web is paused by unix:uid=0 \(\w+ ago\): it looks slow")
        self.assertEqual(self.ids(lambda c: c["Id"]), old)
        self.assertIn("service web: paused; 0 of 2 replicas", self.ctl("rollout", "status", "web", code=2).stdout)
        self.ctl("kill", "web/2")
        self.agent.wait(lambda: self.json("get", "svc/web")["status"]["restarts"] == 1, "what ends is started again")
        self.again()
        self.assertEqual(self.ids(lambda c: c["Id"]), old)
        self.ctl("rollout", "resume", "web")
        self.assertIn("service web: done; 2 of 2", self.ctl("rollout", "status", "web", "--wait").stdout)
        self.assertFalse(set(old.values()) & set(self.ids(lambda c: c["Id"]).values()))

    def test_a_service_is_updated_and_put_back(self):
        env = lambda: [e for e in self.engine.inspect("hive-own")["Config"]["Env"] if e.startswith("WORD=")]
        own = os.path.join(self.agent.dir, "own.yaml")
        self.agent.write("apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: own}\nspec: {" +
                         f"image: {hv.IMAGE}, pullPolicy: never, command: [/bin/sleep, '1000000'], network: none, "
                         "stop: {signal: KILL}, resources: {requests: {cpu: 1m, memory: 1Mi}}}\n", own)
        self.ctl("apply", "-f", own, "--wait")
        self.ctl("update", "own", "--env", "WORD=good", "--wait")
        self.assertEqual(env(), ["WORD=good"])
        self.ctl("update", "own", "--env", "WORD=bad", "--wait")
        self.ctl("rollout", "undo", "svc/own", "--wait")
        self.assertEqual(env(), ["WORD=good"])
        history = self.json("history", "svc/own")["items"]
        self.assertEqual([(h["by"], [c["change"] for c in h["changes"]]) for h in history],
                         [("unix:uid=0", ["changed"])] * 2 + [("unix:uid=0", ["added"])])
        self.again()
        self.assertEqual(env(), ["WORD=good"])
        # What a file declares is changed there.
        error = self.ctl("update", "web", "--image", "other", code=1).stderr
        self.assertIn(f"service web is declared in {self.agent.file}:", error)
        self.assertIn("hivectl rollback takes the whole node back", self.ctl("rollout", "undo", "web", code=1).stderr)

    def test_a_cordoned_node_admits_nothing_over_a_restart(self):
        self.ctl("cordon", "--reason", "the rack moves")
        self.again()
        self.assertEqual(next(c["reason"] for c in self.agent.status()["conditions"] if c["type"] == "Admitting"), "Cordoned")
        task = self.ctl("run", hv.IMAGE, "--", "/bin/true").stdout.strip()
        self.agent.wait(lambda: self.json("get", "task/" + task)["status"]["reason"] == "Cordoned", "it waits")
        self.assertIn("the node is cordoned by unix:uid=0: the rack moves", self.ctl("why", "task/" + task).stdout)
        self.assertIn("hivelet_cordoned 1", self.agent.call("GET", "/metrics"))
        self.ctl("uncordon")
        self.agent.wait(lambda: self.json("get", "task/" + task)["status"]["ended"], "it runs")
        # A drain: what runs is stopped at the deadline, which an agent that was killed meanwhile remembers.
        task = self.ctl("run", hv.IMAGE, "--", "/bin/sleep", "1000000").stdout.strip()
        self.agent.wait(lambda: self.json("get", "task/" + task)["status"]["phase"] == "Running", "it runs")
        self.ctl("drain", "--deadline", "1ms", "--reason", "the rack moves")
        self.again()
        self.ctl("wait", "task/" + task)
        self.ctl("drain", "--wait")
        status = self.json("get", "task/" + task)["status"]
        self.assertEqual(status["phase"], "Stopped")
        self.assertIn("the rack moves", self.ctl("why", "task/" + task).stdout)
        self.assertIn("the node is drained by unix:uid=0", self.ctl("status").stdout)
        self.ctl("uncordon")
        self.assertIsNone(self.agent.status()["orders"]["drain"])
        # Orders that cannot be read let nothing happen: what somebody stopped must not start because of it.
        self.ctl("stop", "api", "--wait")
        self.agent.kill()
        with open(os.path.join(self.agent.dir, "state", "orders"), "r+", encoding="utf-8") as f:
            f.write("?")
        self.agent.start()
        self.agent.wait_synced()
        self.assertNotIn("hive-api", self.engine.running())
        self.assertIn("the node is held by hivelet", self.ctl("status").stdout)
        self.ctl("uncordon")
        self.ctl("release", "node", "--wait")
        self.assertIn("hive-api", self.engine.running())


class Secrets(Hivectl):
    def test_a_value_goes_one_way(self):
        self.up("  services:\n" + service("web"))
        marker = "taint-5f1c9e"
        said = self.ctl("secret", "set", "login", stdin=marker + "\n").stderr
        path = os.path.join(self.agent.dir, "state", "secrets", "login")
        self.assertIn(f"fromFile: {path}", said)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(f.read(), marker + "\n")
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
        body = ("  secrets: [{name: login, fromFile: %s}, {name: other, fromFile: %s}]\n" % (path, path) +
                "  registries: [{name: hub, host: registry.invalid, auth: {secret: login}}]\n  services:\n" + service("web"))
        self.agent.desire(document(body))
        row = next(i for i in self.json("secret", "ls")["items"] if i["name"] == "login")
        self.assertEqual((row["sizeBytes"], row["usedBy"], row["location"]), (13, ["registry/hub"], path))
        self.ctl("secret", "set", "login", stdin=marker + marker)
        self.assertEqual(next(i for i in self.json("secret", "ls")["items"] if i["name"] == "login")["sizeBytes"], 24)
        self.assertIn("is used by registry/hub", self.ctl("secret", "rm", "login", code=1).stderr)
        self.assertIn(f"is the file {path}: write it there", self.ctl("secret", "set", "other", stdin="x", code=1).stderr)
        self.ctl("secret", "set", "../login", stdin="x", code=1)
        bundle = os.path.join(self.agent.dir, "bundle.tar")
        self.ctl("bundle", bundle)
        with open(bundle, "rb") as f:
            shown = f.read().decode("latin-1") + self.agent.text_of_log()
        for path in ("/api/v1/node/secrets", "/api/v1/secrets", "/api/v1/events", "/api/logs", "/api/v1/registries"):
            shown += json.dumps(self.agent.call("GET", path))
        self.assertIn("PUT /api/v1/node/secrets/login", shown)
        self.assertNotIn(marker, shown)
        self.agent.desire(document("  services:\n" + service("web")))
        self.ctl("secret", "rm", "login")
        self.assertEqual(self.json("secret", "ls")["items"], [])
        self.ctl("secret", "rm", "login", code=NO_SUCH)


class ShutDown(Hivectl):
    def ended(self):
        code = self.agent.process.wait(timeout=hv.LIMIT_S)
        self.agent.log.close()
        return code

    def test_services_are_stopped_in_the_reverse_order_and_nothing_stays_stopped(self):
        self.up("  services:\n" + service("a", "dependsOn: [{service: b, condition: started}]") +
                service("b", "dependsOn: [{service: c, condition: started}]") + service("c"))
        task = self.ctl("run", hv.IMAGE, "--", "/bin/sleep", "1000000").stdout.strip()
        self.agent.wait(lambda: self.json("get", "task/" + task)["status"]["phase"] == "Running", "it runs")
        # Cut short while a task is waited for: all goes on as it was.
        self.ctl("shutdown", "--stop-workloads", "--reason", "the rack moves")
        told = re.compile(r"the agent is being shut down by unix:uid=0 \(\w+ ago\): the rack moves")
        self.agent.wait(lambda: told.search(self.ctl("status").stdout), "it is told")
        self.ctl("hold", "a")  # kept, and nothing of the shutdown with it
        self.agent.kill()
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual([s["name"] for s in self.agent.status()["orders"]["services"]], ["a"])
        self.ctl("release", "a")
        self.assertIsNone(self.agent.status()["orders"]["shutdown"])
        self.assertIsNone(self.agent.status()["orders"]["cordon"])
        self.assertEqual(self.json("get", "task/" + task)["status"]["phase"], "Running")
        self.ctl("shutdown", "--stop-workloads", "--deadline", "1ms", "--wait")
        self.assertEqual(self.ended(), 0)
        self.assertEqual(self.engine.running(), set())
        ended = {n: self.engine.inspect("hive-" + n)["State"]["FinishedAt"] for n in "abc"}
        self.assertEqual(sorted(ended, key=ended.get), ["a", "b", "c"])
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-a", "hive-b", "hive-c"})
        self.assertEqual(self.json("get", "task/" + task)["status"]["phase"], "Stopped")
        self.ctl("shutdown", "--yes")
        self.assertEqual(self.ended(), 0)
        self.assertEqual(self.engine.running(), {"hive-a", "hive-b", "hive-c"})


class Looking(Hivectl):
    def setUp(self):
        super().setUp()
        self.body = ("  networks: [{name: net}]\n  services:\n" + SPEAKER +
                     service("web", "replicas: 2", network="networks: [{name: net}]"))
        self.up(self.body)

    def test_get_lists_and_names(self):
        table = self.ctl("get", "services").stdout
        self.assertEqual([line.split()[0] for line in table.splitlines()], ["NAME", "speaker", "web"])
        self.assertEqual(self.ctl("get", "svc", "-o", "name").stdout.split(), ["service/speaker", "service/web"])
        self.assertIn("network/net", self.ctl("get", "all", "-o", "name").stdout.split())
        one = self.json("get", "service/web")
        self.assertEqual((one["kind"], one["metadata"]["name"], one["spec"]["replicas"]), ("Service", "web", 2))
        self.assertEqual({u["container"] for u in one["status"]["units"]}, {"hive-web", "hive-web-2"})
        self.assertIn("replicas: 2", self.ctl("get", "service/web", "-o", "yaml").stdout)
        since = {tuple(u["since"] for u in self.agent.call("GET", "/api/v1/services/web")["status"]["units"]) for _ in range(30)}
        self.assertEqual(len(since), 1)  # whoever compares two answers sees no news where there is none

    def test_where_a_field_comes_from_ports_and_networks(self):
        with open(self.agent.file, encoding="utf-8") as f:
            line = next(i for i, text in enumerate(f, 1) if "replicas: 2" in text)
        self.assertIn(f"node.yaml:{line}:", self.ctl("explain", "service/web", "--field", "replicas").stdout)
        written = self.json("settings", "--written")["items"]
        self.assertTrue(written)
        for one in written:
            self.assertTrue(one["origin"] != "file" or one["where"].startswith(self.agent.file + ":"), one)
        self.assertEqual(len(self.json("settings", "http.listen")["items"]), 1)
        version = self.json("version")
        self.assertRegex(version["commit"], r"^([0-9a-f]{12}(-dirty)?|unknown)$")
        self.assertEqual(version["agent"]["commit"], version["commit"])
        self.assertIn("nobody: the default", self.ctl("explain", "service/web", "--field", "restart.policy").stdout)
        self.assertIn("net", [line.split()[0] for line in self.ctl("net", "ls").stdout.splitlines()])
        self.assertEqual([p["name"] for p in self.json("ports")["items"] if p["mode"] == "published"], [])

    def test_what_is_not_there_is_4_and_a_wrong_word_64(self):
        for command in ("get", "describe", "why"):
            r = self.ctl(command, "service/absent", code=NO_SUCH)
            self.assertIn("absent", r.stderr)
            self.assertEqual(r.stdout, "")
        self.ctl("logs", "absent", code=NO_SUCH)
        self.assertIn("did you mean", self.ctl("get", "servces", code=USAGE).stderr)

    def test_describe_and_why_tell_the_container_and_the_reason(self):
        text = self.ctl("describe", "service/web").stdout
        for word in ("hive-web", "hive-web-2", "Running", hv.IMAGE):
            self.assertIn(word, text)
        self.engine.call("POST", "/containers/hive-web/stop?t=0")
        self.agent.wait(lambda: self.agent.status()["synced"] and "hive-web" in self.engine.running(), "back")
        self.assertIn("ended with exit code 137", self.ctl("describe", "service/web").stdout)
        self.agent.write(document("  services:\n" + SPEAKER + service("web", image="hv/absent:1")))
        self.agent.wait(lambda: self.agent.services()["hive-web"]["reason"] not in ("", "Synced", None), "in the way")
        self.agent.wait(lambda: "hv/absent:1" in self.ctl("why", "service/web").stdout, "it is told")
        self.assertIn("service/web", self.ctl("why").stdout, "the node's answer names what is in the way")

    def test_events(self):
        names = [e["event"] for e in self.json("events")["items"]]
        self.assertIn("ContainerStarted", names)
        web = self.json("events", "service/web")["items"]
        self.assertEqual({e["name"] for e in web}, {"web"})
        last = self.json("events", "--tail", "1")["items"]
        self.assertEqual(len(last), 1)
        before = last[-1]["time"]
        self.engine.call("POST", "/containers/hive-web/kill")
        self.agent.wait(lambda: "ended with exit code 137" in self.ctl("events").stdout, "the end is told")
        newer = self.json("events", "--since", before)["items"]
        self.assertIn("ContainerExited", [e["event"] for e in newer])
        self.assertTrue(all(e["time"] >= before for e in newer), newer)
        self.assertLess(len(newer), len(self.json("events", "--since", "1h")["items"]))

    def test_logs(self):
        self.agent.wait(lambda: len(self.ctl("logs", "speaker").stdout.splitlines()) == 4, "it has spoken")
        lines = ["line 1", "line 2", "line 3", "wrong"]  # two pipes: their order among each other is anybody's guess
        self.assertEqual(sorted(self.ctl("logs", "speaker").stdout.splitlines()), lines)
        self.assertEqual(len(self.ctl("logs", "speaker", "--tail", "3").stdout.splitlines()), 3)
        self.assertEqual(self.ctl("logs", "speaker", "--stream", "stdout").stdout.splitlines(), lines[:3])
        self.assertEqual(self.ctl("logs", "speaker", "--stream", "stderr").stdout, "wrong\n")
        self.assertRegex(self.ctl("logs", "speaker", "--tail", "1", "--timestamps").stdout, r"^20\d\d-.*Z \w+")
        follower = subprocess.Popen([*self.agent.hivectl(), "logs", "speaker", "-f", "--tail", "1"], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            self.assertIn(follower.stdout.readline(), ("line 3\n", "wrong\n"))
            for _ in range(3):
                self.engine.call("POST", "/containers/hive-speaker/kill?signal=HUP")
                self.assertEqual(follower.stdout.readline(), "asked\n")
        finally:
            follower.terminate()
            follower.communicate()

    def test_the_log_of_the_run_before(self):
        """A container keeps its log when it is started again: each run is cut out of it."""
        told = lambda n: [f"run {n} begins", f"run {n} complains", f"run {n} ends"]
        logs = lambda *more, code=0: sorted(self.ctl("logs", "teller", *more, code=code).stdout.splitlines())
        self.agent.write(document(self.body + TELLER))
        self.ctl("apply", "--wait")
        self.agent.wait(lambda: logs() == told(1)[:2], "the first run has spoken")
        self.assertIn("teller/1 has not run before its present start", self.ctl("logs", "teller", "-p", code=NO_SUCH).stderr)
        for n in (2, 3):
            self.engine.call("POST", "/containers/hive-teller/kill?signal=USR1")
            self.agent.wait(lambda n=n: logs()[-2:] == told(n)[:2], f"run {n} has spoken")
            self.assertEqual(logs("--previous"), told(n - 1))
        self.assertEqual(logs("--previous", "--stream", "stderr"), ["run 2 complains"])
        self.assertEqual(logs("--previous", "--tail", "1", "--stream", "stdout"), ["run 2 ends"])
        self.assertEqual(logs("--previous", "--tail", "9", "--stream", "stdout"), [told(2)[0], told(2)[2]])
        self.assertEqual(len(logs("--previous", "--tail", "0")), 0)
        # An agent that did not start them itself knows where the present run begins, from the engine.
        self.agent.kill()
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(logs("--previous"), sorted(told(1) + told(2)))

    def test_learning_needs_no_agent(self):
        self.agent.terminate()
        self.assertIn("replicas", self.ctl("explain", "services").stdout)
        schema = json.loads(self.ctl("schema").stdout)
        self.assertIn("draft-07", schema["$schema"])
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("hivectl", self.ctl("completion", shell).stdout)
        self.assertEqual(self.ctl("validate", self.agent.file).returncode, 0)
        for command in (["get", "services"], ["status"], ["apply"], ["logs", "web"]):
            r = self.ctl(*command, code=UNREACHABLE)
            self.assertIn(self.agent.socket, r.stderr)

    def test_completion_knows_the_names_of_objects(self):
        script = self.ctl("completion", "bash").stdout
        env = {"PATH": self.agent.hivectl_dir() + ":" + os.environ["PATH"], "HIVELET_SOCKET": self.agent.socket}
        r = subprocess.run(["bash", "-c", script + '\nCOMP_WORDS=(hivectl logs ""); COMP_CWORD=2; COMP_LINE="hivectl logs "; '
                            'COMP_POINT=13; $(complete -p hivectl | sed "s/.*-F \\([^ ]*\\).*/\\1/"); '
                            'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True, env=env)
        self.assertEqual({w.strip() for w in r.stdout.split()} & {"speaker", "web"}, {"speaker", "web"}, r.stdout + r.stderr)

    def test_doctor_and_bundle(self):
        def lines():
            r = self.agent.ctl("doctor", "-o", "json")
            return {i["name"]: i for i in json.loads(r.stdout)["items"]}
        found = lines()
        for name in ("agent", "version", "config", "secrets", "workloads", "engine", "work"):
            self.assertIn(found[name]["state"], ("ok", "skip"), found[name])
        path = os.path.join(self.agent.dir, "bundle.tar.gz")
        self.assertIn("status.json", self.ctl("bundle", path).stdout)
        with tarfile.open(path) as bundle:
            parts = {os.path.basename(m.name): bundle.extractfile(m).read().decode() for m in bundle.getmembers()}
        self.assertEqual(json.loads(parts["services.json"])["items"][0]["metadata"]["name"], "speaker")
        self.assertIn("hivelet_build_info", parts["metrics.txt"])
        self.assertIn("node.id", parts["settings.json"])
        self.agent.terminate()
        found = lines()
        self.assertEqual(found["agent"]["state"], "fail")
        self.assertIn("systemctl start hivelet", found["agent"]["fix"])

    def test_version_names_both(self):
        v = self.json("version")
        with open(os.path.join(hv.TOP, "VERSION")) as f:
            version = f.read().strip()
        self.assertEqual((v["version"], v["agent"]["version"]), (version, version))

    def test_status_and_wait(self):
        self.assertEqual(self.ctl("status", "--check").returncode, 0)
        self.assertTrue(self.json("status")["synced"])
        self.ctl("wait", "--for", "ready", "service/web")
        self.agent.write(document("  services:\n" + SPEAKER + service("web", image="hv/absent:1")))
        self.ctl("apply")
        self.ctl("status", "--check", code=2)
        self.ctl("wait", "--timeout", "1s", code=6)


class Changing(Hivectl):
    def object(self, name, **more):
        text = service(name, **more).replace(f"    - name: {name}\n", "")
        path = os.path.join(self.agent.dir, f"{name}.yaml")
        body = "".join("  " + line.removeprefix("      ") + "\n" for line in text.splitlines())
        self.agent.write(f"apiVersion: hivelet/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n{body}", path)
        return path

    def test_an_applied_object_outlives_restarts_until_it_is_deleted(self):
        agent = self.up("  services:\n" + service("web") + service("api"))
        r = self.ctl("apply", "-f", self.object("extra"), "--wait")
        self.assertIn("+ service/extra", r.stdout)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api", "hive-extra"})
        made = self.engine.inspect("hive-extra")["Id"]
        agent.kill()
        agent.start()
        agent.wait_synced()
        self.assertEqual(self.engine.inspect("hive-extra")["Id"], made, "it is still declared")
        self.assertIn("unchanged", self.ctl("apply", "-f", self.object("extra")).stdout)
        self.ctl("apply", "-f", self.object("extra", args="2000000"), "--wait")
        self.assertEqual(self.engine.inspect("hive-extra")["Args"][-1], "2000000")
        r = self.ctl("delete", "service/web", code=NO_SUCH)
        self.assertIn("in that file", r.stderr)
        self.ctl("delete", "service/extra", "--wait")
        self.assertEqual(set(self.engine.containers()), {"hive-web", "hive-api"})
        self.ctl("delete", "service/extra", code=NO_SUCH)
        agent.kill()
        agent.start()
        agent.wait_synced()
        self.assertEqual(set(self.engine.containers()), {"hive-web", "hive-api"})

    def test_a_compose_file_is_converted_applied_and_runs(self):
        self.up("  services:\n" + service("web"))
        path = os.path.join(self.agent.dir, "compose.yaml")
        self.agent.write("name: shop\nservices:\n  cash_desk:\n"
                         f"    image: {hv.IMAGE}\n    pull_policy: never\n    command: sleep ${{SECONDS_OF_SHOP:-1000000}}\n"
                         "    environment: {PRICE: \"5$${x}\"}\n    ports: [\"127.0.0.1::8080\"]\n    shm_size: 8m\n"
                         "    volumes: [data:/data]\n    stop_signal: SIGKILL\n    restart: unless-stopped\n"
                         "    cpus: 0.5\n    mem_limit: 32m\n    privileged: false\nvolumes: {data: }\n", path)
        converted = self.ctl("convert", path)
        self.assertIn("services.cash_desk: the name cash_desk is not carried over", converted.stderr)
        self.ctl("apply", "-f", "-", "--wait", stdin=converted.stdout)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-cash-desk"})
        made = self.engine.inspect("hive-cash-desk")
        self.assertEqual(made["Config"]["Cmd"], ["sleep", "1000000"])
        self.assertIn("PRICE=5${x}", made["Config"]["Env"])
        self.assertIn("shop", made["NetworkSettings"]["Networks"])
        self.assertEqual({m["Destination"] for m in made["Mounts"]} & {"/data"}, {"/data"})
        again = self.ctl("get", "volume/data", "-o", "yaml").stdout
        self.assertIn("unchanged", self.ctl("apply", "-f", "-", stdin=again).stdout, "what is got can be applied")
        self.assertIn("published", self.ctl("ports").stdout)

    def test_a_bad_object_is_refused_as_a_whole(self):
        agent = self.up("  services:\n" + service("web"))
        good, bad = self.object("good"), self.object("bad")
        with open(bad) as f:
            text = f.read()
        agent.write(text.replace("command:", "comand:"), bad)
        r = self.ctl("apply", "-f", good, "-f", bad, code=1)
        self.assertIn("E0201", r.stderr)
        self.assertIn("bad.yaml:", r.stderr)
        self.assertFalse(agent.status()["refused"], "what an operator sent is his to mend")
        self.assertEqual(self.ctl("get", "services", "-o", "name").stdout.split(), ["service/web"])
        r = self.ctl("apply", "-f", good, "--dry-run")
        self.assertIn("+ service/good", r.stdout)
        self.assertEqual(set(self.engine.containers()), {"hive-web"})

    def test_a_plan_sends_only_get_and_head(self):
        proxy = self.through_proxy()
        agent = self.up("  services:\n" + service("web") + service("api"))
        self.assertIn("POST", {method for method, _ in proxy.requests}, "the proxy sees what is done")
        other = os.path.join(agent.dir, "other.yaml")
        agent.write(document("  networks: [{name: net}]\n  services:\n" + service("web", args="7") + service("third")), other)
        begin = len(proxy.requests)
        r = self.ctl("plan", "-f", other, code=2)
        for word in ("hive-third", "hive-web", "net"):
            self.assertIn(word, r.stdout)
        self.ctl("plan", "-f", self.object("extra"), code=2)
        self.ctl("plan")
        asked = proxy.requests[begin:]
        self.assertGreaterEqual(sum(path.startswith("/containers/json") for _, path in asked), 3, "each looks for itself")
        self.assertLessEqual({method for method, _ in asked}, {"GET", "HEAD"})
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api"})


if __name__ == "__main__":
    base.main()
