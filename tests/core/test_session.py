"""One session on its way, step by step, and every way in which it can end."""

from dataclasses import replace

import pytest

from chargerd.core import events
from chargerd.core.course import OUTPUTS, advance, deadline_s
from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.permissive import Loss
from chargerd.core.policy import Policy
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from chargerd.core.session import BILLED, Phase, Session
from hal.values import Position, Quality, Reading, VehiclePhase
from tests.clock import FakeClock
from tests.core.bench import (
    CARD,
    REGISTER_WH,
    Bench,
    contactor,
    isolation,
    lock,
    meter,
    modules,
    of,
    supply,
    vehicle,
)

CHARGING = [Phase.CABLE_CHECK, Phase.PRECHARGE, Phase.ENERGIZED]
ASIDE = (Phase.AUTHORIZED, Phase.WAITING, Phase.HELD)
WAY = [phase for phase in Phase if phase not in ASIDE]
"""Every phase of the usual session that begins with the plug."""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def at(phase: Phase) -> Bench:
    bench = Bench()
    bench.comes_to(phase)
    return bench


def ended(bench: Bench) -> TransactionEnded:
    (end,) = bench.told_of(TransactionEnded)
    return end


def opens(bench: Bench) -> None:
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.senses(1, meter(bench.tick(), REGISTER_WH + 500))


# The way of a DC session


@pytest.mark.requirement("AUTH-01", "TXN-01")
def test_a_plug_alone_starts_nothing(bench: Bench) -> None:
    bench.plugs()
    assert bench.phase() is Phase.PLUGGED
    assert not bench.station.outputs()[1].locked
    assert bench.told_of(TransactionStarted) == []


@pytest.mark.requirement("TXN-01", "TXN-02", "TXN-03", "METER-50")
def test_a_card_after_the_plug_opens_the_bill_and_holds_the_plug(bench: Bench) -> None:
    bench.plugs()
    bench.presents()
    now = bench.clock.now()
    key = bench.session().key
    start = TransactionStarted(key, 1, CARD, None, now.utc, REGISTER_WH)
    assert bench.told_of(TransactionStarted) == [start]
    assert bench.phase() is Phase.LOCKING
    assert bench.station.outputs()[1].locked
    assert not bench.station.outputs()[1].authorized


@pytest.mark.requirement("TXN-01", "AUTH-18")
def test_a_plug_after_the_card_opens_the_bill(bench: Bench) -> None:
    bench.presents()
    assert bench.phase() is Phase.AUTHORIZED
    assert bench.told_of(TransactionStarted) == []
    bench.plugs()
    assert bench.phase() is Phase.LOCKING
    assert [s.id_tag for s in bench.told_of(TransactionStarted)] == [CARD]


def test_the_vehicle_goes_on_when_the_lock_is_engaged() -> None:
    bench = at(Phase.LOCKING)
    bench.senses(1, lock(bench.tick(), False))
    bench.senses(1, lock(bench.session().since_s, True))  # of the last session
    assert bench.phase() is Phase.LOCKING
    bench.senses(1, lock(bench.tick(), True))
    assert bench.phase() is Phase.HANDSHAKE
    assert bench.station.outputs()[1].authorized


def test_a_connector_without_a_lock_waits_for_none() -> None:
    bench = Bench()
    session = bench.session()
    facts = replace(session.facts, fitted=session.facts.fitted - {"lock"})
    bench.station.sessions[1] = replace(session, facts=facts)
    bench.plugs()
    bench.presents()
    assert bench.phase() is Phase.HANDSHAKE


def test_the_contactors_close_when_the_vehicle_wants_its_cable_checked() -> None:
    bench = at(Phase.HANDSHAKE)
    bench.vehicle(VehiclePhase.AUTHORIZING)
    assert not bench.live()
    bench.vehicle(VehiclePhase.CABLE_CHECK)
    assert bench.phase() is Phase.CABLE_CHECK
    assert bench.station.outputs()[1].supply is Supply.TEST_VOLTAGE
    assert not bench.session().contactors_open


