"""Sees when the wall clock is set, and puts right what was written before it was right.

Until a CSMS has told the time, the clock is only the best guess there is. What waits
for the CSMS by then was never sent, so its times can still be moved; afterwards the
content of a message is final.
"""

from datetime import timedelta

from chargerd.clock import Instant
from chargerd.ocpp16.ledger import Ledger
from chargerd.ocpp16.records import ClockCorrected
from chargerd.ocpp16.registration import CLOCK_TOLERANCE_S
from chargerd.ocpp16.reporter import Reporter
from chargerd.ocpp16.security_log import SecurityLog


class Timekeeping:
    """Follows the wall clock of one process from its start."""

    def __init__(
        self, ledger: Ledger, security: SecurityLog, reporter: Reporter
    ) -> None:
        """Take what carries times."""
        self._ledger = ledger
        self._security = security
        self._reporter = reporter
        self._messages_after = ledger.outbox.last_id
        self._events_after = security.last_id
        self._last: Instant | None = None

    def observed_s(self, now: Instant) -> float | None:
        """Return by how much the wall clock was set since the last look, if it was."""
        last, self._last = self._last, now
        if last is None:
            return None
        step_s = now.set_since_s(last)
        return step_s if abs(step_s) > CLOCK_TOLERANCE_S else None

    def move(self, step_s: float) -> ClockCorrected:
        """Move all that was written since the start; return what the disk must move."""
        by = timedelta(seconds=step_s)
        keys = self._ledger.move(self._messages_after, by)
        self._security.move(self._events_after, by)
        self._reporter.move(by)
        return ClockCorrected(step_s, self._messages_after, self._events_after, keys)
