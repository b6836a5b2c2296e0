"""A station with two connectors, and what its devices and drivers say."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import inf
from typing import Any, Final, TypeVar

from chargerd.core import events
from chargerd.core.drivers import Drivers
from chargerd.core.effects import Effect
from chargerd.core.events import Event, Standing, TagInfo
from chargerd.core.fitting import Fitting
from chargerd.core.locallist import LocalList
from chargerd.core.permissive import FIELDS
from chargerd.core.policy import Policy
from chargerd.core.session import Phase, Session
from chargerd.core.station import Station
from chargerd.core.tags import Tags
from hal.values import (
    ContactorReading,
    IsolationReading,
    LockReading,
    MeterReading,
    Position,
    PowerRating,
    PowerReading,
    Reading,
    SafetyReading,
    SupplyReading,
    TemperatureReading,
    Token,
    VehiclePhase,
    VehicleReading,
)
from tests.clock import FakeClock

E = TypeVar("E")

FITTED: Final = frozenset({*FIELDS.values(), "reader"}) - {"bridge"}
RATING: Final = PowerRating(150.0, 1000.0, 250.0, 100_000.0)
CARD: Final = "04A224B2"
OTHER: Final = "04FFFFFF"
REGISTER_WH: Final = 120_000
ACCEPTED: Final = TagInfo(Standing.ACCEPTED)
KIND: Final = Policy(allow_offline_unknown_id=True, unlock_on_unplug=True)
"""Serves everybody and keeps no cable."""


def vehicle(at_s: float, phase: VehiclePhase, **more: Any) -> VehicleReading:
    wishes = {"target_voltage_v": 400.0, "target_current_a": 125.0, **more}
    return VehicleReading(at_s=at_s, phase=phase, **wishes)


def contactor(at_s: float, position: Position) -> ContactorReading:
    return ContactorReading(at_s=at_s, position=position)


def modules(at_s: float, current_a: float = 0.0, **more: Any) -> PowerReading:
    state = {"voltage_v": 400.0, "temperature_c": 40.0, **more}
    return PowerReading(at_s=at_s, current_a=current_a, **state)


def meter(at_s: float, energy_wh: int = REGISTER_WH) -> MeterReading:
    return MeterReading(
        at_s=at_s, energy_wh=energy_wh, power_w=0.0, voltage_v=0.0, current_a=0.0
    )


def isolation(at_s: float, resistance_ohm: float = 1e6, **more: Any) -> Reading:
    return IsolationReading(at_s=at_s, resistance_ohm=resistance_ohm, **more)


def lock(at_s: float, engaged: bool) -> LockReading:
    return LockReading(at_s=at_s, engaged=engaged)


def temperature(at_s: float, temperature_c: float = 30.0) -> TemperatureReading:
    return TemperatureReading(at_s=at_s, temperature_c=temperature_c)


def safety(at_s: float, **inputs: Any) -> SafetyReading:
    return SafetyReading(at_s=at_s, **inputs)


def supply(at_s: float, failing: bool = False) -> SupplyReading:
    return SupplyReading(at_s=at_s, failing=failing)


class Bench:
    """A station on which everything works, unless a test says otherwise."""

    def __init__(
        self,
        policy: Policy | None = None,
        connectors: Sequence[int] = (1, 2),
        *,
        known: Mapping[str, TagInfo] | None = None,
        read: bool = True,
        own_readers: Container[int] = (),
        limit_w: float | None = None,
        fittings: Mapping[int, Fitting] | None = None,
        site_w: float = inf,
    ) -> None:
        self.clock = FakeClock()
        self.told: list[Effect] = []
        keys = count(1)
        usual = {
            n: Fitting(RATING, FITTED, limit_w, own_reader=n in own_readers)
            for n in connectors
        }
        self.station = Station(
            fittings or usual,
            policy or KIND,
            lambda: f"key-{next(keys)}",
            Drivers(LocalList(), Tags((known or {}).items())),
            site_w=site_w,
        )
        self.happens(events.ServiceChanged(0))
        for number in connectors if read else ():
            self.senses(number, *self.healthy())
        self.told.clear()

    def healthy(self) -> tuple[Reading, ...]:
        at_s = self.clock.now().monotonic_s
        return (
            vehicle(at_s, VehiclePhase.UNPLUGGED),
            contactor(at_s, Position.OPEN),
            modules(at_s),
            meter(at_s),
            isolation(at_s),
            lock(at_s, False),
            temperature(at_s),
            safety(at_s),
            supply(at_s),
        )

    def happens(self, *happened: Event) -> list[Effect]:
        told: list[Effect] = []
        for event in happened:
            told += self.takes(self.station.apply(event, self.clock.now()))
        return told

    def takes(self, told: Iterable[Effect]) -> list[Effect]:
        effects = list(told)
        self.told += effects
        return effects

    def senses(self, connector: int, *readings: Reading) -> list[Effect]:
        return self.happens(*(events.Sensed(connector, r) for r in readings))

    def waits(self, seconds: float) -> list[Effect]:
        """Let time pass, and whatever is due happen at its time."""
        until_s = self.clock.now().monotonic_s + seconds
        told: list[Effect] = []
        while (due_s := self.station.next_deadline_s(self.clock.now())) is not None:
            if due_s > until_s:
                break
            now = self.clock.advance(max(due_s - self.clock.now().monotonic_s, 0.0))
            told += self.takes(self.station.expire(now))
            next_s = self.station.next_deadline_s(now)
            assert next_s is None or next_s > now.monotonic_s, "nothing was due"
        self.clock.advance(until_s - self.clock.now().monotonic_s)
        return told

    def presents(self, id_tag: str = CARD, reader: int = 0) -> list[Effect]:
        return self.happens(events.TokenPresented(reader, Token(id_tag)))

    def answers(self, id_tag: str, info: TagInfo | None) -> list[Effect]:
        return self.happens(events.TagAnswered(0, id_tag, info))

    def vehicle(
        self, phase: VehiclePhase, connector: int = 1, **m: Any
    ) -> list[Effect]:
        return self.senses(connector, vehicle(self.tick(), phase, **m))

    def plugs(self, connector: int = 1) -> list[Effect]:
        return self.vehicle(VehiclePhase.NEGOTIATING, connector)

    def unplugs(self, connector: int = 1) -> list[Effect]:
        return self.vehicle(VehiclePhase.UNPLUGGED, connector)

    def vehicle_finishes(self, connector: int = 1) -> list[Effect]:
        return self.vehicle(VehiclePhase.FINISHED, connector)

    def counts(self, energy_wh: int, connector: int = 1) -> list[Effect]:
        return self.senses(connector, meter(self.tick(), energy_wh))

    def tick(self) -> float:
        return self.clock.advance(0.01).monotonic_s

    def comes_to(self, wanted: Phase, connector: int = 1) -> None:
        """Go the usual way, through a session begun with a card, up to a phase."""
        aside = _ASIDE.get(wanted)
        if aside is not None:
            self.allows(**aside)
            self.comes_to(Phase.ENERGIZED, connector)
            self.unplugs(connector)
            self.senses(connector, contactor(self.tick(), Position.OPEN))
            self.senses(connector, meter(self.tick()))
            assert self.phase(connector) is wanted
            return
        for phase, step in self._steps(connector):
            step()
            if phase is not None:
                assert self.phase(connector) is phase
            if phase is wanted:
                return
        raise AssertionError(f"the usual way does not come to {wanted}")

    def _steps(self, number: int) -> Iterable[tuple[Phase | None, Any]]:
        sense, at = self.senses, self.tick
        others = [s for s in self.station.sessions.values() if s.connector != number]
        card = OTHER if any(s.id_tag == CARD for s in others) else CARD
        yield Phase.IDLE, lambda: None
        yield Phase.PLUGGED, lambda: self.plugs(number)
        yield Phase.LOCKING, lambda: self.presents(card)
        yield Phase.HANDSHAKE, lambda: sense(number, lock(at(), True))
        cable_check = VehiclePhase.CABLE_CHECK
        yield Phase.CABLE_CHECK, lambda: self.vehicle(cable_check, number)
        yield None, lambda: self.checks_cable(number)
        precharge = VehiclePhase.PRECHARGE
        yield Phase.PRECHARGE, lambda: self.vehicle(precharge, number)
        yield None, lambda: sense(number, modules(at()))
        yield Phase.ENERGIZED, lambda: self.vehicle(VehiclePhase.CHARGING, number)
        yield None, lambda: sense(number, modules(at(), 125.0))
        yield Phase.RAMP_DOWN, lambda: self.presents(card)
        yield Phase.OPENING, lambda: sense(number, modules(at()))
        yield Phase.SETTLING, lambda: sense(number, contactor(at(), Position.OPEN))
        yield Phase.WELDING_CHECK, lambda: sense(number, meter(at()))
        yield Phase.FINISHED, lambda: self.vehicle(VehiclePhase.FINISHED, number)

    def checks_cable(self, number: int = 1) -> None:
        """Pass the cable check, but for the vehicle's word."""
        self.happens(events.SelfTested(number))
        self.senses(number, contactor(self.tick(), Position.CLOSED))
        self.senses(number, modules(self.tick(), voltage_v=450.0))
        self.senses(number, isolation(self.tick()))
        self.senses(number, modules(self.tick(), voltage_v=0.0))

    def session(self, connector: int = 1) -> Session:
        return self.station.sessions[connector]

    def phase(self, connector: int = 1) -> Phase:
        return self.session(connector).phase

    def live(self, connector: int = 1) -> bool:
        return self.station.outputs()[connector].live

    def told_of(self, kind: type[E]) -> list[E]:
        return of(kind, self.told)

    def allows(self, **choices: Any) -> None:
        policy = replace(self.station.policy, **choices)
        self.happens(events.PolicyChanged(0, policy))


_ASIDE: Final[Mapping[Phase, Mapping[str, bool]]] = {
    Phase.WAITING: {"stop_on_unplug": False},
    Phase.HELD: {"unlock_on_unplug": False},
}
"""Where a pulled plug leads if the policy is so."""


def of(kind: type[E], effects: Iterable[Effect]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]
