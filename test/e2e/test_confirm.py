#!/usr/bin/env python3
"""What is applied with --confirm is taken back unless somebody says yes in time: objects, files, drop-ins and tunnels, whenever the
agent dies, whatever clocks do, and without an engine."""
import hashlib
import os
import re
import time
import uuid

import base
import hv
import test_tunnels
from hv import document, service

KILLED = os.path.join(hv.BUILD, "test", "e2e", "hivelet_fail_points")
WALLCLOCK = os.path.join(hv.BUILD, "test", "e2e", "wallclock.so")
BODY = "  services:\n" + service("web")
SHORTEST_S = 10


def obj(name, args="1000000"):
    return (f"apiVersion: hivelet/v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{image: \"{hv.IMAGE}\", pullPolicy: never, "
            f"command: [/bin/sleep], args: [\"{args}\"], network: none, stop: {{signal: KILL}}}}\n")


class Confirms:
    """What tests of trials share."""

    def state(self):
        return (self.agent.status()["confirm"] or {}).get("state")

    def revision(self):
        return self.agent.status()["revision"]

    def condition(self, name="ConfirmPending"):
        return next(c for c in self.agent.status()["conditions"] if c["type"] == name)

    def metric(self, name):
        return int(re.search(f"^{name} ([01])$", self.agent.call("GET", "/metrics", accept="text/plain"), re.M)[1])

    def try_out(self, text=None, window="1h"):
        """Objects, or the primary file, on trial."""
        r = self.agent.ctl("apply", "-f", "-" if text else self.agent.file, "--confirm", window, stdin=text)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertIn("on trial until", r.stdout)
        return r

    def rewrite(self, **fields):
        """The trial as it lies on the disk, while the agent is dead: as if time had passed."""
        path = os.path.join(self.agent.dir, "state", "trial")
        with open(path) as f:
            text = f.read().rsplit("sha256 ", 1)[0]
        for name, value in fields.items():
            text = re.sub(f"^{name} .*$", f"{name} {value}", text, flags=re.M)
        with open(path, "w") as f:
            f.write(text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n")

    def sleeps(self, name):
        return (self.engine.look(name) or {}).get("Args")

    def lose(self):
        """The deadline comes nearer, and nobody says yes. (A second trial keeps the base of the first.)"""
        begin = time.monotonic()
        self.try_out(window=f"{SHORTEST_S}s")
        self.agent.wait(lambda: self.state() == "Reverted", "it is taken back")
        self.assertGreater(time.monotonic() - begin, SHORTEST_S - 0.1)


class Confirm(Confirms, base.Case):
    def test_without_a_yes_the_file_is_as_if_it_had_not_been_saved(self):
        agent = self.up(BODY)
        was = self.revision()
        agent.write(document("  services:\n" + service("web", args="2000000")))  # the watch may take it in before the trial is asked for
        self.try_out()
        new = self.revision()
        self.assertNotEqual(new, was)
        confirm = agent.status()["confirm"]
        self.assertEqual((confirm["state"], confirm["revision"], confirm["goesBackTo"], confirm["by"]),
                         ("Pending", new, was, "unix:uid=0"))
        self.assertEqual((self.condition()["status"], self.condition()["reason"]), ("True", "ConfirmPending"))
        self.assertEqual(self.metric("hivelet_confirm_pending"), 1)
        self.assertIn(f"revision {was[:8]} comes back", agent.ctl("why").stdout)
        self.assertIn("On trial", agent.ctl("status").stdout)
        agent.wait(lambda: self.sleeps("hive-web") == ["2000000"] and agent.status()["synced"], "it runs as it is tried out")

        self.lose()
        self.assertEqual(self.revision(), was)
        agent.wait(lambda: self.sleeps("hive-web") == ["1000000"] and agent.status()["synced"], "it runs as it did")
        self.assertEqual((self.condition()["status"], self.condition()["reason"]), ("False", "Reverted"))
        self.assertIn("held off", self.condition()["message"])
        self.assertEqual((self.metric("hivelet_confirm_pending"), self.metric("hivelet_files_held_off")), (0, 1))
        late = agent.ctl("confirm")
        self.assertEqual(late.returncode, 1)
        self.assertIn(f"too late: revision {new[:8]} was taken back", late.stderr)
        self.assertEqual(agent.ctl("status", "--check").returncode, 2)
        self.assertIn("Taken back", agent.ctl("status").stdout)
        events = agent.ctl("events", "-o", "json").stdout
        for event in ("ConfirmPending", "Reverted"):
            self.assertIn(event, events)

        # The file says it still: neither a reload nor a restart takes it.
        self.assertEqual(agent.ctl("reload").returncode, 0)
        agent.kill()
        agent.start()
        agent.wait_synced()
        self.assertEqual(self.revision(), was)
        agent.write(document("  services:\n" + service("web", args="3000000")))
        agent.wait(lambda: self.sleeps("hive-web") == ["3000000"], "a file that is changed is taken")
        agent.wait_synced()
        self.assertIsNone(self.state())
        self.assertEqual(agent.ctl("status", "--check").returncode, 0)

    def test_a_file_that_was_taken_back_can_be_applied_as_it_is(self):
        agent = self.up(BODY)
        was = self.revision()
        agent.write(document("  services:\n" + service("web") + service("more")))
        self.try_out()
        new = self.revision()
        r = agent.ctl("confirm", "--revert")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("held off", r.stdout)
        self.assertEqual(self.revision(), was)
        self.assertEqual(agent.ctl("confirm", "--revert").returncode, 1)
        agent.apply()
        self.assertEqual(self.revision(), new)
        agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web", "hive-more"})
        self.assertIsNone(self.state())

    def test_a_yes_makes_it_stay(self):
        agent = self.up(BODY)
        self.assertEqual(agent.ctl("confirm").returncode, 4, "there is nothing to confirm")
        self.try_out(obj("more"))
        new = self.revision()
        r = agent.ctl("confirm")
        self.assertEqual((r.returncode, r.stdout), (0, f"confirmed: revision {new[:12]} stays\n"))
        self.assertIn("Confirmed", agent.ctl("events", "-o", "json").stdout)
        self.assertEqual(agent.ctl("confirm").returncode, 4)
        agent.kill()
        agent.start()
        agent.wait_synced()
        self.assertEqual(self.revision(), new)
        self.assertIsNone(self.state())

    def test_objects_are_as_they_were(self):
        agent = self.up(BODY)
        agent.apply("-f", self.save("two.yaml", obj("two") + "---\n" + obj("three")))
        agent.wait_synced()
        was = self.revision()
        self.try_out(obj("two", "2000000"))
        self.try_out(obj("four"), "2h")
        r = agent.ctl("delete", "service/three")
        self.assertEqual(r.returncode, 1)
        self.assertIn("is on trial: confirm it", r.stderr)
        agent.wait(lambda: "hive-four" in self.engine.running() and agent.status()["synced"], "it is tried out")
        self.assertEqual(agent.ctl("confirm", "--revert", "--wait").returncode, 0)
        self.assertEqual(self.revision(), was)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-two", "hive-three"})
        self.assertEqual(self.sleeps("hive-two"), ["1000000"])
        self.assertEqual(self.state(), "Reverted")
        self.assertEqual(agent.ctl("status", "--check").returncode, 0, "nothing is held off")

    def save(self, name, text):
        path = os.path.join(self.agent.dir, name)
        self.agent.write(text, path)
        return path

    def test_what_is_asked_for_wrongly_is_refused(self):
        agent = self.up(BODY)
        was = self.revision()
        for window, code, words in (("1s", 1, "too short to look at what was done; at least 10s"), ("2d", 1, "above the limit of 1d"),
                                    ("10", 64, "did you mean 10s?"), ("soon", 64, "expected a time")):
            r = agent.ctl("apply", "-f", "-", "--confirm", window, stdin=obj("more"))
            self.assertEqual(r.returncode, code, window)
            self.assertIn(words, r.stderr)
        r = agent.ctl("apply", "-f", "-", "--confirm", "1h", stdin="kind: Nonsense\n")
        self.assertEqual(r.returncode, 1)
        r = agent.ctl("apply", "-f", "-", "--confirm", "1h", "--dry-run", stdin=obj("more"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIsNone(self.state())
        self.assertEqual(self.revision(), was)

    def test_a_node_without_a_revision_has_nothing_to_go_back_to(self):
        self.agent.write("kind: Nonsense\n")
        self.agent.start()
        self.agent.write(document(BODY.replace("web", "Web")))
        r = self.agent.ctl("apply", "-f", "-", "--confirm", "1h", stdin=obj("more"))
        self.assertEqual(r.returncode, 1)
        self.assertIsNone(self.state())

    def test_a_drop_in_on_trial(self):
        """The window is opened first: whatever is saved until the verdict is on trial."""
        agent = self.up(BODY)
        os.mkdir(os.path.join(agent.dir, "conf.d"))
        r = agent.ctl("apply", "--confirm", "1h")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.save("conf.d/10.yaml", obj("extra"))
        agent.wait(lambda: "hive-extra" in self.engine.running(), "a drop-in is taken in")
        self.assertEqual(agent.ctl("confirm", "--revert", "--wait").returncode, 0)
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.assertEqual(self.metric("hivelet_files_held_off"), 1)
        os.unlink(os.path.join(agent.dir, "conf.d/10.yaml"))
        agent.wait(lambda: self.metric("hivelet_files_held_off") == 0, "a drop-in that is gone is no longer held off")

    def test_the_guard_is_asked_on_the_way_there_and_not_on_the_way_back(self):
        agent = self.up("  services:\n" + "".join(service(n) for n in ("web", "api", "db", "cache")))
        agent.write(document(BODY))
        r = agent.ctl("apply", "-f", agent.file, "--confirm", "1h")
        self.assertEqual(r.returncode, 2, r.stdout + r.stderr)
        self.assertEqual(self.state(), "Pending")
        r = agent.ctl("confirm")
        self.assertEqual(r.returncode, 1)
        self.assertIn("the guard holds it", r.stderr)
        agent.apply("--accept-prune", agent.status()["parked"]["revision"][:8])
        agent.wait(lambda: self.engine.running() == {"hive-web"} and agent.status()["synced"], "agreed")
        agent.write(document("  services:\n" + "".join(service(f"s{i}") for i in range(6)) + service("web")))
        agent.wait(lambda: len(self.engine.running()) == 7 and agent.status()["synced"], "more of it")
        self.assertEqual(agent.ctl("confirm", "--revert", "--wait").returncode, 0)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-api", "hive-db", "hive-cache"})

    def test_the_deadline_passes_while_the_agent_is_dead(self):
        """And the engine with it: what was in force is wanted again all the same."""
        agent = self.up(BODY)
        was = self.revision()
        self.try_out(obj("more"))
        agent.wait_synced()
        engine = agent.docker
        agent.kill()
        self.rewrite(deadline_us=1)
        agent.docker = os.path.join(agent.dir, "no-engine.sock")
        agent.start()
        agent.wait(lambda: self.revision() == was, "taken back without an engine")
        self.assertIn("nobody confirmed it in time", agent.status()["confirm"]["why"])
        agent.kill()
        agent.docker = engine
        agent.start()
        agent.wait(lambda: self.engine.running() == {"hive-web"} and agent.status()["synced"], "as it was")
        self.assertEqual(self.revision(), was)

    def test_a_restart_before_the_deadline_changes_nothing_about_it(self):
        agent = self.up(BODY)
        was = self.revision()
        self.try_out(obj("more"))
        new = self.revision()
        agent.kill()
        agent.start()
        self.assertEqual((self.state(), self.revision()), ("Pending", new))
        agent.kill()
        self.rewrite(deadline_us=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 + 3_000_000)
        agent.start()
        agent.wait(lambda: self.revision() == was, "taken back in time")

    def test_another_boot_takes_it_back(self):
        agent = self.up(BODY)
        was = self.revision()
        self.try_out(obj("more"))
        agent.kill()
        self.rewrite(boot=uuid.uuid4())
        agent.start()
        agent.wait(lambda: self.revision() == was, "taken back")
        self.assertIn("started anew", agent.status()["confirm"]["why"])

    def test_a_wall_clock_that_is_set_moves_no_deadline(self):
        agent = self.up(BODY)
        self.try_out(obj("more"))
        new = self.revision()
        for shift_s in (7 * 86400, -7 * 86400):
            agent.kill()
            clock = self.save("clock", shift_s.to_bytes(8, "little", signed=True))
            agent.start(env={"LD_PRELOAD": WALLCLOCK, "HV_WALLCLOCK": clock})
            agent.wait_synced()
            self.assertEqual((self.state(), self.revision()), ("Pending", new))

    def test_killed_at_each_step(self):
        """New with its deadline, or old; and at the end old in every case that has no yes."""
        for place in ("trial_begun", "trial_stored", "trial_in_force"):
            with self.subTest(place):
                self.fresh()
                was = self.revision()
                self.die(place, lambda: self.agent.ctl("apply", "-f", "-", "--confirm", "1h", stdin=obj("more")))
                self.assertEqual(self.state(), "Pending")
                self.agent.kill()
                self.rewrite(deadline_us=1)
                self.taken_back(was)
        for place in ("trial_reverting", "trial_objects_back", "trial_base_kept", "trial_reverted"):
            with self.subTest(place):
                self.fresh()
                was = self.revision()
                self.try_out(obj("more"))  # first: a file that the watch takes in before the trial would be what is gone back to
                self.agent.write(document(BODY + service("file")))
                self.agent.wait(lambda: "hive-file" in self.engine.running(), "the file is on trial too")
                self.die(place, lambda: self.agent.ctl("confirm", "--revert"))
                self.agent.kill()
                self.taken_back(was)
        for place in ("trial_confirming", "trial_confirmed"):
            with self.subTest(place):
                self.fresh()
                self.try_out(obj("more"))
                new = self.revision()
                self.die(place, lambda: self.agent.ctl("confirm"))
                self.assertEqual((self.revision(), self.state()), (new, "Pending" if place == "trial_confirming" else None))

    def test_going_back(self):
        """To a revision of before, over restarts, until the file changes; the guard is asked."""
        agent = self.up(BODY)
        first = self.revision()
        agent.write(document(BODY + service("more")))
        agent.wait(lambda: self.engine.running() == {"hive-web", "hive-more"} and agent.status()["synced"], "both run")
        second = self.revision()
        self.assertEqual(agent.ctl("apply", "-f", "-", stdin=obj("extra")).returncode, 0)
        agent.wait(lambda: "hive-extra" in self.engine.running() and agent.status()["synced"], "the object runs")
        self.assertEqual(agent.ctl("rollback", "0123456789").returncode, 4)
        guarded = agent.ctl("rollback", first)
        self.assertEqual((guarded.returncode, self.state()), (2, None), guarded.stderr)
        self.assertIn("would remove 2 of 3 objects", guarded.stderr)
        self.die("trial_objects_back", lambda: agent.ctl("rollback", first, "--accept-prune", first[:8]))
        agent.wait(lambda: self.engine.running() == {"hive-web"} and agent.status()["synced"], "it runs as it did")
        self.assertEqual((self.revision(), self.state()), (first, "RolledBack"))
        self.assertEqual((self.condition()["reason"], self.condition("Converged")["reason"]), ("RolledBack", "RolledBack"))
        states = {s["name"]: s["state"] for s in agent.call("GET", "/api/v1/sources")["items"]}
        self.assertEqual(states, {"file": "HeldOff", "api": "Empty"})
        self.assertEqual(agent.ctl("reload").returncode, 0)
        self.assertEqual(self.revision(), first)
        r = agent.ctl("rollback", second[:12], "--wait")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(f"rolled back: revision {second[:12]} is in force again", r.stdout)
        self.assertEqual(self.engine.running(), {"hive-web", "hive-more"})
        self.assertIn("RolledBack", agent.ctl("events", "-o", "json").stdout)
        agent.write(document(BODY + service("more", args="3000000")))
        agent.wait(lambda: self.sleeps("hive-more") == ["3000000"] and self.state() is None, "a file that changes is taken")

    def fresh(self):
        self.agent.done()
        self.engine.clear()
        self.agent = hv.Agent(self.engine.sock)
        self.up(BODY)

    def die(self, place, act):
        """Does it with an agent that is killed there; then an ordinary one goes on."""
        agent = self.agent
        agent.kill()
        ordinary = agent.arguments
        agent.arguments = lambda *more: [KILLED, *ordinary(*more)[1:]]
        agent.start(env={"HIVELET_KILL_AT": place})
        agent.wait_synced()
        act()
        self.assertEqual(agent.process.wait(hv.LIMIT_S), -9)
        agent.log.close()
        agent.arguments = ordinary
        agent.start()

    def taken_back(self, was):
        self.agent.start()
        self.agent.wait(lambda: self.revision() == was and self.state() == "Reverted", "taken back")
        self.agent.wait(lambda: self.engine.running() == {"hive-web"} and self.agent.status()["synced"], "it runs as it did")
        api = next(s for s in self.agent.call("GET", "/api/v1/sources")["items"] if s["name"] == "api")
        self.assertEqual(api["objects"], 0)


class Link(Confirms, test_tunnels.Tunnels):
    """The link that one is managing through."""

    def reaches(self):
        return "1 received" in self.node.sh("ping", "-c1", "-W1", "10.0.0.1", check=False)

    def addresses(self):
        return self.node.sh("ip", "-br", "addr", "show", "dev", self.wg)

    def test_a_link_that_was_cut_comes_back(self):
        self.peer_up()
        self.agent.write(self.text())
        self.agent.start()
        self.agent.wait_synced()
        self.reach()
        was = self.revision()
        index = self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex")
        self.agent.write(self.text().replace("10.0.0.17/24", "10.0.0.18/24").replace("10.99.0.2:51821", "10.99.0.9:9"))
        self.try_out()
        self.agent.wait(lambda: "10.0.0.18/24" in self.addresses(), "it is tried out")
        self.assertFalse(self.reaches(), "nobody can say yes any more")
        self.lose()
        self.assertEqual(self.revision(), was)
        self.agent.wait_synced()
        self.assertIn("10.0.0.17/24", self.addresses())
        self.assertIn("10.99.0.2:51821", self.node.sh("wg", "show", self.wg, "endpoints"))
        self.assertEqual(self.node.sh("cat", f"/sys/class/net/{self.wg}/ifindex"), index, "it is the same interface")
        self.reach()


# The tests of tunnels themselves run where they stand.
for name in dir(test_tunnels.Tunnels):
    if name.startswith("test_"):
        setattr(Link, name, None)


if __name__ == "__main__":
    base.main()
