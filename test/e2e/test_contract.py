#!/usr/bin/env python3
"""The documented environment of HiveMind's worker (docs/environment.md): each variable set, unset, empty, malformed; flags
over variables; no engine call when Docker is switched off."""
import os
import re
import shutil
import socket
import subprocess
import threading

import base
import hv
from hv import Agent, document, service

NOBODY = 65534


# Each documented variable: a value that is taken, and one of the wrong form.
VARIABLES = {
    "NODE_ID": ("from-env", "not a name"),
    "NODE_PORT": ("50054", "x"),
    "FLASK_PORT": ("5001", "70000"),
    "MASTER_ADDRESS": ("127.0.0.1:50051", "10.0.0.1"),
    "NODE_POOL_ADDRESS": ("127.0.0.1:50051", "10.0.0.2"),
    "MASTER_INSECURE": ("TRUE", "maybe"),
    "DOCKER_ENABLED": ("True", "perhaps"),
    "DOCKER_NETWORK": ("hivemind", "no network"),
    "MAX_CPU_CORES": ("1.5", "-1"),
    "MAX_MEMORY_GB": ("2", "much"),
    "MAX_DISK_GB": ("0", "1TB"),
    "MAX_CONCURRENT_TASKS": ("2", "1.5"),
    "TASK_TIMEOUT": ("60", "1h"),
    "HEARTBEAT_INTERVAL": ("30", "soon"),
    "SESSION_TIMEOUT": ("24", "day"),
    "TRUST_THRESHOLD": ("50", "101"),
    "WORK_DIR": ("/var/tmp/w", "relative/work"),
    "TEMP_DIR": ("/var/tmp/t", "relative/temp"),
    "LOG_DIR": ("/var/tmp/l", "relative/log"),
}


class Environment(base.Case):
    def refused(self, env, *words):
        self.agent.write(document("  services: []\n"))
        r = self.agent.run("--check", env=env)
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        for word in words:
            self.assertIn(word, r.stderr)

    def accepted(self, env, *more):
        self.agent.write(document("  services: []\n"))
        r = self.agent.run("--check", *more, env=env)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def test_each_variable_has_a_row(self):
        with open(os.path.join(hv.TOP, "pkg", "spec", "environment.c")) as f:
            self.assertEqual(set(re.findall(r'^        { "([A-Z_]+)", "', f.read(), re.M)), set(VARIABLES))

    def test_malformed_values_name_variable_and_value(self):
        for variable, (_, malformed) in VARIABLES.items():
            with self.subTest(variable):
                self.refused({variable: malformed}, variable, malformed)
        # All of them at once.
        self.refused({v: malformed for v, (_, malformed) in VARIABLES.items()}, *VARIABLES)

    def test_unset_and_empty_are_the_same(self):
        nothing = self.accepted({})
        for variable in set(VARIABLES) - {"FLASK_PORT"}:  # which every agent of these tests is given
            with self.subTest(variable):
                self.assertEqual(self.accepted({variable: ""}), nothing)
        with self.subTest("FLASK_PORT"):
            self.assertEqual(self.accepted({"FLASK_PORT": ""}), self.accepted({"FLASK_PORT": "5000"}))

    def test_values_are_taken(self):
        """To which field each goes: test/unit/spec/test_load.c, with the same label."""
        for variable, (value, _) in VARIABLES.items():
            with self.subTest(variable):
                self.accepted({variable: value})
        self.accepted({v: value for v, (value, _) in VARIABLES.items()})
        self.assertIn("from-env", self.accepted({"NODE_ID": "from-env"}))

    def test_both_addresses_of_the_pool_must_agree(self):
        self.refused({"MASTER_ADDRESS": "127.0.0.1:50051", "NODE_POOL_ADDRESS": "127.0.0.1:50052"}, "MASTER_ADDRESS",
                     "NODE_POOL_ADDRESS")

    def test_flags_win_over_variables(self):
        self.assertIn("from-flag", self.accepted({"NODE_ID": "from-env"}, "--node-id", "from-flag"))

    def test_the_port_of_the_interface(self):
        self.agent.port = Agent.free_port()
        self.agent.write(document("  services: []\n"))
        self.agent.start()
        self.agent.wait_synced()
        with socket.create_connection(("127.0.0.1", self.agent.port)) as s:
            s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200", s.recv(100))

    def test_the_first_node_id_is_kept(self):
        self.agent.write(document("  services: []\n"))
        self.agent.start("--node-id", "first")
        self.agent.wait_synced()
        self.agent.terminate()
        r = self.agent.run("--once", "--node-id", "second")
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("--change-node-id", r.stderr)
        r = self.agent.run("--once", "--node-id", "second", "--change-node-id")
        self.assertEqual(r.returncode, 0)
        self.assertNotIn("tasks cannot be run", r.stderr)  # its ledger follows

    def test_docker_switched_off_means_not_one_byte(self):
        path = os.path.join(self.agent.dir, "engine.sock")
        touched = []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()

        def accept():
            try:
                touched.append(listener.accept())
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        self.agent.docker = path
        self.agent.write(document("  services:\n" + service("web")))
        self.agent.start(env={"DOCKER_ENABLED": "false"})
        self.agent.wait_synced()
        unit = self.agent.services()["hive-web"]
        self.assertEqual(unit["phase"], "Suspended")
        self.assertEqual(self.agent.terminate(), 0)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        listener.close()
        self.assertEqual(touched, [])

    def test_its_memory_is_nobody_elses(self):
        """Not even another process of the same user may look into it: secrets are there (security.md, S39)."""
        own = shutil.copy(os.path.join(hv.BUILD, "cmd", "hivelet", "hivelet"), self.agent.dir)
        self.agent.write(document("  node: {docker: {enabled: false}}\n  services: []\n"))
        for path in (self.agent.dir, self.agent.file):
            os.chown(path, NOBODY, NOBODY)
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

        def looks_into(process):
            return subprocess.run(["cat", "/proc/%d/environ" % process.pid], capture_output=True, **as_nobody).returncode == 0

        with open(self.agent.log_path, "a") as log:
            agent = subprocess.Popen([own, *self.agent.arguments()[1:]], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                     env=self.agent.environment({}), **as_nobody)
        other = subprocess.Popen(["sleep", "1000"], **as_nobody)
        try:
            self.agent.wait(lambda: agent.poll() is not None or self.agent.status()["synced"], "it is up")
            self.assertIsNone(agent.poll(), self.agent.text_of_log())
            self.assertTrue(looks_into(other), "the test itself cannot look into anything")
            self.assertFalse(looks_into(agent))
        finally:
            for process in (agent, other):
                process.terminate()
                process.wait(hv.LIMIT_S)

    def test_no_file_but_a_pool(self):
        """The default file may be missing when a pool's address is given; a named one must exist."""
        r = self.agent.run("--once")
        self.assertEqual(r.returncode, 1)
        self.assertIn("E0001", r.stderr)


if __name__ == "__main__":
    base.main()
