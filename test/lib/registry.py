"""registry.py - Debian's docker-registry in the network namespace of a private engine, without a login."""
import os
import subprocess

ADDRESS = "127.0.0.1:5001"  # the namespace is the engine's alone
SETTINGS = """version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {dir}/data}}}}
http: {{addr: "{address}"}}
"""


class Registry:
    def __init__(self, engine):
        self.engine = engine
        self.dir = os.path.join(engine.dir, "open-registry")
        os.makedirs(self.dir)
        with open(os.path.join(self.dir, "config.yml"), "w") as f:
            f.write(SETTINGS.format(dir=self.dir, address=ADDRESS))
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            holder = f.read().strip()
        self.process = subprocess.Popen(["nsenter", "--target", holder, "--net", "docker-registry", "serve",
                                         os.path.join(self.dir, "config.yml")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                break
        else:
            raise RuntimeError("docker-registry does not start")

    def push(self, image, name):
        """`image` of the engine becomes `name` of the registry, and is not in the engine any more. Its whole name."""
        repo, _, tag = f"{ADDRESS}/{name}".rpartition(":")
        self.engine.call("POST", f"/images/{image}/tag?repo={repo}&tag={tag}")
        answer = self.engine.raw("POST", f"/images/{repo}/push?tag={tag}", {"X-Registry-Auth": "e30="})
        if "errorDetail" in answer:
            raise RuntimeError(answer)
        self.engine.call("DELETE", f"/images/{repo}:{tag}")
        return f"{repo}:{tag}"

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
