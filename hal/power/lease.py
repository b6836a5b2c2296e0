"""The dead-man's handle of a power source: a set-point that nobody renews ends."""

import asyncio
from collections.abc import Callable
from math import inf, isfinite


class Lease:
    """Calls ``expired`` once, when the time since the last renewal is over.

    One timer, however often it is renewed: it looks at the clock when it rings.
    """

    def __init__(
        self, monotonic: Callable[[], float], expired: Callable[[], None]
    ) -> None:
        self._monotonic = monotonic
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._ends_s = inf
        self._timer: asyncio.TimerHandle | None = None
        self._rings_s = inf

    def renew(self, for_s: float) -> None:
        """Begin anew."""
        self._ends_s = self._monotonic() + for_s
        if isfinite(self._ends_s) and self._ends_s < self._rings_s:
            self._set(self._ends_s)

    def end(self) -> None:
        """Let it rest until it is renewed."""
        self._ends_s = self._rings_s = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, rings_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_s = rings_s
        wait_s = max(0.0, rings_s - self._monotonic())
        self._timer = self._loop.call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_s = None, inf
        if self._monotonic() >= self._ends_s:
            self._ends_s = inf
            self._expired()
        elif isfinite(self._ends_s):
            self._set(self._ends_s)
