"""DC contactors on chargebyte's safety controller (Charge SOM, Charge Control Y).

Manual: "Safety Controller" of the Charge SOM. The board closes a contactor only while
it is told to every 100 ms, the control pilot is in state C and nothing is wrong. When
the messages cease it opens all, and only a reset brings it back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hal.bounds import check
from hal.errors import BadAnswer, NoAnswer, Unconfirmed
from hal.parts.chargebyte import Board, open_board, why_safe
from hal.parts.chargebyte_wiring import Wiring
from hal.parts.news import comes
from hal.resources import Place
from hal.values import ContactorReading, Position
from hal.wire.chargebyte_state import ChargeState, Contact, Pilot

_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Config(Wiring):
    """The board, and which of its contactors are the two poles of the plug."""

    contactors: tuple[int, ...] = (1, 2)
    """Their numbers on the board, 1 to 3."""
    confirm_s: float = 0.3
    """How long they may take."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        Wiring.__post_init__(self)
        known = set(range(1, _MOST + 1))
        chosen = set(self.contactors)
        if not chosen or not chosen <= known or len(chosen) < len(self.contactors):
            raise ValueError(
                f"contactors: {list(self.contactors)} is not possible; write different "
                f"numbers from 1 to {_MOST}, like [1, 2]"
            )
        check("confirm_s", self.confirm_s, 0.1, 0.3)


class Contactor:
    """The contactors of one plug."""

    def __init__(self, board: Board, config: Config) -> None:
        self._board = board
        self._numbers = config.contactors
        self._within_s = config.confirm_s

    async def close(self) -> None:
        self._refuse(self._board.state()[0])
        try:
            self._board.energize(self._numbers, True)
            await self._reach(Position.CLOSED)
        except BaseException:
            # not proven closed, even if only because the caller gave up
            self.let_go()
            raise

    async def open(self) -> None:
        self._board.energize(self._numbers, False)
        await self._reach(Position.OPEN)

    async def read(self) -> ContactorReading:
        state, at_s = self._board.state()
        return ContactorReading(at_s=at_s, position=self._position(state))

    def let_go(self) -> None:
        """Switch the coils off, whether the board hears of it or not."""
        with suppress(NoAnswer):  # it drops the coils by itself then
            self._board.energize(self._numbers, False)

    async def _reach(self, wanted: Position) -> None:
        def there() -> bool:
            last = self._board.last
            return last is not None and self._position(last) is wanted

        if await comes([self._board.news], there, self._within_s):
            return
        state, _ = self._board.state()
        if wanted is Position.CLOSED:
            self._refuse(state)
        raise Unconfirmed(
            f"{self._where()}: {self._position(state).value}, not {wanted.value}, "
            f"after {self._within_s} s; check the contacts and the coil supply"
        )

    def _refuse(self, state: ChargeState) -> None:
        """Say at once why the board would not close."""
        why = why_safe(state)
        if why is None and state.pilot is not Pilot.C:
            why = (
                f"the control pilot is in state {state.pilot.name}, the board closes "
                "in state C alone; check that the vehicle asks for energy"
            )
        if why is not None:
            raise Unconfirmed(f"{self._where()}: {why}")

    def _position(self, state: ChargeState) -> Position:
        contacts = {self._contact(state, number) for number in self._numbers}
        if contacts == {Contact.OPEN}:
            return Position.OPEN
        return Position.CLOSED if contacts == {Contact.CLOSED} else Position.BETWEEN

    def _contact(self, state: ChargeState, number: int) -> Contact:
        used = number <= len(state.contacts)
        contact = state.contacts[number - 1] if used else Contact.UNUSED
        if contact is Contact.UNUSED:
            raise BadAnswer(
                f"{self._board.where}: contactor {number} is not in use; write another "
                "number, or the board's parameter block"
            )
        return contact

    def _where(self) -> str:
        numbers = ", ".join(str(number) for number in self._numbers)
        return f"{self._board.where} contactors {numbers}"


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Contactor]:
    """Reach the board; the coils drop when the block ends.

    Raises:
        HardwareError: The port or the reset line cannot be opened, or another device
            of the board is configured otherwise.
    """
    contactor = Contactor(await open_board(config.wiring(), place), config)
    try:
        yield contactor
    finally:
        contactor.let_go()
