"""CAN adapters that Linux knows. The only user of python-can.

A bus that is lost, or that its adapter has shut off after errors, comes back by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import can

from hal.errors import HardwareError, NoAnswer
from hal.resources import Place
from hal.transport.bus import Bus
from hal.wire.frame import Frame

_WHOLE_IDENTIFIER: Final = 0x1FFFFFFF
_RETRY_S: Final = 0.5
_ERROR_BUS_OFF: Final = 0x40
_ERROR_RESTARTED: Final = 0x100


class _Socketcan:
    """Implements :class:`hal.transport.bus.Link` on a device of the kernel."""

    def __init__(self, bus: Bus, channel: str, bitrate: int) -> None:
        self._bus = bus
        self._channel = channel
        self._bitrate = bitrate
        self._loop = asyncio.get_running_loop()
        self._wanted: Sequence[tuple[int, int]] = ()
        self._open: can.BusABC | None = None
        self._off = False
        self._gone = asyncio.Event()

    def open(self) -> None:
        """Open the device.

        Raises:
            HardwareError: It is missing or down.
        """
        try:
            self._open = can.Bus(interface="socketcan", channel=self._channel)
        except (can.CanError, OSError) as error:
            raise HardwareError(
                f"{self._channel}: cannot be opened ({error}); bring it up: "
                f"ip link set {self._channel} up type can bitrate "
                f"{self._bitrate} restart-ms 100"
            ) from error
        self._off = False
        self._gone.clear()
        self.filter(self._wanted)
        self._loop.add_reader(self._open.fileno(), self._readable)

    async def keep_open(self) -> None:
        """Open the device anew whenever it is lost, for ever."""
        while True:
            await self._gone.wait()
            await asyncio.sleep(_RETRY_S)
            try:
                self.open()
            except HardwareError:
                continue

    def close(self) -> None:
        """Let go of the device."""
        if self._open is not None:
            self._loop.remove_reader(self._open.fileno())
            self._open.shutdown()
            self._open = None

    def write(self, frames: Sequence[Frame]) -> None:
        if self._open is None or self._off:
            raise NoAnswer(self._absence())
        taken = True
        for identifier, data in frames:
            message = can.Message(
                arbitration_id=identifier, data=data, is_extended_id=True
            )
            try:
                self._open.send(message)
            except (can.CanError, OSError):
                taken = False  # the next may find room, and one may be a stop
        if not taken:
            raise NoAnswer(self._absence())

    def filter(self, wanted: Sequence[tuple[int, int]]) -> None:
        self._wanted = wanted
        if self._open is not None:
            self._open.set_filters(
                [
                    {"can_id": identifier, "can_mask": mask, "extended": True}
                    for identifier, mask in wanted
                ]
            )

    def _readable(self) -> None:
        assert self._open is not None
        try:
            message = self._open.recv(0)
        except (can.CanError, OSError):
            self.close()
            self._gone.set()
            return
        if message is None or message.is_remote_frame:
            return
        if message.is_error_frame:
            self._note(message.arbitration_id)
        elif message.is_extended_id:
            identifier = message.arbitration_id & _WHOLE_IDENTIFIER
            self._bus.heard(Frame(identifier, bytes(message.data)))

    def _note(self, error: int) -> None:
        if error & _ERROR_BUS_OFF:
            self._off = True
        if error & _ERROR_RESTARTED:
            self._off = False

    def _absence(self) -> str:
        if self._off:
            return (
                f"{self._channel}: the bus is off after errors; check cable, "
                "termination and bit rate"
            )
        return f"{self._channel}: the bus takes no frame; check its adapter and cable"


@asynccontextmanager
async def open_socketcan(
    bus: Bus, channel: str, bitrate: int, _place: Place
) -> AsyncIterator[None]:
    """Bring a bus to a device of the kernel, which has a bit rate already.

    Raises:
        HardwareError: It is missing or down.
    """
    link = _Socketcan(bus, channel, bitrate)
    bus.connect(link)
    link.open()
    keeper = asyncio.create_task(link.keep_open(), name=f"bus {channel}")
    try:
        yield
    finally:
        keeper.cancel()
        link.close()
