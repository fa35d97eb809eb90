#!/usr/bin/env python3
"""Garbage collection and room for images, on an engine whose data lies on a file system of its own: what goes, in which order, until
when, and what stays; and pulls that do not fit.

The agent runs in the engine's mount namespace, so both see one disk. What is there is asked of the engine."""
import json
import os
import re

import base
import hv
from cutter import Cutter
from hv import document, service
from registry import ADDRESS, Registry

MIB = 1 << 20
SIZE = 60 * MIB
QUIET = "  resources: {monitor: {interval: 24h}}\n"  # no sample begins a round


class Agent(hv.Agent):
    def __init__(self, engine):
        super().__init__(engine.sock)
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            self.holder = f.read().strip()

    def arguments(self, *more):
        return ["nsenter", "--target", self.holder, "--mount", "--", *super().arguments(*more)]


class Disk(base.Case):
    size = "640M"

    @classmethod
    def setUpClass(cls):
        cls.engine = hv.Engine(disk=cls.size)
        cls.addClassCleanup(cls.engine.stop)
        cls.registry = Registry(cls.engine)
        cls.addClassCleanup(cls.registry.stop)
        with open(os.path.join(cls.engine.dir, "holder.pid")) as f:
            cls.disk = f"/proc/{f.read().strip()}/root{cls.engine.dir}/data"

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = Agent(self.engine)

    def tearDown(self):
        super().tearDown()
        for i in self.engine.call("GET", "/images/json"):
            ours = hv.IMAGE in (i["RepoTags"] or [])
            for name in set(i["RepoTags"]) - {hv.IMAGE} if ours else [i["Id"]]:
                self.engine.call("DELETE", f"/images/{name}?force=1")

    def used(self):
        s = os.statvfs(self.disk)
        total = (s.f_blocks - s.f_bfree + s.f_bavail) * s.f_frsize
        return total - s.f_bavail * s.f_frsize, total

    def percent(self, less=0):
        used, total = self.used()
        return (used - less) * 100 // total

    def images(self):
        return {t for i in self.engine.call("GET", "/images/json") for t in i["RepoTags"] or []} - {hv.IMAGE, "<none>:<none>"}

    @staticmethod
    def body(services, gc="", more=""):
        """name: image of each."""
        units = "".join(service(n, image=i).replace("pullPolicy: never", "pullPolicy: missing") for n, i in services.items())
        return document(f"  gc: {{interval: 1h{gc}}}\n{more}  services:\n{units}")

    def begin(self, services, **more):
        self.agent.write(self.body(services, **more))
        self.agent.start()
        self.agent.wait_synced()

    def gc(self, *words):
        r = self.agent.ctl("gc", "-o", "json", *words)
        self.assertEqual(r.returncode, 0, r.stderr)
        return json.loads(r.stdout)

    @staticmethod
    def names(answer):
        return [s["name"] for s in answer["steps"] if s["what"] != "results"]


