"""Has a meter that signs keep a transaction of its own beside each of ours.

Levels, as for all hardware: what was asked for before is given up for what the level
says now. A meter may be slow, so this has a task beside the hand of its connector.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from chargerd.core.events import CommandFailed, Event, MeterClosed, MeterOpened
from chargerd.core.sealing import Sealing
from chargerd.runtime.waiting import came
from hal.errors import HardwareError
from hal.interfaces import SigningMeter

WITHIN_S: Final = 3.0
"""A meter that has not answered so long after it was told is told again."""
RETRY_S: Final = 1.0
"""A meter that failed is told again after this."""


class Notary:
    """Keeps the meter of one connector to its level."""

    def __init__(
        self, number: int, meter: SigningMeter, report: Callable[[Event], None]
    ) -> None:
        self.number = number
        self._meter = meter
        self._report = report
        self._wanted: Sealing | None = None
        self._is: Sealing | None = None
        self._wake = asyncio.Event()

    def aim(self, wanted: Sealing | None) -> None:
        """Take a new level; ``None`` asks for nothing."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    async def run(self) -> None:
        """Follow the level, for ever."""
        while True:
            self._wake.clear()
            wanted = self._wanted
            if wanted is None or wanted == self._is:
                await self._wake.wait()
            elif await self._made(wanted):
                self._is = wanted
            else:
                await came(self._wake, RETRY_S)

    async def _made(self, wanted: Sealing) -> bool:
        told_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(WITHIN_S):
                self._report(await self._done(wanted))
        except (HardwareError, TimeoutError) as error:
            words = str(error) or f"no answer within {WITHIN_S:.0f} s"
            self._report(CommandFailed(self.number, "meter", words, told_s))
            return False
        return True

    async def _done(self, wanted: Sealing) -> Event:
        key = wanted.key
        if wanted.open:
            signed = await self._meter.begin(key, wanted.id_tag)
            return MeterOpened(self.number, key, signed)
        return MeterClosed(self.number, key, await self._meter.end(key))