def shortcomings() -> dict[str, tuple[Reading, ...]]:
    bench = at(Phase.CABLE_CHECK)
    since_s = bench.session().since_s
    later_s = since_s + 0.1
    closed = contactor(later_s, Position.CLOSED)
    precharge = vehicle(later_s, VehiclePhase.PRECHARGE)
    proven = isolation(later_s)
    doubtful = isolation(later_s, quality=Quality.DOUBTFUL)
    return {
        "the vehicle is not content": (closed, proven),
        "a contactor is between": (
            contactor(later_s, Position.BETWEEN),
            precharge,
            proven,
        ),
        "the insulation was measured before": (closed, precharge, isolation(since_s)),
        "the insulation is doubtful": (closed, precharge, doubtful),
        "the insulation is low": (closed, precharge, isolation(later_s, 99_999.0)),
    }


@pytest.mark.parametrize("lacking", shortcomings())
def test_the_cable_check_is_not_passed_while(lacking: str) -> None:
    bench = at(Phase.CABLE_CHECK)
    bench.clock.advance(0.2)
    bench.senses(1, *shortcomings()[lacking])
    assert bench.phase() in (Phase.CABLE_CHECK, Phase.OPENING)


def test_the_cable_check_is_passed_when_the_insulation_is_proven() -> None:
    bench = at(Phase.PRECHARGE)
    assert bench.station.outputs()[1].supply is Supply.MATCH_BATTERY


@pytest.mark.parametrize(
    "joined", [VehiclePhase.READY, VehiclePhase.CHARGING, VehiclePhase.PAUSED]
)
def test_energy_may_flow_when_the_vehicle_has_joined(joined: VehiclePhase) -> None:
    bench = at(Phase.PRECHARGE)
    bench.vehicle(joined)
    assert bench.phase() is Phase.ENERGIZED
    output = bench.station.outputs()[1]
    assert output.supply is Supply.CHARGE
    assert output.limit_w == 100_000.0


def test_contactors_open_only_when_the_current_is_gone() -> None:
    bench = at(Phase.RAMP_DOWN)
    output = bench.station.outputs()[1]
    assert output.closed
    assert output.supply is Supply.OFF
    bench.senses(1, modules(bench.session().since_s, 0.5))
    bench.senses(1, modules(bench.tick(), 1.0))
    assert bench.phase() is Phase.RAMP_DOWN
    bench.senses(1, modules(bench.tick(), -0.9))
    assert bench.phase() is Phase.OPENING
    assert not bench.live()


def test_feedback_from_before_the_order_to_open_confirms_nothing() -> None:
    bench = at(Phase.OPENING)
    bench.senses(1, contactor(bench.session().since_s, Position.OPEN))
    assert bench.phase() is Phase.OPENING
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    assert bench.phase() is Phase.SETTLING


@pytest.mark.requirement("METER-50", "TXN-23")
def test_the_bill_closes_at_the_register_read_after_the_contactors_opened() -> None:
    bench = at(Phase.SETTLING)
    bench.senses(1, meter(bench.session().since_s, REGISTER_WH + 1))
    assert bench.told_of(TransactionEnded) == []
    bench.counts(REGISTER_WH + 16_600)
    assert ended(bench).meter_wh == REGISTER_WH + 16_600
    assert bench.session().energy_wh == 16_600
    assert bench.phase() is Phase.WELDING_CHECK


@pytest.mark.requirement("TXN-25", "TXN-30")
def test_the_plug_is_free_when_the_vehicle_has_finished() -> None:
    bench = at(Phase.WELDING_CHECK)
    bench.vehicle(VehiclePhase.WELDING_CHECK)
    assert bench.station.outputs()[1].locked
    bench.vehicle(VehiclePhase.FINISHED)
    assert bench.phase() is Phase.FINISHED
    assert not bench.station.outputs()[1].locked
    bench.unplugs()
    assert bench.phase() is Phase.IDLE


def test_a_register_that_goes_back_makes_no_bill_smaller() -> None:
    bench = at(Phase.ENERGIZED)
    bench.counts(REGISTER_WH + 9)
    bench.counts(REGISTER_WH - 100)
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.counts(REGISTER_WH - 100)
    assert ended(bench).meter_wh == REGISTER_WH + 9


# Time limits


LIMITS = {
    Phase.LOCKING: (5.0, Phase.SETTLING, Cause.LOCK_TIMEOUT),
    Phase.HANDSHAKE: (60.0, Phase.SETTLING, Cause.HANDSHAKE_TIMEOUT),
    Phase.RAMP_DOWN: (3.0, Phase.OPENING, Cause.TOKEN),
    Phase.OPENING: (0.5, Phase.SETTLING, Cause.TOKEN),
    Phase.SETTLING: (3.0, Phase.WELDING_CHECK, Cause.TOKEN),
}


