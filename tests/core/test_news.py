"""What only changed in amount may wait, and nothing comes out otherwise for it."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core import events
from chargerd.core.effects import Effect
from chargerd.core.news import PATIENCE_S, tells
from chargerd.core.permissive import FIELDS, Facts, learned
from chargerd.core.session import Phase
from hal.values import (
    BridgeReading,
    ContactorReading,
    IsolationReading,
    LockReading,
    MeterReading,
    Position,
    PowerReading,
    Quality,
    Reading,
    SafetyReading,
    SupplyReading,
    TemperatureReading,
    VehiclePhase,
    VehicleReading,
)
from tests.core.bench import (
    CARD,
    FITTED,
    REGISTER_WH,
    Bench,
    contactor,
    isolation,
    meter,
    modules,
    temperature,
)

SAID = (
    VehicleReading(at_s=1.0, phase=VehiclePhase.CHARGING),
    ContactorReading(at_s=1.0, position=Position.CLOSED),
    PowerReading(at_s=1.0, voltage_v=400.0, current_a=100.0, temperature_c=40.0),
    MeterReading(
        at_s=1.0, energy_wh=1000, power_w=4e4, voltage_v=400.0, current_a=100.0
    ),
    IsolationReading(at_s=1.0, resistance_ohm=1e6),
    LockReading(at_s=1.0, engaged=True),
    TemperatureReading(at_s=1.0, temperature_c=40.0),
    SafetyReading(at_s=1.0),
    SupplyReading(at_s=1.0, failing=False),
    BridgeReading(at_s=1.0, position=Position.OPEN),
)
OTHER: dict[Any, Any] = {
    VehiclePhase.CHARGING: VehiclePhase.PAUSED,
    Position.CLOSED: Position.BETWEEN,
    Position.OPEN: Position.BETWEEN,
    Quality.GOOD: Quality.DOUBTFUL,
    True: False,
    False: True,
    (): (3,),
}
"""Another value in the place of one that is a word."""


def facts(*readings: Reading) -> Facts:
    found = Facts(FITTED)
    for reading in readings:
        found = learned(found, reading)
    return found


def words(reading: Reading) -> list[str]:
    return [
        field.name
        for field in fields(reading)
        if not isinstance(getattr(reading, field.name), (float, int, type(None)))
        or isinstance(getattr(reading, field.name), bool)
    ]


def test_every_kind_of_reading_is_tried_here() -> None:
    assert {type(reading) for reading in SAID} == set(FIELDS)


@pytest.mark.parametrize("reading", SAID, ids=lambda r: type(r).__name__)
def test_the_first_word_of_a_device_is_news_and_its_repetition_is_not(
    reading: Reading,
) -> None:
    assert tells(facts(), reading)
    assert not tells(facts(*SAID), replace(reading, at_s=2.0))


@pytest.mark.parametrize(
    ("reading", "name"),
    [(reading, name) for reading in SAID for name in words(reading)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_another_word_is_news(reading: Reading, name: str) -> None:
    changed: dict[str, Any] = {name: OTHER[getattr(reading, name)]}
    assert tells(facts(*SAID), replace(reading, **changed))


@pytest.mark.parametrize(
    "more",
    [
        modules(2.0, 101.0, voltage_v=401.0),
        meter(2.0, 1001),
        isolation(2.0, 9e5),
        temperature(2.0, 41.0),
        VehicleReading(at_s=2.0, phase=VehiclePhase.CHARGING, soc_percent=42.0),
    ],
    ids=lambda r: type(r).__name__,
)
def test_more_of_an_amount_is_no_news(more: Reading) -> None:
    assert not tells(facts(*SAID), more)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (isolation(1.0), isolation(2.0, 99_000.0)),
        (temperature(1.0), temperature(2.0, 91.0)),
        (modules(1.0), modules(2.0, voltage_v=600.0)),
    ],
    ids=lambda r: type(r).__name__,
)
def test_an_amount_that_makes_a_fault_or_ends_one_is_news(
    before: Reading, after: Reading
) -> None:
    vehicle = replace(SAID[0], max_voltage_v=450.0)
    assert tells(facts(*SAID, vehicle, before), after)
    assert tells(facts(*SAID, vehicle, after), before)


def test_a_vehicle_that_lowers_its_maximum_below_the_output_is_news() -> None:
    lowered = replace(SAID[0], max_voltage_v=450.0)
    assert tells(facts(*SAID, modules(1.0, voltage_v=600.0)), lowered)


# The station


def test_amounts_are_known_at_once_and_followed_up_in_time() -> None:
    bench = Bench(site_w=120_000.0)
    bench.comes_to(Phase.ENERGIZED)
    bench.waits(PATIENCE_S)
    bench.counts(REGISTER_WH)
    assert not bench.station.behind
    bench.counts(REGISTER_WH + 250)
    assert bench.session().energy_wh == 250
    assert bench.station.behind
    bench.waits(PATIENCE_S)
    assert not bench.station.behind


def test_whatever_else_happens_follows_up_what_has_waited() -> None:
    bench = Bench()
    bench.comes_to(Phase.ENERGIZED)
    bench.counts(REGISTER_WH + 250)
    assert bench.station.behind
    bench.happens(events.OnlineChanged(0, True))
    assert not bench.station.behind


def test_an_amount_that_moves_the_session_waits_for_nothing() -> None:
    bench = Bench()
    bench.comes_to(Phase.RAMP_DOWN)
    bench.senses(1, modules(bench.tick(), 1.5))
    assert bench.phase() is Phase.RAMP_DOWN
    bench.senses(1, modules(bench.tick(), 0.5))
    assert bench.phase() is Phase.OPENING
    assert not bench.station.outputs()[1].closed


@pytest.mark.parametrize(
    "phase",
    [Phase.HANDSHAKE, Phase.CABLE_CHECK, Phase.PRECHARGE, Phase.RAMP_DOWN],
)
def test_on_the_way_from_phase_to_phase_nothing_waits(phase: Phase) -> None:
    bench = Bench()
    bench.comes_to(phase)
    for volts in (300.0, 310.0):
        bench.senses(1, modules(bench.tick(), 2.0, voltage_v=volts))
        assert not bench.station.behind
    assert bench.phase() is phase


class Eager(Bench):
    """Follows up every single reading."""

    def takes(self, told: Iterable[Effect]) -> list[Effect]:
        effects = list(told)
        if self.station.behind:
            effects += self.station.expire(self.clock.now())
        return super().takes(effects)


MOVES: dict[str, Any] = {
    **{
        f"{phase.value} {volts}": lambda b, n, p=phase, v=volts: b.vehicle(
            p, n, max_voltage_v=v
        )
        for phase in VehiclePhase
        for volts in (450.0, 900.0)
    },
    **{
        position.value: lambda b, n, p=position: b.senses(n, contactor(b.tick(), p))
        for position in Position
    },
    **{
        f"{current_a} A {volts} V": lambda b, n, a=current_a, v=volts: b.senses(
            n, modules(b.tick(), a, voltage_v=v)
        )
        for current_a in (0.0, 40.0, 125.0, 200.0)
        for volts in (400.0, 600.0)
    },
    "insulated": lambda b, n: b.senses(n, isolation(b.tick())),
    "leaking": lambda b, n: b.senses(n, isolation(b.tick(), 5e4)),
    "warm": lambda b, n: b.senses(n, temperature(b.tick(), 60.0)),
    "hot": lambda b, n: b.senses(n, temperature(b.tick(), 95.0)),
    "counts": lambda b, n: b.counts(REGISTER_WH + int(b.clock.now().monotonic_s), n),
    "card": lambda b, n: b.presents(CARD, 0),
    "stops": lambda b, n: b.happens(events.TimeLimitPassed(n)),
    "a moment": lambda b, n: b.waits(0.05),
    "a while": lambda b, n: b.waits(2.0),
}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.sampled_from((1, 2)))))
def test_a_patient_station_comes_to_the_same_as_an_eager_one(
    history: list[tuple[str, int]],
) -> None:
    patient, eager = Bench(site_w=120_000.0), Eager(site_w=120_000.0)
    for bench in (patient, eager):
        bench.comes_to(Phase.ENERGIZED)
    for move, number in history:
        for bench in (patient, eager):
            MOVES[move](bench, number)
        assert patient.station.sessions == eager.station.sessions
    for bench in (patient, eager):
        bench.waits(PATIENCE_S)
    assert patient.told == eager.told
    assert patient.station.health.active == eager.station.health.active
    assert patient.station.outputs() == eager.station.outputs()
