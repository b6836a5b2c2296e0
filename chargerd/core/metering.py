"""When a sample is due, on which grid, and when a checkpoint is.

Two grids: every ``sample_interval_s`` from the start of a transaction, on the
monotonic clock; and every ``aligned_interval_s`` from midnight, on the wall
clock. Timestamps stand exactly on their grid, however late the reading came.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from chargerd.clock import Instant

CHECKPOINT_S: Final = 60.0
"""How old the last register of a running bill may be on the disk.

Only a meter that does not answer after a power cut makes it count: its own register
is the truth otherwise.
"""

FRESH_S: Final = 5.0
"""What is older than this is not told: a busy device is read several times a second."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The periodic samples of one transaction: where they start, how many came."""

    start_s: float
    interval_s: int
    taken: int = 0

    @property
    def due_s(self) -> float | None:
        """When the next sample is due, on the monotonic clock."""
        if self.interval_s <= 0:
            return None
        return self.start_s + (self.taken + 1) * self.interval_s

    def take(self, now: Instant) -> tuple["Grid", datetime | None]:
        """Return the grid after ``now``, and the time of the sample due, if any.

        Points that were missed altogether (the process stood still) are passed
        over: there is no reading that belongs to them.
        """
        if self.due_s is None or now.monotonic_s < self.due_s:
            return self, None
        elapsed_s = now.monotonic_s - self.start_s
        # Rounding may put the very moment that is due just before its point.
        count = max(int(elapsed_s // self.interval_s), self.taken + 1)
        late_s = max(elapsed_s - count * self.interval_s, 0.0)
        # From the present wall clock, not the start's: it may have been corrected.
        return replace(self, taken=count), now.utc - timedelta(seconds=late_s)

    def every(self, interval_s: int, now: Instant) -> "Grid":
        """Return the grid with another interval, from its next point after ``now``."""
        if interval_s == self.interval_s:
            return self
        elapsed_s = now.monotonic_s - self.start_s
        taken = int(elapsed_s // interval_s) if interval_s > 0 else 0
        return Grid(self.start_s, interval_s, taken)


@dataclass(frozen=True, slots=True)
class Aligned:
    """The grid of the clock: anew at each midnight, every ``interval_s`` from there."""

    interval_s: int
    zone: tzinfo = UTC
    """Whose midnight it is."""

    def after(self, moment: datetime) -> datetime:
        """Return the first point later than ``moment``, in UTC."""
        today = moment.astimezone(self.zone).date()
        midnight, next_midnight = (
            datetime.combine(day, time.min, self.zone).astimezone(UTC)
            for day in (today, today + timedelta(days=1))
        )
        passed = int((moment - midnight).total_seconds() // self.interval_s)
        point = midnight + timedelta(seconds=(passed + 1) * self.interval_s)
        return min(point, next_midnight)
