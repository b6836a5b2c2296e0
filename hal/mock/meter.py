"""Simulated billing meter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import Unconfirmed
from hal.resources import Place
from hal.values import MeterReading
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

_STEP_BACK_WH = 1000
"""How far a meter that runs backwards gets from one reading to the next."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the meter can do besides counting."""

    serial: str = ""
    """What it tells as its serial number; empty: none."""
    signing: bool = False
    """It keeps transactions of its own and signs them."""


class Meter:
    """The meter of one connector."""

    def __init__(self, world: World, outlet: Outlet, serial: str | None) -> None:
        self._world = world
        self._outlet = outlet
        self._serial = serial
        self._lost_wh = 0

    async def read(self) -> MeterReading:
        number = self._outlet.number
        now_s = await self._answer()
        shown = self._outlet.shown
        if self._world.faults.has("meter-backwards", number):
            self._lost_wh += _STEP_BACK_WH
        else:
            self._lost_wh = 0
        return MeterReading(
            at_s=now_s,
            energy_wh=max(shown.energy_wh - self._lost_wh, 0),
            power_w=shown.power_w,
            voltage_v=shown.voltage_v,
            current_a=shown.current_a,
            energy_export_wh=0,
            serial=self._serial,
        )

    async def _answer(self) -> float:
        await self._world.listen("meter", self._outlet.number)
        return self._world.catch_up(self._outlet)


class SigningMeter(Meter):
    """A meter that signs each transaction as a whole."""

    async def begin(self, transaction: str, identification: str) -> bytes | None:
        await self._ready()
        shown_wh = self._outlet.shown.energy_wh
        self._outlet.notary.begin(transaction, identification, shown_wh)
        self._world.change(self._outlet)
        return None

    async def end(self, transaction: str) -> bytes | None:
        await self._ready()
        shown_wh = self._outlet.shown.energy_wh
        serial = self._serial or f"MOCK-{self._outlet.number}"
        record = self._outlet.notary.end(transaction, shown_wh, serial)
        self._world.change(self._outlet)
        return record

    async def _ready(self) -> None:
        await self._answer()
        if self._world.faults.has("meter-unsigned", self._outlet.number):
            raise Unconfirmed(
                f"connector {self._outlet.number} meter: signs nothing; "
                "check its clock, then have it exchanged"
            )


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Meter]:
    """Join the world."""
    world = await world_of(place)
    kind = SigningMeter if config.signing else Meter
    yield kind(world, world.outlet(place.connector), config.serial or None)
