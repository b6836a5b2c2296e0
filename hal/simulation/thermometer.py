"""The twin of a temperature sensor: a file as the kernel keeps one, for the world.

A 1-wire file (``28-000000000001/w1_slave``) holds the scratchpad of a DS18B20 with
its checksum; every other file holds thousandths of a degree.
"""

from pathlib import Path
from typing import Final

from hal.world.site import World
from hal.world.warmth import temperature_c

_WRITES_EVERY_S: Final = 0.5
_STEPS_PER_K: Final = 16
"""A DS18B20 at twelve bits."""
_TAIL: Final = bytes.fromhex("4b467fff0e10")
"""Alarm limits, resolution and what is reserved, as the chip leaves the factory."""
_POLYNOMIAL: Final = 0x8C  # x^8 + x^5 + x^4 + 1, least significant bit first


class Thermometer:
    """One sensor, at a plug or, as connector 0, in the cabinet."""

    def __init__(self, path: Path, world: World, connector: int) -> None:
        self._path = path
        self._world = world
        self._connector = connector
        world.faults.offer(("temperature-garbled",))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write()

    async def follow(self) -> None:
        """Let the file show the world, for ever."""
        while True:
            self.write()
            await self._world.news(self._world.monotonic() + _WRITES_EVERY_S)

    def write(self) -> None:
        """Let the file show the world as it is now; a silent sensor has no file."""
        if self._world.faults.has("temperature-silent", self._connector):
            self._path.unlink(missing_ok=True)
            return
        warm_c = temperature_c(self._world, self._connector)
        garbled = self._world.faults.has("temperature-garbled", self._connector)
        if self._path.name == "w1_slave":
            text = one_wire_text(warm_c, sound=not garbled)
        else:
            text = "?" * garbled + f"{round(warm_c * 1000)}\n"
        # A reader finds the old text or the new one, never half of each.
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self._path)


def one_wire_text(warm_c: float, *, sound: bool = True) -> str:
    """Return what ``w1_slave`` says; a checksum that is not ``sound`` is wrong."""
    steps = round(warm_c * _STEPS_PER_K)
    scratchpad = steps.to_bytes(2, "little", signed=True) + _TAIL
    crc = _crc(scratchpad) if sound else _crc(scratchpad) ^ 1
    pad = (scratchpad + bytes([crc])).hex(" ")
    verdict = "YES" if sound else "NO"
    milli_c = steps * 1000 // _STEPS_PER_K
    return f"{pad} : crc={_crc(scratchpad):02x} {verdict}\n{pad} t={milli_c}\n"


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc
