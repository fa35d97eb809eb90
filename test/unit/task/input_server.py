#!/usr/bin/env python3
"""input_server.py PORT_FILE [ADDRESS CERTIFICATE] - an HTTP server on 127.0.0.1 that misbehaves as the path says; prints its
port into PORT_FILE. With an address it speaks HTTPS on all addresses, with a certificate for that one, which it writes there.
GET /count/NAME tells how often NAME was asked for, and with which Range headers."""
import datetime
import http.server
import ipaddress
import os
import ssl
import sys
import threading

BODY = bytes((i * 31 + (i >> 8)) & 0xff for i in range(300000))
asked = {}
ended = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, headers, body, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def cut(self, status, headers, body, at):
        self.reply(status, headers, body[:at], len(body))
        self.close_connection = True

    def rest(self, etag):
        start = int(self.headers["Range"].split("=")[1].rstrip("-"))
        return 206, {"ETag": etag, "Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"}, BODY[start:]

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/count/"):
            ranges = asked.get("/" + path[7:], [])
            self.reply(200, {}, f"{len(ranges)} {' '.join(ranges)}".encode())
            return
        first = path not in asked
        asked.setdefault(path, []).append(self.headers.get("Range", "-"))
        n = len(asked[path])
        ranged = "Range" in self.headers
        if path == "/good":
            self.reply(200, {"ETag": '"1"'}, BODY)
        elif path == "/empty":
            self.reply(200, {}, b"")
        elif path == "/cut":                  # three times, and goes on each time
            status, headers, body = self.rest('"1"') if ranged else (200, {"ETag": '"1"'}, BODY)
            if n <= 3:
                self.cut(status, headers, body, 70000)
            else:
                self.reply(status, headers, body)
        elif path == "/cut-no-etag":
            self.cut(200, {}, BODY, 1000) if n <= 2 else self.reply(200, {}, BODY)
        elif path == "/cut-weak-etag":
            self.cut(200, {"ETag": 'W/"1"'}, BODY, 1000) if first else self.reply(200, {"ETag": 'W/"1"'}, BODY)
        elif path == "/cut-changed":          # another content by now: all of it
            self.cut(200, {"ETag": '"old"'}, BODY[::-1], 1000) if first else self.reply(200, {"ETag": '"new"'}, BODY)
        elif path == "/cut-wrong-range":
            if ranged:
                self.reply(206, {"Content-Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"}, BODY)
            else:
                self.cut(200, {"ETag": '"1"'}, BODY, 1000)
        elif path == "/cut-always":
            self.cut(200, {}, BODY, 10)
        elif path == "/wrong-length":
            self.cut(200, {}, BODY + b"x", len(BODY))
        elif path == "/busy-once":
            self.reply(503, {}, b"later") if first else self.reply(200, {}, BODY)
        elif path == "/busy":
            self.reply(503, {}, b"later")
        elif path == "/silent":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
            self.wfile.flush()
            ended.wait(20)
            self.close_connection = True
        elif path == "/endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + b"e" * 65536 + b"\r\n")
            except OSError:
                self.close_connection = True
        elif path == "/to-good":
            self.reply(302, {"Location": "/good?secret=1"}, b"")
        elif path == "/to-good-absolute":
            self.reply(307, {"Location": f"http://{self.headers['Host']}/good"}, b"")
        elif path == "/to-other-host":
            self.reply(302, {"Location": f"http://localhost:{self.server.server_port}/good"}, b"")
        elif path == "/to-other-port":
            self.reply(302, {"Location": "http://127.0.0.1:1/good"}, b"")
        elif path == "/to-prefix":
            self.reply(302, {"Location": f"http://{self.headers['Host']}.evil.example/good"}, b"")
        elif path == "/to-double-slash":
            self.reply(302, {"Location": "//evil.example/good"}, b"")
        elif path == "/to-file":
            self.reply(302, {"Location": "file:///etc/passwd"}, b"")
        elif path == "/to-itself":
            self.reply(302, {"Location": "/to-itself"}, b"")
        elif path == "/to-nowhere":
            self.reply(302, {}, b"")
        elif path == "/forbidden":
            self.reply(403, {}, b"no")
        else:
            self.reply(404, {}, b"no such thing")


def with_certificate(address, path):
    """A TLS context; who trusts the file at `path` trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test of hivelet")])
    now = datetime.datetime.utcnow()
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
                   .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with open(path, "wb") as f:
        f.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(path + ".key", "wb") as f:
        f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context.load_cert_chain(path, path + ".key")
    os.unlink(path + ".key")
    return context


server = http.server.ThreadingHTTPServer(("0.0.0.0" if len(sys.argv) > 2 else "127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 2:
    server.socket = with_certificate(*sys.argv[2:4]).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(sys.argv[1] + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
