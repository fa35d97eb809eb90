#!/usr/bin/env python3
"""The node converges on its file, on a real engine: made, changed, removed; put right when somebody interferes."""

import calendar
import json
import os
import shutil
import time

import base
from hv import IMAGE, KIND, LIMIT_S, HttpError, UnixConnection, document, service


class Converge(base.Case):
    def test_services_networks_and_volumes_are_made_and_removed(self):
        body = ("  networks: [{name: net}]\n  volumes: [{name: data, reclaim: delete}]\n  services:\n" +
                service("web", "mounts: [{volume: data, target: /data}]", network="networks: [{name: net}]") +
                service("api"))
        agent = self.up(body)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api"})
        web = self.engine.inspect("hive-web")
        self.assertEqual(web["Config"]["Labels"]["io.hivelet.managed"], "true")
        self.assertEqual(web["Config"]["Labels"]["io.hivelet.name"], "web")
        self.assertEqual(list(web["NetworkSettings"]["Networks"]), ["net"])
        self.assertEqual(web["HostConfig"]["RestartPolicy"]["Name"] in ("", "no"), True)
        self.assertEqual(web["Mounts"][0]["Name"], "data")

        agent.write(document("  services:\n" + service("api")))
        result = agent.ctl("apply")
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)  # 3 of 4 objects: the guard asks
        revision = agent.status()["parked"]["revision"]
        self.assertEqual(agent.ctl("apply", "--accept-prune", revision[:8]).returncode, 0)
        agent.wait_synced()
        self.assertEqual(set(self.engine.containers()), {"hive-api"})
        self.assertNotIn("net", {n["Name"] for n in self.engine.call("GET", "/networks")})
        self.assertNotIn("data", {v["Name"] for v in self.engine.call("GET", "/volumes")["Volumes"] or []})

    def test_a_volume_that_is_retained_outlives_its_declaration(self):
        agent = self.up("  volumes: [{name: keep}]\n  services:\n" +
                        service("web", "mounts: [{volume: keep, target: /data}]"))
        agent.desire(document("  services:\n" + service("web")))
        self.assertIn("keep", {v["Name"] for v in self.engine.call("GET", "/volumes")["Volumes"]})

    def volumes(self):
        return {v["Name"] for v in self.engine.call("GET", "/volumes")["Volumes"] or []}

    def test_the_last_declaration_of_a_volume_decides_over_a_restart_too(self):
        services = "  services:\n" + service("web")
        both = "  volumes: [{name: changed, reclaim: %s}, {name: unchanged, reclaim: delete}]\n" + services
        agent = self.up(both % "delete")
        agent.desire(document(both % "retain"))
        agent.desire(document("  volumes: [{name: unchanged, reclaim: delete}]\n" + services))
        self.assertEqual(self.volumes(), {"changed", "unchanged"})
        agent.kill()
        agent.write(document(services))
        agent.start()
        agent.wait_synced()
        agent.wait(lambda: self.volumes() == {"changed"}, "only what was last declared with delete is deleted")
        why = agent.ctl("why", "volume/changed").stdout
        self.assertIn("kept with its data: no declaration that is known here says reclaim: delete last", why)
        # Of what no revision is known the label decides nothing: the state directory is lost.
        agent.desire(document("  volumes: [{name: unchanged, reclaim: delete}]\n" + services))
        agent.kill()
        shutil.rmtree(os.path.join(agent.dir, "state", "revisions"))
        agent.write(document(services))
        agent.start()
        agent.wait_synced()
        self.assertEqual(self.volumes(), {"changed", "unchanged"})
        self.assertIn("its label does", agent.ctl("why", "volume/unchanged").stdout)

    def test_when_a_container_was_started_is_shown_at_once(self):
        agent = self.up("  services:\n" + service("web"))
        for start_again in (False, True):
            if start_again:  # an agent that finds it running reads it from the engine
                agent.kill()
                agent.start()
                agent.wait_synced()
            agent.wait(lambda: agent.services()["hive-web"]["startedAt"], "it is shown")
            # Who started it looked at the clock himself: no minute is long enough for both to be in the same one.
            shown, engines = (self.instant(t) for t in (agent.services()["hive-web"]["startedAt"], self.started_at("hive-web")))
            self.assertLess(abs(shown - engines), LIMIT_S)

    @staticmethod
    def instant(text):
        """Whole seconds of a date; an engine tells of nanoseconds, which Python does not know."""
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))

    def test_replicas_come_and_go(self):
        agent = self.up("  services:\n" + service("web", "replicas: 3"))
        self.assertEqual(self.engine.running(), {"hive-web", "hive-web-2", "hive-web-3"})
        agent.desire(document("  services:\n" + service("web", "replicas: 2")))
        self.assertEqual(self.engine.running(), {"hive-web", "hive-web-2"})

    def test_a_limit_changes_in_place(self):
        old, new = ("limits: {cpu: 100m, memory: 32Mi, pids: 30}", "limits: {cpu: 200m, memory: 64Mi, pids: 40}")
        body = "  services:\n" + service("web").replace("requests: {cpu: 1m, memory: 1Mi}", old)
        agent = self.up(body)
        before = self.started_at("hive-web")
        agent.write(document(body.replace(old, new)))
        agent.apply()
        if KIND == "podman":
            # It has no call for that (docs/podman.md): made anew.
            agent.wait_synced()
            self.assertNotEqual(self.started_at("hive-web"), before)
            self.assertIn("this engine changes no limits in place", agent.text_of_log())
        else:
            agent.wait_synced()
            self.assertEqual(self.started_at("hive-web"), before, "the container was restarted")
        host = self.engine.inspect("hive-web")["HostConfig"]
        self.assertEqual((host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]),
                         (64 << 20, 64 << 20, 200_000_000, 40))

    def test_another_command_replaces_the_container_and_nothing_else(self):
        agent = self.up("  services:\n" + service("web") + service("api"))
        web, api = self.engine.inspect("hive-web")["Id"], self.engine.inspect("hive-api")["Id"]
        agent.desire(document("  services:\n" + service("web", args="2000000") + service("api")))
        self.assertNotEqual(self.engine.inspect("hive-web")["Id"], web)
        self.assertEqual(self.engine.inspect("hive-web")["Args"][-1], "2000000")
        self.assertEqual(self.engine.inspect("hive-api")["Id"], api)

    def test_a_file_that_means_the_same_changes_nothing(self):
        agent = self.up("  services:\n" + service("web"))
        web, revision = self.engine.inspect("hive-web")["Id"], agent.status()["revision"]
        agent.desire("# a comment\n" + document("  services:\n" + service("web", "replicas: 1")))
        self.assertEqual(self.engine.inspect("hive-web")["Id"], web)
        self.assertEqual(agent.status()["revision"], revision)

    def test_a_gpu_that_cannot_be_given_is_told_before_anything_is_made(self):
        why = "asks for 1 GPU: podman's Docker API gives a container no GPU"
        body = ("  services:\n" + service("model").replace("memory: 1Mi", "memory: 1Mi, gpus: 1") + "  tasks:\n"
                f"    - {{name: train, image: {IMAGE}, pullPolicy: never, command: [/bin/true], resources: {{requests: {{gpus: 1}}}}}}\n")
        agent = self.agent
        agent.write(document(body))
        judged = agent.run("--check").stderr
        agent.start()
        agent.wait(lambda: agent.services()["hive-model"]["reason"] == "WaitingGpu", "the service waits")
        agent.wait(lambda: [t["status"]["phase"] for t in agent.call("GET", "/api/v1/tasks")["items"]] == ["Rejected"], "the task is refused")
        refused = agent.call("GET", "/api/v1/tasks")["items"][0]["status"]["message"]
        self.assertEqual(set(self.engine.containers()), set())
        self.assertNotIn("CreateFailed", agent.text_of_log())
        if KIND == "docker":  # whose machine has none here
            self.assertEqual(refused, "never fits: asks for 1 GPU, 0 such can be given to tasks on this node")
            self.assertNotIn("podman", judged)
            return
        self.assertEqual(refused, "never fits: " + why)
        self.assertEqual(judged.count("warning[W032]"), 2, judged)
        self.assertIn(f"spec.services[0].resources.requests.gpus: {why}; the service will wait for them", judged)
        self.assertIn(f"spec.tasks[0].resources.requests.gpus: {why}; the task will be Rejected", judged)
        self.assertIn(why, agent.ctl("plan").stderr)
        path = os.path.join(agent.dir, "task.yaml")
        with open(path, "w") as f:
            f.write(f"apiVersion: hivelet/v1\nkind: Task\nmetadata: {{name: later}}\nspec:\n  image: {IMAGE}\n  resources: {{requests: {{gpus: 1}}}}\n")
        self.assertIn(why, agent.ctl("fit", "-f", path).stdout)

    def test_dependencies_are_started_in_order(self):
        self.up("  services:\n" + service("a", "dependsOn: [{service: b, condition: started}]") +
                service("b", "dependsOn: [{service: c, condition: ready}]") + service("c"))
        at = [self.started_at(f"hive-{n}") for n in "cba"]
        self.assertEqual(at, sorted(at))

    def test_once_converges_and_ends(self):
        self.agent.write(document("  services:\n" + service("web")))
        result = self.agent.run("--once")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.agent.write(document("  services:\n" + service("web", image="hv/absent:1")))
        self.assertEqual(self.agent.run("--once", "--timeout", "2s").returncode, 2)
        self.assertEqual(self.engine.running(), {"hive-web"}, "what runs goes on until its successor can be made")
        self.agent.write("nonsense: true\n")
        self.assertEqual(self.agent.run("--once").returncode, 1)
        self.assertEqual(self.engine.running(), {"hive-web"})

    def test_plan_tells_and_changes_nothing(self):
        agent = self.up("  services:\n" + service("web"))
        before = self.engine.containers()
        agent.write(document("  services:\n" + service("web", args="7") + service("api")))
        agent.wait_synced()
        agent.write(document("  services:\n" + service("web") + service("third")), agent.dir + "/other.yaml")
        result = agent.ctl("plan", "-f", agent.dir + "/other.yaml", "-o", "json")
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertIn("hive-third", result.stdout)
        self.assertNotIn("hive-third", self.engine.containers())
        self.assertEqual(set(before), {"hive-web"})


