"""What must not last: every rule just inside and just outside its edges."""

from dataclasses import replace
from typing import Any

import pytest

from chargerd.core.faults import FAULTS
from chargerd.core.permissive import Facts, learned
from chargerd.core.supervision import FALL_A_PER_S, RULES, Tolerances, Watch
from hal.values import MeterReading, PowerReading, Reading, Setpoint, VehiclePhase
from tests.core.bench import FITTED, modules, vehicle

NOW_S = 1000.0
CHARGING = Setpoint(400.0, 100.0, 1.0)
TESTING = Setpoint(500.0, 2.0, 1.0)
TOLERANCES = Tolerances()


def meter(**changed: Any) -> MeterReading:
    values: dict[str, Any] = {
        "voltage_v": 400.0,
        "current_a": 100.0,
        "power_w": 40_000.0,
        **changed,
    }
    return MeterReading(at_s=NOW_S, energy_wh=0, **values)


def facts(*changed: Reading, phase: VehiclePhase = VehiclePhase.CHARGING) -> Facts:
    found = Facts(FITTED)
    usual = (vehicle(NOW_S, phase, max_voltage_v=450.0), modules(NOW_S, 100.0), meter())
    for reading in (*usual, *changed):
        found = learned(found, reading)
    return found


def fresh(known: Facts, now_s: float) -> Facts:
    """Return the same measurements, taken now."""
    for reading in (known.power_module, known.meter):
        if reading is not None:
            known = learned(known, replace(reading, at_s=now_s))
    return known


def lasts_s(known: Facts, told: Setpoint = CHARGING, **more: Any) -> float | None:
    """Return after how long something is broken, in steps of 10 ms; ``None``: never."""
    watch = Watch(TOLERANCES)
    watch.tell(told, NOW_S)
    for hundredths in range(1000):
        now_s = NOW_S + hundredths / 100
        watch.follow(fresh(known, now_s), now_s, **more)
        if watch.lasting(now_s):
            return hundredths / 100
    return None


def test_a_session_without_fault_breaks_nothing() -> None:
    assert lasts_s(facts()) is None


def test_every_rule_leads_to_a_fault_that_stays() -> None:
    for rule in RULES:
        assert FAULTS[rule.fault].stops
        assert FAULTS[rule.fault].recovers == "unplug"


def edge(phase: VehiclePhase, told: Setpoint, *changed: Reading) -> tuple[Any, ...]:
    return facts(*changed, phase=phase), told


CHECK, CHARGE = VehiclePhase.CABLE_CHECK, VehiclePhase.CHARGING
HIGH, HIGHEST, TOO_HIGH = (meter(voltage_v=v) for v in (450.0, 454.5, 454.6))
EDGES = [
    # what is measured, as it may be and as it may not, and how long that may last
    (
        "vehicle-over-voltage",
        edge(CHARGE, CHARGING, modules(NOW_S, 90.0, voltage_v=454.5), HIGH),
        edge(CHARGE, CHARGING, modules(NOW_S, 90.0, voltage_v=454.6), HIGH),
        0.4,
    ),
    (
        "vehicle-over-voltage",
        edge(CHARGE, CHARGING, modules(NOW_S, 90.0, voltage_v=450.0), HIGHEST),
        edge(CHARGE, CHARGING, modules(NOW_S, 90.0, voltage_v=450.0), TOO_HIGH),
        0.4,
    ),
    (
        "over-current",
        edge(CHARGE, CHARGING, modules(NOW_S, 105.0)),
        edge(CHARGE, CHARGING, modules(NOW_S, 105.1)),
        1.0,
    ),
    (
        "over-current",
        edge(VehiclePhase.PRECHARGE, TESTING, modules(NOW_S, 5.0)),
        edge(VehiclePhase.PRECHARGE, TESTING, modules(NOW_S, 5.1)),
        1.0,
    ),
    (
        "short-circuit",
        edge(CHECK, TESTING, modules(NOW_S, 5.0, voltage_v=550.0)),
        edge(CHECK, TESTING, modules(NOW_S, 5.1, voltage_v=550.0)),
        0.0,
    ),
    (
        "short-circuit",
        edge(CHECK, TESTING, modules(NOW_S, 2.5, voltage_v=220.0)),
        edge(CHECK, TESTING, modules(NOW_S, 2.5, voltage_v=219.0)),
        1.0,
    ),
    (
        "measurement-spread",
        edge(CHARGE, CHARGING, meter(voltage_v=380.0)),
        edge(CHARGE, CHARGING, meter(voltage_v=379.9)),
        5.0,
    ),
    (
        "measurement-spread",
        edge(CHARGE, CHARGING, meter(power_w=44_000.0)),
        edge(CHARGE, CHARGING, meter(power_w=44_001.0)),
        5.0,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "good", "bad", "may_s"), EDGES)
