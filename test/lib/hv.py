"""hv.py - real parts for tests and benchmarks in Python: a private engine, its API and events, an agent of this build.

Everything here waits for something that happens (an engine's event, a record of the agent's), with a limit; nothing sleeps
and hopes.
"""
import http.client
import json
import os
import queue
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import ports

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HV_BUILD_DIR", os.path.join(TOP, "build", "release"))
KIND = os.environ.get("HV_ENGINE_KIND", "docker")
IMAGE = "hv/busybox:1" if KIND == "docker" else "docker.io/hv/busybox:1"
SCRIPT = os.path.join(TOP, "test", "lib", "engine.sh")
# Under AddressSanitizer, and beside other tests on two cores, everything takes longer; a limit only ends what hangs.
LIMIT_S = float(os.environ.get("HV_TEST_LIMIT", "90"))


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=120):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self.path)
        except OSError:
            self.close()
            raise


class HttpError(Exception):
    def __init__(self, what, status, text):
        super().__init__(f"{what}: {status} {text[:400]}")
        self.status, self.text = status, text


class Engine:
    """A private engine (test/lib/engine.sh), or one that runs already, by bare calls."""

    def __init__(self, sock=None, kind=KIND, disk=None):
        """disk: its data lies on a file system of that size ("600M")."""
        self.dir, self.sock, self.kind, self.local = None, sock, kind, threading.local()
        if not sock:
            self.dir = tempfile.mkdtemp(prefix="hve", dir="/tmp")
            self.sock = self.script("start", kind, self.dir, env={"HV_ENGINE_DISK": disk} if disk else None).strip().splitlines()[-1]

    @staticmethod
    def script(*args, env=None):
        r = subprocess.run([SCRIPT, *args], capture_output=True, text=True, env={**os.environ, **(env or {})})
        if r.returncode:
            raise RuntimeError(f"engine.sh {' '.join(args)}: {r.stdout}{r.stderr}")
        return r.stdout

    def kill(self):
        self.script("kill", self.dir)

    def restart(self):
        self.script("restart", self.dir)
        self.hang_up()

    def hang_up(self):
        """Of this thread's connection."""
        if hasattr(self.local, "c"):
            self.local.c.close()
            del self.local.c

    def pid(self):
        with open(os.path.join(self.dir, "engine.pid")) as f:
            return int(f.read())

    def stop(self):
        self.hang_up()
        if self.dir:
            self.script("stop", self.dir)

    def call(self, method, path, body=None):
        text = self.raw(method, path, {}, body)
        return json.loads(text) if text.strip()[:1] in ("{", "[") else None

    def raw(self, method, path, headers, body=None):
        c = getattr(self.local, "c", None)
        if c and c.sock and select.select([c.sock], [], [], 0)[0]:
            self.hang_up()  # the engine closed it, because nothing was asked for minutes
        if not hasattr(self.local, "c"):
            self.local.c = UnixConnection(self.sock)
        data = None if body is None else json.dumps(body)
        try:
            self.local.c.request(method, "/v1.41" + path, data, {"Content-Type": "application/json", **headers})
            r = self.local.c.getresponse()
            text = r.read().decode()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            raise
        if r.status >= 400:
            raise HttpError(f"{method} {path}", r.status, text)
        return text

    def containers(self):
        """Name to list entry."""
        return {c["Names"][0].lstrip("/"): c for c in self.call("GET", "/containers/json?all=1")}

    def running(self):
        return {n for n, c in self.containers().items() if c["State"] == "running"}

    def inspect(self, name):
        return self.call("GET", f"/containers/{name}/json")

    def look(self, name):
        """As inspect(), None while there is none: for conditions that are asked while containers come and go."""
        try:
            return self.inspect(name)
        except HttpError as e:
            if e.status != 404:
                raise
        return None

    def stranger(self, name, start=True, **more):
        c = self.call("POST", f"/containers/create?name={name}",
                      {"Image": IMAGE, "Entrypoint": ["/bin/sleep"], "Cmd": ["1000000"],
                       "HostConfig": {"NetworkMode": "none"}, **more})
        if start:
            self.call("POST", f"/containers/{c['Id']}/start")
        return c["Id"]

    def save(self, path, image):
        """`image`, a name that the engine does not have, is in an archive as `docker save` writes it, and is not in the engine."""
        repo, _, tag = image.rpartition(":")
        self.call("POST", f"/images/{IMAGE}/tag?repo={repo}&tag={tag}")
        c = UnixConnection(self.sock)
        try:
            c.request("GET", f"/v1.41/images/{image}/get")
            with open(path, "wb") as f:
                f.write(c.getresponse().read())
        finally:
            c.close()
        os.chmod(path, 0o644)
        self.call("DELETE", f"/images/{image}")

    def clear(self):
        for c in self.call("GET", "/containers/json?all=1"):
            try:
                self.call("DELETE", f"/containers/{c['Id']}?force=1&v=1")
            except HttpError as e:  # an agent that was killed had begun to remove it
                if e.status not in (404, 409):
                    raise
        for n in self.call("GET", "/networks"):
            if n["Name"] not in ("bridge", "host", "none", "podman"):
                self.call("DELETE", f"/networks/{n['Id']}")
        for v in self.call("GET", "/volumes")["Volumes"] or []:
            self.call("DELETE", f"/volumes/{v['Name']}?force=1")


