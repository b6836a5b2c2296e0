"""Gives commands to the devices of one connector, and tells of those that fail."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from chargerd.core.events import CommandFailed, Event
from hal.errors import HardwareError
from hal.values import Reading

RETRY_S: Final = 1.0
"""A lock or contactor that failed is told again after this, others in each round."""


class Commands:
    """Remembers what failed lately."""

    def __init__(
        self,
        number: int,
        monotonic: Callable[[], float],
        report: Callable[[Event], None],
        sensed: Callable[[int, Reading], None],
    ) -> None:
        """Begin with nothing told.

        Args:
            number: The connector.
            monotonic: The clock that stamps the readings.
            report: Takes what failed.
            sensed: Takes what was read.
        """
        self.number = number
        self.confirmed = True
        """All commands of the present round did what they were to do."""
        self._monotonic = monotonic
        self._report = report
        self._sensed = sensed
        self._rests: dict[str, float] = {}

    async def give(
        self, kind: str, command: Awaitable[None], within_s: float | None = None
    ) -> bool:
        """Return whether a command was done.

        Args:
            kind: The device that it is given to.
            command: The call.
            within_s: How long a driver that hangs may take; ``None``: it may.
        """
        told_s = self._monotonic()
        try:
            async with asyncio.timeout(within_s):
                await command
        except HardwareError as error:
            self._failed(kind, str(error), told_s)
        except TimeoutError:
            words = f"the driver has not returned within {within_s} s; it has a defect"
            self._failed(kind, words, told_s)
        else:
            return True
        return False

    async def look(self, read: Callable[[], Awaitable[Reading]]) -> None:
        """Take a reading, if there is one."""
        with suppress(HardwareError):
            self._sensed(self.number, await read())

    def resting(self, kind: str) -> bool:
        """Tell whether a device failed so lately that it is not troubled again yet."""
        resting = self._monotonic() < self._rests.get(kind, 0.0)
        self.confirmed = self.confirmed and not resting
        return resting

    def _failed(self, kind: str, error: str, told_s: float) -> None:
        self.confirmed = False
        self._rests[kind] = self._monotonic() + RETRY_S
        self._report(CommandFailed(self.number, kind, error, told_s))
