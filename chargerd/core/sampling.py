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
    Signed,
    TransactionCheckpoint,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.metering import CHECKPOINT_S, FRESH_S, Aligned, Grid
from chargerd.core.permissive import FIELDS, Facts
from chargerd.core.policy import Policy
from chargerd.core.session import Phase, Session
from hal.values import MeterReading, Reading

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
    since: MeterReading | None
    """What the meter said at the last sample."""


class Sampler:
    """Knows the grids of all connectors."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._counts: dict[int, _Count] = {}
        self._aligned: tuple[Aligned, datetime] | None = None
        self._since: dict[int, MeterReading] = {}
        """What each meter said at the last point of the clock's grid."""

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
                    since = _meter(source, number, now)
                    began = _Running(key, grid, now.monotonic_s, since)
                    self._running[number] = began
                    told.append(_of(began, source, number, Context.BEGIN, now.utc, now))
                case TransactionEnded(key=key):
                    number = next(n for n, r in self._running.items() if r.key == key)
                    over = self._running.pop(number)
                    told.append(_of(over, source, number, Context.END, now.utc, now))
                    told += _last_signed(source, number, key, now)
        for number, running in self._running.items():
            grid = running.grid.every(interval_s, now)
            self._running[number] = replace(running, grid=grid)
        self._align(source.policy, now)
        return (*told, *self._checkpoint(source, now))

    def expire(self, source: Source, now: Instant) -> tuple[Effect, ...]:
        """Return the samples that are due."""
        told: list[Effect] = []
        for number, running in self._running.items():
            grid, at = running.grid.take(now)
            after = replace(running, grid=grid)
            if at is not None:
                told.append(_of(running, source, number, Context.PERIODIC, at, now))
                meter = _meter(source, number, now)
                after = replace(after, since=meter or running.since)
            self._running[number] = after
            if at is not None:
                told += self._checkpoint(source, now, (running.key,))
        for at in self._aligned_due(now):
            for number in source.sessions:
                billed = self._running.get(number)
                key = billed.key if billed else None
                since = self._since.get(number)
                sample = take(source, number, Context.CLOCK, at, now, key, since)
                told.append(Sampled(sample))
                if (meter := _meter(source, number, now)) is not None:
                    self._since[number] = meter
            # What was told is on the disk as well: after a cut nothing runs back.
            keys = [running.key for running in self._running.values()]
            told += self._checkpoint(source, now, keys)
        return tuple(told)

    def since(self, connector: int) -> MeterReading | None:
        """Return what the meter said at the last sample of a running transaction."""
        running = self._running.get(connector)
        return running.since if running else None

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
            count = _Count(meter.energy_wh, 0.0, max(meter.at_s, power.at_s))
        hours = max(power.at_s - count.at_s, 0.0) / 3600
        more_wh = power.voltage_v * max(power.current_a, 0.0) * hours
        unmetered_wh = count.unmetered_wh + more_wh
        self._counts[session.connector] = replace(
            count, unmetered_wh=unmetered_wh, at_s=max(power.at_s, count.at_s)
        )
        return unmetered_wh > UNMETERED_WH

    def _align(self, policy: Policy, now: Instant) -> None:
        align = Aligned(policy.aligned_interval_s, policy.aligned_zone)
        if align.interval_s <= 0:
            self._aligned = None
            self._since.clear()
        elif self._aligned is None or self._aligned[0] != align:
            self._aligned = (align, align.after(now.utc))
            self._since.clear()

    def _aligned_due(self, now: Instant) -> tuple[datetime, ...]:
        if self._aligned is None:
            return ()
        align, at = self._aligned
        stepped_back = at - now.utc > timedelta(seconds=align.interval_s)
        if now.utc < at and not stepped_back:
            return ()
        self._aligned = (align, align.after(now.utc))
        # After a step of the wall clock the point belongs to no reading of ours.
        late = now.utc - at > timedelta(seconds=min(align.interval_s, 60))
        return () if late or stepped_back else (at,)

    def _checkpoint(
        self, source: Source, now: Instant, sampled: Iterable[str] = ()
    ) -> tuple[Effect, ...]:
        """Write bills down when it is time, and whenever a commit is due anyhow."""
        told: list[Effect] = []
        for number, running in self._running.items():
            age_s = now.monotonic_s - running.written_s
            if age_s >= CHECKPOINT_S or (age_s and running.key in sampled):
                self._running[number] = replace(running, written_s=now.monotonic_s)
                meter_wh = source.sessions[number].meter_wh
                told.append(TransactionCheckpoint(running.key, now.utc, meter_wh))
        return tuple(told)


def take(
    source: Source,
    connector: int,
    context: Context,
    at: datetime,
    now: Instant,
    key: str | None = None,
    since: MeterReading | None = None,
) -> Sample:
    """Return everything that can be said of a connector at this moment."""
    power_w, current_a = source.offered(connector)
    facts = source.sessions[connector].facts
    # Of a connector that nobody uses, the other devices tell only what is new.
    kinds = FIELDS.values() if key else ("meter",)
    stale = frozenset(kind for kind in kinds if _stale(facts, kind, now))
    return Sample(connector, at, context, facts, power_w, current_a, key, since, stale)


def _stale(facts: Facts, kind: str, now: Instant) -> bool:
    reading: Reading | None = getattr(facts, kind)
    return reading is not None and reading.age_s(now.monotonic_s) > FRESH_S


def _of(
    running: _Running,
    source: Source,
    number: int,
    context: Context,
    at: datetime,
    now: Instant,
) -> Sampled:
    return Sampled(take(source, number, context, at, now, running.key, running.since))


def _meter(source: Source, connector: int, now: Instant) -> MeterReading | None:
    facts = source.sessions[connector].facts
    gone = "meter" in facts.lost or _stale(facts, "meter", now)
    return None if gone else facts.meter


def _last_signed(
    source: Source, connector: int, key: str, now: Instant
) -> tuple[Signed, ...]:
    """Return what a meter signed last, under its true time, if it is silent now."""
    meter = source.sessions[connector].facts.meter
    if meter is None or meter.signed is None or _meter(source, connector, now):
        return ()
    at = now.utc - timedelta(seconds=meter.age_s(now.monotonic_s))
    return (Signed(key, connector, at, Context.END, meter.signed),)
