"""Connectors with charging profiles, without a station around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from chargerd.clock import Instant
from chargerd.core.effects import Effect, TransactionEnded, TransactionStarted
from chargerd.core.events import ProfilesCleared, ProfileSet
from chargerd.core.fitting import Fitting
from chargerd.core.forecast import merged
from chargerd.core.health import Health
from chargerd.core.installation import Installation
from chargerd.core.lending import Lending
from chargerd.core.limits import Limits
from chargerd.core.permissive import Facts
from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.reasons import Cause
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from chargerd.core.session import Phase, Session
from hal.values import PowerRating, PowerReading
from tests.clock import FakeClock

FULL_W: Final = 150_000.0
FITTING: Final = Fitting(PowerRating(500.0, 1000.0, 200.0, FULL_W), frozenset())
STATION, DEFAULT, OWN = Purpose.STATION, Purpose.DEFAULT, Purpose.TRANSACTION

Periods = dict[int, float]


def profile(
    id: int, purpose: Purpose, periods: Periods, connector: int = 0, **more: Any
) -> Profile:
    """Return a profile; ``more`` is of the schedule, or else of the profile."""
    own = {"stack_level", "valid_from", "valid_to", "key"} & more.keys()
    schedule = Schedule(
        more.pop("kind", Kind.ABSOLUTE),
        tuple(Period(float(at_s), limit_w) for at_s, limit_w in periods.items()),
        **{name: value for name, value in more.items() if name not in own},
    )
    mine = {name: more[name] for name in own}
    level = mine.pop("stack_level", 0)
    return Profile(id, connector, purpose, level, schedule, **mine)


def daily(start: datetime, **more: Any) -> dict[str, Any]:
    recurring = {"kind": Kind.RECURRING, "recurrency": Recurrency.DAILY}
    return {**recurring, "start": start, **more}


@dataclass
class Site:
    """All that limits depend on, and the time."""

    connectors: Sequence[int] = (1, 2)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.online = True
        # What profiles say is tried with limits of a few watts, too.
        self.policy = replace(self.policy, minimum_power_w=0)
        self.paused: frozenset[int] = frozenset()
        self.fittings: Mapping[int, Fitting] = dict.fromkeys(self.connectors, FITTING)
        self.sessions = {n: Session(n) for n in self.connectors}
        self.health = Health()
        self.lending = Lending(self)
        self.installation = Installation(self)
        self.limits = Limits(self)

    def faulted(self, connector: int) -> bool:
        return False

    @property
    def now(self) -> Instant:
        return self.clock.now()

    def sets(self, *profiles: Profile) -> list[Effect]:
        told: list[Effect] = []
        for each in profiles:
            event = ProfileSet(each.connector, each)
            told += self.installation.install(event, self.now)
        self.limits.update(self.now)
        return told

    def clears(self, *ids: int) -> list[Effect]:
        told = self.installation.clear(ProfilesCleared(0, ids), self.now)
        self.limits.update(self.now)
        return list(told)

    def charges(self, connector: int = 1, **more: Any) -> str:
        """Begin a transaction; return its key."""
        key = f"tx-{connector}-{self.now.monotonic_s:g}"
        self.sessions[connector] = Session(
            connector, Phase.ENERGIZED, key=key, facts=Facts(), **more
        )
        started = TransactionStarted(key, connector, "TAG", None, self.now.utc, 0)
        self.installation.follow((started,), self.now)
        self.limits.update(self.now)
        return key

    def stops(self, connector: int = 1) -> list[Effect]:
        key = self.sessions[connector].key
        self.sessions[connector] = Session(connector, Phase.FINISHED, key=key)
        ended = TransactionEnded(key, self.now.utc, 0, Cause.TOKEN, None)
        told = self.installation.follow((ended,), self.now)
        self.limits.update(self.now)
        return list(told)

    def takes(self, power_w: float, connector: int = 1) -> None:
        """Let a vehicle take some power."""
        reading = PowerReading(
            at_s=0.0, voltage_v=400.0, current_a=power_w / 400.0, temperature_c=40.0
        )
        facts = Facts(power_module=reading)
        session = self.sessions[connector]
        self.sessions[connector] = Session(
            connector, session.phase, key=session.key, facts=facts
        )
        self.limits.update(self.now)

    def waits(self, seconds: float) -> None:
        """Let time pass, with a look at every moment when something is due."""
        until_s = self.now.monotonic_s + seconds
        while (due_s := self.limits.next_deadline_s()) is not None and due_s <= until_s:
            self.clock.advance(due_s - self.now.monotonic_s)
            self.limits.update(self.now)
            again_s = self.limits.next_deadline_s()
            assert again_s is None or again_s > self.now.monotonic_s, "nothing was due"
        self.clock.advance(until_s - self.now.monotonic_s)
        self.limits.update(self.now)

    def at(self, utc: datetime) -> None:
        """Step both clocks to a time."""
        self.clock.advance((utc - self.now.utc).total_seconds())

    def later(self, seconds: float) -> datetime:
        return self.now.utc + timedelta(seconds=seconds)

    def limit_w(self, connector: int = 1) -> float:
        return self.limits.of(connector).power_w

    def composite(self, seconds: float, connector: int = 1) -> dict[float, float]:
        return dict(merged(self.limits.composite(connector, seconds, self.now)))