class Watchers(base.Case):
    """Who looks on is told what changed, and no more: not of each look that found all as it was."""

    def passes(self):
        return sum(int(line.split()[1]) for line in self.agent.call("GET", "/metrics").splitlines()
                   if line.startswith("hivelet_reconcile_total"))

    def passes_more(self, n):
        """Until the planner ran n times more, looked at the engine and at containers."""
        until = self.passes() + n
        self.agent.wait(lambda: self.passes() >= until, f"{n} more passes")

    def tag(self):
        c = UnixConnection(self.agent.socket)
        try:
            c.request("GET", "/api/v1/status")
            return c.getresponse().getheader("ETag")
        finally:
            c.close()

    @staticmethod
    def told(stream):
        """Each status that is sent. One is awaited no longer than three of the lines that keep a quiet stream open (45 s each)."""
        n_beats = 0
        while line := stream.readline():
            if line.startswith(b"data:"):
                n_beats = 0
                yield json.loads(line[len("data:"):])
            n_beats += line.startswith(b":")
            if n_beats == 3:
                raise AssertionError("nobody is told")

    def is_at_rest(self):
        before = self.tag()
        self.passes_more(9)
        return self.tag() == before

    def test_a_node_in_sync_says_nothing_until_something_happens(self):
        self.agent = agent = self.up("  node: {reconcile: {resync: 1s}}\n  resources: {monitor: {interval: 24h}}\n"
                                     "  gc: {interval: 24h}\n  services:\n" + service("web") + service("api"))
        self.assertEqual(agent.ctl("gc").returncode, 0)  # else the first round of its own comes in between
        agent.wait(self.is_at_rest, "at rest: each container was looked at once more after its start")
        c = UnixConnection(agent.socket)
        self.addCleanup(c.close)
        c.request("GET", "/api/v1/watch", headers={"Accept": "text/event-stream"})
        told = self.told(c.getresponse())
        self.assertTrue(next(told)["synced"])
        self.passes_more(12)
        self.engine.call("POST", f"/images/{IMAGE}/tag?repo=others&tag=1")
        self.assertTrue(next(told)["synced"])  # the page of images shows those of others, too
        self.engine.call("POST", "/containers/hive-web/kill")
        self.assertFalse(next(told)["synced"], "said once more what was said before")
        while not next(told)["synced"]:
            pass
        self.assertIn("hive-web", self.engine.running())


