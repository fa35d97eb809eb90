#!/usr/bin/env python3
"""hivepool's command line: what it says, what it refuses, and with which exit code; who may be a node under TLS."""
import importlib.util
import ipaddress
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import grpc

import site_pool as site
from site_pool import v1

_spec = importlib.util.spec_from_file_location("certificates", os.path.join(site.ROOT, "test/unit/rpc/certificates.py"))
certificates = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(certificates)


def run(*args, env=None, stdin=b""):
    r = subprocess.run([site.PROGRAM, *args], capture_output=True, input=stdin, timeout=site.LIMIT_S,
                       env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(env or {})})
    return r.returncode, r.stdout.decode(), r.stderr.decode()


class WithoutPool(unittest.TestCase):
    def test_usage(self):
        rows = [
            ([], 64, "Commands:"),
            (["sbmit"], 64, "did you mean submit?"),
            (["frobnicate"], 64, 'there is no command "frobnicate"'),
            (["ls", "--nonsense"], 64, "more: hivepool ls --help"),
            (["show"], 64, "a word is missing"),
            (["show", "a", "b"], 64, "one word too many: b"),
            (["ls", "-n", "0"], 64, "--limit: expected a number from 1 to 1000"),
            (["ls", "-o", "xml"], 64, "--output: expected table or json, found xml"),
            (["serve", "--insecure", "--keep", "long"], 64, "--keep: expected a time"),
            (["ls", "--timeout", "5"], 64, "--timeout: expected a time such as 30s or 5m"),
            (["submit"], 64, "--image is missing"),
            (["submit", "--image", "x", "-e", "novalue"], 64, "--env: expected NAME=VALUE"),
            (["submit", "--image", "x", "--cpu", "many"], 64, "--cpu: expected a number"),
            (["submit", "--zip", "x", "--image", "y"], 64, "--zip says it all"),
            (["serve"], 64, "expected --tls-cert, --tls-key and --client-ca, or --insecure"),
            (["serve", "--insecure", "--tls-cert", "x"], 64, "exclude each other"),
            (["serve", "--insecure", "--lease", "10ms"], 64, "--lease: expected at least 1s"),
            (["serve", "--insecure", "--hivemind-listen", "127.0.0.1:0"], 64, "goes with --accounts"),
            (["completion", "tcsh"], 64, "there is for bash, zsh and fish"),
            (["ls", "--data-dir", "/nonexistent"], 7, "no pool answers at unix:/nonexistent/hivepool.sock"),
        ]
        for args, code, text in rows:
            with self.subTest(args=args):
                found = run(*args)
                self.assertEqual(found[0], code, found[2])
                self.assertIn(text, found[2])
                self.assertEqual(found[1], "")

    def test_help_goes_to_standard_output(self):
        self.assertIn("A fleet uses HiveMind's own pool", run("--help")[1])
        self.assertIn("--data-dir DIR", run("serve", "--help")[1])
        self.assertIn("--data-dir DIR", run("help", "serve")[1])
        self.assertRegex(run("--version")[1], r"^hivepool \d")


