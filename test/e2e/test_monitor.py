#!/usr/bin/env python3
"""What the agent says that the machine and its containers use, against the kernel's files and the engine's own account: each figure is
read before and after the agent's sample, and has to lie between. Nothing depends on how fast the machine is."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

import base
import hv
import tasks

RESOURCES = "  resources: {monitor: {interval: 1s}}\n"
PAGE = 4096
SPAN_S = 5  # in which nobody asks the agent anything
TURNS_OF_A_QUESTION = 12  # of the event loop, at most
# Memory is counted for each CPU apart and added up in batches (Linux: MEMCG_CHARGE_BATCH).
SLACK = 64 * os.cpu_count() * PAGE


def until(look, what):
    """What look() gives, as soon as it gives something: asked again and again, for nothing tells of it."""
    found = []

    def has_come():
        value = look()
        if value:
            found.append(value)
        return bool(found)
    tasks.poll(has_come, what)
    return found[0]


def read(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


class Monitor(base.Case):
    def usage(self, path="/api/v1/usage"):
        return self.agent.call("GET", path)

    def sample(self, name, newer_than=None):
        """Of a container, later than an instant of the agent's."""
        def look():
            for c in self.usage()["containers"]:
                if c["container"] == name and c["cpu"]["percent"] is not None and c["sampledAt"] > (newer_than or ""):
                    return c
            return None
        return until(look, f"a sample of {name}")

    def latest(self):
        return self.usage()["host"]["sampledAt"]

    def places(self, name):
        """Folder of a container's cgroup, by controller ("" of version 2)."""
        pid = self.engine.inspect(name)["State"]["Pid"]
        mounts, found = {}, {}
        for line in read("/proc/self/mountinfo").splitlines():
            left, right = line.split(" - ")
            if right.split()[0] in ("cgroup", "cgroup2"):
                names = right.split()[2].split(",") if right.split()[0] == "cgroup" else [""]
                mounts.update({n: left.split()[4] for n in names})
        for line in read("/proc", str(pid), "cgroup").splitlines():
            _, names, path = line.split(":", 2)
            found.update({n: mounts[n] + path for n in names.split(",") if n in mounts})
        return pid, found

    def figures(self, name):
        """By the kernel: what only grows, and what is there now."""
        pid, at = self.places(name)
        if "memory" in at:
            keys = dict(line.split() for line in read(at["memory"], "memory.stat").splitlines())
            kills = dict(line.split() for line in read(at["memory"], "memory.oom_control").splitlines())["oom_kill"]
            io = [line.split() for line in read(at["blkio"], "blkio.throttle.io_service_bytes_recursive").splitlines()]
            written = sum(int(v[2]) for v in io if len(v) == 3 and v[1] == "Write")
            grows = {"cpu": int(read(at["cpuacct"], "cpuacct.usage")) / 1e9, "peak": int(read(at["memory"], "memory.max_usage_in_bytes"))}
            now = {"usage": int(read(at["memory"], "memory.usage_in_bytes")), "inactive": int(keys["total_inactive_file"]),
                   "threads": int(read(at["pids"], "pids.current"))}
        else:
            top = at[""]
            keys = dict(line.split() for line in read(top, "memory.stat").splitlines())
            kills = dict(line.split() for line in read(top, "memory.events").splitlines())["oom_kill"]
            written = sum(int(word.split("=")[1]) for word in read(top, "io.stat").split() if word.startswith("wbytes="))
            cpu = dict(line.split() for line in read(top, "cpu.stat").splitlines())
            grows = {"cpu": int(cpu["usage_usec"]) / 1e6, "peak": int(read(top, "memory.peak"))}
            now = {"usage": int(read(top, "memory.current")), "inactive": int(keys["inactive_file"]),
                   "threads": int(read(top, "pids.current"))}
        traffic = [line.split(":")[1].split() for line in read("/proc", str(pid), "net/dev").splitlines()[2:]
                   if line.split(":")[0].strip() != "lo"]
        grows.update(kills=int(kills), written=written, received=sum(int(v[0]) for v in traffic), sent=sum(int(v[8]) for v in traffic))
        return grows, now

    @staticmethod
    def pids():
        return {e for e in os.listdir("/proc") if e.isdigit()}

    @staticmethod
    def forks():
        return int(read("/proc/stat").split("\nprocesses ")[1].split()[0])

    def held(self):
        """Files that the agent has open."""
        folder = f"/proc/{self.agent.process.pid}/fd"
        places = []
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                places.append(os.readlink(os.path.join(folder, fd)))
        return "\n".join(places)

    @staticmethod
    def told(sample):
        network = sample["network"] or {"received": None, "sent": None}
        return {"cpu": sample["cpu"]["seconds"], "peak": sample["memory"]["peak"], "kills": sample["memory"]["oomKills"],
                "written": sample["io"]["written"], "received": network["received"], "sent": network["sent"]}

    def check(self, name):
        """One sample between two looks of this test's own; what moves is left out by comparing what did not."""
        def bracketed():
            before, was = self.figures(name)
            self.sample(name, self.latest())  # what seldom moves is of this sample or of the next
            sample = self.sample(name, self.latest())
            after, now = self.figures(name)
            return (before, sample, after, was) if was == now else None
        before, sample, after, was = until(bracketed, f"{name} is at rest for the length of a sample")
        told = self.told(sample)
        for key, low in before.items():
            self.assertLessEqual(low - 1e-6, told[key], key)
            self.assertLessEqual(told[key], after[key] + 1e-6, key)
        self.assertAlmostEqual(sample["memory"]["usage"], was["usage"], delta=SLACK)
        self.assertAlmostEqual(sample["memory"]["workingSet"], was["usage"] - was["inactive"], delta=SLACK)
        self.assertEqual(sample["threads"], was["threads"])
        return sample

    @staticmethod
    def busy(work):
        return (f"    - name: busy\n      image: {hv.IMAGE}\n      pullPolicy: never\n      command: [/bin/sh, -c]\n"
                f"      args: [{json.dumps(work)}]\n      network: none\n      stop: {{signal: KILL}}\n"
                "      mounts: [{volume: data, target: /data}]\n"
                "      resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {memory: 64Mi}}\n")

    # --- tests ---

    def test_a_container_by_the_kernel_and_by_the_engine(self):
        # Memory, a file on the disk, and a child process that the kernel kills; then it rests.
        work = ("dd if=/dev/zero of=/dev/shm/held bs=1M count=20 2>/dev/null; "
                "dd if=/dev/zero of=/data/file bs=1M count=4 oflag=direct 2>/dev/null; "
                "sh -c 'x=a; while :; do x=$x$x; done' 2>/dev/null; exec sleep 1000000")
        self.up(RESOURCES + "  volumes: [{name: data}]\n  services:\n" + self.busy(work))
        tasks.poll(lambda: self.figures("hive-busy")[0]["kills"] >= 1, "the kernel has killed a process")
        sample = self.check("hive-busy")
        self.assertGreaterEqual(sample["memory"]["oomKills"], 1)
        self.assertGreaterEqual(sample["memory"]["anonymous"] + 20 * 2**20, 20 * 2**20)
        self.assertGreaterEqual(sample["memory"]["workingSet"], 20 * 2**20)
        self.assertEqual(sample["memory"]["limit"], 64 * 2**20)
        self.assertEqual((sample["kind"], sample["name"], sample["replica"]), ("Service", "busy", 1))
        self.assertEqual((sample["network"]["received"], sample["network"]["sent"]), (0, 0))  # network: none
        if hv.KIND == "docker":
            stats = self.engine.call("GET", "/containers/hive-busy/stats?stream=false")
            self.assertAlmostEqual(sample["cpu"]["seconds"], stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, delta=0.5)
            self.assertAlmostEqual(sample["memory"]["usage"], stats["memory_stats"]["usage"], delta=SLACK)
            self.assertEqual(sample["memory"]["limit"], stats["memory_stats"]["limit"])
            self.assertEqual(sample["threads"], stats["pids_stats"]["current"])
        # Everywhere the same sample.
        stats = self.usage("/api/v1/services/busy/stats")["containers"]
        self.assertEqual([c["container"] for c in stats], ["hive-busy"])
        older = self.usage("/api/resources")["containers"]["hive-busy"]
        self.assertEqual(older["memory_limit"], 64 * 2**20)
        self.assertIn('container_oom_events_total{name="hive-busy",kind="service",object="busy"} ', self.agent.call("GET", "/metrics"))
        # It was no end of the container, and is told all the same.
        self.agent.wait(lambda: "OOMKilledChild" in json.dumps(self.agent.call("GET", "/api/v1/events")), "it is told")
        self.assertIn('hivelet_oom_kills_total{name="hive-busy",scope="child"} 1', self.agent.call("GET", "/metrics"))

    def test_the_network_of_a_container(self):
        self.up(RESOURCES + "  networks: [{name: backend}]\n  node: {policy: {hostNetwork: allow}}\n  services:\n"
                + hv.service("joined", network="networks: [{name: backend}]") + hv.service("hosts", network="network: host"))
        before = self.check("hive-joined")["network"]
        pid = self.engine.inspect("hive-joined")["State"]["Pid"]
        # A datagram to the network's gateway, from inside.
        address = self.engine.call("GET", "/networks/backend")["IPAM"]["Config"][0]
        gateway = address.get("Gateway") or address["Subnet"].rsplit(".", 1)[0] + ".1"
        subprocess.run(["nsenter", "--target", str(pid), "--net", "--", "bash", "-c",
                        f"for i in 1 2 3 4 5 6 7 8; do printf '%01000d' 0 >/dev/udp/{gateway}/9; done"], check=True)
        after = self.check("hive-joined")["network"]
        self.assertGreaterEqual(after["sent"], before["sent"] + 8 * 1000)
        self.assertIsNone(self.sample("hive-hosts")["network"])
        self.assertNotIn('container_network_receive_bytes_total{name="hive-hosts"', self.agent.call("GET", "/metrics"))

    def test_another_start_and_the_end(self):
        self.up(RESOURCES + "  services:\n" + hv.service("again"))
        first = self.sample("hive-again")
        events = hv.Events(self.engine.sock)
        try:
            self.engine.call("POST", "/containers/hive-again/kill")
            events.next("start")
        finally:
            events.close()
        self.agent.wait_synced()
        pid = self.engine.inspect("hive-again")["State"]["Pid"]
        self.sample("hive-again", first["sampledAt"])
        self.check("hive-again")
        self.assertIn(f"/proc/{pid}/", self.held())
        # Nothing of what ended is held: neither its network nor its cgroup.
        self.agent.desire(hv.document(RESOURCES + "  node: {safety: {maxPrune: 100%, allowEmpty: true}}\n"))
        tasks.poll(lambda: self.usage()["containers"] == [], "it is not shown any more")
        tasks.poll(lambda: f"/proc/{pid}/" not in self.held(), "it is not held any more")

    def test_the_machine(self):
        self.up(RESOURCES)

        def meminfo():
            return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in read("/proc/meminfo").splitlines()}

        tasks.poll(lambda: self.usage()["host"]["cpu"]["percent"] is not None, "a second sample")
        host = self.usage()["host"]
        self.assertEqual(host["memory"]["total"], meminfo()["MemTotal"])
        self.assertEqual(host["memory"]["used"], host["memory"]["total"] - host["memory"]["available"])
        self.assertEqual(host["cpu"]["count"], len(os.sched_getaffinity(0)))
        self.assertTrue(0 <= host["cpu"]["percent"] <= 100)
        paths = {d["use"]: d for d in host["disks"]}
        fs = os.statvfs(self.agent.dir)
        self.assertEqual(paths["work"]["total"], fs.f_blocks * fs.f_frsize)
        self.assertNotIn("state", paths)  # the same file system

        # Who is there before and after was there all the time; more than have begun since cannot have come.
        before, forks, newer = self.pids(), self.forks(), self.latest()
        tasks.poll(lambda: self.latest() > newer, "a new sample")
        told = self.usage()["host"]["processes"]
        self.assertGreaterEqual(told, len(before & self.pids()))
        self.assertLessEqual(told, len(before) + self.forks() - forks)
        if os.path.exists("/proc/pressure/cpu"):
            self.assertLessEqual(host["pressure"]["cpu"]["someSeconds"], int(read("/proc/pressure/cpu").split("total=")[1].split()[0]) / 1e6)
        self.check_machine()
        older = self.usage("/api/resources")
        self.assertEqual(set(older) >= {"cpu_available", "memory_available", "disk_available", "running_tasks"}, True)
        history = self.usage("/api/v1/usage?history=1")["host"]["history"]
        self.assertEqual(sorted(p["at"] for p in history), [p["at"] for p in history])

    # Of the machine, by name: what the kernel says, and what the agent does. What moves on has to be the same, or to lie between, in one sample.
    def kernels(self):
        fs = os.statvfs(self.agent.dir)
        memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in read("/proc/meminfo").splitlines()}
        traffic = {line.split(":")[0].strip(): line.split(":")[1].split() for line in read("/proc/net/dev").splitlines()[2:]}
        load = read("/proc/loadavg").split()
        return {"load 1m": float(load[0]), "load 5m": float(load[1]), "load 15m": float(load[2]), "threads": int(load[3].split("/")[1]),
                "memory available": memory["MemAvailable"], "swap free": memory["SwapFree"], "disk available": fs.f_bavail * fs.f_frsize,
                "files free": fs.f_favail, **{f"received {n}": int(v[0]) for n, v in traffic.items()}, **{f"sent {n}": int(v[8]) for n, v in traffic.items()}}

    def agents(self):
        host = self.usage()["host"]
        disk = next(d for d in host["disks"] if d["use"] == "work")
        traffic = {i["name"]: i for i in host["network"]["interfaces"]}
        return {
            "load 1m": host["load"]["1m"], "load 5m": host["load"]["5m"], "load 15m": host["load"]["15m"], "threads": host["threads"],
            "memory available": host["memory"]["available"], "swap free": host["memory"]["swapFree"], "disk available": disk["available"],
            "files free": disk["filesFree"], **{f"received {n}": i["received"] for n, i in traffic.items()},
            **{f"sent {n}": i["sent"] for n, i in traffic.items()}}

    def check_machine(self):
        missing = set(self.kernels()) - {"received lo", "sent lo"}

        def one_round():
            """Takes out those that were told as they were; the others moved to and fro in between."""
            before, first = self.kernels(), self.latest()
            tasks.poll(lambda: self.latest() > first, "a new sample")
            told = self.agents()
            after = self.kernels()
            for name in list(missing):
                if name not in before or name not in after:  # an interface that is gone
                    missing.discard(name)
                elif name in told and min(before[name], after[name]) <= told[name] <= max(before[name], after[name]):
                    missing.discard(name)
            return not missing
        tasks.poll(one_round, "each figure of the machine is the kernel's")

    def counted(self):
        """What a node at rest must not do, as counts: calls of the engine, lines of the log, passes of the planner, files of the state."""
        figures = dict(line.rsplit(" ", 1) for line in self.agent.call("GET", "/metrics", accept="text/plain").splitlines() if line[0] != "#")
        passes = sum(int(v) for k, v in figures.items() if k.startswith("hivelet_reconcile_total"))
        files = {os.path.join(d, n): os.stat(os.path.join(d, n)).st_mtime_ns for d, _, names in os.walk(os.path.join(self.agent.dir, "state")) for n in names}
        written = int(read("/proc", str(self.agent.process.pid), "io").split("\nwrite_bytes: ")[1].split()[0])
        done = {"engine": list(self.proxies[0].requests), "log": self.agent.text_of_log(), "passes": passes, "files": files, "written": written}
        return done, int(figures["hivelet_loop_turns_total"]), self.usage()["generation"]

    def test_a_node_at_rest_is_quiet(self):
        """Nothing happens, and nothing is done but rounds of samples: the agent wakes once for each. (It watches the folders above its files
        as well: they are not those in which everybody makes temporary ones.)"""
        place = tempfile.mkdtemp(prefix="hva", dir="/var/lib")
        self.addCleanup(shutil.rmtree, place)
        self.agent.done()
        self.agent = hv.Agent(self.engine.sock, directory=place)
        self.through_proxy()
        self.up(RESOURCES + "  node: {reconcile: {resync: 1h}}\n  gc: {interval: 1h}\n  services:\n" + "".join(hv.service(f"s{i}") for i in range(6)))
        self.sample("hive-s5")
        self.agent.ctl("gc")  # the next collection is in an hour, too

        def rested():
            before, turns, first = self.counted()
            time.sleep(SPAN_S)  # a question would wake it
            after, turns_now, last = self.counted()
            return (turns_now - turns, last - first) if before == after and last > first else None
        # What follows a start may be in the first span.
        turns, rounds = until(rested, "a span in which nothing is done")
        self.assertLessEqual(turns, rounds + TURNS_OF_A_QUESTION * 2)

    def test_hivectl_top(self):
        self.up(RESOURCES + "  services:\n" + hv.service("shown"))
        self.sample("hive-shown")
        text = self.agent.ctl("top").stdout
        self.assertIn("Memory", text)
        row = [line for line in text.splitlines() if line.startswith("Service\tshown\t")]
        self.assertEqual(len(row), 1, text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("shown", self.agent.ctl("top", "node").stdout)
        self.assertNotIn("shown", self.agent.ctl("top", "tasks").stdout)
        self.assertIn("hive-shown", self.agent.ctl("top", "services", "-o", "wide").stdout)
        self.assertEqual(json.loads(self.agent.ctl("top", "-o", "json").stdout)["kind"], "Usage")


if __name__ == "__main__":
    base.main()
