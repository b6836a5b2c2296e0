"""Simulated pair of DC contactors with mirror contacts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.mock.switching import Switch
from hal.resources import Place
from hal.values import ContactorReading
from hal.world.site import World, world_of


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Contactor:
    """The pair of one connector."""

    def __init__(self, world: World, switch: Switch, number: int) -> None:
        self._world = world
        self._switch = switch
        self._number = number

    async def close(self) -> None:
        await self._world.listen("contactor", self._number)
        await self._switch.close()

    async def open(self) -> None:
        self._switch.energize(False)
        await self._world.listen("contactor", self._number)
        await self._switch.open()

    async def read(self) -> ContactorReading:
        await self._world.listen("contactor", self._number)
        now_s, position = self._switch.look()
        return ContactorReading(at_s=now_s, position=position)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Contactor]:
    """Join the world; both coils drop when the block ends."""
    world = await world_of(place)
    outlet = world.outlet(place.connector)
    name = f"connector {place.connector} contactor"
    switch = Switch(world, outlet, outlet.contacts, name)
    try:
        yield Contactor(world, switch, place.connector)
    finally:
        switch.energize(False)
