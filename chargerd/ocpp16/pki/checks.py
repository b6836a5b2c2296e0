"""What one certificate must be like, whoever signed it.

Each check returns when it is content, and raises ``BadCertificate`` otherwise. Sections
are those of the OCPP 1.6 security whitepaper.
"""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargerd.ocpp16.pki.reading import extension
from chargerd.ocpp16.pki.values import BadCertificate, Certificate, Flaw

LEAST_RSA_BITS: Final = 2048
LEAST_EC_BITS: Final = 224
"""A00.FR.501 and 502; DSA is measured like RSA."""


def check_period(certificate: Certificate, now: datetime) -> None:
    """Check that a certificate is valid now."""
    if now > certificate.not_after:
        raise BadCertificate(
            Flaw.EXPIRED,
            f"{certificate.name}: expired on {certificate.not_after:%Y-%m-%d}; "
            "send a newer one",
        )
    if now < certificate.not_before:
        raise BadCertificate(
            Flaw.NOT_YET_VALID,
            f"{certificate.name}: valid from {certificate.not_before:%Y-%m-%d} on; "
            "send it then, or set the clock of the station",
        )


def check_strength(certificate: Certificate) -> None:
    """Check its key, and the hash that it was signed over (A00.FR.501 to 506)."""
    if not _is_strong(certificate.parsed.public_key()):
        raise BadCertificate(
            Flaw.WEAK_KEY,
            f"{certificate.name}: its key is {certificate.key}; use RSA or DSA of "
            f"{LEAST_RSA_BITS} bits or more, or EC of {LEAST_EC_BITS} bits or more",
        )
    name = _signature_hash(certificate.parsed)
    if name not in _STRONG_HASHES:
        raise BadCertificate(
            Flaw.WEAK_SIGNATURE,
            f"{certificate.name}: signed with {name}; use SHA-256 or stronger",
        )


def check_extensions(certificate: Certificate) -> None:
    """Check that it restricts nothing in a way unknown here (RFC 5280, section 4.2)."""
    for found in certificate.parsed.extensions:
        if found.critical and found.oid not in _UNDERSTOOD:
            raise BadCertificate(
                Flaw.UNKNOWN_EXTENSION,
                f"{certificate.name}: extension {found.oid.dotted_string} is "
                "critical and not understood here; have one issued without it",
            )


def check_is_ca(certificate: Certificate) -> None:
    """Check that it may sign certificates."""
    usage = extension(certificate.parsed, x509.KeyUsage)
    if not certificate.is_ca or (usage and not usage.key_cert_sign):
        raise BadCertificate(
            Flaw.NOT_A_CA,
            f"{certificate.name}: may not sign certificates; send that of a CA",
        )


def check_usage(signer: Certificate) -> None:
    """Check that it may sign firmware."""
    usage = extension(signer.parsed, x509.KeyUsage)
    purposes = extension(signer.parsed, x509.ExtendedKeyUsage)
    if (usage and not usage.digital_signature) or (
        purposes and _FIRMWARE_PURPOSES.isdisjoint(purposes)
    ):
        raise BadCertificate(
            Flaw.WRONG_USAGE,
            f"{signer.name}: may not sign firmware; issue it for digitalSignature, "
            "and for codeSigning where it has an extended key usage",
        )


_STRONG_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})

_UNDERSTOOD: Final = frozenset(
    kind.oid
    for kind in (
        x509.AuthorityKeyIdentifier,
        x509.BasicConstraints,
        x509.CertificatePolicies,
        x509.ExtendedKeyUsage,
        x509.KeyUsage,
        x509.SubjectAlternativeName,
        x509.SubjectKeyIdentifier,
    )
)
"""Extensions that are obeyed here, or that restrict nothing asked of a certificate."""

_FIRMWARE_PURPOSES: Final = frozenset(
    {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)


def _is_strong(key: CertificatePublicKeyTypes) -> bool:
    match key:
        case rsa.RSAPublicKey() | dsa.DSAPublicKey():
            return key.key_size >= LEAST_RSA_BITS
        case ec.EllipticCurvePublicKey():
            return key.key_size >= LEAST_EC_BITS
    return isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)


def _signature_hash(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return f"algorithm {certificate.signature_algorithm_oid.dotted_string}"
    # Ed25519 and Ed448 hash by themselves, with SHA-512 or as strong
    return algorithm.name if algorithm else "sha512"
