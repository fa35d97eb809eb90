#!/usr/bin/env python3
"""A log that has lost its beginning says so, and no other: whoever dropped it, the engine or hivelet, and whatever the lines are."""
import json

import base
import hv
import tasks

MARK = b"[hivelet] the log was longer than "
# What a line costs in the engine's files (pkg/task/log_form.h): around it, and its newline.
AROUND = {"local": 32, "json-file": 69}
NEWLINE = {"local": 1, "json-file": 2}


def lines(text, n):
    return f"yes '{text}' | head -n {n}", (text.encode() + b"\n") * n


class Logs(base.Case):
    def setUp(self):
        super().setUp()
        self.agent.done()
        self.agent = tasks.Worker(self.engine, "marks")
        self.agent.declare({}, body=f"  taskDefaults: {{image: {hv.IMAGE}}}\n")
        self.agent.start()
        self.agent.wait_synced()

    def do(self, name, script, cap, driver=None):
        """Its log, whether that is marked, its manifest."""
        logging = {"maxSize": str(cap), "maxFiles": 1, **({"driver": driver} if driver else {})}
        self.agent.submit(name, {"command": ["/bin/sh", "-c", script], "logging": logging})
        self.agent.wait(lambda: self.agent.ledger.tasks().get(name, {"ended_us": None})["ended_us"], f"{name} has ended")
        row = self.agent.ledger.tasks()[name]
        self.assertEqual(row["state"], "Completed", row["message"])
        log, manifest = self.agent.result(name, 1, "log"), json.loads(self.agent.result(name, 1, "manifest.json"))
        self.assertEqual(manifest["log"]["truncated"], log.startswith(MARK), "the manifest says what the log says")
        return log, manifest

    def check(self, name, script, whole, cap, marked, driver=None):
        log, manifest = self.do(name, script, cap, driver)
        if not marked:
            self.assertEqual(log, whole)
            return
        mark, _, kept = log.partition(b"\n")
        self.assertTrue(mark.startswith(MARK), log[:200])
        self.assertTrue(mark.endswith(b"its beginning is missing"), mark)
        self.assertTrue(whole.endswith(kept))
        self.assertLess(len(kept), len(whole))
        self.assertGreater(len(kept), 0)
        self.assertLessEqual(len(kept), cap)
        self.assertLessEqual(manifest["log"]["seen"], len(whole))

    def drivers(self):
        return AROUND if self.engine.kind == "docker" else {"json-file": AROUND["json-file"]}

    def test_at_the_cap_and_above_it(self):
        for driver in self.drivers():
            line = AROUND[driver] + NEWLINE[driver]
            cap = line * 2000
            rows = {
                "shortest-at-cap": (*lines("", 2000), False),
                "shortest-above": (*lines("", 2001), True),
                "one-byte-above": ("yes '' | head -n 1999; echo x", b"\n" * 1999 + b"x\n", True),
                "no-newline": ("yes '' | head -n 1000; printf end", b"\n" * 1000 + b"end", False),
                "no-newline-above": ("yes '' | head -n 2500; printf end", b"\n" * 2500 + b"end", True),
                "nothing": ("true", b"", False),
                # So much that the engine has dropped most of it.
                "shortest-many": (*lines("", 60000), True),
                "words-many": (*lines("a line of a few words", 20000), True),
                "long-below": ("yes $(printf %020000d 7) | head -n 2; echo end", (b"0" * 19999 + b"7\n") * 2 + b"end\n", False),
                "parts-exactly": ("yes $(printf %016384d 7) | head -n 2; echo end", (b"0" * 16383 + b"7\n") * 2 + b"end\n", False),
                "long-many": ("yes $(printf %020000d 7) | head -n 60; echo end", (b"0" * 19999 + b"7\n") * 60 + b"end\n", True),
            }
            for what, (script, whole, marked) in rows.items():
                with self.subTest(f"{driver} {what}"):
                    self.check(f"{driver}-{what}", script, whole, cap, marked, driver if driver != "local" else None)

    def test_both_streams(self):
        """Each stream is its own end; the mark is on stderr. How the two are mixed, and so how much is kept of each, is the engine's."""
        whole = {stream: "".join(f"{stream} {i}\n" for i in range(4000)) for stream in ("out", "err")}
        script = "i=0; while [ $i -lt 4000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
        for driver in self.drivers():
            with self.subTest(driver):
                name = f"both-{driver}"
                log, manifest = self.do(name, script, 100000, driver)
                self.assertTrue(manifest["log"]["truncated"])
                out = self.agent.call("GET", f"/api/v1/tasks/{name}/logs?stream=stdout", accept="*/*")
                err = self.agent.call("GET", f"/api/v1/tasks/{name}/logs?stream=stderr", accept="*/*")
                self.assertEqual(len(out) + len(err), len(log))
                mark, _, kept = err.partition("\n")
                self.assertTrue(mark.startswith(MARK.decode()), err[:200])
                self.assertTrue(whole["out"].endswith(out), out[:200])
                self.assertTrue(whole["err"].endswith(kept), kept[:200])
                self.assertGreater(len(out) + len(kept), 0)

    def test_what_is_no_text(self):
        """Docker keeps each byte; with json-file it writes U+FFFD, and podman gives what it got."""
        one = rb"\377\376\001<"
        raw, shown = b"\xff\xfe\x01<\n", b"\xef\xbf\xbd\xef\xbf\xbd\x01<\n"
        rows = {"default": (None, raw)}
        if self.engine.kind == "docker":
            rows["json-file"] = ("json-file", shown)
        for what, (driver, line) in rows.items():
            for n, marked in ((10, False), (20000, True)):
                with self.subTest(f"{what} {n}"):
                    self.check(f"bytes-{what}-{n}", f"yes \"$(printf '{one.decode()}')\" | head -n {n}", line * n, 100000,
                               marked, driver)

    def test_a_log_is_followed_while_it_is_cut(self):
        """hivectl logs -f from the beginning, across every file of the engine."""
        n = 20000
        self.agent.submit("followed", {"command": ["/bin/sh", "-c",
                                                   "while [ ! -e /witness/go ]; do sleep 0.05; done; seq 1 100; sleep 1; seq 101 "
                                                   f"{n}"],
                                       "mounts": [{"hostPath": self.agent.witness, "target": "/witness"}],
                                       "logging": {"maxSize": "10Mi", "maxFiles": 1}})
        self.agent.wait(lambda: (self.engine.look("task-followed") or {"State": {}})["State"].get("Running"), "it runs")
        self.agent.go()
        r = self.agent.ctl("task", "logs", "-f", "followed")
        self.assertEqual(r.returncode, 0, r.stderr)
        whole = "".join(f"{i}\n" for i in range(1, n + 1))
        self.agent.wait(lambda: self.agent.ledger.tasks()["followed"]["ended_us"], "it has ended")
        self.assertEqual(self.agent.result("followed", 1, "log").decode(), whole)
        if self.engine.kind == "docker":  # podman's own stream leaves lines out when much comes at once (docs/podman.md)
            self.assertEqual(r.stdout, whole)


if __name__ == "__main__":
    base.main()
