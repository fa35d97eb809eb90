#!/usr/bin/env python3
"""What a task leaves among its results to be read from elsewhere: links, devices, pipes, sockets, mounts, names that change while
they are looked at. Whatever it is, nothing of the host comes out, each is left out for its own reason, and what is good is kept."""
import io
import json
import os
import socket
import subprocess
import tarfile
import unittest

import base
import hv
import tasks

SECRET = "the host's own secret 5d1f0c"
# Only who may do more than any task can plant these: what root may, and what is a device.
AS_ROOT = {"security": {"user": "0", "addCapabilities": ["MKNOD"]}}

WAIT = "while [ ! -e go ]; do sleep 0.02; done"
PLANTED = {  # name: (what makes it, the reason)
    "absolute": ("ln -s {host} absolute", "a symbolic link"),
    "relative": ("ln -s ../../../../../../../../../..{host} relative", "a symbolic link"),
    "root": ("ln -s / root", "a symbolic link"),
    "magic": ("ln -s /proc/self/root magic", "a symbolic link"),
    "magic-cwd": ("ln -s /proc/1/cwd magic-cwd", "a symbolic link"),
    "magic-fd": ("ln -s /proc/self/fd magic-fd", "a symbolic link"),
    "loop": ("ln -s . loop", "a symbolic link"),
    "dangling": ("ln -s nothing dangling", "a symbolic link"),
    "outside": ("ln -s ../secret outside", "a symbolic link"),
    "chain": ("ln -s absolute chain", "a symbolic link"),
    "deep/link": ("mkdir deep; ln -s {host} deep/link", "a symbolic link"),
    "hard": ("ln ../secret hard", "a hard link to a file outside of the outputs"),
    "task": ("ln ../task.json task", "a hard link to a file outside of the outputs"),
    "pipe": ("mkfifo pipe", "a fifo"),
    "null": ("mknod null c 1 3", "a device"),
    "memory": ("mknod memory c 1 1", "a device"),
    "disk": ("mknod disk b 7 0", "a device"),
    "socket": (f"touch ready; {WAIT}; [ -S socket ]", "a socket"),  # which the test makes
}


