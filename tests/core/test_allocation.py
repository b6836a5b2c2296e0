"""Who serves whom: modules are lent while nobody needs them, and come back at once."""

from dataclasses import replace
from typing import Any

import pytest

from chargerd.core.allocation import (
    EASED_FOR_S,
    PRESSED_FOR_S,
    Allocation,
    Loan,
    Party,
    allocated,
    due_s,
    served,
)
from hal.values import PowerRating

OWN_W = 150_000.0
PRESSED = Party(1, False, True, OWN_W, 300_000.0, OWN_W)
FREE = Party(2, True, False, OWN_W, OWN_W, 0.0)
LENT = Allocation(Loan(lender=2, borrower=1), parted_s=-100.0)
APART = Allocation(parted_s=-100.0)


def after(
    before: Allocation,
    seconds: float,
    one: Party = PRESSED,
    other: Party = FREE,
    *,
    bridge_works: bool = True,
) -> Allocation:
    """Return the allocation after so long, looked at now and then."""
    for now_s in (0.0, seconds / 2, seconds):
        before = allocated(before, (one, other), bridge_works, now_s)
    return before


def test_modules_are_lent_to_a_vehicle_that_could_use_more() -> None:
    waiting = allocated(APART, (PRESSED, FREE), True, 0.0)
    assert (waiting.loan, due_s(waiting)) == (None, PRESSED_FOR_S)
    assert after(APART, PRESSED_FOR_S - 0.1).loan is None
    assert after(APART, PRESSED_FOR_S).loan == Loan(2, 1)


def test_they_are_lent_in_both_directions() -> None:
    one, other = replace(FREE, connector=1), replace(PRESSED, connector=2)
    assert after(APART, PRESSED_FOR_S, one, other).loan == Loan(1, 2)


@pytest.mark.parametrize(
    ("borrower", "lender", "bridge_works"),
    [
        ({"charging": False}, {}, True),
        ({"taking_w": 0.8 * OWN_W}, {}, True),
        ({"may_w": OWN_W}, {}, True),
        ({}, {"free": False}, True),
        ({}, {}, False),
    ],
)
def test_a_loan_needs_all_its_reasons(
    borrower: dict[str, Any], lender: dict[str, Any], bridge_works: bool
) -> None:
    one, other = replace(PRESSED, **borrower), replace(FREE, **lender)
    apart = after(APART, 60.0, one, other, bridge_works=bridge_works)
    assert (apart.loan, due_s(apart)) == (None, None)


def test_a_moment_of_need_is_forgotten() -> None:
    waiting = allocated(APART, (PRESSED, FREE), True, 0.0)
    calm = replace(PRESSED, taking_w=0.0)
    assert allocated(waiting, (calm, FREE), True, 1.0) == APART


@pytest.mark.parametrize(
    ("borrower", "lender", "bridge_works"),
    [
        ({"charging": False}, {}, True),
        ({}, {"free": False}, True),
        ({}, {}, False),
    ],
)
def test_a_loan_ends_at_once_when_a_reason_goes(
    borrower: dict[str, Any], lender: dict[str, Any], bridge_works: bool
) -> None:
    parties = replace(PRESSED, **borrower), replace(FREE, **lender)
    assert allocated(LENT, parties, bridge_works, 7.0) == Allocation(parted_s=7.0)


@pytest.mark.parametrize("eased", [{"taking_w": 50_000.0}, {"may_w": 50_000.0}])
def test_a_loan_that_is_needed_no_more_ends_after_a_while(
    eased: dict[str, Any],
) -> None:
    calm = replace(PRESSED, **eased)
    assert after(LENT, EASED_FOR_S - 1.0, calm).loan == LENT.loan
    assert due_s(after(LENT, EASED_FOR_S - 1.0, calm)) == EASED_FOR_S
    assert after(LENT, EASED_FOR_S, calm) == Allocation(parted_s=EASED_FOR_S)
    assert allocated(after(LENT, 9.0, calm), (PRESSED, FREE), True, 10.0) == LENT


def test_the_same_loan_goes_on_seen_from_either_side() -> None:
    assert allocated(LENT, (PRESSED, FREE), True, 5.0) == LENT
    assert allocated(LENT, (FREE, PRESSED), True, 5.0) == LENT


def test_two_groups_give_the_sum_of_their_power_through_the_same_cable() -> None:
    own = PowerRating(150.0, 1000.0, 400.0, 150_000.0)
    lent = PowerRating(200.0, 920.0, 300.0, 90_000.0)
    assert served(own, lent, None) == PowerRating(200.0, 920.0, 400.0, 240_000.0)
    assert served(own, lent, 500.0).max_current_a == 500.0
    assert served(own, lent, 900.0).max_current_a == 700.0
    assert served(own, None, None) == own
    assert served(own, None, 250.0).max_current_a == 250.0
    assert served(own, None, 900.0).max_current_a == 400.0
