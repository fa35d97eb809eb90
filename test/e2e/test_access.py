#!/usr/bin/env python3
"""Who may: where the agent starts to listen, the first login, TLS with real clients, users of the socket, hostile bytes.

Needs no engine: the node has `docker: {enabled: false}`.
"""
import http.client
import ipaddress
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import certs  # noqa: E402
import hv  # noqa: E402
from cryptography import x509  # noqa: E402

PASSWORD = "correct horse"


def node(http_section):
    return hv.document("  node: {docker: {enabled: false}}\n  http:\n" + "".join(f"    {x}\n" for x in http_section))


class Case(unittest.TestCase):
    def setUp(self):
        self.agent = hv.Agent("/nonexistent")
        self.addCleanup(self.end)
        os.mkdir(os.path.join(self.agent.dir, "run"))
        self.made = certs.Maker(self.agent.dir)
        self.authority = self.made.authority("authority")
        self.new_certificate()
        self.ca = self.made.path("authority.pem")
        self.tls = f"tls: {{certFile: {self.made.path('api.pem')}, keyFile: {self.made.path('api.key')}}}"
        self.env = {**self.agent.environment(None), "XDG_CONFIG_HOME": self.agent.dir}

    def new_certificate(self):
        self.made.leaf("api", self.authority, [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("node1.example")])
        return x509.load_pem_x509_certificate(self.made.read("api.pem")).serial_number

    def end(self):
        if self.agent.process:
            self.agent.process.terminate()
            self.assertEqual(self.agent.process.wait(hv.LIMIT_S), 0, self.agent.text_of_log()[-3000:])
            self.agent.log.close()
        subprocess.run(["rm", "-rf", self.agent.dir], check=True)

    def up(self, *http_section):
        self.agent.write(node(http_section))
        self.agent.start(wait=False)
        self.agent.wait(self.is_reached, "it listens")

    def is_reached(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.agent.port)) == 0

    def context(self):
        return ssl.create_default_context(cafile=self.ca)

    def ask(self, method, path, body=None, tls=True, **headers):
        if tls:
            c = http.client.HTTPSConnection("127.0.0.1", self.agent.port, timeout=hv.LIMIT_S, context=self.context())
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=hv.LIMIT_S)
        try:
            data = None if body is None else json.dumps(body)
            c.request(method, path, data, {"Content-Type": "application/json",
                                           **{k.replace("_", "-"): v for k, v in headers.items()}})
            r = c.getresponse()
            text = r.read().decode()
            return r, json.loads(text) if text.startswith("{") else text
        finally:
            c.close()

    def hivectl(self, *args, stdin=""):
        return subprocess.run([self.agent.hivectl()[0], *args], capture_output=True, text=True, input=stdin, env=self.env,
                              timeout=hv.LIMIT_S)

    def write_users(self):
        r = self.hivectl("user", "hash", "ana", "--role", "operator", stdin=PASSWORD + "\n")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.made.write("users", r.stdout.encode())
        return f"auth: {{usersFile: {self.made.path('users')}}}"


