"""Drivers with cards and without, and the CSMS that is asked about them."""

from typing import Any

import pytest

from chargerd.core import events
from chargerd.core.effects import (
    AuthorizationWanted,
    Effect,
    Refused,
    TagLearned,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.events import Standing, TagInfo
from chargerd.core.permissive import Loss
from chargerd.core.policy import Policy
from chargerd.core.reasons import Cause, Why
from chargerd.core.session import Phase
from hal.values import Token, VehiclePhase
from tests.core.bench import ACCEPTED, CARD, OTHER, Bench, of, safety

FLEET = TagInfo(Standing.ACCEPTED, "FLEET")
BLOCKED = TagInfo(Standing.BLOCKED)


def online(known: dict[str, TagInfo] | None = None, **choices: Any) -> Bench:
    bench = Bench(Policy(**choices), connectors=(1,), known=known)
    bench.happens(events.OnlineChanged(0, True))
    return bench


def why(effects: list[Effect]) -> Why:
    (refused,) = of(Refused, effects)
    return refused.why


def asked(effects: list[Effect]) -> list[str]:
    return [wanted.id_tag for wanted in of(AuthorizationWanted, effects)]


def charging(parent: str | None = None) -> Bench:
    """Return a station where a card charges that the CSMS has accepted."""
    bench = online()
    bench.plugs()
    bench.presents(CARD)
    bench.answers(CARD, TagInfo(Standing.ACCEPTED, parent))
    assert bench.phase() is Phase.LOCKING
    bench.told.clear()
    return bench


# Asking


def test_a_card_that_makes_up_its_number_is_refused_and_nobody_is_asked() -> None:
    bench = online()
    bench.plugs()
    made_up = Token("08A1B2C3", fleeting=True)
    effects = bench.happens(events.TokenPresented(1, made_up))
    assert why(effects) is Why.TAG_RANDOM
    assert asked(effects) == []


@pytest.mark.requirement("AUTH-06", "AUTH-09")
def test_the_csms_is_asked_and_its_yes_starts() -> None:
    bench = online()
    bench.plugs()
    assert asked(bench.presents()) == [CARD]
    assert bench.phase() is Phase.PLUGGED
    bench.answers(CARD.lower(), FLEET)
    (started,) = bench.told_of(TransactionStarted)
    assert (started.id_tag, started.parent) == (CARD, "FLEET")


@pytest.mark.requirement("AUTH-16")
@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing.BLOCKED, Why.TAG_BLOCKED),
        (Standing.EXPIRED, Why.TAG_EXPIRED),
        (Standing.INVALID, Why.TAG_INVALID),
        (Standing.CONCURRENT_TX, Why.TAG_CONCURRENT),
    ],
)
def test_the_csms_is_asked_and_its_no_changes_nothing(
    standing: Standing, reason: Why
) -> None:
    bench = online()
    bench.plugs()
    bench.presents()
    assert why(bench.answers(CARD, TagInfo(standing))) is reason
    assert bench.phase() is Phase.PLUGGED
    assert bench.told_of(TransactionStarted) == []


@pytest.mark.requirement("AUTH-15")
def test_without_an_answer_the_station_decides_as_if_offline() -> None:
    trusting = online({CARD: FLEET})
    trusting.plugs()
    trusting.presents()
    trusting.answers(CARD, None)
    assert trusting.phase() is Phase.LOCKING

    stranger = online()
    stranger.plugs()
    stranger.presents()
    assert why(stranger.answers(CARD, None)) is Why.TAG_UNKNOWN_OFFLINE


def test_an_answer_that_nobody_waits_for_is_only_remembered() -> None:
    bench = online()
    assert of(TagLearned, bench.answers(CARD, BLOCKED)) != []
    assert bench.answers(CARD, BLOCKED) == []
    assert bench.answers(CARD, None) == []


