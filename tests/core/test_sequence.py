"""The limits of a DC session, each just before and just after it passes."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chargerd.core import events
from chargerd.core.faults import FAULTS
from chargerd.core.reasons import Cause
from chargerd.core.sequence import LIMITS, Limit, due
from chargerd.core.session import Phase
from hal.values import Position, VehiclePhase
from tests.core.bench import Bench, contactor, isolation, modules

VEHICLE_S = {Phase.CABLE_CHECK: 40.0, Phase.PRECHARGE: 7.0}
"""When a vehicle breaks off (DIN 70121, ISO 15118-2)."""


@dataclass(frozen=True)
class Case:
    """How a session comes to lack something, and how it ends if that stays so."""

    lack: Callable[[Bench], None]
    then: Phase
    cause: Cause
    value: str = ""


def nothing(_: Bench) -> None:
    """Nothing more happens."""


def no_voltage(bench: Bench) -> None:
    bench.happens(events.SelfTested(1))
    bench.senses(1, contactor(bench.tick(), Position.CLOSED))
    bench.senses(1, modules(bench.tick(), voltage_v=379.0))


def no_discharge(bench: Bench) -> None:
    bench.happens(events.SelfTested(1))
    bench.senses(1, contactor(bench.tick(), Position.CLOSED))
    bench.senses(1, modules(bench.tick(), voltage_v=400.0))
    bench.senses(1, isolation(bench.tick()))
    bench.vehicle(VehiclePhase.PRECHARGE)
    bench.senses(1, modules(bench.tick(), voltage_v=60.0))


def the_vehicle_stays(bench: Bench) -> None:
    """The vehicle alone does not go on."""
    bench.checks_cable()


def too_low(bench: Bench) -> None:
    bench.senses(1, modules(bench.tick(), voltage_v=379.9))


def matched(bench: Bench) -> None:
    bench.senses(1, modules(bench.tick(), voltage_v=380.0))


def too_much_current(bench: Bench) -> None:
    bench.senses(1, modules(bench.tick(), 1.0))


def no_measurement(bench: Bench) -> None:
    bench.senses(1, modules(bench.session().since_s, 0.0))


CASES = {
    "the plug is held": Case(nothing, Phase.SETTLING, Cause.LOCK_TIMEOUT),
    "vehicle and controller agree": Case(
        nothing, Phase.SETTLING, Cause.HANDSHAKE_TIMEOUT
    ),
    "the monitor has passed its self-test": Case(
        nothing, Phase.OPENING, Cause.FAULT, "no result"
    ),
    "the test voltage is reached": Case(
        no_voltage, Phase.OPENING, Cause.FAULT, "379 V of 400 V"
    ),
    "the output is below 60 V again": Case(
        no_discharge, Phase.OPENING, Cause.FAULT, "60 V of 60 V"
    ),
    "the cable is checked": Case(
        the_vehicle_stays, Phase.RAMP_DOWN, Cause.CABLE_CHECK_TIMEOUT
    ),
    "the output is within 20 V": Case(
        too_low, Phase.OPENING, Cause.PRECHARGE_TIMEOUT, "380 V of 400 V"
    ),
    "the vehicle has joined its battery": Case(
        matched, Phase.RAMP_DOWN, Cause.PRECHARGE_TIMEOUT
    ),
    "the current is below 1 A": Case(
        too_much_current, Phase.OPENING, Cause.TOKEN, "1.0 A of 1.0 A"
    ),
    "the current was measured": Case(no_measurement, Phase.OPENING, Cause.TOKEN),
    "the contactors report open": Case(nothing, Phase.SETTLING, Cause.TOKEN),
    "the meter was read once more": Case(nothing, Phase.WELDING_CHECK, Cause.TOKEN),
}


def test_every_limit_is_tried_here() -> None:
    assert [limit.what for limit in LIMITS] == list(CASES)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.what)
def test_a_limit_passes_when_it_is_due_and_not_before(limit: Limit) -> None:
    case = CASES[limit.what]
    bench = Bench()
    bench.comes_to(limit.phase)
    case.lack(bench)
    first = due(bench.session())
    assert first is not None
    due_s, lacking = first
    assert lacking is limit
    assert due_s == pytest.approx(limit.since(bench.session()) + limit.within_s)

    bench.clock.advance(due_s - bench.clock.now().monotonic_s - 0.001)
    bench.station.expire(bench.clock.now())
    assert bench.phase() is limit.phase

    bench.clock.advance(0.001001)
    bench.station.expire(bench.clock.now())
    assert bench.phase() is case.then
    assert bench.session().cause is case.cause
    told = [(each.fault.name, each.value) for each in bench.station.health.active]
    assert told == ([(limit.fault, case.value)] if limit.fault else [])


@pytest.mark.parametrize("phase", VEHICLE_S)
def test_ours_end_before_the_vehicles(phase: Phase) -> None:
    for limit in LIMITS:
        if limit.phase is phase:
            assert limit.within_s < VEHICLE_S[phase]
            assert limit.theirs


def test_a_missed_limit_with_a_fault_is_a_fault_that_stops() -> None:
    for limit in LIMITS:
        assert not limit.fault or FAULTS[limit.fault].stops


@pytest.mark.parametrize("earlier_s", [0.0, 0.5])
def test_the_vehicles_clock_runs_from_when_it_came_to_its_phase(
    earlier_s: float,
) -> None:
    bench = Bench()
    bench.comes_to(Phase.CABLE_CHECK)
    bench.happens(events.SelfTested(1))
    bench.senses(1, contactor(bench.tick(), Position.CLOSED))
    bench.senses(1, modules(bench.tick(), voltage_v=400.0))
    bench.senses(1, isolation(bench.tick()))
    bench.vehicle(VehiclePhase.PRECHARGE)
    began_s = bench.clock.now().monotonic_s
    bench.clock.advance(earlier_s)
    bench.senses(1, modules(bench.tick(), voltage_v=0.0))
    assert bench.phase() is Phase.PRECHARGE
    first = due(bench.session())
    assert first is not None
    assert first[0] == pytest.approx(began_s + 6.0)


def test_a_vehicle_that_asks_for_no_voltage_is_no_fault_of_the_modules() -> None:
    bench = Bench()
    bench.comes_to(Phase.CABLE_CHECK)
    bench.happens(events.SelfTested(1))
    bench.senses(1, contactor(bench.tick(), Position.CLOSED))
    bench.vehicle(VehiclePhase.CABLE_CHECK, target_voltage_v=0.0)
    bench.waits(39.0)
    assert bench.station.health.active == ()
    assert bench.session().cause is Cause.CABLE_CHECK_TIMEOUT


def test_a_self_test_that_failed_ends_the_check_with_its_words() -> None:
    bench = Bench()
    bench.comes_to(Phase.CABLE_CHECK)
    bench.happens(events.SelfTested(1, "no test resistor"))
    (active,) = bench.station.health.active
    assert (active.fault.name, active.value) == (
        "isolation-self-test",
        "no test resistor",
    )
    assert bench.phase() is Phase.OPENING


@pytest.mark.parametrize("error", ["", "no test resistor"])
def test_a_self_test_of_a_check_that_is_over_says_nothing(error: str) -> None:
    bench = Bench()
    bench.comes_to(Phase.CABLE_CHECK)
    told_s = bench.session().since_s - 0.1
    bench.happens(events.SelfTested(1, error, told_s))
    assert not bench.session().check.tested
    assert bench.phase() is Phase.CABLE_CHECK

    bench.happens(events.StopRequested(1, Cause.REMOTE))
    bench.happens(events.SelfTested(1, error))
    assert bench.station.health.active == ()
    assert bench.session().cause is Cause.REMOTE


def test_a_stop_in_the_middle_of_the_cable_check_is_no_failure_of_it() -> None:
    bench = Bench()
    bench.comes_to(Phase.CABLE_CHECK)
    bench.happens(events.StopRequested(1, Cause.REMOTE))
    bench.senses(1, modules(bench.tick()))
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.waits(60.0)
    assert bench.station.health.active == ()
    assert bench.session().cause is Cause.REMOTE
