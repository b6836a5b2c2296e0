"""Faults come, are felt, and go; and every one that stops does stop."""

import pytest

from chargerd.core import events
from chargerd.core.effects import FaultClosed, FaultOpened, TransactionEnded
from chargerd.core.faults import FAULTS, cause
from chargerd.core.permissive import Loss
from chargerd.core.reasons import Cause
from chargerd.core.sequence import LIMITS
from chargerd.core.session import BILLED, Phase
from hal.values import Position, Quality, Reading, VehiclePhase
from tests.core.bench import (
    REGISTER_WH,
    Bench,
    contactor,
    isolation,
    meter,
    modules,
    of,
    safety,
    supply,
    temperature,
    vehicle,
)


def fact(at_s: float, name: str) -> Reading:
    """Return the reading that shows a fault."""
    return {
        "emergency-stop": safety(at_s, emergency_stop=True),
        "door-open": safety(at_s, door_open=True),
        "surge-protector": safety(at_s, surge_protector_tripped=True),
        "power-fail": supply(at_s, failing=True),
        "insulation": isolation(at_s, 20_000.0),
        "plug-over-temperature": temperature(at_s, 91.0),
        "module-over-temperature": modules(at_s, over_temperature=True),
        "under-voltage": modules(at_s, under_voltage=True),
        "over-voltage": modules(at_s, voltage_v=990.0),
        "module-failure": modules(at_s, failed_modules=(2, 5)),
    }[name]


LOST = {
    "meter-silent": ("meter", Loss("no answer")),
    "meter-implausible": ("meter", Loss("back from 9 to 8 Wh", implausible=True)),
    "reader-silent": ("reader", Loss("no answer")),
    "isolation-silent": ("isolation", Loss("no answer", implausible=True)),
    "vehicle-silent": ("vehicle", Loss("no answer")),
    "module-silent": ("power_module", Loss("no answer")),
    "contactor-silent": ("contactor", Loss("no answer")),
    "temperature-silent": ("temperature", Loss("no answer")),
    "lock-silent": ("lock", Loss("no answer")),
    "safety-silent": ("safety", Loss("no answer")),
    "supply-silent": ("supply", Loss("no answer")),
    "bridge-silent": ("bridge", Loss("no answer")),
}
CUT = (
    "vehicle-over-voltage",
    "over-current",
    "short-circuit",
    "measurement-spread",
    "control-late",
)
"""Found by the guard alone, by ``core.supervision``."""
MISSED = {limit.fault for limit in LIMITS if limit.fault}
"""What had to happen in time and did not, by ``core.sequence``."""
CHANGES = {
    "storage": events.StorageChanged(0, failing=True),
    "reset": events.RestartFailed(0, "reboot failed with 1"),
    "storage-short": events.RoomChanged(0, short=True, exhausted=False),
}
FELT = (
    "cable-check",
    "contactor-weld",
    "contactor-open",
    "lock-stuck",
    "meter-frozen",
    "meter-unsigned",
    "bridge-weld",
    "bridge-open",
    "limit-exceeded",
)
"""Told by no single reading; tried below, or with the module that tells each."""
STOPS_AT_ONCE = [
    name for name, fault in FAULTS.items() if fault.stops and name not in FELT
]
CHARGES = [phase for phase in Phase if phase in BILLED]


def raises(bench: Bench, name: str) -> None:
    connector = 0 if FAULTS[name].of_station else 1
    if name in LOST:
        bench.happens(events.DeviceLost(connector, *LOST[name]))
    elif name in MISSED:
        bench.happens(events.LimitMissed(connector, name, "80 V of 400 V"))
    elif name in CUT:
        bench.happens(events.GuardCut(connector, (name,), "12.5 of 2.0"))
    else:
        bench.senses(connector, fact(bench.tick(), name))


def names(bench: Bench, connector: int) -> list[str]:
    return [active.fault.name for active in bench.station.health.at(connector)]


def at(phase: Phase) -> Bench:
    bench = Bench()
    bench.comes_to(phase)
    bench.vehicle(_WHERE.get(phase, VehiclePhase.CHARGING), max_voltage_v=450.0)
    assert bench.phase() is phase
    return bench


_WHERE = {
    Phase.LOCKING: VehiclePhase.AUTHORIZING,
    Phase.HANDSHAKE: VehiclePhase.AUTHORIZING,
    Phase.CABLE_CHECK: VehiclePhase.CABLE_CHECK,
    Phase.PRECHARGE: VehiclePhase.PRECHARGE,
}


def test_every_fault_that_stops_is_tried_here() -> None:
    told = {*LOST, "module-failure", *STOPS_AT_ONCE, *FELT, *CHANGES}
    assert told == set(FAULTS)


