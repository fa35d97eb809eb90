#!/usr/bin/env python3
"""hivectl exec against a running agent on a real engine: streams, terminals, exit codes, and what breaks in between."""
import errno
import fcntl
import hashlib
import io
import ipaddress
import os
import pty
import select
import signal
import struct
import subprocess
import tarfile
import termios

import base
import certs
import hv
from cryptography import x509
from hv import service

ERROR, NO_SUCH, DENIED, UNREACHABLE, USAGE = 1, 4, 5, 7, 64
SECRET = "hunter2-argument"


class Terminal:
    """hivectl with a terminal of its own."""

    def __init__(self, command, env, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data):
        os.write(self.master, data)

    def until(self, text):
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], hv.LIMIT_S)
            if not ready:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError as e:
                if e.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                raise AssertionError(f"it ended without {text!r}: {self.seen!r}")
            self.seen += data
        before, _, self.seen = self.seen.partition(text)
        return before

    def is_given_back(self):
        return termios.tcgetattr(self.slave) == self.before

    def end(self):
        code = self.process.wait(hv.LIMIT_S)
        given_back = self.is_given_back()
        os.close(self.slave)
        os.close(self.master)
        return code, given_back


class Exec(base.Case):
    def setUp(self):
        super().setUp()
        self.up("  services:\n" + service("web", "replicas: 2"))

    def command(self, *args):
        return [*self.agent.hivectl(), "exec", *args]

    def env(self):
        return self.agent.environment(None)

    def run_it(self, *args, code=0, data=None):
        r = subprocess.run(self.command(*args), input=data, capture_output=True, timeout=hv.LIMIT_S, env=self.env())
        self.assertEqual(r.returncode, code, r.stderr.decode())
        return r

    def test_streams_exit_codes_and_refusals(self):
        r = self.run_it("web", "--env", "A=1", "--workdir", "/tmp", "--", "sh", "-c",
                        f"echo out $A $PWD; echo err >&2; : {SECRET}; exit 42", code=42)
        self.assertEqual((r.stdout, r.stderr), (b"out 1 /tmp\n", b"err\n"))
        self.assertEqual(self.run_it("svc/web/2", "--user", "1000", "--", "id", "-u").stdout, b"1000\n")
        names = [self.run_it(f"web/{n}", "--", "hostname").stdout.decode().strip() for n in (1, 2)]
        self.assertEqual(names, [self.engine.inspect(c)["Config"]["Hostname"] for c in ("hive-web", "hive-web-2")])
        # Both ways byte for byte, and more than any queue on the way holds.
        data = os.urandom(10 << 20)
        self.assertEqual(hashlib.sha256(self.run_it("-i", "web", "--", "cat", data=data).stdout).digest(),
                         hashlib.sha256(data).digest())
        # What nobody reads does not break it: the command ends first. (podman loses what such a command said.)
        if hv.KIND == "docker":
            self.assertEqual(self.run_it("-i", "web", "--", "sh", "-c", "head -c 3", data=data).stdout, data[:3])

        self.assertIn("there is no service \"nobody\"", self.run_it("nobody", "--", "true", code=NO_SUCH).stderr.decode())
        self.assertIn("has no replica 7", self.run_it("web/7", "--", "true", code=NO_SUCH).stderr.decode())
        self.assertIn("task", self.run_it("task/nobody", "--", "true", code=NO_SUCH).stderr.decode())
        self.assertIn("leave out --tty", self.run_it("-it", "web", code=USAGE, data=b"").stderr.decode())
        self.assertIn("only services and tasks", self.run_it("net/web", "--", "true", code=USAGE).stderr.decode())
        self.assertEqual(self.agent.ctl("stop", "web", "--wait").returncode, 0)
        self.assertIn("does not run", self.run_it("web", "--", "true", code=ERROR).stderr.decode())
        log = self.agent.text_of_log()
        self.assertIn("unix:uid=0 runs sh in hive-web", log)
        self.assertNotIn(SECRET, log)

    def copy(self, *args, code=0, data=None):
        r = subprocess.run([*self.agent.hivectl(), "cp", *args], input=data, capture_output=True, timeout=hv.LIMIT_S,
                           env=self.env())
        self.assertEqual(r.returncode, code, r.stderr.decode())
        return r

    def test_files_go_in_and_out(self):
        def here(*names):
            return os.path.join(self.agent.dir, *names)

        def write(path, data, mode=0o644):
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, mode)

        def read(path):
            with open(path, "rb") as f:
                return f.read()

        big = os.urandom(20 << 20)
        os.makedirs(here("tree", "below", "empty"))
        write(here("tree", "run me"), b"#!/bin/sh\n", 0o755)
        write(here("tree", "below", "big"), big, 0o640)
        os.symlink("../run me", here("tree", "below", "link"))
        # In: a folder, what is in it, a file under another name, a tar. Out again by another way.
        self.copy(here("tree"), "web/2:/tmp")
        self.copy(here("tree") + "/.", "web/2:/tmp/tree2")
        self.copy(here("tree", "run me"), "web/2:tmp/renamed")
        self.assertEqual(self.run_it("web/2", "--", "stat", "-c", "%a %u %F", "/tmp/tree/below/big",
                                     "/tmp/tree2/below/link", "/tmp/renamed").stdout,
                         b"640 0 regular file\n777 0 symbolic link\n755 0 regular file\n")
        os.mkdir(here("out"))
        self.copy("web/2:/tmp/tree", here("out"))
        self.copy("svc/web/2:/tmp/tree2/", here("new"))
        for top in ("out/tree", "new"):
            self.assertEqual(read(here(top, "below", "big")), big)
            self.assertEqual(os.stat(here(top, "below", "big")).st_mode & 0o7777, 0o640)
            self.assertEqual(os.readlink(here(top, "below", "link")), "../run me")
            self.assertEqual(os.listdir(here(top, "below", "empty")), [])
        tar = self.copy("web/2:/tmp/tree/below", "-").stdout
        self.copy("-", "web:/tmp", data=tar)
        self.assertEqual(self.run_it("web", "--", "sha256sum", "/tmp/below/big").stdout.split()[0].decode(),
                         hashlib.sha256(big).hexdigest())
        # What is not there, or is something else.
        self.assertIn("no /tmp/nothing in hive-web", self.copy("web:/tmp/nothing", ".", code=NO_SUCH).stderr.decode())
        self.copy("nobody:/tmp", ".", code=NO_SUCH)
        self.copy("web/7:/tmp", ".", code=NO_SUCH)
        self.copy(here("nothing"), "web:/tmp", code=NO_SUCH)
        self.copy(here("tree"), "web:/nothing/here", code=NO_SUCH)
        self.assertIn("there is no /nothing in hive-web", self.copy("-", "web:/nothing", code=NO_SUCH, data=tar).stderr.decode())
        self.assertIn("is no directory", self.copy(here("tree"), "web:/etc/passwd", code=ERROR).stderr.decode())
        self.copy("web:/tmp", "web/2:/tmp", code=USAGE)
        # It need not run.
        self.assertEqual(self.agent.ctl("stop", "web", "--wait").returncode, 0)
        self.copy(here("tree", "run me"), "web:/tmp/later")
        self.copy("web:/tmp/later", here("later"))
        self.assertEqual(read(here("later")), b"#!/bin/sh\n")
        log = self.agent.text_of_log()
        self.assertIn("unix:uid=0 copies into /tmp of hive-web-2", log)
        self.assertIn("unix:uid=0 copies /tmp/later out of hive-web", log)

    def test_only_a_copy_uses_the_archives_of_the_engine(self):
        """What a service and a task are given, and what they leave, goes another way (S8)."""
        self.agent.end()
        proxy = self.through_proxy()
        given, out = os.path.join(self.agent.dir, "given"), os.path.join(self.agent.dir, "out")
        with open(given, "w") as f:
            f.write("of the input\n")

        def archives():
            return {method for method, path in proxy.requests if path.partition("?")[0].endswith("/archive")}

        self.up("  volumes: [{name: data}]\n  services:\n" + service("web", "mounts: [{volume: data, path: /data}]"))
        task = self.agent.ctl("run", hv.IMAGE, "--input", f"{given}:in.txt", "--wait", "--", "sh", "-c",
                              "mkdir results && cat in.txt >results/out.txt && echo said")
        self.assertEqual(task.returncode, 0, task.stderr)
        name = self.agent.ctl("task", "ls", "-o", "name").stdout.strip().removeprefix("task/")
        self.assertEqual(self.agent.ctl("task", "results", name, "-o", out).returncode, 0)
        with open(os.path.join(out, "results", "out.txt")) as f:
            self.assertEqual(f.read(), "of the input\n")
        self.assertEqual(self.agent.ctl("task", "logs", name).stdout, "said\n")
        self.run_it("web", "--", "true")
        self.assertEqual(self.agent.ctl("restart", "web", "--wait").returncode, 0)
        self.assertEqual(self.agent.ctl("logs", "web").returncode, 0)
        self.assertIn("POST", {method for method, _ in proxy.requests}, "the proxy sees what is done")
        self.assertEqual(archives(), set())
        self.copy("web:/etc/passwd", given)
        self.assertEqual(archives(), {"HEAD", "GET"})
        self.copy(given, "web:/tmp")
        self.assertEqual(archives(), {"HEAD", "GET", "PUT"})

    def test_a_terminal(self):
        t = Terminal(self.command("-it", "web", "--", "sh"), self.env(), rows=31, columns=101)
        t.type(b"until stty size | grep -q '31 101'; do :; done; echo is-$((6*7))\n")
        t.until(b"is-42\r\n")
        self.assertFalse(t.is_given_back())
        t.type(b"exit 9\n")
        self.assertEqual(t.end(), (9, True))
        # Ctrl-C is the command's, and not hivectl's.
        t = Terminal(self.command("-it", "web", "--", "sh", "-c", "trap 'stty size' WINCH; trap 'exit 10' INT; "
                                  "echo ready; while :; do sleep 1000000 & wait; done"), self.env())
        t.until(b"ready\r\n")
        t.resize(40, 120)
        t.until(b"40 120\r\n")
        t.type(b"\x03")
        self.assertEqual(t.end(), (10, True))
        # Left alone, it goes on.
        t = Terminal(self.command("-it", "web", "--", "sh", "-c", "echo here; exec sleep 1000000"), self.env())
        t.until(b"here\r\n")
        t.type(b"\x10\x11")
        t.until(b"detached: the command goes on")
        self.assertEqual(t.end(), (0, True))

    def test_an_agent_that_ends_and_a_client_that_leaves(self):
        for how, word in ((self.agent.terminate, b"the server stops"), (self.agent.kill, b"was lost")):
            with self.subTest(word=word):
                t = Terminal(self.command("-it", "web", "--", "sh"), self.env())
                t.type(b"echo is-$((6*7))\n")
                t.until(b"is-42\r\n")
                how()
                t.until(word)
                self.assertEqual(t.end(), (UNREACHABLE, True))
                self.agent.start()
                self.agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web", "hive-web-2"})
        # A signal gives the terminal back too.
        t = Terminal(self.command("-it", "web", "--", "sh"), self.env())
        t.type(b"echo is-$((6*7))\n")
        t.until(b"is-42\r\n")
        t.process.send_signal(signal.SIGTERM)
        self.assertEqual(t.end(), (128 + signal.SIGTERM, True))
        # Whoever leaves ends the standard input of what he began, and makes room for others.
        for _ in range(20):
            p = subprocess.Popen(self.command("-i", "web", "--", "sh", "-c", "echo on; cat; touch /tmp/ended"),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.env())
            self.assertEqual(p.stdout.readline(), b"on\n")
            p.kill()
            p.communicate()
        self.run_it("web", "--", "sh", "-c", "until [ -e /tmp/ended ]; do sleep 0.05; done")

    def test_over_tls_and_admins_only(self):
        made = certs.Maker(self.agent.dir)
        made.leaf("api", made.authority("authority"), [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.agent.end()
        self.up(f"  http:\n    listen: 0.0.0.0:{self.agent.port}\n    auth: {{required: true}}\n"
                f"    tls: {{certFile: {made.path('api.pem')}, keyFile: {made.path('api.key')}}}\n"
                "  services:\n" + service("web", "replicas: 2"))
        data = os.urandom(3 << 20)
        for role, code in (("viewer", DENIED), ("operator", DENIED), ("admin", 0)):
            with self.subTest(role=role):
                token = self.agent.ctl("token", "create", role, "--role", role).stdout
                env = {**self.env(), "XDG_CONFIG_HOME": os.path.join(self.agent.dir, role)}
                host = ["-H", f"https://127.0.0.1:{self.agent.port}", "--ca-file", made.path("authority.pem")]
                subprocess.run([*self.agent.hivectl(), *host, "login"], input=token, text=True, env=env, check=True,
                               capture_output=True, timeout=hv.LIMIT_S)
                r = subprocess.run([*self.command("-i", "web", *host), "--", "cat"], input=data, capture_output=True,
                                   timeout=hv.LIMIT_S, env=env)
                self.assertEqual((r.returncode, r.stdout == data), (code, code == 0), r.stderr.decode())
                for words in (["-", "web:/tmp"], ["web:/etc/passwd", "-"]):
                    tar = io.BytesIO()
                    tarfile.open(fileobj=tar, mode="w").close()
                    r = subprocess.run([*self.agent.hivectl(), "cp", *host, *words], input=tar.getvalue(),
                                       capture_output=True, timeout=hv.LIMIT_S, env=env)
                    self.assertEqual(r.returncode, code, r.stderr.decode())
        # Whoever does not ask for a session is told how.
        with self.assertRaises(hv.HttpError) as e:
            self.agent.call("POST", "/api/v1/services/web/exec", '{"command": ["true"]}')
        self.assertEqual(e.exception.status, 426)


if __name__ == "__main__":
    base.main()