@pytest.mark.requirement("AUTH-04", "CACHE-08")
def test_a_cache_that_is_off_is_neither_read_nor_written() -> None:
    off = online({CARD: FLEET}, cache_enabled=False, local_pre_authorize=True)
    off.plugs()
    assert asked(off.presents()) == [CARD]
    assert of(TagLearned, off.answers(CARD, BLOCKED)) == []
    off.happens(events.StartRequested(1, CARD))
    assert off.session().parent is None


@pytest.mark.requirement("AUTH-05")
def test_a_tag_in_the_cache_starts_without_a_question() -> None:
    bench = online({CARD: FLEET}, local_pre_authorize=True)
    bench.plugs()
    assert asked(bench.presents()) == []
    assert bench.session().parent == "FLEET"


def test_who_comes_while_the_csms_is_asked_has_to_wait() -> None:
    bench = online()
    bench.plugs()
    bench.presents(CARD)
    for id_tag in (CARD, OTHER):
        told = bench.presents(id_tag)
        assert why(told) is Why.AUTHORIZATION_PENDING
        assert asked(told) == []
    assert bench.station.desk.place(1, OTHER) == (None, Why.AUTHORIZATION_PENDING)
    bench.answers(CARD, ACCEPTED)
    assert bench.session().id_tag == CARD


def test_an_answer_that_comes_too_late_takes_nothing_from_another_driver() -> None:
    bench = online()
    bench.plugs()
    bench.presents(CARD)
    bench.happens(events.StartRequested(1, OTHER))
    bench.answers(CARD, ACCEPTED)
    assert [s.id_tag for s in bench.told_of(TransactionStarted)] == [OTHER]


# Stopping


@pytest.mark.requirement("AUTH-30", "AUTH-36")
@pytest.mark.parametrize("is_online", [True, False])
def test_the_same_card_stops_without_a_question(is_online: bool) -> None:
    bench = charging()
    bench.happens(events.OnlineChanged(0, is_online))
    assert asked(bench.presents(CARD.lower())) == []
    assert bench.session().cause is Cause.TOKEN


@pytest.mark.requirement("AUTH-31", "AUTH-35")
def test_a_card_of_the_group_stops_when_the_csms_confirms_it() -> None:
    bench = charging("FLEET")
    assert asked(bench.presents(OTHER)) == [OTHER]
    assert bench.session().cause is None
    bench.answers(OTHER, TagInfo(Standing.ACCEPTED, "fleet"))
    bench.waits(3)
    (ended,) = bench.told_of(TransactionEnded)
    assert (ended.cause, ended.id_tag) == (Cause.TOKEN, OTHER)


@pytest.mark.requirement("AUTH-31", "AUTH-33")
@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (TagInfo(Standing.ACCEPTED, "OTHERS"), Why.OTHER_DRIVER),
        (ACCEPTED, Why.OTHER_DRIVER),
        (TagInfo(Standing.BLOCKED, "FLEET"), Why.TAG_BLOCKED),
        (None, Why.TAG_UNKNOWN_OFFLINE),
    ],
)
def test_any_other_card_stops_nothing(info: TagInfo | None, reason: Why) -> None:
    bench = charging("FLEET")
    bench.presents(OTHER)
    assert why(bench.answers(OTHER, info)) is reason
    assert bench.session().cause is None
    # A group's name is no card.
    bench.presents("FLEET")
    bench.answers("FLEET", ACCEPTED)
    assert bench.session().cause is None


def test_a_card_of_the_group_is_asked_for_once() -> None:
    bench = charging("FLEET")
    bench.presents(OTHER)
    assert why(bench.presents(OTHER)) is Why.AUTHORIZATION_PENDING


@pytest.mark.requirement("AUTH-31")
def test_what_is_remembered_of_a_group_is_not_enough_online() -> None:
    bench = charging("FLEET")
    bench.allows(local_pre_authorize=True)
    bench.answers(OTHER, FLEET)
    assert asked(bench.presents(OTHER)) == [OTHER]
    bench.answers(OTHER, TagInfo(Standing.ACCEPTED, "OTHERS"))
    assert bench.session().cause is None


