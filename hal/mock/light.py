"""Simulated status light."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import Signal
from hal.world.site import World, world_of


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Light:
    """The light of one connector; ``World.lights`` remembers what it shows."""

    def __init__(self, world: World, connector: int) -> None:
        self._world = world
        self._connector = connector

    async def show(self, signal: Signal) -> None:
        self._world.lights[self._connector] = signal


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Light]:
    """Join the world; the light is off before and after the block."""
    world = await world_of(place)
    world.lights[place.connector] = Signal.OFF
    try:
        yield Light(world, place.connector)
    finally:
        world.lights[place.connector] = Signal.OFF
