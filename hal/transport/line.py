"""Question and answer on a line that several devices share.

One exchange at a time, the most urgent first, and among equals whoever was served
longest ago. A device that was silent rests before it is asked again, so that nobody
waits for the dead, and so that what it answers late is not taken for the answer to
the next question.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.resources import Place
from hal.transport.rank import Rank
from hal.transport.serial import Port, SerialSettings, open_port

Cut = Callable[[bytes], bytes | None]
"""Finds the answer in all that was heard since the question, without the echo.

It returns the whole answer, or ``None`` while more must come, or raises ``BadAnswer``
for what can never become one.
"""

_SILENT_BYTES: Final = 3.5
"""The silence between two frames of Modbus RTU; others need less."""
_LEAST_GAP_S: Final = 0.005
"""Adapters need as long to turn from sending to hearing."""
_RESTS: Final = 3.0
"""How many times its own limit a silent device rests."""
_LONGEST_REST_S: Final = 0.8
_BABBLE_S: Final = 0.3
"""So long a device may talk unasked before the next question is sent regardless."""
_LONGEST_WAIT_S: Final = 1.0
"""No question waits longer for its turn: ``read`` may be silent for a second."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom, and how its answer is known."""

    request: bytes
    cut: Cut
    device: Hashable
    """Who answers; the address on the line will do."""
    within_s: float
    rank: Rank = Rank.ROUTINE


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    question: Question
    answer: "asyncio.Future[bytes]"
    since_s: float

    def fail(self, error: HardwareError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Line:
    """The only one to speak on its port."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._gap_s = max(_LEAST_GAP_S, _SILENT_BYTES * port.settings.byte_s)
        self._asked: list[_Asked] = []
        self._came = asyncio.Event()
        self._rests_until_s: dict[Hashable, float] = {}
        self._served: dict[Hashable, int] = {}
        self._turn = 0
        self._question: Question | None = None
        self._heard = bytearray()
        self._heard_s = 0.0
        self._outcome: asyncio.Future[bytes] | None = None

    async def ask(self, question: Question) -> bytes:
        """Return the answer; the exchange ends by itself if the caller gives up.

        Raises:
            NoAnswer: The device is silent, the port gone, or the line too busy.
            BadAnswer: What came can never become an answer.
        """
        asked = _Asked(question, self._loop.create_future(), self._loop.time())
        self._asked.append(asked)
        self._came.set()
        return await asked.answer

    async def run(self) -> None:
        """Serve the questions, for ever."""
        with self._port.listen(self._hear, lost=self._lose):
            while True:
                asked = await self._next()
                try:
                    answer = await self._exchange(asked.question)
                except HardwareError as error:
                    asked.fail(error)
                else:
                    if not asked.answer.done():
                        asked.answer.set_result(answer)
                await self._quiet()

    async def _next(self) -> _Asked:
        while True:
            now_s = self._loop.time()
            self._drop(now_s)
            ready = [each for each in self._asked if self._rest_s(each) <= now_s]
            if ready:
                asked = min(ready, key=self._urgency)
                self._asked.remove(asked)
                self._turn += 1
                self._served[asked.question.device] = self._turn
                return asked
            wakes = [self._rest_s(each) - now_s for each in self._asked]
            self._came.clear()
            timer = self._loop.call_later(min(wakes), self._came.set) if wakes else None
            try:
                await self._came.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    def _drop(self, now_s: float) -> None:
        for each in self._asked:
            if now_s - each.since_s > _LONGEST_WAIT_S:
                each.fail(
                    NoAnswer(
                        f"{self._port.settings.port}: too busy to ask "
                        f"{each.question.device} within {_LONGEST_WAIT_S:.0f} s; put "
                        "fewer devices on the line"
                    )
                )
        self._asked = [each for each in self._asked if not each.answer.done()]

    def _rest_s(self, asked: _Asked) -> float:
        return self._rests_until_s.get(asked.question.device, 0.0)

    def _urgency(self, asked: _Asked) -> tuple[Rank, int]:
        question = asked.question
        return question.rank, self._served.get(question.device, 0)

    async def _exchange(self, question: Question) -> bytes:
        self._heard.clear()
        self._question = question
        self._outcome = self._loop.create_future()
        timer = self._loop.call_later(question.within_s, self._time_out)
        try:
            self._port.write(question.request)
            return await self._outcome
        finally:
            timer.cancel()
            self._question = self._outcome = None

    def _hear(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        if self._question is None:
            return  # late, or noise: nobody has asked
        self._heard += data
        try:
            answer = self._cut(self._question)
        except BadAnswer as error:
            self._end(error)
        else:
            if answer is not None:
                self._end(answer)

    def _cut(self, question: Question) -> bytes | None:
        heard = bytes(self._heard)
        if self._port.settings.echo:
            sent = question.request
            if heard[: len(sent)] != sent[: len(heard)]:
                raise BadAnswer(
                    f"{self._port.settings.port}: the echo is not what was sent; "
                    "check for two masters on the line, or switch echo off"
                )
            heard = heard[len(sent) :]
        return question.cut(heard) if heard else None

    def _time_out(self) -> None:
        question = self._question
        assert question is not None
        rest_s = min(_RESTS * question.within_s, _LONGEST_REST_S)
        self._rests_until_s[question.device] = self._loop.time() + rest_s
        where = f"{self._port.settings.port}: {question.device}"
        echoed = len(question.request) if self._port.settings.echo else 0
        if len(self._heard) > echoed:
            count = len(self._heard) - echoed
            self._end(BadAnswer(f"{where}: {count} bytes are no answer"))
        else:
            limit_ms = question.within_s * 1000
            self._end(NoAnswer(f"{where}: no answer in {limit_ms:.0f} ms"))

    def _lose(self) -> None:
        self._end(NoAnswer(f"{self._port.settings.port}: the port is gone"))

    def _end(self, outcome: bytes | HardwareError) -> None:
        if self._outcome is None or self._outcome.done():
            return
        if isinstance(outcome, bytes):
            self._outcome.set_result(outcome)
        else:
            self._outcome.set_exception(outcome)

    async def _quiet(self) -> None:
        """Wait until the line has been silent for as long as frames must be apart."""
        self._heard_s = self._loop.time()
        limit_s = self._heard_s + _BABBLE_S
        while True:
            now_s = self._loop.time()
            wait_s = min(self._heard_s + self._gap_s, limit_s) - now_s
            if wait_s <= 0:
                return
            await asyncio.sleep(wait_s)


async def open_line(settings: SerialSettings, place: Place) -> Line:
    """Return the line, opened by the first device that asks.

    Raises:
        HardwareError: Its port cannot be opened, or is open with other settings.
    """
    port = await open_port(settings, place)
    return await place.resources.share(("line", settings.port), lambda: _served(port))


@asynccontextmanager
async def _served(port: Port) -> AsyncIterator[Line]:
    line = Line(port)
    server = asyncio.create_task(line.run(), name=f"line {port.settings.port}")
    try:
        yield line
    finally:
        server.cancel()
        await asyncio.wait({server})