def test_a_rule_is_broken_just_above_its_edge_and_for_longer_than_it_bears(
    fault: str, good: tuple[Any, ...], bad: tuple[Any, ...], may_s: float
) -> None:
    assert lasts_s(*good) is None
    assert lasts_s(*bad) == pytest.approx(may_s, abs=0.011)
    known, told = bad
    watch = Watch(TOLERANCES)
    watch.tell(told, NOW_S)
    watch.follow(known, NOW_S)
    watch.follow(fresh(known, NOW_S + may_s), NOW_S + may_s)
    (broken,) = watch.lasting(NOW_S + may_s + 0.001)
    assert broken.fault == fault
    assert any(digit in broken.value for digit in "0123456789")


def test_every_rule_is_tried_at_its_edges() -> None:
    assert len(EDGES) == len(RULES) + 2  # both meters of a voltage; any phase's current
    assert {fault for fault, *_ in EDGES} == {rule.fault for rule in RULES}


def test_what_stops_in_between_begins_to_count_anew() -> None:
    watch = Watch(TOLERANCES)
    watch.tell(CHARGING, NOW_S)
    high, fine = facts(modules(NOW_S, 150.0)), facts()
    for at_s, known in ((0.0, high), (0.9, high), (0.95, fine), (1.0, high)):
        watch.follow(known, NOW_S + at_s)
    assert watch.lasting(NOW_S + 1.9) == ()
    assert watch.lasting(NOW_S + 2.0) != ()


def test_what_is_dead_is_forgotten() -> None:
    watch = Watch(TOLERANCES)
    watch.tell(CHARGING, NOW_S)
    watch.follow(facts(modules(NOW_S, 150.0)), NOW_S)
    watch.rest()
    assert watch.lasting(NOW_S + 10.0) == ()


def test_a_current_has_the_time_to_fall_that_the_standard_gives_it() -> None:
    watch = Watch(TOLERANCES)
    watch.tell(Setpoint(400.0, 300.0, 1.0), NOW_S)
    watch.tell(Setpoint(400.0, 100.0, 1.0), NOW_S)
    for tenths in range(30):
        now_s = NOW_S + tenths / 10
        falling_a = max(300.0 - FALL_A_PER_S * tenths / 10, 100.0)
        watch.follow(facts(modules(now_s, falling_a)), now_s)
        assert watch.lasting(now_s) == ()
    watch.follow(facts(modules(NOW_S + 3.0, 300.0)), NOW_S + 3.0)
    assert [each.fault for each in watch.lasting(NOW_S + 4.0)] == ["over-current"]


def test_modules_that_pause_may_give_nothing_and_those_switched_off_fall() -> None:
    pause, off = Setpoint(400.0, 0.0, 1.0), Setpoint(0.0, 0.0, 1.0)
    known = facts(modules(NOW_S, 20.0), meter(power_w=8_000.0))
    assert lasts_s(known, pause) == pytest.approx(1.0, abs=0.011)
    assert lasts_s(known, off) is None


@pytest.mark.parametrize("old", [PowerReading, MeterReading])
def test_measurements_of_different_times_are_not_compared(old: type[Reading]) -> None:
    known = facts(meter(voltage_v=300.0, power_w=30_000.0))
    watch = Watch(TOLERANCES)
    watch.tell(CHARGING, NOW_S)
    for seconds in range(10):
        now_s = NOW_S + seconds
        for reading in (known.power_module, known.meter):
            if reading is not None and type(reading) is not old:
                known = learned(known, replace(reading, at_s=now_s))
        watch.follow(known, now_s)
    assert watch.lasting(NOW_S + 10.0) == ()


def test_what_was_never_read_breaks_nothing() -> None:
    nothing = Facts(FITTED)
    assert lasts_s(nothing) is None
    checks = learned(nothing, vehicle(NOW_S, CHECK, max_voltage_v=450.0))
    assert lasts_s(checks) is None
    charges = learned(nothing, vehicle(NOW_S, CHARGE, max_voltage_v=450.0))
    assert lasts_s(charges) is None


def test_what_comes_over_a_bridge_is_counted_at_the_meter() -> None:
    known = facts(meter(power_w=80_000.0))
    assert lasts_s(known) is not None
    assert lasts_s(known, beside_a=100.0) is None


def test_a_wider_tolerance_bears_more_and_longer() -> None:
    watch = Watch(
        Tolerances(voltage_spread_v=60.0, power_spread_w=9_000.0, spread_s=9.0)
    )
    watch.tell(CHARGING, NOW_S)
    far = facts(meter(voltage_v=350.0, power_w=32_000.0))
    watch.follow(far, NOW_S)
    assert watch.lasting(NOW_S + 100.0) == ()
    too_far = facts(meter(voltage_v=339.0, power_w=32_000.0))
    watch.follow(too_far, NOW_S)
    assert watch.lasting(NOW_S + 8.9) == ()
    assert watch.lasting(NOW_S + 9.0) != ()
