#!/usr/bin/python3
"""Certificates for the tests of pkg/rpc: certificates.py DIRECTORY

Of each kind NAME.pem and NAME.key. Good ones are made by the authority `ca`; every other one has one thing wrong with it.
"""
import datetime
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.utcnow().replace(microsecond=0)
DAY = datetime.timedelta(days=1)
BOTH = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Maker:
    def __init__(self, directory):
        self.directory = directory

    def write(self, file, data):
        with open(os.path.join(self.directory, file), "wb") as f:
            f.write(data)

    def write_pair(self, file, certificate, key, password=None):
        how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        self.write(file + ".pem", certificate.public_bytes(serialization.Encoding.PEM))
        self.write(file + ".key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))

    def authority(self, file):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (x509.CertificateBuilder().subject_name(name(file)).issuer_name(name(file)).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + 30 * DAY)
                       .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                       .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
                       .sign(key, hashes.SHA256()))
        self.write_pair(file, certificate, key)
        return certificate, key

    def leaf(self, file, authority, names=(), usage=BOTH, begin=NOW - DAY, end=NOW + 10 * DAY, password=None):
        """authority None: signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, issuer_key = authority or (None, key)
        certificate = (x509.CertificateBuilder().subject_name(name(file))
                       .issuer_name(issuer.subject if issuer else name(file)).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
                       .add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
                       .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
                       .sign(issuer_key, hashes.SHA256()))
        self.write_pair(file, certificate, key, password)


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

    def read(file):
        with open(os.path.join(directory, file), "rb") as f:
            return f.read()

    server = read("server.pem")
    m.write("empty.pem", b"")
    m.write("garbage.pem", bytes(range(256)) * 8)
    m.write("cut.pem", server[:len(server) // 2])
    m.write("bad-base64.pem", server.replace(b"\nMII", b"\n!!!", 1))
    m.write("bad-der.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    m.write("good-and-bad.pem", server + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    m.write("bad.key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


if __name__ == "__main__":
    main(sys.argv[1])
