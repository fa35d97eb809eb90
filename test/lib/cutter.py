"""cutter.py PORT UPSTREAM LIMIT MENDED [hold] - a way to a server on the loopback that breaks: once LIMIT bytes of answers came through,
each connection is reset, and so is every later one, until the file MENDED is there. With `hold` none is reset: nothing more comes through.
Runs as a program, in the network namespace of an engine.
"""
import os
import socket
import struct
import subprocess
import sys
import threading


class Cutter:
    """The program, in the namespace of `engine`; `address` leads to `upstream` (a port)."""

    def __init__(self, engine, port, upstream, limit, hold=False):
        self.address, self.mended = f"127.0.0.1:{port}", os.path.join(engine.dir, f"mended-{port}")
        with open(os.path.join(engine.dir, "holder.pid")) as f:
            holder = f.read().strip()
        self.process = subprocess.Popen(["nsenter", "--target", holder, "--net", sys.executable, __file__, str(port), str(upstream),
                                         str(limit), self.mended, *(["hold"] if hold else [])], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "listens\n":
            raise RuntimeError("cutter.py does not start")

    def mend(self):
        with open(self.mended, "w"):
            pass

    def was_cut(self):
        """Waits for the first time that it was."""
        return self.process.stdout.readline() == "cut\n"

    def stop(self):
        self.process.terminate()
        self.process.communicate()


class Way:
    def __init__(self, port, upstream, limit, mended, hold):
        self.upstream, self.limit, self.mended, self.hold = upstream, limit, mended, hold
        self.passed, self.lock, self.told = 0, threading.Lock(), False
        self.listener = socket.create_server(("127.0.0.1", port))
        print("listens", flush=True)

    def may_pass(self, n):
        with self.lock:
            if os.path.exists(self.mended):
                return True
            self.passed += n
            if self.passed <= self.limit:
                return True
            if not self.told:
                print("cut", flush=True)
            self.told = True
            return False

    @staticmethod
    def reset(*ends):
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def copy(self, source, to, counts):
        try:
            while data := source.recv(65536):
                if counts and not self.may_pass(len(data)):
                    if self.hold:
                        return
                    break
                to.sendall(data)
        except OSError:
            pass
        self.reset(source, to)

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.upstream))
            for arguments in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.copy, args=arguments, daemon=True).start()


if __name__ == "__main__":
    Way(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], "hold" in sys.argv[5:]).run()
