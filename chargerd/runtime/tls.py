"""TLS towards the CSMS: what is offered, who is believed, and why it failed.

Facts: OCPP 1.6 security whitepaper edition 3, A00.FR.307 to 429.
"""

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

_FORWARD_SECRET: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
_RSA: Final = ("AES128-GCM-SHA256", "AES256-GCM-SHA384")
"""TLS_RSA_WITH_AES_128_GCM_SHA256 and its sister: some back ends know no others, and
Python leaves them out."""
_LEVEL: Final = "@SECLEVEL=2"
"""No key below 112 bits of security, whatever the system's own level is."""

_REFERENCE: Final = b"BEGIN PKCS#11 PROVIDER URI"
"""Stands in a file that names a key in hardware, and is none."""


class Failure(StrEnum):
    """Why there is no TLS, in the words of ``chargerctl link``."""

    TIME = "tls-time"  # the certificate of the CSMS is not valid now, by our clock
    TRUST = "tls-trust"  # no root that we believe has issued it
    NAME = "tls-name"  # it is another host's
    VERSION = "tls-version"  # the CSMS knows nothing newer than TLS 1.1
    CIPHER = "tls-cipher"  # no cipher suite in common
    REFUSED = "tls-refused"  # the CSMS does not take our certificate
    OTHER = "tls"


@dataclass(frozen=True, slots=True)
class OwnPem:
    """Who we are under security profile 3, in PEM."""

    chain: str
    """Our certificate, and whoever issued it, but for the root."""
    key: str = field(repr=False)
    """Its private key."""


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The same as two files."""

    chain: Path
    """Our certificate, and whoever issued it, but for the root."""
    key: Path
    """Its private key, or a reference to one in hardware."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What a link of security profile 2 or 3 needs."""

    roots: str = field(repr=False)
    """The certificates that are believed, in PEM; no others are."""
    own: OwnCertificate | OwnPem | None = None
    check_name: bool = True
    """Whether the certificate must name the host of the URL."""
    rsa_key_exchange: bool = True
    """Whether suites without forward secrecy are offered too."""


class Unusable(Exception):
    """The settings make no TLS; the text names the place and the remedy."""


class NotReached(Unusable):
    """A key in hardware does not answer; it may do so at the next dial."""


def context(settings: TlsSettings) -> ssl.SSLContext:
    """Return what a WebSocket is dialed with.

    Raises:
        Unusable: A file cannot be read, or key and certificate do not belong together.
        NotReached: The key is in hardware, which does not answer.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_COMPRESSION
    suites = _FORWARD_SECRET + (_RSA if settings.rsa_key_exchange else ())
    made.set_ciphers(":".join((*suites, _LEVEL)))
    # A root that another one has signed is an anchor in its own right (section 7.1);
    # and not every private authority is as strict as Python 3.13 wants it.
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
    made.check_hostname = settings.check_name
    try:
        made.load_verify_locations(cadata=settings.roots)
    except (ssl.SSLError, ValueError) as error:
        raise Unusable(
            f"the roots of the CSMS cannot be read ({_reason(error)}); give them in PEM"
        ) from None
    if settings.own is not None:
        _introduce(made, settings.own)
    return made


def in_hardware(key: Path) -> bool:
    """Return whether a file does not hold a private key, but says where it is."""
    try:
        return _REFERENCE in _seen(key)
    except Unusable:
        return False


def vouching(
    end: ssl.SSLObject | ssl.SSLSocket, made: ssl.SSLContext
) -> tuple[str, ...]:
    """Return which of the certificates that are believed made the other end so.

    Args:
        end: After the handshake.
        made: What it was dialed with.

    Returns:
        SHA-256 in hex of each, the nearest to the other end first; none where this
        Python does not tell.
    """
    believed = set(made.get_ca_certs(binary_form=True))
    return tuple(sha256(der).hexdigest() for der in _verified(end) if der in believed)


def _verified(end: ssl.SSLObject | ssl.SSLSocket) -> Sequence[bytes]:
    """Return the chain that was proven; public in Python 3.13, private before."""
    for teller in (end, getattr(end, "_sslobj", None)):
        tell = getattr(teller, "get_verified_chain", None)
        if tell is not None:
            return tuple(map(_der, tell() or ()))
    return ()


def _der(certificate: Any) -> bytes:
    """Return a certificate as bytes; before Python 3.13 it is an object of its own."""
    if isinstance(certificate, bytes):
        return certificate
    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())


def classify(error: ssl.SSLError) -> tuple[Failure, str]:
    """Return why there is no TLS, and the words for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        failure = _BY_CODE.get(error.verify_code, Failure.TRUST)
        return failure, error.verify_message or _reason(error)
    if error.reason in _NO_TLS:
        return Failure.OTHER, "the CSMS speaks no TLS at this port"
    return _BY_REASON.get(error.reason or "", Failure.OTHER), _reason(error)


