"""Simulated billing meter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import BadAnswer
from hal.resources import Place
from hal.values import MeterReading
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

_STEP_BACK_WH = 1000


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Meter:
    """The meter of one connector."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet

    async def read(self) -> MeterReading:
        number = self._outlet.number
        await self._world.listen("meter", number)
        now_s = self._world.catch_up(self._outlet)
        shown = self._outlet.shown
        if self._world.faults.has("meter-backwards", number):
            raise BadAnswer(
                f"connector {number} meter: energy went back from {shown.energy_wh} Wh "
                f"to {shown.energy_wh - _STEP_BACK_WH} Wh; have the meter exchanged"
            )
        return MeterReading(
            at_s=now_s,
            energy_wh=shown.energy_wh,
            power_w=shown.power_w,
            voltage_v=shown.voltage_v,
            current_a=shown.current_a,
            energy_export_wh=0,
        )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Meter]:
    """Join the world."""
    world = await world_of(place)
    yield Meter(world, world.outlet(place.connector))
