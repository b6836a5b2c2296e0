"""The twin of what is wired to a GPIO chip behaves as the real things do."""

import asyncio

import pytest

from hal.simulation.board import Board
from hal.simulation.gpio_chip import GpioChip
from hal.values import Position
from hal.world.outlet import Outlet
from tests.hal.bench_field import Bench, gpio_bench
from tests.hal.virtual_time import instantly


def wired(bench: Bench) -> Outlet:
    bench.board.contactor(1, ("1", "2"), ("3", "!4"))
    return bench.world.outlet(1)


def energize(chip: GpioChip, *coils: str, on: bool = True) -> None:
    for coil in coils:
        chip.drive(coil, on)


def position(bench: Bench, outlet: Outlet) -> Position:
    return outlet.contacts.position(bench.world.catch_up(outlet))


@instantly
async def test_a_pair_closes_when_both_coils_are_on() -> None:
    async with gpio_bench() as bench:
        outlet = wired(bench)
        energize(bench.chip, "1")
        await asyncio.sleep(0.1)
        assert position(bench, outlet) is Position.OPEN
        energize(bench.chip, "2")
        await asyncio.sleep(0.1)
        assert position(bench, outlet) is Position.CLOSED
        energize(bench.chip, "1", on=False)
        await asyncio.sleep(0.1)
        assert position(bench, outlet) is Position.OPEN


@instantly
async def test_a_mirror_goes_over_as_the_armature_arrives_and_bounces() -> None:
    async with gpio_bench() as bench:
        wired(bench)
        seen: list[tuple[float, bool]] = []
        begun_s = bench.world.monotonic()
        bench.chip.feel(
            "3", lambda high: seen.append((bench.world.monotonic() - begun_s, high))
        )
        energize(bench.chip, "1", "2")
        await asyncio.sleep(0.1)
        # a mirror contact is closed, and its line high, while the contactor is open
        assert [high for _, high in seen] == [True, False, True, False]
        assert [at_s for at_s, _ in seen] == pytest.approx(
            [0.0, 0.05, 0.051, 0.0525], abs=0.0005
        )


@instantly
async def test_a_line_that_is_on_while_low_shows_the_other_level() -> None:
    async with gpio_bench() as bench:
        wired(bench)
        assert (bench.chip.is_high("3"), bench.chip.is_high("4")) == (True, False)


@instantly
async def test_a_mirror_that_is_stuck_lets_the_poles_disagree() -> None:
    async with gpio_bench() as bench:
        wired(bench)
        assert "contactor-mirror" in bench.world.faults.offered
        bench.fault("contactor-mirror", True, 1)
        energize(bench.chip, "1", "2")
        await asyncio.sleep(0.1)
        assert (bench.chip.is_high("3"), bench.chip.is_high("4")) == (False, False)
        bench.fault("contactor-mirror", False, 1)
        await asyncio.sleep(0.1)
        assert (bench.chip.is_high("3"), bench.chip.is_high("4")) == (False, True)


@instantly
async def test_a_locks_motor_stands_where_it_was_when_its_line_falls() -> None:
    async with gpio_bench() as bench:
        bench.board.lock(1, "1", "2", "3")
        energize(bench.chip, "1")
        await asyncio.sleep(0.4)
        energize(bench.chip, "1", on=False)
        await asyncio.sleep(1.0)
        assert bench.chip.is_high("3")
        energize(bench.chip, "2")
        await asyncio.sleep(0.4)
        assert not bench.chip.is_high("3")


@pytest.mark.parametrize("normally_open", [False, True])
@instantly
async def test_an_alarm_contact_follows_its_fault(normally_open: bool) -> None:
    async with gpio_bench() as bench:
        board: Board = bench.board
        board.alarm("door-open", "5", normally_open=normally_open)
        assert bench.chip.is_high("5") is not normally_open
        bench.fault("door-open", True)
        await asyncio.sleep(0.01)
        assert bench.chip.is_high("5") is normally_open
