#!/usr/bin/env python3
"""serving.py - what answers cost: GET /api/v1/status of 100 services against an answer of about 1 KiB that is always the same, and 1,000 viewers
who only look, in one run.

    test/bench/serving.py [--build DIR] [--services 100] [--viewers 1000] [--seconds 90]

Answers: both kinds in turns, each as fast as it comes (a connection serves one request); what counts is the CPU time of the agent for each
(goal: status costs no more than twice the other), the requests per second are told too. Viewers: CPU time of the agent at rest, with none and
with all of them connected to /api/v1/watch, in turns, and the memory that they take (goal: no CPU that top would show, less than 16 MiB). A
window holds a comment line to each viewer at least, as quiet streams get every 45 s.
Starts a private engine (test/lib/engine.sh). Needs root; leaves nothing behind.
"""
import argparse
import json
import os
import resource
import socket
import statistics
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))


def cpu_s(pid):
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def ask(agent, path):
    """How long the answer's body is."""
    with socket.create_connection(("127.0.0.1", agent.port)) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        got = b""
        while part := s.recv(1 << 20):
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        raise RuntimeError(f"{path}: {head!r}")
    return len(body)


def load(agent, path, n):
    """Seconds, and seconds of the agent's CPU, for each of n answers; and how long they are."""
    size = ask(agent, path)
    begin, cpu = time.monotonic(), cpu_s(agent.process.pid)
    for _ in range(n):
        ask(agent, path)
    return (time.monotonic() - begin) / n, (cpu_s(agent.process.pid) - cpu) / n, size


def answers(agent):
    fixed, status = "/dashboard", "/api/v1/status"
    seen = {fixed: [], status: []}
    for _ in range(7):
        for path, rounds in seen.items():
            rounds.append(load(agent, path, 1000))
    cpu = {path: statistics.median(r[1] for r in rounds) for path, rounds in seen.items()}
    wall = {path: statistics.median(r[0] for r in rounds) for path, rounds in seen.items()}
    print(json.dumps({"bytes_of_fixed": seen[fixed][0][2], "bytes_of_status": seen[status][0][2],
                      "cpu_us_of_fixed": round(1e6 * cpu[fixed], 1), "cpu_us_of_status": round(1e6 * cpu[status], 1),
                      "per_s_of_fixed": round(1 / wall[fixed]), "per_s_of_status": round(1 / wall[status]),
                      "status_to_fixed_by_cpu": round(cpu[fixed] / cpu[status], 2),
                      "status_to_fixed_by_wall": round(wall[fixed] / wall[status], 2), "goal": 0.5}), flush=True)


def at_rest(agent, seconds):
    begin, cpu = time.monotonic(), cpu_s(agent.process.pid)
    time.sleep(seconds)
    return 100 * (cpu_s(agent.process.pid) - cpu) / (time.monotonic() - begin)


def connect(agent, n):
    all_of_them = []
    for i in range(n):
        s = socket.socket()
        s.bind((f"127.0.{1 + i // 250}.{1 + i % 250}", 0))
        s.connect(("127.0.0.1", agent.port))
        s.sendall(b"GET /api/v1/watch HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        got = b""
        while b"\n\ndata" not in got and b"data:" not in got:
            part = s.recv(65536)
            if not part or b" 503 " in got:
                raise RuntimeError(f"viewer {i}: {got!r}")
            got += part
        all_of_them.append(s)
    return all_of_them


def viewers(agent, n, seconds):
    rest, with_all, more = [], [], []
    for _ in range(3):
        time.sleep(3 if rest else 30)  # what follows a change is over; the first time, the first round of garbage collection too
        rest.append(at_rest(agent, seconds))
        before = agent.memory_mib()[1]
        sockets = connect(agent, n)
        time.sleep(3)
        more.append(agent.memory_mib()[1] - before)
        with_all.append(at_rest(agent, seconds))
        for s in sockets:
            s.close()
    print(json.dumps({"viewers": n, "cpu_percent_with_none": [round(x, 3) for x in rest],
                      "cpu_percent_with_all": [round(x, 3) for x in with_all],
                      "private_mib_more": [round(x, 1) for x in more], "goal_percent": 0.1, "goal_mib": 16}), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    p.add_argument("--services", type=int, default=100)
    p.add_argument("--viewers", type=int, default=1000)
    p.add_argument("--seconds", type=int, default=90)
    o = p.parse_args()
    os.environ["HV_BUILD_DIR"] = o.build
    import hv
    files = 2 * o.viewers + 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, 4096),) * 2)
    engine = hv.Engine()
    agent = hv.Agent(engine.sock)
    try:
        limits = f"{{connections: {o.viewers + 64}, connectionsPerAddress: 64, streams: {2 * o.viewers + 64}}}"
        agent.write(hv.document(f"  http: {{limits: {limits}}}\n  resources: {{monitor: {{interval: 24h}}}}\n  services:\n" +
                                "".join(hv.service(f"s{i:03}") for i in range(o.services))))
        agent.start()
        agent.wait_synced(timeout=600)
        answers(agent)
        viewers(agent, o.viewers, o.seconds)
    finally:
        agent.done()
        engine.clear()
        engine.stop()


if __name__ == "__main__":
    main()
