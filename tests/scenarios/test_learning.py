"""What only changed in amount makes no full step, and moves no deadline."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.events import Sensed
from chargerd.core.news import PATIENCE_S
from chargerd.steps import DeadlinePassed
from hal.values import MeterReading, SafetyReading, VehiclePhase
from tests.scenarios.bench import Bench

Move = Callable[[Bench], object]

MOVES: dict[str, Move] = {
    "counts": lambda bench: bench.meters(120_000 + int(bench.now_s)),
    "plugs": Bench.plugs,
    "swipes": Bench.presents,
    "checks": lambda bench: bench.vehicle(VehiclePhase.CABLE_CHECK),
    "joins": lambda bench: bench.vehicle(VehiclePhase.PRECHARGE),
    "ends": lambda bench: bench.vehicle(VehiclePhase.ENDING),
    "unplugs": lambda bench: bench.vehicle(VehiclePhase.UNPLUGGED),
    "no current": lambda bench: bench.reads(bench._modules(0.0)),
    "some current": lambda bench: bench.reads(bench._modules(9.0)),
    "charges": lambda bench: bench.vehicle(VehiclePhase.CHARGING),
    "pauses": lambda bench: bench.vehicle(VehiclePhase.PAUSED),
    "button": lambda bench: bench.reads(SafetyReading(at_s=0.0, emergency_stop=True)),
    "no button": lambda bench: bench.reads(SafetyReading(at_s=0.0)),
    "asks": lambda bench: bench.asks("GetConfiguration"),
    "shows": lambda bench: bench.asks("TriggerMessage", requestedMessage="MeterValues"),
    "sets": lambda bench: bench.sets_here("MeterValueSampleInterval", "1"),
    "deadline": lambda bench: bench.happens(DeadlinePassed()),
    "a moment": lambda bench: bench.clock.advance(PATIENCE_S / 8),
    "a while": lambda bench: bench.waits(40.0),
}


def charging() -> Bench:
    bench = Bench(keys={"MeterValueSampleInterval": "10"})
    bench.plugs()
    bench.presents()
    bench.energizes()
    return bench


def plain_due_s(bench: Bench) -> float | None:
    point, now = bench.charge_point, bench.clock.now()
    station = point.station
    due = (
        station.next_deadline_s(now),
        point.dialogue.next_deadline_s(station, now),
        point.commits.due_s,
    )
    return min((s for s in due if s is not None), default=None)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=25))
def test_a_deadline_is_the_same_whether_it_is_remembered_or_worked_out(
    history: list[str],
) -> None:
    bench = charging()
    for move in history:
        MOVES[move](bench)
        known_s = bench.charge_point.next_deadline_s(bench.clock.now())
        assert known_s == plain_due_s(bench)


def test_devices_that_are_read_often_make_no_more_full_steps() -> None:
    bench = charging()
    mark, began_s = len(bench.steps), bench.now_s
    for n in range(500):
        at_s = bench.clock.advance(0.01).monotonic_s
        reading = MeterReading(
            at_s=at_s,
            energy_wh=120_000 + n,
            power_w=5e4,
            voltage_v=400.0,
            current_a=125.0,
        )
        bench.happens(Sensed(1, reading))
    full = [step for step in bench.steps[mark:] if not step.learned]
    assert bench.now_s - began_s == pytest.approx(5.0)
    assert 5.0 / PATIENCE_S - 1 <= len(full) <= 5.0 / PATIENCE_S + 1
    assert bench.charge_point.station.sessions[1].energy_wh == 499