class WithPool(site.Case):
    def test_a_task_from_a_file(self):
        folder = os.path.join(self.pool.dir, "task")
        os.mkdir(folder)
        with open(os.path.join(folder, "in.txt"), "w", encoding="ascii") as f:
            f.write("hello")
        path = os.path.join(folder, "task.yaml")
        with open(path, "w", encoding="ascii") as f:
            f.write("id: from-file\ndocker_image: busybox\ncommand: cat in.txt\ntimeout: 60\nretries: 2\npriority: -3\n"
                    "environment: {A: b, C: 'd e'}\nrequired_resources: {cpu: 0.5, memory_gb: 0.25}\n"
                    "requirements: [numpy, pandas]\ninput_files: {in.txt: in.txt}\n"
                    "input_urls: [{name: a.bin, url: 'https://example.org/a', sha256: '" + "0" * 64 + "'}]\n")
        self.assertEqual(self.pool.cli("submit", "-f", path)[0], "from-file\n")
        task = self.node().wait_task()
        self.assertEqual((task.id, task.command, task.timeout, task.priority), ("from-file", "cat in.txt", 60, -3))
        self.assertEqual((task.required_resources.cpu, task.required_resources.memory_gb), (0.5, 0.25))
        self.assertEqual(dict(task.environment), {"A": "b", "C": "d e"})
        self.assertEqual(list(task.requirements), ["numpy", "pandas"])
        self.assertEqual(task.input_refs[0].name, "in.txt")
        self.assertEqual(task.input_urls[0].url, "https://example.org/a")
        self.assertEqual(self.pool.task("from-file")["task"]["retries"], 2)
        # the same once more, as JSON on standard input and with an option that wins
        text = json.dumps({"docker_image": "busybox", "id": "x"}).encode()
        self.assertEqual(self.pool.cli("submit", "-f", "-", "--id", "y", stdin=text)[0], "y\n")

    def test_a_file_that_is_wrong_says_where(self):
        rows = [("docker_imag: x\n", ":1: there is no field \"docker_imag\"; did you mean docker_image?"),
                ("docker_image: x\ntimeout: soon\n", ":2: timeout: expected a whole number, found "),
                ("docker_image: [x]\n", ":1: docker_image: expected text, found a list"),
                ("environment: [a]\n", ":1: environment: expected a mapping, found a list"),
                ("required_resources: {cpus: 1}\n", "there is no field \"cpus\"; did you mean cpu?"),
                ("cancelled: yes\n", "cancelled: expected true or false"),
                ("a: b\n---\nc: d\n", "expected one task, found 2 documents"),
                ("- a\n", "expected a mapping"), ("a: [\n", "")]
        for text, expected in rows:
            with self.subTest(text=text):
                self.assertIn(expected, self.pool.cli("submit", "-f", "-", code=1, stdin=text.encode())[1])

    def test_what_is_refused(self):
        self.pool.submit("--id", "t1")
        self.assertEqual(self.pool.submit("--id", "t1"), "t1")
        rows = [(["submit", "--image", "other", "--id", "t1"], 1, "task t1 is there already, with other content"),
                (["submit", "--image", "x", "--id", "a b"], 1, "letters, digits, '-' and '_'"),
                (["submit", "--image", "x", "--id", "-a"], 1, "begins with a letter or digit"),
                (["submit", "--image", "x", "--trust", "some"], 1, "required_trust: expected low, medium or high"),
                (["submit", "--image", "x", "--memory", "lots"], 1, "memory_limit: expected a size"),
                (["submit", "--image", "x", "-i", "/nonexistent"], 1, "/nonexistent: No such file"),
                (["submit", "--image", "x", "-i", "a=/etc/hostname", "-i", "a=/etc/hosts"], 1, "two inputs have the name"),
                (["show", "t9"], 4, "there is no task t9"), (["cancel", "t9"], 4, "there is no task t9"),
                (["rm", "t1"], 1, "is not over"), (["result", "t1", "-o", "-"], 4, "has no result"),
                (["logs", "t1"], 4, "no log"), (["forget", "n9"], 4, "not registered"),
                (["ls", "--state", "Sleeping"], 1, "is no state of a task")]
        for args, code, text in rows:
            with self.subTest(args=args):
                self.assertIn(text, self.pool.cli(*args, code=code)[1])
        self.pool.cli("cancel", "t1")
        self.assertEqual(json.loads(self.pool.cli("ls", "--state", "cancelled", "--json")[0])["tasks"][0]["id"], "t1")
        self.pool.cli("rm", "t1")
        self.assertEqual(json.loads(self.pool.cli("ls", "-o", "json")[0])["tasks"], [])

    def test_what_ended_is_kept_as_long_as_asked_for(self):
        for name in ("over", "lives"):
            self.pool.cli("submit", "--image", "busybox", "--id", name)
        self.pool.cli("cancel", "over")
        names = lambda: [t["id"] for t in json.loads(self.pool.cli("ls", "-o", "json")[0])["tasks"]]
        self.pool.kill()
        self.pool.start()
        self.assertEqual(names(), ["lives", "over"])
        self.pool.kill()
        self.pool.options += ["--keep", "1ms"]
        self.pool.start()
        end = time.monotonic() + site.LIMIT_S
        while names() != ["lives"]:  # nothing tells of it
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_two_pools_do_not_share_a_folder(self):
        found = run("serve", "--insecure", "--listen", "127.0.0.1:0", "--data-dir", self.pool.dir)
        self.assertEqual(found[0], 1)
        self.assertIn("another program holds it", found[2])

    def test_it_ends_in_order(self):
        self.assertEqual(self.pool.stop(), 0)
        self.pool.start()


class WithCertificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="hv-hivepool-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        maker = certificates.Maker(cls.dir)
        x509 = certificates.x509
        ca = maker.authority("ca")
        maker.leaf("pool", ca, [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        maker.leaf("n1", ca, [x509.DNSName("n1")])
        maker.leaf("stranger", maker.authority("other"), [x509.DNSName("n1")])

    def path(self, name):
        return os.path.join(self.dir, name)

    def credentials(self, name):
        def read(file):
            with open(self.path(file), "rb") as f:
                return f.read()
        if name is None:
            return grpc.ssl_channel_credentials(read("ca.pem"))
        return grpc.ssl_channel_credentials(read("ca.pem"), read(name + ".key"), read(name + ".pem"))

    def register(self, pool, name, certificate, **more):
        node = site.Node(pool, name, credentials=self.credentials(certificate))
        self.addCleanup(node.close)
        return node.stub("RegisterNode", v1.RegisterNodeRequest(node_id=name, **more), v1.RegisterNodeResponse)

    def start(self, *more):
        pool = site.Pool("--tls-cert", self.path("pool.pem"), "--tls-key", self.path("pool.key"), "--client-ca",
                         self.path("ca.pem"), *more)
        self.addCleanup(pool.done)
        return pool

    def test_a_node_is_whom_its_certificate_names(self):
        pool = self.start()
        self.assertTrue(self.register(pool, "n1", "n1").success)
        for name, certificate, code in (("n2", "n1", grpc.StatusCode.PERMISSION_DENIED),
                                        ("n1", "stranger", grpc.StatusCode.UNAVAILABLE),
                                        ("n1", None, grpc.StatusCode.UNAVAILABLE)):
            with self.assertRaises(grpc.RpcError) as e:
                self.register(pool, name, certificate)
            self.assertEqual(e.exception.code(), code, (name, certificate))

    def test_a_shared_certificate_and_a_token(self):
        token = self.path("token")
        with open(token, "w", encoding="ascii") as f:
            f.write("secret\n")
        args = ("--shared-certificate", "--token-file", token)
        os.chmod(token, 0o644)
        self.assertIn("others may read it", run("serve", "--insecure", "--data-dir", self.dir, "--token-file", token)[2])
        os.chmod(token, 0o600)
        pool = self.start(*args)
        self.assertTrue(self.register(pool, "n2", "n1", token="secret").success)
        for wrong in ("", "Secret", "secret2", "secre"):
            self.assertFalse(self.register(pool, "n2", "n1", token=wrong).success, wrong)
        with open(os.path.join(pool.dir, "serve.log"), encoding="utf-8") as f:
            self.assertNotIn("secret", f.read())


if __name__ == "__main__":
    unittest.main()
