"""registry.py - Debian's docker-registry in the network namespace of a private engine, without a login."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zlib

ADDRESS = "127.0.0.1:5001"  # the namespace is the engine's alone
SETTINGS = """version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {dir}/data}}}}
http: {{addr: "{address}"}}
"""


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


class Layer(io.RawIOBase):
    """A tar, packed into `path` as it is written."""

    def __init__(self, path, size, zeros):
        self.path, self.plain_sum, self.packed_sum = path, hashlib.sha256(), hashlib.sha256()
        self.packer = zlib.compressobj(1, zlib.DEFLATED, 31) if zeros else zlib.compressobj(0, zlib.DEFLATED, 31)
        with open(path, "wb") as self.file:
            with tarfile.open(fileobj=self, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                tar.add(shutil.which("busybox"), "bin/busybox")
                link = tarfile.TarInfo("bin/sleep")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
                member = tarfile.TarInfo("data")
                member.size = size
                with open("/dev/zero" if zeros else "/dev/urandom", "rb") as source:
                    tar.addfile(member, source)
            self.put(self.packer.flush())
        self.plain = "sha256:" + self.plain_sum.hexdigest()
        self.packed = "sha256:" + self.packed_sum.hexdigest()
        self.size = os.path.getsize(path)

    def put(self, data):
        self.packed_sum.update(data)
        self.file.write(data)

    def writable(self):
        return True

    def write(self, data):
        self.plain_sum.update(data)
        self.put(self.packer.compress(data))
        return len(data)


class Hollow:
    """A layer that says how large it is, and holds nothing: for who does not bring it to its end."""

    def __init__(self, path, size):
        with open(path, "wb") as f:
            f.truncate(size)
        self.path, self.size, self.plain = path, size, sha256(path.encode())
        self.packed = sha256(self.plain.encode())


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

    def put(self, name, size, zeros=False, cut=False, hollow=False):
        """An image with a file of that many bytes and /bin/sleep, which no engine has ever seen: written into the store of the registry. zeros: it takes
        a thousandth of that to bring. cut: the registry has only half of its layer. hollow: there is no image, only its size. Its whole name."""
        repo, _, tag = name.rpartition(":")
        path = os.path.join(self.dir, "layer")
        layer = Hollow(path, size) if hollow else Layer(path, size, zeros)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sleep", "1000000"]},
                             "rootfs": {"type": "layers", "diff_ids": [layer.plain]}, "history": [{"created_by": name}]}).encode()
        kind = "application/vnd.docker."
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
            "config": {"mediaType": kind + "container.image.v1+json", "size": len(config), "digest": sha256(config)},
            "layers": [{"mediaType": kind + "image.rootfs.diff.tar.gzip", "size": layer.size, "digest": layer.packed}]}).encode()
        top = os.path.join(self.dir, "data", "docker", "registry", "v2")
        for digest, data in ((sha256(config), config), (sha256(manifest), manifest)):
            write(os.path.join(top, "blobs", "sha256", digest[7:9], digest[7:], "data"), data)
        place = os.path.join(top, "blobs", "sha256", layer.packed[7:9], layer.packed[7:])
        os.makedirs(place, exist_ok=True)
        os.rename(layer.path, os.path.join(place, "data"))
        if cut:
            os.truncate(os.path.join(place, "data"), layer.size // 2)
        mine = os.path.join(top, "repositories", repo)
        for digest in (sha256(config), layer.packed):
            write(os.path.join(mine, "_layers", "sha256", digest[7:], "link"), digest.encode())
        digest = sha256(manifest)
        for path in (f"revisions/sha256/{digest[7:]}", f"tags/{tag}/current", f"tags/{tag}/index/sha256/{digest[7:]}"):
            write(os.path.join(mine, "_manifests", path, "link"), digest.encode())
        return f"{ADDRESS}/{name}"

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
