#!/usr/bin/env python3
"""A pool that is reached through a tunnel is dialled when the tunnel is there, and at once then. hivepool runs beside the peer; a back-off
of minutes shows that no try was made before."""
import os
import subprocess
import time

import base
import hv
import test_tunnels

WAITS = "it waits for WireGuard"


class PoolBehindATunnel(test_tunnels.Ground):
    def setUp(self):
        super().setUp()
        self.served = None

    def tearDown(self):
        self.end_pool()
        super().tearDown()

    def serve(self):
        """The file system is one for all namespaces, the network is not: 10.0.0.1 is the peer's."""
        with open(os.path.join(self.agent.dir, "pool.log"), "a") as log:
            self.served = subprocess.Popen(
                ["ip", "netns", "exec", self.peer.name, os.path.join(hv.BUILD, "cmd", "hivepool", "hivepool"), "serve", "--insecure",
                 "--data-dir", os.path.join(self.agent.dir, "pool"), "--listen", "0.0.0.0:50051"], stdout=log, stderr=log)
        until = time.monotonic() + hv.LIMIT_S
        while ":50051 " not in self.peer.sh("ss", "-ltnH"):
            self.assertIsNone(self.served.poll(), "hivepool ended")
            self.assertLess(time.monotonic(), until, "hivepool does not listen")
            time.sleep(0.02)

    def end_pool(self):
        if self.served:
            self.served.terminate()
            self.served.wait(hv.LIMIT_S)
            self.served = None

    def document(self, address="10.0.0.1:50051", more=""):
        master = (f"  master: {{address: \"{address}\", insecure: true, heartbeat: 1s, reconnect: {{initial: 20m, max: 60m}}{more}}}\n")
        return self.text().replace("maxHandshakeAge: 180s", "maxHandshakeAge: 10s") + master

    def pool_status(self):
        return self.agent.status()["pool"] or {}

    def waits(self, what):
        self.agent.wait(lambda: WAITS in (self.pool_status().get("message") or ""), what)
        self.assertEqual(self.pool_status()["state"], "Offline")

    def online(self):
        self.agent.wait(lambda: self.pool_status().get("state") == "Online", "the node is registered")

    def test_it_is_dialled_when_the_tunnel_is_there_and_not_before(self):
        self.serve()
        self.agent.write("nonsense\n", self.key_file)  # as long as that is its key there is no interface
        self.agent.write(self.document())
        self.agent.start()
        self.waits("there is no interface")
        self.assertIn(f"{self.wg}, which is not as it is wanted", self.pool_status()["message"])
        self.agent.write(self.secret + "\n", self.key_file)
        self.agent.wait(lambda: "no handshake with peer hub" in (self.pool_status()["message"] or ""), "there is no handshake")
        self.peer_up()
        self.online()
        self.assertIn(f"the pool 10.0.0.1:50051 is not dialled: {WAITS}", self.agent.text_of_log())
        # What works goes on, and what is lost with its tunnel waits for it: the tries of 20 minutes are none.
        # The tunnel goes first: a node whose last call was refused has nothing under way, and shakes hands again only after two minutes.
        self.peer.sh("ip", "link", "del", self.there)
        self.end_pool()
        self.waits("tunnel and pool are gone")
        self.serve()
        self.peer_up()
        self.online()

    def test_no_tunnel_leads_there(self):
        """Another network, and a peer that nobody waits for because only a call would wake it."""
        self.agent.write(self.document("10.99.0.2:50051"))
        self.serve()
        self.agent.start()
        self.online()
        self.assertNotIn(WAITS, self.agent.text_of_log())
        self.agent.write(self.document().replace("          persistentKeepalive: 1s\n", ""))
        self.peer_up()
        self.agent.apply()
        self.agent.wait(lambda: "the pool 10.0.0.1:50051 is reached" in self.agent.text_of_log(), "the node is registered there")
        self.assertNotIn("no handshake", self.agent.text_of_log())

    def test_the_pool_calls_the_tunnels_address(self):
        """Dialect hivemind: nothing listens at another address meanwhile. It is told from other tun devices by its mark: neither its name nor
        its network says what it is."""
        self.agent.write("nonsense\n", self.key_file)  # as long as that is its key there is no interface
        self.agent.write(self.document("pool.invalid:50051", ", protocol: hivemind").replace("10.0.0.17/24", "10.42.0.17/24"))
        self.node.sh("ip", "route", "add", "default", "via", "10.99.0.2")
        self.agent.start()
        self.waits("there is no interface")
        self.assertNotIn(":50053", self.node.sh("ss", "-ltnH"))
        self.agent.write(self.secret + "\n", self.key_file)
        self.agent.wait(lambda: "10.42.0.17]:50053" in self.node.sh("ss", "-ltnH"), "it listens at the tunnel's address")
        self.assertNotIn("10.99.0.1]:50053", self.node.sh("ss", "-ltnH"))


if __name__ == "__main__":
    base.main()
