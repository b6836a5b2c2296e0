"""A transaction whose vehicle left, or was done: what it waits for and how it ends."""

from collections.abc import Callable

import pytest

from chargerd.core import events
from chargerd.core.course import Output
from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.reasons import Cause
from chargerd.core.session import BILLED, Phase
from hal.values import Position, VehiclePhase
from tests.core.bench import (
    CARD,
    OTHER,
    REGISTER_WH,
    Bench,
    contactor,
    lock,
    meter,
    modules,
)

UNDER_WAY = [Phase.LOCKING, Phase.HANDSHAKE, Phase.CABLE_CHECK, Phase.PRECHARGE]


def waiting() -> Bench:
    bench = Bench()
    bench.comes_to(Phase.WAITING)
    return bench


def opens(bench: Bench) -> None:
    bench.senses(1, contactor(bench.tick(), Position.OPEN))


def ended(bench: Bench) -> TransactionEnded:
    bench.counts(REGISTER_WH + 500)
    (end,) = bench.told_of(TransactionEnded)
    return end


@pytest.mark.requirement("TXN-26")
@pytest.mark.parametrize("phase", [*UNDER_WAY, Phase.ENERGIZED], ids=str)
def test_a_pulled_plug_leaves_the_bill_open_and_the_plug_dead_in(phase: Phase) -> None:
    bench = Bench()
    bench.allows(stop_on_unplug=False)
    bench.comes_to(phase)
    bench.unplugs()
    assert not bench.live()
    opens(bench)
    assert bench.phase() is Phase.WAITING
    assert bench.told_of(TransactionEnded) == []
    assert bench.station.outputs()[1] == Output(locked=True)


@pytest.mark.requirement("TXN-26")
def test_what_the_guard_cut_because_of_the_plug_waits_as_well() -> None:
    bench = Bench()
    bench.allows(stop_on_unplug=False)
    bench.comes_to(Phase.ENERGIZED)
    bench.happens(events.GuardCut(1, ("plug-removed",)))
    assert bench.phase() is Phase.OPENING
    bench.unplugs()
    opens(bench)
    assert bench.phase() is Phase.WAITING


def test_a_vehicle_that_returns_goes_through_every_check_again() -> None:
    bench = waiting()
    key = bench.session().key
    passed: list[Phase] = []
    cable_check, precharge = VehiclePhase.CABLE_CHECK, VehiclePhase.PRECHARGE
    steps: tuple[Callable[[], object], ...] = (
        lambda: bench.vehicle(VehiclePhase.NEGOTIATING),
        lambda: bench.senses(1, lock(bench.tick(), True)),
        lambda: bench.vehicle(cable_check),
        bench.checks_cable,
        lambda: bench.vehicle(precharge),
        lambda: bench.vehicle(VehiclePhase.CHARGING),
    )
    for step in steps:
        step()
        if bench.phase() not in passed:
            passed.append(bench.phase())
    assert passed == [
        Phase.LOCKING,
        Phase.HANDSHAKE,
        Phase.CABLE_CHECK,
        Phase.PRECHARGE,
        Phase.ENERGIZED,
    ]
    assert bench.session().key == key
    assert len(bench.told_of(TransactionStarted)) == 1


def test_a_vehicle_returns_only_to_a_plug_that_is_known_to_be_dead() -> None:
    bench = Bench()
    bench.allows(stop_on_unplug=False)
    bench.comes_to(Phase.ENERGIZED)
    bench.unplugs()
    bench.waits(0.6)
    assert bench.phase() is Phase.WAITING
    bench.plugs()
    assert bench.phase() is Phase.WAITING
    opens(bench)
    assert bench.phase() is Phase.LOCKING


@pytest.mark.requirement("TXN-29")
def test_a_vehicle_that_is_done_may_be_waited_for_until_it_leaves() -> None:
    bench = Bench()
    bench.allows(stop_on_vehicle_end=False)
    bench.comes_to(Phase.ENERGIZED)
    bench.vehicle(VehiclePhase.ENDING)
    assert bench.phase() is Phase.RAMP_DOWN
    bench.senses(1, modules(bench.tick()))
    opens(bench)
    bench.vehicle(VehiclePhase.FINISHED)
    assert bench.phase() is Phase.WAITING
    bench.unplugs()
    assert bench.phase() is Phase.SETTLING
    assert ended(bench).cause is Cause.PLUG_REMOVED
    assert bench.phase() is Phase.IDLE


@pytest.mark.requirement("TXN-29")
@pytest.mark.parametrize(
    ("plugged", "cause"), [(True, Cause.VEHICLE_ENDED), (False, Cause.PLUG_REMOVED)]
)
def test_nobody_is_waited_for_longer_than_configured(
    plugged: bool, cause: Cause
) -> None:
    bench = Bench()
    bench.allows(stop_on_vehicle_end=False, stop_on_unplug=False, waiting_timeout_s=600)
    bench.comes_to(Phase.ENERGIZED)
    if plugged:
        bench.vehicle(VehiclePhase.FINISHED)
        bench.senses(1, modules(bench.tick()))
    else:
        bench.unplugs()
    opens(bench)
    bench.waits(599)
    assert bench.phase() is Phase.WAITING
    bench.waits(1)
    assert bench.phase() is Phase.SETTLING
    assert ended(bench).cause is cause


