"""What stations show of themselves when they come in."""

import base64
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from websockets.asyncio.server import ServerConnection

_LOGGER: Final = logging.getLogger("benchcsms.websockets")


@dataclass(frozen=True, slots=True)
class Guest:
    """Who has come in, and how it proved who it is."""

    path: str
    authorization: str | None
    secure: bool
    certificate: x509.Certificate | None

    @property
    def credentials(self) -> bytes:
        """What its Basic header says."""
        assert self.authorization is not None
        scheme, _, words = self.authorization.partition(" ")
        assert scheme == "Basic"
        return base64.b64decode(words, validate=True)


class _Book(logging.Handler):
    """Hears of connections by the logger that they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.guests: list[Guest] = []

    def emit(self, record: logging.LogRecord) -> None:
        connection: ServerConnection | None = getattr(record, "websocket", None)
        if connection is not None and record.msg == "connection open":
            self.guests.append(_guest(connection))


def _guest(connection: ServerConnection) -> Guest:
    request = connection.request
    assert request is not None
    spoken: ssl.SSLObject | None = connection.transport.get_extra_info("ssl_object")
    shown = None if spoken is None else spoken.getpeercert(binary_form=True)
    return Guest(
        request.path,
        request.headers.get("Authorization"),
        spoken is not None,
        None if shown is None else x509.load_der_x509_certificate(shown),
    )


@contextmanager
def guests() -> Iterator[list[Guest]]:
    """Write down who comes in, in this order, until the block ends."""
    book, level = _Book(), _LOGGER.level
    _LOGGER.addHandler(book)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield book.guests
    finally:
        _LOGGER.setLevel(level)
        _LOGGER.removeHandler(book)
