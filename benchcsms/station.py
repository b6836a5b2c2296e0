"""One connection of a station: what it asks and answers, and what we ask it."""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from benchcsms import checks, frames
from benchcsms.answers import Answers
from benchcsms.books import Books
from benchcsms.certifier import Certifier
from benchcsms.dialogue import RECEIVED, SENT, Dialogue
from benchcsms.frames import Frame
from benchcsms.keyring import Keyring
from benchcsms.script import Reply, Script
from benchcsms.settings import Json, NotDone

_GIVEN_UP_S: Final = 0.9
"""No MessageTimeout is shorter than 1 s; after it a station may ask again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a station answered to a CALL of ours."""

    payload: Json | None
    """``None`` if it was a CALLERROR."""
    code: str
    """Of the CALLERROR; empty if it was a CALLRESULT."""
    description: str
    took_ms: float
    """From just before the CALL was sent until the answer was there."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What all stations of a bench share."""

    dialogue: Dialogue
    answers: Answers
    certifier: Certifier
    keyring: Keyring
    script: Script
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Question:
    action: str
    payload: Json = field(repr=False)
    answer: asyncio.Future[tuple[Frame, float]] | None
    """The answer and the monotonic second it came; nobody waits for a raw CALL's."""


class Station:
    """One station for the length of one connection."""

    def __init__(self, books: Books, connection: ServerConnection, desk: Desk) -> None:
        self.books = books
        self._connection = connection
        self._desk = desk
        self._turn = asyncio.Lock()  # one CALL of ours at a time, as OCPP wants it
        self._asked: dict[str, deque[_Question]] = {}
        self._unanswered: dict[str, float] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve the station until its connection ends."""
        try:
            with suppress(ConnectionClosed):
                while True:
                    self._take(await self._connection.recv())
        finally:
            for task in self._answering:
                task.cancel()
            for question in (q for queue in self._asked.values() for q in queue):
                if question.answer is not None:
                    question.answer.cancel()

    async def call(self, action: str, payload: Json, timeout_s: float) -> Answer:
        """Ask the station; an answer that does not come is ``NotDone``."""
        asked = frames.call(str(uuid4()), action, payload)
        answer: asyncio.Future[tuple[Frame, float]] = asyncio.Future()
        async with self._turn:
            self._ask(asked.id, _Question(action, payload, answer))
            start_s = self._desk.monotonic()
            await self._send(asked)
            done, _ = await asyncio.wait((answer,), timeout=timeout_s)
        who = f"call: {self.books.identity}: {action}"
        if not done:
            raise NotDone(f"{who}: no answer within {timeout_s:g} s")
        if answer.cancelled():
            raise NotDone(f"{who}: the connection ended before the answer")
        frame, end_s = answer.result()
        if frame.flaw:
            raise NotDone(f"{who}: the answer is {frame.flaw}")
        return _answer(frame, (end_s - start_s) * 1000)

    async def send_raw(self, message: str | bytes) -> None:
        """Send a message as it is."""
        frame = frames.parse(message)
        if frame.type == frames.CALL:
            self._ask(frame.id, _Question(frame.action, frame.payload or {}, None))
        await self._send(frame, message)

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection as WebSockets end."""
        await self._connection.close(code, reason)

    def drop(self) -> None:
        """Reset the TCP connection, without a word."""
        transport = self._connection.transport
        at_once = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, at_once
        )
        transport.abort()

    def _ask(self, id: str, question: _Question) -> None:
        self._asked.setdefault(id, deque()).append(question)

    async def _send(self, frame: Frame, message: str | bytes | None = None) -> None:
        if self._connection.state is not State.OPEN:
            raise NotDone(f"{self.books.identity}: the connection has ended")
        self._desk.dialogue.frame(SENT, self.books.identity, frame)
        words = frames.dump(frame) if message is None else message
        with suppress(ConnectionClosed):  # whoever waits for an answer will hear
            await self._connection.send(words)

    def _take(self, message: str | bytes) -> None:
        now_s = self._desk.monotonic()
        frame = frames.parse(message)
        question = None
        if frame.type in (frames.CALLRESULT, frames.CALLERROR):
            question = self._answered(frame.id)
        if question is not None:
            frame = replace(frame, action=question.action)
        number = self._desk.dialogue.frame(RECEIVED, self.books.identity, frame)
        if frame.type == frames.CALL:
            self._take_call(frame, number, now_s)
        elif question is None:
            self._blame(number, frame.flaw or f"answers {frame.id!r}: nobody asked it")
        else:
            self._take_answer(question, frame, number, now_s)

    def _take_answer(
        self, question: _Question, frame: Frame, number: int, now_s: float
    ) -> None:
        self._desk.keyring.answered(
            self.books.identity, question.action, question.payload, frame.payload or {}
        )
        if question.answer is not None and not question.answer.done():
            question.answer.set_result((frame, now_s))
        for flaw in checks.of_answer(frame):
            self._blame(number, f"{frame.action}: {flaw}")

    def _answered(self, id: str) -> _Question | None:
        """Take the oldest question that this id is an answer to."""
        questions = self._asked.get(id)
        if not questions:
            return None
        question = questions.popleft()
        if not questions:
            del self._asked[id]
        return question

    def _take_call(self, call: Frame, number: int, now_s: float) -> None:
        payload = call.payload or {}
        breach = checks.of_call(call)
        if breach is not None:
            self._blame(number, breach.text)
        if not self.books.is_new(call.id, call.action, payload):
            self._blame(number, f"{call.action}: the id {call.id} was used before")
        if any(now_s - asked_s < _GIVEN_UP_S for asked_s in self._unanswered.values()):
            self._blame(number, f"{call.action}: asked before the last had its answer")
        self._unanswered[call.id] = now_s
        if breach is None:
            self.books.receive(call.action, payload)
            reply = self._desk.script.next(self.books.identity, call.action)
        else:
            reply = Reply(error=(breach.code, breach.text))
        # a task, so that all that has arrived is read before the first is answered
        task = asyncio.create_task(self._reply(call, reply))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _blame(self, number: int, text: str) -> None:
        self.books.violations.append(f"frame {number}: {text}")

    async def _reply(self, call: Frame, reply: Reply) -> None:
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.drop:
            self.drop()
        elif not reply.silence:
            self._unanswered.pop(call.id, None)
            said, raw = self._words(call, reply)
            with suppress(NotDone):  # it left before it had its answer
                await self._send(said, raw)
                self._desk.certifier.answered(self.books.identity, call, said)

    def _words(self, call: Frame, reply: Reply) -> tuple[Frame, str | bytes | None]:
        if reply.raw is not None:
            raw = reply.raw
            if isinstance(raw, str):
                raw = raw.replace("{id}", call.id)
            return replace(frames.parse(raw), action=call.action), raw
        if reply.error is not None:
            return frames.error(call.id, call.action, *reply.error), None
        asked = call.payload or {}
        payload = reply.result
        if payload is None:
            friendly = self._desk.answers.friendly(self.books, call.action, asked)
            payload = friendly | reply.change
        self.books.answered(call.action, asked, payload)
        return frames.result(call.id, call.action, payload), None


def _answer(frame: Frame, took_ms: float) -> Answer:
    said = frame.payload or {}
    if frame.type == frames.CALLERROR:
        return Answer(None, said["code"], said["description"], took_ms)
    return Answer(said, "", "", took_ms)
