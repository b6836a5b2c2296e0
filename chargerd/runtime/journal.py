"""One line for each thing that happened; the only logger.

Under journald the lines carry fields (CONNECTOR, SESSION, REASON …); on a laptop
they are plain. Levels by reader: error is our bug, warning is degraded but handled,
info is the life of the station, debug is one line per event.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.clock import Clock
from chargerd.core.authorization import masked
from chargerd.core.effects import (
    Effect,
    FaultClosed,
    FaultOpened,
    MeterExchanged,
    Noted,
    Refused,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.events import (
    WHOLE_STATION,
    CommandFailed,
    DeviceBack,
    DeviceLost,
    GuardCut,
    Sensed,
)
from chargerd.steps import Happening, Step
from chargerd.store.database import StoreFailed

try:
    import systemd.journal as _systemd_journal
except ImportError:  # no libsystemd here: a laptop that is not Linux
    _systemd_journal = None

ERROR, WARNING, INFO, DEBUG = 3, 4, 6, 7
"""syslog's numbers, as journald and systemd's ``<N>`` prefix use them."""
LEVELS: Final[Mapping[str, int]] = {"warning": WARNING, "info": INFO, "debug": DEBUG}

Sink = Callable[[int, str, Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story, for those who watch."""

    at: datetime
    connector: int
    what: str


def under_journald() -> bool:
    """Tell whether stderr goes to the journal."""
    return _systemd_journal is not None and "JOURNAL_STREAM" in os.environ


def to_journald(priority: int, text: str, fields: Mapping[str, str]) -> None:
    """Send a line with its fields."""
    _systemd_journal.send(text, PRIORITY=priority, **fields)


def to_stderr(priority: int, text: str, fields: Mapping[str, str]) -> None:
    """Print a plain line."""
    word = {ERROR: "error: ", WARNING: "warning: "}.get(priority, "")
    sys.stderr.write(f"{word}{text}\n")
    sys.stderr.flush()


class Journal:
    """Writes the story of the station."""

    def __init__(self, sink: Sink, level: int, clock: Clock) -> None:
        self.recent: deque[tuple[int, Line]] = deque(maxlen=200)
        """The last lines, numbered from 1, for the live view."""
        self._sink = sink
        self._level = level
        self._clock = clock
        self._count = 0

    def say(self, priority: int, text: str, **fields: str) -> None:
        """Write one line, if anybody wants lines of this kind."""
        if priority <= self._level:
            self._sink(priority, text, fields)

    def stepped(self, happening: Happening, step: Step) -> None:
        """Write down one step."""
        if self._level >= DEBUG:
            self.say(DEBUG, f"event {_seen(happening)}")
        for effect in step.told:
            self._effect(effect)
        if step.garbage is not None:
            self.say(WARNING, f"csms: {step.garbage.reason}", REASON="GARBAGE")
        if step.clock_step_s is not None:
            self.say(INFO, f"clock: corrected by {step.clock_step_s:+.1f} s")
        if step.changed_key is not None:
            self.say(INFO, f"configuration: {step.changed_key} changed")

    def storage_failed(self, error: StoreFailed) -> None:
        """Write down that the disk failed."""
        self.say(WARNING, f"storage: {error}", REASON="STORAGE_FAILING")

    def _effect(self, effect: Effect) -> None:
        told = _told(effect)
        if told is None:
            return
        priority, connector, text, fields = told
        place = f"connector {connector}: " if connector != WHOLE_STATION else ""
        self._count += 1
        line = Line(self._clock.now().utc, connector, text)
        self.recent.append((self._count, line))
        self.say(priority, place + text, CONNECTOR=str(connector), **fields)


Told = tuple[int, int, str, Mapping[str, str]]


def _told(effect: Effect) -> Told | None:
    match effect:
        case TransactionStarted():
            text = (
                f"transaction of {masked(effect.id_tag)} starts at {effect.meter_wh} Wh"
            )
            return INFO, effect.connector, text, {"SESSION": effect.key}
        case TransactionEnded():
            text = f"transaction ends at {effect.meter_wh} Wh ({effect.cause})"
            fields = {"SESSION": effect.key, "REASON": str(effect.cause)}
            return INFO, WHOLE_STATION, text, fields
        case MeterExchanged(before, after, why):
            text = (
                f"meter: {why}; {before.raw_wh} Wh {_with(before.offset_wh)} goes on as"
                f" {after.raw_wh} Wh {_with(after.offset_wh)}"
            )
            return WARNING, after.connector, text, {"REASON": "METER_EXCHANGED"}
        case Noted():
            fields = {"SESSION": effect.key} if effect.key else {}
            return INFO, effect.connector, effect.what, fields
        case Refused():
            text = f"{effect.asked} refused: {effect.why} ({effect.detail})"
            return INFO, effect.connector, text, {"REASON": str(effect.why)}
        case FaultOpened():
            text = f"fault {effect.name}" + (
                f": {effect.value}" if effect.value else ""
            )
            return WARNING, effect.connector, text, {"REASON": effect.name}
        case FaultClosed():
            text = f"fault {effect.name} has cleared"
            return INFO, effect.connector, text, {"REASON": effect.name}
    return None


def _with(offset_wh: int) -> str:
    return f"{offset_wh:+d} Wh" if offset_wh else "as it is"


def _seen(happening: Happening) -> str:
    """Return an event in full if nothing in it is a secret or somebody's id tag."""
    plain = isinstance(happening, _PLAIN)
    return repr(happening) if plain else type(happening).__name__


_PLAIN: Final = (Sensed, DeviceLost, DeviceBack, CommandFailed, GuardCut)


def sink() -> Sink:
    """Return where lines go on this machine."""
    return to_journald if under_journald() else to_stderr
