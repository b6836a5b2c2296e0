"""Which connector a driver means."""

from dataclasses import replace
from typing import Any

import pytest

from chargerd.core.admission import Intention, Meaning, intention, remote
from chargerd.core.reasons import Why
from chargerd.core.session import Phase, Session
from tests.core.bench import CARD, OTHER

NOTHING = Intention(Meaning.NOTHING)


def one(connector: int, phase: Phase, **more: Any) -> Session:
    return Session(connector, phase, **more)


@pytest.mark.requirement("AUTH-30")
def test_the_card_that_charges_stops() -> None:
    scope = (one(1, Phase.PLUGGED), one(2, Phase.ENERGIZED, id_tag=CARD.lower()))
    assert intention(scope, CARD) == Intention(Meaning.STOP, 2)


@pytest.mark.requirement("AUTH-21")
def test_the_card_that_waits_for_its_plug_withdraws() -> None:
    scope = (one(1, Phase.IDLE), one(2, Phase.AUTHORIZED, id_tag=CARD))
    assert intention(scope, CARD) == Intention(Meaning.WITHDRAW, 2)


def test_a_card_that_has_charged_means_nothing_special() -> None:
    scope = (one(1, Phase.FINISHED, id_tag=CARD), one(2, Phase.IDLE))
    assert intention(scope, CARD) == Intention(Meaning.START, 2)


@pytest.mark.requirement("AUTH-22")
def test_the_connector_plugged_last_is_meant() -> None:
    scope = (
        one(1, Phase.PLUGGED, since_s=5.0),
        one(2, Phase.PLUGGED, since_s=9.0),
        one(3, Phase.IDLE),
    )
    assert intention(scope, CARD) == Intention(Meaning.START, 2)


@pytest.mark.requirement("AUTH-22")
def test_without_a_plug_the_first_free_connector_is_held_or_any_other() -> None:
    scope = (one(1, Phase.FINISHED), one(2, Phase.IDLE), one(3, Phase.IDLE))
    assert intention(scope, CARD) == Intention(Meaning.START, 2, floating=True)
    assert intention(scope[:2], CARD) == Intention(Meaning.START, 2)


@pytest.mark.requirement("AUTH-19")
def test_a_plug_that_was_left_in_is_meant_only_where_nothing_else_can_be() -> None:
    left = one(1, Phase.FINISHED)
    assert intention((left,), CARD) == Intention(Meaning.START, 1)
    assert intention((left, one(2, Phase.FINISHED)), CARD) == NOTHING
    assert intention((left, one(2, Phase.ENERGIZED)), CARD) == NOTHING


@pytest.mark.requirement("TXN-32")
@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PLUGGED, Phase.FINISHED])
def test_a_barred_connector_is_never_meant(phase: Phase) -> None:
    assert intention((one(1, phase, barred=True),), CARD) == NOTHING


@pytest.mark.requirement("AUTH-32")
def test_another_card_stops_nobody_who_has_no_group() -> None:
    assert intention((one(1, Phase.ENERGIZED, id_tag=OTHER),), CARD) == NOTHING


@pytest.mark.requirement("AUTH-31")
def test_another_card_may_be_of_the_group() -> None:
    scope = (
        one(1, Phase.ENERGIZED, id_tag=OTHER),
        one(2, Phase.ENERGIZED, id_tag=OTHER, parent="FLEET"),
    )
    assert intention(scope, CARD) == Intention(Meaning.STOP_OF_GROUP, 2)


ALL = (
    one(1, Phase.FINISHED),
    one(2, Phase.IDLE),
    one(3, Phase.PLUGGED),
    one(4, Phase.ENERGIZED, id_tag=OTHER),
    one(5, Phase.AUTHORIZED, id_tag=OTHER),
    one(6, Phase.IDLE, barred=True),
)


@pytest.mark.requirement("REM-04")
def test_a_remote_start_takes_the_plugged_connector_then_a_free_one() -> None:
    assert remote(ALL, None, CARD) == (3, None)
    assert remote(ALL[:2], None, CARD) == (2, None)
    assert remote(ALL[:1], None, CARD) == (1, None)
    assert remote(ALL[3:], None, CARD) == (None, Why.NO_FREE_CONNECTOR)


@pytest.mark.requirement("REM-03")
@pytest.mark.parametrize(
    ("connector", "answer"),
    [
        (1, (1, None)),
        (2, (2, None)),
        (3, (3, None)),
        (4, (None, Why.CONNECTOR_OCCUPIED)),
        (5, (None, Why.AUTHORIZATION_PENDING)),
        (6, (None, Why.CONNECTOR_OCCUPIED)),
        (7, (None, Why.NO_SUCH_CONNECTOR)),
    ],
)
def test_a_remote_start_at_one_connector(
    connector: int, answer: tuple[int | None, Why | None]
) -> None:
    assert remote(ALL, connector, CARD) == answer


def test_a_remote_start_for_a_tag_that_is_authorized_already_is_occupied() -> None:
    mine = replace(ALL[4], id_tag=CARD)
    assert remote((mine,), 5, CARD) == (None, Why.CONNECTOR_OCCUPIED)
