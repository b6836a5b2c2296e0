"""Simulated insulation monitor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import Unconfirmed
from hal.resources import Place
from hal.values import IsolationReading
from hal.world.insulation import resistance_ohm
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

_SELF_TEST_S = 0.5


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class IsolationMonitor:
    """The monitor of one connector."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet

    async def self_test(self) -> None:
        await self._world.listen("isolation", self._outlet.number)
        ends_s = self._world.monotonic() + _SELF_TEST_S / self._world.settings.rate
        while self._world.monotonic() < ends_s:
            await self._world.news(ends_s)
        await self._world.listen("isolation", self._outlet.number)
        if self._world.faults.has("isolation-self-test", self._outlet.number):
            raise Unconfirmed(
                f"connector {self._outlet.number} isolation monitor: its test resistor "
                "was not found; replace the monitor"
            )

    async def read(self) -> IsolationReading:
        number = self._outlet.number
        await self._world.listen("isolation", number)
        broken = self._world.faults.has("insulation", number)
        return IsolationReading(
            at_s=self._world.monotonic(),
            resistance_ohm=resistance_ohm(self._outlet, broken),
        )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[IsolationMonitor]:
    """Join the world."""
    world = await world_of(place)
    yield IsolationMonitor(world, world.outlet(place.connector))
