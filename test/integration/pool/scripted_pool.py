"""scripted_pool.py - a pool of dialect v1 made of python3-grpcio, which does what a script says, and the node under test.

A fault is a triple: method, which call of it (from 1), what happens. Each happens once.

    refuse     UNAVAILABLE, before anything was done       lose       done, and then UNAVAILABLE
    busy       RESOURCE_EXHAUSTED, nothing was done        break      INTERNAL, nothing was done
    garbage    done, and answered by what is no message    late       done, answered 0.3 s later
    cut        all connections end before it is done       cut-after  done, and then all connections end
    forget     the node is not known any more              rewind     what came of the result so far is lost
    no         success=false, nothing was done             short      of the piece the first half is taken
    silence    done, and answered when the pool ends
"""
import hashlib
import importlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("HV_BUILD_DIR", os.path.join(SOURCE, "build", "debug"))
PATIENCE = 60


def messages():
    directory = tempfile.mkdtemp(prefix="hv-proto-")
    try:
        subprocess.run(["protoc", "--python_out=" + directory, "--proto_path=" + os.path.join(SOURCE, "api", "nodepool"),
                        "v1.proto"], check=True)
        sys.path.insert(0, directory)
        return importlib.import_module("v1_pb2")
    finally:
        sys.path.remove(directory)
        shutil.rmtree(directory)


pb = messages()


