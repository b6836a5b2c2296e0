"""Every fault in every phase: what is cut, told and billed, and how it goes away."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest

from chargerd.core.dialects import Dialect
from chargerd.core.faults import FAULTS, Fault, Recovers
from chargerd.core.fitting import Fitting
from chargerd.core.permissive import FIELDS
from chargerd.core.session import BILLED, Phase
from chargerd.ocpp16.requests import REASONS
from hal.values import (
    ContactorReading,
    LockReading,
    Position,
    VehiclePhase,
)
from tests.scenarios.bench import RATING, Bench
from tests.scenarios.csms import Json
from tests.scenarios.provocations import PROVOCATIONS, modules

KEYS: Final = {
    "ConnectionTimeOut": "600",
    "StatusReportsPerMinute": "0",
    "VendorErrorDialect": Dialect.CHARGEX,
}
FITTED: Final = frozenset({*FIELDS.values(), "reader"})
HELD: Final = (Recovers.BY_HAND, Recovers.RESTART)
"""What no end of a session takes away."""
ENDING: Final = frozenset({Phase.RAMP_DOWN, Phase.OPENING, Phase.SETTLING})
"""Where a transaction is ending already, for the reason that the driver gave."""


def contacts(position: Position) -> ContactorReading:
    return ContactorReading(at_s=0.0, position=position)


def passes_the_check(bench: Bench) -> None:
    bench.checks_cable()
    bench.vehicle(VehiclePhase.PRECHARGE)
    bench.matches()


def is_locked(bench: Bench) -> None:
    bench.reads(LockReading(at_s=0.0, engaged=True))


def charges(bench: Bench) -> None:
    bench.vehicle(VehiclePhase.CHARGING)
    bench.reads(modules(400.0, 125.0))


WAY: Final[tuple[tuple[Phase, Callable[[Bench], None]], ...]] = (
    (Phase.IDLE, Bench.unplugs),
    (Phase.PLUGGED, Bench.plugs),
    (Phase.LOCKING, Bench.presents),
    (Phase.HANDSHAKE, is_locked),
    (Phase.CABLE_CHECK, lambda bench: bench.vehicle(VehiclePhase.CABLE_CHECK)),
    (Phase.PRECHARGE, passes_the_check),
    (Phase.ENERGIZED, charges),
    (Phase.RAMP_DOWN, Bench.presents),
    (Phase.OPENING, lambda bench: bench.reads(modules())),
    (Phase.SETTLING, lambda bench: bench.reads(contacts(Position.OPEN))),
    (
        Phase.WELDING_CHECK,
        lambda bench: bench.meters(121_000, power_w=0.0, voltage_v=0.0),
    ),
    (Phase.FINISHED, lambda bench: bench.vehicle(VehiclePhase.FINISHED)),
)
ASIDE: Final[Mapping[Phase, Mapping[str, str]]] = {
    Phase.WAITING: {"StopTransactionOnEVSideDisconnect": "false"},
    Phase.HELD: {"UnlockConnectorOnEVSideDisconnect": "false"},
}
"""Where a plug that is pulled in mid-charge leads with these keys."""


def at(phase: Phase, *, signs: bool = False) -> Bench:
    """Go the usual way up to a phase; ``signs``: the meter ought to, and does not."""
    fittings = {n: Fitting(RATING, FITTED, neighbor=3 - n, signs=signs) for n in (1, 2)}
    kind = {"UnlockConnectorOnEVSideDisconnect": "true"}
    keys = {**KEYS, **kind, **ASIDE.get(phase, {})}
    bench = Bench(keys=keys, fittings=fittings)
    bench.signs = not signs
    if phase is Phase.AUTHORIZED:
        bench.unplugs()
        bench.presents()
    elif phase in ASIDE:
        goes(bench, Phase.ENERGIZED)
        bench.unplugs()
        bench.reads(modules())
        bench.reads(contacts(Position.OPEN))
        bench.meters(121_000, power_w=0.0, voltage_v=0.0)
        bench.waits(0.5)
    else:
        goes(bench, phase)
    assert bench.phase() == phase.value
    return bench


def goes(bench: Bench, to: Phase) -> None:
    for phase, step in WAY:
        step(bench)
        if phase is to:
            return


def active(bench: Bench) -> set[str]:
    health = bench.charge_point.station.health
    return {each.fault.name for each in health.active}


def told(bench: Bench, connector: int) -> Json:
    reports = bench.told("StatusNotification")
    return [each for each in reports if each["connectorId"] == connector][-1]


def concerned(fault: Fault) -> tuple[int, ...]:
    """Return the connectors for which a fault is reported."""
    if not fault.of_station:
        return (1,)
    return (0, 1) if fault.stops else (0,)


def cases(comes: bool) -> list[tuple[str, Phase]]:
    return [
        (name, phase)
        for name, provocation in PROVOCATIONS.items()
        for phase in Phase
        if (phase in provocation.where) is comes
    ]


def named(value: object) -> str:
    return value.value if isinstance(value, Phase) else str(value)


def test_there_is_no_fault_without_a_provocation() -> None:
    assert set(PROVOCATIONS) == set(FAULTS)


@pytest.mark.requirement("TXN-31", "STAT-05", "STAT-08")
@pytest.mark.parametrize(("name", "phase"), cases(comes=True), ids=named)
def test_a_fault_does_in_each_phase_what_its_row_says(name: str, phase: Phase) -> None:
    fault, bench = FAULTS[name], at(phase, signs=PROVOCATIONS[name].signs)
    status, output = told(bench, 1)["status"], bench.output
    ended = len(bench.told("StopTransaction"))

    PROVOCATIONS[name].brings(bench)

    assert name in active(bench)
    assert output_is_right(bench, fault, output.live)
    for connector in concerned(fault):
        report = told(bench, connector)
        assert report["errorCode"] == fault.error_code
        vendor = (report["vendorId"], report["vendorErrorCode"])
        assert vendor == fault.told(Dialect.CHARGEX)
        assert report["info"].startswith(name)
        assert (report["status"] == "Faulted") is fault.stops
    if not fault.stops:
        assert told(bench, 1)["status"] == status
        assert bench.phase() == phase.value
        assert len(bench.told("StopTransaction")) == ended
        return

    bench.waits(5)
    stops = bench.told("StopTransaction")[ended:]
    reason = "Local" if phase in ENDING else REASONS[fault.cause]
    assert [stop["reason"] for stop in stops] == [reason] * (phase in BILLED)
    assert not bench.output.live
    assert (told(bench, 1)["status"] == "Faulted") is not over(fault, phase)


def over(fault: Fault, phase: Phase) -> bool:
    """Tell whether a fault takes itself away: the bill was all that held the plug."""
    return fault.recovers is Recovers.UNPLUG and phase is Phase.WAITING


def output_is_right(bench: Bench, fault: Fault, was_live: bool) -> bool:
    return not bench.output.live if fault.stops else bench.output.live is was_live


@pytest.mark.parametrize(("name", "phase"), cases(comes=True), ids=named)
def test_a_fault_goes_as_its_row_says(name: str, phase: Phase) -> None:
    fault, bench = FAULTS[name], at(phase, signs=PROVOCATIONS[name].signs)
    PROVOCATIONS[name].brings(bench)
    PROVOCATIONS[name].mends(bench)
    if fault.recovers is Recovers.BY_ITSELF:
        assert (name in active(bench)) is (fault.clears_after_s > 0.0)
        bench.waits(fault.clears_after_s)
    else:
        bench.waits(10)
        assert (name in active(bench)) is not over(fault, phase)
        leaves(bench)
    assert (name in active(bench)) is (fault.recovers in HELD)
    for connector in concerned(fault):
        gone = told(bench, connector)["errorCode"] == "NoError"
        assert gone is (fault.recovers not in HELD)


def leaves(bench: Bench) -> None:
    """End whatever there is at the connector."""
    bench.unplugs()
    bench.reads(modules())
    bench.reads(contacts(Position.OPEN))
    bench.meters(bench.registers_wh[1], power_w=0.0, voltage_v=0.0)
    bench.presents()
    bench.waits(700)
    assert bench.phase() == "idle"


@pytest.mark.parametrize(("name", "phase"), cases(comes=False), ids=named)
def test_a_fault_does_not_come_where_it_cannot(name: str, phase: Phase) -> None:
    bench = at(phase)
    PROVOCATIONS[name].brings(bench)
    assert name not in active(bench)
