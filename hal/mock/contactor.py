"""Simulated pair of DC contactors with mirror contacts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import Unconfirmed
from hal.mock.outlet import Outlet
from hal.mock.site import World, world_of
from hal.resources import Place
from hal.values import ContactorReading, Position

_CONFIRMED_WITHIN_S = 0.3


@dataclass(frozen=True, slots=True)
class Config:
    """Nothing to set."""


class Contactor:
    """The pair of one connector."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet

    async def close(self) -> None:
        try:
            await self._switch(True, Position.CLOSED)
        except BaseException:
            # not proven closed, even if only because the caller gave up
            self.energize(False)
            raise

    async def open(self) -> None:
        await self._switch(False, Position.OPEN)

    async def read(self) -> ContactorReading:
        now_s = self._world.catch_up(self._outlet)
        return ContactorReading(at_s=now_s, position=self._outlet.position)

    def energize(self, coils: bool) -> None:
        """Switch the coils, without waiting for the contacts."""
        self._outlet.contacts.energize(coils, self._world.catch_up(self._outlet))
        self._world.change(self._outlet)

    async def _switch(self, coils: bool, wanted: Position) -> None:
        self.energize(coils)
        if not await self._world.until(
            self._outlet, lambda: self._outlet.position is wanted, _CONFIRMED_WITHIN_S
        ):
            raise Unconfirmed(
                f"connector {self._outlet.number} contactor: "
                f"{self._outlet.position.value}, not {wanted.value}, after "
                f"{_CONFIRMED_WITHIN_S} s; check the contacts and the coil supply"
            )


@asynccontextmanager
async def connect(_config: Config, place: Place) -> AsyncIterator[Contactor]:
    """Join the world; both coils drop when the block ends."""
    world = await world_of(place)
    contactor = Contactor(world, world.outlet(place.connector))
    try:
        yield contactor
    finally:
        contactor.energize(False)
