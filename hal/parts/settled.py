"""A contact behind a GPIO input: it bounces, and counts once it stands still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from hal.errors import NoAnswer
from hal.transport.pins import Chip, Input
from hal.transport.watchers import Take, Watchers


class Settled:
    """The level of an input once it has stood; used inside :func:`settled` only."""

    def __init__(self, line: Input, on_s: float, off_s: float) -> None:
        self._line = line
        self._stands_s = {True: on_s, False: off_s}
        self._level = line.level()
        self._timer: asyncio.TimerHandle | None = None
        self._watchers = Watchers()

    @property
    def steady(self) -> bool:
        """Whether the level has stood; raises ``NoAnswer`` if the chip is gone."""
        self._look()
        return self._timer is None

    def level(self) -> bool:
        """Return the level that stood last; raise ``NoAnswer`` if the chip is gone."""
        self._look()
        return self._level

    def doubt(self) -> None:
        """Believe no level before it has stood anew: the contact was told to move."""
        self._wait(self._level)

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` after every edge and whenever a level has stood."""
        return self._watchers.watch(take)

    def edge(self) -> None:
        """Take an edge of the line, or the loss of its chip."""
        with suppress(NoAnswer):  # whoever looks next is told
            self._wait(self._line.level())
        self._watchers.tell()

    def rest(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        # An edge may be lost, so the line itself is asked each time.
        level = self._line.level()
        if level is not self._level and self._timer is None:
            self._wait(level)

    def _wait(self, level: bool) -> None:
        self.rest()
        stands_s = self._stands_s[level]
        if stands_s > 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(stands_s, self._stood)
        else:
            self._level = level

    def _stood(self) -> None:
        self._timer = None
        with suppress(NoAnswer):  # whoever looks next is told
            self._level = self._line.level()
        self._watchers.tell()


@asynccontextmanager
async def settled(
    chip: Chip, line: str, bias: str, on_s: float, off_s: float
) -> AsyncIterator[Settled]:
    """Take an input whose level must stand so long to count; 0.0 counts at once."""
    async with chip.input(line, bias) as opened:
        contact = Settled(opened, on_s, off_s)
        with opened.watch(contact.edge):
            try:
                yield contact
            finally:
                contact.rest()
