#!/usr/bin/env python3
"""Certificates that are not good enough, on either side of the link to a pool: one agent meets them all, one after the other.

Each time it says what it found and what it expected, in its status and in its log; nothing of it is heard behind the
handshake; what it runs goes on; and it is registered as soon as the certificates are good, without a restart.
"""
import ipaddress
import json
import os
import socket
import ssl
import sys
import threading

import base
import certs
import hv
import tasks
from certs import CLIENT, DAY, NOW, SERVER
from cryptography import x509
from cryptography.hazmat.primitives import hashes

sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", "pool"))
import scripted_pool  # noqa: E402  (of the directory named above)

grpc = scripted_pool.grpc
HERE = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


class Listener(threading.Thread):
    """Takes connections with any certificate, or in plain text like a gRPC server without one, and keeps what is said to it
    behind the handshake."""

    def __init__(self, port, certificate, key):
        super().__init__(daemon=True)
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.set_ciphers("DEFAULT@SECLEVEL=0")
            self.context.set_alpn_protocols(["h2"])
            self.context.load_cert_chain(certificate, key)
        self.socket = socket.create_server(("127.0.0.1", port))
        self.heard, self.n_connections = b"", 0
        self.start()

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.n_connections += 1
            try:
                connection.settimeout(hv.LIMIT_S)
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                else:
                    connection.sendall(b"\0\0\0\4\0\0\0\0\0")  # HTTP/2 settings
                data = connection.recv(65536)
                # In plain text what comes is the first message of a handshake, and no HTTP/2.
                self.heard += data if self.context else data[data[:1] == b"\x16" and len(data):]
            except OSError:
                pass
            finally:
                connection.close()

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join()


