"""Time as a value: what the pure part of the charge point knows of clocks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, Self

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that tells an earlier time is right: this software is younger."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks."""

    monotonic_s: float
    """For every limit in time: no correction of the wall clock moves it."""
    utc: datetime
    """For timestamps and schedules; aware."""

    def set_since_s(self, earlier: "Instant") -> float:
        """Return by how much the wall clock was set since an earlier moment."""
        went_s = (self.utc - earlier.utc).total_seconds()
        return went_s - (self.monotonic_s - earlier.monotonic_s)

    def corrected(self, step_s: float) -> Self:
        """Return the same moment on a wall clock that was set."""
        return replace(self, utc=self.utc + timedelta(seconds=step_s))


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> Instant:
        """Return the present moment."""
