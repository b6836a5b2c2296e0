"""Which connector the power modules serve: each its own, or two of them one.

Where a bridge can join the DC buses of two connectors, the modules of one that is
free help the other one. A loan begins when a vehicle takes nearly all that its own
modules give and may have more; it ends at once when somebody comes to the lender.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from hal.values import PowerRating

PRESSED: Final = 0.9
"""A vehicle that takes this share of what its own modules give could use more."""
PRESSED_FOR_S: Final = 3.0
EASED: Final = 0.75
"""Below this share its own modules are enough for it."""
EASED_FOR_S: Final = 60.0
"""The bridge wears with each closing: it is not worth a moment's need."""
WORTH: Final = 1.1
"""What it may have must be so many times what its own modules give."""


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two connectors at a bridge, as far as loans go."""

    connector: int
    free: bool
    """Nobody needs its modules, they work, and its contactors are open."""
    charging: bool
    own_w: float
    """What its own modules give at the present voltage."""
    may_w: float
    """What it may have, by every limit but that of its own modules."""
    taking_w: float


@dataclass(frozen=True, slots=True)
class Loan:
    """The modules of one connector serve another one."""

    lender: int
    borrower: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who serves whom, and since when it might better be otherwise."""

    loan: Loan | None = None
    parted_s: float = -inf
    """When the last loan ended."""
    tempted_since_s: float | None = None
    """Since when there has been reason to begin or end one."""


def allocated(
    before: Allocation, parties: Iterable[Party], bridge_works: bool, now_s: float
) -> Allocation:
    """Return who serves whom from now on.

    Args:
        before: How it was.
        parties: The two connectors at the bridge.
        bridge_works: Whether the bridge can be relied on.
        now_s: The time, on the monotonic clock.
    """
    one, other = parties
    if before.loan is not None:
        pair = (other, one) if before.loan.lender == one.connector else (one, other)
        return _lent(before, *pair, bridge_works=bridge_works, now_s=now_s)
    for borrower, lender in ((one, other), (other, one)):
        if bridge_works and _pressed(borrower) and lender.free:
            loan = Loan(lender.connector, borrower.connector)
            since_s = _since(before, now_s)
            if now_s >= since_s + PRESSED_FOR_S:
                return Allocation(loan, before.parted_s)
            return replace(before, tempted_since_s=since_s)
    return replace(before, tempted_since_s=None)


def due_s(allocation: Allocation) -> float | None:
    """Return when ``allocated`` may say something new by time alone."""
    if allocation.tempted_since_s is None:
        return None
    within_s = EASED_FOR_S if allocation.loan else PRESSED_FOR_S
    return allocation.tempted_since_s + within_s


def served(
    own: PowerRating, lent: PowerRating | None, max_current_a: float | None
) -> PowerRating:
    """Return what one or two groups can do together at one plug.

    Args:
        own: What the connector's own modules can do.
        lent: What those beyond the bridge can do; ``None``: they do not help.
        max_current_a: What cable and contactors carry; ``None``: what ``own`` can do.
    """
    most_a = max_current_a or own.max_current_a
    if lent is None:
        return replace(own, max_current_a=min(own.max_current_a, most_a))
    return PowerRating(
        max(own.min_voltage_v, lent.min_voltage_v),
        min(own.max_voltage_v, lent.max_voltage_v),
        min(most_a, own.max_current_a + lent.max_current_a),
        own.max_power_w + lent.max_power_w,
    )


def _lent(
    before: Allocation,
    borrower: Party,
    lender: Party,
    *,
    bridge_works: bool,
    now_s: float,
) -> Allocation:
    if not (bridge_works and lender.free and borrower.charging):
        return Allocation(parted_s=now_s)
    enough = min(borrower.may_w, borrower.taking_w) <= EASED * borrower.own_w
    if not enough:
        return replace(before, tempted_since_s=None)
    since_s = _since(before, now_s)
    if now_s >= since_s + EASED_FOR_S:
        return Allocation(parted_s=now_s)
    return replace(before, tempted_since_s=since_s)


def _pressed(party: Party) -> bool:
    return (
        party.charging
        and party.taking_w >= PRESSED * party.own_w
        and party.may_w >= WORTH * party.own_w
    )


def _since(before: Allocation, now_s: float) -> float:
    return now_s if before.tempted_since_s is None else before.tempted_since_s