@pytest.mark.requirement("AUTH-36")
def test_offline_a_card_of_the_group_stops_if_it_is_remembered() -> None:
    bench = charging("FLEET")
    bench.happens(events.OnlineChanged(0, False))
    assert why(bench.presents(OTHER)) is Why.TAG_UNKNOWN_OFFLINE
    bench.answers(OTHER, FLEET)
    bench.presents(OTHER)
    assert bench.session().cause is Cause.TOKEN


@pytest.mark.requirement("AUTH-32", "AUTH-23")
def test_another_card_is_refused_where_no_group_is() -> None:
    bench = charging()
    told = bench.presents(OTHER)
    assert asked(told) == []
    assert why(told) is Why.OTHER_DRIVER


# Remote starts


@pytest.mark.requirement("REM-05")
def test_a_remote_start_needs_no_authorization_unless_the_operator_says_so() -> None:
    plain = online({CARD: FLEET})
    plain.plugs()
    assert asked(plain.happens(events.StartRequested(1, CARD))) == []
    assert plain.session().parent == "FLEET"
    careful = online(authorize_remote_start=True)
    careful.plugs()
    assert asked(careful.happens(events.StartRequested(1, CARD))) == [CARD]
    assert careful.phase() is Phase.PLUGGED
    careful.answers(CARD, ACCEPTED)
    assert careful.phase() is Phase.LOCKING


@pytest.mark.requirement("REM-06")
def test_a_remote_start_waits_for_the_plug() -> None:
    bench = online()
    bench.happens(events.StartRequested(1, CARD))
    assert bench.phase() is Phase.AUTHORIZED
    bench.waits(60.1)
    assert bench.phase() is Phase.IDLE


@pytest.mark.requirement("REM-03", "REM-04")
def test_a_remote_start_finds_its_place_or_says_why_not() -> None:
    bench = Bench()
    place = bench.station.desk.place
    assert place(None, CARD) == (1, None)
    bench.plugs(2)
    assert place(None, CARD) == (2, None)
    bench.happens(events.DeviceLost(2, "isolation", Loss("no answer")))
    assert place(None, CARD) == (1, None)
    assert place(2, CARD) == (None, Why.CONNECTOR_FAULTED)
    assert place(3, CARD) == (None, Why.NO_SUCH_CONNECTOR)
    bench.happens(events.RestartRequested(0, Cause.SOFT_RESET))
    assert place(None, CARD) == (None, Why.RESTART_PENDING)


# Refusals


def barred() -> dict[Why, events.Event]:
    return {
        Why.RESTART_PENDING: events.RestartRequested(0, Cause.HARD_RESET),
        Why.STORAGE_FAILING: events.StorageChanged(0, True),
        Why.CONNECTOR_FAULTED: events.DeviceLost(1, "isolation", Loss("no answer")),
    }


@pytest.mark.requirement("TXN-32")
@pytest.mark.parametrize("reason", barred())
def test_a_driver_is_told_why_nothing_can_start(reason: Why) -> None:
    bench = Bench(Policy(allow_offline_unknown_id=True), connectors=(1,))
    bench.plugs()
    bench.happens(barred()[reason])
    assert why(bench.presents()) is reason
    assert why(bench.happens(events.StartRequested(1, CARD))) is reason
    assert bench.phase() is Phase.PLUGGED
    assert [refused.why for _, refused in bench.station.refusals] == [reason] * 2


def test_a_station_that_no_csms_has_accepted_serves_nobody() -> None:
    fresh = Bench()
    fresh.station.in_service = False
    fresh.happens(events.OnlineChanged(0, False))
    assert why(fresh.presents()) is Why.NOT_REGISTERED


def test_connectors_that_are_closed_for_different_reasons_are_just_not_free() -> None:
    bench = Bench()
    bench.happens(events.DeviceLost(1, "isolation", Loss("no answer")))
    bench.comes_to(Phase.ENERGIZED, connector=2)
    assert why(bench.presents(OTHER)) is Why.OTHER_DRIVER


