"""Charging profiles, and which of them rules when several speak: OCPP 1.6 section 3.13.

What is asked here are layers: the first one that says anything at a moment rules it,
and where it is silent the next one does. The limit of this moment and the composite
schedule of a day come from the same walk over the same layers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from math import inf
from typing import Final

from chargerd.core.schedules import Schedule

FAR_S: Final = 10 * 365 * 86_400.0
"""What is further away than this needs no date."""


class Purpose(StrEnum):
    """Whom a profile binds, in OCPP's words."""

    STATION = "ChargePointMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TRANSACTION = "TxProfile"


@dataclass(frozen=True, slots=True)
class Profile:
    """One charging profile."""

    id: int
    """The CSMS's number for it."""
    connector: int
    """Where it was set; 0: for the station, or as the default of every connector."""
    purpose: Purpose
    stack_level: int
    """Of those that speak, the highest rules."""
    schedule: Schedule
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    key: str | None = None
    """The transaction that it is for; other purposes have none."""

    def begins_s(self, now: datetime, transaction_s: float) -> float:
        """Return when it can first say something."""
        valid_s = -inf if self.valid_from is None else _from(now, self.valid_from)
        return max(valid_s, self.schedule.begins_s(now, transaction_s))

    def rulings(
        self, now: datetime, transaction_s: float, from_s: float, to_s: float
    ) -> Iterator["Ruling"]:
        """Yield what it says between two moments, in seconds from ``now``.

        Args:
            now: The moment that is asked about.
            transaction_s: When the transaction began; what is relative counts so.
            from_s: The first moment that matters.
            to_s: The moment after the last; it may be infinite.
        """
        if self.valid_from is not None:
            from_s = max(from_s, _from(now, self.valid_from))
        if self.valid_to is not None:
            to_s = min(to_s, _from(now, self.valid_to))
        if from_s >= to_s:
            return
        begins_s = self.schedule.begins_s(now, transaction_s)
        for span in self.schedule.spans(begins_s, from_s, to_s):
            yield Ruling(span.begin_s, span.end_s, span.limit_w, self)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A profile sets a limit from one moment until just before another."""

    begin_s: float
    end_s: float
    limit_w: float
    profile: Profile


Layer = Callable[[float, float], Iterator[Ruling]]
"""Yields what it says between two moments, in order."""


def overlaid(
    layers: Sequence[Layer], from_s: float = 0.0, to_s: float = inf
) -> Iterator[Ruling]:
    """Yield what rules between two moments: where one is silent, the next one may."""
    if not layers or from_s >= to_s:
        return
    first, *others = layers
    heard_s = from_s
    for ruling in first(from_s, to_s):
        yield from overlaid(others, heard_s, ruling.begin_s)
        yield ruling
        heard_s = ruling.end_s
    yield from overlaid(others, heard_s, to_s)


def dated(in_s: float, now: datetime) -> datetime | None:
    """Return when a ruling begins or ends; ``None``: too far away for a date."""
    return now + timedelta(seconds=in_s) if in_s < FAR_S else None


def station_layers(profiles: Iterable[Profile], now: datetime) -> tuple[Layer, ...]:
    """Return what binds the station as a whole."""
    of_station = (p for p in profiles if p.purpose is Purpose.STATION)
    return _layers(of_station, now, 0.0)


def transaction_layers(
    profiles: Sequence[Profile],
    connector: int,
    now: datetime,
    *,
    key: str,
    transaction_s: float,
    fall_back: bool,
) -> tuple[Layer, ...]:
    """Return what binds a transaction, the station's limit aside.

    Args:
        profiles: All that are installed.
        connector: Where it runs.
        now: The moment that is asked about.
        key: The transaction; empty: one that would begin now.
        transaction_s: When it began, in seconds from ``now``.
        fall_back: Whether the default profiles step in once its own are silent.
    """
    own = [p for p in profiles if key and p.key == key]
    defaults = _layers(
        (
            profile
            for profile in profiles
            if profile.purpose is Purpose.DEFAULT
            and profile.connector in (0, connector)
        ),
        now,
        transaction_s,
    )
    if own and not fall_back:
        # What has not begun yet replaces nothing (section 3.13.2).
        begun_s = min(profile.begins_s(now, transaction_s) for profile in own)
        defaults = tuple(partial(_until, layer, begun_s) for layer in defaults)
    return (*_layers(own, now, transaction_s), *defaults)


def _layers(
    profiles: Iterable[Profile], now: datetime, transaction_s: float
) -> tuple[Layer, ...]:
    highest_first = sorted(profiles, key=_rank, reverse=True)
    return tuple(partial(p.rulings, now, transaction_s) for p in highest_first)


def _rank(profile: Profile) -> tuple[int, bool]:
    # What was set for one connector goes before what was set for all of them.
    return profile.stack_level, profile.connector > 0


def _until(layer: Layer, end_s: float, from_s: float, to_s: float) -> Iterator[Ruling]:
    to_s = min(to_s, end_s)
    return layer(from_s, to_s) if from_s < to_s else iter(())


def _from(now: datetime, at: datetime) -> float:
    return (at - now).total_seconds()