class Case(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = self.worker()
        self.host = os.path.join(self.agent.dir, "shadow")
        with open(self.host, "w") as f:
            f.write(SECRET)
        self.agent.write(hv.document("  node: {policy: {privileged: allow, capabilities: [MKNOD]}}\n"
                                     f"  taskDefaults: {{image: {hv.IMAGE}}}\n"))
        self.agent.start()
        self.agent.wait_synced()

    def worker(self):
        return tasks.Worker(self.engine, "hostile")

    def begin(self, name, script, **spec):
        self.agent.submit(name, {"command": ["/bin/sh", "-c", script], **spec})

    def ended(self, name):
        self.agent.wait(lambda: self.agent.ledger.tasks()[name]["ended_us"], f"{name} has ended")
        return self.agent.ledger.tasks()[name]

    def manifest(self, name):
        return json.loads(self.agent.result(name, 1, "manifest.json"))

    def running_in(self, name):
        """The folder of results of a task that says it is ready there."""
        top, found = os.path.join(self.agent.state, "tasks", name), []
        tasks.poll(lambda: found.extend(d for d, _, names in os.walk(top) if "ready" in names) or found, f"{name} runs")
        return found[0]

    @staticmethod
    def go(results):
        with open(os.path.join(results, "go"), "w"):
            pass

    def everything_of(self, name):
        """Each byte that comes out: the store, and the archive that the API makes of it."""
        top, found = os.path.join(self.agent.state, "results", name), b""
        for d, dirs, names in os.walk(top):
            for n in dirs + names:
                path = os.path.join(d, n)
                self.assertFalse(os.path.islink(path), path)
                if n in names:
                    self.assertTrue(os.path.isfile(path), path)
                    with open(path, "rb") as f:
                        found += f.read()
        c = hv.UnixConnection(self.agent.socket)
        c.request("GET", f"/api/v1/tasks/{name}/results?format=tar")
        r = c.getresponse()
        data = r.read()
        c.close()
        self.assertEqual(r.status, 200, data[:300])
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                self.assertTrue(member.isfile() or member.isdir(), member.name)
        return found + data

class Hostile(Case):
    def test_each_is_left_out_for_its_own_reason(self):
        script = "echo not yours >secret; mkdir results; cd results; echo good >good\n"
        script += "\n".join("(" + how.replace("{host}", self.host) + ") || exit 9" for how, _ in PLANTED.values())
        self.begin("planted", script, **AS_ROOT)
        results = self.running_in("planted")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.join(results, "socket"))
        self.go(results)
        row = self.ended("planted")
        self.assertEqual((row["state"], row["exit_code"]), ("Completed", 0), self.agent.result("planted", 1, "log"))
        manifest = self.manifest("planted")
        left_out = {e["path"]: e["reason"] for e in manifest["leftOut"]}
        for name, (_, reason) in PLANTED.items():
            with self.subTest(name):
                self.assertEqual(left_out.pop(f"results/{name}", None), reason)
        self.assertEqual(left_out, {})
        self.assertEqual([f["path"] for f in manifest["files"]], ["results/go", "results/good", "results/ready"])
        out = self.everything_of("planted")
        for secret in (SECRET, "not yours"):
            self.assertNotIn(secret.encode(), out)

    def test_results_itself_is_a_link(self):
        for name, target in (("whole", self.agent.dir), ("upwards", "../.."), ("slash", "/")):
            with self.subTest(name):
                self.begin(name, f"ln -s {target} results")
                self.assertEqual(self.ended(name)["state"], "Completed")
                manifest = self.manifest(name)
                self.assertEqual([(e["path"], e["reason"]) for e in manifest["leftOut"]], [("results", "a symbolic link")])
                self.assertEqual(manifest["files"], [])
                self.assertNotIn(SECRET.encode(), self.everything_of(name))

    def test_what_its_user_may_not_read_is_kept_and_what_is_deep_is_not(self):
        """The agent reads what the task made, whatever the mode says; it goes down no further than its own limit."""
        self.begin("modes", "mkdir -p results/shut; echo a >results/shut/a; echo b >results/b; chmod 0 results/b results/shut;"
                            " d=results; i=0; while [ $i -lt 300 ]; do d=$d/d; i=$((i+1)); mkdir $d || break; done; exit 0")
        self.assertEqual(self.ended("modes")["state"], "Completed")
        manifest = self.manifest("modes")
        self.assertEqual([f["path"] for f in manifest["files"]], ["results/b", "results/shut/a"])
        self.assertEqual([e["reason"] for e in manifest["leftOut"]], ["too deep"])

    def test_a_folder_that_becomes_a_link_while_it_is_collected(self):
        """Somebody else in the workspace exchanges folders for links to the host's, as fast as he can, before, while and after it is
        collected; twelve tasks, so that the exchange meets each step of it."""
        for i in range(12):
            name = f"raced-{i}"
            self.begin(name, "mkdir -p results/d results/e; for i in $(seq 200); do echo good >results/d/$i; done;"
                             " echo good >results/e/shadow; touch results/ready; cd results; " + WAIT)
            results = self.running_in(name)
            racer = self.engine.call("POST", f"/containers/create?name=racer-{i}", {
                "Image": hv.IMAGE, "Entrypoint": ["/bin/sh", "-c", f"cd /r; ln -s {self.agent.dir} l; touch racing; while :; do mv d x; mv l d; mv e y;"
                                                                   " ln -s /r/../.. e; mv d l; mv x d; rm -f e; mv y e; done"],
                "HostConfig": {"NetworkMode": "none", "Binds": [f"{results}:/r"]}})["Id"]
            self.engine.call("POST", f"/containers/{racer}/start")
            tasks.poll(lambda: os.path.exists(os.path.join(results, "racing")), "the race goes on")
            self.go(results)
            self.assertEqual(self.ended(name)["state"], "Completed")
            self.engine.call("DELETE", f"/containers/{racer}?force=1")
            self.assertNotIn(SECRET.encode(), self.everything_of(name))
            reasons = {e["reason"] for e in self.manifest(name)["leftOut"]}
            self.assertLessEqual(reasons, {"a symbolic link", "it changed while it was looked at", "it cannot be opened"})
        self.agent.wait_synced()
        self.assertTrue(os.path.exists(self.host), "and nothing of the host was tidied away")


class MountedOver(Case):
    """Something is mounted among the results, where the agent sees it."""

    def worker(self):
        return Inside(self.engine, "mounted")

    def mount(self, *words):
        subprocess.run(["nsenter", "--target", str(self.agent.process.pid), "--mount", "--", *words], check=True)

    def is_unmounted(self, path):
        try:
            self.mount("umount", path)
        except subprocess.CalledProcessError:
            return False
        return True

    def test_what_is_mounted_is_no_result(self):
        folder = os.path.join(self.agent.dir, "host")
        os.mkdir(folder)
        os.rename(self.host, os.path.join(folder, "shadow"))
        self.begin("one", "mkdir -p results/m; echo good >results/good; touch results/f results/ready; cd results; " + WAIT)
        results = self.running_in("one")
        self.mount("mount", "--bind", folder, os.path.join(results, "m"))
        self.mount("mount", "--bind", os.path.join(folder, "shadow"), os.path.join(results, "f"))
        self.go(results)
        self.ended("one")
        manifest = self.manifest("one")
        self.assertEqual({(e["path"], e["reason"]) for e in manifest["leftOut"]},
                         {(f"results/{n}", "something is mounted there") for n in ("m", "f")})
        self.assertEqual([f["path"] for f in manifest["files"]], ["results/go", "results/good", "results/ready"])
        self.assertNotIn(SECRET.encode(), self.everything_of("one"))
        for name in ("m", "f"):  # the agent tries to remove them, and may have one open
            tasks.poll(lambda n=name: self.is_unmounted(os.path.join(results, n)), f"{name} is not mounted any more")
        self.agent.wait_synced()  # now its workspace can be removed
        with open(os.path.join(folder, "shadow")) as f:
            self.assertEqual(f.read(), SECRET)


class Inside(tasks.Worker):
    """In a mount namespace of its own, which ends with it."""

    def arguments(self, *more):
        return ["unshare", "--mount", "--propagation", "private", *super().arguments(*more)]


if __name__ == "__main__":
    unittest.main(verbosity=2)
