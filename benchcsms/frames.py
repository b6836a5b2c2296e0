"""OCPP-J frames, as text and as values. Whatever comes in, nothing raises."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from benchcsms.settings import Json

UNKNOWN, CALL, CALLRESULT, CALLERROR = 0, 2, 3, 4

_KINDS: Final[Mapping[int, str]] = {
    CALL: "call",
    CALLRESULT: "result",
    CALLERROR: "error",
}
_SHAPES: Final[Mapping[int, str]] = {
    CALL: 'not [2, "id", "Action", {payload}]',
    CALLRESULT: 'not [3, "id", {payload}]',
    CALLERROR: 'not [4, "id", "Code", "description", {details}]',
}
_HEAD: Final = re.compile(r'\s*\[\s*([234])\s*,\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message."""

    type: int
    id: str = ""
    action: str = ""
    """Of an answer: the action that was asked, once that is known."""
    payload: Json | None = None
    """Of a CALLERROR: its ``code``, ``description`` and ``details``."""
    flaw: str = ""
    """Why it is no OCPP-J, if it is none."""
    text: str = ""
    """The message as it was, if it is no OCPP-J."""

    @property
    def kind(self) -> str:
        """The word for it in logs and on the control socket."""
        return "malformed" if self.flaw else _KINDS[self.type]


def call(id: str, action: str, payload: Json) -> Frame:
    """Return the frame that asks."""
    return Frame(CALL, id, action, payload)


def result(id: str, action: str, payload: Json) -> Frame:
    """Return the frame that answers."""
    return Frame(CALLRESULT, id, action, payload)


def error(id: str, action: str, code: str, description: str) -> Frame:
    """Return the frame that refuses an answer."""
    said = {"code": code, "description": description[:255], "details": {}}
    return Frame(CALLERROR, id, action, said)


def dump(frame: Frame) -> str:
    """Return the text of a frame."""
    payload = frame.payload or {}
    content: Mapping[int, list[Any]] = {
        CALL: [CALL, frame.id, frame.action, payload],
        CALLRESULT: [CALLRESULT, frame.id, payload],
        CALLERROR: [CALLERROR, frame.id, *payload.values()],
    }
    return _ENCODER.encode(content[frame.type])


def parse(message: str | bytes) -> Frame:
    """Return what a message says."""
    if isinstance(message, bytes):
        text = message.decode(errors="backslashreplace")
        return Frame(UNKNOWN, flaw="a binary frame", text=text)
    try:
        content = _DECODER.decode(message)
    except (ValueError, RecursionError):
        return _headed(message, "not JSON")
    match content:
        case [2, str(id), str(action), dict(payload)]:
            return Frame(CALL, id, action, payload)
        case [3, str(id), dict(payload)]:
            return Frame(CALLRESULT, id, payload=payload)
        case [4, str(id), str(code), str(description), dict(details)]:
            said = {"code": code, "description": description, "details": details}
            return Frame(CALLERROR, id, payload=said)
        case [2 | 3 | 4 as number, *_]:
            return _headed(message, _SHAPES[number])
        case [_, *_]:
            return Frame(UNKNOWN, flaw="an unknown message type", text=message)
    return Frame(UNKNOWN, flaw="not a list that begins with 2, 3 or 4", text=message)


def _headed(message: str, flaw: str) -> Frame:
    """Find out from its first characters what a message would have been."""
    head = _HEAD.match(message)
    if head is None:
        return Frame(UNKNOWN, flaw=flaw, text=message)
    return Frame(int(head[1]), head[2], flaw=flaw, text=message)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# made once: json.loads and json.dumps with options make a new one every time
_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
