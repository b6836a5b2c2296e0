"""Why a dial failed: the layer, and the words for people."""

import socket
import ssl
from typing import Final

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from chargerd.runtime import tls


class LinkRefused(Exception):
    """The CSMS is there, but this link cannot be used."""

    def __init__(self, layer: str, text: str) -> None:
        super().__init__(text)
        self.layer = layer


PERMANENT: Final = frozenset(
    {
        "http-auth",
        "http-path",
        "subprotocol",
        # A clock that is wrong is soon put right.
        *(failure for failure in tls.Failure if failure is not tls.Failure.TIME),
    }
)
"""What does not mend itself: it is dialed seldom."""


def classify(error: Exception, *, introduced: bool = False) -> tuple[str, str]:
    """Return the layer at which a dial failed, and the words for it.

    Args:
        error: What the dial came to.
        introduced: Whether the CSMS has seen a certificate of ours. One that does not
            take it may end the connection without a word, and under TLS 1.3 only
            after the handshake.
    """
    cut_off = isinstance(error, ConnectionResetError) or (
        isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError)
    )
    if introduced and cut_off:
        return (
            tls.Failure.REFUSED,
            "the CSMS cut us off when it saw our certificate",
        )
    match error:
        case LinkRefused():
            return error.layer, str(error)
        case tls.Unusable():
            return tls.Failure.OTHER, str(error)
        case InvalidStatus():
            code = error.response.status_code
            layer, words = _HTTP.get(code, ("http", "the CSMS refused"))
            return layer, f"HTTP {code}: {words}"
        case ssl.SSLError():
            return tls.classify(error)
    for kind, layer, words in _LAYERS:
        if isinstance(error, kind):
            return layer, words or str(error) or type(error).__name__
    return "tcp", str(error) or type(error).__name__


_HTTP: Final = {
    401: ("http-auth", "check the AuthorizationKey"),
    403: ("http-auth", "check the AuthorizationKey"),
    **dict.fromkeys(
        (301, 302, 303, 307, 308),
        ("http-path", "the CSMS has moved; write its new address in [csms] url"),
    ),
    404: ("http-path", "the CSMS does not know this URL or identity"),
}
_LAYERS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (InvalidHandshake, "http", ""),
    (UnicodeError, "dns", "this is no host name; check [csms] url"),
    (socket.gaierror, "dns", "unknown host; check the name in [csms] url"),
    (TimeoutError, "tcp", "no answer in time"),
)
