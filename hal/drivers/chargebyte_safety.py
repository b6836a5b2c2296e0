"""Emergency inputs of chargebyte's safety controller (Charge SOM, Charge Control Y).

Manual: "Safety Controller" of the Charge SOM. The board opens the contactors by itself
when an input trips, and stays in its safe state until it is reset; it tells of it every
100 ms, so an edge is known here up to that much later.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.bounds import check
from hal.errors import BadAnswer
from hal.parts.chargebyte import Board, open_board, why_safe
from hal.parts.chargebyte_wiring import Wiring
from hal.parts.news import changes
from hal.resources import Place
from hal.values import SafetyReading
from hal.wire.chargebyte_state import EMERGENCY_INPUTS, ChargeState, Input

_INPUTS: Final = ("emergency_stop", "door", "surge_protector")
_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Config(Wiring):
    """The board, and what is wired to which of its emergency inputs; 0: nothing."""

    emergency_stop: int = 1
    """The input of the emergency stop, 1 to 3."""
    door: int = 0
    """The input of the door contact."""
    surge_protector: int = 0
    """The input of the contact of the surge protector."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        Wiring.__post_init__(self)
        for field in _INPUTS:
            check(field, getattr(self, field), 0, _MOST)
        used = [number for number in self.inputs().values() if number]
        if not used or len(set(used)) < len(used):
            raise ValueError(
                f"{_INPUTS[0]}: the inputs are {self.inputs()}; give one an input of "
                "the board at least, and each its own"
            )

    def inputs(self) -> dict[str, int]:
        """Return the input of each of the three."""
        return {field: int(getattr(self, field)) for field in _INPUTS}


class SafetyInputs:
    """All inputs that are wired."""

    def __init__(self, board: Board, config: Config) -> None:
        self._board = board
        self._inputs = config.inputs()

    async def read(self) -> SafetyReading:
        return self._reading()

    def changes(self) -> AsyncIterator[SafetyReading]:
        return changes([self._board.news], self._reading)

    def _reading(self) -> SafetyReading:
        state, at_s = self._board.state()
        tripped = {
            field: self._tripped(state, number)
            for field, number in self._inputs.items()
        }
        why = why_safe(state)
        if why is not None and not any(tripped.values()):
            raise BadAnswer(f"{self._board.where}: {why}")
        return SafetyReading(
            at_s=at_s,
            emergency_stop=tripped["emergency_stop"],
            door_open=tripped["door"],
            surge_protector_tripped=tripped["surge_protector"],
        )

    def _tripped(self, state: ChargeState, number: int) -> bool:
        if not number:
            return False
        says = state.inputs[number - 1]
        if says not in (Input.NORMAL, Input.TRIPPED):
            raise BadAnswer(
                f"{self._board.where}: emergency input {number} is "
                f"{says.name.lower()}; write another number, or the board's parameter "
                "block"
            )
        # What tripped stays so until the reset, whatever the contact does meanwhile.
        latched = EMERGENCY_INPUTS.get(state.reason) == number
        return latched or says is Input.TRIPPED


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[SafetyInputs]:
    """Reach the board.

    Raises:
        HardwareError: The port or the reset line cannot be opened, or another device
            of the board is configured otherwise.
    """
    yield SafetyInputs(await open_board(config.wiring(), place), config)
