"""CAN adapters on a serial port. One that has left its bus is brought back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from hal.resources import Place
from hal.transport.bus import Bus
from hal.transport.serial import Port, SerialSettings, open_port
from hal.wire import slcan
from hal.wire.frame import Frame

_REFUSALS: Final = 8
"""So many commands refused in a row: the adapter has left the bus."""


class _Slcan:
    """Implements :class:`hal.transport.bus.Link` on a port."""

    def __init__(self, port: Port, bus: Bus, bitrate: int) -> None:
        self._port = port
        self._rate = slcan.BIT_RATES[bitrate]
        self._bus = bus
        self._lines = slcan.Lines()
        self._refused = 0

    def set_up(self) -> None:
        """Bring the adapter onto the bus, whatever it was doing."""
        self._refused = 0
        self._port.write(slcan.END + slcan.CLOSE + self._rate + slcan.OPEN)

    def write(self, frames: Sequence[Frame]) -> None:
        self._port.write(b"".join(map(slcan.encode, frames)))

    def filter(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Hear everything: the filters of these adapters are too coarse."""

    def hear(self, data: bytes) -> None:
        """Take what the adapter says."""
        for line in self._lines.cut(data):
            if line == slcan.REFUSED:
                self._refuse()
            elif (frame := slcan.decode(line)) is not None:
                self._refused = 0
                self._bus.heard(frame)

    def _refuse(self) -> None:
        self._refused += 1
        if self._refused >= _REFUSALS:
            self.set_up()


@asynccontextmanager
async def open_slcan(
    bus: Bus, channel: str, bitrate: int, place: Place
) -> AsyncIterator[None]:
    """Bring a bus to the adapter at a serial port.

    Raises:
        HardwareError: The port cannot be opened.
    """
    # Every adapter of this kind takes any speed on its USB side.
    port = await open_port(SerialSettings(channel, 115_200), place)
    link = _Slcan(port, bus, bitrate)
    bus.connect(link)
    with port.listen(link.hear, opened=link.set_up):
        link.set_up()
        yield
        if port.up:
            port.write(slcan.CLOSE)
