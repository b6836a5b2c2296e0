"""OCPP-J frames, as text and as values. Whatever text comes in, nothing raises."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chargerd.ocpp16.errors import (
    CallFailed,
    FormationViolation,
    GenericError,
    OccurenceConstraintViolation,
)
from chargerd.ocpp16.wire import Json

CALL, CALLRESULT, CALLERROR = 2, 3, 4

LONGEST_ID: Final = 36
LONGEST_DESCRIPTION: Final = 255
LONGEST_FRAME: Final = 1 << 21
"""A list of 10,000 id tags with all that can be said of them has 1.5 MB."""
DEEPEST: Final = 32
MOST_VALUES: Final = 20_000
"""A list of 1,000 id tags has up to 11,000; far beyond, checking blocks the loop."""

UNKNOWN_TYPE: Final = "an unknown message type"
"""Such a message is ignored (OCPP-J 1.6 section 4.1.3)."""

_MOST_DIGITS: Final = 25
_TOO_DEEP: Final = f"nested deeper than {DEEPEST} levels"
_TOO_MANY: Final = f"more than {MOST_VALUES} values"
_HEAD: Final = re.compile(
    r'\s*\[\s*([234])\s*,\s*"([^"\\\x00-\x1f\ud800-\udfff]{1,36})"\s*,'
)


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody asks something of us."""

    id: str
    action: str
    payload: Json | None


@dataclass(frozen=True, slots=True)
class Result:
    """Somebody answers us."""

    id: str
    payload: Json
    flaw: str | None = None
    """Why the payload could not be taken."""


@dataclass(frozen=True, slots=True)
class Error:
    """Somebody refuses us an answer."""

    id: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Nothing that OCPP-J knows."""

    reason: str
    id: str | None = None
    """Of a CALL that can still be answered with a CALLERROR."""
    error: type[CallFailed] = FormationViolation
    """With which one."""


Frame = Call | Result | Error | Malformed


def call(id: str, action: str, payload: Json) -> str:
    """Return the frame that asks."""
    return _dumped([CALL, id, action, payload])


def result(id: str, payload: Json) -> str:
    """Return the frame that answers."""
    return _dumped([CALLRESULT, id, payload])


def error(id: str, code: str, description: str) -> str:
    """Return the frame that refuses an answer."""
    return _dumped([CALLERROR, id, code, description[:LONGEST_DESCRIPTION], {}])


def parse(frame: str | bytes) -> Frame:
    """Return what one WebSocket message says."""
    if isinstance(frame, bytes):
        return Malformed("a binary frame")
    if len(frame) > LONGEST_FRAME:
        return _unread(frame, f"longer than {LONGEST_FRAME} characters")
    flaws: list[str] = []
    try:
        content = _loaded(frame, flaws)
    except RecursionError:
        return _unread(frame, _TOO_DEEP)
    except ValueError:
        return Malformed("not JSON")
    match content:
        case [int(kind), str(id), *rest] if kind in _READERS and id and _is_text(id):
            flaw = flaws[0] if flaws else _flaw(rest)
            return _READERS[kind](id, rest, flaw)
        case [int(kind), *_] if kind in _READERS:
            return Malformed("no usable message id")
        case [_, *_]:
            return Malformed(UNKNOWN_TYPE)
    return Malformed("not a list that begins with a message type")


def _dumped(frame: list[Any]) -> str:
    return json.dumps(frame, separators=(",", ":"), allow_nan=False)


def _unread(frame: str, flaw: str) -> Frame:
    """Find out from its first characters what a frame would have been."""
    head = _HEAD.match(frame)
    if head is None:
        return Malformed(flaw)
    return _READERS[int(head[1])](head[2], [], flaw)


def _loaded(frame: str, flaws: list[str]) -> Any:
    """Read JSON; what is legal there but no use to us goes into ``flaws``."""

    def pairs(found: list[tuple[str, Any]]) -> Json:
        fields = dict(found)
        if len(fields) < len(found):
            flaws.append("a field occurs twice in one object")
        return fields

    def whole(digits: str) -> int:
        if len(digits) <= _MOST_DIGITS:
            return int(digits)
        flaws.append(f"a number of more than {_MOST_DIGITS} digits")
        return 0

    def fraction(digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            flaws.append("a number too large for any computer")
        return number

    def constant(name: str) -> None:
        flaws.append(f"{name} is not JSON")

    return json.loads(
        frame,
        object_pairs_hook=pairs,
        parse_int=whole,
        parse_float=fraction,
        parse_constant=constant,
    )


def _flaw(rest: list[Any]) -> str | None:
    """Return why the content could hurt somebody later."""
    level, values = rest, 0
    for _ in range(DEEPEST):
        values += len(level)
        if values > MOST_VALUES:
            return _TOO_MANY
        if not _is_text("".join(value for value in level if isinstance(value, str))):
            return "a text with U+0000 or half a surrogate pair"
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return None
    return _TOO_DEEP


def _inside(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


def _is_text(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _call(id: str, rest: list[Any], flaw: str | None) -> Frame:
    if len(id) > LONGEST_ID:
        return Malformed(f"a message id longer than {LONGEST_ID} characters", id)
    match rest:
        case [str(action), dict() | None as payload] if flaw is None:
            return Call(id, action, payload)
    error = OccurenceConstraintViolation if flaw == _TOO_MANY else FormationViolation
    return Malformed(flaw or 'not [2, "id", "Action", {payload}]', id, error)


def _result(id: str, rest: list[Any], flaw: str | None) -> Frame:
    match rest:
        case [dict() | None as payload] if flaw is None:
            return Result(id, payload or {})
    return Result(id, {}, flaw or 'not [3, "id", {payload}]')


def _error(id: str, rest: list[Any], flaw: str | None) -> Frame:
    if flaw is not None:
        return Error(id, FormationViolation.code, flaw)
    words = [part if isinstance(part, str) else "" for part in rest]
    code, description, *_ = *words, "", ""
    return Error(id, code or GenericError.code, description[:LONGEST_DESCRIPTION])


_READERS: Final[Mapping[int, Callable[[str, list[Any], str | None], Frame]]] = {
    CALL: _call,
    CALLRESULT: _result,
    CALLERROR: _error,
}
