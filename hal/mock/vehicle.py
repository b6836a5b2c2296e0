"""Simulated CCS controller with a simulated car."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.resources import Place
from hal.values import StationReport, VehicleReading
from hal.world.outlet import Outlet
from hal.world.site import World, world_of


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Vehicle:
    """The controller of one connector."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet
        self._controller = outlet.controller

    async def authorize(self, accepted: bool) -> None:
        now_s = await self._reach()
        if self._controller.car:
            self._controller.accept(accepted, now_s)
            self._outlet.settle()

    async def report(self, report: StationReport) -> None:
        self._controller.hear(report, await self._reach())
        self._outlet.settle()

    async def stop(self) -> None:
        await self._reach()
        if self._controller.car:
            self._controller.stopping = True
            self._outlet.settle()

    async def read(self) -> VehicleReading:
        return self._controller.reading(await self._reach())

    def changes(self) -> AsyncIterator[VehicleReading]:
        return self._world.watch(self._seen, self._outlet.vehicle_changes_s)

    def _seen(self) -> VehicleReading:
        return self._controller.reading(self._world.catch_up(self._outlet))

    async def _reach(self) -> float:
        await self._world.listen("vehicle", self._outlet.number)
        return self._world.catch_up(self._outlet)


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Vehicle]:
    """Join the world; the controller goes on by itself after the block."""
    world = await world_of(place)
    yield Vehicle(world, world.outlet(place.connector))