@pytest.mark.no_cover
def test_without_a_limit_a_vehicle_is_waited_for_for_ever() -> None:
    bench = waiting()
    bench.waits(1e5)
    assert bench.phase() is Phase.WAITING


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (events.StopRequested(1, Cause.REMOTE), Cause.REMOTE),
        (events.Aborted(1, Cause.EMERGENCY_STOP), Cause.EMERGENCY_STOP),
        (events.GuardCut(1, ("insulation",)), Cause.FAULT),
        (events.RestartRequested(0, Cause.SOFT_RESET), Cause.SOFT_RESET),
    ],
)
def test_a_waiting_transaction_ends_by(event: events.Event, cause: Cause) -> None:
    bench = waiting()
    bench.happens(event)
    assert bench.phase() is Phase.SETTLING
    assert ended(bench).cause is cause
    assert bench.phase() is Phase.IDLE


def test_a_change_of_policy_ends_what_waited_for_a_plug() -> None:
    bench = waiting()
    bench.allows(stop_on_unplug=True)
    bench.unplugs()
    assert ended(bench).cause is Cause.PLUG_REMOVED


@pytest.mark.parametrize("phase", [Phase.RAMP_DOWN, Phase.OPENING], ids=str)
@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (events.StopRequested(1, Cause.REMOTE, "TAG"), Cause.REMOTE),
        (events.Aborted(1, Cause.FAULT), Cause.FAULT),
    ],
)
def test_who_ends_it_while_it_winds_down_is_heard(
    phase: Phase, event: events.Event, cause: Cause
) -> None:
    bench = Bench()
    bench.allows(stop_on_vehicle_end=False)
    bench.comes_to(Phase.ENERGIZED)
    bench.vehicle(VehiclePhase.ENDING)
    if phase is Phase.OPENING:
        bench.senses(1, modules(bench.tick()))
    assert bench.phase() is phase
    since_s = bench.session().since_s
    bench.clock.advance(0.1)
    bench.happens(event)
    assert bench.phase() in (phase, Phase.OPENING)
    assert bench.phase() is not phase or bench.session().since_s == since_s
    bench.senses(1, modules(bench.tick()))
    opens(bench)
    assert ended(bench).cause is cause


def test_only_its_own_driver_can_do_something_at_a_plug_that_waits() -> None:
    bench = Bench(connectors=(1,))
    bench.comes_to(Phase.WAITING)
    bench.presents(OTHER)
    assert bench.station.desk.place(1, OTHER)[0] is None
    assert bench.phase() is Phase.WAITING
    bench.presents(CARD)
    assert (ended(bench).cause, ended(bench).id_tag) == (Cause.TOKEN, CARD)


def test_a_power_cut_closes_a_bill_that_waits() -> None:
    bench = waiting()
    bench.happens(events.SupplyFailed(1))
    assert bench.told_of(TransactionEnded)[0].cause is Cause.POWER_LOSS


# The cable of a socket


def held(cause: Cause | None = None) -> Bench:
    bench = Bench(connectors=(1,))
    if cause is None:
        bench.comes_to(Phase.HELD)
        return bench
    bench.comes_to(Phase.ENERGIZED)
    bench.happens(events.Aborted(1, cause))
    bench.senses(1, modules(bench.tick()))
    opens(bench)
    bench.senses(1, meter(bench.tick()))
    bench.vehicle(VehiclePhase.FINISHED)
    return bench


@pytest.mark.requirement("AUTH-43")
def test_a_socket_keeps_the_cable_of_a_refused_driver_until_that_driver_comes() -> None:
    bench = held(Cause.DEAUTHORIZED)
    assert bench.phase() is Phase.HELD
    bench.unplugs()
    bench.presents(OTHER)
    bench.waits(3600)
    assert bench.station.outputs()[1] == Output(locked=True)
    bench.presents(CARD)
    assert bench.phase() is Phase.IDLE
    assert not bench.station.outputs()[1].locked
    assert len(bench.told_of(TransactionStarted)) == 1


@pytest.mark.requirement("AUTH-43")
def test_a_card_of_the_same_group_frees_the_cable() -> None:
    fleet = events.TagInfo(events.Standing.ACCEPTED, "FLEET")
    bench = Bench(connectors=(1,), known={CARD: fleet, OTHER: fleet})
    bench.comes_to(Phase.ENERGIZED)
    bench.happens(events.Aborted(1, Cause.DEAUTHORIZED))
    opens(bench)
    bench.counts(REGISTER_WH)
    bench.vehicle(VehiclePhase.FINISHED)
    assert bench.phase() is Phase.HELD
    bench.presents(OTHER)
    assert bench.phase() is Phase.FINISHED


@pytest.mark.requirement("TXN-25")
@pytest.mark.parametrize("cause", [Cause.FAULT, Cause.REMOTE, Cause.TOKEN])
def test_any_other_end_frees_the_cable(cause: Cause) -> None:
    bench = held(cause)
    assert bench.phase() is Phase.FINISHED
    assert not bench.station.outputs()[1].locked


@pytest.mark.key("UnlockConnectorOnEVSideDisconnect")
@pytest.mark.requirement("TXN-27")
@pytest.mark.parametrize(
    ("stops", "unlocks", "phase"),
    [
        (True, True, Phase.IDLE),
        (True, False, Phase.HELD),
        (False, True, Phase.WAITING),
        (False, False, Phase.WAITING),
    ],
)
def test_a_plug_pulled_at_the_vehicle_frees_the_cable_only_where_both_keys_say_so(
    stops: bool, unlocks: bool, phase: Phase
) -> None:
    bench = Bench()
    bench.allows(stop_on_unplug=stops, unlock_on_unplug=unlocks)
    bench.comes_to(Phase.ENERGIZED)
    bench.unplugs()
    opens(bench)
    bench.counts(REGISTER_WH + 500)
    assert bench.phase() is phase
    assert bench.station.outputs()[1].locked is (phase is not Phase.IDLE)
    assert (phase in BILLED) is not stops
