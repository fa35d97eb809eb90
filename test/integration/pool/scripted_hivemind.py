"""scripted_hivemind.py - a pool like HiveMind's deployed one, made of python3-grpcio, which does what a script says.

What it is known to do, it does: a token that is not taken, and a text that is no UTF-8, end a call as INTERNAL "Exception
deserializing request!"; RUNNING is written 0.2 s after ExecuteTask was answered, over a result that is there by then; output is
appended with a newline, and the last 10,240 characters are kept; a node that is not registered gets success=false.

A fault is a triple: method, which call of it (from 1), what happens. Each happens once.

    refuse     UNAVAILABLE, before anything was done       lose       done, and then UNAVAILABLE
    busy       RESOURCE_EXHAUSTED, nothing was done        break      INTERNAL, nothing was done
    garbage    done, and answered by what is no message    late       done, answered 0.3 s later
    cut        all connections end before it is done       cut-after  done, and then all connections end
    forget     the node is not known any more              expire     no token is taken any more
    no         success=false, nothing was done             large      "larger than max"
    log-in     as expire, said as UNAUTHENTICATED
"""
import importlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent import futures

import grpc

from scripted_pool import PATIENCE, SOURCE, Broken

REJECTED = "Exception deserializing request!"


def messages():
    directory = tempfile.mkdtemp(prefix="hv-proto-")
    try:
        shutil.copy(os.path.join(SOURCE, "api", "nodepool", "hivemind.proto"), os.path.join(directory, "deployed.proto"))
        subprocess.run(["protoc", "--python_out=" + directory, "--proto_path=" + directory, "deployed.proto"], check=True)
        sys.path.insert(0, directory)
        return importlib.import_module("deployed_pb2")
    finally:
        sys.path.remove(directory)
        shutil.rmtree(directory)


# Its package is that of v1.proto: one process knows the names of both only because none is in both.
pb = messages()

METHODS = {"UserService": {"Login": pb.LoginRequest},
           "NodeManagerService": {"RegisterWorkerNode": pb.RegisterWorkerNodeRequest, "ReportStatus": pb.ReportStatusRequest},
           "WorkerNodeService": {"TaskOutputUpload": pb.TaskOutputUploadRequest, "TaskUsage": pb.TaskUsageRequest,
                                 "TaskResultUpload": pb.TaskResultUploadRequest}}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return out.getvalue()


def pack(message):
    return message if isinstance(message, bytes) else message.SerializeToString()


