#!/usr/bin/env python3
"""readyz.py - how long /readyz takes while 300 sockets idle and 50 logins a second come in: test/bench/readyz.py [SECONDS]

The idle sockets and the logins are those of somebody who means no good: no login is right, and after a few of them the limits answer.
"""
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hv  # noqa: E402

IDLE, LOGINS_PER_S = 300, 50


def ask(port, method, path, body=b""):
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                  + body)
        return int((s.recv(65536) or b"- 0").split()[1])


def flood(port, until, statuses):
    n = 0
    body = json.dumps({"username": "nobody", "password": "wrong horse"}).encode()
    while time.monotonic() < until:
        begin = time.monotonic()
        try:
            status = ask(port, "POST", "/login", body)
            statuses[status] = statuses.get(status, 0) + 1
        except OSError:
            statuses[0] = statuses.get(0, 0) + 1
        n += 1
        time.sleep(max(0.0, begin + 1 / LOGINS_PER_S - time.monotonic()))


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    agent = hv.Agent("/nonexistent", hv.document("  node: {docker: {enabled: false}}\n  http: {auth: {required: true}}\n"))
    agent.start(wait=False)
    try:
        agent.wait(lambda: ask(agent.port, "GET", "/livez") == 200, "it listens")
        idle = []
        for i in range(IDLE):
            s = socket.socket()
            s.bind((f"127.0.1.{i % 200 + 1}", 0))
            s.connect(("127.0.0.1", agent.port))
            idle.append(s)
        statuses, took = {}, []
        until = time.monotonic() + seconds
        thread = threading.Thread(target=flood, args=(agent.port, until, statuses))
        thread.start()
        while time.monotonic() < until:
            begin = time.monotonic()
            ask(agent.port, "GET", "/readyz")
            took.append(time.monotonic() - begin)
            time.sleep(0.01)
        thread.join()
        took.sort()
        print(json.dumps({"requests": len(took), "p50_ms": round(1000 * took[len(took) // 2], 2),
                          "p99_ms": round(1000 * took[len(took) * 99 // 100], 2), "max_ms": round(1000 * took[-1], 2),
                          "logins": statuses, "goal_p99_ms": 20}))
        for s in idle:
            s.close()
    finally:
        agent.process.terminate()
        agent.process.wait()
        agent.log.close()
        subprocess.run(["rm", "-rf", agent.dir], check=True)


if __name__ == "__main__":
    main()
