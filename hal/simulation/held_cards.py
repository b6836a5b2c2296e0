"""The cards that are held to a reader of the simulated station."""

from collections import deque
from collections.abc import AsyncGenerator
from math import inf
from typing import Final

from hal.values import Token
from hal.world.site import World

HELD_S: Final = 1.2
"""How long a driver holds a card to a reader."""


async def held_cards(world: World, connector: int) -> AsyncGenerator[bytes, None]:
    """Yield the number of each card, one after the other, for ever."""
    waiting: deque[tuple[float, Token]] = deque()
    world.readers[connector] = waiting
    try:
        while True:
            while waiting:
                yield bytes.fromhex(waiting.popleft()[1].uid)
            await world.news(inf)
    finally:
        if world.readers.get(connector) is waiting:
            del world.readers[connector]
