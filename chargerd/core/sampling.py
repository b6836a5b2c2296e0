"""Takes samples and checkpoints when they are due, and watches the meter count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core.effects import (
    Context,
    Effect,
    Sample,
    Sampled,
    TransactionCheckpoint,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.metering import CHECKPOINT_S, Grid, next_aligned
from chargerd.core.policy import Policy
from chargerd.core.session import Phase, Session

UNMETERED_WH: Final = 200.0
"""So much energy from the modules without one count of the meter: it is frozen."""


class Source(Protocol):
    """What samples are taken from."""

    policy: Policy

    @property
    def sessions(self) -> Mapping[int, Session]:
        """Every connector's session."""

    def offered(self, connector: int) -> tuple[float, float]:
        """Return the power [W] and the current [A] offered to a vehicle now."""


@dataclass(frozen=True, slots=True)
class _Count:
    """What the modules have delivered since the meter last counted."""

    register_wh: int = 0
    unmetered_wh: float = 0.0
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Running:
    """A transaction that samples and checkpoints are taken of."""

    key: str
    grid: Grid
    written_s: float
    """When it was last written down."""


class Sampler:
    """Knows the grids of all connectors."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._counts: dict[int, _Count] = {}
        self._aligned: tuple[int, datetime] | None = None

    def follow(
        self, source: Source, effects: Iterable[Effect], now: Instant
    ) -> tuple[Effect, ...]:
        """Return the samples and checkpoints that follow from what was decided."""
        told: list[Effect] = []
        interval_s = source.policy.sample_interval_s
        for effect in effects:
            match effect:
                case TransactionStarted(key=key, connector=number):
                    grid = Grid(now.monotonic_s, interval_s)
                    self._running[number] = _Running(key, grid, now.monotonic_s)
                    told.append(_sampled(source, number, Context.BEGIN, now.utc, key))
                case TransactionEnded(key=key):
                    number = next(n for n, r in self._running.items() if r.key == key)
                    del self._running[number]
                    told.append(_sampled(source, number, Context.END, now.utc, key))
        for number, running in self._running.items():
            grid = running.grid.every(interval_s, now)
            self._running[number] = replace(running, grid=grid)
        self._align(source.policy.aligned_interval_s, now)
        return (*told, *self._checkpoint(source, now))

    def expire(self, source: Source, now: Instant) -> tuple[Effect, ...]:
        """Return the samples that are due."""
        told: list[Effect] = []
        for number, running in self._running.items():
            grid, at = running.grid.take(now)
            self._running[number] = replace(running, grid=grid)
            if at is not None:
                key = running.key
                told.append(_sampled(source, number, Context.PERIODIC, at, key))
                told += self._checkpoint(source, now, (key,))
        for at in self._aligned_due(now):
            for number in source.sessions:
                billed = self._running.get(number)
                key_then = billed.key if billed else None
                told.append(_sampled(source, number, Context.CLOCK, at, key_then))
        return tuple(told)

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` next has something to do."""
        due = [running.grid.due_s for running in self._running.values()]
        if self._aligned is not None:
            wait_s = (self._aligned[1] - now.utc).total_seconds()
            due.append(now.monotonic_s + max(wait_s, 0.0))
        return min((s for s in due if s is not None), default=None)

    def frozen(self, session: Session) -> bool:
        """Tell whether the modules deliver and the meter does not count."""
        meter, power = session.facts.meter, session.facts.power_module
        if session.phase is not Phase.ENERGIZED or meter is None or power is None:
            self._counts.pop(session.connector, None)
            return False
        count = self._counts.get(session.connector, _Count(at_s=power.at_s))
        if meter.energy_wh != count.register_wh:
            count = _Count(meter.energy_wh, 0.0, power.at_s)
        hours = max(power.at_s - count.at_s, 0.0) / 3600
        more_wh = power.voltage_v * max(power.current_a, 0.0) * hours
        unmetered_wh = count.unmetered_wh + more_wh
        self._counts[session.connector] = replace(
            count, unmetered_wh=unmetered_wh, at_s=power.at_s
        )
        return unmetered_wh > UNMETERED_WH

    def _align(self, interval_s: int, now: Instant) -> None:
        if interval_s <= 0:
            self._aligned = None
        elif self._aligned is None or self._aligned[0] != interval_s:
            self._aligned = (interval_s, next_aligned(now.utc, interval_s))

    def _aligned_due(self, now: Instant) -> tuple[datetime, ...]:
        if self._aligned is None:
            return ()
        interval_s, at = self._aligned
        stepped_back = at - now.utc > timedelta(seconds=interval_s)
        if now.utc < at and not stepped_back:
            return ()
        self._aligned = (interval_s, next_aligned(now.utc, interval_s))
        # After a step of the wall clock the point belongs to no reading of ours.
        late = now.utc - at > timedelta(seconds=min(interval_s, 60))
        return () if late or stepped_back else (at,)

    def _checkpoint(
        self, source: Source, now: Instant, sampled: Iterable[str] = ()
    ) -> tuple[Effect, ...]:
        """Write bills down when it is time, and whenever a commit is due anyhow."""
        told: list[Effect] = []
        for number, running in self._running.items():
            overdue = now.monotonic_s - running.written_s >= CHECKPOINT_S
            if overdue or running.key in sampled:
                self._running[number] = replace(running, written_s=now.monotonic_s)
                meter_wh = source.sessions[number].meter_wh
                told.append(TransactionCheckpoint(running.key, now.utc, meter_wh))
        return tuple(told)


def take(
    source: Source, connector: int, context: Context, at: datetime, key: str | None
) -> Sample:
    """Return everything that can be said of a connector at this moment."""
    power_w, current_a = source.offered(connector)
    facts = source.sessions[connector].facts
    return Sample(connector, at, context, facts, power_w, current_a, key)


def _sampled(
    source: Source, connector: int, context: Context, at: datetime, key: str | None
) -> Sampled:
    return Sampled(take(source, connector, context, at, key))
