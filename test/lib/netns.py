"""netns.py - machines that share a network: namespaces on one bridge, which nobody else sees and nothing outlives.

A namespace is held by a process of its own, so it has no name on this machine and ends with it.
"""
import os
import subprocess
import time


class Namespace:
    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        here, until = os.readlink("/proc/self/ns/net"), time.monotonic() + 90
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == here:
            if time.monotonic() > until or self.holder.poll() is not None:
                raise RuntimeError("no network namespace was made")
            time.sleep(0.01)  # nothing tells of it
        self.ip("link", "set", "lo", "up")

    @property
    def enter(self):
        """In front of a command: it becomes that command, in here."""
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--"]

    def run(self, *command):
        return subprocess.run([*self.enter, *command], check=True, capture_output=True, text=True).stdout

    def ip(self, *args):
        return self.run("ip", *args)

    def end(self):
        self.holder.kill()
        self.holder.wait()


class Machine(Namespace):
    """On the switch, at one address of 10.77.0.0/24."""

    def __init__(self, switch, number):
        super().__init__()
        self.switch, self.port, self.address = switch, f"port{number}", f"10.77.0.{number}"
        switch.ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        switch.ip("link", "set", self.port, "master", "bridge", "up")
        self.ip("address", "add", self.address + "/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")

    def cut_off(self):
        """Silently, as by a cable that is pulled somewhere on the way: what is sent is lost, and nobody is told."""
        self.switch.ip("link", "set", self.port, "nomaster")

    def join(self):
        self.switch.ip("link", "set", self.port, "master", "bridge")


class Switch(Namespace):
    def __init__(self):
        super().__init__()
        self.machines = []
        self.ip("link", "add", "bridge", "type", "bridge")
        self.ip("link", "set", "bridge", "up")

    def machine(self, number):
        self.machines.append(Machine(self, number))
        return self.machines[-1]

    def end(self):
        for m in self.machines:
            m.end()
        super().end()
