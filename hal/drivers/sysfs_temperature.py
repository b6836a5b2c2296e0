"""Temperature sensors that the kernel shows as files: 1-wire, hwmon, iio, thermal.

A DS18B20 measures for 0.75 s at 12 bits; two of them on one bus need 9 or 10 bits
(its file ``resolution``) to answer within a second.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Final

from hal.bounds import check
from hal.errors import NoAnswer
from hal.resources import Place
from hal.transport.threads import in_thread
from hal.values import TemperatureReading
from hal.wire.sysfs import temperature_c

_ANSWERS_WITHIN_S: Final = 1.0
_MOST_OFF_K: Final = 20.0


@dataclass(frozen=True, slots=True)
class Config:
    """All sensors of one place."""

    files: tuple[str, ...]
    """The hottest counts. A file may be a pattern, since hwmon numbers its devices as
    it finds them: /sys/class/hwmon/hwmon*/temp1_input."""
    offset_k: float = 0.0
    """What is added to each, for a sensor that sits away from what it measures."""

    def __post_init__(self) -> None:
        """Refuse a table that measures nothing."""
        if not self.files or not all(file.startswith("/") for file in self.files):
            raise ValueError(
                f"files: {list(self.files)} names no files; write them like "
                '["/sys/bus/w1/devices/28-*/w1_slave"]'
            )
        check("offset_k", self.offset_k, -_MOST_OFF_K, _MOST_OFF_K)


class TemperatureSensor:
    """The sensors of one plug or of the cabinet."""

    def __init__(self, config: Config, monotonic: Callable[[], float]) -> None:
        self._config = config
        self._monotonic = monotonic
        self._reading: asyncio.Future[TemperatureReading] | None = None

    async def read(self) -> TemperatureReading:
        # A sensor that hangs in the kernel holds one thread, not one more each time.
        if self._reading is None or self._reading.done():
            self._reading = in_thread(self._look, f"read {self._config.files[0]}")
        done, _ = await asyncio.wait({self._reading}, timeout=_ANSWERS_WITHIN_S)
        if not done:
            raise NoAnswer(
                f"{', '.join(self._config.files)}: no answer in {_ANSWERS_WITHIN_S} s; "
                "check the sensor's wires, or lower its resolution"
            )
        return self._reading.result()

    def _look(self) -> TemperatureReading:
        hottest_c = max(
            temperature_c(path, _text(path))
            for pattern in self._config.files
            for path in _found(pattern)
        )
        return TemperatureReading(
            at_s=self._monotonic(), temperature_c=hottest_c + self._config.offset_k
        )


def _found(pattern: str) -> list[Path]:
    paths = sorted(glob(pattern))
    if not paths:
        raise NoAnswer(f"{pattern}: no such file; check the sensor and its driver")
    return [Path(path) for path in paths]


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError as error:
        raise NoAnswer(f"{path}: {error.strerror}; check the sensor's wires") from error


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[TemperatureSensor]:
    """Name the files; each reading opens them anew, since sensors come and go."""
    yield TemperatureSensor(config, place.resources.monotonic)
