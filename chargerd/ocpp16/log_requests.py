"""What GetDiagnostics and GetLog have in common: what can be had, and its name."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Why
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.locations import misplaced
from chargerd.ocpp16.wire import moment

AHEAD: Final = timedelta(minutes=5)
"""By how much the clock of a CSMS may be before ours."""
LONGEST_NAME: Final = 255
"""Most characters of a file name (OCPP 1.6 section 6.26)."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]+")
_NAMES: Final = {
    LogKind.DIAGNOSTICS: ("diagnostics", "tar.gz"),
    LogKind.SECURITY: ("security-log", "jsonl"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """The times that content is wanted of; ``None``: without an end."""

    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, since: str | None, until: str | None) -> "Window":
        """Read what a request says."""
        return cls(
            None if since is None else moment(since),
            None if until is None else moment(until),
        )

    def empty(self, now: Instant) -> bool:
        """Tell whether nothing can ever have been written in it."""
        since = self.since
        if since is None:
            return False
        backwards = self.until is not None and self.until < since
        return backwards or since > now.utc + AHEAD


def objection(
    asked: str, location: str, window: Window, now: Instant
) -> Refused | None:
    """Return why a file cannot be delivered, if it cannot."""
    if (text := misplaced(location)) is not None:
        return Refused(WHOLE_STATION, asked, Why.BAD_LOCATION, text)
    if window.empty(now):
        text = "nothing was written in the time that is asked for"
        return Refused(WHOLE_STATION, asked, Why.NO_LOG, text)
    return None


def file_name(identity: str, kind: LogKind, now: Instant) -> str:
    """Return the name of a file; it is one on every server, whatever our identity."""
    word, ending = _NAMES[kind]
    rest = f"_{word}_{now.utc:%Y%m%dT%H%M%SZ}.{ending}"
    safe = _UNSAFE.sub("-", identity).strip("-") or "station"
    return safe[: LONGEST_NAME - len(rest)] + rest