@pytest.mark.parametrize("phase", LIMITS, ids=lambda phase: phase.value)
def test_a_phase_ends_when_its_time_is_up(phase: Phase) -> None:
    limit_s, then, cause = LIMITS[phase]
    bench = at(phase)
    since_s = bench.session().since_s
    assert deadline_s(bench.session(), Policy()) == pytest.approx(since_s + limit_s)
    bench.clock.advance(since_s + limit_s - bench.clock.now().monotonic_s - 0.001)
    bench.station.expire(bench.clock.now())
    assert bench.phase() is phase
    bench.clock.advance(0.001001)
    bench.station.expire(bench.clock.now())
    assert bench.phase() is then
    assert bench.session().cause is cause


@pytest.mark.requirement("AUTH-18")
def test_a_driver_who_never_plugs_in_is_forgotten(bench: Bench) -> None:
    bench.presents()
    bench.waits(59.9)
    assert bench.phase() is Phase.AUTHORIZED
    bench.waits(0.2)
    assert bench.phase() is Phase.IDLE
    assert bench.session().id_tag == ""
    assert bench.told_of(TransactionStarted) == []


@pytest.mark.requirement("TIME-03")
def test_a_corrected_wall_clock_moves_no_time_limit(bench: Bench) -> None:
    bench.presents()
    before_s = bench.station.next_deadline_s(bench.clock.now())
    bench.clock.correct(-3600)
    assert bench.station.next_deadline_s(bench.clock.now()) == before_s
    bench.clock.correct(+7200)
    bench.waits(59.9)
    assert bench.phase() is Phase.AUTHORIZED


@pytest.mark.requirement("AUTH-19")
def test_a_plug_without_a_card_is_finished_and_a_card_brings_it_back() -> None:
    bench = Bench(connectors=(1,))
    bench.plugs()
    bench.waits(60.1)
    assert bench.phase() is Phase.FINISHED
    bench.presents()
    assert bench.phase() is Phase.LOCKING
    assert len(bench.told_of(TransactionStarted)) == 1


@pytest.mark.requirement("AUTH-21")
def test_the_same_card_again_before_the_plug_takes_the_authorization_back(
    bench: Bench,
) -> None:
    bench.presents(CARD)
    bench.presents(CARD.lower())
    assert bench.phase() is Phase.IDLE
    bench.plugs()
    assert bench.phase() is Phase.PLUGGED


# Ends


@pytest.mark.requirement("TXN-26")
@pytest.mark.parametrize("phase", WAY, ids=lambda phase: phase.value)
def test_a_pulled_plug_ends_the_session_in(phase: Phase) -> None:
    bench = at(phase)
    bench.unplugs()
    assert not bench.live()
    if phase not in BILLED:
        assert bench.phase() is Phase.IDLE
        return
    opens(bench)
    assert bench.phase() is Phase.IDLE
    asked = phase in (Phase.RAMP_DOWN, Phase.OPENING, Phase.SETTLING)
    assert ended(bench).cause is (Cause.TOKEN if asked else Cause.PLUG_REMOVED)
    assert ended(bench).meter_wh == REGISTER_WH + 500


@pytest.mark.parametrize("phase", WAY, ids=lambda phase: phase.value)
def test_an_abort_takes_the_energy_away_at_once_in(phase: Phase) -> None:
    bench = at(phase)
    bench.happens(events.Aborted(1, Cause.FAULT))
    assert not bench.live()
    if phase not in BILLED:
        assert bench.phase() is phase
        return
    assert bench.phase() in (Phase.OPENING, Phase.SETTLING)
    opens(bench)
    assert ended(bench).cause in (Cause.FAULT, Cause.TOKEN)


@pytest.mark.requirement("TXN-20", "AUTH-35")
@pytest.mark.parametrize("phase", WAY, ids=lambda phase: phase.value)
def test_a_request_to_stop_ends_the_session_in_good_order_in(phase: Phase) -> None:
    bench = at(phase)
    bench.happens(events.StopRequested(1, Cause.REMOTE, "TAG"))
    if phase in CHARGING:
        assert bench.phase() is Phase.RAMP_DOWN
        bench.senses(1, modules(bench.tick()))
        opens(bench)
        assert (ended(bench).cause, ended(bench).id_tag) == (Cause.REMOTE, "TAG")
    elif phase in (Phase.LOCKING, Phase.HANDSHAKE):
        assert bench.phase() is Phase.SETTLING
        opens(bench)
        assert (ended(bench).cause, ended(bench).id_tag) == (Cause.REMOTE, "TAG")
    else:
        assert bench.phase() is phase