class Drift(base.Case):
    def setUp(self):
        super().setUp()
        self.up("  networks: [{name: net}]\n  services:\n" + service("web", network="networks: [{name: net}]"))

    def back(self, what, id_changes=False):
        before = getattr(self, "id", None) or self.engine.inspect("hive-web")["Id"]
        self.agent.wait(lambda: self.agent.status()["synced"] and "hive-web" in self.engine.running(), what)
        self.assertEqual(self.engine.inspect("hive-web")["Id"] != before, id_changes)

    def act(self, method, path, body=None):
        self.id = self.engine.inspect("hive-web")["Id"]
        self.engine.call(method, path, body)

    def test_kill(self):
        self.act("POST", "/containers/hive-web/kill")
        self.back("running again after kill")
        self.assertIn("ended with exit code 137", self.agent.text_of_log())

    def test_stop(self):
        self.act("POST", "/containers/hive-web/stop?t=0")
        self.back("running again after stop")

    def test_remove(self):
        self.act("DELETE", "/containers/hive-web?force=1")
        self.agent.wait(lambda: "hive-web" in self.engine.running(), "made again after rm -f")

    def test_pause(self):
        self.act("POST", "/containers/hive-web/pause")
        self.back("running again after pause")
        self.assertFalse(self.engine.inspect("hive-web")["State"]["Paused"])

    def nobody_can(self, change):
        """podman 4.3 has no update (docs/podman.md): nobody interferes that way either."""
        with self.assertRaises(HttpError) as e:
            self.engine.call("POST", "/containers/hive-web/update", change)
        self.assertEqual(e.exception.status, 404)

    def test_update(self):
        if KIND == "podman":
            self.nobody_can({"PidsLimit": 7})
            return
        self.act("POST", "/containers/hive-web/update", {"PidsLimit": 7})
        self.agent.wait(lambda: self.engine.inspect("hive-web")["HostConfig"]["PidsLimit"] == 1024,
                        "the limit is as before")
        self.back("in sync")
        # An engine cannot take a limit on memory away again: only a new container has none.
        self.act("POST", "/containers/hive-web/update", {"Memory": 64 << 20, "MemorySwap": 64 << 20})
        self.agent.wait(lambda: (new := self.engine.look("hive-web")) and new["HostConfig"]["Memory"] == 0,
                        "no limit again")
        self.back("in sync", id_changes=True)

    def test_restart_policy(self):
        if KIND == "podman":
            self.nobody_can({"RestartPolicy": {"Name": "always"}})
            return
        self.act("POST", "/containers/hive-web/update", {"RestartPolicy": {"Name": "always"}})
        self.agent.wait(lambda: self.engine.inspect("hive-web")["HostConfig"]["RestartPolicy"]["Name"] in ("", "no"),
                        "restarts are hivelet's again")

    def test_network_disconnect(self):
        self.act("POST", "/networks/net/disconnect", {"Container": "hive-web"})
        self.agent.wait(lambda: "net" in self.engine.inspect("hive-web")["NetworkSettings"]["Networks"],
                        "connected again")
        self.back("in sync")

    def test_rename(self):
        self.act("POST", "/containers/hive-web/rename?name=elsewhere")
        self.agent.wait(lambda: self.engine.running() == {"hive-web"} and "elsewhere" not in self.engine.containers(),
                        "one container of that name, and no copy")

    def test_a_second_container_of_the_agents_own_is_an_orphan(self):
        labels = self.engine.inspect("hive-web")["Config"]["Labels"]
        self.engine.stranger("copy", start=False, Labels=labels)  # gone before it could be started
        self.agent.wait(lambda: "copy" not in self.engine.containers(), "the copy is gone")


