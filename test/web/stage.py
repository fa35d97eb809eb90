"""stage.py - a node with something of everything to look at, for the pages of the web interface.

It runs a service in sync, one that cannot get its image, one whose program ends at once and one that waits for it; tasks that ended well and
badly, one that left files, one with a long log, and one that runs. It is a node of a hivepool, has a tunnel to a peer that answers
(wireguard-go, both ends of it), and GPUs made of a library (lib/gpus.py). Who comes over TCP has to log in.
"""
import http.server
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import gpus  # noqa: E402 - the path comes first
import hv  # noqa: E402
import ports  # noqa: E402

os.environ.setdefault("HV_BUILD_DIR", hv.BUILD)
sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", "hivepool"))
import site_pool  # noqa: E402

USER, PASSWORD = "ada", "correct horse battery"
VIEWER = "eve"  # with the same password
SECRET = "not for any page"

SCHEDULE = time.strftime("%-M %-H * * *", time.gmtime(time.time() + 12 * 3600))  # no run of it while anybody looks

DOCUMENT = f"""\
  services:
    - name: web
      image: {hv.IMAGE}
      command: [sh, -c, "i=0; while true; do i=$((i+1)); echo request $i answered; sleep 1; done"]
      networks: [{{name: backend}}]
      env: [{{name: GREETING, value: {SECRET}}}]
      stop: {{grace: 1s}}
      resources: {{limits: {{cpu: 500m, memory: 64Mi}}}}
    - name: crashing
      image: {hv.IMAGE}
      command: [sh, -c, "echo no configuration given >&2; exit 3"]
      network: none
    - name: unpublished
      image: registry.invalid/team/unpublished:4
      command: [sleep, "1000000"]
      network: none
    - name: late
      image: {hv.IMAGE}
      command: [sleep, "1000000"]
      network: none
      dependsOn: [{{service: crashing}}]
  networks:
    - name: backend
  volumes:
    - name: data
  configs:
    - name: web-conf
      data: {{web.conf: "answer = always"}}
  registries:
    - name: team
      host: registry.invalid
  images:
    preload: [{{ref: "{hv.IMAGE}"}}]
  cronTasks:
    - name: nightly
      schedule: "{SCHEDULE}"
      task:
        image: {hv.IMAGE}
        command: [sh, -c, "echo tidied up"]
        resources: {{limits: {{cpu: 100m, memory: 32Mi}}}}
"""


