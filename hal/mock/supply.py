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
        self._last = self._seen()

    async def read(self) -> SupplyReading:
        await self._world.listen("supply", 0)
        return self._seen()

    def changes(self) -> AsyncIterator[SupplyReading]:
        return self._world.watch(self._told)

    def _told(self) -> SupplyReading:
        """Return what the input board last said."""
        if not self._world.faults.has("supply-silent"):
            self._last = self._seen()
        return self._last

    def _seen(self) -> SupplyReading:
        failing = self._world.faults.has("power-fail")
        return SupplyReading(at_s=self._world.monotonic(), failing=failing)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[SupplyMonitor]:
    """Join the world."""
    yield SupplyMonitor(await world_of(place))
