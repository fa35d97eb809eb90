#!/usr/bin/env python3
"""A bad file changes nothing: unreadable, empty, invalid, truncated anywhere, or asking for too much at once."""
import os
import random

import base
from hv import document, service

BODY = "  services:\n" + service("web") + service("api") + service("db") + service("cache")
ALL = {"hive-web", "hive-api", "hive-db", "hive-cache"}


class Guard(base.Case):
    def refused(self, text):
        self.agent.write(text)
        self.agent.wait(lambda: self.agent.status()["refused"], "refused")
        self.assertEqual(self.engine.running(), ALL)

    def test_bad_files_change_nothing_and_say_why(self):
        agent = self.up(BODY)
        revision = agent.status()["revision"]
        for what, text, code in (("empty", "", "E0010"), ("comments", "# nothing\n", "E0010"),
                                 ("syntax", document(BODY) + "  : [", "E0005"), ("binary", b"\xff\xfe\x00", "E0002"),
                                 ("unknown field", document(BODY + "  servces: []\n"), "E0201"),
                                 ("another kind", "apiVersion: v1\nkind: Pod\n", "E0103")):
            with self.subTest(what):
                self.refused(text)
                status = agent.status()
                self.assertEqual(status["revision"], revision)
                self.assertIn(code, [e["code"] for e in status["errors"]])
                r = agent.ctl("apply")
                self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
                self.assertIn(code, r.stdout + r.stderr)
                agent.write(document(BODY))
                agent.wait(lambda: not agent.status()["refused"], "mended")
        os.unlink(agent.file)
        agent.wait(lambda: agent.status()["refused"], "a file that is gone is not an empty one")
        self.assertEqual(self.engine.running(), ALL)
        agent.write(document(BODY))
        os.chmod(agent.file, 0o666)
        agent.wait(lambda: "E0009" in [e["code"] for e in agent.status()["errors"]], "others could write it")
        self.assertEqual(self.engine.running(), ALL)

    def test_a_restart_beside_a_broken_file_goes_on_with_the_last_good_revision(self):
        agent = self.up(BODY)
        revision = agent.status()["revision"]
        self.refused("kind: Nonsense\n")
        agent.kill()
        agent.start()
        agent.wait(lambda: agent.status()["revision"] == revision and agent.status()["synced"], "the last good one")
        self.assertTrue(agent.status()["refused"])
        self.engine.call("POST", "/containers/hive-web/kill")
        agent.wait(lambda: "hive-web" in self.engine.running(), "and it is kept")

    def test_what_would_remove_too_much_is_parked_until_somebody_agrees(self):
        agent = self.up(BODY)
        agent.write(document("  services:\n" + service("web")))
        agent.wait(lambda: agent.status()["parked"], "parked")
        self.assertEqual(self.engine.running(), ALL)
        parked = agent.status()["parked"]["revision"]
        self.assertEqual(agent.ctl("status", "--check").returncode, 2)
        r = agent.ctl("apply")
        self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
        self.assertIn("--accept-prune", r.stdout + r.stderr)
        self.assertNotEqual(agent.ctl("apply", "--accept-prune", "00000000").returncode, 0)
        self.assertEqual(self.engine.running(), ALL)
        # A restart asks again: nobody has agreed.
        agent.kill()
        agent.start()
        agent.wait(lambda: agent.status()["parked"], "parked again")
        self.assertEqual(agent.ctl("apply", "--accept-prune", parked[:8]).returncode, 0)
        agent.wait(lambda: self.engine.running() == {"hive-web"}, "agreed")

    def test_an_agreed_removal_survives_a_kill_in_its_middle(self):
        agent = self.up("  services:\n" + "".join(service(f"s{i}") for i in range(12)))
        agent.write(document("  services:\n" + service("s0")))
        agent.wait(lambda: agent.status()["parked"], "parked")
        agent.ctl("apply", "--accept-prune", agent.status()["parked"]["revision"][:8])
        agent.kill()
        agent.start()
        agent.wait(lambda: set(self.engine.containers()) == {"hive-s0"}, "the consent was kept")

    def test_fifty_truncations_remove_nothing(self):
        """Every offset goes through loader and guard in test/unit; here fifty meet the whole agent. A cut between two
        objects leaves a shorter valid file: that is an edit, and the guard's share decides about it."""
        agent = self.up(BODY)
        text = document(BODY).encode()
        rng = random.Random(20260101)
        for offset in sorted(rng.sample(range(len(text)), 50)):
            with self.subTest(offset=offset):
                agent.write(text[:offset])
                r = agent.ctl("apply")
                status = agent.status()
                left = {f"hive-{n}" for n in self.whole_services(text[:offset])}
                if status["refused"] or status["parked"]:
                    self.assertIn(r.returncode, (1, 2))
                    agent.write(text)
                    agent.apply()
                    self.assertEqual(self.engine.running(), ALL)
                else:
                    self.assertGreaterEqual(len(left) * 2, len(ALL), "more than maxPrune went")
                    agent.write(text)
                    agent.apply()
                    agent.wait_synced()

    @staticmethod
    def whole_services(text):
        return [line.split(b": ")[1].decode() for line in text.split(b"\n") if line.startswith(b"    - name: ")]

    def test_a_file_is_not_read_while_it_is_written(self):
        agent = self.up(BODY)
        with open(agent.file, "w") as f:
            f.write(document("  services:\n" + service("web")))
            f.flush()
            os.fsync(f.fileno())
            agent.wait(lambda: True, "")
            self.assertIsNone(agent.status()["parked"])
            self.assertFalse(agent.status()["refused"])
            f.write(service("api") + service("db") + service("cache") + service("more"))
        agent.wait(lambda: "hive-more" in self.engine.running(), "read when it was closed")
        self.assertEqual(self.engine.running(), ALL | {"hive-more"})


if __name__ == "__main__":
    base.main()
