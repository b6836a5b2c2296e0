"""The twin of a GPIO chip: a server on a Unix socket, and the board behind it.

The board drives the inputs (``drive``) and feels the outputs (``feel``). As on a real
chip a line belongs to one consumer; an output that was released, or whose consumer
has died, goes back to what the board drives there, which is low at first.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hal.errors import BadAnswer
from hal.wire.gpio_chip import LONGEST, Word, bit, decode, encode, level

Feel = Callable[[bool], None]


@dataclass(eq=False, slots=True)
class _Line:
    """One line of the chip."""

    names: tuple[str, ...]
    high: bool = False
    driven_high: bool = False
    is_output: bool = False
    consumer: "_Consumer | None" = None
    called: str = ""
    """By which of its names the consumer took it."""
    feels: list[Feel] = field(default_factory=list)


class GpioChip:
    """A chip whose lines are numbered from 0 and may have names besides."""

    def __init__(self, lines: int = 32, names: Mapping[int, str] | None = None) -> None:
        named = names or {}
        self._lines: dict[str, _Line] = {}
        self._connected: set[asyncio.StreamWriter] = set()
        self._pulled = False
        for number in range(lines):
            known = (str(number), *filter(None, [named.get(number)]))
            self._lines |= dict.fromkeys(known, _Line(known))

    def drive(self, name: str, high: bool) -> None:
        """Put a level on a line; an output of the chip is stronger."""
        line = self._lines[name]
        line.driven_high = high
        if not line.is_output:
            _turn(line, high)

    def feel(self, name: str, take: Feel) -> None:
        """Call ``take`` with the level of a line, now and after every change."""
        line = self._lines[name]
        line.feels.append(take)
        take(line.high)

    def is_high(self, name: str) -> bool:
        """Return the level of a line."""
        return self._lines[name].high

    def find(self, name: str) -> _Line | None:
        """Return a line by its number or its name."""
        return self._lines.get(name)

    def release(self, consumer: "_Consumer", *names: str) -> None:
        """Take back these lines of a consumer, or all; its outputs fall."""
        for line in set(self._lines.values()):
            if line.consumer is consumer and (not names or line.called in names):
                line.consumer, line.called, line.is_output = None, "", False
                _turn(line, line.driven_high)

    @asynccontextmanager
    async def listening(self, path: str | Path) -> AsyncIterator[None]:
        """Serve at the path of a socket; whoever is connected is cut off at the end."""
        self.put_back()
        Path(path).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path, limit=LONGEST)
        try:
            yield
        finally:
            server.close()
            self.pull()
            Path(path).unlink(missing_ok=True)

    def pull(self) -> None:
        """Be gone: who is connected is cut off, and so is whoever dials."""
        self._pulled = True
        for writer in self._connected:
            writer.transport.abort()

    def put_back(self) -> None:
        """Be there again, with every output off."""
        self._pulled = False

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connected.add(writer)
        if self._pulled:
            writer.transport.abort()
        try:
            await _Consumer(self, writer).serve(reader)
        finally:
            self._connected.discard(writer)
            writer.close()


class _Consumer:
    """One connection, and what it may do with the lines."""

    def __init__(self, chip: GpioChip, writer: asyncio.StreamWriter) -> None:
        self._chip = chip
        self._writer = writer

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Do what is asked until the connection ends, or asks what nobody asks."""
        try:
            with suppress(OSError, ValueError, BadAnswer):
                while text := await reader.readline():
                    self._obey(decode(text))
        finally:
            self._chip.release(self)

    def tell(self, line: _Line) -> None:
        """Tell the level of a line."""
        self._writer.write(encode(Word("at", line.called, bit(line.high))))

    def _obey(self, word: Word) -> None:
        line = self._chip.find(word.line)
        if line is None:
            self._refuse(word, "the chip has no such line")
        elif word.verb in ("input", "output"):
            self._take(line, word)
        elif line.consumer is not self:
            self._refuse(word, "the line was not taken")
        elif word.verb == "free":
            self._chip.release(self, line.called)
        elif word.verb == "set" and line.is_output:
            _turn(line, level(word.rest))
        else:
            self._refuse(word, "the line is an input")

    def _take(self, line: _Line, word: Word) -> None:
        if line.consumer is not None:
            self._refuse(word, "somebody else has it")
            return
        high = level(word.rest) if word.verb == "output" else line.driven_high
        line.consumer, line.called = self, word.line
        line.is_output = word.verb == "output"
        if line.high is high:
            self.tell(line)
        else:
            _turn(line, high)

    def _refuse(self, word: Word, reason: str) -> None:
        self._writer.write(encode(Word("no", word.line, reason)))


def _turn(line: _Line, high: bool) -> None:
    if line.high is high:
        return
    line.high = high
    if line.consumer is not None:
        line.consumer.tell(line)
    for feel in tuple(line.feels):
        feel(high)
