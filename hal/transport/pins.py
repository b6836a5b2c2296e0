"""Lines of a GPIO chip as drivers see them: on or off, whatever level that is.

A line is named by its number or by the name that the board gives it; ``!`` before
it means that it is on while it is low: ``"17"``, ``"!17"``, ``"!estop"``. Polarity
is ours alone: the chip below is only told of high and low.
"""

from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    suppress,
)
from typing import Final, Protocol

from hal.bounds import check_word
from hal.errors import BadAnswer, NoAnswer
from hal.transport.watchers import Take

BIASES: Final = ("default", "pull_up", "pull_down", "disable")
"""What may hold an input that nothing drives, in the words of python-periphery."""

_LOW_IS_ON: Final = "!"


class Pin(Protocol):
    """A line that is ours for as long as its context lasts; every method is quick."""

    def read(self) -> bool:
        """Return whether the line is high; raise ``NoAnswer`` if the chip is gone."""

    def write(self, high: bool) -> None:
        """Drive an output."""

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` in the loop after every edge, and when the chip is gone."""


class Pins(Protocol):
    """A chip in the kernel or in a simulation."""

    def input(self, name: str, bias: str) -> AbstractAsyncContextManager[Pin]:
        """Take a line as an input; raise ``HardwareError`` if it is not to be had."""

    def output(self, name: str, high: bool) -> AbstractAsyncContextManager[Pin]:
        """Take a line as an output that begins at a level."""


class Input:
    """A line that somebody else drives."""

    def __init__(self, pin: Pin, low_is_on: bool) -> None:
        self._pin = pin
        self._low_is_on = low_is_on

    def level(self) -> bool:
        """Return whether the line is on; raise ``NoAnswer`` if the chip is gone."""
        return self._pin.read() is not self._low_is_on

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` in the loop after every edge, and when the chip is gone."""
        return self._pin.watch(take)


class Output:
    """A line that we drive; it is off before and after its context."""

    def __init__(self, pin: Pin, low_is_on: bool) -> None:
        self._pin = pin
        self._low_is_on = low_is_on

    def put(self, on: bool) -> None:
        """Switch the line; it is switched when this returns.

        Raises:
            NoAnswer: The chip is gone.
            BadAnswer: The line does not follow.
        """
        self._pin.write(on is not self._low_is_on)

    @property
    def level(self) -> bool:
        """Whether the line is on, as the chip reads it back."""
        return self._pin.read() is not self._low_is_on


class Chip:
    """The lines of one chip, each given to one driver at a time."""

    def __init__(self, path: str, pins: Pins) -> None:
        self._path = path
        self._pins = pins

    @asynccontextmanager
    async def input(self, line: str, bias: str = "default") -> AsyncIterator[Input]:
        """Take a line as an input.

        Raises:
            HardwareError: There is no such line, or somebody else has it.
        """
        name, low_is_on = split(line)
        async with self._pins.input(name, bias) as pin:
            yield Input(pin, low_is_on)

    @asynccontextmanager
    async def output(self, line: str) -> AsyncIterator[Output]:
        """Take a line as an output, and leave it off.

        Raises:
            HardwareError: There is no such line, somebody else has it, or it reads
                on though it was opened off.
        """
        name, low_is_on = split(line)
        async with self._pins.output(name, high=low_is_on) as pin:
            output = Output(pin, low_is_on)
            if output.level:
                raise BadAnswer(
                    f"{self._path} line {name}: reads on though it was opened off; "
                    "check what else drives it"
                )
            try:
                yield output
            finally:
                with suppress(NoAnswer, BadAnswer):
                    output.put(False)


def check_line(field: str, line: str) -> None:
    """Refuse what cannot name a line; for a ``Config``, hence the ``ValueError``."""
    name, _ = split(line)
    if not name or name != name.strip() or "\t" in name:
        raise ValueError(
            f'{field}: {line!r} names no line; write its number or name, "!" before '
            'it if it is on while low, like "!17"'
        )


def check_bias(field: str, bias: str) -> None:
    """Refuse a bias that no chip knows."""
    check_word(field, bias, BIASES)


def split(line: str) -> tuple[str, bool]:
    """Return the name of a line, and whether it is on while low."""
    return line.removeprefix(_LOW_IS_ON), line.startswith(_LOW_IS_ON)
