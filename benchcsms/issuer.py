"""Who issues certificates: a root and its key, and what is asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from benchcsms.settings import NotDone

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

Period = tuple[datetime, datetime]
"""When a certificate begins, and when it ends."""

_CLOCKS_DIFFER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A root, and its key, which appears in no text."""

    certificate: x509.Certificate
    key: Private = field(repr=False)

    @classmethod
    def new(cls, common_name: str, organization: str, period: Period) -> Self:
        """Make a root."""
        key, subject = new_key(), name(common_name, organization)
        builder = _builder(subject, subject, key.public_key(), period).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Self:
        """Read a root that was written; ``NotDone`` if the two files are none."""
        for path in (certificate, key):
            if not path.is_file():
                raise NotDone(f"{path}: no such file; benchcsms ca makes an authority")
        issued, private = read_certificate(certificate), read_key(key)
        if issued.public_key() != private.public_key():
            raise NotDone(
                f"{key}: not the key of {certificate}; benchcsms ca makes a set"
            )
        return cls(issued, private)

    def issue(
        self,
        subject: x509.Name,
        public: CertificatePublicKeyTypes,
        purpose: x509.ObjectIdentifier,
        period: Period,
        more: Sequence[x509.ExtensionType] = (),
    ) -> x509.Certificate:
        """Return a certificate that may do one thing and issue none.

        Args:
            subject: Whose it is.
            public: The key that it certifies.
            purpose: The extended key usage.
            period: How long it is valid.
            more: Further extensions, none critical.
        """
        builder = _builder(subject, self.certificate.subject, public, period)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self.key.public_key()
        )
        builder = (
            builder.add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(authority, critical=False)
        )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def valid(now: datetime, life: timedelta) -> Period:
    """Return the period from now on; it begins earlier, for clocks differ."""
    return now - _CLOCKS_DIFFER, now + life


def name(common_name: str, organization: str) -> x509.Name:
    """Return a name as OCPP wants it: the operator, and who it is."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a key."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(certificate: x509.Certificate) -> str:
    """Return the text of a certificate."""
    return certificate.public_bytes(Encoding.PEM).decode()


def read_request(text: str) -> x509.CertificateSigningRequest:
    """Return a PKCS #10 request in PEM, or raise ``NotDone`` with what is wrong."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        proven = request.is_signature_valid
        request.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise NotDone(f"csr: not a PKCS #10 request in PEM: {error}") from None
    if not proven:
        raise NotDone("csr: its signature is wrong; sign it with the key that it names")
    return request


def read_certificate(path: Path) -> x509.Certificate:
    """Read a file, or raise ``NotDone`` with what is wrong with it."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise NotDone(f"{path}: {error.strerror}; name another") from None
    except ValueError:
        raise NotDone(f"{path}: not a certificate in PEM; name another") from None


def read_key(path: Path) -> Private:
    """Read a file, or raise ``NotDone`` with what is wrong with it."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise NotDone(f"{path}: {error.strerror}; name another") from None
    except (UnsupportedAlgorithm, TypeError, ValueError):
        key = None
    if isinstance(key, Private):
        return key
    raise NotDone(f"{path}: not an EC or RSA key in PEM without password; name another")


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: CertificatePublicKeyTypes,
    period: Period,
) -> x509.CertificateBuilder:
    begins, ends = period
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
