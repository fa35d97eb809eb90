#!/usr/bin/env python3
"""tunnels.py - what a WireGuard interface of many peers costs, beside wg(8) on the same wireguard-go, in one run.

    test/bench/tunnels.py [--build DIR] [--peers 1000] [--rounds 3]

Floor and hivelet take turns, round by round; medians are compared. Floor: `wg setconf` of all peers on an interface that is there and has
none, `wg syncconf` of the same once more. hivelet: from the moment the new file is in place until WireGuard has all of its peers, from none;
`hivectl apply` of the same once more. Then the agent is left alone: what its looks cost it.
Each in a network namespace of its own. Needs root, wireguard-go and wg; leaves nothing behind.
"""
import argparse, base64, os, statistics, subprocess, sys, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "lib"))

LOOKS_S = 30


def sh(*args, stdin=None):
    r = subprocess.run(args, capture_output=True, text=True, input=stdin)
    if r.returncode:
        raise SystemExit(f"{' '.join(args)}: {r.stdout}{r.stderr}")
    return r.stdout.strip()


class Space:
    """A network namespace. Sockets of interfaces lie in one folder for all of them, so names differ."""

    def __init__(self, name, interface):
        self.name, self.interface = name, interface
        sh("ip", "netns", "add", name)
        self.sh("ip", "link", "set", "lo", "up")

    def sh(self, *args, **more):
        return sh("ip", "netns", "exec", self.name, *args, **more)

    def n_peers(self):
        r = subprocess.run(["ip", "netns", "exec", self.name, "wg", "show", self.interface, "peers"], capture_output=True, text=True)
        return len(r.stdout.splitlines())

    def done(self):
        subprocess.run(["ip", "netns", "exec", self.name, "ip", "link", "del", self.interface], capture_output=True)
        sh("ip", "netns", "del", self.name)


def peers(n):
    """(public key, network) of each; any 32 bytes are a public key."""
    for i in range(n):
        key = base64.b64encode(bytes([7] * 28) + i.to_bytes(4, "big")).decode()
        yield key, f"10.{100 + i // 256}.{i % 256}.0/24"


def configuration(key, n):
    text = f"[Interface]\nPrivateKey = {key}\nListenPort = 51820\n"
    return text + "".join(f"[Peer]\nPublicKey = {k}\nAllowedIPs = {net}\nPersistentKeepalive = 25\n" for k, net in peers(n))


def document(interface, key_file, n):
    listed = "".join(f"        - {{name: p{i}, publicKey: {k}, allowedIPs: [{net}], persistentKeepalive: 25s}}\n" for i, (k, net) in enumerate(peers(n)))
    return ("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: bench}\nspec:\n  node: {docker: {enabled: false}}\n  wireguard:\n"
            f"    - name: {interface}\n      privateKey: {{file: {key_file}}}\n      addresses: [10.0.0.1/24]\n      listenPort: 51820\n"
            "      routes: none\n" + (f"      peers:\n{listed}" if n else ""))


def floor(space, folder, key, n):
    path = os.path.join(folder, "all.conf")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(configuration(key, n))
    space.sh("wireguard-go", space.interface)
    begin = time.time()
    space.sh("wg", "setconf", space.interface, path)
    up = time.time() - begin
    assert space.n_peers() == n
    begin = time.time()
    space.sh("wg", "syncconf", space.interface, path)
    again = time.time() - begin
    space.sh("ip", "link", "del", space.interface)
    return up, again


def ours(agent, space, key_file, n):
    agent.write(document(space.interface, key_file, 0))
    agent.apply("--wait")
    begin = agent.write(document(space.interface, key_file, n))
    while space.n_peers() < n:
        if time.time() > begin + 300:
            raise SystemExit("hivelet does not converge:\n" + agent.text_of_log()[-3000:])
        time.sleep(0.005)
    up = time.time() - begin
    agent.apply("--wait")
    begin = time.time()
    agent.apply("--wait")
    return up, time.time() - begin


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    ap.add_argument("--peers", type=int, default=1000)
    ap.add_argument("--rounds", type=int, default=3)
    o = ap.parse_args()
    os.environ["HV_BUILD_DIR"] = o.build
    import hv  # noqa: E402 - reads HV_BUILD_DIR

    class Agent(hv.Agent):
        def arguments(self, *more):
            return ["ip", "netns", "exec", there.name, *super().arguments(*more)]

    tag = os.getpid() % 100000
    here, there = Space(f"hv-floor-{tag}", f"hvf{tag}"), Space(f"hv-bench-{tag}", f"hvb{tag}")
    agent = Agent("/nonexistent")
    try:
        key = sh("wg", "genkey")
        key_file = os.path.join(agent.dir, "wg.key")
        agent.write(key + "\n", key_file)
        agent.write(document(there.interface, key_file, 0))
        agent.start()
        agent.wait_synced()
        rows = [(*floor(here, agent.dir, key, o.peers), *ours(agent, there, key_file, o.peers)) for _ in range(o.rounds)]
        setconf, syncconf, up, again = (statistics.median(column) for column in zip(*rows))
        print(f"{o.peers} peers, from none: hivelet {up * 1000:.0f} ms, wg setconf {setconf * 1000:.0f} ms, ratio {up / setconf:.2f}")
        print(f"the same once more: hivectl apply --wait {again * 1000:.0f} ms, wg syncconf {syncconf * 1000:.0f} ms")
        cpu, begin = agent.cpu_s(), time.time()
        time.sleep(LOOKS_S)
        print(f"left alone for {LOOKS_S} s: {(agent.cpu_s() - cpu) / (time.time() - begin) * 100:.2f} % of a core, "
              f"{agent.memory_mib()[0]:.1f} MiB resident")
    finally:
        agent.done()
        here.done()
        there.done()


if __name__ == "__main__":
    main()
