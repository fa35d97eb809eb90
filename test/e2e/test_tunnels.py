#!/usr/bin/env python3
"""A node's WireGuard interface, kept as the file says: made, mended, waited for, left alone where it is not ours, and gone when it is not
wanted. The agent lives in a network namespace of its own, its peer (ip, wg and wireguard-go, none of it ours) in another."""
import json
import os
import subprocess

import base
import hv
import tasks


def sh(*args, stdin=None, check=True):
    r = subprocess.run(args, capture_output=True, text=True, input=stdin)
    if check and r.returncode:
        raise AssertionError(f"{' '.join(args)}: {r.returncode}\n{r.stdout}{r.stderr}")
    return r.stdout.strip()


class Node:
    """A network namespace."""

    def __init__(self, name):
        self.name = name
        sh("ip", "netns", "add", name)
        self.sh("ip", "link", "set", "lo", "up")

    def sh(self, *args, **more):
        return sh("ip", "netns", "exec", self.name, *args, **more)

    def done(self, *tunnels):
        """Without its interface a wireguard-go ends; with it, it would hold the namespace."""
        for tunnel in tunnels:
            self.sh("ip", "link", "del", tunnel, check=False)
        sh("ip", "netns", "del", self.name)


class Agent(hv.Agent):
    node = None

    def arguments(self, *more):
        return ["ip", "netns", "exec", self.node.name, *super().arguments(*more)]


