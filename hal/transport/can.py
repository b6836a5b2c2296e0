"""CAN buses with 29-bit identifiers, each opened once for all devices on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.bounds import check_word
from hal.errors import HardwareError
from hal.resources import Place
from hal.transport.bus import Bus
from hal.transport.slcan import open_slcan
from hal.transport.socketcan import open_socketcan
from hal.wire import slcan

_LINKS: Final = {"socketcan": open_socketcan, "slcan": open_slcan}


@dataclass(frozen=True, slots=True)
class CanSettings:
    """Which bus, and how fast it is; all devices on one bus must agree."""

    channel: str
    interface: str = "socketcan"
    bitrate: int = 125_000
    """Of a serial adapter; a socketcan device gets its own from the system."""

    def __post_init__(self) -> None:
        """Refuse what no bus can be."""
        if not self.channel:
            raise ValueError('channel: is empty; write one like "can0"')
        check_word("interface", self.interface, _LINKS)
        if self.bitrate not in slcan.BIT_RATES:
            raise ValueError(
                f"bitrate: {self.bitrate} is not possible; write one like 125000"
            )


async def open_bus(settings: CanSettings, place: Place) -> Bus:
    """Return the bus, opened by the first device that asks.

    Raises:
        HardwareError: It cannot be opened, or is open with other settings.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[CanSettings, Bus]]:
        bus = Bus(settings.bitrate)
        link = _LINKS[settings.interface]
        async with link(bus, settings.channel, settings.bitrate, place):
            yield settings, bus

    chosen, bus = await place.resources.share(("can", settings.channel), opened)
    if chosen != settings:
        raise HardwareError(
            f"{settings.channel}: another device uses it as {chosen}, this one "
            f"as {settings}; give all devices of a bus the same settings"
        )
    return bus
