"""The only reader of the clocks."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from chargerd.clock import Instant

STEPPED_S: Final = 1.0
"""The system's wall clock has been set, not just slewed, when it is off by more."""


class SystemClock:
    """Both clocks of the machine; the wall clock corrected by the CSMS if need be.

    UTC is counted on the monotonic clock from one reading of the wall clock, so that
    the two never drift apart within a transaction, and follows the wall clock when
    that is stepped.
    """

    def __init__(self) -> None:
        self._correction = timedelta()
        self._seen = timedelta()
        self._anchor()

    def monotonic(self) -> float:
        """Return the seconds that every reading is stamped with."""
        return time.monotonic()

    def now(self) -> Instant:
        """Return the present moment."""
        monotonic_s = time.monotonic()
        utc = self._utc + timedelta(seconds=monotonic_s - self._from_s)
        drift = datetime.now(UTC) - utc
        if abs(drift.total_seconds()) > STEPPED_S:
            self._anchor()
            return self.now()
        return Instant(monotonic_s, utc + self._correction)

    def step(self, seconds: float) -> None:
        """Correct the wall clock as we see it; the system's own stays as it is."""
        self._correction += timedelta(seconds=seconds)

    def _anchor(self) -> None:
        self._from_s = time.monotonic()
        before = getattr(self, "_utc", None)
        self._utc = datetime.now(UTC)
        if before is not None:
            # Somebody has set the system's clock, and knows better than the CSMS.
            self._correction = timedelta()
