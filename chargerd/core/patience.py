"""How long to wait before something that failed is tried again."""

from typing import Final

_DOUBLINGS: Final = 16
"""More would only make large numbers: the longest wait is reached before."""


def grown_s(first_s: float, attempts: int, longest_s: float) -> float:
    """Return a wait that doubles, so that a server in trouble is left in peace.

    Args:
        first_s: The wait after the first attempt.
        attempts: How many there were.
        longest_s: No wait is longer.
    """
    doublings = min(max(attempts - 1, 0), _DOUBLINGS)
    return min(first_s * float(1 << doublings), longest_s)
