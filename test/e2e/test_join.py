#!/usr/bin/env python3
"""A node asks a VPN service for its tunnel once, keeps what it was given, and treats it as an interface that somebody declared. The service
is a stub of the documented one (HTTP, one answer after the other as the test says); the peer is real, in a namespace of its own."""
import collections
import ctypes
import fcntl
import http.server
import ipaddress
import json
import os
import queue
import socket
import ssl
import stat
import struct
import termios
import threading

from cryptography import x509

import base
import certs
import hv
import test_tunnels
from test_tunnels import sh


class Service:
    """The VPN service, on the loopback of a network namespace: its socket is made there, its thread lives here."""

    def __init__(self, node, tls=None):
        """`tls`: certificate and key files."""
        self.tls = tls
        self.questions, self.answers, self.last = queue.Queue(), collections.deque(), None
        ready = queue.Queue()
        self.thread = threading.Thread(target=self.serve, args=(node, ready), daemon=True)
        self.thread.start()
        self.port = ready.get()

    def serve(self, node, ready):
        service = self
        # Of this thread alone: setns(2) changes the caller's namespace.
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{node.name}") as f:
            if libc.setns(f.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "setns")

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = hv.LIMIT_S

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.questions.put((self.path, self.headers["Content-Type"], json.loads(body)))
                answer = service.answers.popleft() if service.answers else service.last
                if answer is None:  # no answer: until the other side goes
                    self.connection.recv(1)
                    return
                status, body, headers = answer
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:  # it had enough
                    pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self.server = Server(("127.0.0.1", 0), Handler)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        ready.put(self.server.server_address[1])
        self.server.serve_forever()

    def answer(self, status, body, **headers):
        self.answers.append((status, body, {k.replace("_", "-"): v for k, v in headers.items()}))

    def always(self, status, body, **headers):
        self.last = (status, body, {k.replace("_", "-"): v for k, v in headers.items()})

    def asked(self):
        """The next question, waited for."""
        return self.questions.get(timeout=hv.LIMIT_S)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


PUBLISH = "  node: {policy: {publish: [loopback, wireguard]}}\n"


