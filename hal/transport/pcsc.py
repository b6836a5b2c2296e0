"""Card readers through the PC/SC daemon. The only user of pyscard.

Its functions block, so each reader has a thread. The thread asks the daemon twice a
second, which is how its death, or a reader that was pulled, is known; it starts anew
by itself. (pyscard's own CardMonitor ends with the daemon, and prints.)
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from fnmatch import fnmatchcase
from threading import Event
from typing import Any, Final, Generic, NamedTuple, TypeVar

from smartcard import scard

from hal.errors import HardwareError, NoAnswer
from hal.transport.threads import in_thread

T = TypeVar("T")

_SOCKET: Final = "PCSCLITE_CSOCK_NAME"
_TURN_MS: Final = 400
_AGAIN_S: Final = 0.4
_ALIVE_S: Final = 1.0
_STOPS_WITHIN_S: Final = 2.0

_HERE: Final = scard.SCARD_STATE_PRESENT
_GONE: Final = (
    scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE | scard.SCARD_STATE_IGNORE
)
_COUNTER_BIT: Final = 16
"""From here on pcsc-lite counts the cards that came and went."""


class Card:
    """A card in the field, for as long as the talk with it lasts."""

    def __init__(self, handle: Any, protocol: int) -> None:
        self._handle = handle
        self._protocol = protocol

    def transmit(self, command: bytes) -> bytes:
        """Return the card's answer; raise ``NoAnswer`` if it has gone."""
        pci = (
            scard.SCARD_PCI_T0
            if self._protocol == scard.SCARD_PROTOCOL_T0
            else scard.SCARD_PCI_T1
        )
        return bytes(_done(scard.SCardTransmit(self._handle, pci, [*command])))

    def escape(self, command: bytes) -> bytes:
        """Return the reader's own answer; raise ``NoAnswer`` if it takes none."""
        code = scard.SCARD_CTL_CODE(1)
        return bytes(_done(scard.SCardControl(self._handle, code, [*command])))


class _Sight(NamedTuple):
    """What the reader was like when it was looked at last."""

    state: int = scard.SCARD_STATE_UNAWARE

    def card_since(self, before: "_Sight") -> bool:
        """Return whether a card is here that was not before."""
        if not self.state & _HERE:
            return False
        same = self.state >> _COUNTER_BIT == before.state >> _COUNTER_BIT
        return not (before.state & _HERE and same)


class Reader(Generic[T]):
    """One reader, found by its name; its thread talks to each card that enters."""

    def __init__(
        self,
        name: str,
        talk: Callable[[Card], T],
        give: Callable[[T], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._name = name
        self._talk = talk
        self._give = give
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._thread: asyncio.Future[None] | None = None
        self._looked = asyncio.Event()
        self._over = Event()
        self._problem = "not looked for yet"
        self._seen_s = -_ALIVE_S
        self._context: Any = None

    def check(self) -> None:
        """Return if the reader is there; raise ``NoAnswer`` if it is not."""
        if self._thread is not None and self._thread.done():
            self._thread.result()
        if self._monotonic() - self._seen_s > _ALIVE_S:
            raise NoAnswer(
                f"reader {self._name}: {self._problem}; check its cable, its name, and "
                "that pcscd runs"
            )

    async def start(self) -> None:
        """Watch the reader, in a thread; return once it was looked for."""
        self._thread = in_thread(self._run, f"reader {self._name}")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ALIVE_S):
                await self._looked.wait()

    async def stop(self) -> None:
        """Let the thread end, and wait for it a little."""
        self._over.set()
        if self._context is not None:
            scard.SCardCancel(self._context)
        if self._thread is not None:
            await asyncio.wait({self._thread}, timeout=_STOPS_WITHIN_S)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with _context() as self._context:
                    self._watch()
            except HardwareError as error:
                self._problem = str(error)
                self._seen_s = -_ALIVE_S
                self._tell(self._looked.set)
                self._over.wait(_AGAIN_S)
            finally:
                self._context = None

    def _watch(self) -> None:
        name = self._find()
        # A card that lies there already did not enter now.
        sight = self._look(name, _Sight())
        while not self._over.is_set():
            self._seen_s = self._monotonic()
            self._tell(self._looked.set)
            before, sight = sight, self._look(name, sight)
            if sight.card_since(before):
                self._meet(name)

    def _find(self) -> str:
        names: list[str] = _done(scard.SCardListReaders(self._context, []))
        for name in names:
            if fnmatchcase(name.upper(), self._name.upper()):
                return name
        known = ", ".join(names) or "none"
        raise NoAnswer(f"no reader of that name; there are: {known}")

    def _look(self, name: str, before: _Sight) -> _Sight:
        result, states = scard.SCardGetStatusChange(
            self._context, _TURN_MS, [(name, before.state)]
        )
        if result in (scard.SCARD_E_TIMEOUT, scard.SCARD_E_CANCELLED):
            return before
        _check(result)
        state: int = states[0][1]
        if state & _GONE:
            raise NoAnswer("the reader was pulled")
        return _Sight(state & ~scard.SCARD_STATE_CHANGED)

    def _meet(self, name: str) -> None:
        try:
            with _connected(self._context, name) as card:
                result = self._talk(card)
        except HardwareError:
            return  # a card that was too quick, or has no number
        self._tell(self._give, result)

    def _tell(self, take: Callable[..., None], *what: T) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            self._loop.call_soon_threadsafe(take, *what)


@asynccontextmanager
async def open_reader(
    name: str,
    talk: Callable[[Card], T],
    give: Callable[[T], None],
    monotonic: Callable[[], float],
    socket: str = "",
) -> AsyncIterator[Reader[T]]:
    """Watch a reader, whether it is there yet or not.

    Args:
        name: Its name as PC/SC tells it; ``*`` and ``?`` stand for what is unknown.
        talk: What is said to each card that enters, in a thread.
        give: Gets what came of the talk, in the loop.
        monotonic: By which a reader that says nothing any more is known.
        socket: Of the PC/SC daemon, if it is not in its usual place. The library
            looks for it once in the life of a process.
    """
    if socket:
        os.environ[_SOCKET] = socket
    reader = Reader(name, talk, give, monotonic)
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


@contextmanager
def _context() -> Iterator[Any]:
    context = _done(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


@contextmanager
def _connected(context: Any, name: str) -> Iterator[Card]:
    result, handle, protocol = scard.SCardConnect(
        context,
        name,
        scard.SCARD_SHARE_SHARED,
        scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
    )
    _check(result)
    try:
        yield Card(handle, protocol)
    finally:
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)


def _done(answer: Any) -> Any:
    """Return what a function gives besides its result code."""
    result, given = answer
    _check(result)
    return given


def _check(result: int) -> None:
    if result != scard.SCARD_S_SUCCESS:
        raise NoAnswer(scard.SCardGetErrorMessage(result).rstrip(".").lower())
