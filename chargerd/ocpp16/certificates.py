"""X.509 certificates as values: read from PEM, and refused with a reason.

Nothing is stored here, and no clock is read. Sections are those of the OCPP 1.6
security whitepaper.
"""

import base64
import hashlib
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

LONGEST: Final = 5500
"""Characters of a certificate or a signing request (A00.FR.507)."""
LONGEST_CHAIN: Final = 10_000
"""Characters of the chain of a CertificateSigned.req (section 5.1)."""

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Flaw(StrEnum):
    """Why a certificate, or what one is asked for with, is refused."""

    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WEAK_KEY = "weak_key"
    WEAK_SIGNATURE = "weak_signature"
    NOT_A_CA = "not_a_ca"
    WRONG_USAGE = "wrong_usage"
    UNKNOWN_EXTENSION = "unknown_extension"
    UNTRUSTED = "untrusted"
    WRONG_SUBJECT = "wrong_subject"
    NO_SERIAL_NUMBER = "no_serial_number"
    WRONG_KEY = "wrong_key"


class BadCertificate(Exception):
    """A certificate is refused: ``why`` is for programs, the text for people."""

    def __init__(self, why: Flaw, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the certificate of a station is for (A00.FR.511)."""

    serial_number: str
    """Of the station; the common name."""
    organization: str
    """The value of the key CpoName."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What people and the store want to know of one certificate."""

    subject: str
    """As in RFC 4514, like ``O=Example,CN=Root``; so is the issuer."""
    issuer: str
    serial: str
    """Hex in lower case without leading zeros."""
    not_before: datetime
    not_after: datetime
    key: str
    """Kind and size, like ``EC secp256r1`` or ``RSA 2048``."""
    key_fingerprint: str
    """SHA-256 of the public key with its algorithm, in hex."""
    is_ca: bool
    fingerprint: str
    """SHA-256 of the certificate, in hex."""
    pem: str
    """The certificate alone, without what stood around it."""
    parsed: x509.Certificate = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """How messages call it: by the beginning of its subject, or by its number."""
        return self.subject[:_LONGEST_NAME] or f"certificate {self.serial}"

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer have one name."""
        return self.parsed.subject == self.parsed.issuer

    def subject_is(self, wanted: Subject) -> bool:
        """Return whether it is for this station of this operator, and nobody else."""
        return (
            _values(self.parsed.subject, NameOID.COMMON_NAME) == [wanted.serial_number]
        ) and (
            _values(self.parsed.subject, NameOID.ORGANIZATION_NAME)
            == [wanted.organization]
        )

    def issued(self, other: "Certificate") -> bool:
        """Return whether it bears the issuer's name of another one and signed it."""
        try:
            other.parsed.verify_directly_issued_by(self.parsed)
        except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
            return False
        return True


def read(text: str | bytes, longest: int = LONGEST) -> Certificate:
    """Return the one certificate of a PEM text; raise ``BadCertificate`` otherwise."""
    chain = read_chain(text, longest)
    if len(chain) != 1:
        raise BadCertificate(
            Flaw.UNREADABLE, f"PEM: {len(chain)} certificates; send one alone"
        )
    return chain[0]


def read_chain(
    text: str | bytes, longest: int = LONGEST_CHAIN
) -> tuple[Certificate, ...]:
    """Return the certificates of a PEM text, in its order, at least one.

    Args:
        text: PEM; what stands between the certificates is passed over.
        longest: The most characters.

    Raises:
        BadCertificate: For ``TOO_LONG``, ``UNREADABLE`` or ``NO_SERIAL_NUMBER``.
    """
    if len(text) > longest:
        raise BadCertificate(
            Flaw.TOO_LONG, f"PEM: {len(text)} characters; send at most {longest}"
        )
    octets = text.encode(errors="replace") if isinstance(text, str) else text
    found = _PEM.findall(octets)
    if not found:
        raise BadCertificate(
            Flaw.UNREADABLE,
            "PEM: no certificate in it; send one from BEGIN CERTIFICATE to its END",
        )
    return tuple(_certificate(body, n) for n, body in enumerate(found, 1))


def issuer_of(
    certificate: Certificate, others: Iterable[Certificate]
) -> Certificate | None:
    """Return who signed a certificate: itself, one of the others, or unknown."""
    known = (certificate, *others)
    return next((other for other in known if other.issued(certificate)), None)


def key_fingerprint(key: CertificatePublicKeyTypes) -> str:
    """Return by what a key pair is recognized: it says nothing of the private key."""
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).hexdigest()


def extension(parsed: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """Return an extension of a certificate, or ``None`` without it."""
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL
)
_LONGEST_NAME: Final = 100
_LONGEST_SERIAL: Final = 40  # characters of serialNumber, section 6.1

_UNREADABLE: Final = (
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library says of bytes that are no certificate, or one beyond it."""


def _certificate(body: bytes, number: int) -> Certificate:
    try:
        # Whatever can fail is asked for here, for the library reads lazily. It warns
        # of what old authorities do, which is no reason to refuse their certificates.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            der = base64.b64decode(b"".join(body.split()), validate=True)
            certificate = _described(x509.load_der_x509_certificate(der))
    except _UNREADABLE:
        raise BadCertificate(
            Flaw.UNREADABLE,
            f"PEM: certificate {number} is damaged or of an unknown kind; send it as "
            "its authority wrote it, with an RSA or EC key",
        ) from None
    if certificate.serial.startswith("-") or len(certificate.serial) > _LONGEST_SERIAL:
        raise BadCertificate(
            Flaw.NO_SERIAL_NUMBER,
            f"certificate {number}: serial number {certificate.serial}; "
            "have one issued with a positive number of at most 20 octets",
        )
    return certificate


def _described(parsed: x509.Certificate) -> Certificate:
    key = parsed.public_key()
    constraints = extension(parsed, x509.BasicConstraints)
    return Certificate(
        subject=_words(parsed.subject),
        issuer=_words(parsed.issuer),
        serial=f"{parsed.serial_number:x}",
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        key=_key_words(key),
        key_fingerprint=key_fingerprint(key),
        is_ca=constraints is not None and constraints.ca,
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
        pem=parsed.public_bytes(Encoding.PEM).decode(),
        parsed=parsed,
    )


def _words(name: x509.Name) -> str:
    # they come into logs, where a line must stay one line
    text = name.rfc4514_string()
    return "".join(c if c.isprintable() else "?" for c in text)


def _key_words(key: CertificatePublicKeyTypes) -> str:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {key.curve.name}"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return type(key).__name__.removesuffix("PublicKey")
    return "of an unknown kind"


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str | bytes]:
    return [attribute.value for attribute in name.get_attributes_for_oid(oid)]
