#!/usr/bin/env python3
"""The agent answers as its own description says: every route, well and with errors, and requests drawn from the description; its metrics are
those of docs/http-api.md.

A status that an operation does not name falls to its `default`. What has no shape (files, streams) is looked at by its type.
"""
import json
import os
import random
import re

import base
import hv
import jsonschema

NODE = """  node: {{docker: {{enabled: true}}}}
  gc: {{interval: 24h}}
  resources: {{monitor: {{interval: 1s}}}}
  networks: [{{name: backend}}]
  volumes: [{{name: data}}]
  configs: [{{name: conf, data: {{a: b}}}}]
  registries: [{{name: private, host: registry.example.org}}]
  cronTasks:
    - {{name: nightly, schedule: "15 3 * * *", task: {{image: {image}, command: [/bin/true]}}}}
  services:
"""
# The object of each kind of NODE, for {name}.
NAMES = {"services": "web", "networks": "backend", "volumes": "data", "configs": "conf", "registries": "private",
         "crontasks": "nightly", "tasks": "job"}
# Families that are told only where there is what they are of.
WHERE_THERE_IS = re.compile("hivelet_(gpu_|pool_|outbox_|wireguard_|oom_kills_total|task_duration_seconds|node_(pressure|temperature)|gc_|image_pull)")
# What ends the agent under test, by almost any body.
ENDING = {"/api/v1/shutdown"}
STREAM = "text/event-stream"
TIMEOUT_S = hv.LIMIT_S


