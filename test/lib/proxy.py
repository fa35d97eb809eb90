"""proxy.py - stands between an agent and its engine and writes down every request: what a driver sends is what counts, not
what it says that it sends.
"""
import os
import re
import socket
import threading


class Proxy:
    """Listens on `path`, passes everything on to the engine's socket. `requests`: (method, path without API version).
    `instead`: start of such a path to the bytes that are answered in the engine's place."""

    def __init__(self, path, upstream):
        self.path, self.upstream, self.requests, self.instead = path, upstream, [], {}
        self.changed, self.sockets = threading.Condition(), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.upstream)
            except OSError:  # an engine that is down: the client sees a connection that ends
                client.close()
                server.close()
                continue
            with self.changed:
                self.sockets += [client, server]
                for way in ((self.requests_of, client, server), (self.copy, server, client)):
                    self.threads.append(threading.Thread(target=self.guarded, args=way, daemon=True))
                    self.threads[-1].start()

    @staticmethod
    def guarded(way, source, target):
        try:
            way(source, target)
        except (OSError, ValueError):
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)

    def requests_of(self, client, server):
        with client.makefile("rb") as f:
            while head := self.read_head(f):
                line, *fields = head.decode("latin-1").split("\r\n")
                method, target, _ = line.split(" ", 2)
                path = re.sub(r"^/v[0-9.]+", "", target)
                with self.changed:
                    self.requests.append((method, path))
                    self.changed.notify_all()
                answer = next((text for start, text in self.instead.items() if path.startswith(start)), None)
                if answer is not None:  # and the connection ends: what is left of the request is nobody's
                    client.sendall(answer)
                    return
                server.sendall(head)
                fields = {k.lower(): v.strip() for k, _, v in (field.partition(":") for field in fields)}
                if "chunked" in fields.get("transfer-encoding", ""):
                    self.pass_chunks(f, server)
                elif int(fields.get("content-length", 0)):
                    server.sendall(f.read(int(fields["content-length"])))

    @staticmethod
    def read_head(f):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = f.readline()
            if not line:
                return b""
            head += line
        return head

    @staticmethod
    def pass_chunks(f, server):
        while size := f.readline():
            server.sendall(size + f.read(int(size.split(b";")[0], 16) + 2))
            if int(size.split(b";")[0], 16) == 0:
                return

    def wait(self, condition, timeout):
        """Until condition(requests) is true; asked after each request."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.requests), timeout):
                raise AssertionError(f"not within {timeout} s: the last requests were {self.requests[-20:]}")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self.listener.close()
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in self.threads[1:]:
            t.join()
        for s in self.sockets:
            s.close()
        os.unlink(self.path)
