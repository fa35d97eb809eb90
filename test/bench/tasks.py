#!/usr/bin/env python3
"""tasks.py - what running a task costs beyond the container itself, in one run.

    test/bench/tasks.py [--build DIR] [--single 30] [--many 100] [--rounds 3] [--soak 0] [--print-gb 0] [--docker URL]

overhead   from the POST of one short task to its durable result, less what the engine takes for the very same container by bare
           calls (create, start, its exit): medians, taken by turns
many       100 short tasks, 4 at a time, against the same containers by 4 threads of bare calls (create, start, exit, remove)
soak       with --soak N: N tasks one behind the other, 4 at a time; the agent's PSS after the first 200, which fill what has a
           bound (the ring of 1,000 events, the ledger's page cache), and at the end
print      with --print-gb N: one task that prints N GiB; the agent's PSS before it, at its highest while it prints and is
           collected, and after it, and how large a log was kept

Starts a private engine (test/lib/engine.sh) unless --docker names one. Needs root; leaves nothing behind.
"""
import argparse, http.client, json, os, queue, shutil, statistics, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from converge import IMAGE, TOP, Engine, Unix, parallel  # noqa: E402

COMMAND = ["/bin/true"]


def body(directory):
    """What hivelet's create says about the same task, as far as the engine's work depends on it."""
    return {"Image": IMAGE, "Entrypoint": COMMAND, "Cmd": [], "User": "65534:65534", "WorkingDir": "/workspace",
            "Env": ["HOME=/workspace"],
            "HostConfig": {"NetworkMode": "none", "PidsLimit": 1024, "Init": True, "ReadonlyRootfs": True, "Memory": 1 << 30,
                           "MemorySwap": 1 << 30, "NanoCpus": 10 ** 9, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
                           "LogConfig": {"Type": "local", "Config": {"max-size": "7m", "max-file": "10", "compress": "false"}},
                           "Mounts": [{"Type": "bind", "Source": directory, "Target": "/workspace"},
                                      {"Type": "tmpfs", "Target": "/tmp"}]}}


