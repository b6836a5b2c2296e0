"""Any energy meter that speaks Modbus RTU: its register map is in the station file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.bounds import check
from hal.errors import BadAnswer, NoAnswer
from hal.resources import Place
from hal.transport.modbus import ModbusDevice, ModbusSettings, open_device
from hal.transport.rank import Rank
from hal.values import MeterReading
from hal.wire import meter
from hal.wire.modbus import MOST_REGISTERS
from hal.wire.register_map import SAMPLE, Block, Entry, blocks, entry

_NEEDED: Final = ("energy_wh", "voltage_v", "current_a")
_QUANTITIES: Final = (*_NEEDED, "power_w", "energy_export_wh")
_SERIAL: Final = "serial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(ModbusSettings):
    """The line and the map; an entry reads like "input 0x0048 f32 *1000"."""

    energy_wh: str
    """The register that bills are made of."""
    voltage_v: str
    """At the output."""
    current_a: str
    """Positive into the vehicle."""
    power_w: str = ""
    """Empty: the product of voltage and current."""
    energy_export_wh: str = ""
    """Empty: not metered."""
    serial: str = ""
    """A number or a text; empty: not told."""
    low_word_first: bool = False
    """The least significant register of a number comes first."""
    most_registers: int = MOST_REGISTERS
    """How many registers the meter gives in one answer."""
    gap: int = 0
    """How many registers between two quantities may be read along with them."""

    def __post_init__(self) -> None:
        """Refuse a map that cannot be read."""
        ModbusSettings.__post_init__(self)
        for name in _NEEDED:
            if not getattr(self, name):
                raise ValueError(f'{name}: is missing; write it like "{SAMPLE}"')
        check("most_registers", self.most_registers, 1, MOST_REGISTERS)
        check("gap", self.gap, 0, self.most_registers - 1)
        for name, each in self.entries.items():
            if each.form is None and name != _SERIAL:
                raise ValueError(f"{name}: is a text; write a form such as f32")
            if each.count > self.most_registers:
                raise ValueError(
                    f"{name}: takes {each.count} registers, but the meter gives "
                    f"{self.most_registers} at once; check most_registers"
                )

    @property
    def entries(self) -> dict[str, Entry]:
        """The map, without what is not mapped."""
        found = {}
        for name in (*_QUANTITIES, _SERIAL):
            try:
                if written := getattr(self, name):
                    found[name] = entry(written)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return found


class Meter:
    """One meter. Its serial number is read once, and again after a silence."""

    def __init__(self, device: ModbusDevice, config: Config) -> None:
        self._device = device
        self._low_first = config.low_word_first
        self._entries = config.entries
        self._serial_entry = self._entries.pop(_SERIAL, None)
        self._serial: str | None = None
        self._blocks = blocks(self._entries, config.most_registers, config.gap)

    async def read(self) -> MeterReading:
        found: dict[str, float] = {}
        stamps_s = []
        try:
            for block in self._blocks:
                octets, at_s = await self._device.read(
                    block.function, block.address, block.count
                )
                found.update(self._values(block, octets))
                stamps_s.append(at_s)
            serial = await self._serial_number()
        except NoAnswer:
            # It may be another meter that answers next.
            self._serial = None
            raise
        return meter.reading(
            self._device.where,
            min(stamps_s),
            energy_wh=found["energy_wh"],
            energy_export_wh=found.get("energy_export_wh"),
            voltage_v=found["voltage_v"],
            current_a=found["current_a"],
            power_w=found.get("power_w"),
            serial=serial,
        )

    def _values(self, block: Block, octets: bytes) -> dict[str, float]:
        found = {}
        for name, index in block.held:
            try:
                found[name] = self._entries[name].number(octets, index, self._low_first)
            except BadAnswer as error:
                raise self._misread(name, error) from error
        return found

    async def _serial_number(self) -> str | None:
        if self._serial_entry is None or self._serial is not None:
            return self._serial
        each = self._serial_entry
        octets, _ = await self._device.read(
            each.function, each.address, each.count, Rank.HOUSEKEEPING
        )
        try:
            self._serial = each.text(octets, 0, self._low_first)
        except BadAnswer as error:
            raise self._misread(_SERIAL, error) from error
        return self._serial

    def _misread(self, name: str, error: BadAnswer) -> BadAnswer:
        return BadAnswer(
            f"{self._device.where}: {name}: {error}; "
            "check its entry against the manual of the meter"
        )


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Meter]:
    """Open the line.

    Raises:
        HardwareError: The port cannot be opened, or is open with other settings.
    """
    yield Meter(await open_device(config, place), config)
