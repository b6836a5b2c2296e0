"""Status lights on GPIO lines: what each signal looks like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hal.drivers import gpio_light
from hal.drivers.gpio_light import Config, Light
from hal.errors import NoAnswer
from hal.resources import Place, Resources
from hal.values import Signal
from tests.hal.bench_field import Bench, gpio_bench
from tests.hal.virtual_time import instantly

RGB = Config(red="1", green="2", blue="!3")
LAMPS = {"red": "1", "green": "2", "blue": "!3"}


@asynccontextmanager
async def light(bench: Bench, config: Config = RGB) -> AsyncIterator[Light]:
    bench.board.light(1, LAMPS)
    async with Resources(asyncio.get_running_loop().time) as resources:
        config = replace(config, chip=bench.path)
        async with gpio_light.connect(config, Place(1, resources)) as device:
            yield device


async def seen(bench: Bench, for_s: float, every_s: float) -> list[str]:
    """Return what is lit now and then."""
    looks = []
    for _ in range(round(for_s / every_s)):
        await asyncio.sleep(every_s / 2)
        looks.append("+".join(sorted(bench.board.lamps[1])))
        await asyncio.sleep(every_s / 2)
    return looks


@pytest.mark.parametrize(
    ("signal", "every_s", "expected"),
    [
        (Signal.OFF, 1.0, ["", "", ""]),
        (Signal.FREE, 4.0, ["green", "green", "green"]),
        (Signal.WAITING, 0.5, ["green", "", "green", ""]),
        (Signal.PAUSED, 1.0, ["blue", "", "blue", ""]),
        (Signal.RESERVED, 1.0, ["green+red", "green+red"]),
        (Signal.REFUSED, 0.125, ["red", "", "red", "", "red", ""]),
    ],
)
@instantly
async def test_a_signal_has_its_colors_and_its_rhythm(
    signal: Signal, every_s: float, expected: list[str]
) -> None:
    async with gpio_bench() as bench, light(bench) as device:
        await device.show(Signal.FAULT)
        await device.show(signal)
        assert await seen(bench, len(expected) * every_s, every_s) == expected


@instantly
async def test_it_is_dark_when_the_driver_is_left() -> None:
    async with gpio_bench() as bench:
        async with light(bench) as device:
            await device.show(Signal.REFUSED)
        assert await seen(bench, 1.0, 0.1) == [""] * 10


@instantly
async def test_a_light_whose_chip_was_away_is_lit_again_by_itself() -> None:
    async with gpio_bench() as bench, light(bench) as device:
        await device.show(Signal.FREE)
        bench.pull(True)
        await asyncio.sleep(0.001)
        with pytest.raises(NoAnswer):
            await device.show(Signal.FREE)
        bench.pull(False)
        assert await seen(bench, 12.0, 6.0) == ["", "green"]


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({}, "free: \"green\" needs a line for 'green'; wired: none; write a pattern"),
        ({"green": "1", "red": "2"}, "charging: \"blue\" needs a line for 'blue'"),
        (
            {"green": "1", "red": "2", "blue": "3", "done": "green wild"},
            'done: "green wild" has an unknown rhythm; write steady, slow',
        ),
        ({"red": "!"}, "red: '!' names no line"),
    ],
)
def test_a_table_that_shows_nothing_is_refused(
    settings: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        Config(**settings)
