"""PT1000 sensors of chargebyte's safety controller (Charge SOM, Charge Control Y).

Manual: "Safety Controller" of the Charge SOM. By its own limit the board opens the
contactors when a sensor is too hot or broken.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import BadAnswer
from hal.parts.chargebyte import Board, open_board
from hal.parts.chargebyte_wiring import Wiring
from hal.resources import Place
from hal.values import TemperatureReading
from hal.wire.chargebyte import CHANNELS, Pt1000


@dataclass(frozen=True, slots=True)
class Config(Wiring):
    """The board, and which of its sensors are in the plug."""

    sensors: tuple[int, ...] = (1, 2)
    """Their numbers on the board, 1 to 4; the hottest one counts."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        Wiring.__post_init__(self)
        if not self.sensors or not set(self.sensors) <= set(range(1, CHANNELS + 1)):
            raise ValueError(
                f"sensors: {list(self.sensors)} is not possible; write numbers from 1 "
                f"to {CHANNELS}, like [1, 2]"
            )


class TemperatureSensor:
    """The sensors of one plug."""

    def __init__(self, board: Board, config: Config) -> None:
        self._board = board
        self._numbers = config.sensors

    async def read(self) -> TemperatureReading:
        sensors, at_s = self._board.sensors()
        temperatures_c = [self._believed(n, sensors[n - 1]) for n in self._numbers]
        return TemperatureReading(at_s=at_s, temperature_c=max(temperatures_c))

    def _believed(self, number: int, sensor: Pt1000) -> float:
        where = f"{self._board.where}: temperature sensor {number}"
        if sensor.temperature_c is None:
            raise BadAnswer(
                f"{where} is not in use; write another number, or the board's "
                "parameter block"
            )
        if sensor.failed:
            raise BadAnswer(f"{where} has failed its self-test; check its wires")
        return sensor.temperature_c


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[TemperatureSensor]:
    """Reach the board.

    Raises:
        HardwareError: The port or the reset line cannot be opened, or another device
            of the board is configured otherwise.
    """
    yield TemperatureSensor(await open_board(config.wiring(), place), config)
