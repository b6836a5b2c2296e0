"""Two groups of modules on one bus: the simulated bridge and its physics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from hal.errors import NoAnswer, Unconfirmed
from hal.interfaces import Bridge, Simulation
from hal.mock import bridge as bridges
from hal.mock import simulation as simulations
from hal.resources import Place, Resources
from hal.values import Position, Setpoint
from hal.world.car import Battery, Car
from hal.world.outlet import Outlet
from hal.world.site import World, world_of
from tests.hal.virtual_time import instantly

FULL = Setpoint(900.0, 400.0, 3600.0)


class Pair:
    """Two outlets, the bridge between them, and a car on the first one."""

    def __init__(self, world: World, bridge: Bridge, simulation: Simulation) -> None:
        self.world = world
        self.bridge = bridge
        self.simulation = simulation
        self.first = world.outlet(1)
        self.second = world.outlet(2)

    def charges(self, outlet: Outlet, max_voltage_v: float = 900.0) -> None:
        """Put a car on closed contactors whose controller stands still."""
        battery = Battery(
            capacity_wh=100_000.0,
            energy_wh=20_000.0,
            max_power_w=400_000.0,
            max_voltage_v=max_voltage_v,
        )
        outlet.controller.car = Car(battery, "02ABCDEF0123", closed=True)
        outlet.contacts.energize(True, self.world.monotonic() - 1.0)
        self.world.change(outlet)

    def supplies(self, *outlets: Outlet, setpoint: Setpoint = FULL) -> None:
        for outlet in outlets:
            outlet.rectifiers.supply(setpoint, self.world.catch_up(outlet))

    async def waits(self, seconds: float) -> None:
        until_s = self.world.monotonic() + seconds
        while self.world.monotonic() < until_s:
            await self.world.news(until_s)
        self.world.catch_up(self.first)


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        clock = asyncio.get_running_loop().time
        resources = await stack.enter_async_context(Resources(clock))
        place = Place(0, resources, (1, 2))
        world = await world_of(place)

        async def opened(driver: Any) -> Any:
            return await stack.enter_async_context(
                driver.connect(driver.Config(), place)
            )

        bridge, simulation = await opened(bridges), await opened(simulations)
        yield Pair(world, bridge, simulation)


@instantly
async def test_both_groups_feed_the_car_and_its_meter_counts_them() -> None:
    async with pair() as two:
        two.charges(two.first)
        await two.bridge.close()
        two.supplies(two.first, two.second)
        await two.waits(10.0)
        registers_wh = [o.register.energy_wh for o in (two.first, two.second)]
        stored_wh = two.first.controller.car.battery.energy_wh  # type: ignore[union-attr]
        await two.waits(60.0)

        shown, beyond = two.first.shown, two.second.shown
        assert shown.power_w == pytest.approx(300_000.0, rel=0.01)
        assert (beyond.power_w, beyond.current_a) == (0.0, 0.0)
        bus_v = two.second.rectifiers.voltage_v
        assert bus_v == pytest.approx(shown.voltage_v)
        assert beyond.voltage_v == 0.0  # its plug is beyond open contactors
        counted_wh = two.first.register.energy_wh - registers_wh[0]
        assert counted_wh == pytest.approx(300_000.0 / 60, rel=0.01)
        assert two.second.register.energy_wh == registers_wh[1]
        battery = two.first.controller.car.battery  # type: ignore[union-attr]
        assert 0.9 * counted_wh < battery.energy_wh - stored_wh < counted_wh


@instantly
async def test_an_open_bridge_leaves_each_car_its_own_group() -> None:
    async with pair() as two:
        two.charges(two.first)
        two.supplies(two.first, two.second)
        await two.waits(10.0)
        assert two.first.shown.power_w == pytest.approx(150_000.0, rel=0.01)
        assert two.second.rectifiers.voltage_v == 900.0

        await two.bridge.close()
        await two.waits(10.0)
        await two.bridge.open()
        await two.waits(1.0)
        assert two.first.shown.power_w == pytest.approx(150_000.0, rel=0.01)
        assert two.second.rectifiers.current_a == 0.0


@instantly
async def test_joined_buses_without_a_car_have_one_voltage() -> None:
    async with pair() as two:
        await two.bridge.close()
        two.supplies(two.first, setpoint=Setpoint(500.0, 1.0, 3600.0))
        await two.waits(5.0)
        voltages_v = [o.rectifiers.voltage_v for o in (two.first, two.second)]
        assert voltages_v == [500.0, 500.0]


@instantly
async def test_a_bridge_travels_and_drops_out_with_the_emergency_stop() -> None:
    async with pair() as two:
        closing = asyncio.ensure_future(two.bridge.close())
        await asyncio.sleep(0.02)
        assert (await two.bridge.read()).position is Position.BETWEEN
        await closing
        assert (await two.bridge.read()).position is Position.CLOSED
        two.simulation.set_fault("emergency-stop", True)
        await asyncio.sleep(0.1)
        assert (await two.bridge.read()).position is Position.OPEN


@instantly
async def test_a_bridge_can_be_welded_stuck_open_and_silent() -> None:
    async with pair() as two:
        await two.bridge.close()
        two.simulation.set_fault("bridge-weld", True)
        with pytest.raises(Unconfirmed, match="bridge: closed, not open"):
            await two.bridge.open()
        two.simulation.set_fault("bridge-weld", False)
        await two.bridge.open()

        two.simulation.set_fault("bridge-open", True)
        with pytest.raises(Unconfirmed, match="bridge: open, not closed"):
            await two.bridge.close()
        two.simulation.set_fault("bridge-open", False)

        two.simulation.set_fault("bridge-silent", True)
        with pytest.raises(NoAnswer, match="^bridge: no answer"):
            await two.bridge.read()


@instantly
async def test_a_bridge_can_be_opened_anew_between_the_same_buses() -> None:
    async with pair() as two:
        contacts = two.world.bridge(two.first, two.second)
        assert two.world.bridge(two.second, two.first) is contacts
