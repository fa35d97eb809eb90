"""A hivepool that runs, its command line, and nodes of dialect v1 made of python3-grpcio."""
import atexit
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
PROGRAM = os.path.join(os.environ["HV_BUILD_DIR"], "cmd/hivepool/hivepool")
LIMIT_S = 120  # of any wait: only a hang meets it

_made = tempfile.mkdtemp(prefix="hv-hivepool-proto-")
atexit.register(shutil.rmtree, _made, True)
for _name in ("v1", "hivemind", "admin"):
    # Two files of one package and with the same names: each is a world of its own.
    with open(os.path.join(ROOT, "api/nodepool", _name + ".proto"), encoding="utf-8") as f:
        _text = f.read()
    with open(os.path.join(_made, f"hp_{_name}.proto"), "w", encoding="utf-8") as f:
        f.write(re.sub(r"^package \w+;", f"package hp_{_name};", _text, flags=re.M))
    subprocess.run(["protoc", f"-I{_made}", f"--python_out={_made}", f"hp_{_name}.proto"], check=True)
sys.path.insert(0, _made)
import hp_admin_pb2 as admin  # noqa: E402
import hp_hivemind_pb2 as hivemind  # noqa: E402
import hp_v1_pb2 as v1  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
import ports  # noqa: E402  (of the directory named above)

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Stub:
    """Methods of a service by their names: stub.Name(Request, AnswerType)."""

    def __init__(self, channel, service):
        self.channel, self.service, self.known = channel, service, {}

    def __call__(self, method, request, answer, stream=False, timeout=LIMIT_S, metadata=None):
        if method not in self.known:
            make = self.channel.unary_stream if stream else self.channel.unary_unary
            self.known[method] = make(f"/{self.service}/{method}", request_serializer=lambda m: m.SerializeToString(),
                                      response_deserializer=answer.FromString)
        return self.known[method](request, timeout=timeout, metadata=metadata)