class Ground(base.Case):
    """A node with an agent and a peer, a cable between them."""
    made = 0

    def setUp(self):
        super().setUp()
        Ground.made += 1
        tag = f"{os.getpid() % 100000}x{Ground.made}"
        # Sockets of interfaces lie in one folder for all namespaces, so their names differ.
        self.wg, self.there = f"hva{tag}", f"hvb{tag}"
        self.node, self.peer = Node(f"hv-a-{tag}"), Node(f"hv-b-{tag}")
        sh("ip", "link", "add", f"hvc{tag}", "netns", self.node.name, "type", "veth", "peer", "name", f"hvd{tag}", "netns", self.peer.name)
        for node, link, address in ((self.node, f"hvc{tag}", "10.99.0.1/24"), (self.peer, f"hvd{tag}", "10.99.0.2/24")):
            node.sh("ip", "addr", "add", address, "dev", link)
            node.sh("ip", "link", "set", link, "up")
        self.secret = sh("wg", "genkey")
        self.public = sh("wg", "pubkey", stdin=self.secret)
        self.peer_secret = sh("wg", "genkey")
        self.peer_public = sh("wg", "pubkey", stdin=self.peer_secret)
        self.agent.done()
        self.agent = Agent(self.engine.sock)
        self.agent.node = self.node
        self.key_file = os.path.join(self.agent.dir, "wg.key")
        with open(os.open(self.key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(self.secret + "\n")

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            self.node.done(self.wg, self.there)
            self.peer.done(self.there)

    def peer_up(self, node=None):
        node = node or self.peer
        node.sh("wireguard-go", self.there)
        if node is self.peer:
            node.sh("ip", "addr", "add", "10.0.0.1/24", "dev", self.there)
        node.sh("ip", "link", "set", self.there, "up")
        key = os.path.join(self.agent.dir, "peer.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(self.peer_secret)
        node.sh("wg", "set", self.there, "listen-port", "51821", "private-key", key, "peer", self.public, "allowed-ips", "10.0.0.17/32")

    def text(self, services="", more_peers="", tunnel=True):
        wireguard = "" if not tunnel else f"""  wireguard:
    - name: {self.wg}
      privateKey: {{file: {self.key_file}}}
      addresses: [10.0.0.17/24]
      listenPort: 51820
      peers:
        - name: hub
          publicKey: {self.peer_public}
          endpoint: 10.99.0.2:51821
          allowedIPs: [10.0.0.0/24, 10.7.0.0/16]
          persistentKeepalive: 1s
{more_peers}      healthy: {{peers: [hub], maxHandshakeAge: 180s}}
"""
        return hv.document(wireguard + ("  services:\n" + services if services else ""))

    def service(self):
        return hv.service("web") + f"      dependsOn: [{{wireguard: {self.wg}, condition: healthy}}]\n"

    def tunnel(self):
        items = self.agent.call("GET", "/api/v1/wireguard")["items"]
        return next((i for i in items if i["metadata"]["name"] == self.wg), None)

    def links(self):
        return self.node.sh("ip", "-br", "link")

    def reach(self):
        """The peer, through whatever leads there: an interface has its address before its routes and its first handshake, and a packet that
        is lost is nobody's fault."""
        tasks.poll(lambda: "1 received" in self.node.sh("ping", "-c1", "-W1", "10.0.0.1", check=False), "the peer answers")


class Tunnels(Ground):
    def test_a_service_starts_when_the_peer_is_heard(self):
        self.agent.write(self.text(self.service()))
        self.agent.start()
        self.agent.wait(lambda: "no handshake" in self.agent.services()["hive-web"]["message"], "it says what it waits for")
        self.assertIn(self.wg, self.links())
        self.assertEqual(self.engine.running(), set())
        self.peer_up()
        self.agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.reach()
        self.assertIn("10.7.0.0/16", self.node.sh("ip", "route", "show", "dev", self.wg))
        self.assertIn("alias hivelet:", self.node.sh("ip", "link", "show", self.wg))
        status = self.tunnel()["status"]
        peer = status["peers"][0]
        self.assertEqual((status["publicKey"], status["listenPort"], peer["name"], peer["publicKey"], peer["endpoint"]),
                         (self.public, 51820, "hub", self.peer_public, "10.99.0.2:51821"))
        self.assertGreater(peer["receivedBytes"], 0)
        shown = self.agent.ctl("wg", "show").stdout
        self.assertIn(f"{self.wg}: Ready", shown)
        self.assertRegex(shown, f"{self.wg}\\s+hub\\s+10.99.0.2:51821\\s+[0-9]+s")
        metrics = self.agent.call("GET", "/metrics", accept="text/plain")
        self.assertRegex(metrics, f'hivelet_wireguard_peer_received_bytes_total{{interface="{self.wg}",peer="hub"}} [1-9]')
        self.assertEqual(self.agent.ctl("wg", "pubkey", stdin=self.secret + "\n").stdout.strip(), self.public)
        for text in (self.agent.text_of_log(), shown, json.dumps(self.tunnel()), metrics):
            self.assertNotIn(self.secret, text)

    def test_an_endpoint_is_a_name(self):
        """One that leads nowhere is told; `localhost`, which every machine knows, leads to a peer in the same namespace."""
        self.peer_up(self.node)
        text = self.text(self.service())
        self.agent.write(text.replace("10.99.0.2", "nowhere.invalid"))
        self.agent.start()
        self.agent.wait(lambda: "nowhere.invalid" in self.agent.services()["hive-web"]["message"], "it says what it waits for")
        self.agent.write(text.replace("10.99.0.2", "localhost"))
        self.agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web"})

    def test_a_file_of_wg_quick_becomes_a_document(self):
        self.peer_up()
        conf = os.path.join(self.agent.dir, self.wg + ".conf")
        keys, dropins = os.path.join(self.agent.dir, "keys"), os.path.join(self.agent.dir, "conf.d")
        os.mkdir(keys)
        os.mkdir(dropins)
        self.agent.write(f"[Interface]\nPrivateKey = {self.secret}\nAddress = 10.0.0.17/24\nDNS = 8.8.8.8\n"
                         f"[Peer]\nPublicKey = {self.peer_public}\nEndpoint = 10.99.0.2:51821\nAllowedIPs = 10.0.0.0/24\n"
                         "PersistentKeepalive = 1\n", conf)
        r = self.agent.ctl("convert", conf, "--into", keys)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(f"{conf}:4: DNS is not set", r.stderr)
        self.assertNotIn(self.secret, r.stdout + r.stderr)
        self.assertEqual([(name, os.stat(os.path.join(keys, name)).st_mode & 0o777) for name in os.listdir(keys)],
                         [(self.wg + "-key", 0o600)])
        again = self.agent.ctl("convert", conf, "--into", keys)
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertIn("File exists", again.stderr)
        self.agent.write(r.stdout, os.path.join(dropins, "wg.yaml"))
        self.agent.write(self.text(tunnel=False))
        self.agent.start()
        self.agent.wait_synced()
        self.reach()

    def test_keys_come_from_credentials_of_the_service_manager(self):
        """As systemd hands them to a service: files of mode 0400 in a folder that $CREDENTIALS_DIRECTORY names."""
        folder, shared = os.path.join(self.agent.dir, "credentials"), sh("wg", "genpsk")
        os.mkdir(folder, 0o700)
        for name, key in (("wg-key", self.secret), ("wg-shared", shared)):
            with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o400), "w") as f:
                f.write(key + "\n")
        text = self.text().replace("spec:\n", "spec:\n  secrets: [{name: own, fromCredential: wg-key}, {name: shared, fromCredential: wg-shared}]\n")
        text = text.replace(f"{{file: {self.key_file}}}", "{secret: own}").replace("          endpoint:", "          presharedKey: {secret: shared}\n          endpoint:")
        self.peer_up()
        self.peer.sh("wg", "set", self.there, "peer", self.public, "preshared-key", os.path.join(folder, "wg-shared"))
        self.agent.write(text)
        self.assertIn("set LoadCredential=", self.agent.run("--check").stderr + self.agent.run("--once").stderr)
        self.agent.start(env={"CREDENTIALS_DIRECTORY": folder})
        self.agent.wait_synced()
        self.assertEqual(self.tunnel()["status"]["publicKey"], self.public)
        self.reach()
        for key in (self.secret, shared):
            self.assertNotIn(key, self.agent.text_of_log())

    def test_it_is_mended_and_outlives_the_agent(self):
        self.peer_up()
        self.agent.write(self.text())
        self.agent.start()
        self.agent.wait_synced()
        index = self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex")
        for what in (("ip", "addr", "del", "10.0.0.17/24", "dev", self.wg), ("ip", "route", "del", "10.7.0.0/16", "dev", self.wg),
                     ("ip", "link", "set", self.wg, "down")):
            with self.subTest(" ".join(what)):
                self.node.sh(*what)
                self.agent.wait(lambda: "10.0.0.17/24" in self.node.sh("ip", "addr", "show", self.wg) and
                                "10.7.0.0/16" in self.node.sh("ip", "route", "show", "dev", self.wg) and
                                ",UP" in self.node.sh("ip", "link", "show", self.wg), "mended")
        self.assertEqual(self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex"), index, "it is the same interface")
        self.agent.kill()
        self.reach()
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex"), index, "it is the same interface")
        self.node.sh("ip", "link", "del", self.wg)
        self.agent.wait(lambda: "10.0.0.17/24" in self.node.sh("ip", "addr"), "made again")
        self.agent.wait_synced()

    def test_it_goes_when_it_is_not_wanted_also_after_a_restart(self):
        for stopped in (False, True):
            with self.subTest(stopped=stopped):
                self.agent.write(self.text(hv.service("web")))
                self.agent.start()
                self.agent.wait_synced()
                self.assertIn(self.wg, self.links())
                if stopped:
                    self.assertEqual(self.agent.end(), 0)
                self.agent.write(self.text(hv.service("web"), tunnel=False))
                if stopped:
                    self.agent.start()
                self.agent.wait(lambda: self.wg not in self.links(), "gone")
                self.agent.wait_synced()
                self.assertIsNone(self.tunnel())
                self.assertEqual(self.agent.end(), 0)

    def test_a_strangers_interface_is_left_alone(self):
        self.node.sh("ip", "link", "add", self.wg, "type", "veth", "peer", "name", "other")
        self.agent.write(self.text(self.service()))
        self.agent.start()
        self.agent.wait(lambda: self.tunnel()["status"]["reason"] == "NameConflict", "told")
        self.assertIn(self.wg, self.links())
        self.assertEqual(self.engine.running(), set())
        self.node.sh("ip", "link", "del", self.wg)
        self.peer_up()
        self.agent.wait_synced()

    def test_a_key_that_cannot_be_read_leaves_the_tunnel_as_it_is(self):
        self.peer_up()
        self.agent.write(self.text())
        self.agent.start()
        self.agent.wait_synced()
        with open(self.key_file, "w") as f:
            f.write("nonsense\n")
        self.agent.ctl("apply")
        self.agent.wait(lambda: self.tunnel()["status"]["reason"] == "WireGuardFailed", "told")
        self.assertIn("expected 44", self.tunnel()["status"]["message"])
        self.reach()
        self.node.sh("ip", "addr", "del", "10.0.0.17/24", "dev", self.wg)  # as it was wanted at last it is kept
        self.agent.wait(lambda: "10.0.0.17/24" in self.node.sh("ip", "addr", "show", self.wg), "mended")
        self.assertEqual(self.tunnel()["status"]["reason"], "WireGuardFailed")
        os.unlink(self.key_file)
        self.agent.wait(lambda: "No such file" in self.tunnel()["status"]["message"], "it is told why there is none")
        self.reach()
        self.agent.kill()
        self.agent.start()
        self.agent.wait(lambda: self.tunnel()["status"]["reason"] == "WireGuardFailed", "told again")
        self.reach()
        self.agent.write(self.secret, self.key_file)
        self.agent.wait_synced()  # nobody has to say that it is mended


if __name__ == "__main__":
    base.main()
