"""Who may come in: identity, credentials and subprotocol of a new connection."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from benchcsms.dialogue import Dialogue
from benchcsms.keyring import Keyring
from benchcsms.settings import NotDone, Settings

SUBPROTOCOL: Final = Subprotocol("ocpp1.6")
ACCEPT, NO_SUBPROTOCOL = "accept", "no-subprotocol"

_REFUSALS: Final[Mapping[str, HTTPStatus]] = {
    "401": HTTPStatus.UNAUTHORIZED,
    "404": HTTPStatus.NOT_FOUND,
    "503": HTTPStatus.SERVICE_UNAVAILABLE,
}
MODES: Final = (ACCEPT, NO_SUBPROTOCOL, *_REFUSALS)


class Door:
    """Lets stations in, or tells them why not."""

    def __init__(
        self, settings: Settings, keyring: Keyring, dialogue: Dialogue
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._dialogue = dialogue
        self._mode = ACCEPT

    @property
    def agrees_on_nothing(self) -> bool:
        """Whether stations come in without a subprotocol for now."""
        return self._mode == NO_SUBPROTOCOL

    def refuse(self, mode: str) -> None:
        """Treat all new connections in one of ``MODES``."""
        if mode not in MODES:
            raise NotDone(f"refuse: mode {mode!r}; write one of {', '.join(MODES)}")
        self._mode = mode

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return what to tell a station that may not come in."""
        identity = identity_in(request.path)
        status = self._refusal(identity, connection, request)
        if status is None:
            return None
        self._dialogue.event(identity, "refused", status=status.value)
        response = connection.respond(status, f"{status.phrase}\n")
        if status is HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="benchcsms"'
        return response

    def subprotocol(
        self, _connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        """Return the subprotocol to speak, if there is one."""
        if self.agrees_on_nothing or SUBPROTOCOL not in offered:
            return None
        return SUBPROTOCOL

    def _refusal(
        self, identity: str, connection: ServerConnection, request: Request
    ) -> HTTPStatus | None:
        welcome = self._settings.stations or {identity}
        if self._mode in _REFUSALS:
            return _REFUSALS[self._mode]
        if not identity or identity not in welcome:
            return HTTPStatus.NOT_FOUND
        if self._is_known(identity, connection, request):
            return None
        return HTTPStatus.UNAUTHORIZED

    def _is_known(
        self, identity: str, connection: ServerConnection, request: Request
    ) -> bool:
        subject = _subject(connection)
        if subject is not None:
            wanted = self._settings.common_names.get(identity)
            return wanted in (None, subject)  # security profile 3 knows no password
        secure = connection.transport.get_extra_info("ssl_object") is not None
        tls = self._settings.tls
        asks = secure and tls is not None and tls.clients is not None
        return self._keyring.admits(identity, _credentials(request), anybody=not asks)


def identity_in(path: str) -> str:
    """Return the identity at the end of the path of a URL."""
    return unquote(path.partition("?")[0].rpartition("/")[2])


def _subject(connection: ServerConnection) -> str | None:
    """Return the common name in the certificate of a station, if it has shown one."""
    shown = connection.transport.get_extra_info("peercert")
    if not shown:
        return None
    names: dict[str, str] = {
        kind: text for part in shown["subject"] for kind, text in part
    }
    return names.get("commonName", "")


def _credentials(request: Request) -> bytes:
    headers = request.headers.get_all("Authorization")
    scheme, _, words = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(words.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
