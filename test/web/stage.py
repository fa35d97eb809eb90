"""stage.py - an agent with something of everything to look at, for the pages of the web interface.

The node of the stage runs a service in sync, one that cannot get its image, one whose program ends at once and one that waits
for it; tasks that ended well and badly, one that left files, one with a long log, and one that runs.
"""
import json
import os
import socket
import threading

import hv

DOCUMENT = f"""\
  services:
    - name: web
      image: {hv.IMAGE}
      command: [sh, -c, "i=0; while true; do i=$((i+1)); echo request $i answered; sleep 1; done"]
      networks: [{{name: backend}}]
      resources: {{limits: {{cpu: 500m, memory: 64Mi}}}}
    - name: crashing
      image: {hv.IMAGE}
      command: [sh, -c, "echo no configuration given >&2; exit 3"]
      network: none
    - name: unpublished
      image: registry.invalid/team/unpublished:4
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
"""


def task(name, script, **spec):
    return {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": name},
            "spec": {"image": hv.IMAGE, "command": ["sh", "-c", script],
                     "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}}, **spec}}


TASKS = [
    ("render-frames", "mkdir -p results/frames; for i in 1 2 3; do echo frame $i; echo $i > results/frames/$i.txt; done"),
    ("train-model", "echo epoch 1; echo out of data >&2; exit 4"),
    ("long-log", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo \"line $i \033[32mok\033[0m\"; done"),
]


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


def fill(agent):
    """Starts the agent on the document and lets the tasks run to their ends."""
    agent.write(hv.document(DOCUMENT, name="stage"))
    agent.start()
    agent.wait(lambda: agent.call("GET", "/api/v1/tasks")["metadata"]["complete"], "the ledger is there")
    for name, script in TASKS:
        agent.call("POST", f"/api/v1/tasks?id={name}", json.dumps(task(name, script)))
    agent.wait(lambda: all(phase(agent, name) in ("Completed", "Failed") for name, _ in TASKS), "the tasks ended")
    agent.call("POST", "/api/v1/tasks?id=simulate", json.dumps(task("simulate", "while true; do echo step; sleep 1; done")))
    agent.wait(lambda: phase(agent, "simulate") == "Running", "a task runs")
    agent.wait(lambda: agent.services().get("hive-web", {}).get("phase") == "Running", "a service runs")


def phase(agent, name):
    return agent.call("GET", f"/api/v1/tasks/{name}/status")["phase"]


def main():
    """For a person: keeps the stage until its input ends."""
    import sys
    engine = hv.Engine()
    agent = hv.Agent(engine.sock)
    try:
        fill(agent)
        print(f"http://127.0.0.1:{Pump(agent.socket).port} http://127.0.0.1:{agent.port} {agent.socket} {os.getpid()}", flush=True)
        sys.stdin.read()
    finally:
        agent.end()
        agent.done()
        engine.clear()
        engine.stop()


if __name__ == "__main__":
    main()