class Collection(Disk):
    def put(self, *names):
        return [self.registry.put(f"{self._testMethodName.replace('_', '-')}/{n}:1", SIZE) for n in names]

    def ghost(self, name, node):
        """An ended container of a task that this node knows nothing of: its ledger was lost, say."""
        c = self.engine.call("POST", f"/containers/create?name={name}",
                             {"Image": hv.IMAGE, "Entrypoint": ["/bin/true"], "HostConfig": {"NetworkMode": "none"},
                              "Labels": {"io.hivelet.managed": "true", "io.hivelet.node": node, "io.hivelet.kind": "task",
                                         "io.hivelet.name": "ghost", "io.hivelet.digest": "0" * 64}})
        self.engine.call("POST", f"/containers/{c['Id']}/start")
        self.engine.call("POST", f"/containers/{c['Id']}/wait")

    def removed(self):
        """What was collected, in order, whatever began the round."""
        return [e["name"] for e in self.agent.call("GET", "/api/v1/events")["items"] if e["event"] == "GarbageCollected"]

    def test_order_and_end(self):
        """Four revisions with an image each; of all that is there only the two oldest may go, behind the ended containers."""
        a, b, c, d = self.put("a", "b", "c", "d")
        agent = self.agent
        self.begin({"web": a}, more=QUIET)
        foreign = self.registry.put("foreign/of-somebody:1", 4 * MIB)
        self.engine.raw("POST", f"/images/create?fromImage={foreign.rpartition(':')[0]}&tag=1", {})
        for image in (b, c):
            agent.desire(self.body({"web": image}, more=QUIET))
        # The disk will be above `high`, and one of the two has to go to be at `low`.
        now = self.percent()
        rules = f", disk: {{high: {now + 28}%, low: {now + 25}%, minAge: 0s}}, pressure: {{memoryUsed: 0%}}, containers: {{keepExited: 1}}"
        agent.desire(self.body({"web": d}, gc=rules, more=QUIET))
        self.assertEqual(self.names(self.gc()), [])  # the next round comes in an hour
        for name, node in (("ghost-1", "e2e"), ("ghost-2", "e2e"), ("stranger", "another-node")):
            self.ghost(name, node)
        with open(os.path.join(self.disk, "full"), "wb") as f:
            f.write(b"\x5a" * ((now + 30) * self.used()[1] // 100 - self.used()[0]))
        self.addCleanup(os.unlink, os.path.join(self.disk, "full"))
        agent.wait(lambda: self.names(self.gc("--dry-run"))[:2] == ["ghost-1", a], "the node has seen all of it")
        self.assertEqual(self.images(), {a, b, c, d, foreign})
        self.assertIn("ghost-1", self.engine.containers())
        said = agent.ctl("gc")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"container\s+ghost-1\s")
        self.assertRegex(said.stdout, rf"image\s+{re.escape(a)}\s+\d")
        self.assertLess(said.stdout.index("ghost-1"), said.stdout.index(a))
        self.assertEqual(self.images(), {b, c, d, foreign})
        self.assertEqual(set(self.engine.containers()), {"hive-web", "ghost-2", "stranger"})
        self.assertLessEqual(self.percent(), now + 25)
        self.assertEqual(self.names(self.gc()), [])
        # Pinned is what no revision may let go of; with keepLast 0 nothing else keeps an image that nobody uses.
        rules = f", disk: {{high: 2%, low: 1%, minAge: 0s}}, images: {{keepLast: 0}}, containers: {{keepExited: 0, maxAge: 0s}}"
        agent.desire(self.body({"web": d}, gc=rules, more=QUIET + f"  images: {{preload: [{{ref: \"{b}\", pin: true}}, {{ref: \"{c}\"}}]}}\n"))
        self.assertTrue(self.gc()["stuck"])
        self.assertEqual(self.removed(), ["ghost-1", a, "ghost-2", c])
        self.assertEqual(self.images(), {b, d, foreign})
        self.assertEqual(set(self.engine.containers()), {"hive-web", "stranger"})
        self.assertIn("GarbageCollectionStuck", json.dumps(agent.call("GET", "/api/v1/events")))
        metrics = agent.call("GET", "/metrics", accept="text/plain")
        self.assertIn('hivelet_gc_removed_total{what="image"} 2', metrics)
        self.assertIn("hivelet_gc_stuck 1", metrics)

    def test_what_a_trial_goes_back_to_stays(self):
        """Two revisions on trial after each other: more than gc.images.keepLast, and what they go back to is neither in use nor among the
        last ones. What was taken back is one of the last ones then."""
        a, b, c = self.put("a", "b", "c")
        agent = self.agent
        rules = ", images: {keepLast: %d}, disk: {high: 2%%, low: 1%%, minAge: 0s}"
        self.begin({"web": a}, gc=rules % 2, more=QUIET)
        for image in (b, c):
            agent.write(self.body({"web": image}, gc=rules % 1, more=QUIET))
            self.assertEqual(agent.ctl("apply", "-f", agent.file, "--confirm", "1h").returncode, 0)
            agent.wait_synced()
        self.gc()
        self.assertEqual(self.images(), {a, c})
        self.assertEqual(agent.ctl("confirm", "--revert", "--wait").returncode, 0)
        agent.wait_synced()
        self.assertEqual(self.engine.inspect("hive-web")["Config"]["Image"], a)
        self.gc()
        self.assertEqual(self.images(), {a, c})
        self.assertEqual(self.removed(), [b])

    def everything(self):
        """All that the engine has, of each kind."""
        listed = {"containers": ("/containers/json?all=1", "Id"), "images": ("/images/json?all=1", "Id"), "networks": ("/networks", "Id"),
                  "volumes": ("/volumes", "Name")}
        found = {}
        for kind, (path, key) in listed.items():
            answer = self.engine.call("GET", path)
            found[kind] = {o[key]: o.get("RepoTags") for o in (answer["Volumes"] or [] if kind == "volumes" else answer)}
        return found

    def test_what_is_not_hivelets_survives_the_strictest_rules(self):
        """Of each kind something of somebody else, ended, unused, without a name; and a dry run is one."""
        a, b, c = self.put("a", "b", "c")
        agent = self.agent
        self.begin({"web": a})
        foreign, before = {}, self.everything()
        strange = self.registry.put("foreign/of-nobody:1", 4 * MIB)
        self.engine.raw("POST", f"/images/create?fromImage={strange.rpartition(':')[0]}&tag=1", {})
        self.engine.raw("POST", f"/images/create?fromImage={c.rpartition(':')[0]}&tag=1", {})
        self.engine.call("POST", f"/images/{c}/tag?repo=somebodys&tag=1")
        ended = self.engine.stranger("of-somebody", start=False)
        self.ghost("of-another-node", "another-node")
        self.engine.call("POST", f"/commit?container={ended}", {})  # an image without a name
        self.engine.call("POST", "/networks/create", {"Name": "somebodys", "Driver": "bridge"})
        self.engine.call("POST", "/volumes/create", {"Name": "somebodys"})
        for kind, now in self.everything().items():
            foreign[kind] = set(now) - set(before[kind])
            self.assertTrue(foreign[kind], kind)
        self.ghost("ghost-1", "e2e")
        # By age alone: a round comes with the revision and with `hivectl gc`, not by itself.
        rules = ", disk: {{high: {}%, low: {}%, minAge: 0s}}, images: {{keepLast: 0, maxAge: 1s}}, containers: {{keepExited: 0, maxAge: 1s}}"
        agent.desire(self.body({"web": b}, gc=rules.format(100, 99)))
        agent.wait(lambda: self.gc() and a not in self.images() and "ghost-1" not in self.engine.containers(), "what is hivelet's goes")
        self.assertEqual(self.names(self.gc()), [])
        self.ghost("ghost-2", "e2e")
        there = self.everything()
        agent.wait(lambda: self.names(self.gc("--dry-run")) == ["ghost-2"], "it is seen")
        self.assertEqual(self.everything(), there)
        self.assertIn("ghost-2", agent.ctl("gc", "--dry-run").stdout)
        # Above `high`, and nothing that may go makes room: what is not hivelet's is not taken for it.
        agent.desire(self.body({"web": b}, gc=rules.format(2, 1)))
        self.gc()
        agent.wait(lambda: "ghost-2" not in self.engine.containers(), "it is collected")
        left = self.everything()
        for kind, mine in foreign.items():
            self.assertLessEqual(mine, set(left[kind]), kind)
        self.assertEqual({i: there["images"][i] for i in foreign["images"]}, {i: left["images"][i] for i in foreign["images"]})

    def test_a_disk_that_fills_is_noticed(self):
        """Nobody asks; and what came over a crash of the agent is known to be hivelet's."""
        a, b = self.put("a", "b")
        agent = self.agent
        self.begin({"web": a})
        agent.kill()
        rules = f", images: {{keepLast: 1}}, disk: {{high: {self.percent() + 25}%, low: {self.percent() + 20}%, minAge: 0s}}"
        agent.write(self.body({"web": b}, gc=rules))
        agent.start()
        agent.wait_synced()
        self.assertEqual(self.images(), {a, b})
        with open(os.path.join(self.disk, "full"), "wb") as f:
            f.write(b"\x5a" * (26 * self.used()[1] // 100))
        self.addCleanup(os.unlink, os.path.join(self.disk, "full"))
        agent.wait(lambda: a not in self.images(), "the unused image goes")
        self.assertEqual(self.images(), {b})
        self.assertEqual(self.engine.running(), {"hive-web"})

    def test_memory_that_fills_begins_a_collection(self):
        """No machine uses less than that."""
        rules = ", disk: {minAge: 0s}, containers: {keepExited: 0}, pressure: {memoryUsed: %d%%}"
        self.begin({"web": hv.IMAGE}, gc=rules % 0)
        self.gc()  # the next round is in an hour
        self.ghost("ghost-1", "e2e")
        self.agent.wait(lambda: self.names(self.gc("--dry-run")) == ["ghost-1"], "the node has seen it")
        self.assertNotIn("gc.pressure.memoryUsed", self.agent.text_of_log())
        self.agent.desire(self.body({"web": hv.IMAGE}, gc=rules % 1))
        self.agent.wait(lambda: "gc.pressure.memoryUsed" in self.agent.text_of_log(), "it is seen")
        self.agent.wait(lambda: "ghost-1" not in self.engine.containers(), "it goes")

    def test_what_an_image_is_used_for_keeps_it(self):
        """By a stranger's container, by a stranger's name for it: it stays, and the engine is not even asked."""
        a, b, c = self.put("a", "b", "c")
        agent = self.agent
        rules = ", images: {keepLast: 1}, disk: {high: 2%, low: 1%, minAge: 0s}"
        self.begin({"web": a})
        agent.desire(self.body({"web": b}))
        self.engine.call("POST", "/containers/create?name=stranger", {"Image": a})
        self.engine.call("POST", f"/images/{b}/tag?repo=mine&tag=1")
        agent.desire(self.body({"web": c}, gc=rules))
        self.assertEqual(self.names(self.gc()), [])
        self.assertEqual(self.images(), {a, b, c, "mine:1"})
        told = {i["name"]: i for i in json.loads(agent.ctl("images", "-o", "json").stdout)["items"]}
        self.assertEqual((told[a]["usedBy"], told[a]["kept"]), (["stranger"], True))
        self.assertEqual((told[c]["usedBy"], told[c]["why"]), (["hive-web"], "a container is made of it"))
        self.assertEqual((told[a]["brought"], told["mine:1" if "mine:1" in told else b]["why"]), (True, "not brought by hivelet"))
        self.engine.call("DELETE", "/containers/stranger")
        self.engine.call("DELETE", "/images/mine:1")
        self.assertEqual(self.names(self.gc()), [b, a])  # b is unused for longer
        self.assertEqual(self.images(), {c})


class Room(Disk):
    size = "320M"

    def refused(self, image, words):
        agent = self.agent
        agent.write(self.body({"web": image}, more="  resources: {reserved: {disk: 60Mi}}\n"))
        agent.start()
        agent.wait(lambda: words in json.dumps(agent.services().get("hive-web", {})), "it is told")
        unit = agent.services()["hive-web"]
        self.assertEqual(unit["reason"], "PullFailed")
        self.assertIn("resources.reserved.disk", unit["message"])
        self.assertEqual(self.images(), set())
        with open(os.path.join(self.engine.dir, "log")) as f:
            self.assertNotIn("no space left", f.read())

    def test_layers_that_are_too_large_are_cancelled_when_their_size_is_known(self):
        """Of a gibibyte one mebibyte comes through: the disk is never in danger, and it is cancelled all the same."""
        image = self.registry.put("large/one:1", 1 << 30, hollow=True)
        way = Cutter(self.engine, 5004, int(ADDRESS.rpartition(":")[2]), MIB, hold=True)
        self.addCleanup(way.stop)
        self.refused(image.replace(ADDRESS, way.address), "no room")

    def test_an_archive_that_is_too_large_is_not_begun(self):
        """The engine is not sent a byte of it, and the next one is loaded."""
        agent, folder = self.agent, os.path.join(self.agent.dir, "archives")
        os.mkdir(folder)
        with open(os.path.join(folder, "huge.tar"), "wb") as f:
            f.truncate(1 << 30)
        os.chmod(os.path.join(folder, "huge.tar"), 0o644)
        self.engine.save(os.path.join(folder, "small.tar"), "docker.io/offline/one:1")
        proxy = self.through_proxy()
        self.begin({"web": "docker.io/offline/one:1"}, more=f"  images: {{archives: {folder}}}\n  resources: {{reserved: {{disk: 60Mi}}}}\n")
        self.assertEqual(self.engine.running(), {"hive-web"})
        log = agent.text_of_log()
        self.assertRegex(log, "huge.tar is not loaded: no room in .* at least 2Gi more are needed")
        self.assertEqual(sum("/images/load" in path for _, path in proxy.requests), 1)

    def test_layers_that_grow_too_large_are_cancelled_before_the_disk_is_full(self):
        """A gibibyte of zeros takes a mebibyte to bring."""
        self.refused(self.registry.put("zeros/one:1", 1 << 30, zeros=True), "no room")

    def test_what_fits_is_pulled(self):
        self.begin({"web": self.registry.put("small/one:1", SIZE)}, more="  resources: {reserved: {disk: 60Mi}}\n")
        self.assertEqual(self.engine.running(), {"hive-web"})


if __name__ == "__main__":
    base.main()
