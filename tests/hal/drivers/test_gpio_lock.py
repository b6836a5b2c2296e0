"""Plug locks on GPIO lines: a motor runs no longer than it must."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hal.drivers import gpio_lock
from hal.drivers.gpio_lock import Config, Lock
from hal.errors import Unconfirmed
from hal.resources import Place, Resources
from tests.hal.bench_field import Bench, gpio_bench
from tests.hal.virtual_time import instantly

MOTOR = Config(engage="1", release="2", feedback="3")
HELD = Config(engage="1", feedback="3")


def now_s() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def lock(bench: Bench, config: Config = MOTOR) -> AsyncIterator[Lock]:
    bench.board.lock(1, config.engage, config.release, config.feedback)
    async with Resources(now_s) as resources:
        config = replace(config, chip=bench.path)
        async with gpio_lock.connect(config, Place(1, resources)) as device:
            yield device


@pytest.mark.parametrize("config", [MOTOR, HELD])
@instantly
async def test_it_follows(config: Config) -> None:
    async with gpio_bench() as bench, lock(bench, config) as device:
        assert not (await device.read()).engaged
        begun_s = now_s()
        await device.engage()
        assert now_s() - begun_s == pytest.approx(0.3325, abs=0.002)
        assert (await device.read()).engaged
        await device.release()
        assert not (await device.read()).engaged


@instantly
async def test_a_motor_stops_when_the_bolt_is_there() -> None:
    async with gpio_bench() as bench, lock(bench) as device:
        engaging = asyncio.ensure_future(device.engage())
        await asyncio.sleep(0.3)
        assert bench.chip.is_high("1")
        await engaging
        await asyncio.sleep(0.001)
        assert not bench.chip.is_high("1")


@instantly
async def test_a_held_lock_stays_on() -> None:
    async with gpio_bench() as bench, lock(bench, HELD) as device:
        await device.engage()
        await asyncio.sleep(10)
        assert bench.chip.is_high("1")


@instantly
async def test_a_bolt_that_is_stuck_is_found_and_its_motor_rests() -> None:
    async with gpio_bench() as bench, lock(bench) as device:
        bench.fault("lock-stuck", True, 1)
        ran_s: list[float] = []
        bench.chip.feel("1", lambda _high: ran_s.append(now_s()))
        begun_s = now_s()
        with pytest.raises(
            Unconfirmed,
            match="connector 1 lock: still free after 3.0 s; check the plug",
        ):
            await device.engage()
        assert now_s() - begun_s == pytest.approx(3.0, abs=0.01)
        assert [s - begun_s for s in ran_s[1:]] == pytest.approx([0, 0.6], abs=0.01)


@instantly
async def test_a_motor_stops_when_the_caller_gives_up() -> None:
    async with gpio_bench() as bench, lock(bench) as device:
        engaging = asyncio.ensure_future(device.engage())
        await asyncio.sleep(0.1)
        engaging.cancel()
        await asyncio.wait({engaging})
        await asyncio.sleep(0.001)
        assert not bench.chip.is_high("1")


@instantly
async def test_a_motor_that_turns_back_is_let_go_first() -> None:
    async with gpio_bench() as bench, lock(bench) as device:
        engaging = asyncio.ensure_future(device.engage())
        await asyncio.sleep(0.1)
        releasing = asyncio.ensure_future(device.release())
        await asyncio.sleep(0.001)
        assert not bench.chip.is_high("1")
        assert bench.chip.is_high("2")
        engaging.cancel()
        await asyncio.wait({engaging, releasing})


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"engage": "", "feedback": "2"}, "engage: '' names no line"),
        ({"engage": "1", "feedback": ""}, "feedback: '' names no line"),
        ({"engage": "1", "feedback": "2", "release": "! "}, "release: '! ' names no"),
        ({"engage": "1", "feedback": "2", "pulse_s": 9.0}, "pulse_s: 9.0 is out of"),
    ],
)
def test_a_table_that_makes_no_lock_is_refused(
    settings: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        gpio_lock.Config(**settings)
