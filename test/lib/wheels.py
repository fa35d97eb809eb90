"""wheels.py - Python packages made by hand, and an index of them in the network namespace of a private engine."""
import base64
import hashlib
import os
import subprocess
import zipfile


def make(folder, name, version="1.0", files=None, requires=(), tag="py3-none-any"):
    """A wheel of text files (path to text), as PEP 427 has it. Its path."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)
    contents = {**(files or {f"{module}/__init__.py": f"version = {version!r}\n"}), f"{info}/METADATA": metadata,
                f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: {tag}\n"}
    record = ""
    for path, text in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    contents[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    os.makedirs(folder, exist_ok=True)
    whole = os.path.join(folder, f"{module}-{version}-{tag}.whl")
    with zipfile.ZipFile(whole, "w") as z:
        for path, text in contents.items():
            z.writestr(path, text)
    os.chmod(whole, 0o644)
    return whole


class Index:
    """http://<address of the engine's bridge>:8080/simple, of the wheels in `folder`/simple/<name>/."""

    def __init__(self, engine, folder, port=8080):
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            self.holder = f.read().strip()
        bridge = engine.call("GET", "/networks/bridge")["IPAM"]["Config"][0]
        self.address = bridge.get("Gateway") or bridge["Subnet"].rsplit(".", 1)[0] + ".1"
        self.url = f"http://{self.address}:{port}/simple"
        self.folder, self.port, self.process = folder, port, None

    def add(self, name, **how):
        make(os.path.join(self.folder, "simple", name), name, **how)

    def run(self, *command):
        return subprocess.Popen(["nsenter", "--target", self.holder, "--net", *command], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)

    def start(self):
        self.process = self.run("python3", "-u", "-m", "http.server", "--bind", self.address, "--directory", self.folder,
                                str(self.port))
        if "Serving HTTP" not in self.process.stdout.readline():
            raise RuntimeError("http.server does not start")
        return self

    def hang(self):
        """In place of the index, somebody who takes connections and says nothing."""
        self.process = self.run("python3", "-c", "import socket, sys, time\ns = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
                                "print('listens', flush=True)\nkept = []\nwhile True:\n  kept.append(s.accept())\n  print('asked', flush=True)\n",
                                self.address, str(self.port))
        if "listens" not in self.process.stdout.readline():
            raise RuntimeError("the silent server does not start")
        return self

    def wait_asked(self):
        return self.process.stdout.readline()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None
