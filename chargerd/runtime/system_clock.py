"""The only reader of the clocks."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from chargerd.clock import EARLIEST, Instant

STEPPED_S: Final = 1.0
"""The system's wall clock has been set, not just slewed, when it is off by more."""


class SystemClock:
    """Both clocks of the machine; the wall clock corrected by the CSMS if need be.

    UTC is counted on the monotonic clock from one reading of the wall clock, so that
    the two never drift apart within a transaction, and follows the wall clock when
    that is stepped.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the two clocks; those of the machine unless told otherwise."""
        self.monotonic: Final = monotonic
        """Return the seconds that every reading is stamped with."""
        self._wall = wall
        self._correction = timedelta()
        self._from_s, self._utc = monotonic(), wall()
        self._earliest = EARLIEST

    def now(self) -> Instant:
        """Return the present moment."""
        monotonic_s, wall = self.monotonic(), self._wall()
        utc = self._utc + timedelta(seconds=monotonic_s - self._from_s)
        if abs((wall - utc).total_seconds()) > STEPPED_S:
            # Somebody has set the system's clock, and knows better than the CSMS.
            self._from_s, self._utc = monotonic_s, wall
            self._correction = max(self._earliest - wall, timedelta())
            utc = wall
        return Instant(monotonic_s, utc + self._correction)

    def not_before(self, earliest: datetime) -> None:
        """Believe no wall clock that tells an earlier time than was known before.

        A board without a battery wakes up in 1970: until somebody tells the time, it
        goes on where it was last seen, or where this software begins.
        """
        self._earliest = max(earliest, EARLIEST)
        self._correction = max(self._earliest - self._utc, timedelta())

    def step(self, seconds: float) -> None:
        """Correct the wall clock as we see it; the system's own stays as it is."""
        self._correction += timedelta(seconds=seconds)
