"""Simulated temperature sensor of a plug, or of the cabinet as connector 0."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import TemperatureReading
from hal.world.site import World, world_of
from hal.world.warmth import temperature_c


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class TemperatureSensor:
    """One sensor."""

    def __init__(self, world: World, connector: int) -> None:
        self._world = world
        self._connector = connector

    async def read(self) -> TemperatureReading:
        await self._world.listen("temperature", self._connector)
        return TemperatureReading(
            at_s=self._world.monotonic(),
            temperature_c=temperature_c(self._world, self._connector),
        )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[TemperatureSensor]:
    """Join the world."""
    world = await world_of(place)
    if place.connector:
        world.outlet(place.connector)
    yield TemperatureSensor(world, place.connector)