def test_a_fault_that_comes_while_the_csms_is_asked_refuses_the_driver() -> None:
    bench = online()
    bench.plugs()
    bench.presents()
    bench.senses(0, safety(bench.tick(), emergency_stop=True))
    assert why(bench.answers(CARD, ACCEPTED)) is Why.CONNECTOR_FAULTED


def test_nobody_starts_where_the_meter_was_never_read() -> None:
    bench = Bench(read=False)
    assert why(bench.presents()) is Why.NO_METER_READING


# One reader, several connectors


@pytest.mark.requirement("AUTH-22")
def test_an_authorization_goes_where_the_plug_goes() -> None:
    bench = Bench()
    bench.presents()
    assert bench.phase(1) is Phase.AUTHORIZED
    bench.plugs(2)
    assert bench.phase(1) is Phase.IDLE
    assert bench.phase(2) is Phase.LOCKING
    assert bench.session(2).id_tag == CARD


def test_a_plug_that_comes_while_the_csms_is_asked_is_found() -> None:
    bench = Bench()
    bench.happens(events.OnlineChanged(0, True))
    bench.presents()
    bench.plugs(2)
    bench.answers(CARD, ACCEPTED)
    assert bench.phase(1) is Phase.IDLE
    assert bench.phase(2) is Phase.LOCKING


def test_a_driver_finds_no_room_if_all_was_taken_while_the_csms_was_asked() -> None:
    bench = Bench()
    bench.happens(events.OnlineChanged(0, True))
    bench.presents()
    bench.happens(events.StartRequested(1, OTHER), events.StartRequested(2, OTHER))
    bench.answers(CARD, ACCEPTED)
    assert {bench.session(n).id_tag for n in (1, 2)} == {OTHER}


def test_an_authorization_does_not_go_to_a_connector_that_cannot_start() -> None:
    bench = Bench()
    bench.happens(events.DeviceLost(2, "isolation", Loss("no answer")))
    bench.happens(events.DeviceBack(2, "isolation"))
    bench.presents()
    bench.happens(events.DeviceLost(2, "isolation", Loss("no answer")))
    bench.plugs(2)
    assert bench.phase(1) is Phase.AUTHORIZED
    assert bench.phase(2) is Phase.PLUGGED
    assert bench.told_of(TransactionStarted) == []


def test_a_connector_with_a_reader_of_its_own_takes_only_its_own_drivers() -> None:
    bench = Bench(connectors=(1, 2, 3), own_readers=(3,))
    bench.presents(CARD, reader=0)
    bench.plugs(3)
    assert bench.phase(1) is Phase.AUTHORIZED
    assert bench.phase(3) is Phase.PLUGGED
    bench.presents(OTHER, reader=3)
    assert bench.session(3).id_tag == OTHER


def test_a_reader_that_stands_for_no_connector_lets_nobody_in() -> None:
    bench = Bench(own_readers=(1, 2))
    assert why(bench.presents(reader=0)) is Why.OTHER_DRIVER


def test_an_authorization_does_not_go_to_a_plug_that_was_left_in() -> None:
    bench = Bench(connectors=(1, 2, 3))
    bench.comes_to(Phase.WELDING_CHECK, connector=2)
    bench.presents(OTHER)
    bench.vehicle(VehiclePhase.FINISHED, connector=2)
    assert bench.phase(1) is Phase.AUTHORIZED
    assert bench.phase(2) is Phase.FINISHED


def test_an_authorization_does_not_go_where_the_meter_was_never_read() -> None:
    bench = Bench(read=False)
    bench.senses(1, *bench.healthy())
    bench.presents()
    bench.plugs(2)
    assert bench.phase(1) is Phase.AUTHORIZED
    assert bench.phase(2) is Phase.PLUGGED


def test_an_authorization_for_one_connector_stays_there() -> None:
    bench = Bench()
    bench.happens(events.StartRequested(1, CARD))
    bench.plugs(2)
    assert bench.phase(1) is Phase.AUTHORIZED
    assert bench.phase(2) is Phase.PLUGGED
