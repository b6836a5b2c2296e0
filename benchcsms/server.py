"""The central system: many stations, one door, and what tests do with them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from itertools import count as counted
from types import TracebackType
from typing import Any, Final, Self

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from benchcsms import schemas
from benchcsms.answers import Answers
from benchcsms.books import Books, Transaction
from benchcsms.certifier import Certifier
from benchcsms.dialogue import RECEIVED, Dialogue, Entry, Pattern
from benchcsms.door import Door, identity_in
from benchcsms.keyring import Keyring
from benchcsms.listening import Listeners
from benchcsms.script import Script
from benchcsms.settings import Json, NotDone, Settings, utc_now
from benchcsms.station import Answer, Desk, Station

_REPLACED: Final = 1000
_PROTOCOL_ERROR: Final = 1002


class Csms:
    """A central system for the length of an ``async with`` block.

    Args:
        settings: Who may come, and what is answered.
        listeners: Called with each entry of the dialogue.
        now: The time that goes into messages and into the log.
        monotonic: The seconds that round trips are measured by.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        listeners: Sequence[Callable[[Entry], None]] = (),
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = settings or Settings()
        self.stopped = asyncio.Event()
        """Set once somebody asked the program to stop."""
        self._dialogue = Dialogue(settings.log_frames, now, listeners)
        keyring = Keyring(settings)
        self._door = Door(settings, keyring, self._dialogue)
        self._listeners = Listeners(settings, self._door, self._dialogue)
        self._certifier = Certifier(settings.signing, self._dialogue, now, self.call)
        answers = Answers(settings, self._certifier, now)
        self._script = Script()
        self._desk = Desk(
            self._dialogue, answers, self._certifier, keyring, self._script, monotonic
        )
        self._transaction_ids = counted(settings.first_transaction_id)
        self._books: dict[str, Books] = {}
        self._connected: dict[str, Station] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen."""
        schemas.compile_all()
        try:
            await self._listeners.open(self._exit, self._serve)
        except NotDone:
            await self._exit.aclose()
            raise
        self._exit.callback(self._certifier.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send all stations away."""
        await self._exit.aclose()

    @property
    def url(self) -> str:
        """Where stations connect; they append ``/`` and their identity."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """Every such place; the one without TLS comes first."""
        return self._listeners.urls()

    @property
    def files_url(self) -> str | None:
        """Where firmware and logs go; ``None`` if no files are served."""
        return self._listeners.files_url()

    def stations(self) -> list[Json]:
        """Return every station that was ever here, and how it stands."""
        return [
            {
                "identity": books.identity,
                "connected": books.identity in self._connected,
                "boot": books.boot,
                "statuses": {str(n): said for n, said in books.statuses.items()},
                "violations": len(books.violations),
            }
            for books in self._books.values()
        ]

    async def call(
        self,
        station: str,
        action: str,
        payload: Json | None = None,
        timeout_s: float = 30.0,
    ) -> Answer:
        """Send a CALL, whatever its payload is, and return the answer."""
        return await self._here(station).call(action, payload or {}, timeout_s)

    async def send_raw(self, station: str, message: str | bytes) -> None:
        """Send a text or binary frame as it is."""
        await self._here(station).send_raw(message)

    def script(
        self,
        action: str,
        replies: Sequence[Any] = (),
        standing: Any = None,
        station: str | None = None,
    ) -> None:
        """Replace the script of an action; see ``Script.write`` and ``reply``."""
        self._script.write(action, replies, standing, station)

    def log(self, station: str | None = None, since: int = 0) -> list[Entry]:
        """Return the entries of the dialogue after number ``since``."""
        entries = self._dialogue.after(since)
        return [entry for entry in entries if station in (None, entry.station)]

    def transactions(self, station: str | None = None) -> list[Transaction]:
        """Return the transactions of one station or of all."""
        every = self._books.values() if station is None else [self._known(station)]
        return [transaction for books in every for transaction in books.transactions]

    def violations(self, station: str) -> list[str]:
        """Return what the station did against schemas and protocol."""
        return self._known(station).violations

    async def wait_for(
        self,
        action: str | None = None,
        *,
        station: str | None = None,
        direction: str = RECEIVED,
        kind: str | None = None,
        match: Mapping[str, Any] | None = None,
        count: int = 1,
        since: int = 0,
        timeout_s: float = 5.0,
    ) -> Entry:
        """Return the ``count``-th entry that fits, past or to come.

        Args:
            action: Also of answers: what they answer.
            station: ``None`` means any.
            direction: ``received`` or ``sent`` by the bench, or ``both``.
            kind: See ``Entry.kind``; ``None`` means any.
            match: Fields of the payload.
            count: How many must fit.
            since: The number of the last entry that does not count.
            timeout_s: After which it is ``NotDone``.
        """
        pattern = Pattern(action, station, direction, kind, match or {})
        return await self._dialogue.wait_for(pattern, count, since, timeout_s)

    async def disconnect(self, station: str, code: int = 1000) -> None:
        """End the connection with a close code."""
        await self._here(station).close(code)

    def drop(self, station: str) -> None:
        """Reset the TCP connection, without a word."""
        self._here(station).drop()

    def refuse(self, mode: str) -> None:
        """Treat new connections in one of ``door.MODES``; ``accept`` is friendly."""
        self._door.refuse(mode)

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        identity = identity_in(request.path) if request else ""
        books = self._books.setdefault(identity, Books(identity, self._transaction_ids))
        self._dialogue.event(identity, "open", subprotocol=connection.subprotocol)
        try:
            if connection.subprotocol is None:
                await self._serve_nothing(books, connection)
            else:
                await self._serve_station(books, connection)
        finally:
            self._dialogue.event(
                identity,
                "close",
                code=connection.close_code,
                reason=connection.close_reason,
            )

    async def _serve_station(self, books: Books, connection: ServerConnection) -> None:
        station = Station(books, connection, self._desk)
        former = self._connected.get(books.identity)
        self._connected[books.identity] = station
        async with asyncio.TaskGroup() as tasks:
            if former is not None:
                tasks.create_task(former.close(_REPLACED, "replaced by a newer one"))
            try:
                await station.run()
            finally:
                if self._connected[books.identity] is station:
                    del self._connected[books.identity]

    async def _serve_nothing(self, books: Books, connection: ServerConnection) -> None:
        if not self._door.agrees_on_nothing:
            books.violations.append("it did not offer the subprotocol ocpp1.6")
            await connection.close(_PROTOCOL_ERROR, "only ocpp1.6 is spoken here")
        with suppress(ConnectionClosed):
            async for _ in connection:
                books.violations.append("it spoke though no subprotocol was agreed on")

    def _here(self, station: str) -> Station:
        if station not in self._connected:
            here = ", ".join(self._connected) or "nobody"
            raise NotDone(f"station {station!r}: not connected; connected: {here}")
        return self._connected[station]

    def _known(self, station: str) -> Books:
        if station not in self._books:
            known = ", ".join(self._books) or "nobody"
            raise NotDone(f"station {station!r}: was never here; known: {known}")
        return self._books[station]