class Events(threading.Thread):
    """The engine's own account of what happened to containers: (action, name, time)."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.queue, self.conn, self.ready = queue.Queue(), UnixConnection(sock, None), threading.Event()
        self.conn.connect()
        self.sock = self.conn.sock
        self.start()
        self.ready.wait()

    def run(self):
        try:
            self.conn.request("GET", "/v1.41/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D")
            r = self.conn.getresponse()
            self.ready.set()
            for line in r:
                e = json.loads(line)
                self.queue.put((e["Action"], e["Actor"]["Attributes"].get("name"), e["timeNano"] / 1e9))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            self.ready.set()

    def next(self, action, n=1, timeout=LIMIT_S):
        """All events up to the n-th `action` from now on."""
        seen = []
        while n > 0:
            seen.append(self.queue.get(timeout=timeout))
            n -= seen[-1][0] == action
        return seen

    def until_now(self, engine, timeout=LIMIT_S):
        """Everything until now: a container is made as a mark, and what came before it has been seen."""
        mark, seen = "mark-" + os.urandom(4).hex(), []
        engine.stranger(mark, start=False)
        while not seen or seen[-1][1] != mark:
            seen.append(self.queue.get(timeout=timeout))
        engine.call("DELETE", f"/containers/{mark}?force=1")
        return seen[:-1]

    def close(self):
        # A connection that another thread reads from cannot be closed under it: it is made to end first.
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join()
        self.conn.close()


# What is looked for in the log, and must not be there, must not be there at any level.
CHATTY = "  logging: {level: debug}\n"


def document(body, name="e2e"):
    """A NodeState around `body` (the lines below `spec:`, indented by two)."""
    return f"apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {{name: {name}}}\nspec:\n{body}"


def service(name, extra="", args="1000000", network="network: none", image=None):
    return (f"    - name: {name}\n      image: {image or IMAGE}\n      pullPolicy: never\n      command: [/bin/sleep]\n"
            f"      args: [\"{args}\"]\n      {network}\n      stop: {{signal: KILL}}\n"
            f"      resources: {{requests: {{cpu: 1m, memory: 1Mi}}}}\n" +
            "".join(f"      {line}\n" for line in extra.splitlines()))


class Agent:
    """hivelet with directories of its own. `docker` is the engine's socket."""

    def __init__(self, docker, text=None, directory=None, port=0):
        self.own = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="hva", dir="/tmp")
        self.docker, self.process, self.port = docker, None, port or self.free_port()
        self.file = os.path.join(self.dir, "node.yaml")
        self.socket = os.path.join(self.dir, "run", "hivelet.sock")
        self.log_path = os.path.join(self.dir, "log")
        if text is not None:
            self.write(text)

    def write(self, text, path=None):
        """Puts a file in place at once, as a careful editor does."""
        path = path or self.file
        if isinstance(text, str):
            text = text.encode()
        with open(path + ".new~", "wb") as f:
            f.write(text)
        os.chmod(path + ".new~", 0o600)
        begin = time.time()
        os.rename(path + ".new~", path)
        return begin

    def arguments(self, *more):
        return [os.path.join(BUILD, "cmd", "hivelet", "hivelet"), "--config", self.file,
                "--config-dir", os.path.join(self.dir, "conf.d"), "--state-dir", os.path.join(self.dir, "state"),
                "--run-dir", os.path.join(self.dir, "run"), "--docker", "unix://" + self.docker, *more]

    def environment(self, env):
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TZ") or k.endswith("SAN_OPTIONS")}
        clean.setdefault("LSAN_OPTIONS", f"suppressions={TOP}/test/lib/lsan.suppressions:print_suppressions=0")
        return {**clean, "FLASK_PORT": str(self.port), **(env or {})}

    @staticmethod
    def free_port():
        return ports.free()

    def start(self, *more, env=None, wait=True, stdin=subprocess.DEVNULL):
        self.log = open(self.log_path, "a")
        self.process = subprocess.Popen(self.arguments(*more), stdout=self.log, stderr=self.log, stdin=stdin,
                                        env=self.environment(env))
        if wait:
            self.wait(lambda: self.status()["observed"] or self.status()["engine"]["state"] in ("Down", "Unresponsive"),
                      "the agent is up")
        return self

    def run(self, *more, env=None, timeout=LIMIT_S):
        """Runs it to its end: --once, --check, or a start that must fail."""
        return subprocess.run(self.arguments(*more), capture_output=True, text=True, env=self.environment(env),
                              stdin=subprocess.DEVNULL, timeout=timeout)

    @staticmethod
    def hivectl_dir():
        return os.path.join(BUILD, "cmd", "hivectl")

    def hivectl(self):
        return [os.path.join(self.hivectl_dir(), "hivectl"), "--socket", self.socket]

    def ctl(self, *args, stdin=None, timeout=LIMIT_S):
        return subprocess.run([*self.hivectl(), *args], capture_output=True, text=True, input=stdin, timeout=timeout,
                              env=self.environment(None))

    def call(self, method, path, body=None, accept="*/*", **headers):
        """Further headers with underscores for dashes."""
        c = UnixConnection(self.socket)
        try:
            c.request(method, path, body if body is not None else (b"" if method == "POST" else None),
                      {"Content-Type": "application/json", "Accept": accept,
                       **{k.replace("_", "-"): v for k, v in headers.items()}})
            r = c.getresponse()
            text = r.read().decode()
        finally:
            c.close()
        if r.status >= 400:
            raise HttpError(f"{method} {path}", r.status, text)
        return json.loads(text) if "json" in r.getheader("Content-Type", "") else text

    def status(self):
        return self.call("GET", "/api/v1/status")

    def services(self):
        """Container name to unit, as the API shows it."""
        out = {}
        for s in self.call("GET", "/api/v1/services")["items"]:
            for u in s["status"].get("units") or s["status"].get("replicas") or []:
                out[u["container"]] = u
        return out

    def text_of_log(self):
        with open(self.log_path) as f:
            return f.read()

    def wait(self, condition, what, timeout=LIMIT_S):
        """Until condition() is true: asked at once, and again after each record that the agent publishes."""
        until = time.monotonic() + timeout
        stream = None
        try:
            while True:
                try:
                    if stream is None:
                        stream = self.follow()
                    if condition():
                        return
                    self.next_record(stream, until)
                except (OSError, http.client.HTTPException):
                    stream = None
                    if self.process and self.process.poll() is not None:
                        raise AssertionError(f"the agent ended ({self.process.returncode}) before: {what}\n" +
                                             self.text_of_log()[-3000:])
                    time.sleep(0.02)  # not listening yet: there is nothing to wait on
                if time.monotonic() > until:
                    raise AssertionError(f"not within {timeout} s: {what}\n{self.text_of_log()[-3000:]}")
        finally:
            if stream:
                stream.hv_connection.close()

    def follow(self):
        c = UnixConnection(self.socket, timeout=1)
        c.request("GET", "/api/v1/events?follow=1", headers={"Accept": "text/event-stream"})
        try:
            stream = c.getresponse()
        except BaseException:
            c.close()
            raise
        stream.hv_connection = c
        return stream

    @staticmethod
    def next_record(stream, until):
        # At most a second: what a condition asks about may change without a record (the engine's own objects).
        try:
            while time.monotonic() < until:
                line = stream.readline()
                if not line:
                    raise ConnectionError("the stream ended")
                if line.startswith(b"data:"):
                    return
        except TimeoutError:
            raise ConnectionError("quiet") from None

    def wait_synced(self, timeout=LIMIT_S):
        """Until what the sources say now is what runs."""
        self.wait(lambda: self.status()["synced"], "synced", timeout)

    def apply(self, *args):
        r = self.ctl("apply", *args)
        if r.returncode not in (0, 2):
            raise AssertionError(f"hivectl apply: {r.returncode}\n{r.stdout}{r.stderr}")
        return r

    def desire(self, text):
        """New file, taken in, converged."""
        self.write(text)
        self.apply()
        self.wait_synced()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT_S)
        self.log.close()

    def terminate(self):
        self.process.terminate()
        code = self.process.wait(LIMIT_S)
        self.log.close()
        return code

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        rows = {}
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            key, _, value = line.partition(":")
            if value.strip().endswith("kB"):
                rows[key] = int(value.split()[0]) / 1024
        return rows["Rss"], rows["Private_Dirty"]

    def end(self):
        """Its exit code, 0 when it does not run any more."""
        return self.terminate() if self.process and self.process.poll() is None else 0

    def done(self):
        self.end()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)
