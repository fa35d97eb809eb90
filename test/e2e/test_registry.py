#!/usr/bin/env python3
"""An image behind a login: Debian's docker-registry in the engine's own network namespace, reached over the loopback; and
where the password is to be seen: nowhere."""
import base64
import json
import os
import re
import signal
import subprocess

import base
import hv
from hv import document, service

ADDRESS = "127.0.0.1:5000"  # the namespace is the engine's alone
# What each engine says of no login, and of a wrong one: podman the same.
NO_LOGIN, WRONG_LOGIN = {"docker": ("no basic auth credentials", "unauthorized"),
                         "podman": ("unauthorized: authentication required", "unauthorized")}[hv.KIND]
USER, PASSWORD, WRONG = "node", "marker-5f1d-of-the-right-one", "marker-77ab-of-the-wrong-one"
# htpasswd -nbB node marker-5f1d-of-the-right-one; the registry takes bcrypt only.
HASH = "$2y$05$k3Yb0tQn7vPz1sXhL9wRWecyKyoZa6WXxJ..ou1Ngda5koZ7IIDZ6"
SETTINGS = """version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {dir}/data}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
auth: {{htpasswd: {{realm: test, path: {dir}/htpasswd}}}}
"""


class Registry:
    def __init__(self, engine):
        self.dir = os.path.join(engine.dir, "registry")
        os.makedirs(self.dir)
        with open(os.path.join(self.dir, "htpasswd"), "w") as f:
            f.write(f"{USER}:{HASH}\n")
        with open(os.path.join(self.dir, "config.yml"), "w") as f:
            f.write(SETTINGS.format(dir=self.dir, address=ADDRESS))
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            holder = f.read().strip()
        self.process = subprocess.Popen(["nsenter", "--target", holder, "--net", "docker-registry", "serve",
                                         os.path.join(self.dir, "config.yml")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                break
        else:
            raise RuntimeError("docker-registry does not start")

    def stop(self):
        self.process.terminate()
        self.process.communicate()


def login(password):
    both = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return json.dumps({"auths": {ADDRESS: {"auth": both}}})


# A password is as good as lost in base64, too.
MARKS = [p for word in (PASSWORD, WRONG) for p in (word, base64.b64encode(f"{USER}:{word}".encode()).decode())]


class Login(base.Case):
    image = f"{ADDRESS}/hv/private:1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.tidy)
        cls.registry = Registry(cls.engine)
        cls.engine.call("POST", f"/images/{hv.IMAGE}/tag?repo={ADDRESS}/hv/private&tag=1")
        header = base64.urlsafe_b64encode(json.dumps({"username": USER, "password": PASSWORD}).encode()).decode()
        answer = cls.engine.raw("POST", f"/images/{ADDRESS}/hv/private/push?tag=1", {"X-Registry-Auth": header})
        assert "errorDetail" not in answer, answer
        cls.engine.call("DELETE", f"/images/{cls.image}")

    @classmethod
    def tearDownClass(cls):
        pass

    @classmethod
    def tidy(cls):
        if hasattr(cls, "registry"):
            cls.registry.stop()
        cls.engine.stop()

    def setUp(self):
        super().setUp()
        self.secret = os.path.join(self.agent.dir, "login.json")
        self.logs = os.path.join(self.agent.dir, "logs")

    def tearDown(self):
        super().tearDown()
        if self.image in {t for i in self.engine.call("GET", "/images/json") for t in i["RepoTags"] or []}:
            self.engine.call("DELETE", f"/images/{self.image}")

    def body(self, auth=", auth: {secret: login}"):
        chatty = hv.CHATTY.replace("debug", f"debug, dir: {self.logs}")
        return (f"{chatty}  secrets: [{{name: login, fromFile: {self.secret}}}]\n"
                f"  registries: [{{name: private, host: \"{ADDRESS}\"{auth}}}]\n  services:\n" +
                service("web", image=self.image).replace("pullPolicy: never", "pullPolicy: missing"))

    def put(self, password):
        self.agent.write(login(password), self.secret)

    def told(self, words):
        unit = self.agent.services()["hive-web"]
        return unit["reason"] == "AuthFailed" and words in unit["message"]

    def test_the_right_login_pulls_and_runs(self):
        self.put(PASSWORD)
        self.up(self.body())
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.assertEqual(self.engine.inspect("hive-web")["Config"]["Image"], self.image)
        self.nowhere()

    def test_a_mirror_that_wants_a_login_is_given_its_own(self):
        """The registry that the name begins with does not exist; its mirror wants the login of the mirror's own entry."""
        self.put(PASSWORD)
        self.image = "registry.invalid/hv/private:1"
        far = f"{{name: far, host: registry.invalid, mirrors: [\"http://{ADDRESS}\"]}}"
        body = self.body().replace("registries: [", f"registries: [{far}, ")
        self.up(body)
        self.assertEqual(self.engine.running(), {"hive-web"})
        names = {t for i in self.engine.call("GET", "/images/json") for t in i["RepoTags"] or []}
        self.assertEqual({n for n in names if "private" in n}, {self.image})
        self.nowhere()

    def test_a_mirror_is_not_given_the_login_of_its_registry(self):
        """A mirror is another machine: what is for the registry is not sent there."""
        self.put(PASSWORD)
        self.image = "registry.invalid/hv/private:1"
        far = f"{{name: far, host: registry.invalid, auth: {{secret: login}}, mirrors: [\"http://{ADDRESS}\"]}}"
        self.agent.write(document(self.body(auth="").replace("registries: [", f"registries: [{far}, ")))
        self.agent.start()
        self.agent.wait(lambda: NO_LOGIN in self.agent.services()["hive-web"]["message"], "the mirror refuses")
        self.assertEqual(self.engine.containers(), {})

    def test_no_login_and_a_wrong_one_are_told_until_it_is_mended(self):
        self.put(WRONG)
        agent = self.agent
        agent.write(document(self.body(auth="")))
        agent.start()
        agent.wait(lambda: self.told(NO_LOGIN), "no login at all")
        agent.write(document(self.body()))
        agent.apply()
        agent.wait(lambda: self.told(WRONG_LOGIN), "the wrong one")
        why = agent.ctl("why", "service/web").stdout
        self.assertIn(ADDRESS, why)
        self.assertEqual(self.engine.containers(), {})
        # The documents stay as they are: only the secret's file is another, and SIGHUP reads it again.
        revision = agent.status()["revision"]
        self.put(PASSWORD)
        agent.process.send_signal(signal.SIGHUP)
        agent.wait_synced()
        self.assertEqual(self.engine.running(), {"hive-web"})
        self.assertEqual(agent.status()["revision"], revision)
        self.nowhere()

    def nowhere(self):
        """Each place where a password could leak, by name."""
        agent, seen = self.agent, {}
        for path in ("status", "why", "events", "sources", "revisions", "node", "version", "services", "secrets", "registries",
                     "services/web", "services/web/why", "secrets/login", "registries/private", "secrets/login/why"):
            seen["api " + path] = json.dumps(agent.call("GET", "/api/v1/" + path))
        seen["metrics"] = agent.call("GET", "/metrics", accept="text/plain")
        for words in (["get", "all", "-o", "yaml"], ["describe", "secret/login"], ["describe", "registry/private"],
                      ["plan", "-o", "json"], ["events", "-o", "json"], ["status", "-o", "json"]):
            r = agent.ctl(*words)
            seen["hivectl " + " ".join(words)] = r.stdout + r.stderr
        seen["log"] = agent.text_of_log()
        for kind, list_path in (("containers", "/containers/json?all=1"), ("images", "/images/json"), ("networks", "/networks")):
            for o in self.engine.call("GET", list_path):
                seen[f"engine {kind} {o['Id'][:20]}"] = json.dumps(self.engine.call("GET", f"/{kind}/{o['Id']}/json"
                                                                    if kind != "networks" else f"/networks/{o['Id']}"))
        for name in ("cmdline", "environ"):
            with open(f"/proc/{agent.process.pid}/{name}") as f:
                seen[name] = f.read()
        places = [*os.walk(os.path.join(agent.dir, "state")), *os.walk(self.logs)]
        self.assertEqual(sorted(places[-1][2]), ["events.jsonl", "hivelet.log"])
        for d, _, names in places:
            for name in names:
                with open(os.path.join(d, name), errors="replace") as f:
                    seen[os.path.join(d, name)] = f.read()
        self.assertTrue(all(seen.values()), [k for k, v in seen.items() if not v])
        for where, text in seen.items():
            for mark in MARKS:
                self.assertIsNone(re.search(re.escape(mark), text), f"a password in: {where}")


if __name__ == "__main__":
    base.main()
