"""An alarm contact: it counts at its first edge, and is over once it stood still."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

from hal.parts.settled import Settled, settled
from hal.transport.pins import Chip
from hal.transport.watchers import Take


class Alarm:
    """One alarm contact."""

    def __init__(self, contact: Settled, normally_open: bool) -> None:
        self._contact = contact
        self._raised_level = normally_open

    def raised(self) -> bool:
        """Return whether there is alarm; raise ``NoAnswer`` if the chip is gone."""
        return self._contact.level() is self._raised_level

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` when there may be something new."""
        return self._contact.watch(take)


@asynccontextmanager
async def open_alarm(
    chip: Chip, line: str, *, bias: str, normally_open: bool, clears_s: float
) -> AsyncIterator[Alarm]:
    """Take the line of an alarm contact, which is on while current flows through it.

    Args:
        chip: Whose line it is.
        line: Its number or name.
        bias: What holds the line of an open contact.
        normally_open: Alarm is the closed contact; else the open one, so that a
            broken wire is an alarm too.
        clears_s: How long the contact must say "no alarm" to be believed.
    """
    on_s, off_s = (0.0, clears_s) if normally_open else (clears_s, 0.0)
    async with settled(chip, line, bias, on_s, off_s) as contact:
        yield Alarm(contact, normally_open)
