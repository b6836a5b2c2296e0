"""Contactors on GPIO lines: coils, and the mirror contacts that tell what they did."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hal.bounds import check, check_word
from hal.errors import HardwareError, Unconfirmed
from hal.parts.news import comes
from hal.parts.settled import Settled, settled
from hal.transport.pins import Chip, Output, check_bias, check_line
from hal.values import Position

NORMALLY_CLOSED: Final = "normally closed"
NORMALLY_OPEN: Final = "normally open"

_POLES: Final = (1, 2)
_CONFIRMED_WITHIN_S: Final = (0.05, 0.3)
_STANDS_S: Final = (0.0, 0.1)


@dataclass(frozen=True, slots=True)
class Wiring:
    """How a contactor, or a pair of them, is wired to a chip.

    Lines by number or name; ``!`` before one that is on while it is low.
    """

    coils: tuple[str, ...]
    """The line of each coil, one or two."""
    mirrors: tuple[str, ...]
    """The line of each mirror contact, on while current flows through it."""
    chip: str = "/dev/gpiochip0"
    """Its device file, or "unix:" and the socket of a simulated one."""
    mirror_type: str = NORMALLY_CLOSED
    """"normally closed" mirrors are closed while the contactor is open."""
    bias: str = "default"
    """What holds an input that nothing drives: pull_up, pull_down or disable."""
    debounce_s: float = 0.03
    """How long a mirror must have stood still to be believed."""
    confirm_s: float = 0.3
    """How long the contactor may take."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a contactor."""
        for field, lines in (("coils", self.coils), ("mirrors", self.mirrors)):
            if len(lines) not in _POLES or len(set(lines)) < len(lines):
                raise ValueError(
                    f"{field}: {list(lines)} is not one line or two; write them like "
                    '["17", "18"]'
                )
            for line in lines:
                check_line(field, line)
        check_bias("bias", self.bias)
        check_word("mirror_type", self.mirror_type, (NORMALLY_CLOSED, NORMALLY_OPEN))
        check("debounce_s", self.debounce_s, *_STANDS_S)
        check("confirm_s", self.confirm_s, *_CONFIRMED_WITHIN_S)


class Contacts:
    """One set of contacts."""

    def __init__(
        self,
        where: str,
        coils: tuple[Output, ...],
        mirrors: tuple[Settled, ...],
        wiring: Wiring,
    ) -> None:
        self._where = where
        self._coils = coils
        self._mirrors = mirrors
        self._within_s = wiring.confirm_s
        self._on = False
        self._open_level = wiring.mirror_type == NORMALLY_CLOSED

    async def close(self) -> None:
        """Return once the mirrors report closed; else the coils are off again."""
        try:
            self._switch(True)
            await self._reach(Position.CLOSED)
        except BaseException:
            # not proven closed, even if only because the caller gave up
            with suppress(HardwareError):
                self._switch(False)
            raise

    async def open(self) -> None:
        """Return once the mirrors report open."""
        self._switch(False)
        await self._reach(Position.OPEN)

    def position(self) -> Position:
        """Return what the mirrors say together; ``BETWEEN`` while one is unsteady."""
        says = {mirror.level() is self._open_level for mirror in self._mirrors}
        if len(says) > 1 or not all(mirror.steady for mirror in self._mirrors):
            return Position.BETWEEN
        return Position.OPEN if says.pop() else Position.CLOSED

    def _switch(self, on: bool) -> None:
        errors: list[HardwareError] = []
        for coil in self._coils:
            try:
                coil.put(on)
            except HardwareError as error:
                errors.append(error)
        if on is not self._on:
            self._on = on
            for mirror in self._mirrors:
                mirror.doubt()
        if errors:
            raise errors[0]

    async def _reach(self, wanted: Position) -> None:
        if not await comes(
            self._mirrors, lambda: self.position() is wanted, self._within_s
        ):
            raise Unconfirmed(
                f"{self._where}: {self.position().value}, not {wanted.value}, after "
                f"{self._within_s} s; check the contacts, the coil supply and the "
                "wires of the mirror contacts"
            )


@asynccontextmanager
async def open_contacts(
    where: str, chip: Chip, wiring: Wiring
) -> AsyncIterator[Contacts]:
    """Take all lines of a contactor; its coils are off before and after the block."""
    async with AsyncExitStack() as stack:
        mirrors = [
            await stack.enter_async_context(
                settled(chip, line, wiring.bias, wiring.debounce_s, wiring.debounce_s)
            )
            for line in wiring.mirrors
        ]
        coils = [
            await stack.enter_async_context(chip.output(line)) for line in wiring.coils
        ]
        yield Contacts(where, tuple(coils), tuple(mirrors), wiring)