def task(name, script, **spec):
    return {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": name},
            "spec": {"image": hv.IMAGE, "command": ["sh", "-c", script], "env": [{"name": "MODE", "value": SECRET}],
                     "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}}, **spec}}


TASKS = [
    ("render-frames", "mkdir -p results/frames; for i in 1 2 3; do echo frame $i; echo $i > results/frames/$i.txt; done"),
    ("train-model", "echo epoch 1; echo out of data >&2; exit 4"),
    ("long-log", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo \"line $i \033[32mok\033[0m\"; done"),
]


GPUS = ("GPU-7c1f0a52", 0, 24576), ("GPU-e90b44d1", 1, 24576)


class Pump(threading.Thread):
    """A TCP port of the loopback that leads to the agent's socket, as `ssh -L` would: who comes through it is an admin."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.listener = path, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            agent = socket.socket(socket.AF_UNIX)
            try:
                agent.connect(self.path)
            except OSError:
                client.close()
                agent.close()
                continue
            left = [2]
            for a, b in ((client, agent), (agent, client)):
                threading.Thread(target=self.carry, args=(a, b, left), daemon=True).start()

    @staticmethod
    def carry(a, b, left):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        left[0] -= 1
        if not left[0]:
            a.close()
            b.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def sh(*args, stdin=None):
    return subprocess.run(args, capture_output=True, text=True, input=stdin, check=True).stdout.strip()


class Tunnel:
    """The peer's end of a tunnel of this machine to itself. Nothing is sent through it but what keeps it alive."""

    made = itertools.count()

    def __init__(self, directory):
        number, nth = os.getpid() % 65536, next(self.made)  # the wireguard-go of the stage before may not have ended yet
        self.name, self.there = f"hvw{number}n{nth}", f"hvx{number}n{nth}"
        self.port, self.peer_port = ports.free(), ports.free()
        self.address = f"10.{200 + number // 16384}.{number // 128 % 128}.{number % 128 + 1}"
        secret, peer_secret = sh("wg", "genkey"), sh("wg", "genkey")
        self.peer_public = sh("wg", "pubkey", stdin=peer_secret)
        self.key = self.write(os.path.join(directory, "wg.key"), secret)
        subprocess.run(["wireguard-go", self.there], check=True, capture_output=True)
        sh("wg", "set", self.there, "listen-port", str(self.peer_port), "private-key", self.write(os.path.join(directory, "peer.key"), peer_secret),
           "peer", sh("wg", "pubkey", stdin=secret), "allowed-ips", self.address + "/32")
        sh("ip", "link", "set", self.there, "up")

    @staticmethod
    def write(path, text):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text + "\n")
        return path

    def document(self):
        return f"""\
  wireguard:
    - name: {self.name}
      privateKey: {{file: {self.key}}}
      addresses: [{self.address}/32]
      listenPort: {self.port}
      peers:
        - name: hub
          publicKey: {self.peer_public}
          endpoint: 127.0.0.1:{self.peer_port}
          allowedIPs: [{self.address.rpartition(".")[0]}.250/32]
          persistentKeepalive: 1s
"""

    def done(self):
        """Without its interface a wireguard-go ends."""
        for name in (self.name, self.there):
            subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


class Control(threading.Thread):
    """Lets a browser's test end the agent, start it again, and mend what fails: POST /end, /start, /mend."""

    def __init__(self, stage):
        super().__init__(daemon=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                if self.path == "/end":
                    code = stage.agent.terminate()
                elif self.path == "/start":
                    code = stage.start()
                else:
                    code = stage.mend()
                self.send_response(500 if code else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.start()

    def run(self):
        self.server.serve_forever()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Stage:
    def __init__(self, agent, engine):
        self.agent, self.engine, self.made = agent, engine, []
        try:
            self.machine = gpus.Machine()
            self.made.append(self.machine.done)
            self.machine.has(*GPUS)
            self.tunnel = Tunnel(agent.dir)
            self.made.append(self.tunnel.done)
            self.pool = site_pool.Pool()
            self.made.append(self.pool.done)
            self.fill()
            self.pump = Pump(agent.socket)
            self.made.append(self.pump.close)
            self.control = Control(self)
            self.made.append(self.control.close)
        except BaseException:
            self.agent.end()
            self.done()
            raise

    def users(self):
        lines = [subprocess.run([self.agent.hivectl()[0], "user", "hash", name, "--role", role], capture_output=True, text=True,
                                input=PASSWORD + "\n", check=True).stdout.strip() for name, role in ((USER, "admin"), (VIEWER, "viewer"))]
        return Tunnel.write(os.path.join(self.agent.dir, "users"), "\n".join(lines))

    def secrets(self):
        path = Tunnel.write(os.path.join(self.agent.dir, "secret"), SECRET)
        return f"  secrets:\n    - name: web-key\n      fromFile: {path}\n"

    def start(self):
        self.agent.start(env={"LD_LIBRARY_PATH": self.machine.dir})

    def declare(self, objects):
        self.agent.write(hv.document(self.settings + objects, name="stage"))

    def mend(self):
        """What ended goes on, and the image is one that is there."""
        self.declare(DOCUMENT.replace("exit 3", "exec sleep 1000000").replace("registry.invalid/team/unpublished:4", hv.IMAGE))

    def fill(self):
        """Starts the agent on the document and lets the tasks run to their ends."""
        agent = self.agent
        self.settings = (f"  http: {{auth: {{usersFile: {self.users()}}}}}\n"
                         f"  master: {{address: \"127.0.0.1:{self.pool.port}\", heartbeat: 1s}}\n"
                         "  resources: {monitor: {interval: 2s}}\n" + self.tunnel.document() + self.secrets())
        self.declare(DOCUMENT)
        self.start()
        agent.wait(lambda: agent.call("GET", "/api/v1/tasks")["metadata"]["complete"], "the ledger is there")
        for name, script in TASKS:
            agent.call("POST", f"/api/v1/tasks?id={name}", json.dumps(task(name, script)))
        agent.wait(lambda: all(phase(agent, name) in ("Completed", "Failed") for name, _ in TASKS), "the tasks ended")
        agent.call("POST", "/api/v1/tasks?id=simulate", json.dumps(task("simulate", "i=0; while true; do i=$((i+1)); echo step $i; sleep 1; done")))
        agent.wait(lambda: phase(agent, "simulate") == "Running", "a task runs")
        agent.wait(lambda: agent.services().get("hive-web", {}).get("phase") == "Running", "a service runs")
        self.compute("hive-web")
        agent.wait(lambda: agent.status()["pool"]["state"] == "Online", "the pool knows the node")
        agent.wait(lambda: agent.call("GET", "/api/v1/wireguard")["items"][0]["status"]["peers"][0]["handshakeAt"], "the peer was heard")

    def compute(self, container):
        """It uses a quarter of the first GPU, and the agent remembers that it does."""
        pid, uuid = self.engine.inspect(container)["State"]["Pid"], GPUS[0][0]
        self.machine.has(*GPUS, more=f"process {uuid} {pid} 300\nuse {uuid} {pid} 25\n")

        def points():
            used = self.agent.call("GET", "/api/v1/usage?history=1")["containers"]
            return next((c.get("history") for c in used if c["container"] == container), None)
        self.agent.wait(lambda: (points() or [{}])[-1].get("gpuPercent") == 25, "a container uses a GPU")

    def done(self):
        while self.made:
            self.made.pop()()


def phase(agent, name):
    return agent.call("GET", f"/api/v1/tasks/{name}/status")["phase"]


def main():
    """For a person: keeps the stage until its input ends."""
    engine = hv.Engine()
    agent = hv.Agent(engine.sock)
    stage = None
    try:
        stage = Stage(agent, engine)
        print(f"as an admin http://127.0.0.1:{stage.pump.port}, with a login ({USER}, {PASSWORD}) http://127.0.0.1:{agent.port}", flush=True)
        sys.stdin.read()
    finally:
        agent.done()
        if stage:
            stage.done()
        engine.clear()
        engine.stop()


if __name__ == "__main__":
    main()
