"""A throw-away authority: roots, intermediates and leaves, with any flaw."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key: TypeAlias = (
    ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
)

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
CA: Final = x509.BasicConstraints(ca=True, path_length=None)

REFERENCE: Final = (
    "-----BEGIN PKCS#11 PROVIDER URI-----\n"
    "MCYaGVBLQ1MjMTEgUHJvdmlkZXIgVVJJIHYxLjAMCXBrY3MxMTphYg==\n"
    "-----END PKCS#11 PROVIDER URI-----\n"
)
"""What stands in the file of a key that is in hardware, which nobody has here."""

_serials = count(0x0A_0000)


def usage(*names: str) -> x509.KeyUsage:
    """Return a key usage that allows what is named, like ``digital_signature``."""
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment "
        "key_agreement key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in every.split()})


def distinguished(common_name: str, organization: str | None = "Example") -> x509.Name:
    """Return a name of O and CN, or of CN alone."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def ec_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Key) -> bytes:
    """Return a private key for a program that is no part of the test."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key, so that it can issue others."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(self, wish: "Wish") -> "Issued":
        """Issue a certificate as wished, flaws and all."""
        return _issued(wish, self.certificate.subject, self.key)

    def certify(self, csr: str, **wish: Any) -> str:
        """Return, in PEM, what a signing request asks for, with the fields changed."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        wished = Wish(**{"name": request.subject} | wish)
        public = wished.key.public_key() if "key" in wish else request.public_key()
        made = _signed(wished, public, self.certificate.subject, self.key)
        return made.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class Wish:
    """What a certificate shall be like; sound as long as nothing is said."""

    name: x509.Name = field(default_factory=lambda: distinguished("Leaf"))
    key: Key = field(default_factory=ec_key)
    not_before: datetime = NOW - 100 * DAY
    not_after: datetime = NOW + 265 * DAY
    extensions: tuple[x509.ExtensionType, ...] = ()
    critical: bool = True
    hashed_with: hashes.SHA224 | hashes.SHA256 | None = field(
        default_factory=hashes.SHA256
    )
    serial: int = field(default_factory=lambda: next(_serials))


def root(called: str = "Root", **wish: Any) -> Issued:
    """Make a root that signs itself, with the fields of a wish changed."""
    wished = wish_for_ca(called, **wish)
    return _issued(wished, wished.name, wished.key)


def wish_for_ca(called: str, **wish: Any) -> Wish:
    """Return the wish for an authority, with the fields of it changed."""
    fields: dict[str, Any] = {"name": distinguished(called), "extensions": (CA,)} | wish
    return Wish(**fields)


def _issued(wish: Wish, issuer: x509.Name, signed_with: Key) -> Issued:
    return Issued(_signed(wish, wish.key.public_key(), issuer, signed_with), wish.key)


def _signed(
    wish: Wish,
    public: CertificatePublicKeyTypes,
    issuer: x509.Name,
    signed_with: Key,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(wish.name)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(wish.serial)
        .not_valid_before(wish.not_before)
        .not_valid_after(wish.not_after)
    )
    for extension in wish.extensions:
        builder = builder.add_extension(extension, critical=wish.critical)
    return builder.sign(signed_with, wish.hashed_with)
