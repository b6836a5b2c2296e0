"""A Modbus RTU device on a line that it may share with others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hal.bounds import check
from hal.resources import Place
from hal.transport.line import Line, Question, open_line
from hal.transport.rank import Rank
from hal.transport.serial import SerialSettings
from hal.wire import modbus
from hal.wire.modbus import Function

_LAST_UNIT: Final = 247
_LIMITS_S: Final = (0.01, 0.7)
"""Behind the upper one, the longest answer at 9600 baud still comes in a second."""


@dataclass(frozen=True, slots=True)
class ModbusSettings(SerialSettings):
    """Where a device is and how it is spoken to; its driver's ``Config`` begins so."""

    # Of the make, and so no field.
    first_unit = 1

    unit: int = 1
    """The address that is set at the device."""
    timeout_s: float = 0.3
    """How long the device may think before it answers."""

    def __post_init__(self) -> None:
        """Refuse what no line and no device can be."""
        SerialSettings.__post_init__(self)
        check("unit", self.unit, self.first_unit, _LAST_UNIT)
        check("timeout_s", self.timeout_s, *_LIMITS_S)


class Answer(NamedTuple):
    """Registers, and when they came on the clock of the place."""

    octets: bytes
    at_s: float


class ModbusDevice:
    """Asks one unit for its registers, and sets them."""

    def __init__(
        self,
        line: Line,
        settings: ModbusSettings,
        monotonic: Callable[[], float],
        unit: int,
    ) -> None:
        self.where = f"{settings.port}: unit {unit}"
        self._line = line
        self._settings = settings
        self._byte_s = settings.byte_s
        self._monotonic = monotonic
        self._unit = unit

    async def read(
        self, function: Function, address: int, count: int, rank: Rank = Rank.ROUTINE
    ) -> Answer:
        """Return ``count`` registers from ``address`` on.

        Raises:
            NoAnswer: The device is silent.
            BadAnswer: It refuses, or what came is not its answer.
        """
        request = modbus.read(self._unit, function, address, count)
        frame = await self._ask(request, rank)
        return Answer(modbus.octets(frame), self._monotonic())

    async def write(
        self, address: int, words: Sequence[int], rank: Rank = Rank.ROUTINE
    ) -> None:
        """Write registers; return once the device has confirmed it.

        Raises:
            NoAnswer: The device is silent.
            BadAnswer: It refuses, or what came is not its confirmation.
        """
        await self._ask(modbus.write_registers(self._unit, address, words), rank)

    async def write_register(
        self, address: int, word: int, rank: Rank = Rank.ROUTINE
    ) -> None:
        """Write one register by the function for one; otherwise as ``write``."""
        await self._ask(modbus.write_register(self._unit, address, word), rank)

    async def write_coil(
        self, address: int, on: bool, rank: Rank = Rank.ROUTINE
    ) -> None:
        """Switch one coil; otherwise as ``write``."""
        await self._ask(modbus.write_coil(self._unit, address, on), rank)

    async def _ask(self, request: bytes, rank: Rank) -> bytes:
        on_the_wire = len(request) + modbus.answer_size(request)
        return await self._line.ask(
            Question(
                request,
                modbus.answer_to(request, self.where),
                f"unit {self._unit}",
                self._settings.timeout_s + on_the_wire * self._byte_s,
                rank,
            )
        )


async def open_device(
    settings: ModbusSettings, place: Place, unit: int | None = None
) -> ModbusDevice:
    """Return a device; ``unit`` is its address if it is not that of the settings.

    Raises:
        HardwareError: The port cannot be opened, or is open with other settings.
    """
    line = await open_line(settings.port_settings, place)
    address = settings.unit if unit is None else unit
    return ModbusDevice(line, settings, place.resources.monotonic, address)
