"""Power-fail output of a power supply as a contact on a GPIO line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.bounds import check
from hal.parts.alarm import Alarm, open_alarm
from hal.parts.news import changes
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.transport.pins import check_bias, check_line
from hal.values import SupplyReading


@dataclass(frozen=True, slots=True)
class Config:
    """The line by number or name; ``!`` before it if it is on while it is low.

    The contact ("DC OK") is on while current flows through it, which is while the
    supply is good, unless it is ``normally_open``.
    """

    line: str
    """The line of the supply's contact."""
    chip: str = "/dev/gpiochip0"
    """Its device file, or "unix:" and the socket of a simulated one."""
    normally_open: bool = False
    """Whether the contact is open while the supply is good."""
    bias: str = "default"
    """What holds an input that nothing drives: pull_up, pull_down or disable."""
    clears_s: float = 0.5
    """How long the supply must be good again to be believed."""

    def __post_init__(self) -> None:
        """Refuse what is no line."""
        check_line("line", self.line)
        check_bias("bias", self.bias)
        check("clears_s", self.clears_s, 0.0, 10.0)


class SupplyMonitor:
    """The power-fail input."""

    def __init__(self, alarm: Alarm, monotonic: Callable[[], float]) -> None:
        self._alarm = alarm
        self._monotonic = monotonic

    async def read(self) -> SupplyReading:
        return self._seen()

    def changes(self) -> AsyncIterator[SupplyReading]:
        return changes([self._alarm], self._seen)

    def _seen(self) -> SupplyReading:
        return SupplyReading(at_s=self._monotonic(), failing=self._alarm.raised())


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[SupplyMonitor]:
    """Take the line."""
    chip = await open_chip(config.chip, place)
    async with open_alarm(
        chip,
        config.line,
        bias=config.bias,
        normally_open=config.normally_open,
        clears_s=config.clears_s,
    ) as alarm:
        yield SupplyMonitor(alarm, place.resources.monotonic)
