"""Contactors and bridges on GPIO lines: coils, mirrors, and how long they may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hal.drivers import gpio_bridge, gpio_contactor
from hal.drivers.gpio_contactor import Config, Contactor
from hal.errors import NoAnswer, Unconfirmed
from hal.resources import Place, Resources
from hal.values import Position
from tests.hal.bench_field import Bench, gpio_bench
from tests.hal.virtual_time import instantly

WIRED = Config(coils=("1", "!2"), mirrors=("3", "!4"))


def now_s() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def contactor(
    bench: Bench, config: Config = WIRED, *, wired: bool = True
) -> AsyncIterator[Contactor]:
    if wired:
        bench.board.contactor(1, config.coils, config.mirrors)
    async with Resources(now_s) as resources:
        config = replace(config, chip=bench.path)
        async with gpio_contactor.connect(config, Place(1, resources)) as device:
            yield device


@instantly
async def test_it_is_closed_when_the_contacts_have_arrived_and_stand() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        begun_s = now_s()
        await device.close()
        # 50 ms on the way, 3.5 ms of bouncing, 30 ms of standing still
        assert now_s() - begun_s == pytest.approx(0.0825, abs=0.002)
        assert (await device.read()).position is Position.CLOSED


@instantly
async def test_nothing_is_believed_while_the_contacts_are_on_their_way() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        closing = asyncio.ensure_future(device.close())
        await asyncio.sleep(0.01)
        assert (await device.read()).position is Position.BETWEEN
        await closing


@instantly
async def test_a_welded_contact_is_found_within_300_ms() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        await device.close()
        bench.fault("contactor-weld", True, 1)
        begun_s = now_s()
        with pytest.raises(
            Unconfirmed,
            match="connector 1 contactor: closed, not open, after 0.3 s; check the",
        ):
            await device.open()
        assert now_s() - begun_s == pytest.approx(0.3, abs=0.001)


@instantly
async def test_coils_go_off_again_if_the_contacts_do_not_close() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        bench.fault("contactor-open", True, 1)
        with pytest.raises(Unconfirmed, match="open, not closed"):
            await device.close()
        await asyncio.sleep(0.001)
        assert not bench.chip.is_high("1")
        assert bench.chip.is_high("2")  # on while low


@instantly
async def test_who_gives_up_closing_leaves_no_coil_on() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        closing = asyncio.ensure_future(device.close())
        await asyncio.sleep(0.02)
        assert bench.chip.is_high("1")

        closing.cancel()
        await asyncio.wait({closing})

        await asyncio.sleep(0.001)
        assert not bench.chip.is_high("1")
        assert closing.cancelled()


@instantly
async def test_it_is_open_when_the_emergency_stop_opened_it() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        await device.close()
        bench.fault("emergency-stop", True)
        await asyncio.sleep(0.2)
        assert (await device.read()).position is Position.OPEN


@instantly
async def test_a_pair_whose_mirrors_disagree_is_not_taken_for_closed() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        bench.fault("contactor-mirror", True, 1)
        with pytest.raises(Unconfirmed, match="between, not closed, after 0.3 s"):
            await device.close()


@instantly
async def test_mirrors_that_disagree_are_neither_open_nor_closed() -> None:
    async with gpio_bench() as bench:
        bench.chip.drive("3", True)
        bench.chip.drive("4", True)  # on while low: the second pole says closed
        async with contactor(bench, wired=False) as device:
            assert (await device.read()).position is Position.BETWEEN
            bench.chip.drive("4", False)
            await asyncio.sleep(0.05)
            assert (await device.read()).position is Position.OPEN


@pytest.mark.parametrize(("stands_s", "position"), [(0.029, 0), (0.031, 1)])
@instantly
async def test_a_mirror_counts_once_it_stood(stands_s: float, position: int) -> None:
    config = Config(coils=("1",), mirrors=("3",), mirror_type="normally open")
    async with gpio_bench() as bench, contactor(bench, config, wired=False) as device:
        for _ in range(9):
            bench.chip.drive("3", not bench.chip.is_high("3"))
            await asyncio.sleep(0.02)
            assert (await device.read()).position is Position.BETWEEN
        await asyncio.sleep(stands_s - 0.02)
        expected = (Position.BETWEEN, Position.CLOSED)[position]
        assert (await device.read()).position is expected


@instantly
async def test_a_chip_that_is_gone_does_not_answer() -> None:
    async with gpio_bench() as bench, contactor(bench) as device:
        bench.pull(True)
        await asyncio.sleep(0.001)
        for call in (device.read, device.close, device.open):
            with pytest.raises(NoAnswer):
                await call()


@instantly
async def test_a_bridge_says_that_it_is_one() -> None:
    async with gpio_bench() as bench, Resources(now_s) as resources:
        bench.board.bridge((1, 2), ("1",), ("3",))
        config = gpio_bridge.Config(chip=bench.path, coils=("1",), mirrors=("3",))
        place = Place(0, resources, joins=(1, 2))
        async with gpio_bridge.connect(config, place) as device:
            await device.close()
            assert (await device.read()).position is Position.CLOSED
            bench.fault("bridge-weld", True)
            with pytest.raises(Unconfirmed, match="bridge: closed, not open"):
                await device.open()


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"coils": (), "mirrors": ("3",)}, "coils: .* is not one line or two"),
        ({"coils": ("1", "1"), "mirrors": ("3",)}, "coils: .* is not one line or two"),
        ({"coils": ("1",), "mirrors": ()}, "mirrors: .* is not one line or two"),
        ({"coils": ("!",), "mirrors": ("3",)}, "coils: '!' names no line"),
        ({"coils": ("1",), "mirrors": ("3",), "bias": "up"}, 'bias: "up" is unknown'),
        (
            {"coils": ("1",), "mirrors": ("3",), "mirror_type": "closed"},
            'mirror_type: "closed" is unknown; write "normally closed" or',
        ),
        (
            {"coils": ("1",), "mirrors": ("3",), "debounce_s": 0.2},
            "debounce_s: 0.2 is out of bounds; write 0 to 0.1",
        ),
        (
            {"coils": ("1",), "mirrors": ("3",), "confirm_s": 0.4},
            "confirm_s: 0.4 is out of bounds; write 0.05 to 0.3",
        ),
    ],
)
@pytest.mark.parametrize("driver", [gpio_contactor, gpio_bridge])
def test_a_table_that_makes_no_contactor_is_refused(
    driver: Any, settings: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        driver.Config(**settings)
