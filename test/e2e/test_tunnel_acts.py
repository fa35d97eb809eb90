#!/usr/bin/env python3
"""hivectl wg rotate and wg ping, with an agent, a peer and a cable as in test_tunnels.py."""
import json
import os
import signal
import subprocess

import base
import hv
import test_tunnels
from test_tunnels import sh


class Acts(test_tunnels.Ground):
    def setUp(self):
        super().setUp()
        self.old_public = self.public

    def generated(self, services=""):
        return self.text(services).replace("spec:\n", "spec:\n  secrets: [{name: wg-key, generate: wireguard}]\n").replace(
            f"{{file: {self.key_file}}}", "{secret: wg-key}")

    def status_of(self):
        return self.tunnel()["status"]

    def own_key(self):
        """The public key that the interface has now, as WireGuard says."""
        return self.node.sh("wg", "show", self.wg, "public-key")

    def has_key(self):
        """An interface is there before it can be asked for its key, and can be asked before it has one."""
        return self.node.sh("wg", "show", self.wg, "public-key", check=False) not in ("", "(none)")

    def let_in(self, public, instead_of):
        self.peer.sh("wg", "set", self.there, "peer", instead_of, "remove", "peer", public, "allowed-ips", "10.0.0.17/32")

    def act(self, *args):
        return self.agent.ctl("wg", *args)

    def start_generated(self):
        self.agent.write(self.generated(self.service()))
        self.agent.start()
        self.agent.wait(self.has_key, "it is made")
        self.public = self.own_key()
        self.peer_up()
        self.agent.wait_synced()

    def secrets(self):
        folder = os.path.join(self.agent.dir, "state", "secrets")
        found = []
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as f:
                found.append(f.read().strip())
        return found

    def test_a_generated_key_is_rotated_and_taken_back(self):
        self.start_generated()
        first, index = self.public, self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex")
        said = []
        prepared = self.act("rotate", self.wg, "--prepare")
        self.assertEqual(prepared.returncode, 0, prepared.stderr)
        second = prepared.stdout.strip()
        self.assertNotEqual(second, first)
        self.assertEqual(self.own_key(), first, "nothing uses it yet")
        rotated = self.act("rotate", self.wg)
        self.assertEqual((rotated.returncode, rotated.stdout.strip()), (0, second), rotated.stderr)
        self.assertIn(f"in the place of {first}", rotated.stderr)
        self.assertEqual((self.own_key(), self.status_of()["publicKey"]), (second, second))
        self.let_in(second, first)
        self.reach()
        self.assertEqual(self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex"), index, "it is the same interface")
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.agent.kill()
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.own_key(), second, "a restart does not bring the old one back")
        undone = self.act("rotate", self.wg, "--undo")
        self.assertEqual((undone.returncode, undone.stdout.strip(), self.own_key()), (0, first, first), undone.stderr)
        self.let_in(first, second)
        self.reach()
        again = self.act("rotate", self.wg, "--undo")
        self.assertEqual(again.stdout.strip(), second)
        said += [r.stdout + r.stderr for r in (prepared, rotated, undone, again)]
        said += [self.agent.text_of_log(), json.dumps(self.tunnel()), json.dumps(self.agent.call("GET", "/api/v1/secrets"))]
        keys = self.secrets()
        self.assertEqual(len(keys), 2)
        for text in said:
            for key in keys:
                self.assertNotIn(key, text)

    def test_an_agent_that_dies_over_it_sets_the_new_key_later(self):
        """wireguard-go is stopped, so that the key is on the disk and cannot be set; then the agent is killed."""
        self.start_generated()
        first = self.public
        prepared = self.act("rotate", self.wg, "--prepare").stdout.strip()
        program = int(sh("pgrep", "-f", f"^wireguard-go {self.wg}$"))
        os.kill(program, signal.SIGSTOP)
        try:
            with subprocess.Popen([*self.agent.hivectl(), "wg", "rotate", self.wg], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
                folder = os.path.join(self.agent.dir, "state", "secrets")
                self.agent.wait(lambda: not os.path.exists(os.path.join(folder, "wg-key.next")), "the new key is kept")
                self.agent.kill()
                asking.wait(hv.LIMIT_S)
                self.assertNotEqual(asking.returncode, 0)
        finally:
            os.kill(program, signal.SIGCONT)
        self.assertEqual(self.own_key(), first)
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.own_key(), prepared)

    def test_a_revision_that_waits_does_not_bring_the_old_key_back(self):
        """It was read before the rotation, and comes into force behind it: when the engine is there again."""
        self.peer_up()
        self.agent.write(self.generated(hv.service("s0")))
        self.agent.start()
        self.agent.wait_synced()
        first = self.own_key()
        self.engine.kill()
        self.agent.wait(lambda: self.agent.status()["engine"]["state"] in ("Down", "Unresponsive"), "it is missed")
        more = ("apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: s1}\n"
                f"spec: {{image: {hv.IMAGE}, pullPolicy: never, command: [/bin/sleep], args: [\"1000000\"], network: none}}\n")
        # Given by the API: nothing but a file that changes would make the agent read it once more.
        self.assertIn("was taken in; it comes into force", self.agent.ctl("apply", "-f", "-", stdin=more).stderr)
        second = self.act("rotate", self.wg).stdout.strip()
        self.assertNotEqual(second, first)
        self.engine.restart()
        self.agent.wait(lambda: self.engine.running() == {"hive-s0", "hive-s1"}, "the new revision is in force")
        self.agent.wait_synced()
        self.assertEqual(self.own_key(), second)

    def test_a_key_from_a_file_is_read_again(self):
        self.peer_up()
        self.agent.write(self.text())
        self.agent.start()
        self.agent.wait_synced()
        same = self.act("rotate", self.wg)
        self.assertEqual((same.returncode, same.stdout.strip()), (0, self.old_public))
        self.assertIn("the key that it had", same.stderr)
        for option in ("--prepare", "--undo"):
            refused = self.act("rotate", self.wg, option)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(f"is in the file {self.key_file}: write another one there", refused.stderr)
        key = sh("wg", "genkey")
        public = sh("wg", "pubkey", stdin=key)
        self.agent.write(key + "\n", self.key_file)
        self.assertEqual(self.own_key(), self.old_public, "nobody asked")
        rotated = self.act("rotate", self.wg)
        self.assertEqual((rotated.stdout.strip(), self.own_key()), (public, public), rotated.stderr)
        self.agent.write("nonsense\n", self.key_file)
        broken = self.act("rotate", self.wg)
        self.assertEqual(broken.returncode, 1)
        self.assertIn("expected 44", broken.stderr)
        self.assertEqual(self.own_key(), public)
        self.assertEqual(self.act("rotate", "hive7").returncode, 4)
        self.assertEqual(self.act("rotate").returncode, 64)
        self.assertNotIn(key, self.agent.text_of_log() + rotated.stdout + rotated.stderr)

    def test_ping_tells_who_answers_and_why_not(self):
        """As root, and where it has no CAP_NET_RAW and ping sockets are open to every group."""
        self.peer_up()
        self.agent.write(self.text(more_peers=f"        - {{name: mute, publicKey: {self.old_public[:-4]}AAA=, allowedIPs: [10.9.0.1/32]}}\n"))
        for prefix in ([], ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]):
            with self.subTest(prefix):
                arguments = self.agent.arguments
                self.agent.arguments = lambda *more, a=arguments, p=prefix: a(*more)[:4] + p + a(*more)[4:]
                if prefix:
                    self.node.sh("sysctl", "-q", "net.ipv4.ping_group_range=0 2147483647")
                self.agent.start()
                self.agent.wait_synced()
                r = self.act("ping", self.wg, "hub")
                self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
                self.assertRegex(r.stdout, r"hub\s+10.99.0.2:51821\s+10.0.0.1\s+echo\s+[0-9.]+ ms")
                self.agent.arguments = arguments
                self.assertEqual(self.agent.end(), 0)
        self.agent.start()
        self.agent.wait_synced()
        mute = self.act("ping", self.wg, "mute")
        self.assertEqual(mute.returncode, 1)
        self.assertIn("mute: its endpoint is not known: it has to call this node first", mute.stderr)
        # The peer is there, and nobody behind it answers.
        self.peer.sh("ip", "addr", "del", "10.0.0.1/24", "dev", self.there)
        r = self.act("ping", self.wg, "hub", "-o", "json")
        hub = json.loads(r.stdout)["peers"][0]
        self.assertEqual((r.returncode, hub["answer"], hub["roundTripMs"]), (0, "Handshake", None), hub)
        self.assertIn("the first address of its allowedIPs may be nobody's", hub["message"])
        # The peer is gone, and its address answers, but not through the tunnel.
        self.peer.sh("ip", "link", "del", self.there)
        self.peer.sh("ip", "addr", "add", "10.0.0.1/32", "dev", "lo")
        self.node.sh("ip", "route", "add", "10.0.0.1/32", "via", "10.99.0.2")
        self.reach()
        r = self.act("ping", self.wg, "hub")
        self.assertEqual(r.returncode, 1)
        self.assertIn("hub: nothing came back from 10.99.0.2:51821; the last handshake was", r.stderr)
        for args, code in ((("hive7",), 4), ((self.wg, "nobody"), 4), ((), 64)):
            self.assertEqual(self.act("ping", *args).returncode, code)
        self.node.sh("ip", "link", "add", "other", "type", "veth", "peer", "name", "another")
        self.agent.write(self.text().replace(f"name: {self.wg}", "name: other"))
        self.agent.apply()
        self.agent.wait(lambda: any(i["status"]["reason"] == "NameConflict" for i in self.agent.call("GET", "/api/v1/wireguard")["items"]), "told")
        r = self.act("ping", "other")
        self.assertEqual(r.returncode, 1)
        self.assertIn("is not hivelet's", r.stderr)

    def test_never_heard_is_told(self):
        self.agent.write(self.text())
        self.agent.start()
        self.agent.wait_synced()
        r = self.act("ping", self.wg)
        self.assertEqual(r.returncode, 1)
        self.assertIn("hub: never heard at 10.99.0.2:51821: is it up, does it know this node's public key", r.stderr)


if __name__ == "__main__":
    base.main()
