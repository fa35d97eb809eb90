"""scripted.py - what the scripted pools of both dialects have in common: a server that does what a script says, and the node under
test.

A fault is a triple: method, which call of it (from 1), what happens. Each happens once. These any pool knows; others are its own:

    refuse     UNAVAILABLE, before anything was done       lose       done, and then UNAVAILABLE
    busy       RESOURCE_EXHAUSTED, nothing was done        break      INTERNAL, nothing was done
    garbage    done, and answered by what is no message    late       done, answered 0.3 s later
    cut        all connections end before it is done       cut-after  done, and then all connections end
    large      "larger than max", nothing was done         silence    done, and answered when the pool ends
    forget     the node is not known any more
"""
import collections
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
import unittest
from concurrent import futures

import grpc

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("HV_BUILD_DIR", os.path.join(SOURCE, "build", "debug"))
PATIENCE = 120

sys.path.insert(0, os.path.join(SOURCE, "test", "lib"))
import ports  # noqa: E402  (of the directory named above)


class Broken(Exception):
    pass


def messages(proto, name):
    """The messages of api/nodepool/PROTO.proto, as the module NAME_pb2."""
    directory = tempfile.mkdtemp(prefix="hv-proto-")
    try:
        shutil.copy(os.path.join(SOURCE, "api", "nodepool", proto + ".proto"), os.path.join(directory, name + ".proto"))
        subprocess.run(["protoc", "--python_out=" + directory, "--proto_path=" + directory, name + ".proto"], check=True)
        sys.path.insert(0, directory)
        return importlib.import_module(name + "_pb2")
    finally:
        sys.path.remove(directory)
        shutil.rmtree(directory)


def pack(message):
    return message if isinstance(message, bytes) else message.SerializeToString()


def pattern(size, at=0):
    """The bytes that pool_node.c puts into its files."""
    block = bytes((i * 31 // 7) & 0xff for i in range(at, at + min(size, 1792)))  # repeats after 7 * 256
    return (block * (size // 1792 + 1))[:size] if size else b""


def digest_of(size):
    return hashlib.sha256(pattern(size)).hexdigest()


free_port = ports.free


class Server:
    """What it knows outlives its connections. A pool gives handlers(), made of scripted()."""

    def __init__(self, faults=(), credentials=None, options=(), port=0):
        self.faults = {(method, n): what for method, n, what in faults}
        self.left = set(self.faults)
        self.credentials, self.options = credentials, options
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.turning = threading.Lock()  # held while the server ends or begins
        self.calls, self.counts, self.last, self.nodes = [], collections.Counter(), {}, {}
        self.server, self.port = None, port
        self.start()

    # --- the server ---

    def start(self):
        with self.turning:
            self.begin()

    def stop(self):
        with self.turning:
            self.end()

    def begin(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            server = grpc.server(futures.ThreadPoolExecutor(24), options=[
                ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.http2.min_ping_interval_without_data_ms", 1000), *self.options])
            server.add_generic_rpc_handlers(self.handlers())
            address = "127.0.0.1:%d" % self.port
            try:
                port = (server.add_secure_port(address, self.credentials) if self.credentials
                        else server.add_insecure_port(address))
            except RuntimeError:  # the port of the one before is not free yet
                port = 0
            if port:
                break
            server.stop(0).wait()
            if time.monotonic() > deadline:
                raise Broken("port %d is not free" % self.port)
            time.sleep(0.05)  # between two tries: nothing tells of a port
        self.server, self.port = server, port
        self.stopping, self.let = threading.Event(), threading.Event()
        server.start()

    def end(self):
        self.stopping.set()
        with self.lock:
            self.changed.notify_all()
        self.server.stop(0).wait()

    def cut(self, context):
        """From inside a call: it ends with its connection, and the pool is there again for the next."""
        over = threading.Event()
        if context.add_callback(over.set):
            self.turning.acquire()  # whoever stops the pool waits for this
            threading.Thread(target=self.turn).start()
            over.wait(PATIENCE)
        raise Broken("cut")

    def turn(self):
        try:
            self.end()
            self.begin()
        finally:
            self.turning.release()

    # --- faults ---

    def came(self, name, request):
        """Each call, whatever becomes of it."""

    def what_of(self, name, request):
        with self.changed:
            self.counts[name] += 1
            n = self.counts[name]
            self.came(name, request)
            self.left.discard((name, n))
            self.changed.notify_all()
            return self.faults.get((name, n))

    def scripted(self, name, serve):
        """serve(request, context, what) is called with the lock, and answers with a message or its bytes."""
        refusals = {"refuse": grpc.StatusCode.UNAVAILABLE, "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
                    "break": grpc.StatusCode.INTERNAL, "stranger": grpc.StatusCode.UNAUTHENTICATED}

        def handle(request, context):
            what = self.what_of(name, request)
            if what in refusals:
                context.abort(refusals[what], "scripted")
            if what == "large":
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 8)")
            if what == "silence":
                self.stopping.wait(PATIENCE)
            if what == "cut":
                self.cut(context)
            with self.changed:
                if what == "forget":
                    self.nodes.clear()
                answer = serve(request, context, what)
                self.changed.notify_all()
            if what == "hold":
                self.let.wait(PATIENCE)
            if what == "late":
                time.sleep(0.3)  # which is the fault
            if what == "lose":
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            if what == "cut-after":
                self.cut(context)
            return b"\x0a\xff\xff" if what == "garbage" else pack(answer)
        return handle

    # --- for tests ---

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        with self.changed:
            while not condition():
                if time.monotonic() > end:
                    raise Broken("waited %d s for: %s" % (PATIENCE, what))
                self.changed.wait(0.1)


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


class Case(unittest.TestCase):
    """Pools and nodes that are ended after the test; what a node wrote is looked through."""
    hidden = ("hunter2", "\x1b")  # secrets, and what a terminal would obey

    def setUp(self):
        self.pools, self.nodes = [], []

    def tearDown(self):
        for node in self.nodes:
            code, text = node.end()
            self.assertEqual(code, 0, text[-4000:])
            for words in self.hidden:
                self.assertNotIn(words, text)
        for pool in self.pools:
            pool.stop()

    def begin(self, pool):
        self.pools.append(pool)
        return pool

    def node(self, pool, *options):
        self.nodes.append(Node(pool.port, *options))
        return self.nodes[-1]

    def online(self, pool, *options):
        node = self.node(pool, *options)
        node.wait("phase", id="Online")
        return node


def add_scripts(case, scripts, run):
    """A test for each (title, faults): run(test, faults)."""
    for index, (title, script) in enumerate(scripts, 1):
        name = "test_%02d_%s" % (index, "".join(c if c.isalnum() else "_" for c in title))
        setattr(case, name, lambda self, script=script: run(self, script))
