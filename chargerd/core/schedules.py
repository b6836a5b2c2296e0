"""When a charging schedule says what: OCPP 1.6 section 3.13.

All times are seconds from the moment that is asked about, which is 0: the end of a
span is how long to wait for it. No local time comes in; a day has 86,400 seconds.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Final


class Kind(StrEnum):
    """What the times of a schedule count from, in OCPP's words."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """How often a recurring schedule starts over, in OCPP's words."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


CYCLE_S: Final = {Recurrency.DAILY: 86_400.0, Recurrency.WEEKLY: 604_800.0}


@dataclass(frozen=True, slots=True)
class Period:
    """A limit that holds from ``start_s`` after the schedule's start on."""

    start_s: float
    limit_w: float


@dataclass(frozen=True, slots=True)
class Span:
    """A limit that holds from one moment until just before another."""

    begin_s: float
    end_s: float
    limit_w: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """Limits over time. The periods ascend, and the first one starts at 0."""

    kind: Kind
    periods: tuple[Period, ...]
    start: datetime | None = None
    """``None``: it starts with the transaction."""
    duration_s: float | None = None
    """``None``: the last period goes on for ever."""
    recurrency: Recurrency | None = None
    least_w: float = 0.0
    """Less than this is of no use to the vehicle (a hint of the CSMS)."""

    def begins_s(self, now: datetime, transaction_s: float) -> float:
        """Return when it starts; ``transaction_s``: when its transaction did."""
        if self.start is None:
            return transaction_s
        return (self.start - now).total_seconds()

    def number(self, begins_s: float) -> int:
        """Return which of its periods, from 1, speaks now; it started long since."""
        cycle_s = CYCLE_S[self.recurrency] if self.recurrency else inf
        passed_s = -begins_s % cycle_s
        return bisect_right(self.periods, passed_s, key=_start_s)

    def spans(self, begins_s: float, from_s: float, to_s: float) -> Iterator[Span]:
        """Yield what it says between two moments, in order; the gaps are silence.

        Args:
            begins_s: When it starts.
            from_s: The first moment that matters.
            to_s: The moment after the last; it may be infinite.
        """
        cycle_s = CYCLE_S[self.recurrency] if self.recurrency else inf
        length_s = cycle_s if self.duration_s is None else min(self.duration_s, cycle_s)
        if begins_s + cycle_s <= from_s:
            begins_s += (from_s - begins_s) // cycle_s * cycle_s
        while begins_s < to_s:
            yield from self._round(begins_s, length_s, from_s, to_s)
            begins_s += cycle_s

    def _round(
        self, begins_s: float, length_s: float, from_s: float, to_s: float
    ) -> Iterator[Span]:
        periods, last_s = self.periods, min(begins_s + length_s, to_s)
        skipped = bisect_right(periods, from_s - begins_s, key=_start_s)
        for index in range(max(skipped - 1, 0), len(periods)):
            begin_s = max(begins_s + periods[index].start_s, from_s)
            if begin_s >= last_s:
                return
            end_s = last_s
            if index + 1 < len(periods):
                end_s = min(begins_s + periods[index + 1].start_s, last_s)
            yield Span(begin_s, end_s, periods[index].limit_w)


def begun(schedule: Schedule, now: datetime, skew_s: float) -> Schedule:
    """Return a schedule that starts a little after ``now`` as one that has started.

    The clocks of CSMS and station differ, and a schedule "from now on" may arrive
    before its start. Its first period begins early; nothing else of it moves.
    """
    if schedule.kind is not Kind.ABSOLUTE or schedule.start is None:
        return schedule
    early_s = (schedule.start - now).total_seconds()
    if not 0.0 < early_s <= skew_s:
        return schedule
    first, *others = schedule.periods
    later = (Period(p.start_s + early_s, p.limit_w) for p in others)
    length_s = schedule.duration_s
    return replace(
        schedule,
        start=now,
        periods=(first, *later),
        duration_s=None if length_s is None else length_s + early_s,
    )


def _start_s(period: Period) -> float:
    return period.start_s
