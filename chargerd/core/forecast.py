"""The composite schedule: what the station will allow, as far as that is known now.

It is made of the same rulings and the same levels as the limits of this moment. What
other vehicles do not use of a shared limit is not known beforehand and not counted.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import TypeVar

from chargerd.core.profiles import Ruling
from chargerd.core.sharing import fill

Start = TypeVar("Start", int, float)


def changes(
    tracks: Mapping[int, Iterator[Ruling]], to_s: float
) -> Iterator[tuple[float, Mapping[int, float]]]:
    """Yield what all tracks say together, whenever one of them says something else.

    Where a track is silent its limit is infinite. The first one is at 0.
    """
    heads = {number: next(track, None) for number, track in tracks.items()}
    at_s = 0.0
    while at_s < to_s:
        yield at_s, {number: _limit_w(head, at_s) for number, head in heads.items()}
        at_s = min((_next_s(head, at_s) for head in heads.values()), default=inf)
        for number, head in heads.items():
            if head is not None and head.end_s <= at_s:
                heads[number] = next(tracks[number], None)


def portion_w(available_w: float, most_w: Mapping[int, float], connector: int) -> float:
    """Return a connector's part of what there is, if all take what they may."""
    if len(most_w) == 1:
        return min(available_w, most_w[connector])
    return fill(available_w, {n: (0.0, most) for n, most in most_w.items()})[connector]


def merged(parts: Iterable[tuple[Start, float]]) -> list[tuple[Start, float]]:
    """Return periods (start, limit) without those that change nothing."""
    kept: list[tuple[Start, float]] = []
    for start_s, limit in parts:
        if kept and kept[-1][0] == start_s:
            kept.pop()
        if not kept or kept[-1][1] != limit:
            kept.append((start_s, limit))
    return kept


def _limit_w(head: Ruling | None, at_s: float) -> float:
    return head.limit_w if head is not None and head.begin_s <= at_s else inf


def _next_s(head: Ruling | None, at_s: float) -> float:
    if head is None:
        return inf
    return head.end_s if head.begin_s <= at_s else head.begin_s
