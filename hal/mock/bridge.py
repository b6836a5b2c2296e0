"""Simulated contactor between the DC buses of two connectors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.mock.switching import Switch
from hal.resources import Place
from hal.values import BridgeReading
from hal.world.site import World, world_of

_JOINS = (1, 2)


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Bridge:
    """The one bridge of the world."""

    def __init__(self, world: World, switch: Switch) -> None:
        self._world = world
        self._switch = switch

    async def close(self) -> None:
        await self._switch.close()

    async def open(self) -> None:
        await self._switch.open()

    async def read(self) -> BridgeReading:
        await self._world.listen("bridge", 0)
        now_s, position = self._switch.look()
        return BridgeReading(at_s=now_s, position=position)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Bridge]:
    """Join the world; the coil drops when the block ends."""
    world = await world_of(place)
    first, second = place.joins or _JOINS
    outlet = world.outlet(first)
    contacts = world.bridge(outlet, world.outlet(second))
    switch = Switch(world, outlet, contacts, "bridge")
    try:
        yield Bridge(world, switch)
    finally:
        switch.energize(False)
