"""What a station relies on, proven for every make on its own frames."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hal.errors import BadAnswer, NoAnswer, Unconfirmed
from hal.values import PowerReading, Setpoint
from tests.hal.bench_power import MAKES, Make, Stand, comes, connected, stand

SET = Setpoint(400.0, 60.0, 5.0)
ZERO = Setpoint(0.0, 0.0, 1.0)
every_make = pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)


@dataclass
class Rack:
    power: Any
    stand: Stand
    modules: Any

    async def renewed(self) -> PowerReading:
        """Do what the station does in each round."""
        await self.power.supply(SET)
        reading: PowerReading = await self.power.read()
        return reading

    async def supplies(self) -> PowerReading:
        """Return once the modules give what they are told."""
        reading: PowerReading = await comes(
            self.renewed, lambda now: now.current_a > 59.0
        )
        return reading


@asynccontextmanager
async def rack(make: Make, **settings: Any) -> AsyncIterator[Rack]:
    async with stand() as one:
        twin = make.set_up(one, group=2)
        config = make.config(one, **settings)
        async with connected(make.driver, config) as power:
            yield Rack(power, one, twin.rack.modules)
        twin.close()


@every_make
@pytest.mark.parametrize("group", [None, 2])
async def test_a_set_point_is_reached_and_ended(make: Make, group: int | None) -> None:
    async with rack(make, group=group) as one:
        one.stand.loads()
        reading = await one.supplies()
        assert reading.current_a == pytest.approx(60.0, abs=0.01)
        assert reading.temperature_c is not None
        assert reading.temperature_c >= 20.0
        assert [module.voltage_v for module in one.modules] == [400.0] * 3
        assert [module.current_a for module in one.modules] == pytest.approx([20.0] * 3)
        await one.power.supply(ZERO)
        assert not any(module.on for module in one.modules)
        await one.power.shut_off()
        assert (await one.power.read()).current_a < 1.0


@every_make
async def test_a_group_is_found_by_itself(make: Make) -> None:
    async with rack(make, modules=(), group=2) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        assert all(module.on for module in one.modules)


@every_make
async def test_a_failed_module_leaves_its_part_to_the_others(make: Make) -> None:
    async with rack(make) as one:
        one.stand.loads()
        await one.supplies()
        one.stand.breaks("module-2")
        await comes(one.renewed, lambda now: now.failed_modules == (2,))
        await one.supplies()
        assert [m.current_a for m in one.modules][::2] == pytest.approx([30.0, 30.0])
        one.stand.breaks("module-2", False)
        await comes(one.renewed, lambda now: now.failed_modules == ())


@every_make
async def test_a_silent_module_is_named_as_failed(make: Make) -> None:
    async with rack(make) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        one.stand.breaks("module-3-silent")
        await comes(one.renewed, lambda now: now.failed_modules == (3,))


@every_make
async def test_a_silent_rack_is_no_answer(make: Make) -> None:
    async with rack(make) as one:
        one.stand.breaks("module-silent")
        with pytest.raises(NoAnswer, match="no module answers"):
            await one.power.read()


@every_make
async def test_a_module_that_refuses_is_named(make: Make) -> None:
    async with rack(make) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        one.stand.breaks("module-2-refuses")
        with pytest.raises(BadAnswer, match=r"module 2 \(address 2\) refuses: "):
            await one.power.supply(Setpoint(300.0, 30.0, 5.0))
        with pytest.raises(Unconfirmed, match=r"module 2 \(address 2\) does not stop"):
            await one.power.supply(ZERO)


@every_make
@pytest.mark.parametrize(
    ("fault", "names"),
    [("module-over-temperature", (True, False)), ("under-voltage", (False, True))],
)
async def test_what_stops_all_modules_is_named(
    make: Make, fault: str, names: tuple[bool, bool]
) -> None:
    async with rack(make) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        one.stand.breaks(fault)
        now = await comes(one.power.read, lambda now: now.failed_modules == (1, 2, 3))
        assert (now.over_temperature, now.under_voltage) == names


@every_make
async def test_two_modules_at_one_address_are_found_out(make: Make) -> None:
    async with rack(make) as one:
        one.stand.breaks("module-1-double")
        with pytest.raises(BadAnswer, match="two modules answer as module 1"):
            await comes(one.power.read, lambda _: False)


@every_make
async def test_nonsense_is_not_believed(make: Make) -> None:
    async with rack(make) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        one.stand.breaks("module-2-nonsense")
        now = await comes(one.renewed, lambda now: now.failed_modules == (2,))
        assert 0.0 <= now.current_a < 100.0


@every_make
async def test_what_nobody_renews_ends(make: Make) -> None:
    async with rack(make) as one:
        await comes(one.renewed, lambda now: now.voltage_v > 0.0)
        await one.power.supply(Setpoint(400.0, 60.0, 0.1))
        async with asyncio.timeout(1):
            while any(module.on for module in one.modules):
                await asyncio.sleep(0.005)
