"""The common beat of all that looks again and again.

To wake up costs a processor more than one more look once it is awake. So whoever looks
at something at a pace of its own does so together with all others.
"""

import asyncio
from math import floor
from typing import Final

BEAT_S: Final = 1 / 60
"""The quickest pace there is: the guard's, which may be late and still within 20 ms."""


def rest_s(pace_s: float) -> float:
    """Return how long to wait for the last beat that is no later than a pace away."""
    now_s = asyncio.get_running_loop().time()
    # What is due now and comes a rounding error early is not looked at twice.
    beats = floor((now_s + pace_s) / BEAT_S + _ROUNDING)
    return max(beats * BEAT_S - now_s, BEAT_S / 2)


_ROUNDING: Final = 1e-6
