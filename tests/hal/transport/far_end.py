"""The far end of a line, played by a test."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hal.errors import BadAnswer
from hal.resources import Place, Resources
from hal.simulation.ports import PseudoTerminal
from hal.transport.line import Line, Question, open_line
from hal.transport.rank import Rank
from hal.transport.serial import SerialSettings

ANSWER_S = 0.05


class FarEnd:
    """Hears whole questions of three bytes: device, number, end."""

    def __init__(self, path: Path, answers: Callable[[bytes], bytes]) -> None:
        self.asked: list[bytes] = []
        self.terminal = PseudoTerminal(path, self._hear)
        self._answers = answers
        self._rest = b""

    def _hear(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 3:
            question, self._rest = self._rest[:3], self._rest[3:]
            self.asked.append(question)
            self.terminal.send(self._answers(question))

    async def heard(self, count: int) -> None:
        while len(self.asked) < count:
            await asyncio.sleep(0.001)


def cut(heard: bytes) -> bytes | None:
    """An answer is four bytes and ends with an exclamation mark."""
    if len(heard) < 4:
        return None
    if heard[3:4] != b"!":
        raise BadAnswer("no exclamation mark")
    return heard[:4]


def question(name: bytes, rank: Rank = Rank.ROUTINE) -> Question:
    return Question(name, cut, name[:1], ANSWER_S, rank)


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    async with Resources(time.monotonic) as resources:
        yield Place(1, resources)


@asynccontextmanager
async def line(
    tmp_path: Path, answers: Callable[[bytes], bytes], *, echo: bool = False
) -> AsyncIterator[tuple[Line, FarEnd]]:
    far = FarEnd(tmp_path / "port", answers)
    try:
        async with place() as here:
            settings = SerialSettings(str(far.terminal.path), 115_200, echo=echo)
            yield await open_line(settings, here), far
    finally:
        far.terminal.close()
