"""TLS towards the CSMS: what is offered, who is believed, and why it failed.

Facts: OCPP 1.6 security whitepaper edition 3, A00.FR.307 to 429.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

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
class OwnCertificate:
    """Who we are under security profile 3: two files in PEM."""

    chain: Path
    """Our certificate, and whoever issued it, but for the root."""
    key: Path
    """Its private key, or a reference to one in hardware."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What a link of security profile 2 or 3 needs."""

    roots: str = field(repr=False)
    """The certificates that are believed, in PEM; no others are."""
    own: OwnCertificate | None = None
    check_name: bool = True
    """Whether the certificate must name the host of the URL."""
    rsa_key_exchange: bool = True
    """Whether suites without forward secrecy are offered too."""


class Unusable(Exception):
    """The settings make no TLS; the text names the place and the remedy."""


def context(settings: TlsSettings) -> ssl.SSLContext:
    """Return what a WebSocket is dialed with.

    Raises:
        Unusable: A file cannot be read, or key and certificate do not belong together.
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


def classify(error: ssl.SSLError) -> tuple[Failure, str]:
    """Return why there is no TLS, and the words for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        failure = _BY_CODE.get(error.verify_code, Failure.TRUST)
        return failure, error.verify_message or _reason(error)
    if error.reason in _NO_TLS:
        return Failure.OTHER, "the CSMS speaks no TLS at this port"
    return _BY_REASON.get(error.reason or "", Failure.OTHER), _reason(error)


def _introduce(made: ssl.SSLContext, own: OwnCertificate) -> None:
    for path in (own.chain, own.key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise Unusable(f"{path}: {error.strerror}; name a file in PEM") from None
    try:
        # An empty password: nobody is there to be asked for one.
        made.load_cert_chain(own.chain, own.key, password="")
    except ssl.SSLError as error:
        raise Unusable(
            f"{own.chain} and {own.key}: {_reason(error)}; give a certificate in PEM "
            "and the private key that belongs to it, without a password"
        ) from None


def _reason(error: ssl.SSLError | ValueError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
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
