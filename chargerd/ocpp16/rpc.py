"""OCPP-J for one identity over many connections: questions and answers paired.

One question of ours is under way at a time; whoever has several waits for
:attr:`Rpc.free` and decides then which is next. Feed received text to
:meth:`Rpc.receive`, send what :meth:`Rpc.frames` gives, and call
:meth:`Rpc.expire` when :meth:`Rpc.next_deadline_s` has come.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from chargerd.clock import Instant
from chargerd.ocpp16 import framing
from chargerd.ocpp16.errors import CallFailed, FormationViolation, GenericError
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import Json

REMEMBER: Final = 32
"""How many answers of ours, and how many overdue questions."""
REMEMBER_OVERDUE_S: Final = 600.0

_NO_ID: Final = "-1"
"""What other stations say where there is no id to answer to."""
_STILL_OPEN: Final = "a message id that is still being handled"
_REPLAY: Final = "replay: a message id that was answered, with another content"


@dataclass(frozen=True, slots=True)
class Question:
    """The CSMS asks something of us, well-formed enough to be answered."""

    id: str
    action: str
    payload: Any
    """An object; ``None`` stands for an empty one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that we ask the CSMS."""

    action: str
    payload: Json
    about: object
    """Whatever the asker wants to have back with the answer."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The CSMS answered our question."""

    asked: Asked
    payload: Json
    late: bool
    """The question had been given up already, as a :class:`Failed` told."""


class FailureKind(Enum):
    """Why a question has no answer."""

    ERROR = "error"  # a CALLERROR, or a CALLRESULT that is none
    TIMEOUT = "timeout"
    LINK = "link"  # the connection was lost


@dataclass(frozen=True, slots=True)
class Failed:
    """Our question will have no answer, unless a late one."""

    asked: Asked
    kind: FailureKind
    code: str
    """Of the CALLERROR, as the CSMS spells it; empty for the other kinds."""
    description: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """The CSMS sent what it should not; worth counting, otherwise dealt with."""

    reason: str
    concern: SecurityEventType | None = SecurityEventType.INVALID_MESSAGES
    """What it means to security; ``None``: nothing."""


Incoming = Question | Answered | Failed | Garbage


@dataclass(frozen=True, slots=True)
class _UnderWay:
    id: str
    asked: Asked
    within_s: float
    due_s: float


@dataclass(frozen=True, slots=True)
class _Open:
    question: Question
    content: int


@dataclass(frozen=True, slots=True)
class _Reply:
    content: int
    frame: str


@dataclass(frozen=True, slots=True)
class _Overdue:
    asked: Asked
    forget_s: float


@dataclass(slots=True)
class _Link:
    """All that belongs to one connection, and is forgotten with it."""

    under_way: _UnderWay | None = None
    call: str | None = None
    answers: list[str] = field(default_factory=list)
    open: dict[str, _Open] = field(default_factory=dict)
    replies: dict[str, _Reply] = field(default_factory=dict)
    overdue: dict[str, _Overdue] = field(default_factory=dict)


