#!/usr/bin/python3
"""The other side of pkg/rpc's tests, made of Debian's python3-grpcio, which shares no code of ours.

    peer.py serve [CERTIFICATES]           a server: prints its pid and its port; a line "gone" for each stream whose client went
    peer.py nonsense                       answers every connection with bytes that are no HTTP/2
    peer.py call TARGET [CERTIFICATES]     a client of the server in stage.c; prints what was not as it should be
    peer.py slow TARGET                    clients that send nothing, or too little
    peer.py hold TARGET                    prints its pid and makes a call that is never answered
"""
import os
import socket
import sys
import threading
from concurrent import futures

import grpc

SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
MIB = 1 << 20


def read(directory, name):
    with open(os.path.join(directory, name), "rb") as f:
        return f.read()


# --- server ---

def echo(request, context):
    return request


def sleep(request, context):
    done = threading.Event()
    context.add_callback(done.set)
    done.wait(int(request) / 1000)
    return b"slept"


def fail(request, context):
    context.abort(grpc.StatusCode.INTERNAL, "Exception deserializing request!")


def header(request, context):
    return repr(sorted((k, v) for k, v in context.invocation_metadata() if k in ("x-test", "authorization", "user-agent"))).encode()


def stream(request, context):
    count, size = map(int, request.split())
    for _ in range(count):
        yield b"s" * size


def tick(request, context):
    """One message, then nothing until the client goes."""
    gone = threading.Event()
    context.add_callback(gone.set)
    try:
        yield b"tick"
        gone.wait()
    finally:  # also where it went before it could be asked for more
        print("gone", flush=True)


class Methods(grpc.GenericRpcHandler):
    UNARY = {"Echo": echo, "Sleep": sleep, "Fail": fail, "Header": header}
    STREAM = {"Stream": stream, "Tick": tick}

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        if name in self.UNARY:
            return grpc.unary_unary_rpc_method_handler(self.UNARY[name])
        if name in self.STREAM:
            return grpc.unary_stream_rpc_method_handler(self.STREAM[name])
        return None


def serve(certificates=None):
    server = grpc.server(futures.ThreadPoolExecutor(80), handlers=[Methods()],
                         options=SIZES + [("grpc.http2.min_ping_interval_without_data_ms", 100)])
    if certificates:
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(
            [(read(certificates, "server.key"), read(certificates, "server.pem"))], read(certificates, "ca.pem"), True))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(os.getpid(), port, flush=True)
    server.wait_for_termination()


def nonsense():
    listener = socket.create_server(("127.0.0.1", 0))
    print(os.getpid(), listener.getsockname()[1], flush=True)
    while True:
        connection = listener.accept()[0]
        connection.sendall(bytes(range(256)) * 100)
        connection.close()


# --- client ---

class Client:
    def __init__(self, target, certificates=None):
        if certificates:
            credentials = grpc.ssl_channel_credentials(read(certificates, "ca.pem"), read(certificates, "client.key"),
                                                       read(certificates, "client.pem"))
            self.channel = grpc.secure_channel(target, credentials, options=SIZES)
        else:
            self.channel = grpc.insecure_channel(target, options=SIZES)
        self.faults = 0

    def unary(self, name):
        return self.channel.unary_unary("/test.Test/" + name)

    def stream(self, name):
        return self.channel.unary_stream("/test.Test/" + name)

    def check(self, what, is_right, found=""):
        if not is_right:
            self.faults += 1
            print(f"{what}: {found}", flush=True)

    def check_status(self, what, call, status, text=""):
        try:
            call()
            self.check(what, status == grpc.StatusCode.OK, "OK")
        except grpc.RpcError as e:
            self.check(what, e.code() == status and text in e.details(), f"{e.code()} {e.details()}")


def call(target, certificates=None):
    c = Client(target, certificates)
    code = grpc.StatusCode
    for size in (0, 1, MIB, 5 * MIB, 16 * MIB, 64 * MIB):
        message = os.urandom(min(size, 1000)) * (size // max(min(size, 1000), 1))
        c.check(f"echo of {size}", c.unary("Echo")(message, timeout=30) == message)
    c.check_status("too large", lambda: c.unary("Echo")(bytes(64 * MIB + 1), timeout=30), code.RESOURCE_EXHAUSTED)
    c.check_status("too large for its method", lambda: c.unary("Small")(bytes(1025), timeout=30), code.RESOURCE_EXHAUSTED,
                   "at most 1024")
    c.check_status("deadline", lambda: c.unary("Later")(b"", timeout=0.2), code.DEADLINE_EXCEEDED)
    c.check_status("unknown method", lambda: c.unary("None")(b"", timeout=30), code.UNIMPLEMENTED, "unknown method")
    c.check_status("a failure", lambda: c.unary("Fail")(b"", timeout=30), code.NOT_FOUND, "thing")
    c.check_status("compressed", lambda: c.unary("Echo")(bytes(100000), timeout=30, compression=grpc.Compression.Gzip),
                   code.UNIMPLEMENTED)
    c.check_status("after that", lambda: c.unary("Echo")(b"", timeout=30), code.OK)
    c.check_status("a long header", lambda: c.unary("Echo")(b"", timeout=30, metadata=[("x-long", "x" * 12000)]), code.OK)
    c.check_status("binary header", lambda: c.unary("Echo")(b"", timeout=30, metadata=[("x-bin", bytes(range(256)))]), code.OK)

    for count, size in ((0, 0), (1000, 1024), (8, 5 * MIB)):
        got = list(c.stream("Stream")(f"{count} {size}".encode(), timeout=30))
        c.check(f"stream of {count}", got == [b"s" * size] * count, len(got))
    stream = c.stream("Stream")(b"100000 1000", timeout=30)
    for _ in range(3):
        next(stream)
    stream.cancel()
    c.check("cancelled", stream.code() == code.CANCELLED, stream.code())
    running = [c.unary("Echo").future(b"%d" % i * 1000, timeout=30) for i in range(64)]
    c.check("64 at once", all(r.result() == b"%d" % i * 1000 for i, r in enumerate(running)))
    # Last: it costs the connection.
    c.check_status("a header too long", lambda: c.unary("Echo")(b"", timeout=30, metadata=[("x-long", "x" * 40000)]),
                   code.RESOURCE_EXHAUSTED)
    sys.exit(c.faults > 0)


def slow(target):
    c = Client(target)
    code = grpc.StatusCode
    ended = threading.Event()

    def nothing():
        ended.wait()
        yield b""

    send = c.channel.stream_unary("/test.Test/Echo")
    c.check_status("no message at all", lambda: send(iter([]), timeout=30), code.INVALID_ARGUMENT, "needs a message")
    c.check_status("a message that does not come", lambda: send(nothing(), timeout=30), code.DEADLINE_EXCEEDED, "did not come")
    c.check_status("two messages", lambda: send(iter([b"a", b"b"]), timeout=30), code.OK)
    ended.set()
    sys.exit(c.faults > 0)


def hold(target):
    c = Client(target)
    print(os.getpid(), flush=True)
    c.unary("Later")(b"", timeout=60)


{"hold": hold, "serve": serve, "nonsense": nonsense, "call": call, "slow": slow}[sys.argv[1]](*sys.argv[2:])
