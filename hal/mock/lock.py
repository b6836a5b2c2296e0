"""Simulated plug lock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import Unconfirmed
from hal.resources import Place
from hal.values import LockReading
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

_CONFIRMED_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Lock:
    """The lock of one connector's socket."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet

    async def engage(self) -> None:
        await self._drive(True)

    async def release(self) -> None:
        await self._drive(False)

    async def read(self) -> LockReading:
        await self._world.listen("lock", self._outlet.number)
        now_s = self._world.catch_up(self._outlet)
        return LockReading(at_s=now_s, engaged=self._engaged())

    def _engaged(self) -> bool:
        return self._outlet.bolt.engaged(self._outlet.now_s)

    async def _drive(self, engaged: bool) -> None:
        self._outlet.bolt.drive(engaged, self._world.catch_up(self._outlet))
        await self._world.listen("lock", self._outlet.number)
        if not await self._world.until(
            self._outlet, lambda: self._engaged() is engaged, _CONFIRMED_WITHIN_S
        ):
            raise Unconfirmed(
                f"connector {self._outlet.number} lock: still "
                f"{'free' if engaged else 'locked'} after {_CONFIRMED_WITHIN_S} s; "
                "check the plug and the lock's motor"
            )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Lock]:
    """Join the world; the bolt stays where it is after the block."""
    world = await world_of(place)
    yield Lock(world, world.outlet(place.connector))
