"""A simulated GPIO chip as a driver reaches it: through a Unix socket.

It is dialed again by itself when it went away. Its lines say ``NoAnswer`` meanwhile;
its outputs are off when it is back, as those of a released line are.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
)
from typing import Final

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.transport.pins import Pin
from hal.transport.watchers import Take, Watchers
from hal.wire.gpio_chip import LONGEST, Word, bit, decode, encode, level

_ANSWERS_WITHIN_S: Final = 1.0
_DIAL_AGAIN_S: Final = 0.2


@asynccontextmanager
async def socket_pins(path: str) -> AsyncIterator["SocketPins"]:
    """Dial the chip at a path, and keep the connection up.

    Raises:
        NoAnswer: Nobody listens there.
    """
    pins = SocketPins(path)
    streams = await pins.dial()
    keeper = asyncio.create_task(pins.keep(*streams), name=f"gpio {path}")
    try:
        yield pins
    finally:
        keeper.cancel()
        await asyncio.wait({keeper})


class SocketPins:
    """The connection, and the lines that are taken through it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._writer: asyncio.StreamWriter | None = None
        self._taken: dict[str, SocketPin] = {}

    def input(self, name: str, bias: str) -> AbstractAsyncContextManager[Pin]:
        """Implement :class:`hal.transport.pins.Pins`."""
        return self._take(Word("input", name, bias))

    def output(self, name: str, high: bool) -> AbstractAsyncContextManager[Pin]:
        """Implement :class:`hal.transport.pins.Pins`."""
        return self._take(Word("output", name, bit(high)))

    @asynccontextmanager
    async def _take(self, request: Word) -> AsyncIterator[Pin]:
        name = request.line
        if name in self._taken:
            raise HardwareError(f"{self.path} line {name}: another device has it")
        pin = self._taken[name] = SocketPin(self, request)
        try:
            self.say(request)
            await pin.answered()
            yield pin
        finally:
            del self._taken[name]
            if self._writer is not None:
                self.say(Word("free", name))

    def say(self, word: Word) -> None:
        """Send a word."""
        if self._writer is None or self._writer.is_closing():
            raise self.gone()
        self._writer.write(encode(word))

    def gone(self) -> NoAnswer:
        """Return what is raised while there is no chip."""
        return NoAnswer(f"{self.path}: no chip listens there; start the simulation")

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect once; raise ``NoAnswer`` if nobody listens."""
        try:
            streams = await asyncio.open_unix_connection(self.path, limit=LONGEST)
        except OSError as error:
            raise self.gone() from error
        self._writer = streams[1]
        return streams

    async def keep(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hear what the chip says, and dial again whenever it went away."""
        while True:
            try:
                await self._hear(reader)
            finally:
                self._writer = None
                writer.close()
            for pin in tuple(self._taken.values()):
                pin.lose()
            reader, writer = await self._dial_again()
            for pin in self._taken.values():
                writer.write(encode(pin.request))

    async def _dial_again(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            await asyncio.sleep(_DIAL_AGAIN_S)
            try:
                return await self.dial()
            except NoAnswer:
                continue

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        """Take words until the connection ends, or says what no chip says."""
        try:
            while text := await reader.readline():
                word = decode(text)
                pin = self._taken.get(word.line)
                if pin is not None:
                    pin.told(word)
        except (OSError, ValueError, BadAnswer):
            return


class SocketPin:
    """Implements :class:`hal.transport.pins.Pin` on what the chip has told."""

    def __init__(self, chip: SocketPins, request: Word) -> None:
        self.request = request
        self._chip = chip
        self._high: bool | None = None
        self._refusal: str | None = None
        self._watchers = Watchers()

    def read(self) -> bool:
        """Return whether the line is high, as the chip told last."""
        if self._high is None:
            raise self._chip.gone()
        return self._high

    def write(self, high: bool) -> None:
        """Drive the line."""
        self._chip.say(Word("set", self.request.line, bit(high)))

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` after every edge."""
        return self._watchers.watch(take)

    async def answered(self) -> None:
        """Return once the line is ours; raise ``HardwareError`` if it is refused."""
        heard = asyncio.Event()
        where = f"{self._chip.path} line {self.request.line}"
        with self._watchers.watch(heard.set):
            try:
                async with asyncio.timeout(_ANSWERS_WITHIN_S):
                    await heard.wait()
            except TimeoutError as error:
                raise NoAnswer(
                    f"{where}: no answer in {_ANSWERS_WITHIN_S} s; is it a chip?"
                ) from error
        if self._refusal is not None:
            raise HardwareError(f"{where}: {self._refusal}")
        self.read()

    def told(self, word: Word) -> None:
        """Take what the chip says of this line."""
        if word.verb == "at":
            self._high = level(word.rest)
        else:
            self._refusal = word.rest
        self._watchers.tell()

    def lose(self) -> None:
        """Take it that the chip is gone."""
        self._high = None
        self._watchers.tell()
