#!/usr/bin/python3
"""Certificates for the tests of pkg/rpc: certificates.py DIRECTORY

Of each kind NAME.pem and NAME.key. Good ones are made by the authority `ca`; every other one has one thing wrong with it.
"""
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from certs import DAY, NOW, Maker  # noqa: E402 - the path comes first


def main(directory):
    m = Maker(directory)
    ca, other = m.authority("ca"), m.authority("other-ca")
    here = [x509.DNSName("node.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    pool = [x509.DNSName("pool.test"), x509.UniformResourceIdentifier("spiffe://test/pool")]

    m.leaf("server", ca, here)
    m.leaf("server-expired", ca, here, begin=NOW - 5 * DAY, end=NOW - DAY)
    m.leaf("server-not-yet", ca, here, begin=NOW + DAY)
    m.leaf("server-wrong-name", ca, [x509.DNSName("elsewhere.test")])
    m.leaf("server-wrong-usage", ca, here, usage=[ExtendedKeyUsageOID.CLIENT_AUTH])
    m.leaf("server-self-signed", None, here)
    m.leaf("server-other-ca", other, here)
    m.leaf("client", ca, pool)
    m.leaf("client-expired", ca, pool, begin=NOW - 5 * DAY, end=NOW - DAY)
    m.leaf("client-not-yet", ca, pool, begin=NOW + DAY)
    m.leaf("client-wrong-usage", ca, pool, usage=[ExtendedKeyUsageOID.SERVER_AUTH])
    m.leaf("client-self-signed", None, pool)
    m.leaf("client-other-ca", other, pool)
    m.leaf("encrypted", ca, pool, password=b"secret")

    server = m.read("server.pem")
    m.write("empty.pem", b"")
    m.write("garbage.pem", bytes(range(256)) * 8)
    m.write("cut.pem", server[:len(server) // 2])
    m.write("bad-base64.pem", server.replace(b"\nMII", b"\n!!!", 1))
    m.write("bad-der.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    m.write("good-and-bad.pem", server + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    m.write("bad.key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


if __name__ == "__main__":
    main(sys.argv[1])