class Exits(threading.Thread):
    """The engine's `die` events, by container name."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.conn, self.waiting, self.lock, self.ready = Unix(sock), {}, threading.Lock(), threading.Event()
        self.conn.timeout = None
        self.start()
        self.ready.wait()

    def expect(self, name):
        done = threading.Event()
        with self.lock:
            self.waiting[name] = done
        return done

    def run(self):
        self.conn.request("GET", "/v1.41/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22die%22%5D%7D")
        r = self.conn.getresponse()
        self.ready.set()
        try:
            for line in r:
                name = json.loads(line)["Actor"]["Attributes"].get("name")
                with self.lock:
                    done = self.waiting.pop(name, None)
                if done:
                    done.set()
        except (OSError, ValueError, AttributeError):
            pass


def bare(engine, exits, name, directory, remove):
    done = exits.expect(name)
    begin = time.time()
    engine.call("POST", f"/containers/create?name={name}", body(directory))
    engine.call("POST", f"/containers/{name}/start")
    done.wait(60)
    took = time.time() - begin
    if remove:
        engine.call("DELETE", f"/containers/{name}")
    return took


class Agent:
    def __init__(self, build, sock, directory, slots):
        self.dir, self.sock = directory, os.path.join(directory, "run", "hivelet.sock")
        config = os.path.join(directory, "node.yaml")
        with open(config, "w") as f:
            f.write("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: bench}\nspec:\n"
                    "  http: {listen: \"127.0.0.1:5098\"}\n  node: {safety: {allowEmpty: true}}\n"
                    f"  resources: {{overcommit: {{cpu: 100}}}}\n  master: {{accept: {{maxConcurrentTasks: {slots}}}}}\n")
        os.chmod(config, 0o600)
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen(
            [os.path.join(build, "cmd", "hivelet", "hivelet"), "--config", config, "--config-dir", os.path.join(directory, "d"),
             "--state-dir", os.path.join(directory, "state"), "--run-dir", os.path.join(directory, "run"),
             "--docker", "unix://" + sock], stdout=self.log, stderr=self.log)
        until = time.time() + 30
        while time.time() < until:
            try:
                if self.call("GET", "/api/v1/status")["synced"]:
                    break
            except (OSError, KeyError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        else:
            raise RuntimeError("the agent does not begin; see " + self.log.name)
        self.ended, self.lock = {}, threading.Lock()
        self.following = threading.Event()
        threading.Thread(target=self.follow, daemon=True).start()
        self.following.wait(10)

    def call(self, method, path, text=None):
        c = Unix(self.sock)
        c.request(method, path, text, {"Content-Type": "application/yaml"})
        r = c.getresponse()
        answer = r.read()
        if r.status >= 400:
            raise RuntimeError(f"{method} {path}: {r.status} {answer[:300]}")
        return json.loads(answer)

    def follow(self):
        """TaskEnded is told when the result is durable."""
        c = Unix(self.sock)
        c.timeout = None
        c.request("GET", "/api/v1/events?tail=0", headers={"Accept": "text/event-stream"})
        r = c.getresponse()
        self.following.set()
        try:
            for line in r:
                if not line.startswith(b"data:"):
                    continue
                e = json.loads(line[5:])
                text = json.dumps(e)
                if "TaskEnded" in text:
                    name = e.get("name") or e.get("involvedObject", {}).get("name") or e.get("object", {}).get("name")
                    with self.lock:
                        done = self.ended.pop(name, None)
                    if done:
                        done.set()
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass

    def submit(self, name, command=None):
        done = threading.Event()
        with self.lock:
            self.ended[name] = done
        document = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": name},
                    "spec": {"image": IMAGE, "pullPolicy": "never", "command": command or COMMAND, "resources": {"limits": {"memory": "1Gi", "cpu": "1"}}}}
        answer = self.call("POST", f"/api/v1/tasks?id={name}", json.dumps(document))
        identity = answer.get("id") or answer.get("metadata", {}).get("name")
        if identity != name:
            with self.lock:
                self.ended.pop(name, None)
                self.ended[identity] = done
        return done

    def pss_kib(self, kind="Pss"):
        """kind Pss_Anon: without the pages of programs and libraries, whose share goes by who else has them mapped."""
        for line in open(f"/proc/{self.process.pid}/smaps_rollup"):
            if line.startswith(kind + ":"):
                return int(line.split()[1])
        return 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def single(engine, exits, agent, directory, n):
    ours, floor = [], []
    for i in range(n):
        floor.append(bare(engine, exits, f"floor-{i}", directory, False))
        engine.call("DELETE", f"/containers/floor-{i}")
        begin = time.time()
        if not agent.submit(f"one-{i}").wait(60):
            raise RuntimeError(f"one-{i} does not end; see {agent.log.name}")
        ours.append(time.time() - begin)
        time.sleep(0.1)
    over = (statistics.median(ours) - statistics.median(floor)) * 1e3
    print(f"  one short task                 {statistics.median(ours):7.3f} s   floor {statistics.median(floor):7.3f} s   "
          f"overhead {over:6.1f} ms   (wanted: below 30 ms)", flush=True)


def many(engine, exits, agent, directory, n, rounds):
    ours, floor = [], []
    for r in range(rounds):
        begin = time.time()
        parallel(n, 4, lambda i: bare(engine, exits, f"floor-{r}-{i}", directory, True))
        floor.append(time.time() - begin)
        begin = time.time()
        for done in [agent.submit(f"many-{r}-{i}") for i in range(n)]:
            if not done.wait(300):
                raise RuntimeError(f"a task does not end; see {agent.log.name}")
        ours.append(time.time() - begin)
        time.sleep(1)
    a, b = statistics.median(ours), statistics.median(floor)
    print(f"  {n} tasks, 4 at a time          {a:7.2f} s   floor {b:7.2f} s   ratio {a / b:5.2f}   (wanted: at most 1.10)", flush=True)


def soak(agent, n):
    waiting = queue.Queue()
    before = own = 0
    for i in range(n):
        waiting.put(agent.submit(f"soak-{i}"))
        if i >= 8 and not waiting.get().wait(120):
            raise RuntimeError(f"a task does not end; see {agent.log.name}")
        if i == min(200, n // 4):
            before, own = agent.pss_kib(), agent.pss_kib("Pss_Anon")
    while not waiting.empty():
        waiting.get().wait(120)
    after = agent.pss_kib()
    print(f"  {n} tasks                     PSS {before} KiB after the first {min(200, n // 4)}, {after} KiB at the end: {after - before:+d} KiB, "
          f"of its own {agent.pss_kib('Pss_Anon') - own:+d} KiB   (wanted: below 1024)", flush=True)


def print_much(agent, gib):
    """A line of 4,000 bytes over and over. One of a hundredth comes first: what every log needs is there then."""
    line = "yes $(printf %04000d 7) | head -c {}; echo; echo last"
    for name, size in (("warm", (gib << 30) // 100), ("print", gib << 30)):
        before = highest = agent.pss_kib()
        begin, done = time.time(), agent.submit(name, ["/bin/sh", "-c", line.format(size)])
        while not done.wait(0.5):
            highest = max(highest, agent.pss_kib())
            if time.time() - begin > 3600:
                raise RuntimeError(f"{name} does not end; see {agent.log.name}")
    kept = os.path.getsize(os.path.join(agent.dir, "state", "results", name, "1", "log"))
    print(f"  one task that prints {gib} GiB     PSS {before} KiB before, {highest - before:+d} KiB at its highest, {agent.pss_kib() - before:+d} KiB after "
          f"{time.time() - begin:.0f} s; {kept >> 20} MiB kept   (wanted: below 1024)", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    p.add_argument("--single", type=int, default=30)
    p.add_argument("--many", type=int, default=100)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--soak", type=int, default=0)
    p.add_argument("--print-gb", type=int, default=0)
    p.add_argument("--docker", help="unix:///path of an engine to use")
    o = p.parse_args()
    script, own = os.path.join(TOP, "test", "lib", "engine.sh"), None
    if o.docker:
        sock = o.docker.removeprefix("unix://")
    else:
        own = tempfile.mkdtemp(prefix="hve", dir="/tmp")
        sock = subprocess.run([script, "start", "docker", own], check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    directory = tempfile.mkdtemp(prefix="hvb", dir="/tmp")
    os.chmod(directory, 0o777)
    agent = None
    try:
        engine, exits = Engine(sock), Exits(sock)
        engine.clear()
        print(f"engine {engine.call('GET', '/version')['Version']}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
        agent = Agent(o.build, sock, directory, 4)
        if o.single:
            single(engine, exits, agent, directory, o.single)
        if o.many:
            many(engine, exits, agent, directory, o.many, o.rounds)
        if o.soak:
            soak(agent, o.soak)
        if o.print_gb:
            print_much(agent, o.print_gb)
    finally:
        if agent:
            agent.stop()
        if own:
            subprocess.run([script, "stop", own], check=False)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