class Pool:
    def __init__(self, faults=(), gap=0.2):
        self.faults = {(method, n): what for method, n, what in faults}
        self.left = set(self.faults)
        self.gap = gap
        self.changed = threading.Condition(threading.RLock())
        self.calls, self.counts, self.last, self.rejected = [], {}, {}, 0
        self.tokens, self.nodes, self.usage = set(), {}, []
        self.logs, self.results, self.arrived, self.states, self.lost = {}, {}, {}, {}, []
        self.port, self.make_token = 0, lambda number: number
        self.start()

    def start(self):
        handlers = []
        for service, methods in METHODS.items():
            handlers.append(grpc.method_handlers_generic_handler("nodepool." + service, {
                name: grpc.unary_unary_rpc_method_handler(self.scripted(name, kind)) for name, kind in methods.items()}))
        for _ in range(50):
            server = grpc.server(futures.ThreadPoolExecutor(16), options=[
                ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.http2.min_ping_interval_without_data_ms", 5000)])
            server.add_generic_rpc_handlers(tuple(handlers))
            try:
                self.port = server.add_insecure_port("127.0.0.1:%d" % self.port) or self.port
                break
            except RuntimeError:
                server.stop(0).wait()
                time.sleep(0.05)
        else:
            raise Broken("no port")
        self.server, self.stopping = server, threading.Event()
        server.start()

    def stop(self):
        self.stopping.set()
        self.server.stop(0).wait()

    def restart(self):
        self.stop()
        self.start()

    def cut(self):
        threading.Thread(target=self.restart).start()
        self.stopping.wait(10)
        time.sleep(0.05)
        raise Broken("cut")

    def scripted(self, name, kind):
        def handle(data, context):
            with self.changed:
                n = self.counts[name] = self.counts.get(name, 0) + 1
                what = self.faults.get((name, n))
                self.left.discard((name, n))
                self.changed.notify_all()
            status = {"refuse": grpc.StatusCode.UNAVAILABLE, "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
                      "break": grpc.StatusCode.INTERNAL}.get(what)
            if status:
                context.abort(status, "scripted")
            if what == "large":
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 8)")
            if what == "cut":
                self.cut()
            with self.changed:
                if what in ("expire", "log-in"):
                    self.tokens.clear()
                if what == "forget":
                    self.nodes.clear()
                metadata = dict(context.invocation_metadata())
                token = metadata.get("authorization", "")
                if name != "Login" and token not in self.tokens:
                    self.rejected += 1
                    context.abort(*((grpc.StatusCode.UNAUTHENTICATED, "log in") if what == "log-in" else
                                    (grpc.StatusCode.INTERNAL, REJECTED)))
                assert name != "Login" or not token, "a login with a token"
                try:
                    request = kind.FromString(data)
                except Exception:
                    context.abort(grpc.StatusCode.INTERNAL, REJECTED)
                self.calls.append(name)
                self.last[name] = request
                answer = pb.Ack(success=False, message="scripted \x1b[31mno") if what == "no" else getattr(self, name)(request)
                self.changed.notify_all()
            if what == "late":
                time.sleep(0.3)
            if what == "lose":
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            if what == "cut-after":
                self.cut()
            return b"\x0a\xff\xff" if what == "garbage" else pack(answer)
        return handle

    # --- the methods ---

    def Login(self, m):
        if (m.username, m.password) != ("alice", "hunter2"):
            return pb.LoginResponse(success=False, message="wrong password")
        token = self.make_token("token-%d" % len(self.calls))
        self.tokens.add("Bearer " + token)
        return pb.LoginResponse(success=True, token=token)

    def RegisterWorkerNode(self, m):
        self.nodes[m.node_id] = m
        return pb.Ack(success=True)

    def ReportStatus(self, m):
        if m.node_id not in self.nodes:
            return pb.Ack(success=False, message="節點 %s 未註冊" % m.node_id)
        return pb.Ack(success=True)

    def TaskUsage(self, m):
        self.usage.append(m)
        return pb.Ack(success=m.task_id == "0" or m.task_id in self.states)

    def TaskOutputUpload(self, m):
        self.logs[m.task_id] = (self.logs.get(m.task_id, "") + m.output + "\n")[-10240:]
        return pb.Ack(success=True)

    def TaskResultUpload(self, m):
        if self.states.get(m.task_id) == "OFFERED":
            self.lost.append(m.task_id)  # RUNNING is written over it in a moment
            return pb.Ack(success=True)
        self.results.setdefault(m.task_id, []).append(m.result_zip)
        self.arrived[m.task_id] = time.monotonic()
        self.states[m.task_id] = "COMPLETED"
        return pb.Ack(success=True)

    # --- for tests ---

    def stub(self, port, name, kind):
        channel = grpc.insecure_channel("127.0.0.1:%d" % port, options=[("grpc.max_send_message_length", 1 << 30)])
        return channel, channel.unary_unary("/nodepool.WorkerNodeService/" + name, kind.SerializeToString, pb.Ack.FromString)

    def execute(self, port, task_id, data, **more):
        channel, call = self.stub(port, "ExecuteTask", pb.ExecuteTaskRequest)
        before = self.states.get(task_id)
        self.states[task_id] = "OFFERED"
        try:
            got = call(pb.ExecuteTaskRequest(task_id=task_id, task_zip=data, **more), timeout=40)
        finally:
            channel.close()
            with self.changed:
                self.states[task_id] = before or "PENDING"
        if got.success:
            with self.changed:
                self.states[task_id] = "OFFERED"
            time.sleep(self.gap)  # what the deployed pool takes until it writes RUNNING
            with self.changed:
                self.states[task_id] = "RUNNING"
        return got

    def stop_task(self, port, task_id):
        channel, call = self.stub(port, "StopTaskExecution", pb.StopTaskExecutionRequest)
        with channel:
            return call(pb.StopTaskExecutionRequest(task_id=task_id), timeout=40)

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        with self.changed:
            while not condition():
                if time.monotonic() > end:
                    raise Broken("waited %d s for: %s" % (PATIENCE, what))
                self.changed.wait(0.1)
