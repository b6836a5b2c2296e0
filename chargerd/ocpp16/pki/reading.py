"""X.509 certificates are read from PEM, or refused with a reason.

Nothing is stored here, and no clock is read. Sections are those of the OCPP 1.6
security whitepaper.
"""

import base64
import hashlib
import re
import warnings
from collections.abc import Iterable
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from chargerd.ocpp16.pki.values import (
    LONGEST,
    LONGEST_CHAIN,
    BadCertificate,
    Certificate,
    Flaw,
    Subject,
)

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


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


def issued(issuer: Certificate, other: Certificate) -> bool:
    """Return whether one bears the issuer's name of another one and signed it."""
    try:
        other.parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def is_for(certificate: Certificate, wanted: Subject) -> bool:
    """Return whether it is for this station of this operator, and nobody else."""
    subject = certificate.parsed.subject
    return (_values(subject, NameOID.COMMON_NAME) == [wanted.serial_number]) and (
        _values(subject, NameOID.ORGANIZATION_NAME) == [wanted.organization]
    )


def issuer_of(
    certificate: Certificate, others: Iterable[Certificate]
) -> Certificate | None:
    """Return who signed a certificate: itself, one of the others, or unknown."""
    known = (certificate, *others)
    return next((other for other in known if issued(other, certificate)), None)


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