@pytest.mark.requirement("TXN-31")
@pytest.mark.parametrize("name", STOPS_AT_ONCE)
@pytest.mark.parametrize("phase", CHARGES, ids=lambda phase: phase.value)
def test_a_fault_that_stops_takes_energy_and_bill_away(phase: Phase, name: str) -> None:
    bench = at(phase)
    raises(bench, name)
    assert not bench.live()
    checked = name == "insulation" and phase is Phase.CABLE_CHECK
    assert ("cable-check" if checked else name) in names(bench, 1)
    assert bench.station.faulted(1)
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.waits(5.0)
    (ended,) = bench.told_of(TransactionEnded)
    asked = phase in (Phase.RAMP_DOWN, Phase.OPENING, Phase.SETTLING)
    assert ended.cause is (Cause.TOKEN if asked else FAULTS[name].cause)


WARNINGS = [n for n, f in FAULTS.items() if not f.stops and n not in FELT]


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_lets_the_charging_go_on(name: str) -> None:
    bench = at(Phase.ENERGIZED)
    if name in CHANGES:
        bench.happens(CHANGES[name])
    else:
        raises(bench, name)
    connector = 0 if FAULTS[name].of_station else 1
    assert names(bench, connector) == [name]
    assert bench.live()
    assert not bench.station.faulted(1)


@pytest.mark.requirement("TXN-32")
@pytest.mark.parametrize("name", STOPS_AT_ONCE)
def test_nothing_can_start_while_a_fault_stops_it(name: str) -> None:
    bench = Bench(connectors=(1,))
    bench.vehicle(VehiclePhase.NEGOTIATING, max_voltage_v=450.0)
    raises(bench, name)
    bench.presents()
    bench.happens(events.StartRequested(1, "TAG"))
    assert bench.phase() is Phase.PLUGGED


def test_a_fault_of_the_station_is_felt_by_all_but_told_once() -> None:
    bench = Bench()
    told = bench.senses(0, safety(bench.tick(), emergency_stop=True))
    (opened,) = of(FaultOpened, told)
    assert (opened.connector, opened.name) == (0, "emergency-stop")
    assert names(bench, 0) == names(bench, 1) == names(bench, 2) == ["emergency-stop"]
    (closed,) = of(FaultClosed, bench.senses(0, safety(bench.tick())))
    assert closed.id == opened.id
    assert bench.station.health.active == ()


def test_a_warning_of_the_station_is_not_felt_by_its_connectors() -> None:
    bench = Bench()
    raises(bench, "reader-silent")
    assert names(bench, 0) == ["reader-silent"]
    assert names(bench, 1) == []


def test_a_fault_of_one_connector_leaves_the_other_alone() -> None:
    bench = Bench()
    raises(bench, "insulation")
    assert names(bench, 1) == ["insulation"]
    assert names(bench, 2) == []
    assert not bench.station.faulted(2)


def test_the_worst_comes_first_then_the_oldest() -> None:
    bench = Bench()
    for name in ("module-failure", "plug-over-temperature", "insulation"):
        raises(bench, name)
    expected = ["plug-over-temperature", "insulation", "module-failure"]
    assert names(bench, 1) == expected


def test_faults_are_numbered_after_the_last_one_that_the_disk_knows() -> None:
    bench = Bench()
    raises(bench, "insulation")
    bench.senses(1, isolation(bench.tick()))
    bench.waits(FAULTS["insulation"].clears_after_s)
    raises(bench, "insulation")
    assert [opened.id for opened in bench.told_of(FaultOpened)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("insulation", "20 kohm < 100 kohm"),
        ("plug-over-temperature", "91 °C > 90 °C"),
        ("module-over-temperature", "40 °C"),
        ("over-voltage", "990 V > 550 V"),
        ("module-failure", "module 2, 5"),
        ("meter-implausible", "back from 9 to 8 Wh"),
        ("door-open", None),
    ],
)
def test_a_fault_says_what_was_measured(name: str, value: str | None) -> None:
    bench = Bench()
    bench.senses(1, vehicle(bench.tick(), VehiclePhase.UNPLUGGED, max_voltage_v=450.0))
    raises(bench, name)
    assert bench.told_of(FaultOpened)[-1].value == value


def test_a_value_just_above_its_limit_is_told_apart_from_it() -> None:
    bench = Bench()
    bench.senses(1, temperature(bench.tick(), 90.4))
    assert bench.told_of(FaultOpened)[-1].value == "90.4 °C > 90 °C"


def test_a_device_that_is_back_is_no_fault_any_more() -> None:
    bench = Bench()
    raises(bench, "meter-silent")
    raises(bench, "lock-silent")
    bench.happens(events.DeviceBack(1, "meter"))
    bench.waits(FAULTS["meter-silent"].clears_after_s)
    assert names(bench, 1) == ["lock-silent"]


