"""Safety inputs and the power-fail input as contacts on GPIO lines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hal.drivers import gpio_safety, gpio_supply
from hal.errors import NoAnswer
from hal.resources import Place, Resources
from hal.values import SafetyReading
from tests.hal.bench_field import Bench, gpio_bench
from tests.hal.virtual_time import instantly

ALL = gpio_safety.Config(
    emergency_stop="!estop",
    door="1",
    surge_protector="2",
    normally_open=("surge_protector",),
)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def state(reading: SafetyReading) -> tuple[bool, bool, bool]:
    return (
        reading.emergency_stop,
        reading.door_open,
        reading.surge_protector_tripped,
    )


@asynccontextmanager
async def safety(
    bench: Bench, config: gpio_safety.Config = ALL
) -> AsyncIterator[gpio_safety.SafetyInputs]:
    bench.board.alarm("emergency-stop", "!estop")
    bench.board.alarm("door-open", "1")
    bench.board.alarm("surge-protector", "2", normally_open=True)
    async with Resources(now_s) as resources:
        config = replace(config, chip=bench.path)
        async with gpio_safety.connect(config, Place(0, resources)) as device:
            yield device


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("emergency-stop", (True, False, False)),
        ("door-open", (False, True, False)),
        ("surge-protector", (False, False, True)),
    ],
)
@instantly
async def test_each_input_is_told_within_5_ms_of_its_edge(
    fault: str, expected: tuple[bool, bool, bool]
) -> None:
    async with gpio_bench() as bench, safety(bench) as device:
        changes = device.changes()
        assert state(await anext(changes)) == (False, False, False)
        bench.fault(fault, True)
        edge_s = now_s()

        assert state(await anext(changes)) == expected

        assert now_s() - edge_s <= 0.005
        assert state(await device.read()) == expected


@instantly
async def test_an_input_is_over_once_it_stood_for_its_time() -> None:
    async with gpio_bench() as bench, safety(bench) as device:
        bench.fault("emergency-stop", True)
        await asyncio.sleep(0.1)
        bench.fault("emergency-stop", False)
        await asyncio.sleep(0.049)
        assert (await device.read()).emergency_stop
        await asyncio.sleep(0.01)
        assert not (await device.read()).emergency_stop


@instantly
async def test_a_loop_that_flickers_is_a_pressed_stop() -> None:
    async with gpio_bench() as bench, safety(bench) as device:
        for _ in range(5):
            bench.chip.drive("estop", True)
            await asyncio.sleep(0.001)
            bench.chip.drive("estop", False)
            await asyncio.sleep(0.04)
            assert (await device.read()).emergency_stop


@instantly
async def test_a_broken_wire_is_a_pressed_stop() -> None:
    async with gpio_bench() as bench, Resources(now_s) as resources:
        bench.chip.drive("estop", True)  # what the pull-up makes of an open wire
        config = gpio_safety.Config(chip=bench.path, emergency_stop="!estop")
        async with gpio_safety.connect(config, Place(0, resources)) as device:
            assert (await device.read()).emergency_stop


@instantly
async def test_inputs_of_a_chip_that_is_gone_do_not_answer() -> None:
    async with gpio_bench() as bench, safety(bench) as device:
        changes = device.changes()
        await anext(changes)
        bench.pull(True)
        with pytest.raises(NoAnswer, match="no chip listens there"):
            await anext(changes)
        with pytest.raises(NoAnswer):
            await device.read()


@instantly
async def test_a_failing_supply_is_told_at_once() -> None:
    async with gpio_bench() as bench, Resources(now_s) as resources:
        bench.board.alarm("power-fail", "1")
        config = gpio_supply.Config(chip=bench.path, line="1")
        async with gpio_supply.connect(config, Place(0, resources)) as device:
            changes = device.changes()
            assert not (await anext(changes)).failing
            bench.fault("power-fail", True)
            edge_s = now_s()
            assert (await anext(changes)).failing
            assert now_s() - edge_s <= 0.005
            bench.fault("power-fail", False)
            assert not (await anext(changes)).failing
            assert now_s() - edge_s == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("driver", "settings", "mistake"),
    [
        (gpio_safety, {}, "emergency_stop: nothing is wired; write the line of one"),
        (gpio_safety, {"door": "!"}, "door: '!' names no line"),
        (
            gpio_safety,
            {"door": "1", "normally_open": ("surge_protector",)},
            "normally_open: 'surge_protector' has no line; write of door",
        ),
        (gpio_safety, {"door": "1", "clears_s": 2.0}, "clears_s: 2.0 is out of bounds"),
        (gpio_supply, {"line": ""}, "line: '' names no line; write its number or name"),
        (gpio_supply, {"line": "1", "bias": "up"}, 'bias: "up" is unknown; write'),
    ],
)
def test_a_table_that_watches_nothing_is_refused(
    driver: Any, settings: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        driver.Config(**settings)