@pytest.mark.requirement("TXN-42")
@pytest.mark.parametrize("phase", WAY, ids=lambda phase: phase.value)
def test_a_failing_supply_closes_the_bill_at_once_in(phase: Phase) -> None:
    bench = at(phase)
    before = len(bench.told_of(TransactionEnded))
    told = bench.senses(1, supply(bench.tick(), failing=True))
    assert not bench.live()
    if phase in BILLED:
        assert bench.phase() in (Phase.WELDING_CHECK, Phase.FINISHED)
        assert of(TransactionEnded, told)[0].cause in (Cause.POWER_LOSS, Cause.TOKEN)
    else:
        assert len(bench.told_of(TransactionEnded)) == before


@pytest.mark.parametrize("phase", CHARGING, ids=str)
def test_a_vehicle_that_is_done_ends_the_session(phase: Phase) -> None:
    bench = at(phase)
    bench.vehicle(VehiclePhase.ENDING)
    assert bench.phase() is Phase.RAMP_DOWN
    assert bench.session().cause is Cause.VEHICLE_ENDED


def test_a_vehicle_that_pauses_ends_nothing() -> None:
    bench = at(Phase.ENERGIZED)
    bench.vehicle(VehiclePhase.PAUSED)
    assert bench.phase() is Phase.ENERGIZED


def test_the_first_cause_is_the_true_one() -> None:
    bench = at(Phase.ENERGIZED)
    bench.happens(events.StopRequested(1, Cause.REMOTE))
    bench.happens(events.Aborted(1, Cause.EMERGENCY_STOP))
    bench.unplugs()
    opens(bench)
    assert ended(bench).cause is Cause.REMOTE


def test_a_welded_contactor_keeps_the_plug_but_not_the_bill() -> None:
    bench = at(Phase.OPENING)
    bench.senses(1, contactor(bench.tick(), Position.CLOSED))
    bench.waits(4.0)
    assert ended(bench).meter_wh == REGISTER_WH
    assert bench.phase() is Phase.WELDING_CHECK
    bench.vehicle(VehiclePhase.FINISHED)
    bench.unplugs()
    assert bench.phase() is Phase.WELDING_CHECK
    assert bench.station.outputs()[1].locked
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    assert bench.phase() is Phase.WELDING_CHECK
    bench.senses(1, meter(bench.tick()))
    assert bench.phase() is Phase.IDLE


def test_a_silent_meter_keeps_no_bill_open() -> None:
    bench = at(Phase.ENERGIZED)
    bench.counts(REGISTER_WH + 42)
    bench.happens(events.DeviceLost(1, "meter", Loss("no answer")))
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    assert bench.phase() is Phase.SETTLING
    bench.waits(3.0)
    assert ended(bench).meter_wh == REGISTER_WH + 42
    assert ended(bench).cause is Cause.FAULT


@pytest.mark.parametrize("where", [VehiclePhase.NEGOTIATING, VehiclePhase.AUTHORIZING])
def test_a_vehicle_that_never_spoke_is_not_waited_for(where: VehiclePhase) -> None:
    bench = at(Phase.HANDSHAKE)
    bench.vehicle(where)
    bench.happens(events.StopRequested(1, Cause.REMOTE))
    opens(bench)
    assert bench.phase() is Phase.FINISHED


def test_a_silent_ccs_controller_is_not_waited_for() -> None:
    bench = at(Phase.WELDING_CHECK)
    bench.happens(events.DeviceLost(1, "vehicle", Loss("no answer")))
    assert bench.phase() is Phase.FINISHED


def test_a_session_that_knows_no_vehicle_is_not_plugged() -> None:
    session, effects = advance(
        Session(1), events.TokenAccepted(1, CARD), FakeClock().now()
    )
    assert not session.plugged
    assert session.phase is Phase.AUTHORIZED
    assert effects == ()


@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.value)
def test_nothing_is_live_on_a_plug_that_can_be_pulled_in(phase: Phase) -> None:
    output = OUTPUTS[phase]
    assert output.locked or not output.live
    assert output.closed or output.supply is Supply.OFF
    assert phase in BILLED or not output.live