def pattern(size, at=0):
    """The bytes that pool_node.c puts into its files."""
    block = bytes((i * 31 // 7) & 0xff for i in range(at, at + min(size, 1792)))  # repeats after 7 * 256
    return (block * (size // 1792 + 1))[:size] if size else b""


def digest_of(size):
    return hashlib.sha256(pattern(size)).hexdigest()


class Broken(Exception):
    pass


class Pool:
    """What it knows outlives its connections; forget() makes it lose its memory."""

    def __init__(self, additions=True, faults=(), credentials=None, options=()):
        self.additions = additions
        self.faults = {(method, n): what for method, n, what in faults}
        self.left = set(self.faults)
        self.credentials, self.options = credentials, options
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.calls, self.counts = [], {}
        self.nodes = {}
        self.tasks, self.revision, self.incomplete, self.listing = {}, 1, False, None
        self.partial, self.results, self.commits, self.logs = {}, {}, [], {}
        self.inputs, self.piece, self.tries = {}, 256 * 1024, {}
        self.lease, self.epoch = 90, 0
        self.watchers = 0
        self.keep_results = True
        self.server, self.port = None, 0
        self.start()

    # --- the server ---

    def start(self):
        unary = {"RegisterNode": (pb.RegisterNodeRequest, "register"),
                 "UpdateNodeStatus": (pb.UpdateNodeStatusRequest, "beat"),
                 "GetAssignedTasks": (pb.GetAssignedTasksRequest, "fetch"),
                 "ReportTaskResult": (pb.ReportTaskResultRequest, "report")}
        if self.additions:
            unary["AppendTaskLog"] = (pb.AppendTaskLogRequest, "append")
        handlers = {name: grpc.unary_unary_rpc_method_handler(self.scripted(name, fn), kind.FromString, pack)
                    for name, (kind, fn) in unary.items()}
        if self.additions:
            handlers["WatchAssignments"] = grpc.unary_stream_rpc_method_handler(
                self.watch, pb.GetAssignedTasksRequest.FromString, pack)
            handlers["FetchTaskInput"] = grpc.unary_stream_rpc_method_handler(
                self.give, pb.FetchTaskInputRequest.FromString, pack)
        for _ in range(50):
            server = grpc.server(futures.ThreadPoolExecutor(24), options=[
                ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.http2.min_ping_interval_without_data_ms", 1000), *self.options])
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("nodepool.NodeManager", handlers),))
            address = "127.0.0.1:%d" % self.port
            try:
                port = (server.add_secure_port(address, self.credentials) if self.credentials
                        else server.add_insecure_port(address))
            except RuntimeError:  # the port of the one before is not free yet
                port = 0
            if port:
                break
            server.stop(0).wait()
            time.sleep(0.05)
        else:
            raise Broken("no port")
        self.server, self.port = server, port
        self.stopping = threading.Event()
        server.start()

    def stop(self):
        self.stopping.set()
        with self.lock:
            self.changed.notify_all()
        self.server.stop(0).wait()

    def restart(self):
        self.stop()
        self.start()

    def cut(self):
        """From inside a call: the call ends with its connection."""
        threading.Thread(target=self.restart).start()
        self.stopping.wait(10)
        time.sleep(0.05)
        raise Broken("cut")

    # --- faults ---

    def scripted(self, name, fn):
        def handle(request, context):
            with self.lock:
                n = self.counts[name] = self.counts.get(name, 0) + 1
                self.calls.append(name)
                self.last = getattr(self, "last", {})
                self.last[name] = request
                what = self.faults.get((name, n))
                self.left.discard((name, n))
                self.changed.notify_all()
            if what == "refuse":
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            if what == "busy":
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "scripted")
            if what == "break":
                context.abort(grpc.StatusCode.INTERNAL, "scripted")
            if what == "silence":
                self.stopping.wait(PATIENCE)
            if what == "cut":
                self.cut()
            if what == "forget":
                self.nodes.clear()
            if what == "rewind":
                self.partial.clear()
            if what == "no":
                return pb.ReportTaskResultResponse(success=False, message="scripted \x1b[31mno")
            with self.lock:
                answer = getattr(self, fn)(request, context, what)
            if what == "late":
                time.sleep(0.3)
            if what == "lose":
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            if what == "cut-after":
                self.cut()
            return b"\x0a\xff\xff" if what == "garbage" else answer
        return handle

    # --- the methods ---

    def register(self, request, context, what):
        self.nodes[request.node_id] = request
        self.epoch += 1
        if not self.additions:
            return pb.RegisterNodeResponse(success=True)
        return pb.RegisterNodeResponse(success=True, lease_s=self.lease, node_epoch=self.epoch)

    def beat(self, request, context, what):
        self.status = request
        self.changed.notify_all()
        return pb.UpdateNodeStatusResponse(success=request.node_id in self.nodes, message="who are you?")

    def list_of(self, known):
        if self.listing is not None:
            return self.listing
        if self.additions and known and known == self.revision:
            return pb.GetAssignedTasksResponse(unchanged=True, revision=self.revision)
        return pb.GetAssignedTasksResponse(tasks=list(self.tasks.values()), incomplete=self.incomplete,
                                           revision=self.revision if self.additions else 0)

    def fetch(self, request, context, what):
        self.known = request.known_revision
        return self.list_of(request.known_revision)

    def watch(self, request, context):
        stopping, told = self.stopping, request.known_revision
        with self.lock:
            self.calls.append("WatchAssignments")
            self.watchers += 1
            self.changed.notify_all()
        try:
            while context.is_active() and not stopping.is_set():
                with self.lock:
                    while told == self.revision and not stopping.is_set() and context.is_active():
                        self.changed.wait(0.1)
                    if stopping.is_set() or not context.is_active():
                        return
                    told, answer = self.revision, self.list_of(0)
                yield answer
        finally:
            with self.lock:
                self.watchers -= 1
                self.changed.notify_all()

    def report(self, request, context, what):
        key, data = request.idempotency_key, request.result
        if not self.additions:
            self.record(request, data)
            return pb.ReportTaskResultResponse(success=True)
        if key in self.results:
            return pb.ReportTaskResultResponse(success=True, committed=True, next_offset=request.chunk.total)
        if request.HasField("chunk"):
            got = self.partial.setdefault(key, Partial())
            if request.chunk.offset != got.size:
                return pb.ReportTaskResultResponse(success=True, next_offset=got.size)
            got.add(data[:len(data) // 2] if what == "short" else data)
            if got.size < request.chunk.total:
                return pb.ReportTaskResultResponse(success=True, next_offset=got.size)
            assert got.size == request.chunk.total and got.hash.hexdigest() == request.chunk.sha256, "damaged"
            self.record(request, None, got)
            return pb.ReportTaskResultResponse(success=True, committed=True, next_offset=got.size)
        self.record(request, data)
        return pb.ReportTaskResultResponse(success=True, committed=True)

    def record(self, request, data, partial=None):
        got = partial or Partial()
        if data is not None:
            got.add(data)
        self.results[request.idempotency_key] = request
        self.commits.append((request.task_id, got.size, got.hash.hexdigest()))
        if request.task_id in self.tasks:
            del self.tasks[request.task_id]
            self.revision += 1
        self.changed.notify_all()

    def append(self, request, context, what):
        log = self.logs.setdefault((request.task_id, request.attempt), bytearray())
        if request.number > self.tries.get((request.task_id, request.attempt), 0):
            self.tries[request.task_id, request.attempt] = request.number
            log.clear()
        self.sent = getattr(self, "sent", 0) + len(request.data)
        if request.offset <= len(log):
            log += request.data[len(log) - request.offset:]
        return pb.AppendTaskLogResponse(next_offset=len(log))

    def give(self, request, context):
        with self.lock:
            n = self.counts["FetchTaskInput"] = self.counts.get("FetchTaskInput", 0) + 1
            self.calls.append("FetchTaskInput")
            self.offsets = getattr(self, "offsets", []) + [request.offset]
            what = self.faults.get(("FetchTaskInput", n))
            self.left.discard(("FetchTaskInput", n))
        size = self.inputs.get(request.name)
        if size is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such input")
        for at in range(request.offset, size, self.piece):
            if what and at >= request.offset + 2 * self.piece:
                if what == "cut":
                    self.cut()
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            yield pb.FetchTaskInputResponse(data=pattern(min(self.piece, size - at), at))

    # --- for tests ---

    def assign(self, *tasks):
        with self.lock:
            for task in tasks:
                self.tasks[task.id] = task
            self.revision += 1
            self.changed.notify_all()

    def take_back(self, *ids):
        with self.lock:
            for one in ids:
                del self.tasks[one]
            self.revision += 1
            self.changed.notify_all()

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        with self.lock:
            while not condition():
                if time.monotonic() > end:
                    raise Broken("waited %d s for: %s" % (PATIENCE, what))
                self.changed.wait(0.1)


class Partial:
    def __init__(self):
        self.size, self.hash = 0, hashlib.sha256()

    def add(self, data):
        self.size += len(data)
        self.hash.update(data)


def pack(message):
    return message if isinstance(message, bytes) else message.SerializeToString()


class Node:
    """pool_node, its events and its orders."""

    def __init__(self, port, *options):
        self.dir = tempfile.mkdtemp(prefix="hv-pool-")
        self.log = open(os.path.join(self.dir, "stderr"), "w+")
        program = os.path.join(BUILD, "test", "integration", "pool", "pool_node")
        self.process = subprocess.Popen([program, "127.0.0.1:%d" % port, self.dir, *options], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=8:allocator_release_to_os_interval_ms=0"))
        self.events, self.waiting = [], queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.waiting.put(json.loads(line))
        self.waiting.put(None)

    def tell(self, *orders):
        for order in orders:
            self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def next(self, patience=PATIENCE):
        try:
            event = self.waiting.get(timeout=patience)
        except queue.Empty:
            raise Broken("no event within %d s" % patience) from None
        if event is None:
            raise Broken("the node ended: " + self.text()[-3000:])
        self.events.append(event)
        return event

    def wait(self, event, **fields):
        """The next event of that kind with these fields."""
        wanted = dict(fields, event=event)
        end = time.monotonic() + PATIENCE
        while True:
            if time.monotonic() > end:
                raise Broken("no %r among %r" % (wanted, self.events[-20:]))
            got = self.next()
            if all(got.get(k) == v for k, v in wanted.items()):
                return got

    def wait_any(self, *kinds):
        while True:
            got = self.next()
            if got["event"] in kinds:
                return got

    def ask(self, order, event):
        self.tell(order)
        return self.wait(event)

    def text(self):
        self.log.flush()
        with open(os.path.join(self.dir, "stderr"), errors="replace") as f:
            return f.read()

    def inbox(self):
        return sorted(os.listdir(os.path.join(self.dir, "inbox")))

    def end(self):
        """Its exit code and what it said."""
        self.process.stdin.close()
        code = self.process.wait(60)
        self.reader.join()
        self.process.stdout.close()
        text = self.text()
        self.log.close()
        while not self.waiting.empty():
            event = self.waiting.get()
            if event:
                self.events.append(event)
        shutil.rmtree(self.dir)
        return code, text
