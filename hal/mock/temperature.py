"""Simulated temperature sensor of a plug, or of the cabinet as connector 0."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import TemperatureReading
from hal.world.site import World, world_of

_TOO_HOT_C = 95.0
_CABINET_SHARE = 0.4
"""How much of its hottest group's warmth stays in the cabinet."""


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class TemperatureSensor:
    """One sensor."""

    def __init__(self, world: World, connector: int) -> None:
        self._world = world
        self._connector = connector

    async def read(self) -> TemperatureReading:
        if self._world.faults.has("plug-over-temperature", self._connector):
            temperature_c = _TOO_HOT_C
        else:
            temperature_c = self._world.settings.ambient_c + self._warmth_k()
        return TemperatureReading(
            at_s=self._world.monotonic(), temperature_c=temperature_c
        )

    def _warmth_k(self) -> float:
        outlets = self._world.outlets
        if self._connector:
            self._world.catch_up(outlets[self._connector])
            return outlets[self._connector].plug_warmth_k
        for outlet in outlets.values():
            self._world.catch_up(outlet)
        warmths_k = (outlet.rectifiers.warmth_k for outlet in outlets.values())
        return _CABINET_SHARE * max(warmths_k, default=0.0)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[TemperatureSensor]:
    """Join the world."""
    world = await world_of(place)
    if place.connector:
        world.outlet(place.connector)
    yield TemperatureSensor(world, place.connector)