class Strangers(base.Case):
    def test_a_strangers_container_with_our_name_is_left_alone(self):
        stranger = self.engine.stranger("hive-web")
        self.agent.write(document("  services:\n" + service("web") + service("api")))
        self.agent.start()
        self.agent.wait(lambda: self.agent.services()["hive-web"]["reason"] == "NameConflict", "the conflict is told")
        self.agent.wait(lambda: "hive-api" in self.engine.running(), "the others go on")
        self.assertEqual(self.engine.inspect("hive-web")["Id"], stranger)
        self.assertTrue(self.engine.inspect("hive-web")["State"]["Running"])
        why = self.agent.ctl("why", "service/web")
        self.assertIn("not hivelet's", why.stdout)
        self.engine.call("DELETE", "/containers/hive-web?force=1")
        self.agent.wait(lambda: self.agent.status()["synced"], "in sync when the stranger has gone")
        self.assertNotEqual(self.engine.inspect("hive-web")["Id"], stranger)

    def test_strangers_survive_everything(self):
        ids = {self.engine.stranger("stranger"), self.engine.stranger("other", start=False)}
        other_node = self.engine.stranger("hive-x", Labels={"io.hivelet.managed": "true", "io.hivelet.node": "another",
                                                           "io.hivelet.kind": "service", "io.hivelet.name": "x"})
        agent = self.up("  services:\n" + service("web"))
        agent.desire(document("  node: {safety: {allowEmpty: true}}\n"))
        left = {c["Id"] for c in self.engine.containers().values()}
        self.assertEqual(left, ids | {other_node})

    def test_an_unlabelled_network_of_the_documented_name_is_used(self):
        made = self.engine.call("POST", "/networks/create", {"Name": "hivemind", "Driver": "bridge"})["Id"]
        text = service("web").replace("      network: none\n", "")
        agent = self.up("  services:\n" + text)
        self.assertEqual(list(self.engine.inspect("hive-web")["NetworkSettings"]["Networks"]), ["hivemind"])
        agent.desire(document("  node: {safety: {allowEmpty: true}}\n"))
        self.assertIn(made, {n["Id"] for n in self.engine.call("GET", "/networks")})


if __name__ == "__main__":
    base.main()
