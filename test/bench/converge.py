#!/usr/bin/env python3
"""converge.py - what converging costs, as ratios to the bare engine, in one run.

    test/bench/converge.py [--build DIR] [--sizes 10,50,100] [--rounds 3] [--docker URL]

The floor is the same engine, driven by bare API calls with the best number of them in flight (2, 4, 8 and 16 are tried
first) and nothing else done. Floor and hivelet take turns, round by round, so that a machine whose speed drifts treats both
alike; medians are compared. Times are taken from the engine's own events: from the first request, or the moment the new
file is in place, to the last container's `start` (or `destroy`).

Printed: up, down, one change, kill-to-running, a no-op apply with the calls it made, memory and idle CPU of the agent.
Starts a private engine (test/lib/engine.sh) unless --docker names one. Needs root; leaves nothing behind.
"""
import argparse, http.client, json, os, queue, shutil, socket, statistics, subprocess, sys, tempfile, threading, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = "hv/busybox:1"


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    """Bare calls over kept connections, one per thread."""

    def __init__(self, sock):
        self.sock, self.local = sock, threading.local()

    def call(self, method, path, body=None):
        if not hasattr(self.local, "c"):
            self.local.c = Unix(self.sock)
        data = None if body is None else json.dumps(body)
        self.local.c.request(method, "/v1.41" + path, data, {"Content-Type": "application/json"})
        r = self.local.c.getresponse()
        text = r.read()
        if r.status >= 400:
            raise RuntimeError(f"{method} {path}: {r.status} {text[:200]}")
        return json.loads(text) if text.strip().startswith((b"{", b"[")) else None

    def clear(self):
        for c in self.call("GET", "/containers/json?all=1"):
            self.call("DELETE", f"/containers/{c['Id']}?force=1")