class Start(Case):
    def test_addresses_and_what_they_demand(self):
        users, port = self.write_users(), self.agent.port
        self.made.leaf("other", self.authority)
        other = self.tls.replace("api.key", "other.key")
        rows = [  # address, auth, tls, what it says; None: it is good
            ("127.0.0.1", "", "", None),
            ("127.0.0.1", users, "", None),
            ("127.0.0.1", "", self.tls, None),
            ("0.0.0.0", "", "", "E0504"),
            ("0.0.0.0", users, "", "E0504"),
            ("0.0.0.0", "", self.tls, "E0504"),
            ("0.0.0.0", "auth: {sessionTimeout: 1h}", self.tls, "E0504"),
            ("0.0.0.0", "auth: {required: false}", self.tls, "E0504"),
            ("0.0.0.0", "auth: {required: true}", self.tls, None),
            ("0.0.0.0", users, self.tls, None),
            ("127.0.0.1", users, other, "is not the key of"),
        ]
        for address, auth, tls, says in rows:
            with self.subTest(address=address, auth=auth, tls=tls):
                self.agent.write(node([f"listen: {address}:{port}", auth, tls]))
                r = self.agent.run("--check")
                self.assertEqual(r.returncode == 0, says is None, r.stderr)
                self.assertIn(says or "", r.stderr)

    def sockets(self):
        """Of the agent, by the kernel: TCP addresses that it listens on, and names of its unix sockets."""
        own = {os.readlink(f"/proc/{self.agent.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.agent.process.pid}/fd")}
        tcp, unix = set(), set()
        for family in ("tcp", "tcp6"):
            with open(f"/proc/net/{family}") as f:
                for line in list(f)[1:]:
                    _, local, _, state, *_, inode = line.split()[:10]
                    if state == "0A" and f"socket:[{inode}]" in own:
                        tcp.add(local)
        with open("/proc/net/unix") as f:
            for line in list(f)[1:]:
                _, _, _, _, _, _, inode, *name = line.split(maxsplit=7)
                if name and f"socket:[{inode}]" in own:
                    unix.add(name[0].strip())
        return tcp, unix

    def test_where_nothing_is_said_it_listens_on_the_loopback_and_its_socket(self):
        self.up("metrics: {enabled: true}")
        tcp, unix = self.sockets()
        self.assertEqual(tcp, {f"0100007F:{self.agent.port:04X}"})
        self.assertEqual(unix, {self.agent.socket})  # none without a place in the file system, either

    def test_without_a_login_it_does_not_start(self):
        self.agent.write(node([f"listen: 0.0.0.0:{self.agent.port}"]))
        r = self.agent.run("--once", "--timeout", "5s")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("E0504", r.stderr)


