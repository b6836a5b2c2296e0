"""Lets the insulation monitor of one connector test itself, beside all else."""

import asyncio
from collections.abc import Callable

from chargerd.core.events import Event, SelfTested
from chargerd.runtime.guard import Guard
from hal.errors import HardwareError
from hal.interfaces import IsolationMonitor


class SelfTest:
    """One self-test for each cable check; what was broken off has no result."""

    def __init__(
        self,
        number: int,
        monitor: IsolationMonitor,
        guard: Guard,
        report: Callable[[Event], None],
        wake: Callable[[], None],
    ) -> None:
        """Begin with nothing tested; ``wake`` is called when there is a result."""
        self.passed = False
        """The monitor has passed in the present cable check."""
        self._number = number
        self._monitor = monitor
        self._guard = guard
        self._report = report
        self._wake = wake
        self._running: asyncio.Task[None] | None = None

    def begin(self, within_s: float | None) -> None:
        """Begin, unless it has begun."""
        if self._running is None:
            test = self._test(within_s)
            self._running = asyncio.create_task(test, name=f"test {self._number}")

    def forget(self) -> None:
        """Break off what is under way; the next cable check wants another test."""
        self.passed = False
        if self._running is not None:
            self._running.cancel()
            self._running = None

    async def _test(self, within_s: float | None) -> None:
        told_s = self._guard.now_s()
        self._guard.testing(self._number, on=True)
        try:
            async with asyncio.timeout(within_s):
                await self._monitor.self_test()
        except HardwareError as error:
            self._report(SelfTested(self._number, str(error), told_s))
        except TimeoutError:
            silent = f"no result in {within_s:.0f} s"
            self._report(SelfTested(self._number, silent, told_s))
        else:
            self.passed = True
            self._report(SelfTested(self._number, "", told_s))
        finally:
            self._guard.testing(self._number, on=False)
            self._wake()
