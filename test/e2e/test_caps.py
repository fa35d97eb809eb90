#!/usr/bin/env python3
"""What all workloads of a node together may take: read back from the kernel, mended when somebody changes it, lifted when it is not
declared any more; no container is started anew for any of it. Each test has a slice of its own."""
import glob
import os

import base
import hv
import tasks
from hv import document, service

with open("/proc/self/mountinfo") as mounts:
    HIERARCHIES = {}
    for line in mounts:
        kind, _, options = line.split(" - ")[1].split()
        if kind in ("cgroup", "cgroup2"):
            for controller in options.split(","):
                HIERARCHIES[controller if kind == "cgroup" else "v2"] = line.split()[4]


class Caps(base.Case):
    def setUp(self):
        super().setUp()
        self.stem = "hvtest" + os.urandom(3).hex()
        self.slice = self.stem + ".slice"

    def tearDown(self):
        super().tearDown()
        tasks.poll(self.is_swept, "the slice is empty")  # what watches a container of podman's outlives it a little

    def is_swept(self):
        try:
            for hierarchy in set(HIERARCHIES.values()):
                for top in glob.glob(os.path.join(hierarchy, self.stem + "*")):
                    for folder, _, _ in os.walk(top, topdown=False):
                        os.rmdir(folder)
        except OSError:
            return False
        return True

    def text(self, resources, *services):
        return document(f"  node: {{reconcile: {{resync: 1s}}, safety: {{allowEmpty: true}}}}\n  resources: {{cgroup: {{slice: {self.slice}}}{resources}}}\n"
                        + ("  services:\n" + "".join(services) if services else ""))

    # --- the kernel's word ---

    def file(self, controller, v1, v2, place=None):
        if controller in HIERARCHIES:
            return os.path.join(HIERARCHIES[controller], place or self.slice, v1)
        return os.path.join(HIERARCHIES["v2"], place or self.slice, v2)

    def caps(self, place=None):
        """CPUs, bytes, processes; None: no cap."""
        found = []
        for path in (self.file("cpu", "cpu.cfs_quota_us", "cpu.max", place), self.file("memory", "memory.limit_in_bytes", "memory.max", place),
                     self.file("pids", "pids.max", "pids.max", place)):
            try:
                with open(path) as f:
                    word = f.read().split()[0]
            except FileNotFoundError:
                word = "max"
            found.append(None if word in ("max", "-1") or int(word) >= 1 << 62 else int(word))
        cpu, memory, pids = found
        return cpu and cpu / 100000, memory, pids

    def put(self, controller, v1, v2, text):
        with open(self.file(controller, v1, v2), "w") as f:
            f.write(text)

    def condition(self):
        return next(c for c in self.agent.status()["conditions"] if c["type"] == "Capped")

    def wait_caps(self, cpus, memory, *pids):
        """They are written one after the other."""
        wanted = (cpus, memory, *pids)
        self.agent.wait(lambda: self.caps()[:len(wanted)] == wanted, f"caps of {wanted} (CPUs, bytes, processes); {self.caps()}")

    # --- tests ---

    def test_caps_follow_the_file_and_nothing_is_started_anew(self):
        self.agent.write(self.text(", limits: {cpu: 600m, memory: 600Mi}, reserved: {cpu: 100m, memory: 100Mi}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        cpus, memory, pids = self.caps()
        self.assertEqual((cpus, memory), (0.5, 500 << 20))
        with open("/proc/sys/kernel/pid_max") as f:
            self.assertTrue(100 < pids < int(f.read()))
        self.assertEqual((self.condition()["status"], self.condition()["message"]), ("True", f"{self.slice}: CPU 500m, memory 500Mi"))
        # Services stand below it, apart.
        inside = glob.glob(os.path.join(os.path.dirname(self.file("memory", "", "")), self.stem + "-services*", "*", ""))
        self.assertEqual(len([d for d in inside if not d.endswith("conmon/")]), 1, inside)
        started = self.started_at("hive-web")
        self.agent.desire(self.text(", limits: {cpu: 300m, memory: 300Mi}", service("web")))
        self.wait_caps(0.3, 300 << 20)
        self.agent.desire(self.text("", service("web")))
        self.wait_caps(None, None, None)
        self.assertEqual(self.started_at("hive-web"), started)

    def test_drift_is_mended(self):
        self.agent.write(self.text(", limits: {cpu: 500m, memory: 500Mi}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        pids = self.caps()[2]
        self.put("cpu", "cpu.cfs_quota_us", "cpu.max", "90000")
        self.put("memory", "memory.limit_in_bytes", "memory.max", "900M")
        self.put("pids", "pids.max", "pids.max", "max")
        # A look may come between two of them: then the rest is mended by the next one.
        self.wait_caps(0.5, 500 << 20, pids)
        self.agent.wait(lambda: "CPU 900m -> 500m" in self.agent.text_of_log(), "it is told")

    def make_slice(self):
        """As somebody who was here before."""
        for controller in ("cpu", "memory", "pids"):
            os.makedirs(os.path.dirname(self.file(controller, "", "")), exist_ok=True)

    def test_only_what_hivelet_set_is_lifted(self):
        """An operator, or another agent, capped memory; this one caps CPU, and lifts that again after a restart."""
        self.make_slice()
        self.put("memory", "memory.limit_in_bytes", "memory.max", "700M")
        self.agent.write(self.text("", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.caps(), (None, 700 << 20, None))
        self.assertEqual(self.agent.ctl("why", "node").stdout.count("caps"), 0)
        self.agent.desire(self.text(", limits: {cpu: 500m}", service("web")))
        self.wait_caps(0.5, 700 << 20)
        self.assertIn(f"caps      {self.slice}: CPU 500m, memory all", self.agent.ctl("why", "node").stdout)
        self.assertEqual(self.agent.terminate(), 0)
        self.agent.write(self.text("", service("web")))
        self.agent.start()
        self.wait_caps(None, 700 << 20)
        # What it asks for is its own, though it had nothing to write for it.
        self.agent.desire(self.text(", limits: {memory: 700Mi}", service("web")))
        self.agent.desire(self.text("", service("web")))
        self.wait_caps(None, None)

    def test_a_slice_that_vanished_is_made_again(self):
        self.agent.write(self.text(", limits: {cpu: 500m, memory: 500Mi}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.agent.desire(self.text(", limits: {cpu: 500m, memory: 500Mi}"))
        self.assertEqual(self.engine.containers(), {})
        tasks.poll(self.is_swept, "all of it is removed")
        self.wait_caps(0.5, 500 << 20)

    def test_a_plan_shows_them(self):
        self.agent.write(self.text("", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        plan = os.path.join(self.agent.dir, "plan.yaml")
        self.agent.write(self.text(", limits: {cpu: 500m}", service("web")), plan)
        shown = self.agent.ctl("plan", "-f", plan).stdout
        self.assertIn(f"cap node/caps {self.slice} CPU none -> 500m", " ".join(shown.split()))
        self.assertIsNone(self.caps()[0])

    def test_a_container_may_ask_for_more_than_all_together_have(self):
        """Version 1 refuses a limit above one that is above it: the container gets what there is, and more when there is more."""
        web = service("web", "resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 800m}}").replace(
            "      resources: {requests: {cpu: 1m, memory: 1Mi}}\n", "")
        self.agent.write(self.text(", limits: {cpu: 500m}", web))
        self.agent.start()
        self.agent.wait_synced()
        started = self.started_at("hive-web")
        self.agent.desire(self.text(", limits: {cpu: 300m}", web))
        self.wait_caps(0.3, None)
        self.agent.desire(self.text("", web))
        self.wait_caps(None, None)
        self.agent.wait(lambda: self.engine.inspect("hive-web")["HostConfig"]["NanoCpus"] == 800000000, "its own limit")
        if hv.KIND != "podman":  # which changes no limits in place
            self.assertEqual(self.started_at("hive-web"), started)

    def of_container(self, name, controller, v1, v2):
        """What the kernel shows of a container."""
        v = controller in HIERARCHIES
        with open(f"/proc/{self.engine.inspect(name)['State']['Pid']}/cgroup") as f:
            path = next(line.strip().split(":", 2)[2] for line in f if (controller if v else "") in line.split(":")[1].split(","))
        with open(HIERARCHIES[controller if v else "v2"] + path + "/" + (v1 if v else v2)) as f:
            return int(f.read().split()[0])

    def test_limits_are_the_kernels_and_are_mended(self):
        """Of each limit: what was booked is in the kernel, and is so again after somebody's `docker update`; then it is quiet."""
        rows = {"cpu": (("cpu", "cpu.cfs_quota_us", "cpu.max"), 20000, {"NanoCpus": 700_000_000}),
                "memory": (("memory", "memory.limit_in_bytes", "memory.max"), 64 << 20,
                           {"Memory": 96 << 20, "MemorySwap": 96 << 20}),
                "pids": (("pids", "pids.max", "pids.max"), 40, {"PidsLimit": 77})}
        web = service("web").replace("requests: {cpu: 1m, memory: 1Mi}", "limits: {cpu: 200m, memory: 64Mi, pids: 40}")
        proxy = self.through_proxy()
        self.agent.write(self.text("", web) + "  tasks:\n" + web.replace("name: web", "name: job"))
        self.agent.start()
        self.agent.wait_synced()
        self.agent.wait(lambda: len(self.engine.running()) == 2, "both run")
        for name in sorted(self.engine.running()):
            started, n_updates = self.started_at(name), self.updates(proxy, name)
            for what, (file, booked, change) in rows.items():
                with self.subTest(name=name, limit=what):
                    self.assertEqual(self.of_container(name, *file), booked)
                    if hv.KIND == "podman":  # nobody can change them there
                        continue
                    self.engine.call("POST", f"/containers/{name}/update", change)
                    self.agent.wait(lambda: self.updates(proxy, name) > n_updates, what)  # noqa: B023
                    self.agent.wait(lambda: self.of_container(name, *file) == booked, what)  # noqa: B023
                    self.agent.wait_synced()
                    n_updates = self.updates(proxy, name)
            for file, booked, _ in rows.values():
                self.assertEqual(self.of_container(name, *file), booked)
            self.assertEqual(self.started_at(name), started)
            self.agent.apply()
            self.assertEqual(self.updates(proxy, name), 0 if hv.KIND == "podman" else len(rows))

    def updates(self, proxy, name):
        """How often the agent set limits of it."""
        return sum(p.endswith(f"/{self.engine.inspect(name)['Id']}/update") for _, p in proxy.requests)

    def test_quiet_hours_cap_the_tasks(self):
        """Two halves of a day make a whole one: it is never not quiet."""
        quiet = '[{from: "00:00", to: "12:00", maxCpu: 500m}, {from: "12:00", to: "00:00", maxCpu: 500m}]'
        self.agent.write(self.text(f", quietHours: {quiet}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.caps(), (None, None, None))
        self.assertEqual(self.caps(f"{self.slice}/{self.stem}-tasks.slice"), (0.5, None, None))
        self.assertEqual(self.condition()["message"], f"{self.stem}-tasks.slice: CPU 500m, memory all")
        self.agent.desire(self.text("", service("web")))
        self.agent.wait(lambda: self.caps(f"{self.slice}/{self.stem}-tasks.slice")[0] is None, "the cap is lifted")

    def test_where_cgroups_are_not_to_be_seen_it_is_said(self):
        """As in a plain container around the agent."""
        arguments = self.agent.arguments
        self.agent.arguments = lambda *more: ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                              'umount -R -l /sys/fs/cgroup && exec "$@"', "sh", *arguments(*more)]
        self.agent.write(self.text(", limits: {cpu: 500m}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual((self.condition()["status"], self.condition()["reason"]), ("False", "CapsFailed"))
        self.assertIn("mountinfo", self.condition()["message"])
        self.assertIsNone(self.caps()[0])

    def test_a_service_of_an_older_version_runs_on_where_it_is(self):
        """It was made right below the slice: the same digest, another place."""
        self.agent.write(self.text("", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.agent.terminate()
        made = self.engine.inspect("hive-web")
        self.engine.call("DELETE", "/containers/hive-web?force=1")
        body = {"Image": made["Config"]["Image"], "Cmd": made["Config"]["Cmd"], "Entrypoint": made["Config"]["Entrypoint"],
                "Labels": made["Config"]["Labels"], "HostConfig": {**made["HostConfig"], "CgroupParent": "/" + (self.stem if hv.KIND == "podman" else self.slice)}}
        body["HostConfig"].pop("Ulimits")  # podman does not take back what it tells
        self.engine.call("POST", "/containers/create?name=hive-web", body)
        self.engine.call("POST", "/containers/hive-web/start")
        old = self.engine.inspect("hive-web")["Id"]
        self.agent.write(self.text(", limits: {cpu: 500m}", service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.engine.inspect("hive-web")["Id"], old)
        self.assertEqual(self.caps()[0], 0.5)


if __name__ == "__main__":
    base.main()