def _introduce(made: ssl.SSLContext, own: OwnCertificate | OwnPem) -> None:
    if isinstance(own, OwnPem):
        with _in_memory(own.chain) as chain, _in_memory(own.key) as key:
            _load(made, chain, key, "the certificate of the station and its key")
        return
    _seen(own.chain)
    refers = _REFERENCE in _seen(own.key)
    _load(made, own.chain, own.key, f"{own.chain} and {own.key}", refers=refers)


def _seen(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}; name a file in PEM") from None


def _load(
    made: ssl.SSLContext, chain: Path, key: Path, called: str, *, refers: bool = False
) -> None:
    try:
        # An empty password: nobody is there to be asked for one.
        made.load_cert_chain(chain, key, password="")
    # A token without the key, or with another PIN, is a file that does not exist.
    except OSError as error:
        if refers:
            raise NotReached(
                f"{called}: {_reason(error)}; the key is in hardware: check the token, "
                "its PIN and OPENSSL_CONF, as docs/hardware-keys.md says"
            ) from None
        raise Unusable(
            f"{called}: {_reason(error)}; give a certificate in PEM "
            "and the private key that belongs to it, without a password"
        ) from None


@contextmanager
def _in_memory(text: str) -> Iterator[Path]:
    """Give a text the path that OpenSSL wants; it never touches a disk."""
    number = os.memfd_create("pem")
    with os.fdopen(number, "wb", buffering=0) as file:
        file.write(text.encode())
        yield Path(f"/proc/self/fd/{number}")


def _reason(error: OSError | ValueError) -> str:
    # What OpenSSL says without a reason is a line of its source.
    field = "reason" if isinstance(error, ssl.SSLError) else "strerror"
    reason = getattr(error, field, None)
    return (reason or type(error).__name__).lower().replace("_", " ")


_EXPIRED, _NOT_YET, _HOST, _ADDRESS = 10, 9, 62, 64
_BY_CODE: Final[Mapping[int, Failure]] = {
    _EXPIRED: Failure.TIME,
    _NOT_YET: Failure.TIME,
    _HOST: Failure.NAME,
    _ADDRESS: Failure.NAME,
}
"""OpenSSL's X509_V_ERR numbers; all others say that nobody we believe vouches."""

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})
_BY_REASON: Final[Mapping[str, Failure]] = {
    **dict.fromkeys(
        ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION"),
        Failure.VERSION,
    ),
    # A CSMS that wants a certificate and gets none may say the same under TLS 1.2.
    **dict.fromkeys(
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"),
        Failure.CIPHER,
    ),
    **dict.fromkeys(
        (
            "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "TLSV1_ALERT_ACCESS_DENIED",
            "TLSV1_ALERT_DECRYPT_ERROR",
            "TLSV1_ALERT_UNKNOWN_CA",
        ),
        Failure.REFUSED,
    ),
}
