"""Simulated safety inputs of the station."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import SafetyReading
from hal.world.site import World, world_of


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class SafetyInputs:
    """Emergency stop, door and surge protector."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = self._seen()

    async def read(self) -> SafetyReading:
        await self._world.listen("safety", 0)
        return self._seen()

    def changes(self) -> AsyncIterator[SafetyReading]:
        return self._world.watch(self._told)

    def _told(self) -> SafetyReading:
        """Return what the input board last said."""
        if not self._world.faults.has("safety-silent"):
            self._last = self._seen()
        return self._last

    def _seen(self) -> SafetyReading:
        has = self._world.faults.has
        return SafetyReading(
            at_s=self._world.monotonic(),
            emergency_stop=has("emergency-stop"),
            door_open=has("door-open"),
            surge_protector_tripped=has("surge-protector"),
        )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[SafetyInputs]:
    """Join the world."""
    yield SafetyInputs(await world_of(place))
