"""Time as a value: what the pure part of the charge point knows of clocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks."""

    monotonic_s: float
    """For every limit in time: no correction of the wall clock moves it."""
    utc: datetime
    """For timestamps and schedules; aware."""


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> Instant:
        """Return the present moment."""
