#!/usr/bin/env python3
"""sample.py - what sampling costs: CPU of a round of samples of 100 containers and the machine, against bare reads of the same files
that are open, in one run; and CPU of the whole agent, at rest, with rounds every 5 s and with none.

    test/bench/sample.py [--build DIR] [--containers 100] [--rounds 200] [--seconds 60]

Starts a private engine (test/lib/engine.sh). Needs root; leaves nothing behind.
"""
import argparse
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))


def cpu_s(pid):
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def at_rest(hv, agent, n, interval, seconds):
    """Share of one CPU, percent."""
    agent.desire(hv.document(f"  resources: {{monitor: {{interval: {interval}}}}}\n  services:\n" +
                             "".join(hv.service(f"s{i:03}") for i in range(n))))
    time.sleep(10)  # what follows a change is over
    begin, cpu = time.monotonic(), cpu_s(agent.process.pid)
    time.sleep(seconds)
    return 100 * (cpu_s(agent.process.pid) - cpu) / (time.monotonic() - begin)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    p.add_argument("--containers", type=int, default=100)
    p.add_argument("--rounds", type=int, default=200)
    p.add_argument("--seconds", type=int, default=60)
    o = p.parse_args()
    os.environ["HV_BUILD_DIR"] = o.build
    import hv
    engine = hv.Engine()
    agent = hv.Agent(engine.sock)
    try:
        agent.write(hv.document("  services:\n" + "".join(hv.service(f"s{i:03}") for i in range(o.containers))))
        agent.start()
        agent.wait_synced(timeout=600)
        rows = []
        for name in sorted(engine.running()):
            c = engine.inspect(name)
            rows.append(f"{name}={c['Id']}={c['State']['Pid']}")
        print(subprocess.run([os.path.join(o.build, "test", "bench", "bench_sample"), str(o.rounds), *rows], check=True,
                             capture_output=True, text=True).stdout, end="", flush=True)
        for interval in ("5s", "24h", "5s", "24h"):
            print(f"agent at rest, a round every {interval}: {at_rest(hv, agent, o.containers, interval, o.seconds):.3f} % of a CPU", flush=True)
    finally:
        agent.done()
        engine.clear()
        engine.stop()


if __name__ == "__main__":
    main()
