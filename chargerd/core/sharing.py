"""How the power of a station is shared between its connectors: docs/power.md.

A share is max-min fair: nobody gets more as long as somebody with less could use it.
Whoever would get too little to charge with waits instead, the latest comer first.
Limits fall at once and rise only into what the others have been seen to leave, so
the sum holds also while one vehicle ramps down and another one up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, inf
from typing import Final

RESUME_AT: Final = 1.2
"""Who waits comes back when there is so many times the least that it can use: power
that wavers around the edge must not switch a vehicle on and off."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one connector asks of the power of the station."""

    connector: int
    most_w: float
    """What it may have at the most, by every limit of its own."""
    taking_w: float
    """What it is measured to take at this moment."""
    since_s: float
    """When its session began: who comes first waits last."""
    least_w: float = 0.0
    """Less than this is of no use to it."""
    wants_w: float = inf
    """What it has been seen to use; infinite while it takes all that it may."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Who has how much; the sum is never above what there is."""

    granted_w: Mapping[int, float] = field(default_factory=dict)
    waiting: frozenset[int] = frozenset()
    """Those for whom there is not enough as long as the others charge."""


Bounds = Mapping[int, tuple[float, float]]
"""The least and the most that each shall get."""


def share(available_w: float, claims: Sequence[Claim], before: Shares) -> Shares:
    """Return everybody's share of ``available_w`` (infinite: enough for all).

    Applied again and again to the same claims it comes to rest; a claim of nothing
    (``most_w`` zero) still keeps what it takes from the others.

    Args:
        available_w: What all of them may take together.
        claims: One for each connector that takes, or may take, power.
        before: What this function returned last.
    """
    admitted, waiting = _admitted(available_w, claims, before.waiting)
    goals_w = dict.fromkeys((c.connector for c in claims), 0.0)
    goals_w |= _fair(available_w, admitted)
    return Shares(_reached(available_w, claims, goals_w, before.granted_w), waiting)


def fill(available_w: float, bounds: Bounds) -> dict[int, float]:
    """Raise everybody to one level within their bounds; whole watts, none too many.

    Where not even the lower bounds are available, these are returned.
    """
    level_w = _level(available_w, bounds)
    return {
        connector: min(max(level_w, low_w), high_w)
        for connector, (low_w, high_w) in bounds.items()
    }


def _level(available_w: float, bounds: Bounds) -> float:
    """Return the highest level at which all together take no more than there is."""
    edges = sorted({0.0, *(edge for pair in bounds.values() for edge in pair)})
    below_w = max((e for e in edges if _sum_at(e, bounds) <= available_w), default=0.0)
    rising = sum(low_w <= below_w < high_w for low_w, high_w in bounds.values())
    left_w = available_w - _sum_at(below_w, bounds)
    if not rising or left_w <= 0.0:
        return below_w
    return max(below_w, float(floor(below_w + left_w / rising)))


def _sum_at(level_w: float, bounds: Bounds) -> float:
    return sum(min(max(level_w, low), high) for low, high in bounds.values())


def _admitted(
    available_w: float, claims: Iterable[Claim], waiting: frozenset[int]
) -> tuple[list[Claim], frozenset[int]]:
    """Return who charges, and who must wait, by the order in which they came."""
    admitted: list[Claim] = []
    refused: set[int] = set()
    left_w = available_w
    for claim in sorted(claims, key=lambda c: (c.since_s, c.connector)):
        if claim.most_w <= 0.0 or claim.most_w < claim.least_w:
            continue
        hesitates = bool(admitted) and claim.connector in waiting
        if left_w < claim.least_w * (RESUME_AT if hesitates else 1.0) or left_w <= 0.0:
            refused.add(claim.connector)
            continue
        admitted.append(claim)
        left_w -= claim.least_w
    return admitted, frozenset(refused)


def _fair(available_w: float, claims: Sequence[Claim]) -> dict[int, float]:
    """Return what each shall come to: first what it uses, then of what is left."""
    most_w = {c.connector: c.most_w for c in claims}
    modest = {
        c.connector: (c.least_w, min(c.most_w, max(c.wants_w, c.least_w)))
        for c in claims
    }
    used_w = fill(available_w, modest)
    return fill(available_w, {n: (used_w[n], most_w[n]) for n in used_w})


def _reached(
    available_w: float,
    claims: Sequence[Claim],
    goals_w: Mapping[int, float],
    before_w: Mapping[int, float],
) -> dict[int, float]:
    """Return how far each may go towards its goal at this moment."""
    held_w = {n: min(goal, before_w.get(n, 0.0)) for n, goal in goals_w.items()}
    rising = [c for c in claims if goals_w[c.connector] > held_w[c.connector]]
    taken_w = sum(max(held_w[c.connector], c.taking_w) for c in claims)
    left_w = available_w - taken_w + sum(held_w[c.connector] for c in rising)
    numbers = [c.connector for c in rising]
    raised_w = fill(left_w, {n: (held_w[n], goals_w[n]) for n in numbers})
    least_w = {c.connector: c.least_w for c in claims}
    # What is too little to charge with is left alone until there is enough.
    useful_w = {n: w for n, w in raised_w.items() if w >= least_w[n]}
    return {**held_w, **useful_w}
