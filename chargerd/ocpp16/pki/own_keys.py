"""Keys of the station, and the requests to have them certified.

The only module of the pure part that rolls dice, for a key is nothing else; the
library takes them from the operating system. Sections are those of the OCPP 1.6
security whitepaper.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from chargerd.ocpp16.pki.reading import key_fingerprint
from chargerd.ocpp16.pki.values import (
    BadCertificate,
    Flaw,
    KeyKind,
    KeyPair,
    Subject,
    check_subject,
)

_Private: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_key(kind: KeyKind = KeyKind.EC_P256) -> KeyPair:
    """Make a key pair; RSA takes up to seconds on a small processor."""
    return _pair(_MAKERS[kind]())


def read_key(private_pem: bytes) -> KeyPair:
    """Return a key pair that was stored; raise ``BadCertificate`` for anything else."""
    return _pair(_loaded(private_pem))


def signing_request(key: KeyPair, subject: Subject) -> str:
    """Return a PKCS #10 request in PEM, signed with SHA-256 (A02.FR.02 and 03).

    The bounds of its parts keep it far below the 5500 characters of the message.

    Raises:
        BadCertificate: For ``WRONG_SUBJECT``, when the serial number or CpoName is not
            set or too long, ``UNREADABLE``, when the key is damaged.
    """
    builder = x509.CertificateSigningRequestBuilder(_name(subject))
    request = builder.sign(_loaded(key.private_pem), hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


_MAKERS: Final[Mapping[KeyKind, Callable[[], _Private]]] = {
    KeyKind.EC_P256: lambda: ec.generate_private_key(ec.SECP256R1()),
    KeyKind.RSA_2048: lambda: rsa.generate_private_key(65_537, 2048),
    KeyKind.RSA_3072: lambda: rsa.generate_private_key(65_537, 3072),
}


def _pair(key: _Private) -> KeyPair:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(pem, key_fingerprint(key.public_key()))


def _loaded(private_pem: bytes) -> _Private:
    try:
        key = load_pem_private_key(private_pem, password=None)
    except (UnsupportedAlgorithm, TypeError, ValueError):
        key = None
    if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return key
    raise BadCertificate(
        Flaw.UNREADABLE,
        "key of the station: not an EC or RSA key in PEM without password; make a new "
        "one and ask for its certificate",
    )


def _name(subject: Subject) -> x509.Name:
    check_subject(subject)
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, subject.serial_number),
        ]
    )
