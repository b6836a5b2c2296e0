"""Simulated monitor of the board's supply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import SupplyReading
from hal.world.site import World, world_of


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class SupplyMonitor:
    """The power-fail input."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read(self) -> SupplyReading:
        return self._seen()

    def changes(self) -> AsyncIterator[SupplyReading]:
        return self._world.watch(self._seen)

    def _seen(self) -> SupplyReading:
        failing = self._world.faults.has("power-fail")
        return SupplyReading(at_s=self._world.monotonic(), failing=failing)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[SupplyMonitor]:
    """Join the world."""
    yield SupplyMonitor(await world_of(place))