class Events(threading.Thread):
    """The engine's own account of what happened when."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.queue, self.conn, self.ready = queue.Queue(), Unix(sock), threading.Event()
        self.conn.timeout = None
        self.start()
        self.ready.wait()

    def run(self):
        self.conn.request("GET", "/v1.41/events?filters=" + '%7B%22type%22%3A%5B%22container%22%5D%7D')
        r = self.conn.getresponse()
        self.ready.set()
        try:
            for line in r:
                e = json.loads(line)
                self.queue.put((e["Action"], e["Actor"]["Attributes"].get("name"), e["timeNano"] / 1e9))
        except (OSError, ValueError, AttributeError):
            pass

    def wait(self, action, n, timeout=300):
        """Time of the n-th `action`."""
        last, until = 0, time.time() + timeout
        while n > 0:
            a, _, t = self.queue.get(timeout=max(0.1, until - time.time()))
            if a == action:
                n, last = n - 1, max(last, t)
        return last

    def drain(self):
        while not self.queue.empty():
            self.queue.get()


def body(i):
    """What hivelet's create says about the same service, as far as the engine's work depends on it."""
    return {"Image": IMAGE, "Cmd": ["1000000"], "Entrypoint": ["/bin/sleep"], "StopSignal": "SIGKILL",
            "HostConfig": {"NetworkMode": "none", "PidsLimit": 1024, "Init": True,
                           "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
                           "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}}}


def parallel(n, in_flight, job):
    items = queue.Queue()
    for i in range(n):
        items.put(i)
    errors = []

    def worker():
        try:
            while True:
                job(items.get_nowait())
        except queue.Empty:
            pass
        except Exception as e:  # noqa: BLE001 - told below
            errors.append(e)

    threads = [threading.Thread(target=worker) for _ in range(in_flight)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    if errors:
        raise errors[0]


def floor_up(engine, events, n, k):
    events.drain()
    begin = time.time()

    def one(i):
        engine.call("POST", f"/containers/create?name=floor-{i:03}", body(i))
        engine.call("POST", f"/containers/floor-{i:03}/start")

    parallel(n, k, one)
    return events.wait("start", n) - begin


def floor_down(engine, events, n, k):
    events.drain()
    begin = time.time()

    def one(i):
        engine.call("POST", f"/containers/floor-{i:03}/stop")
        engine.call("DELETE", f"/containers/floor-{i:03}")

    parallel(n, k, one)
    return events.wait("destroy", n) - begin


def floor_change(engine, events, i):
    events.drain()
    begin = time.time()
    engine.call("POST", f"/containers/floor-{i:03}/stop")
    engine.call("DELETE", f"/containers/floor-{i:03}")
    engine.call("POST", f"/containers/create?name=floor-{i:03}", body(i))
    engine.call("POST", f"/containers/floor-{i:03}/start")
    return events.wait("start", 1) - begin


def floor_start(engine, events, i):
    engine.call("POST", f"/containers/floor-{i:03}/kill")
    events.wait("die", 1)
    time.sleep(0.3)
    events.drain()
    begin = time.time()
    engine.call("POST", f"/containers/floor-{i:03}/start")
    return events.wait("start", 1) - begin


class Agent:
    def __init__(self, build, sock, directory):
        self.dir, self.sock = directory, os.path.join(directory, "run", "hivelet.sock")
        self.file = os.path.join(directory, "node.yaml")
        self.binary = os.path.join(build, "cmd", "hivelet", "hivelet")
        self.write(0)
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen(
            [self.binary, "--config", self.file, "--config-dir", os.path.join(directory, "conf.d"),
             "--state-dir", os.path.join(directory, "state"), "--run-dir", os.path.join(directory, "run"),
             "--docker", "unix://" + sock], stdout=self.log, stderr=self.log)
        self.wait_synced()

    def write(self, n, changed=()):
        text = ["apiVersion: hivelet/v1", "kind: NodeState", "metadata: {name: bench}", "spec:",
                "  node: {safety: {allowEmpty: true, maxPrune: 100%}}", "  http: {listen: \"127.0.0.1:5099\"}",
                "  services:" if n else "  services: []"]
        for i in range(n):
            text += [f"    - name: s{i:03}", f"      image: {IMAGE}", "      pullPolicy: never",
                     "      command: [/bin/sleep]", "      args: [\"1000000\"]", "      network: none",
                     "      stop: {signal: KILL}", "      resources: {requests: {cpu: 1m, memory: 1Mi}}"]
            if i in changed:
                text += [f"      env: [{{name: CHANGED, value: \"{changed[i]}\"}}]"]
        with open(self.file + ".new", "w") as f:
            f.write("\n".join(text) + "\n")
        os.chmod(self.file + ".new", 0o600)
        begin = time.time()
        os.rename(self.file + ".new", self.file)
        return begin

    def call(self, method, path):
        c = Unix(self.sock)
        c.request(method, path, b"" if method == "POST" else None, {"Content-Type": "application/json"})
        r = c.getresponse()
        text = r.read()
        if r.status >= 400:
            raise RuntimeError(f"{method} {path}: {r.status} {text[:300]}")
        return json.loads(text)

    def apply(self):
        return self.call("POST", "/api/v1/apply")

    def wait_synced(self, timeout=300):
        until = time.time() + timeout
        while time.time() < until:
            try:
                if self.call("GET", "/api/v1/status")["synced"]:
                    return
            except (OSError, KeyError):
                pass
            time.sleep(0.02)
        raise RuntimeError("the agent does not converge; see " + self.log.name)

    def calls(self):
        """Engine calls begun so far, by name."""
        c = Unix(self.sock)
        c.request("GET", "/metrics")
        out = {}
        for line in c.getresponse().read().decode().splitlines():
            if line.startswith("hivelet_actions_total{"):
                name = line.split('action="')[1].split('"')[0]
                out[name] = out.get(name, 0) + float(line.rsplit(" ", 1)[1])
        return out

    def cpu_s(self):
        f = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        rows = dict(l.split(":") for l in open(f"/proc/{self.process.pid}/smaps_rollup") if ":" in l and "-" not in l.split(":")[0])
        kib = lambda k: int(rows[k].split()[0]) / 1024
        return kib("Rss"), kib("Private_Dirty")

    def writes(self):
        return int(dict(l.split(": ") for l in open(f"/proc/{self.process.pid}/io"))["syscw"])

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def row(what, ours, floor, limit):
    ours, floor = statistics.median(ours), statistics.median(floor)
    print(f"  {what:34} {ours:8.3f} s   floor {floor:8.3f} s   ratio {ours / floor:5.2f}   (wanted: at most {limit})", flush=True)


def best_in_flight(engine, events, n):
    took = {}
    for k in (2, 4, 8, 16):
        took[k] = floor_up(engine, events, n, k)
        floor_down(engine, events, n, k)
    best = min(took, key=took.get)
    print("  floor by calls in flight: " + ", ".join(f"{k}: {t:.2f} s" for k, t in took.items()) + f"; best {best}", flush=True)
    return best


def measure(engine, events, build, sock, n, rounds):
    print(f"N = {n}", flush=True)
    k = best_in_flight(engine, events, n)
    data = {key: ([], []) for key in ("up", "down", "change", "repair")}
    noop = []
    directory = tempfile.mkdtemp(prefix="hvb", dir="/tmp")
    agent = Agent(build, sock, directory)
    try:
        for r in range(rounds):
            data["up"][1].append(floor_up(engine, events, n, k))
            data["change"][1].append(floor_change(engine, events, r % n))
            data["repair"][1].append(floor_start(engine, events, (r + 1) % n))
            data["down"][1].append(floor_down(engine, events, n, k))

            events.drain()
            begin = agent.write(n)
            agent.apply()
            data["up"][0].append(events.wait("start", n) - begin)
            agent.wait_synced()
            events.drain()
            begin = agent.write(n, {r % n: str(r)})
            agent.apply()
            data["change"][0].append(events.wait("start", 1) - begin)
            agent.wait_synced()
            agent.write(n)
            agent.apply()
            events.wait("start", 1)
            agent.wait_synced()
            # Each round another container: a second kill of the same one would meet the back-off.
            events.drain()
            engine.call("POST", f"/containers/hive-s{(r + 1) % n:03}/kill")
            died = events.wait("die", 1)
            data["repair"][0].append(events.wait("start", 1) - died)
            agent.wait_synced()
            time.sleep(0.5)
            before, begin = agent.calls(), time.time()
            agent.apply()
            noop.append(time.time() - begin)
            agent.wait_synced()
            after = agent.calls()
            if r == 0:
                rss, dirty = agent.memory()
                cpu, writes, begin_idle = agent.cpu_s(), agent.writes(), time.time()
                time.sleep(20)
                idle = (agent.cpu_s() - cpu) / (time.time() - begin_idle) * 100
                wrote = agent.writes() - writes
            events.drain()
            begin = agent.write(0)
            agent.apply()
            data["down"][0].append(events.wait("destroy", n) - begin)
            agent.wait_synced()
        row(f"up, {n} services", *data["up"], 1.10)
        row("down again", *data["down"], 1.10)
        row("one changed", *data["change"], 1.15)
        row("killed, until it runs (bare start)", *data["repair"], 1.15)
        calls = {a: int(after[a] - before.get(a, 0)) for a in after if after[a] != before.get(a, 0)}
        print(f"  no-op apply                        {statistics.median(noop) * 1e3:8.1f} ms  calls {calls}   (wanted: below 20 ms, one list)")
        print(f"  agent with {n} services: RSS {rss:.1f} MiB, private dirty {dirty:.1f} MiB, idle CPU {idle:.3f} % of a core, "
              f"{wrote} writes in 20 s of idleness", flush=True)
    finally:
        agent.stop()
        engine.clear()
        shutil.rmtree(directory)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    p.add_argument("--sizes", default="10,50,100")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--docker", help="unix:///path of an engine to use")
    o = p.parse_args()
    own = None
    if o.docker:
        sock = o.docker.removeprefix("unix://")
    else:
        own = tempfile.mkdtemp(prefix="hve", dir="/tmp")
        script = os.path.join(TOP, "test", "lib", "engine.sh")
        sock = subprocess.run([script, "start", "docker", own], check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    try:
        engine, events = Engine(sock), Events(sock)
        engine.clear()
        print(f"engine {engine.call('GET', '/version')['Version']}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
        for n in (int(x) for x in o.sizes.split(",")):
            measure(engine, events, o.build, sock, n, o.rounds)
    finally:
        if own:
            subprocess.run([os.path.join(TOP, "test", "lib", "engine.sh"), "stop", own], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
