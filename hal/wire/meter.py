"""What the registers of a billing meter say, once it is known to be possible."""

from math import floor, isfinite
from typing import Final

from hal.errors import BadAnswer
from hal.values import MeterReading

_MOST_V: Final = 2_000.0
_MOST_A: Final = 2_000.0
_MOST_W: Final = 2_000_000.0
_MOST_WH: Final = 1e12
_ROUNDING: Final = 1e-6
"""A whole number of watt-hours may come out of a product of floats a little less."""


def reading(
    where: str,
    at_s: float,
    *,
    energy_wh: float,
    voltage_v: float,
    current_a: float,
    power_w: float | None = None,
    energy_export_wh: float | None = None,
    serial: str | None = None,
    reverse: bool = False,
) -> MeterReading:
    """Return what a meter said.

    Args:
        where: Names the meter in the texts of errors.
        at_s: When it answered.
        energy_wh: The register of what it calls import.
        voltage_v: As it says.
        current_a: As it says, with its sign.
        power_w: As it says; ``None``: the product of voltage and current.
        energy_export_wh: The register of what it calls export.
        serial: What it calls itself.
        reverse: Its shunt is wired so that it takes import for export, and it has both.

    Raises:
        BadAnswer: A value is out of every meter's range.
    """
    if power_w is None:
        power_w = voltage_v * current_a
    if reverse:
        assert energy_export_wh is not None
        current_a, power_w = -current_a, -power_w
        energy_wh, energy_export_wh = energy_export_wh, energy_wh
    _check(where, "voltage", voltage_v, -_MOST_V, _MOST_V, "V")
    _check(where, "current", current_a, -_MOST_A, _MOST_A, "A")
    _check(where, "power", power_w, -_MOST_W, _MOST_W, "W")
    _check(where, "energy", energy_wh, 0.0, _MOST_WH, "Wh")
    _check(where, "exported energy", energy_export_wh or 0.0, 0.0, _MOST_WH, "Wh")
    export_wh = None if energy_export_wh is None else _whole(energy_export_wh)
    return MeterReading(
        at_s=at_s,
        energy_wh=_whole(energy_wh),
        power_w=power_w,
        voltage_v=voltage_v,
        current_a=current_a,
        energy_export_wh=export_wh,
        serial=serial,
    )


def _whole(energy_wh: float) -> int:
    return floor(energy_wh + _ROUNDING)


def _check(
    where: str, name: str, value: float, low: float, high: float, unit: str
) -> None:
    if not isfinite(value) or not low <= value <= high:
        raise BadAnswer(
            f"{where}: {name} of {value:g} {unit} cannot be; "
            "check the settings of the meter against its display"
        )
