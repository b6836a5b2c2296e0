"""Where the bench listens: for stations, with TLS and without, and for files."""

import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import ServerConnection, serve

from benchcsms import files, tls
from benchcsms.dialogue import Dialogue
from benchcsms.door import Door
from benchcsms.http11 import Request
from benchcsms.settings import Files, NotDone, Settings, Tls

_LARGEST_FRAME: Final = 16 << 20
_CLOSE_WITHIN_S: Final = 1.0
_FILE_EVENT: Final = "file"

# a handshake that fails is in the log of the dialogue, or was no WebSocket
_LOGGER: Final = logging.getLogger("benchcsms.websockets")
_LOGGER.addFilter(lambda record: "handshake" not in record.msg)


class Listeners:
    """All places where the bench listens, until its exit stack ends."""

    def __init__(self, settings: Settings, door: Door, dialogue: Dialogue) -> None:
        self._settings = settings
        self._door = door
        self._dialogue = dialogue
        self._ports: dict[str, int] = {}

    async def open(
        self,
        until: AsyncExitStack,
        welcome: Callable[[ServerConnection], Awaitable[None]],
    ) -> None:
        """Listen; ``NotDone`` if that cannot be."""
        told = self._settings
        if told.tls is None or told.tls_port is not None:
            await self._stations("ws", told.port, None, until, welcome)
        if told.tls is not None:
            port = told.port if told.tls_port is None else told.tls_port
            secure = tls.context(told.tls, self._verifying())
            await self._stations("wss", port, secure, until, welcome)
        if told.files is not None:
            await self._files(told.files, until)

    def urls(self) -> list[str]:
        """Return where stations connect; without TLS first, if both are there."""
        return [f"{self._origin(s)}/ocpp" for s in ("ws", "wss") if s in self._ports]

    def files_url(self) -> str | None:
        """Return where the files are; ``None`` if none are served."""
        served = [self._origin(s) for s in ("http", "https") if s in self._ports]
        return served[0] if served else None

    async def _stations(
        self,
        scheme: str,
        port: int,
        secure: ssl.SSLContext | None,
        until: AsyncExitStack,
        welcome: Callable[[ServerConnection], Awaitable[None]],
    ) -> None:
        listening = serve(
            welcome,
            self._settings.host,
            port,
            select_subprotocol=self._door.subprotocol,
            process_request=self._door.admit,
            compression=None,
            ping_interval=None,  # whether the station pings is to be seen
            close_timeout=_CLOSE_WITHIN_S,
            max_size=_LARGEST_FRAME,
            ssl=secure,
            logger=_LOGGER,
        )
        with _explaining(f"{self._settings.host}:{port}"):
            server = await until.enter_async_context(listening)
        self._ports[scheme] = next(iter(server.sockets)).getsockname()[1]

    async def _files(self, served: Files, until: AsyncExitStack) -> None:
        scheme, secure = "http", None
        if served.tls:
            scheme, secure = "https", tls.context(_without_clients(self._settings))
        serving = files.serving(served, self._settings.host, secure, self._tell)
        with _explaining(f"{self._settings.host}:{served.port}"):
            self._ports[scheme] = await until.enter_async_context(serving)

    def _verifying(self) -> ssl.VerifyMode:
        """Return whether a station may come in without certificate.

        Where it can prove itself by a key, it climbs from profile 2 to 3 here.
        """
        told = self._settings
        by_key = told.tls_port is not None or told.keys or told.key is not None
        return ssl.CERT_OPTIONAL if by_key else ssl.CERT_REQUIRED

    def _origin(self, scheme: str) -> str:
        host = self._settings.host
        if ":" in host:
            host = f"[{host}]"
        return f"{scheme}://{host}:{self._ports[scheme]}"

    def _tell(self, request: Request, status: HTTPStatus, moved: int) -> None:
        self._dialogue.event(
            "",
            _FILE_EVENT,
            method=request.method,
            path=request.target,
            status=status.value,
            bytes=moved,
        )


def _without_clients(settings: Settings) -> Tls:
    if settings.tls is None:
        raise NotDone("files over TLS: no certificate; name one with --certificate")
    return replace(settings.tls, clients=None)


@contextmanager
def _explaining(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = error.errno or 0  # negative: the name server's
        why = os.strerror(code) if code > 0 else error.strerror
        raise NotDone(
            f"{where}: {why}; name another host or port, 0 being a free port"
        ) from None
