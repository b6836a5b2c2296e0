"""Simulated card reader, of one connector or, as connector 0, of the station."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf

from hal.resources import Place
from hal.values import Token
from hal.world.site import World, world_of

_HELD_FOR_S = 2.0
"""How long a card stays in the field: a reader that wakes up later misses it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class TokenReader:
    """One reader."""

    def __init__(self, world: World, connector: int) -> None:
        self._world = world
        self._connector = connector
        self._field: deque[tuple[float, Token]] = deque()
        world.readers[connector] = self._field

    async def read(self) -> None:
        await self._world.listen("reader", self._connector)

    async def tokens(self) -> AsyncIterator[Token]:
        while True:
            while self._field:
                entered_s, token = self._field.popleft()
                if self._world.monotonic() - entered_s <= _HELD_FOR_S:
                    yield token
            await self._world.news(inf)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[TokenReader]:
    """Join the world."""
    world = await world_of(place)
    try:
        yield TokenReader(world, place.connector)
    finally:
        world.readers.pop(place.connector, None)
