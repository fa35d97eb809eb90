"""certs.py - authorities and certificates for tests: made for each run, of each NAME.pem and NAME.key in one directory."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.utcnow().replace(microsecond=0)
DAY = datetime.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BOTH = [SERVER, CLIENT]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def new_key(rsa_bits=None):
    return rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())


class Maker:
    def __init__(self, directory):
        self.directory = directory

    def path(self, file):
        return os.path.join(self.directory, file)

    def write(self, file, data):
        """In place at once, for nobody else to read."""
        with open(self.path(file) + ".new~", "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(data)
        os.rename(self.path(file) + ".new~", self.path(file))

    def read(self, file):
        with open(self.path(file), "rb") as f:
            return f.read()

    def write_pair(self, file, certificate, key, password=None):
        how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        self.write(file + ".key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
        self.write(file + ".pem", certificate.public_bytes(serialization.Encoding.PEM))

    def authority(self, file):
        key = new_key()
        certificate = (x509.CertificateBuilder().subject_name(name(file)).issuer_name(name(file)).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + 30 * DAY)
                       .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                       .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
                       .sign(key, hashes.SHA256()))
        self.write_pair(file, certificate, key)
        return certificate, key

    def leaf(self, file, authority, names=(), usage=BOTH, begin=NOW - DAY, end=NOW + 10 * DAY, password=None, rsa_bits=None,
             digest=None, common_name=None):
        """authority None: signed by itself. names None: no subjectAltName at all."""
        key = new_key(rsa_bits)
        issuer, issuer_key = authority or (None, key)
        builder = (x509.CertificateBuilder().subject_name(name(common_name or file))
                   .issuer_name(issuer.subject if issuer else name(common_name or file)).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
                   .add_extension(x509.ExtendedKeyUsage(usage), critical=False))
        if names is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        self.write_pair(file, builder.sign(issuer_key, digest or hashes.SHA256()), key, password)
