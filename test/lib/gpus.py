"""gpus.py - a machine with GPUs, made of a library and a runtime's hook: what the agent asks (lib/nvml/stub.c), and what Docker starts
for a container that asks for GPUs. The hook does what NVIDIA's does with cgroups of version 1: it lets the devices through behind
everybody's back."""
import os
import tempfile

import hv

HOOK = """#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')
place=$(sed -n 's/^[0-9]*:devices://p' "/proc/$pid/cgroup")
echo 'c 195:* rwm' >"/sys/fs/cgroup/devices$place/devices.allow"
"""


class Machine:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hvg", dir="/tmp")
        self.hooks = os.path.join(self.dir, "hooks")
        os.mkdir(self.hooks)
        os.symlink(os.path.join(hv.BUILD, "test", "lib", "nvml", "libnvidia-ml.so.1"), os.path.join(self.dir, "libnvidia-ml.so.1"))
        with open(os.path.join(self.hooks, "nvidia-container-runtime-hook"), "w") as f:
            f.write(HOOK)
            os.fchmod(f.fileno(), 0o755)

    def has(self, *gpus, more=""):
        """gpus: (uuid, minor, MiB). More lines of lib/nvml/stub.c."""
        path = os.path.join(self.dir, "gpus")
        with open(path + ".new", "w") as f:
            f.write("driver 550.54.14\n" + "".join(f"gpu {uuid} {minor} {mib} 512 40 61 NVIDIA A100\n" for uuid, minor, mib in gpus) + more)
        os.rename(path + ".new", path)

    def done(self):
        import shutil
        shutil.rmtree(self.dir)