class Login(Case):
    def test_the_first_login_works_once_and_is_in_the_log_alone(self):
        self.up(f"listen: 0.0.0.0:{self.agent.port}", "auth: {required: true}", self.tls)
        first = re.search(r"hvf_[A-Za-z0-9_-]{43}", self.agent.text_of_log()).group(0)
        r, _ = self.ask("GET", "/api/v1/status")
        self.assertEqual(r.status, 401)
        r, body = self.ask("GET", "/api/tasks")
        self.assertEqual((r.status, body), (401, {"error": "Unauthorized"}))
        r, body = self.ask("GET", "/livez")
        self.assertEqual(r.status, 200)
        r, body = self.ask("POST", "/login", {"token": first})
        self.assertEqual((r.status, body["role"], body["session"]["by"]), (200, "admin", "first"))
        self.assertRegex(r.getheader("Set-Cookie"), "^__Host-hivelet=hvs_[^;]*; Path=/; HttpOnly; SameSite=Strict; Secure$")
        self.assertEqual(self.ask("POST", "/login", {"token": first})[0].status, 401)
        seen = json.dumps(self.agent.call("GET", "/api/v1/events"))
        self.assertIn("LoggedIn", seen)
        self.assertIn("LoginFailed", seen)
        self.assertNotIn("hvf_", seen)
        self.assertNotIn("hvs_", self.agent.text_of_log())

    def test_hivectl_from_elsewhere(self):
        self.up(f"listen: 0.0.0.0:{self.agent.port}", self.write_users(), self.tls)
        host = ["-H", f"https://127.0.0.1:{self.agent.port}"]
        with_ca = [*host, "--ca-file", self.ca]
        self.assertEqual(self.hivectl(*with_ca, "status").returncode, 5)
        self.assertEqual(self.hivectl(*with_ca, "login", "ana", stdin=PASSWORD + "\n").returncode, 0)
        kept = os.path.join(self.agent.dir, "hivelet", "sessions.json")
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        self.assertEqual(self.hivectl(*host, "status").returncode, 0, "session and authority are kept")
        self.assertRegex(self.hivectl(*host, "whoami").stdout, r"^User     ana\nRole     operator\nBy       session\nSession  [0-9a-f]{12}, of 20\S+Z; ends 20\S+Z\n$")
        self.assertEqual(self.hivectl(*host, "reload").returncode, 0)
        self.assertEqual(self.hivectl(*host, "token", "create", "x", "--role", "admin").returncode, 5)
        made = self.agent.ctl("token", "create", "ci", "--role", "viewer", "--expires", "1h")
        self.assertEqual(self.ask("GET", "/api/v1/version", Authorization="Bearer " + made.stdout.strip())[0].status, 200)
        self.assertEqual(self.agent.ctl("token", "revoke", "ci").returncode, 0)
        self.assertEqual(self.ask("GET", "/api/v1/version", Authorization="Bearer " + made.stdout.strip())[0].status, 401)
        sessions = json.loads(self.agent.ctl("session", "ls", "-o", "json").stdout)["items"]
        self.assertEqual([s["user"] for s in sessions], ["ana"])
        self.assertEqual(self.agent.ctl("session", "revoke", sessions[0]["id"]).returncode, 0)
        self.assertEqual(self.hivectl(*host, "status").returncode, 5)
        for bad in (f"http://node1.example:{self.agent.port}", "https://a:b@127.0.0.1", "https://127.0.0.1/x", "node1"):
            self.assertEqual(self.hivectl("-H", bad, "status").returncode, 64, bad)
        self.assertEqual(self.hivectl(*host, "logout").returncode, 0)
        made = self.agent.ctl("token", "create", "file", "--role", "viewer")
        for name, text in (("token", made.stdout), ("config.yaml", f"{{host: '{host[1]}', caFile: {self.ca}, tokenFile: token, output: json}}")):
            path = os.path.join(self.agent.dir, "hivelet", name)
            with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write(text)
        r = self.hivectl("status")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("conditions", json.loads(r.stdout))
        self.assertEqual(self.hivectl("reload").returncode, 5, "the token is a viewer's")
        self.assertEqual(self.hivectl("-H", host[1] + "/", "--ca-file", self.ca, "status").returncode, 5, "it is of that host alone")
        with open(os.path.join(self.agent.dir, "hivelet", "token"), "w") as f:
            f.write("hvt_another")
        self.assertIn("does not take the token of", self.hivectl("status").stderr)

    def test_users_of_the_socket_have_the_role_of_their_groups(self):
        self.up("listen: 127.0.0.1:0", "auth: {groups: [{group: nogroup, role: viewer}, {group: daemon, role: operator}]}")
        for place, mode in ((self.agent.dir, 0o755), (self.agent.socket, 0o666)):
            os.chmod(place, mode)
        rows = [(0, 0, [], 200, 200), (65534, 65534, [], 200, 403), (1, 1, [], 200, 200), (2, 2, [], 403, 403),
                (2, 2, [65534], 200, 403)]  # user, group, others, GET, POST
        for user, group, others, get, post in rows:
            for arguments, status in ((["http://x/api/v1/version"], get), (["-X", "POST", "http://x/api/v1/reload"], post)):
                with self.subTest(user=user, others=others, arguments=arguments):
                    r = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", self.agent.socket,
                                        *arguments], user=user, group=group, extra_groups=others, capture_output=True, text=True)
                    self.assertEqual(r.stdout, str(status), r.stderr)

    def is_reached(self):
        return os.path.exists(self.agent.socket) or super().is_reached()


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.up(f"listen: 0.0.0.0:{self.agent.port}", self.write_users(), self.tls)

    def shake(self, context=None):
        """The serial number that a new connection is shown, and its version."""
        with socket.create_connection(("127.0.0.1", self.agent.port), hv.LIMIT_S) as s:
            with (context or self.context()).wrap_socket(s, server_hostname="127.0.0.1") as t:
                return x509.load_der_x509_certificate(t.getpeercert(True)).serial_number, t.version()

    def events(self):
        return [e["event"] for e in self.agent.call("GET", "/api/v1/events")["items"]]

    def test_versions(self):
        for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
            if good:
                self.assertEqual(self.shake(context)[1], version.name.replace("_", "."))
            else:
                with self.assertRaises(ssl.SSLError):
                    self.shake(context)

    def test_a_new_pair_is_taken_and_a_bad_one_is_not(self):
        serial = self.new_certificate()
        self.agent.wait(lambda: self.shake()[0] == serial, "the new certificate is shown")
        self.assertIn("CertificateLoaded", self.events())
        good = self.made.read("api.pem")
        self.made.write("api.pem", b"no certificate\n")
        self.agent.wait(lambda: "CertificateRefused" in self.events(), "the bad one is told")
        self.assertEqual(self.shake()[0], serial)
        self.made.write("api.pem", good)
        self.agent.wait(lambda: self.events().count("CertificateLoaded") == 2, "it is good again")

    def test_big_answers_and_bodies_arrive_whole(self):
        key = self.ask("POST", "/login", {"username": "ana", "password": PASSWORD, "bearer": True})[1]["token"]
        text = node(["listen: 127.0.0.1:5000"]) + "# " + "x" * 900_000 + "\n"
        r, answer = self.ask("POST", "/api/v1/validate", {"files": [{"name": "a.yaml", "text": text}]}, Authorization="Bearer " + key)
        self.assertEqual(r.status, 200, answer)
        r, answer = self.ask("GET", "/metrics", Authorization="Bearer " + key)
        self.assertTrue(answer.endswith("\n"))

    def test_names(self):
        for host, status in (("127.0.0.1", 200), ("node1.example:5000", 200), ("NODE1.example", 200), ("node2.example", 421),
                             ("", 421), ("127.0.0.1.evil.example", 421)):
            self.assertEqual(self.ask("GET", "/livez", Host=host)[0].status, status, host)

    def test_clients_that_stop_in_their_handshake(self):
        """Each has sent the beginning of a hello; nobody is kept waiting, and nothing spins."""
        stopped = [socket.create_connection(("127.0.0.1", self.agent.port)) for _ in range(31)]
        for s in stopped:
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        with open(f"/proc/{self.agent.process.pid}/stat") as f:
            before = sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
        for _ in range(5):
            self.assertEqual(self.ask("GET", "/livez")[0].status, 200)
        for s in stopped:  # they are cut after the deadline of the head: awaited, not timed
            s.settimeout(hv.LIMIT_S)
            while s.recv(100):
                pass
            s.close()
        with open(f"/proc/{self.agent.process.pid}/stat") as f:
            ticks = sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13]) - before
        self.assertLess(ticks, 3 * os.sysconf("SC_CLK_TCK"), "ten seconds of a loop that spins would be ten seconds of CPU")