class Rpc:
    """The framing, seen from the charge point."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """Start without a connection.

        Args:
            new_id: Makes a message id that no earlier question ever had.
        """
        self.is_open = False
        self._new_id = new_id
        self._link = _Link()

    def open(self) -> None:
        """A connection is there."""
        self._link = _Link()
        self.is_open = True

    def close(self) -> Failed | None:
        """The connection is lost, and all that belonged to it.

        Returns:
            The question that was under way, as failed.
        """
        lost = self._link.under_way
        self._link = _Link()
        self.is_open = False
        if lost is None:
            return None
        return Failed(lost.asked, FailureKind.LINK, "", "the connection was lost")

    @property
    def free(self) -> bool:
        """Whether a question can be asked now."""
        return self.is_open and self._link.under_way is None

    def ask(self, asked: Asked, now: Instant, within_s: float) -> None:
        """Put a question under way, to be given up ``within_s`` from now."""
        if not self.free:
            raise RuntimeError(f"{asked.action}: not free to ask; look at Rpc.free")
        id = self._new_id()
        self._link.call = framing.call(id, asked.action, asked.payload)
        due_s = now.monotonic_s + within_s
        self._link.under_way = _UnderWay(id, asked, within_s, due_s)

    def receive(
        self, frame: str | bytes, now: Instant, *, answer_unreadable: bool = False
    ) -> Incoming | None:
        """Take one WebSocket message; ``None`` means that nobody need know of it.

        Args:
            frame: What was received.
            now: The present moment.
            answer_unreadable: Whether a message without a usable id gets an answer.
        """
        if not self.is_open:
            return None
        heard = framing.parse(frame)
        match heard:
            case framing.Call(id, action, payload):
                return self._asked(Question(id, action, payload))
            case framing.Result():
                return self._result(heard, now)
            case framing.Error():
                return self._error(heard, now)
        if heard.id is None:
            if answer_unreadable and heard.reason != framing.UNKNOWN_TYPE:
                self._reject(_NO_ID, FormationViolation(heard.reason))
            return Garbage(heard.reason)
        return self._reject(heard.id, heard.error(heard.reason))

    def answer(self, question: Question, payload: Json) -> None:
        """Answer a question of the CSMS."""
        self._reply(question, framing.result(question.id, payload))

    def refuse(self, question: Question, error: CallFailed) -> None:
        """Answer a question of the CSMS with an error."""
        self._reply(question, framing.error(question.id, error.code, str(error)))

    def ignore(self, question: Question) -> None:
        """Never answer a question of the CSMS."""
        if self._is_open_question(question):
            del self._link.open[question.id]

    def expire(self, now: Instant) -> Failed | None:
        """Give up the question under way if its time is over."""
        under_way = self._link.under_way
        if under_way is None or now.monotonic_s < under_way.due_s:
            return None
        asked = self._settle(under_way)
        overdue = _Overdue(asked, now.monotonic_s + REMEMBER_OVERDUE_S)
        _remember(self._link.overdue, under_way.id, overdue)
        text = f"no answer within {under_way.within_s:g} s"
        return Failed(asked, FailureKind.TIMEOUT, "", text)

    def next_deadline_s(self) -> float | None:
        """Return when the question under way becomes overdue."""
        return self._link.under_way.due_s if self._link.under_way else None

    def frames(self) -> tuple[str, ...]:
        """Take out what is to be sent: our answers, and our question behind them.

        What a question triggers must not overtake its answer (OCPP 1.6 sections
        5.11 and 5.17).
        """
        link = self._link
        questions = [] if link.call is None else [link.call]
        out = (*link.answers, *questions)
        link.answers, link.call = [], None
        return out

    def _asked(self, question: Question) -> Question | Garbage | None:
        if question.id in self._link.open:
            return self._reject(question.id, GenericError(_STILL_OPEN))
        content = _content(question)
        reply = self._link.replies.get(question.id)
        if reply is None:
            self._link.open[question.id] = _Open(question, content)
            return question
        if reply.content == content:
            self._link.answers.append(reply.frame)
            return None
        self._reject(question.id, GenericError(_REPLAY))
        return Garbage(_REPLAY, SecurityEventType.REPLAY)

    def _reject(self, id: str, error: CallFailed) -> Garbage:
        self._link.answers.append(framing.error(id, error.code, str(error)))
        return Garbage(str(error))

    def _reply(self, question: Question, frame: str) -> None:
        if not self._is_open_question(question):
            return  # it came over a connection that is lost
        content = self._link.open.pop(question.id).content
        self._link.answers.append(frame)
        _remember(self._link.replies, question.id, _Reply(content, frame))

    def _is_open_question(self, question: Question) -> bool:
        found = self._link.open.get(question.id)
        return found is not None and found.question is question

    def _result(self, result: framing.Result, now: Instant) -> Incoming:
        late = self._overdue(result.id, now)
        asked = late or self._answered(result.id)
        if asked is None:
            return Garbage("an answer to nothing that was asked", None)
        if result.flaw is None:
            return Answered(asked, result.payload, late is not None)
        if late:
            return Garbage(result.flaw)
        code = FormationViolation.code
        return Failed(asked, FailureKind.ERROR, code, result.flaw)

    def _error(self, error: framing.Error, now: Instant) -> Failed | Garbage | None:
        if self._overdue(error.id, now):
            return None
        asked = self._answered(error.id)
        if asked is None:
            return Garbage("an error to nothing that was asked", None)
        return Failed(asked, FailureKind.ERROR, error.code, error.description)

    def _overdue(self, id: str, now: Instant) -> Asked | None:
        overdue = self._link.overdue.pop(id, None)
        if overdue is None or now.monotonic_s >= overdue.forget_s:
            return None
        return overdue.asked

    def _answered(self, id: str) -> Asked | None:
        under_way = self._link.under_way
        if under_way is None or under_way.id != id:
            return None
        return self._settle(under_way)

    def _settle(self, under_way: _UnderWay) -> Asked:
        self._link.under_way = None
        self._link.call = None  # if it was never sent, it need not be
        return under_way.asked


def _remember(memory: dict[str, Any], id: str, thing: object) -> None:
    memory[id] = thing
    if len(memory) > REMEMBER:
        del memory[next(iter(memory))]


def _content(question: Question) -> int:
    """Return what tells a repeated question from another one under the same id."""
    return hash(json.dumps([question.action, question.payload], sort_keys=True))