class Join(test_tunnels.Ground):
    def setUp(self):
        super().setUp()
        self.service = Service(self.node)

    def tearDown(self):
        try:
            super().tearDown()
        finally:
            self.service.close()

    def service_that_waits(self):
        return hv.service("web") + f"      dependsOn: [{{wireguard: {self.wg}, condition: healthy}}]\n"

    @staticmethod
    def bound():
        return hv.service("bound", extra='ports: [{name: web, container: 80, host: "8080", bind: wireguard}]',
                          network="networks: [{name: front}]")

    def url(self):
        return f"http://127.0.0.1:{self.service.port}/api/vpn/join"

    def config(self, secret=None, address="10.0.0.17/24", allowed="10.0.0.0/24", more=""):
        return (f"[Interface]\nPrivateKey = {secret or self.secret}\nAddress = {address}\nDNS = 8.8.8.8, 1.1.1.1\nMTU = 1380\n"
                f"PostUp = touch {self.agent.dir}/ran\n{more}\n[Peer]\nPublicKey = {self.peer_public}\nEndpoint = 10.99.0.2:51821\n"
                f"AllowedIPs = {allowed}\nPersistentKeepalive = 1\n")

    def given(self, config=None, name="berlin_1732300000"):
        return {"success": True, "message": "ok", "config": config or self.config(), "client_name": name, "client_ip": "10.0.0.17",
                "server_endpoint": "10.99.0.2:51821", "generated_at": "2026-11-22T12:00:00", "config_file_path": "/etc/shadow",
                "filename": "../wg0.conf"}

    def joining(self, more="", url=None, client="clientName: berlin", routes=""):
        return hv.document(PUBLISH + f"{hv.CHATTY}  wireguard:\n    - name: {self.wg}\n      join: {{url: \"{url or self.url()}\"{', ' if client else ''}{client}}}\n"
                           f"{routes}" + (f"  services:\n{more}" if more else ""))

    def message(self):
        return self.tunnel()["status"]["message"] or ""

    def says(self, *words):
        self.agent.wait(lambda: all(w in self.message() for w in words), f"says {words}, said {self.message() if self.tunnel() else None}")

    def told(self, *words):
        """By the interface, with its reason, and by `hivectl why`, whose answer it gives. Whoever asks the service again says that meanwhile,
        some two seconds later, or after the pause that the service wants: then it is told once more."""
        def is_told():
            shown, answers[:] = self.tunnel()["status"], [self.agent.ctl("why", f"wireguard/{self.wg}").stdout]
            return all(w in (shown["message"] or "") for w in words) and shown["reason"] == "JoinFailed" and words[0] in answers[0]

        answers = []
        self.agent.wait(is_told, f"{words} are told")
        return answers[0]

    def kept(self):
        return os.path.join(self.agent.dir, "state", "joins", f"wg-{self.wg}")

    def test_joins_once_and_who_waits_goes_on(self):
        """A gate and traffic; then restarts, in order and not, without another question."""
        self.service.always(503, {"success": False, "error": "not yet"})
        self.agent.write(self.joining(self.service_that_waits()))
        self.agent.start()
        self.assertEqual(self.service.asked(), ("/api/vpn/join", "application/json", {"client_name": "berlin"}))
        why = self.told("the service failed (503): \"not yet\"", "asked again at ")
        self.agent.wait(lambda: "not yet" in self.agent.services()["hive-web"]["message"], "the gate says why")
        self.assertNotIn(self.wg, self.links())
        self.assertEqual(self.engine.running(), set())
        revision = self.agent.status()["revision"]

        self.peer_up()
        self.service.always(200, self.given())
        self.agent.ctl("apply")
        self.agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.assertEqual(self.agent.status()["revision"], revision, "what was written is what it was")
        self.reach()
        shown = self.node.sh("ip", "addr", "show", self.wg)
        self.assertIn("10.0.0.17/24", shown)
        self.assertIn("mtu 1380", shown)
        self.assertFalse(os.path.exists(os.path.join(self.agent.dir, "ran")), "no hook is run")
        self.assertEqual(self.tunnel()["status"]["publicKey"], self.public)
        self.assertIn(f"{self.wg}: Ready", self.agent.ctl("wg", "show").stdout)
        self.assertEqual(stat.S_IMODE(os.stat(self.kept()).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.kept())).st_mode), 0o700)
        while not self.service.questions.empty():
            self.service.asked()
        started = self.started_at("hive-web")
        for end in (self.agent.end, self.agent.kill):
            end()
            self.agent.start()
            self.agent.wait_synced()
        self.agent.ctl("apply")
        self.agent.wait_synced()
        self.assertTrue(self.service.questions.empty(), "it was joined once")
        self.assertEqual(self.started_at("hive-web"), started, "nothing was made anew")
        for text in (self.agent.text_of_log(), json.dumps(self.tunnel()), why):
            self.assertNotIn(self.secret, text)

    def test_a_port_is_bound_to_the_address_that_was_given(self):
        """The engine is not in the agent's namespace, so that it cannot start such a container: how it is made is what counts."""
        self.service.always(503, {"success": False, "error": "not yet"})
        self.agent.write(self.joining(self.bound() + "  networks: [{name: front, driver: bridge}]\n"))
        self.agent.start()
        self.agent.wait(lambda: "the first interface has none yet" in self.agent.services()["hive-bound"]["message"], "the port waits")
        self.assertIsNone(self.engine.look("hive-bound"))
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.ctl("apply")
        made = []
        self.agent.wait(lambda: made.append(self.engine.look("hive-bound")) or made[-1], "it is made")
        self.assertEqual(made[-1]["HostConfig"]["PortBindings"]["80/tcp"], [{"HostIp": "10.0.0.17", "HostPort": "8080"}])

    def test_answers_that_give_nothing(self):
        """Each is told with what to do about it, and the agent goes on; the next one is asked for after hivectl apply."""
        big = b'{"config": "' + b"x" * 70000 + b'"}'
        rows = [
            ("pause", 429, {"error": "slow down", "rate_limit_seconds": 1, "client_ip": "10.99.0.1"}, {}, ["(429): \"slow down\""]),
            ("pause in the header", 429, {"error": "slow down"}, {"Retry_After": "1"}, ["(429): \"slow down\""]),
            ("no", 403, {"error": "blocked"}, {}, ["does not let this node in (403): \"blocked\"", "ask whoever runs it"]),
            ("broken", 500, {"success": False, "error": "no address left"}, {}, ["failed (500): \"no address left\""]),
            ("elsewhere", 302, {}, {"Location": "http://10.99.0.2/other"}, ["elsewhere (302)", "10.99.0.2/other", "not followed"]),
            ("wrong address", 404, b"<html>not here</html>", {}, ["answers 404", "whole address"]),
            ("not success", 200, {"success": False, "error": "full"}, {}, ["without success: true: \"full\""]),
            ("nonsense", 200, b"<html>hello</html>", {}, ["no JSON"]),
            ("nothing", 200, b"", {}, ["no JSON"]),
            ("too large", 200, big, {}, ["above 65536 bytes"]),
            ("too large, refused", 403, big, {}, ["above 65536 bytes"]),
            ("no config", 200, {"success": True}, {}, ["without a config"]),
            ("a config that is none", 200, self.given("hello"), {}, ["cannot be taken: line 1"]),
            ("a network that is not private", 200, self.given(self.config(address="8.8.8.9/24")), {}, ["8.8.8.9/24 is not in a private network"]),
            ("the network of a neighbour", 200, self.given(self.config(address="10.99.0.77/24", allowed="10.99.0.0/24")), {},
             ["overlaps 10.99.0.0/24, which interface hvc"]),
            ("the network of a declared one", 200, self.given(self.config(address="172.30.0.9/24", allowed="172.30.0.0/24")), {},
             ["does not fit this node", "overlaps", "172.30.0."]),
            ("nothing to reach", 200, self.given(self.config(allowed="10.77.0.0/24")), {}, ["none of the networks", "`routes`"]),
        ]
        self.agent.write(self.joining(hv.service("web") + "  networks: [{name: back, subnet: 172.30.0.0/24}]\n"))
        for i, (what, status, body, headers, words) in enumerate(rows):
            with self.subTest(what):
                self.service.always(status, body, **headers)
                if i == 0:
                    self.agent.start()
                elif "pause" in rows[i - 1][0]:
                    pass  # by itself, when the time is over
                else:
                    self.agent.ctl("apply")
                self.told(*words, "asked again at ")
                self.assertNotIn(self.wg, self.links())
        self.assertIn("hive-web", self.engine.running(), "what needs no tunnel runs")
        self.assertEqual(self.agent.call("GET", "/api/v1/status")["synced"], False)
        self.assertFalse(os.path.exists(self.kept()))
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.ctl("apply")
        self.agent.wait_synced()
        self.assertNotIn(self.secret, self.agent.text_of_log())

    def test_nobody_answers_and_somebody_answers_nothing(self):
        """A service that is away, one that cuts the line, one that says nothing: the loop turns all the while."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.agent.write(self.joining(hv.service("web"), url=f"http://127.0.0.1:{port}/api/vpn/join"))
        keyboard = self.keyboard()
        self.agent.start(stdin=keyboard)
        self.says(f"http://127.0.0.1:{port}: ", "nobody listens there", "asked again at ")
        self.assertNotIn("/api/vpn", self.message())
        self.agent.wait(lambda: "hive-web" in self.engine.running(), "the rest converges")
        self.assertNotIn("may have let this node in", self.message())
        self.agent.write(self.joining(hv.service("web")))  # another service: asked at once, and it says nothing
        self.service.asked()
        self.says("asks http://127.0.0.1:")
        self.assertEqual(self.tunnel()["status"]["reason"], "Pending")
        self.says("may have let this node in all the same", "asked again at ")
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.wait_synced()  # asked again by itself
        self.assertEqual(self.typed(keyboard), 2)

    def keyboard(self):
        """What somebody typed, for whoever reads it."""
        end, other = os.pipe()
        self.addCleanup(os.close, end)
        self.addCleanup(os.close, other)
        os.write(other, b"y\n")
        return end

    @staticmethod
    def typed(keyboard):
        """Bytes that nobody has read."""
        return struct.unpack("i", fcntl.ioctl(keyboard, termios.FIONREAD, b"\0" * 4))[0]

    def test_over_tls_and_while_the_file_is_broken(self):
        """A certificate that nobody vouches for gets no answer from this node; one that `caFile` vouches for does. What is given then
        comes into force although the newest file is refused."""
        made = certs.Maker(self.agent.dir)
        authority = made.authority("vpn-ca")
        made.leaf("vpn", authority, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))], [certs.SERVER])
        self.service.close()
        self.service = Service(self.node, (made.path("vpn.pem"), made.path("vpn.key")))
        self.service.always(503, {"error": "wait"})
        url = self.url().replace("http://", "https://")
        self.agent.write(self.joining(url=url))
        self.agent.start()
        self.says(url[:url.index("/api")], "certificate", "asked again at ")
        self.assertTrue(self.service.questions.empty())
        good = self.joining(url=url, client=f"clientName: berlin, caFile: {made.path('vpn-ca.pem')}")
        self.agent.write(good)
        self.says("failed (503)")
        self.agent.write(good.replace("join:", "joint:"))
        self.agent.wait(lambda: "was refused" in self.agent.text_of_log(), "refused")
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.wait(lambda: "10.0.0.17/24" in self.node.sh("ip", "addr"), "joined")
        self.reach()
        self.agent.write(good)
        self.agent.wait_synced()
        r = self.agent.ctl("wg", "rotate", self.wg)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("came with its VPN service", r.stderr)

    def test_no_tunnel_and_no_join(self):
        """The daemon runs, says what is missing and how to mend it, and reads no keyboard."""
        self.agent.write(hv.document(PUBLISH + "  networks: [{name: front, driver: bridge}]\n  services:\n" + self.bound() + hv.service("web")))
        keyboard = self.keyboard()
        self.agent.start(stdin=keyboard)
        self.agent.wait(lambda: "join" in self.agent.services()["hive-bound"]["message"], "it says what to do")
        self.agent.wait(lambda: self.engine.running() == {"hive-web"}, "the rest runs")
        self.assertIn("no interface is declared", self.agent.ctl("why", "service/bound").stdout)
        self.assertEqual(self.typed(keyboard), 2)

    def test_networks_of_a_peer_are_cut_to_those_of_the_interface(self):
        """A service that wants everything gets what lies in the network of its address, and what the document lists."""
        self.peer_up()
        self.service.always(200, self.given(self.config(allowed="0.0.0.0/0, 0.0.0.0/1, 128.0.0.0/1, 10.7.0.0/16")))
        self.agent.write(self.joining())
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.node.sh("wg", "show", self.wg, "allowed-ips").split("\t")[1], "10.0.0.0/24")
        self.assertEqual(self.node.sh("ip", "route", "show", "dev", self.wg), "10.0.0.0/24 proto kernel scope link src 10.0.0.17")
        self.agent.write(self.joining(routes="      routes: [10.7.0.0/16]\n"))
        self.agent.wait(lambda: "10.7.0.0/16" in self.node.sh("ip", "route", "show", "dev", self.wg), "routed because the file says so")
        self.agent.wait_synced()
        self.assertEqual(sorted(self.node.sh("wg", "show", self.wg, "allowed-ips").split("\t")[1].split()), ["10.0.0.0/24", "10.7.0.0/16"])

    def test_another_name_joins_anew_and_the_old_stays_meanwhile(self):
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.write(self.joining())
        self.agent.start()
        self.agent.wait_synced()
        self.service.asked()
        self.service.always(403, {"error": "who?"})
        self.agent.write(self.joining(client="clientName: munich"))
        self.assertEqual(self.service.asked()[2], {"client_name": "munich"})
        self.says("does not let this node in", "who?")
        self.reach()
        self.agent.kill()
        self.agent.start()
        self.says("does not let this node in", "who?")
        self.reach()
        secret = sh("wg", "genkey")
        self.service.always(200, self.given(self.config(secret, "10.0.0.18/24")))
        self.agent.ctl("apply")
        self.agent.wait(lambda: "10.0.0.18/24" in self.node.sh("ip", "addr", "show", self.wg), "the new one is in use")
        self.agent.wait_synced()
        self.assertEqual(self.tunnel()["status"]["publicKey"], sh("wg", "pubkey", stdin=secret))

    def test_it_goes_and_comes_back_with_what_it_was_given(self):
        self.peer_up()
        self.service.answer(200, self.given())
        self.agent.write(self.joining(hv.service("web")))
        self.agent.start()
        self.agent.wait_synced()
        self.agent.write(hv.document("  services:\n" + hv.service("web")))
        self.agent.wait(lambda: self.wg not in self.links(), "gone")
        self.assertTrue(os.path.exists(self.kept()), "what was given stays")
        self.agent.write(self.joining(hv.service("web")))
        self.agent.wait(lambda: self.wg in self.links(), "back")
        self.agent.wait_synced()
        self.assertEqual(self.service.questions.qsize(), 1)

    def test_a_kept_file_that_is_damaged_is_not_joined_over(self):
        self.peer_up()
        self.service.always(200, self.given())
        self.agent.write(self.joining())
        self.agent.start()
        self.agent.wait_synced()
        self.assertEqual(self.agent.end(), 0)
        with open(self.kept(), "r+") as f:
            f.seek(40)
            f.write("#")
        self.agent.start()
        self.says("is damaged", "remove it to join anew")
        self.assertEqual(self.tunnel()["status"]["reason"], "JoinFailed")
        self.reach()  # the interface stays as it is
        self.assertEqual(self.service.questions.qsize(), 1)
        os.unlink(self.kept())
        self.agent.ctl("apply")
        self.agent.wait_synced()
        self.assertEqual(self.service.questions.qsize(), 2)


if __name__ == "__main__":
    base.main()