class Hostile(Case):
    """More than a hundred requests that are none, plainly and over TLS: each has the status that it must have, and the next is served."""

    @staticmethod
    def requests():
        """(status, request); 0: the connection just ends."""
        host = b"Host: 127.0.0.1\r\n"
        get, post = b"GET /livez HTTP/1.1\r\n" + host, b"POST /login HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\n"
        for status, lines in (
                (400, (b"GET /livez", b"GET  /livez HTTP/1.1", b"GET /livez HTTP/1.1 ", b" GET /livez HTTP/1.1", b"GET\t/livez\tHTTP/1.1",
                       b"get /livez HTTP/1.1", b"GET /livez http/1.1", b"GET /livez HTTP/1.1\0", b"GET /li\0vez HTTP/1.1",
                       b"GET /li\x7fvez HTTP/1.1", b"GET /li\x80vez HTTP/1.1", b"GET http://evil.example/livez HTTP/1.1",
                       b"GET https://127.0.0.1/livez HTTP/1.1", b"GET livez HTTP/1.1", b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1",
                       b"CONNECT evil.example:443 HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /%0d%0aX:y HTTP/1.1", b"GET /%zz HTTP/1.1",
                       b"GET /% HTTP/1.1", b"GET /%ff HTTP/1.1", b"GET /../livez HTTP/1.1", b"GET /%2e%2e/livez HTTP/1.1",
                       b"GET /./livez HTTP/1.1", b"GET /livez#x HTTP/1.1", b"GET /livez?%00 HTTP/1.1", b"GET /livez?a=%zz HTTP/1.1",
                       b"PRI * HTTP/2.0", b"GET /" + b"a/" * 40 + b" HTTP/1.1", b"\x16\x03\x01", b"", b"\xef\xbb\xbfGET /livez HTTP/1.1")),
                (404, (b"GET //evil.example HTTP/1.1",)),
                (405, (b"TRACE /livez HTTP/1.1", b"DELETE /livez HTTP/1.1", b"POST /livez HTTP/1.1", b"PATCH /login HTTP/1.1")),
                (414, (b"GET /" + b"a" * 9000 + b" HTTP/1.1", b"X" * 9000)),
                (505, (b"GET /livez HTTP/2.0", b"GET /livez HTTP/0.9", b"GET /livez HTTP/1.10"))):
            for line in lines:
                yield status, line + b"\r\n" + host + b"\r\n"
        for status, headers in (
                (400, (b"X", b": x", b"X : y", b" X: y", b"X\0: y", b"X: \0", b"X: a\x01b", b"X: a\x7fb", b"X: a\rb", b"X\xe9: y", b"X(: y",
                       b"Host: 127.0.0.1", b"Host: evil.example", b"X: y\n", b"X: y\n\nGET /livez HTTP/1.1")),
                (431, (b"X: " + b"a" * 9000, b"A: " + b"b" * 7000 + b"\r\nC: " + b"d" * 7000,
                       b"\r\n".join(b"X%d: y" % i for i in range(80))))):
            for header in headers:
                yield status, get + header + b"\r\n\r\n"
        for value in (b"evil.example", b"127.0.0.1@evil.example", b"127.0.0.1, evil.example", b"127.0.0.1:80:80", b"[::1", b"127.0.0.1:x", b""):
            yield 421, b"GET /livez HTTP/1.1\r\nHost: " + value + b"\r\n\r\n"
        yield 400, b"GET /livez HTTP/1.1\r\n\r\n"
        yield 400, b"GET /livez HTTP/1.1\n" + host.replace(b"\r", b"") + b"\n"
        length, chunked = b"Content-Length: ", b"Transfer-Encoding: chunked"
        for status, framings in (
                (400, ((length + b"4\r\n" + chunked, b"0\r\n\r\n"), (length + b"4\r\n" + length + b"4", b"abcd"), (length + b"4, 4", b"abcd"),
                       (length + b"-1", b""), (length + b"+4", b"abcd"), (length + b"0x4", b"abcd"), (length + b"4 ", b"abcd"), (length, b""),
                       (length + b"99999999999999999999", b""), (chunked + b"\r\n" + chunked, b"0\r\n\r\n"),
                       (b"Transfer-Encoding:\x0bchunked", b""), (chunked, b"g\r\nabcd\r\n0\r\n\r\n"), (chunked, b"-1\r\n"),
                       (chunked, b"0x1\r\na\r\n0\r\n\r\n"), (chunked, b"1\r\nabcd\r\n0\r\n\r\n"), (chunked, b"\r\n\r\n"),
                       (length + b"2", b"[]"), (length + b"8", b"{\"a\":\"\0\"}"[:8]), (length + b"2000", b"[" * 2000),
                       (length + b"4\r\nExpect: x", b"abcd"), (b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + length + b"0", b""),
                       (b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + length + b"0", b""))),
                (413, ((length + b"8193", b""), (length + b"1000000000", b""), (chunked, b"fffffffffffffffff\r\n"))),
                (501, ((b"Transfer-Encoding: gzip", b""), (chunked + b", gzip", b""), (b"Transfer-Encoding: gzip, chunked", b""),
                       (b"Transfer-Encoding: xchunked", b""))),
                (0, ((chunked, b"ffffffffffffffff\r\n"),))):  # a piece that never comes
            for framing, body in framings:
                yield status, post + framing + b"\r\n\r\n" + body

    def answer(self, data, tls):
        """Status, or 0 where the connection just ended."""
        with socket.create_connection(("127.0.0.1", self.agent.port), hv.LIMIT_S) as s:
            if tls:
                s = self.context().wrap_socket(s, server_hostname="127.0.0.1")
            got = b""
            try:
                s.sendall(data)
                if not tls:
                    s.shutdown(socket.SHUT_WR)
                while piece := s.recv(65536):
                    got += piece
            except OSError:
                pass  # refused before all of it was sent
            finally:
                s.close()
        return int(got.split()[1]) if got.startswith(b"HTTP/1.1 ") else 0

    def check(self, tls):
        n = 0
        for status, data in self.requests():
            # A request that is not whole ends with the connection's deadline: over TLS a client cannot half-close, and would wait for it.
            if tls and (b"\r\n\r\n" not in data or data.startswith(b"\x16") or data.endswith((b"f\r\n", b"-1\r\n", b"\r\n\r\n\r\n\r\n"))):
                continue
            # Of what is refused before all of it was read the kernel may drop the answer.
            allowed = {status, 0} if len(data) > 8192 else {status}
            with self.subTest(data=data[:200]):
                self.assertIn(self.answer(data, tls), allowed)
                n += 1
        self.assertGreaterEqual(n, 90 if tls else 100)
        self.assertEqual(self.ask("GET", "/livez", tls=tls)[0].status, 200)
        self.assertIsNone(self.agent.process.poll())

    def test_plain(self):
        self.up(f"listen: 127.0.0.1:{self.agent.port}", self.write_users())
        self.check(False)

    def test_over_tls(self):
        self.up(f"listen: 127.0.0.1:{self.agent.port}", self.write_users(), self.tls)
        self.check(True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
