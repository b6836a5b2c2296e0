"""Answers that a test or a person asks for instead of the friendly ones."""

import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchcsms.settings import Json, NotDone


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do with one CALL; as it stands: answer it in a friendly way."""

    delay_s: float = 0.0
    result: Json | None = None
    change: Json = field(default_factory=dict)
    """Fields that differ from the friendly answer."""
    error: tuple[str, str] | None = None
    """Code and description of a CALLERROR."""
    raw: str | bytes | None = None
    """A frame to send as it is, ``{id}`` in a text being the id of the CALL."""
    silence: bool = False
    drop: bool = False


FRIENDLY: Final = Reply()


def reply(words: Any) -> Reply:
    """Read a reply as it is written in JSON, or raise ``NotDone``.

    It is an object of at most one of ``result``, ``change``, ``error``, ``silence``,
    ``drop``, ``raw`` (text) and ``binary`` (base64), and perhaps ``delay_s``. The
    empty object is the friendly answer.
    """
    if not isinstance(words, dict):
        raise NotDone(f"reply: {words!r} is not an object; {_EXAMPLE}")
    kinds = words.keys() - {"delay_s"}
    if kinds - _KINDS.keys() or len(kinds) > 1:
        raise NotDone(
            f"reply: {', '.join(sorted(kinds))}: not one of {', '.join(_KINDS)}; "
            f"{_EXAMPLE}"
        )
    fields: dict[str, Any] = {"delay_s": _delay_s(words.get("delay_s", 0.0))}
    for kind in kinds:
        try:
            fields.update(_KINDS[kind](words[kind]))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise NotDone(f"reply: {kind}: {words[kind]!r}; {_EXAMPLE}") from None
    return Reply(**fields)


class Script:
    """Who gets which reply to what; a script of one station goes before all."""

    def __init__(self) -> None:
        self._scripts: dict[tuple[str | None, str], tuple[deque[Reply], Reply]] = {}

    def write(
        self,
        action: str,
        replies: Sequence[Any] = (),
        standing: Any = None,
        station: str | None = None,
    ) -> None:
        """Replace what was scripted for an action.

        Args:
            action: Of the station's CALL.
            replies: One for each CALL to come, in their JSON form.
            standing: The reply to all CALLs after them; ``None`` is friendly.
            station: ``None`` means every station without a script of its own.
        """
        queue = deque(reply(words) for words in replies)
        last = FRIENDLY if standing is None else reply(standing)
        if queue or standing is not None:
            self._scripts[station, action] = queue, last
        else:
            self._scripts.pop((station, action), None)

    def next(self, station: str, action: str) -> Reply:
        """Take the reply to the CALL that has come in."""
        for who in (station, None):
            if (who, action) in self._scripts:
                queue, standing = self._scripts[who, action]
                return queue.popleft() if queue else standing
        return FRIENDLY


_EXAMPLE: Final = (
    'write {"result": {…}}, {"change": {…}}, {"error": {"code": "InternalError"}}, '
    '{"silence": true}, {"drop": true}, {"raw": "text"} or {"binary": "base64"}, '
    'with "delay_s": 2 if wanted'
)


def _delay_s(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise NotDone(f"reply: delay_s: {value!r} is no number of seconds; {_EXAMPLE}")
    return float(value)


def _result(value: Any) -> Json:
    return {"result": dict(value.items())}


def _change(value: Any) -> Json:
    return {"change": dict(value.items())}


def _error(value: Any) -> Json:
    return {"error": (str(value["code"]), str(value.get("description", "")))}


def _silence(value: Any) -> Json:
    return {"silence": bool(value)}


def _drop(value: Any) -> Json:
    return {"drop": bool(value)}


def _raw(value: Any) -> Json:
    return {"raw": value + ""}


def _binary(value: Any) -> Json:
    return {"raw": frame_bytes(value)}


_KINDS: Final[Mapping[str, Callable[[Any], Json]]] = {
    "result": _result,
    "change": _change,
    "error": _error,
    "silence": _silence,
    "drop": _drop,
    "raw": _raw,
    "binary": _binary,
}


def frame_bytes(text: str) -> bytes:
    """Return what base64 stands for, or raise ``NotDone``."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotDone(f"base64: {text[:40]!r} is not base64") from None
