"""What the kernel writes into the file of a temperature sensor.

Documentation/w1/slaves/w1_therm.rst, hwmon/sysfs-interface.rst and the ABI of iio:
all count in thousandths of a degree Celsius.
"""

import re
from pathlib import PurePath
from typing import Final

from hal.errors import BadAnswer

_ONE_WIRE: Final = re.compile(r"(10|22|28|3b|42)-[0-9a-f]{12}")
"""The name of the directory of a 1-wire thermometer, by its family."""
_SCRATCHPAD: Final = re.compile(
    r"(?P<bytes>(?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (?P<crc>YES|NO)\n"
    r"(?:[0-9a-f]{2} ){9}t=(?P<milli_c>-?\d{1,7})\n?"
)
_NUMBER: Final = re.compile(r"-?\d{1,9}\n?")

_POWER_ON_MILLI_C: Final = 85_000
"""What a DS18B20 says that has not measured since its supply came."""
_SHORTED: Final = "00 " * 9
"""All zeros have a right checksum: the data wire lies on ground."""
_LOWEST_C: Final = -60.0
_HIGHEST_C: Final = 200.0


def temperature_c(path: PurePath, text: str) -> float:
    """Return the temperature that a sensor's file says.

    Args:
        path: The file; its name and its directory tell what kind it is.
        text: All of its text.

    Raises:
        BadAnswer: The sensor could not be read, has not measured yet, or says what
            no sensor in a station can say.
    """
    one_wire = _ONE_WIRE.fullmatch(path.parent.name) is not None
    milli_c = _scratchpad(path, text) if path.name == "w1_slave" else _plain(path, text)
    if (one_wire or path.name == "w1_slave") and milli_c == _POWER_ON_MILLI_C:
        raise BadAnswer(
            f"{path}: says 85 C, as a sensor does that lost its supply; check its wires"
        )
    if not _LOWEST_C <= milli_c / 1000 <= _HIGHEST_C:
        raise BadAnswer(
            f"{path}: says {milli_c / 1000} C; check the sensor and its wires"
        )
    return milli_c / 1000


def _scratchpad(path: PurePath, text: str) -> int:
    read = _SCRATCHPAD.fullmatch(text)
    if read is None:
        raise BadAnswer(f"{path}: {text[:80]!r} is no answer of a 1-wire sensor")
    if read["crc"] == "NO" or read["bytes"] == _SHORTED:
        raise BadAnswer(f"{path}: wrong checksum; check the wires of the 1-wire bus")
    return int(read["milli_c"])


def _plain(path: PurePath, text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise BadAnswer(f"{path}: {text[:80]!r} is no temperature")
    return int(text)