class Pool:
    def __init__(self, *options, data_dir=None, address="127.0.0.1", enter=()):
        """enter: in front of the command, into a namespace of its own."""
        self.dir = data_dir or tempfile.mkdtemp(prefix="hv-hivepool-")
        self.options = list(options) or ["--insecure"]
        self.address, self.enter = address, list(enter)
        self.port = ports.free()  # which stays its own while it is dead
        self.process = None
        self.start()

    def start(self):
        """Returns when it listens: it says so."""
        self.log = open(os.path.join(self.dir, "serve.log"), "a+b")
        at = self.began_at = self.log.seek(0, 2)
        self.process = subprocess.Popen([*self.enter, PROGRAM, "serve", "--data-dir", self.dir, "--listen",
                                         f"{self.address}:{self.port}", *self.options], stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT_S
        while True:
            self.log.seek(at)
            text = self.log.read().decode()
            found = re.search(r"v1 are taken on [^ ]*:(\d+)", text)
            if found and os.path.exists(os.path.join(self.dir, "hivepool.sock")):
                break
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("hivepool serve does not listen: " + text)
            time.sleep(0.01)  # a log file is nothing that can be waited for
        self.port = int(found.group(1))
        second = re.search(r"hivemind are taken on [^ ]*:(\d+)", text)
        self.hivemind_port = int(second.group(1)) if second else 0

    def wait_log(self, words):
        """Until it says so, since it began."""
        end = time.monotonic() + LIMIT_S
        with open(self.log.name, "rb") as f:
            f.seek(self.began_at)
            text = f.read()
            while words.encode() not in text:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError(f"not said: {words}: {text.decode()}")
                time.sleep(0.01)  # a log file is nothing that can be waited for
                text += f.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            code = self.process.wait(LIMIT_S)
            self.log.close()
            return code
        self.log.close()
        return self.process.returncode

    def done(self):
        """What a sanitizer found at the end, or on the way, fails the test."""
        code = self.stop()
        with open(os.path.join(self.dir, "serve.log"), encoding="utf-8", errors="replace") as f:
            log = f.read()
        shutil.rmtree(self.dir, ignore_errors=True)
        if code != 0:
            raise AssertionError(f"hivepool serve ended with {code}:\n{log}")

    def cli(self, *args, code=0, stdin=None, binary=False):
        r = subprocess.run([PROGRAM, *args], env={**os.environ, "HIVEPOOL_DATA_DIR": self.dir, "LC_ALL": "C.UTF-8"},
                           capture_output=True, input=stdin, timeout=LIMIT_S)
        if r.returncode != code:
            raise AssertionError(f"hivepool {' '.join(args)}: exit {r.returncode}, expected {code}: {r.stderr.decode()}")
        return r.stdout if binary else r.stdout.decode(), r.stderr.decode()

    def submit(self, *args):
        return self.cli("submit", "--image", "busybox", *args)[0].strip()

    def task(self, name):
        return json.loads(self.cli("show", name, "--json")[0])

    def state(self, name):
        return self.task(name)["task"]["state"]

    def admin(self):
        return Stub(grpc.insecure_channel(f"unix:{self.dir}/hivepool.sock", options=UNLIMITED), "hivepool.Admin")

    def memory_peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1024


class Node:
    """A node of dialect v1. Calls are tried again while the pool is away."""

    def __init__(self, pool, name, credentials=None, **facts):
        self.pool, self.name, self.epoch, self.revision = pool, name, 0, 0
        target = f"127.0.0.1:{pool.port}"
        options = UNLIMITED + [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
        self.channel = (grpc.secure_channel(target, credentials, options) if credentials
                        else grpc.insecure_channel(target, options))
        self.stub = Stub(self.channel, "nodepool.NodeManager")
        self.facts = {"cpu_cores": 4, "memory_gb": 8, "disk_gb": 100, "capabilities": ["docker"], "agent_version": "test",
                      "trust_score": 90, **facts}

    def close(self):
        self.channel.close()

    def call(self, method, request, answer):
        while True:
            try:
                return self.stub(method, request, answer)
            except grpc.RpcError as e:
                if e.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                grpc.channel_ready_future(self.channel).result(LIMIT_S)

    def register(self):
        r = self.call("RegisterNode", v1.RegisterNodeRequest(node_id=self.name, ip_address="127.0.0.1", **self.facts),
                      v1.RegisterNodeResponse)
        self.epoch = r.node_epoch
        return r

    def beat(self, status="IDLE", **more):
        return self.call("UpdateNodeStatus", v1.UpdateNodeStatusRequest(node_id=self.name, status=status,
                                                                        node_epoch=self.epoch, **more),
                         v1.UpdateNodeStatusResponse)

    def tasks(self):
        r = self.call("GetAssignedTasks", v1.GetAssignedTasksRequest(node_id=self.name), v1.GetAssignedTasksResponse)
        self.revision = r.revision
        return list(r.tasks)

    def watch(self):
        """Whole lists, as they come."""
        whole = []
        for part in self.stub("WatchAssignments", v1.GetAssignedTasksRequest(node_id=self.name),
                              v1.GetAssignedTasksResponse, stream=True, timeout=None):
            whole += part.tasks
            if not part.incomplete:
                yield whole
                whole = []

    def wait_task(self, name=None):
        for tasks in self.watch():
            for t in tasks:
                if name is None or t.id == name:
                    return t

    def report(self, task, status="completed", result=b"", key=None, **more):
        return self.call("ReportTaskResult", v1.ReportTaskResultRequest(
            task_id=task.id, node_id=self.name, attempt=task.attempt, lease_epoch=task.lease_epoch, status=status,
            result=result, idempotency_key=key or f"{self.name}/{task.id}/{task.attempt}/1", **more),
            v1.ReportTaskResultResponse)

    def piece(self, task, data, offset, total, sha256, **more):
        return self.report(task, result=data, chunk=v1.Chunk(offset=offset, total=total, sha256=sha256), **more)

    def fetch(self, task, name, offset=0):
        parts = self.stub("FetchTaskInput", v1.FetchTaskInputRequest(node_id=self.name, task_id=task.id,
                                                                     attempt=task.attempt, name=name, offset=offset),
                          v1.FetchTaskInputResponse, stream=True)
        return b"".join(p.data for p in parts)

    def log(self, task, data, offset):
        return self.call("AppendTaskLog", v1.AppendTaskLogRequest(
            task_id=task.id, node_id=self.name, attempt=task.attempt, lease_epoch=task.lease_epoch, offset=offset,
            data=data), v1.AppendTaskLogResponse).next_offset


class Case(unittest.TestCase):
    OPTIONS = ["--insecure"]

    def setUp(self):
        self.pool = Pool(*self.OPTIONS)
        self.addCleanup(self.pool.done)

    def node(self, name="n1", register=True, **facts):
        n = Node(self.pool, name, **facts)
        self.addCleanup(n.close)
        if register:
            r = n.register()
            self.assertTrue(r.success, r.message)
        return n


def sha256(data):
    return hashlib.sha256(data).hexdigest()
