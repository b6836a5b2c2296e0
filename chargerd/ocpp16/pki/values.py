"""Certificates, keys and what is wrong with them, as values.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

LONGEST: Final = 5500
"""Characters of a certificate or a signing request (A00.FR.507)."""
LONGEST_CHAIN: Final = 10_000
"""Characters of the chain of a CertificateSigned.req (section 5.1)."""
LONGEST_FILE: Final = 1_000_000
"""Characters of what the station file names: some hold all roots of a system."""
LONGEST_SIGNATURE: Final = 800
"""Characters of the signature in a SignedUpdateFirmware.req."""
LONGEST_SERIAL_NUMBER: Final = 25
"""Characters of a serial number in a BootNotification.req."""
LONGEST_ORGANIZATION: Final = 64
"""Characters of an organization in a name (RFC 5280, appendix A)."""

_LONGEST_NAME: Final = 100


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


class SignatureFlaw(StrEnum):
    """Why a signature is refused."""

    UNREADABLE = "unreadable"
    WRONG = "wrong"


class BadCertificate(Exception):
    """A certificate is refused: ``why`` is for programs, the text for people."""

    def __init__(self, why: Flaw, text: str) -> None:
        super().__init__(text)
        self.why = why


class BadSignature(Exception):
    """A signature is refused: ``why`` is for programs, the text for people."""

    def __init__(self, why: SignatureFlaw, text: str) -> None:
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
    parsed: Any = field(repr=False, compare=False)
    """``cryptography.x509.Certificate``, for this room alone."""

    @property
    def name(self) -> str:
        """How messages call it: by the beginning of its subject, or by its number."""
        return self.subject[:_LONGEST_NAME] or f"certificate {self.serial}"

    def valid(self, at: datetime) -> bool:
        """Return whether this moment is in its life."""
        return self.not_before <= at <= self.not_after

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer have one name."""
        return bool(self.parsed.subject == self.parsed.issuer)


class KeyKind(StrEnum):
    """What a new key pair is made of (A00.FR.501 to 503)."""

    EC_P256 = "EC-P256"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of the station. The private part appears in no text."""

    private_pem: bytes = field(repr=False)
    """PKCS #8 without password, for the store and nobody else."""
    fingerprint: str
    """SHA-256 of the public key: ``key_fingerprint`` of its certificates."""


def check_subject(subject: Subject) -> None:
    """Check that a certificate can be asked for; ``WRONG_SUBJECT`` otherwise."""
    _check_length("serial number", subject.serial_number, LONGEST_SERIAL_NUMBER)
    _check_length("CpoName", subject.organization, LONGEST_ORGANIZATION)


def _check_length(place: str, text: str, most: int) -> None:
    if not text or len(text.encode(errors="replace")) > most:
        raise BadCertificate(
            Flaw.WRONG_SUBJECT,
            f"{place}: {len(text)} characters; set it to 1 to {most}",
        )
