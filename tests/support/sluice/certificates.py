"""Certificates made on the spot: an authority, what it issues, and what it says about that by OCSP."""

import datetime
import functools
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@functools.lru_cache(maxsize=None)
def _rsa_key(number):
    """They take a while to be found, so tests share a few."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sluice tests"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(names):
    def one(name):
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)
    return x509.SubjectAlternativeName([one(name) for name in names])


def _write(path, data):
    """In one step, as whoever renews certificates should."""
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


class Pair:
    """A certificate with its chain, and the key, in two files."""

    def __init__(self, folder, label, certificate, key, chain=()):
        self.certificate = certificate
        self.cert = os.path.join(folder, f"{label}.pem")
        self.key = os.path.join(folder, f"{label}.key")
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, *chain))
        _write(self.cert, pem)
        _write(self.key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def setting(self, **more):
        return {"cert": self.cert, "key": self.key, **more}


class Authority:
    """With `above`, an intermediate one."""

    def __init__(self, folder, label="authority", above=None):
        self.folder = folder
        self.label = label
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issued = 0
        signer = above or self
        self.certificate = signer._sign(signer._builder(_name(label), self._key, 3650 * DAY)
                                        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True))
        self.path = os.path.join(folder, f"{label}.ca")
        _write(self.path, self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, life):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(_name(self.label)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(_now() - DAY).not_valid_after(_now() + life))

    def _sign(self, builder):
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, label, names=(), key="ec", life=30 * DAY, for_client=False, chain=()):
        """A pair of files LABEL.pem and LABEL.key; the same label again replaces them."""
        self._issued += 1
        private = _rsa_key(self._issued % 3) if key == "rsa" else ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if for_client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = self._builder(_name(label), private, life).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(_names(names), critical=False)
        return Pair(self.folder, label, self._sign(builder), private, chain)

    def staple(self, pair, ends_in=DAY, about=None):
        """A file with an OCSP response that calls the pair's certificate good."""
        about = about or pair
        response = ocsp.OCSPResponseBuilder().add_response(
            cert=about.certificate, issuer=self.certificate, algorithm=hashes.SHA1(), cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=_now() - 2 * DAY, next_update=_now() + ends_in, revocation_time=None, revocation_reason=None,
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate).sign(self._key, hashes.SHA256())
        path = pair.cert[:-len("pem")] + "ocsp"
        _write(path, response.public_bytes(serialization.Encoding.DER))
        return path
