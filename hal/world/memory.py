"""What outlives the daemon in the simulated station: its meters and plugged cars.

The file has one line of a fixed length for each connector, from 0 on. A line is
written by one ``pwrite`` and crosses no page, so a killed process leaves the old
line or the new one, never half of each.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import isfinite
from typing import Final

from hal.errors import HardwareError
from hal.world.car import Battery, Car
from hal.world.outlet import Outlet
from hal.world.signing import Deal

_LINE: Final = 512


class Memory:
    """The lines of one file. Without a file it forgets everything."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._kept: dict[int, bytes] = {}

    def keep(self, outlet: Outlet) -> None:
        """Write the line of a connector, if it has changed."""
        if self._file is None:
            return
        line = _line(outlet)
        if self._kept.get(outlet.number) != line:
            os.pwrite(self._file, line, _LINE * outlet.number)
            self._kept[outlet.number] = line

    def recall(self, outlet: Outlet) -> bool:
        """Set an outlet to its line; return false if there is none or it is broken."""
        if self._file is None:
            return False
        line = os.pread(self._file, _LINE, _LINE * outlet.number)
        try:
            kept = json.loads(line)
            register_wh = _at_least(0.0, kept["register_wh"])
            car = _car(kept["car"]) if kept["car"] else None
            deal = Deal(**kept["deal"]) if kept.get("deal") else None
        except (ValueError, TypeError, KeyError):
            return False
        outlet.register.energy_wh = register_wh
        outlet.notary.deal = deal
        if car:
            outlet.controller.plug(car, outlet.now_s)
        return True


@contextmanager
def opened(path: str) -> Iterator[Memory]:
    """Open the file, or no file for an empty path.

    Raises:
        HardwareError: The file cannot be opened or made.
    """
    if not path:
        yield Memory()
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HardwareError(
            f"mock simulation: state: {path}: {error.strerror}; "
            "name a file in a directory that can be written to"
        ) from error
    try:
        yield Memory(file)
    finally:
        os.close(file)


def _line(outlet: Outlet) -> bytes:
    car, deal = outlet.controller.car, outlet.notary.deal
    kept = {
        "register_wh": outlet.register.energy_wh,
        "deal": deal and asdict(deal),
        "car": car
        and {
            "energy_wh": car.battery.energy_wh,
            "capacity_wh": car.battery.capacity_wh,
            "max_power_w": car.battery.max_power_w,
            "max_voltage_v": car.battery.max_voltage_v,
            "evccid": car.evccid,
        },
    }
    return json.dumps(kept).ljust(_LINE - 1).encode() + b"\n"


def _car(kept: dict[str, object]) -> Car:
    battery = Battery(
        energy_wh=_at_least(0.0, kept["energy_wh"]),
        capacity_wh=_at_least(1.0, kept["capacity_wh"]),
        max_power_w=_at_least(1.0, kept["max_power_w"]),
        max_voltage_v=_at_least(1.0, kept["max_voltage_v"]),
    )
    return Car(battery, str(kept["evccid"]))


def _at_least(low: float, value: object) -> float:
    if isinstance(value, int | float) and isfinite(value) and value >= low:
        return float(value)
    raise ValueError(f"{value!r} is no quantity of at least {low}")
