"""The log of the dialogue with all stations, and waiting for what it will say.

AuthorizationKeys, and passwords in URLs, are masked before anything else sees an entry.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from benchcsms.frames import Frame
from benchcsms.settings import Json, NotDone, moment

RECEIVED, SENT, BOTH = "received", "sent", "both"
DIRECTIONS: Final = (RECEIVED, SENT, BOTH)

_SECRET: Final = "authorizationkey"
_TELLTALES: Final = ("ChangeConfiguration", "GetConfiguration", "")
"""Whose payloads may hold the secret; nobody knows what a stray answer answers."""
_LOCATED: Final = ("GetDiagnostics", "GetLog", "SignedUpdateFirmware", "UpdateFirmware")
"""Whose payloads may hold a URL with a password in it."""
_DEEPEST: Final = 8
"""Far more levels than such a payload has."""
_MASK: Final = "***"
_VALUE: Final = re.compile(r'("value"\s*:\s*")(?:[^"\\]|\\.)*')
_LOGIN: Final = re.compile(r'(?<=://)[^/\s"]*@')


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame, or what became of a connection, a certificate or a file."""

    seq: int
    """Counts all entries from 1 on."""
    time: datetime
    direction: str
    """As the bench sees it: ``received`` or ``sent``."""
    station: str
    kind: str
    """call, result, error, malformed; open, close, refused; certificate or file."""
    action: str = ""
    id: str = ""
    payload: Json = field(default_factory=dict)
    text: str = ""
    """Of a malformed frame: the whole of it."""
    flaw: str = ""

    def as_json(self) -> Json:
        """Return it as the log and the control socket tell it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"time": moment(self.time)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which entries somebody waits for; what is ``None`` may be anything."""

    action: str | None = None
    station: str | None = None
    direction: str = RECEIVED
    kind: str | None = None
    match: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the payload."""

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is one of them."""
        return (
            self.action in (None, entry.action)
            and self.direction in (BOTH, entry.direction)
            and self.station in (None, entry.station)
            and self.kind in (None, entry.kind)
            and all(
                name in entry.payload and entry.payload[name] == value
                for name, value in self.match.items()
            )
        )

    def __str__(self) -> str:
        """Return it as an error tells it."""
        words = (self.direction, self.station, self.kind, self.action)
        fields = json.dumps(self.match) if self.match else None
        return " ".join(word for word in (*words, fields) if word)


@dataclass(eq=False, slots=True)
class _Waiter:
    pattern: Pattern
    left: int
    entry: asyncio.Future[Entry]


class Dialogue:
    """Remembers the last entries, and tells each to whoever listens."""

    def __init__(
        self,
        frames: int,
        now: Callable[[], datetime],
        listeners: Sequence[Callable[[Entry], None]] = (),
    ) -> None:
        self._entries: deque[Entry] = deque(maxlen=frames)
        self._now = now
        self._listeners = listeners
        self._waiters: list[_Waiter] = []
        self._count = 0

    def frame(self, direction: str, station: str, frame: Frame) -> int:
        """Write down a frame; return its number."""
        return self._write(
            direction,
            station,
            frame.kind,
            frame.action,
            frame.id,
            _masked(frame),
            _masked_text(frame.text),
            frame.flaw,
        )

    def event(self, station: str, kind: str, **payload: Any) -> int:
        """Write down what is no frame; return its number."""
        return self._write(RECEIVED, station, kind, "", "", payload)

    def after(self, seq: int) -> Iterator[Entry]:
        """Return the entries with a higher number."""
        recent = takewhile(lambda entry: entry.seq > seq, reversed(self._entries))
        return reversed(list(recent))

    async def wait_for(
        self, pattern: Pattern, count: int, since: int, timeout_s: float
    ) -> Entry:
        """Return the ``count``-th entry after ``since`` that fits, past or to come."""
        found = [entry for entry in self.after(since) if pattern.fits(entry)]
        if len(found) >= count:
            return found[count - 1]
        loop = asyncio.get_running_loop()
        waiter = _Waiter(pattern, count - len(found), loop.create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter.entry
        except TimeoutError:
            got = count - waiter.left
            raise NotDone(
                f"wait: {pattern}: {got} of {count} came within {timeout_s:g} s"
            ) from None
        finally:
            self._waiters.remove(waiter)

    def _write(self, *fields: Any) -> int:
        self._count += 1
        entry = Entry(self._count, self._now(), *fields)
        self._entries.append(entry)
        for tell in self._listeners:
            tell(entry)
        for waiter in self._waiters:
            if waiter.left and waiter.pattern.fits(entry):
                waiter.left -= 1
                if not waiter.left and not waiter.entry.done():
                    waiter.entry.set_result(entry)
        return self._count


def readable(entry: Json) -> str:
    """Return an entry, in its JSON form, as one line for people."""
    arrow = "→" if entry["direction"] == SENT else "←"
    said = entry["text"] or json.dumps(entry["payload"], ensure_ascii=False)
    flaw = entry["flaw"] and f"({entry['flaw']})"
    words = (entry["kind"], entry["action"], said, flaw)
    return " ".join(
        word for word in (entry["time"], entry["station"], arrow, *words) if word
    )


def _masked(frame: Frame) -> Json:
    masked: Json = frame.payload or {}
    if frame.action in _TELLTALES:
        masked = _unkeyed(masked)
    if frame.action in _LOCATED:
        masked = _without_logins(masked)
    return masked


def _unkeyed(value: Any, levels: int = _DEEPEST) -> Any:
    if not levels:
        return _MASK
    if isinstance(value, list):
        return [_unkeyed(inner, levels - 1) for inner in value]
    if not isinstance(value, dict):
        return value
    if _SECRET in str(value.get("key")).casefold() and "value" in value:
        return value | {"value": _MASK}
    return {name: _unkeyed(inner, levels - 1) for name, inner in value.items()}


def _without_logins(value: Any, levels: int = _DEEPEST) -> Any:
    if not levels:
        return _MASK
    if isinstance(value, list):
        return [_without_logins(inner, levels - 1) for inner in value]
    if isinstance(value, dict):
        return {name: _without_logins(v, levels - 1) for name, v in value.items()}
    return _without_login(value) if isinstance(value, str) else value


def _without_login(text: str) -> str:
    return _LOGIN.sub(f"{_MASK}@", text)


def _masked_text(text: str) -> str:
    if _SECRET in text.casefold():
        text = _VALUE.sub(rf"\1{_MASK}", text)
    return _without_login(text)