class Description:
    """What GET /api/v1/openapi.json says, and whether an answer is as it says."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.operations = [(method.upper(), path, operation) for path, item in document["paths"].items()
                           for method, operation in item.items() if method != "parameters"]

    def follow(self, part):
        while "$ref" in part:
            part = self.resolver.resolve(part["$ref"])[1]
        return part

    def check(self, what, operation, status, kind, body):
        """Why the answer is not as the operation says; None: it is."""
        response = operation["responses"].get(str(status), operation["responses"]["default"])
        content = self.follow(response).get("content", {})
        kind = kind.split(";")[0]
        if str(status) not in operation["responses"] and status < 400:
            return f"{what}: {status} is not named"
        if not content:
            return f"{what}: {status} has a body" if body else None
        if kind not in content:
            return f"{what}: {status} is {kind}, not {' or '.join(content)}"
        if not kind.endswith("json"):
            return None
        validator = jsonschema.Draft202012Validator(content[kind]["schema"], resolver=self.resolver)
        error = next(validator.iter_errors(json.loads(body)), None)
        return f"{what}: {status}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" if error else None


class Answers(base.Case):
    def setUp(self):
        super().setUp()
        self.up(NODE.format(image=hv.IMAGE) + hv.service("web"))
        self.description = Description(self.agent.call("GET", "/api/v1/openapi.json"))
        self.wrong = []

    def ask(self, method, path, body=None, kind="application/json"):
        """Status, type and body; of a stream only the head, of a switched protocol nothing."""
        c = hv.UnixConnection(self.agent.socket, TIMEOUT_S)
        try:
            c.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            r = c.getresponse()
            if r.getheader("Content-Type", "").startswith(STREAM):
                return r.status, STREAM, b""
            return r.status, r.getheader("Content-Type", ""), r.read()
        finally:
            c.close()

    def look(self, method, path, operation, body=None, kind="application/json"):
        status, content_type, answer = self.ask(method, path, body, kind)
        fault = self.description.check(f"{method} {path}", operation, status, content_type, answer)
        if status == 500:
            fault = f"{method} {path}: 500 {answer[:300]}"
        if fault:
            self.wrong.append(fault)
        return status

    def name_in(self, path):
        m = re.match(r"/api/v1/(\w+)/\{", path)
        return NAMES.get(m.group(1), "none") if m else "none"

    def submit(self):
        """A task that ended, with a result."""
        task = {"apiVersion": "hivelet/v1", "kind": "Task", "metadata": {"name": "job"},
                "spec": {"image": hv.IMAGE, "pullPolicy": "never", "network": "none",
                         "command": ["/bin/sh", "-c", "mkdir -p results; echo out >results/out.txt; echo said"],
                         "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}}}
        self.agent.call("POST", "/api/v1/tasks?id=job", json.dumps(task))
        self.agent.wait(lambda: self.agent.call("GET", "/api/v1/tasks/job/status")["ended"], "the task has ended")

    def test_what_is_read(self):
        self.submit()
        self.every_route()
        self.no_other_method()
        self.every_metric()
        self.drawn_requests()

    def every_route(self):
        n_well = 0
        result = self.agent.call("GET", "/api/v1/tasks/job/results")["files"][0]["path"]
        for method, path, operation in self.description.operations:
            if method != "GET":
                continue
            with_names = path.replace("{path}", result).replace("{name}", self.name_in(path))
            n_well += self.look(method, re.sub(r"\{\w+\}", "none", with_names), operation) < 400
            self.look(method, re.sub(r"\{\w+\}", "no-such-thing", path) + "?limit=x&tail=x&attempt=x&continue=%22", operation)
        self.assertEqual(self.wrong, [])
        self.assertGreater(n_well, 60)

    def families(self):
        return set(re.findall(r"^# TYPE (hivelet_\S+)", self.agent.call("GET", "/metrics", accept="text/plain"), re.M))

    def every_metric(self):
        """Those of the document are told by an agent that works, and no others; neither they nor the probes name an image."""
        with open(os.path.join(hv.TOP, "docs", "http-api.md")) as f:
            documented = set(re.findall(r"`(hivelet_[a-z_0-9]+)`", f.read().split("\n## Metrics\n")[1]))
        self.agent.ctl("gc")  # which measures the results
        # The use of CPUs is known from the second sample on.
        self.agent.wait(lambda: "hivelet_node_cpu_ratio" in self.families(), "the second sample")
        told = self.families()
        self.assertEqual(told - documented, set())
        self.assertEqual({name for name in documented - told if not WHERE_THERE_IS.match(name)}, set())
        for path in ("/livez", "/readyz?verbose=1", "/health", "/metrics"):
            said = self.ask("GET", path)[2].decode()
            self.assertNotIn(hv.IMAGE, said, path)
            if path != "/metrics":
                self.assertIsNone(re.search(r"\b(web|backend|nightly|job)\b", said), said)

    def test_what_changes(self):
        self.refused()
        self.changed()

    def refused(self):
        for method, path, operation in self.description.operations:
            if method in ("POST", "PUT", "DELETE") and "{" in path:
                self.look(method, re.sub(r"\{\w+\}", "no-such-thing", path), operation, "")
            elif method in ("POST", "PUT") and operation.get("requestBody"):
                self.look(method, path, operation, "[")
                if path in ENDING:
                    continue
                for body in ("{}", '{"files": [{"text": "kind: Nonsense"}]}'):
                    self.look(method, path, operation, body)
                self.look(method, path, operation, "kind: Nonsense\n", "application/yaml")
                self.look(method, path, operation, "x", "text/plain")
        for path in ("/api/v1/validate", "/api/v1/plan"):
            operation = self.description.document["paths"][path]["post"]
            self.assertEqual(self.look("POST", path, operation, hv.document("  services: []\n"), "application/yaml"), 200)
        self.assertEqual(self.wrong, [])

    def changed(self):
        paths = self.description.document["paths"]
        task = "kind: Task\napiVersion: hivelet/v1\nmetadata: {name: more}\nspec: {image: %s, command: [/bin/true]}\n" % hv.IMAGE
        for path, body, status in (("/api/v1/fit", task, 200), ("/api/v1/tasks?id=more", task, 201),
                                   ("/api/v1/tasks?id=more", task, 200), ("/api/v1/tasks/more/stop", "", 200),
                                   ("/api/v1/crontasks/nightly/suspend", "", 200), ("/api/v1/crontasks/nightly/resume", "", 200),
                                   ("/api/v1/crontasks/nightly/trigger", "", 201), ("/api/v1/reload", "", 200),
                                   ("/api/v1/gc", "", 200), ("/api/v1/apply", "", 200), ("/api/v1/confirm", "", 404)):
            general = re.sub(r"(tasks)/[a-z-]+/", r"\1/{name}/", path.split("?")[0])
            self.assertEqual(self.look("POST", path, paths[general]["post"], body, "application/yaml"), status, path)
        self.assertEqual(self.wrong, [])

    def value(self, draw, schema):
        """A value for a parameter: mostly what its schema allows."""
        schema = draw.choice(schema["anyOf"]) if "anyOf" in schema else schema
        if draw.random() < 0.3:
            return draw.choice(["", "-1", "0", "99999999999999999999", "%00", "%ff", "a" * 300, "..%2f..", "1e9", "null", "%22"])
        if "enum" in schema or "const" in schema:
            return draw.choice(schema.get("enum") or [schema["const"]])
        if schema.get("type") == "integer":
            return str(draw.randint(schema.get("minimum", 0), min(schema.get("maximum", 100), 100)))
        return draw.choice(["true", "false", ""]) if schema.get("type") == "boolean" else draw.choice(["web", "10m", "job", "x"])

    def drawn_requests(self):
        draw = random.Random(20261122)
        operations = [o for o in self.description.operations if o[0] == "GET" or "x-role" in o[2] and "{name}" in o[1]]
        for _ in range(400):
            method, path, operation = draw.choice(operations)
            path = re.sub(r"\{\w+\}", lambda m: draw.choice(["web", "no-such-thing", "%2e%2e", "a%2fb", "x" * 200]), path)
            if method == "DELETE" or method == "POST" and "/web/" in path:
                path = path.replace("/web", "/no-such-thing")
            query = "&".join(f"{p['name']}={self.value(draw, p['schema'])}" for p in operation.get("parameters", [])
                             if p["in"] == "query" and p["name"] != "follow" and draw.random() < 0.5)
            self.look(method, path + ("?" + query if query else ""), operation, "" if method == "POST" else None)
        self.assertEqual(self.wrong, [])
        self.agent.wait_synced()

    def no_other_method(self):
        for path, item in self.description.document["paths"].items():
            concrete = re.sub(r"\{\w+\}", "web", path)
            c = hv.UnixConnection(self.agent.socket, TIMEOUT_S)
            try:
                c.request("PATCH", concrete, "")
                r = c.getresponse()
                allowed = set(r.getheader("Allow", "").split(", "))
                self.assertEqual(r.status, 405, concrete)
                self.assertLessEqual({m.upper() for m in item if m != "parameters"}, allowed, concrete)
                r.read()
            finally:
                c.close()


if __name__ == "__main__":
    base.main()
