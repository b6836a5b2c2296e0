"""Simulated group of power modules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.errors import Unconfirmed
from hal.resources import Place
from hal.values import SAFE_TO_OPEN_A, PowerRating, PowerReading, Setpoint
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

_SHUT_OFF_WITHIN_S = 2.0
_SWITCHED_OFF_AT_C = 95.0


@dataclass(frozen=True, slots=True)
class Config:
    """The group: its size and what it can do when all modules work."""

    modules: int = 5
    """How many there are."""
    min_voltage_v: float = 150.0
    """Of the group, as are the next three."""
    max_voltage_v: float = 1000.0
    """Of the group."""
    max_current_a: float = 400.0
    """Of the group."""
    max_power_w: float = 150_000.0
    """Of the group."""

    def __post_init__(self) -> None:
        """Refuse a group of nothing."""
        if self.modules < 1:
            raise ValueError(f"modules: {self.modules} is too few; write 1 or more")


class PowerModule:
    """The group of one connector."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self._world = world
        self._outlet = outlet
        self._group = outlet.rectifiers

    @property
    def rating(self) -> PowerRating:
        return self._group.rating

    async def supply(self, setpoint: Setpoint) -> None:
        await self._world.listen("module", self._outlet.number)
        self._group.supply(setpoint, self._world.catch_up(self._outlet))
        self._outlet.settle()

    async def shut_off(self) -> None:
        await self._world.listen("module", self._outlet.number)
        self._world.catch_up(self._outlet)
        self._group.cut()
        if not await self._world.until(self._outlet, self._quiet, _SHUT_OFF_WITHIN_S):
            raise Unconfirmed(
                f"connector {self._outlet.number} power module: still "
                f"{self._group.current_a:.0f} A after {_SHUT_OFF_WITHIN_S} s; "
                "open the contactors"
            )

    async def read(self) -> PowerReading:
        number = self._outlet.number
        await self._world.listen("module", number)
        now_s = self._world.catch_up(self._outlet)
        temperature_c = self._world.settings.ambient_c + self._group.warmth_k
        hot = self._world.faults.has("module-over-temperature", number)
        return PowerReading(
            at_s=now_s,
            voltage_v=self._group.voltage_v,
            current_a=self._group.current_a,
            temperature_c=max(temperature_c, _SWITCHED_OFF_AT_C * hot),
            failed_modules=tuple(sorted(self._group.failed)),
            over_temperature=hot,
            under_voltage=self._world.faults.has("under-voltage", number),
        )

    def _quiet(self) -> bool:
        return self._group.current_a < SAFE_TO_OPEN_A


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[PowerModule]:
    """Join the world; the group falls to zero by its lease after the block."""
    world = await world_of(place)
    outlet = world.outlet(place.connector)
    outlet.rectifiers.modules = config.modules
    outlet.rectifiers.rating = PowerRating(
        config.min_voltage_v,
        config.max_voltage_v,
        config.max_current_a,
        config.max_power_w,
        config.modules,
    )
    yield PowerModule(world, outlet)
