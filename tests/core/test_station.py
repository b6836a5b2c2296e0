"""What concerns the whole station: invalid tags, restarts, policy, the guard."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chargerd.core import events
from chargerd.core.drivers import Drivers
from chargerd.core.effects import (
    FaultClosed,
    FaultOpened,
    Noted,
    TagLearned,
    TagsForgotten,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.events import Standing, TagInfo
from chargerd.core.fitting import Fitting
from chargerd.core.locallist import LocalList
from chargerd.core.news import PATIENCE_S
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Setter
from chargerd.core.reasons import Cause, Why
from chargerd.core.session import Phase
from chargerd.core.station import Station
from chargerd.core.tags import Tags
from hal.values import Position, VehiclePhase, VehicleReading
from tests.clock import FakeClock
from tests.core.bench import (
    ACCEPTED,
    CARD,
    FITTED,
    RATING,
    REGISTER_WH,
    Bench,
    contactor,
    meter,
    of,
)

INVALID = TagInfo(Standing.INVALID)


def charging(**choices: Any) -> Bench:
    bench = Bench(Policy(allow_offline_unknown_id=True, **choices))
    bench.comes_to(Phase.ENERGIZED)
    return bench


def numbered(bench: Bench, info: TagInfo) -> None:
    key = bench.told_of(TransactionStarted)[0].key
    bench.happens(events.TransactionNumbered(0, key, 7, CARD, info))


# The CSMS judges a tag after its transaction has begun


@pytest.mark.requirement("AUTH-40")
def test_a_refused_tag_stops_its_transaction() -> None:
    bench = charging()
    numbered(bench, INVALID)
    assert bench.phase() is Phase.RAMP_DOWN
    assert bench.session().cause is Cause.DEAUTHORIZED


@pytest.mark.requirement("AUTH-41")
def test_a_refused_tag_only_stops_the_energy_if_the_operator_says_so() -> None:
    bench = charging(stop_on_invalid_id=False)
    numbered(bench, INVALID)
    assert bench.phase() is Phase.ENERGIZED
    assert bench.station.outputs()[1].limit_w == 0.0
    assert bench.station.limit(1) == Limit(0.0, Setter.AUTHORIZATION)
    assert bench.station.limit(2).power_w == 100_000.0
    bench.happens(events.StopRequested(1, Cause.REMOTE))
    bench.waits(10)
    assert bench.station.paused == frozenset()


@pytest.mark.requirement("AUTH-42")
@pytest.mark.parametrize("stops", [True, False])
def test_a_refused_tag_may_have_some_energy_first(stops: bool) -> None:
    bench = charging(stop_on_invalid_id=stops, max_energy_on_invalid_id_wh=500)
    bench.counts(REGISTER_WH + 1000)
    numbered(bench, INVALID)
    bench.counts(REGISTER_WH + 1499)
    bench.waits(PATIENCE_S)
    assert bench.session().cause is None
    assert bench.station.outputs()[1].limit_w > 0
    bench.counts(REGISTER_WH + 1500)
    bench.waits(PATIENCE_S)
    assert bench.session().cause is (Cause.DEAUTHORIZED if stops else None)
    assert (1 in bench.station.paused) is not stops


def test_a_transaction_that_is_ending_ends_for_its_own_reason() -> None:
    bench = charging()
    bench.happens(events.StopRequested(1, Cause.REMOTE))
    numbered(bench, INVALID)
    bench.waits(10)
    assert bench.told_of(TransactionEnded)[0].cause is Cause.REMOTE


@pytest.mark.requirement("AUTH-34", "CACHE-02")
def test_the_group_that_the_csms_names_last_is_the_transactions() -> None:
    bench = charging()
    numbered(bench, TagInfo(Standing.ACCEPTED, "FLEET"))
    assert bench.session().parent == "FLEET"
    assert [learned.id_tag for learned in bench.told_of(TagLearned)] == [CARD.lower()]
    numbered(bench, ACCEPTED)
    assert bench.session().parent == "FLEET"


def test_a_number_for_a_transaction_that_is_over_changes_nothing_here() -> None:
    bench = charging()
    bench.happens(events.Aborted(1, Cause.FAULT))
    bench.waits(10)
    before = bench.session()
    numbered(bench, INVALID)
    assert bench.session() == before


@pytest.mark.requirement("CACHE-07", "CACHE-09")
def test_a_cleared_cache_takes_no_group_from_a_running_transaction() -> None:
    bench = charging()
    numbered(bench, TagInfo(Standing.ACCEPTED, "FLEET"))
    told = bench.happens(events.TagsCleared(0))
    assert of(TagsForgotten, told) == [TagsForgotten((CARD.lower(),))]
    assert bench.session().parent == "FLEET"


# Restarts


@pytest.mark.requirement("TXN-46")
def test_a_restart_ends_all_sessions_and_lets_none_begin() -> None:
    bench = charging()
    bench.happens(events.StartRequested(2, "TAG"))
    assert bench.phase(2) is Phase.AUTHORIZED
    bench.happens(events.RestartRequested(0, Cause.SOFT_RESET))
    assert bench.phase(1) is Phase.RAMP_DOWN
    assert bench.phase(2) is Phase.IDLE
    assert bench.session().cause is Cause.SOFT_RESET
    assert len(bench.station.billed()) == 1
    bench.plugs(2)
    bench.presents("TAG")
    assert bench.phase(2) is Phase.PLUGGED


# The guard


def test_what_the_guard_has_cut_is_over() -> None:
    bench = charging()
    told = bench.happens(events.GuardCut(1, ("insulation-silent", "insulation")))
    assert bench.phase() is Phase.OPENING
    assert bench.session().cause is Cause.FAULT
    assert of(Noted, told)[0].what == "guard cut: insulation-silent, insulation"


def test_a_cut_says_what_the_vehicle_said() -> None:
    bench = charging()
    broken = VehicleReading(
        at_s=bench.clock.now().monotonic_s,
        phase=VehiclePhase.EMERGENCY,
        error="it is hot",
    )
    bench.senses(1, broken)
    told = bench.happens(events.GuardCut(1, ("vehicle-emergency",)))
    assert of(Noted, told)[0].what == "guard cut: vehicle-emergency (it is hot)"


def held(bench: Bench) -> list[tuple[str, str | None]]:
    return [(each.fault.name, each.value) for each in bench.station.health.active]


def test_a_fault_that_only_the_guard_sees_is_held_with_its_value_until_unplug() -> None:
    bench = charging()
    cut = events.GuardCut(1, ("over-current", "door-open"), "90.0 A of 50.0 A")
    bench.happens(cut)
    assert held(bench) == [("over-current", "90.0 A of 50.0 A")]
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.senses(1, meter(bench.tick()))
    assert bench.phase() is Phase.IDLE
    assert held(bench) == []


LATE = [
    lambda at_s: events.GuardCut(1, ("over-current",), "90 A", at_s),
    lambda at_s: events.CommandFailed(1, "lock", "no feedback", at_s),
    lambda at_s: events.CommandFailed(1, "contactor", "still open", at_s),
]


@pytest.mark.parametrize("late", LATE)
def test_what_happened_in_a_session_that_is_over_raises_no_fault(late: Any) -> None:
    bench = Bench(connectors=(1,))
    bench.comes_to(Phase.CABLE_CHECK)
    at_s = bench.tick()
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.senses(1, meter(bench.tick()))
    assert bench.phase() is Phase.IDLE
    bench.happens(late(at_s))
    assert held(bench) == []

    bench.comes_to(Phase.CABLE_CHECK)
    bench.happens(late(at_s))
    assert held(bench) == []
    assert bench.phase() is not Phase.IDLE

    bench.happens(late(bench.tick()))
    assert len(held(bench)) == 1


@pytest.mark.parametrize(
    "phase", [Phase.LOCKING, Phase.CABLE_CHECK, Phase.ENERGIZED, Phase.RAMP_DOWN]
)
def test_a_vehicle_that_breaks_off_ends_its_session(phase: Phase) -> None:
    bench = Bench()
    bench.comes_to(phase)
    bench.vehicle(VehiclePhase.EMERGENCY)
    assert not bench.live()
    assert bench.session().cause in (Cause.VEHICLE_FAILED, Cause.TOKEN)
    assert bench.station.health.active == ()


# Knowing


def test_a_session_is_told_as_a_story_under_its_key() -> None:
    bench = charging()
    key = bench.session().key
    story = [n.what for n in bench.told_of(Noted) if n.key == key]
    assert story == [
        "accepted by the rule for unknown drivers",
        *("locking", "handshake", "cable check", "pre-charge", "energized"),
    ]


def test_an_event_of_no_connector_of_ours_changes_nothing() -> None:
    bench = Bench()
    assert bench.happens(events.Aborted(9, Cause.FAULT)) == []


def test_an_error_code_can_be_set_and_taken_back() -> None:
    bench = Bench()
    bench.happens(events.ErrorCodeSet(0, "door-open", "InternalError"))
    assert bench.station.error_codes == {"door-open": "InternalError"}
    bench.happens(events.ErrorCodeSet(0, "door-open", None))
    assert bench.station.error_codes == {}


def test_the_station_file_may_allow_a_connector_less() -> None:
    bench = Bench(connectors=(1,), limit_w=50_000.0)
    assert bench.station.limit(1) == Limit(50_000.0, Setter.CONFIGURATION)
    bench.comes_to(Phase.ENERGIZED)
    assert bench.station.outputs()[1].limit_w == 50_000.0
    assert bench.station.offered(1) == (50_000.0, 125.0)


def test_a_current_is_offered_even_where_no_vehicle_was_ever_heard() -> None:
    assert Bench(read=False).station.offered(1) == (100_000.0, 250.0)


def test_every_transaction_has_a_key_of_its_own() -> None:
    bench = Bench(connectors=(1,))
    for _ in range(2):
        bench.comes_to(Phase.FINISHED)
        bench.unplugs()
    first, second = bench.told_of(TransactionStarted)
    assert first.key != second.key
    assert second.meter_wh >= bench.told_of(TransactionEnded)[0].meter_wh


def test_a_station_with_nothing_to_wait_for_has_no_deadline() -> None:
    bench = Bench()
    assert bench.station.next_deadline_s(bench.clock.now()) is None


# What a technician clears


WELD = FaultOpened(7, 1, "contactor-weld", datetime(2026, 3, 1, tzinfo=UTC), "closed")


def woken(*kept: FaultOpened) -> Station:
    """Return a station that starts with what the disk has kept."""
    return Station(
        {1: Fitting(RATING, FITTED)},
        Policy(),
        lambda: "key",
        Drivers(LocalList(), Tags(())),
        last_fault_id=7,
        kept_faults=kept,
    )


def test_a_weld_outlives_the_process_and_nothing_starts_on_it() -> None:
    station = woken(WELD, replace(WELD, connector=9))
    (active,) = station.health.active
    assert (active.id, active.since, active.value) == (7, WELD.at, "closed")
    assert station.faulted(1)
    clock = FakeClock()
    told = station.apply(events.ServiceChanged(0), clock.now())
    assert of(FaultOpened, told) == []
    assert station.bar(1) is Why.CONNECTOR_FAULTED


def test_a_technician_clears_what_is_latched() -> None:
    station, clock = woken(WELD), FakeClock()
    cleared = events.FaultCleared(1, "contactor-weld")
    told = station.apply(cleared, clock.now())
    assert [closed.id for closed in of(FaultClosed, told)] == [7]
    assert of(Noted, told)[0].what == "contactor-weld cleared by hand"
    assert not station.faulted(1)


def test_a_weld_that_is_still_there_comes_back_at_once() -> None:
    station, clock = woken(WELD), FakeClock()
    at_s = clock.advance(10.0).monotonic_s
    closed = events.Sensed(1, contactor(at_s, Position.CLOSED))
    station.apply(closed, clock.now())
    told = station.apply(events.FaultCleared(1, "contactor-weld"), clock.now())
    assert of(FaultClosed, told) == []
    assert station.faulted(1)
