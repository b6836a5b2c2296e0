"""Acrel DJSF1352-RN, a DC energy meter with one or two circuits, by Modbus RTU.

Manual: "DJSF1352-RN DC energy meter, installation and operation instruction",
communication address table.
"""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.errors import BadAnswer
from hal.resources import Place
from hal.transport.modbus import ModbusDevice, ModbusSettings, open_device
from hal.values import MeterReading
from hal.wire import meter
from hal.wire.modbus import Function

_DISPLAY: Final = 0x00
_DISPLAY_COUNT: Final = 20
_FLOATS: Final = 0x32
_FLOATS_COUNT: Final = 6

# Voltage and current, each as mantissa and decimal point; wire break; temperature;
# power as mantissa and point; import; export; ratio and rated current.
_DISPLAYED: Final = struct.Struct(">HHhHHh4xhH4xII8x")
_MEASURED: Final = struct.Struct(">fff")
_NO_SHIFT: Final = 3
_LARGEST_POINT: Final = 7
_CIRCUITS: Final = (1, 2)


@dataclass(frozen=True, slots=True)
class Config(ModbusSettings):
    """The line, and what the manual leaves to the meter at hand."""

    circuit: int = 1
    """Of a meter with two circuits; the second answers at the unit after ``unit``."""
    floats: bool = False
    """Take voltage, current and power from the floats, in a request of their own."""
    energy_unit_wh: float = 1.0
    """What one count of the register is; compare it with the display once."""
    power_unit_w: float = 1.0
    """What the displayed power is in: 1.0 for watt, 1000.0 for kilowatt."""
    reverse: bool = False
    """The shunt is wired so that the meter takes import for export."""

    def __post_init__(self) -> None:
        """Refuse what no such meter can be."""
        ModbusSettings.__post_init__(self)
        if self.circuit not in _CIRCUITS:
            raise ValueError(f"circuit: {self.circuit} is not there; write 1 or 2")
        for name in ("energy_unit_wh", "power_unit_w"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"{name}: {getattr(self, name)} makes nothing of a count; "
                    "write one above 0"
                )


class Meter:
    """One circuit of one meter."""

    def __init__(self, device: ModbusDevice, config: Config) -> None:
        self._device = device
        self._config = config

    async def read(self) -> MeterReading:
        config = self._config
        octets, at_s = await self._device.read(
            Function.READ_HOLDING, _DISPLAY, _DISPLAY_COUNT
        )
        where = self._device.where
        volt, volt_point, ampere, ampere_point, broken, _, power, power_point, *wh = (
            _DISPLAYED.unpack(octets)
        )
        if broken:
            raise BadAnswer(
                f"{where}: reports a broken wire ({broken:#06x}); "
                "check the wires of shunt and voltage"
            )
        if config.floats:
            voltage_v, current_a, power_w = await self._measured()
        else:
            voltage_v = _shifted(where, volt, volt_point)
            current_a = _shifted(where, ampere, ampere_point)
            power_w = _shifted(where, power, power_point) * config.power_unit_w
        return meter.reading(
            where,
            at_s,
            energy_wh=wh[0] * config.energy_unit_wh,
            energy_export_wh=wh[1] * config.energy_unit_wh,
            voltage_v=voltage_v,
            current_a=current_a,
            power_w=power_w,
            reverse=config.reverse,
        )

    async def _measured(self) -> tuple[float, float, float]:
        octets, _ = await self._device.read(
            Function.READ_HOLDING, _FLOATS, _FLOATS_COUNT
        )
        voltage_v, current_a, power_kw = _MEASURED.unpack(octets)
        return voltage_v, current_a, power_kw * 1000


def _shifted(where: str, mantissa: int, point: int) -> float:
    if point > _LARGEST_POINT:
        raise BadAnswer(
            f"{where}: a decimal point at {point} cannot be; check the meter's model"
        )
    return float(mantissa * 10**point) / 10**_NO_SHIFT


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Meter]:
    """Open the line.

    Raises:
        HardwareError: The port cannot be opened, or is open with other settings.
    """
    unit = config.unit + config.circuit - 1
    yield Meter(await open_device(config, place, unit), config)
