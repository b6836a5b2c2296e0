"""What a vehicle has been seen to use of the power that it may have."""

from dataclasses import dataclass
from math import inf
from typing import Final

SETTLE_S: Final = 20.0
"""A vehicle is watched for so long before it is believed to want no more."""

_LEAST_HEADROOM_W: Final = 2_000.0
_HEADROOM: Final = 0.1
"""What is left above the highest power that was seen, so that a rise can be seen."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Looks through one window after the other, each of ``SETTLE_S``."""

    wants_w: float = inf
    """What is enough for it; infinite while it takes all that it may."""
    peak_w: float = 0.0
    since_s: float = 0.0
    """The highest power in the present window, and when that began."""


def seen(demand: Demand, granted_w: float, taking_w: float, now_s: float) -> Demand:
    """Return the demand after one more look at a vehicle.

    Args:
        demand: What was known of it.
        granted_w: What it may take.
        taking_w: What it takes.
        now_s: The time, on the monotonic clock.
    """
    room_w = headroom_w(taking_w)
    if taking_w + room_w / 2 >= granted_w:
        return Demand(since_s=now_s)
    peak_w = max(demand.peak_w, taking_w)
    if now_s - demand.since_s < SETTLE_S:
        return Demand(demand.wants_w, peak_w, demand.since_s)
    return Demand(peak_w + headroom_w(peak_w), taking_w, now_s)


def headroom_w(power_w: float) -> float:
    """Return how much more than ``power_w`` is left to a vehicle that takes it."""
    return max(_LEAST_HEADROOM_W, _HEADROOM * power_w)
