#!/usr/bin/env python3
"""GPUs on a real engine, whose driver's library and runtime's hook are the tests' (lib/gpus.py): who gets which, who waits, what the
agent knows after it was killed, and how a container is mended that lost its own."""
import json
import os

import base
import gpus
import hv
from hv import document, service

SMALL, LARGE = ("GPU-small-0001", 0, 8192), ("GPU-large-0002", 1, 24576)
FAST = "  node: {reconcile: {resync: 1s}}\n  resources: {monitor: {interval: 1s}, gpus: {healthInterval: 1s%s}}\n"


def task(name, requests, more=""):
    return (f"    - name: {name}\n      image: {hv.IMAGE}\n      pullPolicy: never\n      command: [/bin/sleep, '1000000']\n"
            f"      stop: {{signal: KILL}}\n      resources: {{requests: {{cpu: 10m, memory: 8Mi, {requests}}}}}\n{more}")


def using(name, requests):
    return service(name).replace("memory: 1Mi}", "memory: 1Mi, " + requests + "}")


class Gpus(base.Case):
    @classmethod
    def setUpClass(cls):
        cls.machine = gpus.Machine()
        os.environ["HV_ENGINE_PATH"] = cls.machine.hooks
        try:
            super().setUpClass()
        finally:
            del os.environ["HV_ENGINE_PATH"]

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.machine.done()

    def start(self, body, rules=""):
        self.agent.write(document(FAST % rules + body))
        self.agent.start(env={"LD_LIBRARY_PATH": self.machine.dir})

    def held(self, container):
        """What the engine was asked for; the label says the same."""
        found = self.engine.look(container)
        if not found:  # it is being made anew
            return None
        requests = found["HostConfig"]["DeviceRequests"] or []
        ids = [uuid for r in requests for uuid in r["DeviceIDs"]]
        self.assertEqual(found["Config"]["Labels"].get("io.hivelet.gpus", ""), ",".join(ids))
        return ids

    def containers(self):
        return {c["Names"][0].lstrip("/"): c for c in self.engine.call("GET", "/containers/json?all=1")}

    def runs(self, prefix):
        return next((name for name, c in self.containers().items() if name.startswith(prefix) and c["State"] == "running"), None)

    def tasks(self):
        return {t["metadata"]["task"]: t["status"] for t in self.agent.call("GET", "/api/v1/tasks")["items"]}

    def healthy(self):
        return next((c["status"], c["reason"], c["message"]) for c in self.agent.call("GET", "/api/v1/status")["conditions"]
                    if c["type"] == "GPUHealthy")

    def rules_of(self, container):
        pid = self.engine.inspect(container)["State"]["Pid"]
        with open(f"/proc/{pid}/cgroup") as f:
            place = next(line.split(":", 2)[2].strip() for line in f if ":devices:" in line)
        return "/sys/fs/cgroup/devices" + place

    def lets_through(self, container):
        with open(os.path.join(self.rules_of(container), "devices.list")) as f:
            return "c 195:* rwm" in f.read()

    def test_a_service_that_lost_its_device_is_made_anew(self):
        self.machine.has(SMALL, LARGE)
        self.start("  services:\n" + using("web", "gpus: 1") + service("none"))
        self.agent.wait_synced()
        self.assertEqual(self.held("hive-web"), [SMALL[0]])
        self.assertEqual(self.held("hive-none"), [])
        self.assertIn("NVIDIA_VISIBLE_DEVICES=void", self.engine.inspect("hive-none")["Config"]["Env"])
        self.assertTrue(self.lets_through("hive-web"))
        before, other = self.engine.inspect("hive-web")["Id"], self.started_at("hive-none")
        # What systemd does to the cgroup of a container at "systemctl daemon-reload": it writes its own rules, without this one.
        with open(os.path.join(self.rules_of("hive-web"), "devices.deny"), "w") as f:
            f.write("c 195:* rwm")
        self.agent.wait(lambda: self.containers().get("hive-web", {}).get("Id", before) != before and
                        self.containers()["hive-web"]["State"] == "running", "another container")
        self.assertTrue(self.lets_through("hive-web"))
        self.assertEqual(self.held("hive-web"), [SMALL[0]])
        self.assertIn("its cgroup does not let it use GPU-small-0001 any more", self.agent.text_of_log())
        self.assertEqual(self.started_at("hive-none"), other)
        self.agent.wait_synced()

    def test_a_service_whose_gpu_fell_off_its_bus_gets_another(self):
        self.machine.has(SMALL, LARGE)
        self.start("  services:\n" + using("web", "gpus: 1") + "  tasks:\n" + task("sum", "gpus: 1, gpuMemory: 10Gi"))
        self.agent.wait(lambda: self.runs("task-sum"), "the task runs")
        self.agent.wait_synced()
        task_container = self.runs("task-sum")
        self.assertEqual((self.held("hive-web"), self.held(task_container)), ([SMALL[0]], [LARGE[0]]))
        self.assertEqual([self.containers()[c]["Labels"]["io.hivelet.gpu-memory"] for c in ("hive-web", task_container)], ["0", str(10 << 30)])
        self.machine.has(SMALL, LARGE, more=f"lost {LARGE[0]}\n")
        self.agent.wait(lambda: self.tasks()["sum"]["phase"] == "Failed", "the attempt ends")
        self.assertIn("GpuLost: GPU-large-0002 does not work any more", self.tasks()["sum"]["message"])
        self.assertEqual(self.healthy(), ("False", "GpuLost", "GPU 1 (GPU-large-0002) is lost: its driver does not reach it"))
        self.machine.has(SMALL, LARGE, more=f"lost {SMALL[0]}\n")
        self.agent.wait(lambda: "hive-web" in self.containers() and self.held("hive-web") == [LARGE[0]], "the other GPU")
        self.agent.wait_synced()

    def test_who_waits_and_who_never_fits(self):
        self.machine.has(SMALL, LARGE)
        self.start("  tasks:\n" + task("a", "gpus: 2") + task("b", "gpus: 1", "      priority: 1\n") + task("c", "gpus: 3") +
                   task("d", "gpus: 1, gpuMemory: 40Gi"))
        self.agent.wait(lambda: self.runs("task-a") and self.tasks()["b"].get("reason") == "WaitingGpu" and
                        self.tasks()["d"]["phase"] == "Rejected", "one runs, one waits")
        tasks = self.tasks()
        self.assertEqual(tasks["b"]["message"], "waits for room: asks for 1 GPU, 0 such are left")
        self.assertEqual((tasks["c"]["phase"], tasks["c"]["message"]),
                         ("Rejected", "never fits: asks for 3 GPUs, 2 such can be given to tasks on this node"))
        self.assertIn("asks for 1 GPU with 40Gi, 0 such can be given", tasks["d"]["message"])
        # 32 GiB in all are not twice 12 of one.
        path = os.path.join(self.machine.dir, "task.yaml")
        with open(path, "w") as f:
            f.write("apiVersion: hivelet/v1\nkind: Task\nmetadata: {name: fits}\nspec:\n" + f"  image: {hv.IMAGE}\n" +
                    "  resources: {requests: {cpu: 10m, memory: 8Mi, gpus: 2, gpuMemory: 12Gi}}\n")
        self.assertIn("asks for 2 GPUs with 12Gi, 1 such can be given to tasks on this node", self.agent.ctl("fit", "-f", path).stdout)
        # Killed, and started anew: what runs holds what it held.
        self.agent.kill()
        self.agent.start(env={"LD_LIBRARY_PATH": self.machine.dir})
        self.agent.wait(lambda: self.tasks()["b"]["message"] == tasks["b"]["message"], "it waits as before")
        running = self.runs("task-a")
        self.assertEqual(sorted(self.held(running)), sorted([SMALL[0], LARGE[0]]))
        node = self.agent.call("GET", "/api/v1/node")
        shown = {g["uuid"]: g for g in node["gpus"]["items"]}
        self.assertEqual(shown[SMALL[0]]["holders"], [running])
        self.computes(running, 80, 300)
        self.computes(running, 20, 100)
        self.engine.call("POST", f"/containers/{running}/kill")
        self.agent.wait(lambda: self.runs("task-b"), "its turn has come")
        self.assertEqual(self.held(self.runs("task-b")), [SMALL[0]])
        # What the first one used of its GPUs outlives it.
        task_id = running[len("task-"):]
        used = json.loads(self.agent.ctl("task", "receipt", task_id).stdout)["receipt"]["usage"]["gpu"]
        self.assertEqual((used["memoryPeakBytes"], used["usePeakPercent"]), (300 << 20, 80))
        self.assertTrue(0 < used["useMeanPercent"] < 80, used)
        self.assertEqual(self.agent.call("GET", f"/api/v1/tasks/{task_id}")["attempts"][0]["usage"]["gpu"], used)
        self.assertRegex(self.agent.ctl("task", "show", task_id).stdout, rf"{used['useMeanPercent']}% \(80%\)\s+300\.0Mi")

    def computes(self, container, percent, mib):
        pid = self.engine.inspect(container)["State"]["Pid"]
        self.machine.has(SMALL, LARGE, more=f"process {SMALL[0]} {pid} {mib}\nuse {SMALL[0]} {pid} {percent}\n")
        self.agent.wait(lambda: [g["use"] for c in self.agent.call("GET", "/api/v1/usage")["containers"] if c["container"] == container
                                 for g in c["gpus"] if g["uuid"] == SMALL[0]] == [percent], "a sample of it")

    def test_shared_gpus_add_up(self):
        self.machine.has(LARGE)
        self.start("  tasks:\n" + "".join(task(n, "gpus: 1, gpuMemory: 10Gi") for n in "abc"), ", mode: shared")
        self.agent.wait(lambda: sorted(t["phase"] for t in self.tasks().values()) == ["Queued", "Running", "Running"], "two of three")
        self.assertIn("asks for 1 GPU with 10Gi, 0 such are left", str(self.tasks()))

    def test_instances_are_given_and_what_was_cut_is_not(self):
        cut = f"mig {LARGE[0]}\ninstance {LARGE[0]} MIG-one 4864 NVIDIA A100 MIG 1g.5gb\ninstance {LARGE[0]} MIG-two 9728 NVIDIA A100 MIG 2g.10gb\n"
        self.machine.has(LARGE, more=cut)
        self.start("  services:\n" + using("web", "gpus: 1") + "  tasks:\n" + task("big", "gpus: 1, gpuMemory: 9Gi") + task("huge", "gpus: 1, gpuMemory: 20Gi"))
        self.agent.wait(lambda: self.runs("task-big"), "the task runs")
        self.agent.wait_synced()
        self.assertEqual((self.held("hive-web"), self.held(self.runs("task-big"))), (["MIG-one"], ["MIG-two"]))
        self.assertIn("asks for 1 GPU with 20Gi, 0 such", self.tasks()["huge"]["message"])

    def test_a_driver_that_hangs_takes_nothing_from_anybody(self):
        self.machine.has(SMALL)
        self.start("  services:\n" + using("web", "gpus: 1"))
        self.agent.wait_synced()
        started = self.started_at("hive-web")
        self.machine.has(SMALL, more="hang nvmlDeviceGetMemoryInfo\n")
        self.agent.wait(lambda: "does not answer within" in self.agent.text_of_log(), "the helper is ended")
        self.agent.wait(lambda: "does not answer" in (self.agent.call("GET", "/api/v1/node")["gpus"]["message"] or ""), "it is told")
        self.agent.wait(lambda: self.healthy()[:2] == ("False", "GpuUnreachable"), "it is a condition")
        self.assertEqual(self.started_at("hive-web"), started)
        self.assertTrue(self.agent.status()["synced"])

    def test_what_is_told_of_them(self):
        self.machine.has(SMALL, LARGE)
        self.start("  services:\n" + using("web", "gpus: 1"))
        self.agent.wait_synced()
        # Whose process it is, its cgroup says.
        pid = self.engine.inspect("hive-web")["State"]["Pid"]
        self.machine.has(SMALL, LARGE, more=f"process {SMALL[0]} {pid} 300\nprocess {SMALL[0]} {os.getpid()} 7\nuse {SMALL[0]} {pid} 25\n")
        self.agent.wait(lambda: [g["use"] for c in self.agent.call("GET", "/api/v1/usage")["containers"] for g in c["gpus"]] == [25], "what it uses")
        used = self.agent.call("GET", "/api/v1/services/web/stats")["containers"][0]["gpus"]
        self.assertEqual(used, [{"uuid": SMALL[0], "assigned": True, "use": 25, "memory": {"total": 8192 << 20, "used": 300 << 20}, "processes": 1}])
        self.assertRegex(self.agent.ctl("top", "services", "--once").stdout, r"\tGPU\tGPU MEMORY\n.*\t25\.0 %\t300 MiB\n")
        usage = {g["uuid"]: g for g in self.agent.call("GET", "/api/v1/usage")["gpus"]}
        self.assertEqual((usage[LARGE[0]]["use"], usage[LARGE[0]]["temperatureCelsius"], usage[LARGE[0]]["memory"]["total"]),
                         (40, 61, 24576 << 20))
        metrics = self.agent.call("GET", "/metrics", accept="text/plain")
        self.assertIn('hivelet_gpu_temperature_celsius{uuid="GPU-large-0002"} 61', metrics)
        self.assertIn('hivelet_gpu_memory_bytes{uuid="GPU-small-0001",state="used"} 536870912', metrics)
        self.assertIn("\nhivelet_gpu_healthy 1\n", metrics)
        whose = '{name="hive-web",kind="service",object="web",acc_id="GPU-small-0001"}'
        self.assertIn(f"container_accelerator_memory_used_bytes{whose} {300 << 20}\n", metrics)
        self.assertIn(f"container_accelerator_duty_cycle{whose} 25\n", metrics)
        self.assertEqual(self.healthy(), ("True", "Ok", "2 GPUs, NVIDIA driver 550.54.14"))
        # The judgement of a file knows them, too.
        self.agent.write(document(FAST % ", select: [{uuid: GPU-other}, {uuid: GPU-large}]" + "  tasks:\n" + task("two", "gpus: 2")))
        said = self.agent.run("--check", env={"LD_LIBRARY_PATH": self.machine.dir}).stderr
        self.assertIn("warning[W031]: spec.resources.gpus.select[0]: no GPU of this machine is like this entry", said)
        self.assertIn("warning[W032]: spec.tasks[0].resources.requests.gpus: asks for 2 GPUs, this node has 1", said)
        self.assertIn("GPU-small-0001", self.agent.ctl("top", "gpu", "--once").stdout)


if __name__ == "__main__":
    base.main()
