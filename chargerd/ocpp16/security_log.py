"""Security events on their way to the CSMS: in order, bounded, none in a storm.

All of them are on the disk, told or not. What waits here waits apart from the
messages of transactions.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from chargerd.clock import Instant
from chargerd.core.patience import grown_s
from chargerd.ocpp16.records import Record, SecurityEventKept, SecurityEventSettled
from chargerd.ocpp16.rpc import Failed, FailureKind
from chargerd.ocpp16.security import (
    WEIGHTS,
    SecurityEvent,
    SecurityEventType,
    Weight,
)

ONE_IN_S: Final = 60.0
"""Of each type, one event in so long; the others of that time are counted."""
MOST_WAITING: Final = 500
RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3600.0
ATTEMPTS: Final = 3
"""After so many, an event that is not critical is left in the log."""

_LONGEST_INFO: Final = 255
_UNKNOWN_THERE: Final = frozenset({"NotImplemented", "NotSupported"})


class SecurityLog:
    """Decides what is worth an event, and which one is told next."""

    def __init__(self, waiting: Iterable[SecurityEventKept], last_id: int) -> None:
        """Go on with what the disk knows: what waits, and the highest id."""
        self._waiting = deque(waiting)
        self.last_id = last_id
        self._quiet_until_s: dict[SecurityEventType, float] = {}
        self._counted: dict[SecurityEventType, tuple[int, str | None]] = {}
        self._unwanted = False
        self._attempts = 0
        self._due_s: float | None = None

    @property
    def waiting(self) -> int:
        """How many events the CSMS is still to be told."""
        return len(self._waiting)

    def take(
        self, type_: SecurityEventType, info: str | None, now: Instant, *, every: bool
    ) -> tuple[Record, ...]:
        """Take what happened; return what must be kept of it.

        Args:
            type_: What it was.
            info: For people; never a secret.
            now: The present moment.
            every: Whether the CSMS is told of more than what it must know.
        """
        quiet_until_s = self._quiet_until_s.get(type_)
        if quiet_until_s is not None and now.monotonic_s < quiet_until_s:
            count, _ = self._counted.get(type_, (0, None))
            self._counted[type_] = (count + 1, info)
            return ()
        self._quiet_until_s[type_] = now.monotonic_s + ONE_IN_S
        return self._keep(SecurityEvent(type_, now.utc, info), every)

    def expire(self, now: Instant, *, every: bool) -> tuple[Record, ...]:
        """Sum up what was counted, where its time is over."""
        records: tuple[Record, ...] = ()
        for type_ in tuple(self._counted):
            if self._quiet_until_s[type_] <= now.monotonic_s:
                count, last = self._counted.pop(type_)
                info = f"{count} times, the last: {last}"
                self._quiet_until_s[type_] = now.monotonic_s + ONE_IN_S
                records += self._keep(SecurityEvent(type_, now.utc, info), every)
        return records

    def move(self, after: int, by: timedelta) -> None:
        """Move the times of the events after an id."""
        self._waiting = deque(
            replace(kept, event=replace(kept.event, at=kept.event.at + by))
            if kept.id > after
            else kept
            for kept in self._waiting
        )

    def reconnected(self) -> None:
        """A new link may lead to a CSMS that has learned something."""
        self._unwanted = False
        self._attempts = 0
        self._due_s = None

    def next(self, now: Instant) -> SecurityEventKept | None:
        """Return the event to be told now, if there is one."""
        paused = self._due_s is not None and now.monotonic_s < self._due_s
        if not self._waiting or self._unwanted or paused:
            return None
        return self._waiting[0]

    def delivered(self, kept: SecurityEventKept) -> tuple[Record, ...]:
        """The CSMS has taken an event."""
        self._attempts, self._due_s = 0, None
        return self._settled(kept)

    def failed(
        self, kept: SecurityEventKept, failed: Failed, now: Instant
    ) -> tuple[Record, ...]:
        """The CSMS has not taken an event; a lost link counts for nothing."""
        if failed.kind is FailureKind.LINK:
            return ()
        if failed.code in _UNKNOWN_THERE:
            self._unwanted = True
            return ()
        self._attempts += 1
        pause_s = grown_s(RETRY_S, self._attempts, LONGEST_RETRY_S)
        self._due_s = now.monotonic_s + pause_s
        critical = WEIGHTS[kept.event.type] is Weight.CRITICAL
        if critical or self._attempts < ATTEMPTS:
            return ()
        self._attempts = 0
        return self._settled(kept)

    def told_again_s(self) -> float | None:
        """Return when the CSMS may be told again."""
        return self._due_s if self._waiting and not self._unwanted else None

    def next_deadline_s(self) -> float | None:
        """Return when ``expire`` has something to sum up."""
        return min(
            (self._quiet_until_s[type_] for type_ in self._counted), default=None
        )

    def _keep(self, event: SecurityEvent, every: bool) -> tuple[Record, ...]:
        waiting = every or WEIGHTS[event.type] is not Weight.LOGGED
        self.last_id += 1
        info = event.info[:_LONGEST_INFO] if event.info is not None else None
        event = replace(event, info=info)
        kept = SecurityEventKept(self.last_id, event, waiting)
        if not waiting:
            return (kept,)
        self._waiting.append(kept)
        if len(self._waiting) <= MOST_WAITING:
            return (kept,)
        return (kept, *self._settled(self._least()))

    def _least(self) -> SecurityEventKept:
        """Return the event that is given up first: the oldest that is not critical."""
        light = (
            k for k in self._waiting if WEIGHTS[k.event.type] is not Weight.CRITICAL
        )
        return next(light, self._waiting[0])

    def _settled(self, kept: SecurityEventKept) -> tuple[Record, ...]:
        if kept not in self._waiting:
            return ()
        self._waiting.remove(kept)
        return (SecurityEventSettled(kept.id),)
