"""Whom a connector is kept for, without a station around it."""

import pytest

from chargerd.core.reservation import Claim, Reservations
from chargerd.core.session import Phase, Session
from tests.core.bench import CARD, OTHER
from tests.core.reservation_table import ANY, FILE, HERE, KEPT, table


@pytest.mark.requirement("RSV-07", "RSV-08", "RSV-19", "RSV-20", "RSV-22")
def test_the_table_of_who_may_use_a_connector_is_current() -> None:
    assert FILE.read_text() == table(), (
        "write it anew with: python -m tests.core.reservation_table"
    )


@pytest.mark.requirement("RSV-20", "RSV-21")
@pytest.mark.parametrize("wanted", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("free", [0, 1, 2, 3])
def test_as_many_connectors_are_held_as_are_missing(wanted: int, free: int) -> None:
    (one,) = KEPT["any"]
    held = Reservations(type(one)(n, ANY, CARD, one.expires) for n in range(wanted))
    sessions = [
        Session(n, Phase.IDLE if n <= free else Phase.ENERGIZED) for n in (1, 2, 3)
    ]
    numbers = held.held(sessions)
    assert len(numbers) == (0 if wanted < free else free)
    for number in range(1, free + 1):
        claim, _ = held.claim(number, sessions, OTHER, None)
        assert claim is (Claim.CLOSED if number in numbers else Claim.OPEN)
    assert HERE not in numbers or free
