"""The register of a billing meter, and what is added to it to make it public.

Drivers are billed by the public register of a connector, which only grows over the
life of the station. A meter may be exchanged or lose what it has counted; what its
own register then lacks, or has too much, is the offset.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Final

from hal.values import MeterReading

_SLOW_S: Final = 10.0
"""A meter may count so long before its register shows it."""
_COARSE_WH: Final = 200
"""Twice the step of the coarsest registers, which count tenths of a kWh."""


class Break(StrEnum):
    """Why a register goes on with another offset."""

    SERIAL = "another serial number"
    BACK = "the register went back"
    LEAPT = "the register leapt"


@dataclass(frozen=True, slots=True)
class Register:
    """The meter of one connector, as it was last believed."""

    connector: int
    raw_wh: int
    """What the meter itself said."""
    offset_wh: int
    at: datetime
    serial: str | None = None
    """Of the meter, if it tells one."""
    export_wh: int | None = None
    """What it said of energy from vehicles, if it counts that."""
    export_offset_wh: int = 0

    @property
    def public_wh(self) -> int:
        """What drivers are billed by."""
        return self.raw_wh + self.offset_wh

    def after(self, reading: MeterReading, at: datetime) -> "Register":
        """Return the register after a reading that is believed."""
        return replace(
            self,
            raw_wh=reading.energy_wh,
            at=at,
            serial=reading.serial or self.serial,
            export_wh=reading.energy_export_wh,
        )

    def public(self, reading: MeterReading) -> MeterReading:
        """Return a reading with its registers as the public ones."""
        if not (self.offset_wh or self.export_offset_wh):
            return reading
        export_wh = reading.energy_export_wh
        if export_wh is not None:
            export_wh += self.export_offset_wh
        energy_wh = reading.energy_wh + self.offset_wh
        return replace(reading, energy_wh=energy_wh, energy_export_wh=export_wh)

    def going_on(self, reading: MeterReading) -> "Register":
        """Return the register with the offset that lets a meter go on from here."""
        export_wh, offset_wh = self.export_wh, self.export_offset_wh
        if export_wh is not None and reading.energy_export_wh is not None:
            offset_wh += export_wh - reading.energy_export_wh
        return replace(
            self,
            offset_wh=self.public_wh - reading.energy_wh,
            export_offset_wh=offset_wh,
        )


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a register cannot follow another one."""

    why: Break
    words: str


def adopted(connector: int, reading: MeterReading, at: datetime) -> Register:
    """Return the register of a meter that nothing is known of."""
    raw = Register(connector, reading.energy_wh, 0, at)
    return raw.after(reading, at)


def renamed(register: Register, reading: MeterReading) -> Misfit | None:
    """Return that a reading is another meter's, if the two tell their names."""
    if None in (register.serial, reading.serial) or register.serial == reading.serial:
        return None
    words = f"is of meter {reading.serial}, not of {register.serial}"
    return Misfit(Break.SERIAL, words)


def misfit(
    before_wh: int, after_wh: int, elapsed_s: float, most_w: float
) -> Misfit | None:
    """Return why one register cannot follow another so soon; ``None``: it can.

    Args:
        before_wh: The register as it was believed.
        after_wh: The register as it is said to be.
        elapsed_s: How long it had to get there.
        most_w: What could have been delivered all the time; ``inf``: anything.
    """
    if after_wh < before_wh:
        return Misfit(Break.BACK, f"went back from {before_wh} Wh to {after_wh} Wh")
    if most_w == inf:
        return None
    most_wh = most_w * (elapsed_s + _SLOW_S) / 3600 + _COARSE_WH
    if after_wh - before_wh <= most_wh:
        return None
    words = f"leapt from {before_wh} Wh to {after_wh} Wh in {elapsed_s:.0f} s"
    return Misfit(Break.LEAPT, words)