class Certificates(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "careful")
        self.made = certs.Maker(self.agent.dir)
        self.ca, self.other = self.made.authority("ca"), self.made.authority("other-ca")
        self.made.leaf("pool", self.ca, HERE, [SERVER])
        self.made.leaf("mine", self.ca, [x509.DNSName("careful")], [CLIENT])
        self.pool = None
        self.port = self.agent.free_port()
        self.n = 0

    def tearDown(self):
        if self.pool:
            self.pool.stop()
        super().tearDown()

    def use(self, certificate, key=None):
        """As the node's own, from now on."""
        self.made.write("node.key", self.made.read((key or certificate) + ".key"))
        self.made.write("node.pem", self.made.read(certificate + ".pem"))

    def declare(self, has_certificate=True):
        files = {"caFile": self.made.path("ca.pem")}
        if has_certificate:
            files.update(certFile=self.made.path("node.pem"), keyFile=self.made.path("node.key"))
        master = {"address": f"127.0.0.1:{self.port}", "heartbeat": "1s", "reconnect": {"initial": "100ms", "max": "500ms"},
                  "tls": files}
        self.agent.declare({}, body=f"  master: {json.dumps(master)}\n")

    def start(self):
        self.use("mine")
        self.declare()
        self.agent.start()

    def link(self):
        return self.agent.call("GET", "/api/v1/status")["pool"]

    def serve(self, name, authority="ca"):
        """The pool, with the certificate of that name; it takes only nodes with one of that authority."""
        credentials = grpc.ssl_server_credentials([(self.made.read(name + ".key"), self.made.read(name + ".pem"))],
                                                  self.made.read(authority + ".pem"), True)
        if self.pool is None:
            self.pool = scripted_pool.Pool(credentials=credentials, port=self.port)
        else:
            self.pool.credentials = credentials
            with self.pool.lock:
                del self.pool.calls[:]
            self.pool.start()

    def serve_behind_a_dial(self, words):
        """Files are read at each dial: one that was under way when they were written gets through with what was there before, once."""
        for _ in range(3):
            self.serve("pool")
            self.agent.wait(lambda: self.is_said(*words) or self.link()["state"] == "Online", f"dialled: {words}")
            if self.link()["state"] != "Online":
                return
            self.pool.stop()
            self.agent.wait(lambda: self.link()["state"] != "Online", "the pool is lost again")

    def is_said(self, *words):
        message = self.link()["message"] or ""
        return all(w in message for w in words)

    def check_bad(self, what, words, heard):
        """It says why, nobody hears anything, and work goes on."""
        self.agent.wait(lambda: self.is_said(*words) or self.link()["state"] == "Online", f"{what}: it says {words}")
        link = self.link()
        self.assertNotEqual(link["state"], "Online", what)
        self.n += 1
        self.agent.submit(f"work{self.n}", self.agent.spec(f"work{self.n}", tasks.end_with()))
        self.agent.wait(lambda: (self.agent.ledger.tasks().get(f"work{self.n}") or {}).get("state") == "Completed",
                        f"{what}: work goes on")
        self.assertEqual(heard(), [], what)
        self.assertNotIn("PRIVATE", link["message"])
        said = [line for line in self.agent.text_of_log().splitlines() if all(w in line for w in words)]
        self.assertNotEqual(said, [], f"{what}: not in the log")
        print(f"{what}: {link['message']}", flush=True)

    def check_good(self, what):
        self.serve("pool")
        self.agent.wait(lambda: self.link()["state"] == "Online", f"{what}: registered with good certificates")
        self.pool.stop()
        self.agent.wait(lambda: self.link()["state"] != "Online", f"{what}: the pool is lost again")

    def test_those_of_the_pool(self):
        leaf, ca, other = self.made.leaf, self.ca, self.other
        rows = [
            ("expired", ("CN=expired", "ended at"), lambda n: leaf(n, ca, HERE, begin=NOW - 5 * DAY, end=NOW - DAY)),
            ("early", ("CN=early", "begins at"), lambda n: leaf(n, ca, HERE, begin=NOW + DAY)),
            ("wrong-name", ("CN=wrong-name", "elsewhere.test", "expected one for 127.0.0.1"),
             lambda n: leaf(n, ca, [x509.DNSName("elsewhere.test")])),
            ("wrong-address", ("CN=wrong-address", "127.0.0.9", "expected one for 127.0.0.1"),
             lambda n: leaf(n, ca, [x509.IPAddress(ipaddress.ip_address("127.0.0.9"))])),
            ("no-name", ("CN=no-name", "no subjectAltName"), lambda n: leaf(n, ca, None)),
            ("other-authority", ("CN=other-authority", "signed by", "CN=other-ca", "ca.pem"), lambda n: leaf(n, other, HERE)),
            ("by-itself", ("CN=by-itself", "signed by itself", "ca.pem"), lambda n: leaf(n, None, HERE)),
            ("of-a-client", ("CN=of-a-client", "not meant for a server"), lambda n: leaf(n, ca, HERE, usage=[CLIENT])),
            ("weak-key", ("CN=weak-key", "key too"), lambda n: leaf(n, ca, HERE, rsa_bits=1024)),
            ("weak-digest", ("CN=weak-digest", "digest algorithm too weak"),
             lambda n: leaf(n, ca, HERE, digest=hashes.SHA1())),
            ("trick", ("CN=", "\\", "J trick"), lambda n: leaf(n, other, HERE, common_name="\x1b[2J trick")),
            ("plain-text", ("127.0.0.1 does not speak TLS",), None),
        ]
        self.start()
        for what, words, make in rows:
            if make:
                make(what)
            listener = Listener(self.port, make and self.made.path(what + ".pem"), make and self.made.path(what + ".key"))
            try:
                self.check_bad(what, words, lambda: [listener.heard] if listener.heard else [])
                tasks.poll(lambda n=listener: n.n_connections > 1, f"{what}: it tries again")
            finally:
                listener.end()
            self.check_good(what)

    def test_those_of_the_node(self):
        leaf, ca, other, name = self.made.leaf, self.ca, self.other, [x509.DNSName("careful")]
        refused = "it does not take the certificate"
        rows = [
            ("other-authority", (refused, "CN=other-authority", "by", "CN=other-ca"), lambda n: leaf(n, other, name)),
            ("by-itself", (refused, "CN=by-itself"), lambda n: leaf(n, None, name)),
            ("expired", (refused, "CN=expired", "valid from", NOW.strftime("%Y")),
             lambda n: leaf(n, ca, name, begin=NOW - 5 * DAY, end=NOW - DAY)),
            ("early", (refused, "CN=early"), lambda n: leaf(n, ca, name, begin=NOW + DAY)),
            ("of-a-server", (refused, "CN=of-a-server"), lambda n: leaf(n, ca, name, usage=[SERVER])),
        ]
        self.start()
        for what, words, make in rows:
            make(what)
            self.use(what)
            self.serve_behind_a_dial(words)
            self.check_bad(what, words, lambda: list(self.pool.calls))
            self.pool.stop()
            self.use("mine")
            self.check_good(what)

    def test_the_authority_of_the_node_is_taken_away(self):
        self.start()
        self.check_good("at first")
        self.serve("pool", authority="other-ca")  # what was good is revoked
        self.check_bad("revoked", ("it does not take the certificate", "CN=mine", "by", "CN=ca"), lambda: list(self.pool.calls))
        self.made.leaf("new", self.other, [x509.DNSName("careful")], [CLIENT])
        self.use("new")
        self.agent.wait(lambda: self.link()["state"] == "Online", "registered with the new certificate")

    def test_a_node_without_a_certificate(self):
        self.use("mine")
        self.declare(has_certificate=False)
        self.agent.start()
        self.serve("pool")
        self.check_bad("none", ("expects a certificate of this side, and there is none",), lambda: list(self.pool.calls))
        self.declare()
        self.agent.apply()
        self.agent.wait(lambda: self.link()["state"] == "Online", "registered with a certificate")

    def test_a_key_that_does_not_fit(self):
        self.made.leaf("another", self.ca, [x509.DNSName("careful")], [CLIENT])
        self.use("mine", key="another")
        self.declare()
        self.agent.start()
        self.serve("pool")
        self.check_bad("key at the start", ("node.key", "node.pem"), lambda: list(self.pool.calls))
        self.use("mine")
        self.agent.wait(lambda: self.link()["state"] == "Online", "registered with the key that fits")
        # While it runs: what is in force stays so, and the log says why.
        self.use("mine", key="another")
        self.pool.stop()
        self.agent.wait(lambda: "the pool's certificates stay as they were" in self.agent.text_of_log(), "it says so")
        self.serve("pool")
        self.agent.wait(lambda: self.link()["state"] == "Online", "registered with what it had")


if __name__ == "__main__":
    base.main()