def test_a_contactor_that_does_not_close_is_a_fault_until_the_plug_is_out() -> None:
    bench = at(Phase.CABLE_CHECK)
    bench.happens(events.CommandFailed(1, "contactor", "still open after 300 ms"))
    assert names(bench, 1) == ["contactor-open"]
    assert not bench.live()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.senses(1, meter(bench.tick()))
    bench.waits(5.0)
    assert names(bench, 1) == ["contactor-open"]
    bench.unplugs()
    assert bench.phase() is Phase.IDLE
    assert names(bench, 1) == []


def test_a_contactor_that_does_not_confirm_opening_is_judged_by_its_contacts() -> None:
    bench = at(Phase.OPENING)
    bench.happens(events.CommandFailed(1, "contactor", "still closed"))
    assert names(bench, 1) == []


def test_a_lock_that_is_stuck_is_a_fault_until_the_plug_is_out() -> None:
    bench = at(Phase.LOCKING)
    bench.happens(events.CommandFailed(1, "lock", "no feedback"))
    assert names(bench, 1) == ["lock-stuck"]
    assert bench.phase() is Phase.SETTLING
    bench.counts(REGISTER_WH)
    assert names(bench, 1) == ["lock-stuck"]
    bench.unplugs()
    assert names(bench, 1) == []


def test_a_welded_contactor_is_one_fault_until_chargerd_is_restarted() -> None:
    bench = at(Phase.ENERGIZED)
    bench.unplugs()
    bench.clock.advance(0.5)
    bench.senses(1, contactor(bench.session().since_s + 0.5, Position.CLOSED))
    assert names(bench, 1) == []
    for _ in range(10):
        bench.waits(0.3)
        bench.senses(1, contactor(bench.tick(), Position.CLOSED), meter(bench.tick()))
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.senses(1, meter(bench.tick()))
    assert bench.phase() is Phase.IDLE
    assert names(bench, 1) == ["contactor-weld"]
    assert len(bench.told_of(FaultOpened)) == 1
    assert bench.told_of(FaultClosed) == []


def test_a_contactor_found_closed_at_the_start_is_welded() -> None:
    bench = Bench()
    bench.senses(2, contactor(bench.tick(), Position.CLOSED))
    assert names(bench, 2) == ["contactor-weld"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("emergency-stop", Cause.EMERGENCY_STOP),
        ("power-fail", Cause.POWER_LOSS),
        ("insulation", Cause.FAULT),
        ("plug-removed", Cause.PLUG_REMOVED),
        ("vehicle-emergency", Cause.VEHICLE_FAILED),
        ("never heard of", Cause.FAULT),
    ],
)
def test_why_a_transaction_ends_that_a_fault_interrupts(name: str, why: Cause) -> None:
    assert cause(name) is why


def test_what_the_cable_check_finds_stays_its_finding() -> None:
    bench = at(Phase.CABLE_CHECK)
    raises(bench, "insulation")
    assert bench.phase() is Phase.OPENING
    assert names(bench, 1) == ["cable-check"]
    raises(bench, "insulation")
    assert names(bench, 1) == ["cable-check"]
    bench.senses(1, isolation(bench.tick()))
    bench.waits(5.0)
    assert names(bench, 1) == []


def test_a_doubtful_resistance_is_told_as_such() -> None:
    bench = Bench()
    bench.senses(1, isolation(bench.tick(), quality=Quality.DOUBTFUL))
    assert bench.told_of(FaultOpened)[-1].value == "1000 kohm, doubtful"


def test_what_flickers_is_one_fault() -> None:
    bench = Bench()
    for _ in range(20):
        raises(bench, "insulation")
        bench.waits(1.0)
        bench.senses(1, isolation(bench.tick()))
        bench.waits(4.9)
        assert names(bench, 1) == ["insulation"]
    assert len(bench.told_of(FaultOpened)) == 1
    assert bench.told_of(FaultClosed) == []
    (closed,) = of(FaultClosed, bench.waits(0.2))
    assert closed.name == "insulation"
    assert bench.station.next_deadline_s(bench.clock.now()) is None


def test_a_connector_is_free_again_when_its_fault_has_gone_by_time_alone() -> None:
    bench = Bench(connectors=(1,))
    raises(bench, "insulation")
    bench.senses(1, isolation(bench.tick()))
    bench.plugs()
    bench.presents()
    assert bench.phase() is Phase.PLUGGED
    bench.waits(5.0)
    bench.presents()
    assert bench.phase() is Phase.LOCKING


def test_a_button_is_believed_at_once() -> None:
    bench = Bench()
    for _ in range(3):
        raises(bench, "emergency-stop")
        bench.senses(0, safety(bench.tick()))
    assert len(bench.told_of(FaultOpened)) == len(bench.told_of(FaultClosed)) == 3
