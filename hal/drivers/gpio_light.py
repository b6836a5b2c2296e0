"""Status light of colored lamps on GPIO lines, each signal with its own pattern."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from hal.errors import HardwareError
from hal.parts.pattern import COLORS, Pattern, parse
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.transport.pins import Output, check_line
from hal.values import Signal

_AGAIN_S: Final = (5.0,)
"""How often a steady light is switched on again: its chip may have been away."""


@dataclass(frozen=True, slots=True)
class Config:
    """A line for each color that is wired, and what each signal looks like.

    Lines by number or name; ``!`` before one that is on while it is low. A pattern
    is "off", or colors joined by "+" and a rhythm: steady (the default), slow,
    blink, fast or flash.
    """

    chip: str = "/dev/gpiochip0"
    """Its device file, or "unix:" and the socket of a simulated one."""
    red: str = ""
    """The line of the red lamp; empty: there is none."""
    yellow: str = ""
    """The line of the yellow lamp."""
    green: str = ""
    """The line of the green lamp."""
    blue: str = ""
    """The line of the blue lamp."""
    white: str = ""
    """The line of the white lamp."""
    free: str = "green"
    """The pattern while the connector is free."""
    waiting: str = "green blink"
    """While something is awaited: a card, a plug, a vehicle."""
    charging: str = "blue"
    """While energy flows."""
    paused: str = "blue slow"
    """While the station or the vehicle lets the session rest."""
    done: str = "green slow"
    """When the session is over and the plug may go."""
    reserved: str = "red+green"
    """While it is kept for somebody."""
    refused: str = "red fast"
    """For a moment, when a card was not accepted."""
    out_of_service: str = "red slow"
    """While it is taken out of service."""
    fault: str = "red"
    """While it has a fault."""

    def __post_init__(self) -> None:
        """Refuse patterns of colors that are not there."""
        for color, line in self.lines().items():
            check_line(color, line)
        self.patterns()

    def lines(self) -> dict[str, str]:
        """Return the colors that are wired, each with its line."""
        wired = {color: str(getattr(self, color)) for color in COLORS}
        return {color: line for color, line in wired.items() if line}

    def patterns(self) -> dict[Signal, Pattern]:
        """Return what each signal looks like."""
        fields = {signal: signal.name.lower() for signal in Signal}
        del fields[Signal.OFF]
        shown = {
            signal: parse(field, getattr(self, field), self.lines())
            for signal, field in fields.items()
        }
        return {Signal.OFF: Pattern(()), **shown}


class Light:
    """The light of one connector."""

    def __init__(
        self, lamps: Mapping[str, Output], patterns: Mapping[Signal, Pattern]
    ) -> None:
        self._lamps = lamps
        self._patterns = patterns
        self._timer: asyncio.TimerHandle | None = None

    async def show(self, signal: Signal) -> None:
        pattern = self._patterns[signal]
        self.rest()
        turns = cycle(zip((True, False), pattern.turns_s or _AGAIN_S, strict=False))
        self._turn(pattern.colors, turns)

    def rest(self) -> None:
        """Blink no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(
        self, colors: tuple[str, ...], turns: Iterator[tuple[bool, float]]
    ) -> None:
        lit, lasts_s = next(turns)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(lasts_s, self._turn_again, colors, turns)
        self._put(colors if lit else ())

    def _turn_again(
        self, colors: tuple[str, ...], turns: Iterator[tuple[bool, float]]
    ) -> None:
        # A chip that is gone may be back by the next turn.
        with suppress(HardwareError):
            self._turn(colors, turns)

    def _put(self, lit: Collection[str]) -> None:
        for color, lamp in self._lamps.items():
            lamp.put(color in lit)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Light]:
    """Take the lines; the light is off before and after the block."""
    chip = await open_chip(config.chip, place)
    async with AsyncExitStack() as stack:
        lamps = {
            color: await stack.enter_async_context(chip.output(line))
            for color, line in config.lines().items()
        }
        light = Light(lamps, config.patterns())
        stack.callback(light.rest)
        yield light
