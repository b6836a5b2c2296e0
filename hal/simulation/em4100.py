"""The twin of a reader of 125 kHz tags: it says a tag for as long as it is there."""

import asyncio
from contextlib import aclosing
from typing import Final

from hal.simulation.held_cards import HELD_S, held_cards
from hal.simulation.mischief import Mischief
from hal.simulation.serial_line import SerialLine
from hal.wire.em4100 import encode
from hal.world.site import World

_EVERY_S: Final = 0.065
_TAG_BYTES: Final = 5


class Em4100:
    """One reader of the station, or of a connector."""

    def __init__(self, world: World, connector: int, line: SerialLine) -> None:
        self._world = world
        self._connector = connector
        self._mischief = Mischief(world, "reader", connector)
        self._line = line

    async def follow(self) -> None:
        """Let the world's tags be held to the reader, for ever; it sees no others."""
        async with aclosing(held_cards(self._world, self._connector)) as cards:
            async for tag in cards:
                if len(tag) == _TAG_BYTES:
                    await self.hold(tag, HELD_S)

    async def hold(self, tag: bytes, lasts_s: float) -> None:
        """Hold a tag to the reader for a while."""
        for _ in range(round(lasts_s / _EVERY_S)):
            outgoing = self._mischief.bent(encode(tag))
            if outgoing is not None:
                self._line.terminal.send(outgoing.octets)
            await asyncio.sleep(_EVERY_S)
