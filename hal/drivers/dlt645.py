"""Any energy meter that speaks DL/T 645-2007, as most DC meters from China do.

Standard: DL/T 645-2007, annex A (identifiers) and section 5 (frames).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from hal.bounds import check
from hal.errors import BadAnswer, NoAnswer
from hal.resources import Place
from hal.transport.line import Line, Question, open_line
from hal.transport.rank import Rank
from hal.transport.serial import SerialSettings
from hal.values import MeterReading
from hal.wire import dlt645, meter
from hal.wire.dlt645 import ADDRESS_DIGITS, Frame

_IMPORT: Final = 0x00010000
_EXPORT: Final = 0x00020000
_VOLTAGE: Final = 0x02010100
_CURRENT: Final = 0x02020100
_POWER: Final = 0x02030000

_ENERGY_OCTETS: Final = 4
_CURRENT_OCTETS: Final = 3
_POWER_OCTETS: Final = 3
_MOST_FRAMES: Final = 10
"""No quantity is so long that it takes more, even byte by byte."""
_LONGEST_FRAME: Final = 30
_DECIMALS: Final = (0, 6)
_BOUNDS: Final = {
    "timeout_s": (0.01, 0.9),
    "wake_ups": (0, 4),
    "energy_decimals": _DECIMALS,
    "voltage_octets": (2, 4),
    "voltage_decimals": _DECIMALS,
    "current_decimals": _DECIMALS,
    "power_decimals": _DECIMALS,
}


@dataclass(frozen=True, slots=True)
class Config(SerialSettings):
    """The line, the meter, and where it deviates from the standard."""

    parity: str = "even"
    address: str = ""
    """Up to twelve digits; empty: whichever is the only meter on the line."""
    timeout_s: float = 0.5
    """How long the meter may think before it answers."""
    wake_ups: int = 4
    """So many 0xFE go before each question."""
    energy_decimals: int = 2
    """Of a kilowatt-hour; some DC meters have 3."""
    voltage_octets: int = 2
    """How many bytes a voltage has; with 2 it ends at 999.9 V."""
    voltage_decimals: int = 1
    """Of a volt."""
    current_decimals: int = 3
    """Of an ampere."""
    power_decimals: int = 4
    """Of a kilowatt."""
    power: bool = True
    """Ask for the power; else it is the product of voltage and current."""
    energy_export: bool = False
    """Ask for the energy from vehicles."""
    reverse: bool = False
    """The shunt is wired so that the meter takes import for export."""

    def __post_init__(self) -> None:
        """Refuse what no such meter can be."""
        SerialSettings.__post_init__(self)
        if self.address and not self.address.isdecimal():
            raise ValueError(
                f'address: {self.address!r} is no number; write it like "000000000161"'
            )
        if len(self.address) > ADDRESS_DIGITS:
            raise ValueError(
                f"address: {self.address!r} is too long; write {ADDRESS_DIGITS} digits"
            )
        for name, (low, high) in _BOUNDS.items():
            check(name, getattr(self, name), low, high)


class _Quantity(NamedTuple):
    identifier: int
    octets: int
    unit: float
    signed: bool = False


class Meter:
    """One meter, asked for one quantity after the other."""

    def __init__(
        self, line: Line, config: Config, monotonic: Callable[[], float]
    ) -> None:
        self._line = line
        self._config = config
        self._monotonic = monotonic
        self._quantities = _quantities(config)
        self._within_s = config.timeout_s + (2 * _LONGEST_FRAME * config.byte_s)
        self._address = config.address and config.address.zfill(ADDRESS_DIGITS)
        self._where = f"{config.port}: meter {self._address or 'without address'}"

    async def read(self) -> MeterReading:
        try:
            if not self._address:
                await self._find()
            found, at_s = await self._values()
        except NoAnswer:
            # It may be another meter that answers next.
            if not self._config.address:
                self._address = ""
            raise
        return meter.reading(
            self._where,
            at_s,
            energy_wh=found["energy_wh"],
            energy_export_wh=found.get("energy_export_wh"),
            voltage_v=found["voltage_v"],
            current_a=found["current_a"],
            power_w=found.get("power_w"),
            serial=self._address,
            reverse=self._config.reverse,
        )

    async def _values(self) -> tuple[dict[str, float], float]:
        found, stamps_s = {}, []
        for name, quantity in self._quantities.items():
            octets = await self._told(quantity.identifier)
            stamps_s.append(self._monotonic())
            if len(octets) != quantity.octets:
                raise BadAnswer(
                    f"{self._where}: {name} in {len(octets)} bytes, not in "
                    f"{quantity.octets}; check the settings against its manual"
                )
            try:
                value = dlt645.bcd(octets, quantity.signed)
            except BadAnswer as error:
                raise BadAnswer(
                    f"{self._where}: {name}: {error}; check the meter's model"
                ) from error
            found[name] = value * quantity.unit
        return found, stamps_s[0]

    async def _told(self, identifier: int) -> bytes:
        """Return all data of an identifier, however many frames they take."""
        told = b""
        for sequence in range(_MOST_FRAMES):
            request = dlt645.read(self._address, identifier, sequence)
            part, more = await self._ask(request, Rank.ROUTINE)
            told += part
            if not more:
                return told
        raise BadAnswer(
            f"{self._where}: {identifier:08x} does not end after {_MOST_FRAMES} "
            "frames; check the meter's model"
        )

    async def _find(self) -> None:
        told, _ = await self._ask(dlt645.find(), Rank.HOUSEKEEPING)
        if len(told) != ADDRESS_DIGITS // 2 or not told.hex().isdecimal():
            raise BadAnswer(
                f"{self._where}: tells {told.hex(' ')} as its address; "
                "write the address of the meter into the station file"
            )
        self._address = told[::-1].hex()
        self._where = f"{self._config.port}: meter {self._address}"

    async def _ask(self, request: Frame, rank: Rank) -> tuple[bytes, bool]:
        answer = await self._line.ask(
            Question(
                dlt645.encode(request, self._config.wake_ups),
                dlt645.answer_to(request, self._where),
                f"meter {request.address}",
                self._within_s,
                rank,
            )
        )
        return dlt645.content(request, answer)


def _quantities(config: Config) -> dict[str, _Quantity]:
    energy_wh = 1000 / 10**config.energy_decimals
    power_w = 1000 / 10**config.power_decimals
    volt = 1 / 10**config.voltage_decimals
    ampere = 1 / 10**config.current_decimals
    found = {
        "energy_wh": _Quantity(_IMPORT, _ENERGY_OCTETS, energy_wh),
        "voltage_v": _Quantity(_VOLTAGE, config.voltage_octets, volt),
        "current_a": _Quantity(_CURRENT, _CURRENT_OCTETS, ampere, signed=True),
    }
    if config.power:
        found["power_w"] = _Quantity(_POWER, _POWER_OCTETS, power_w, signed=True)
    if config.energy_export or config.reverse:
        found["energy_export_wh"] = _Quantity(_EXPORT, _ENERGY_OCTETS, energy_wh)
    return found


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Meter]:
    """Open the line.

    Raises:
        HardwareError: The port cannot be opened, or is open with other settings.
    """
    line = await open_line(config.port_settings, place)
    yield Meter(line, config, place.resources.monotonic)
