"""Twins of what hangs on GPIO chips, each with the ``Config`` that reaches it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hal.conformance.subject import Reached, Trouble
from hal.drivers import (
    gpio_bridge,
    gpio_contactor,
    gpio_light,
    gpio_lock,
    gpio_safety,
    gpio_supply,
    sysfs_temperature,
)
from hal.simulation.board import Board, live_board
from hal.simulation.gpio_chip import GpioChip
from hal.simulation.thermometer import Thermometer
from hal.world.site import World


@dataclass(frozen=True)
class Bench:
    """A board on a chip at ``path``, in a world of its own."""

    chip: GpioChip
    board: Board
    world: World
    path: str

    def pull(self, out: bool) -> None:
        """Pull the chip out, or put it back."""
        (self.chip.pull if out else self.chip.put_back)()

    def fault(self, name: str, on: bool, connector: int = 0) -> None:
        """Break or mend something in the world."""
        self.world.faults.put(name, on, connector)
        for outlet in self.world.outlets.values():
            self.world.catch_up(outlet)
            outlet.suffer(self.world.faults.at(outlet.number))
        self.world.ring()


@asynccontextmanager
async def gpio_bench() -> AsyncIterator[Bench]:
    """Start a chip on a socket, with nothing wired to it yet."""
    world, chip = World(asyncio.get_running_loop().time), GpioChip(names={7: "estop"})
    with TemporaryDirectory() as place:
        path = Path(place) / "chip"
        async with chip.listening(path), live_board(chip, world) as board:
            yield Bench(chip, board, world, f"unix:{path}")


def _wired(
    wire: Callable[[Board], None], config: Callable[[str], Any]
) -> Callable[[], AbstractAsyncContextManager[Reached]]:
    @asynccontextmanager
    async def device() -> AsyncIterator[Reached]:
        async with gpio_bench() as bench:
            wire(bench.board)
            yield Reached(config(bench.path), {Trouble.PULLED: bench.pull})

    return device


contactor = _wired(
    lambda board: board.contactor(1, ("1", "!2"), ("3", "!4")),
    lambda path: gpio_contactor.Config(
        chip=path, coils=("1", "!2"), mirrors=("3", "!4")
    ),
)
bridge = _wired(
    lambda board: board.bridge((1, 2), ("1",), ("3",), normally_closed=False),
    lambda path: gpio_bridge.Config(
        chip=path, coils=("1",), mirrors=("3",), mirror_type="normally open"
    ),
)
lock = _wired(
    lambda board: board.lock(1, "1", "2", "3"),
    lambda path: gpio_lock.Config(chip=path, engage="1", release="2", feedback="3"),
)
safety = _wired(
    lambda board: board.alarm("emergency-stop", "!estop"),
    lambda path: gpio_safety.Config(chip=path, emergency_stop="!estop"),
)
supply = _wired(
    lambda board: board.alarm("power-fail", "1"),
    lambda path: gpio_supply.Config(chip=path, line="1"),
)
light = _wired(
    lambda board: board.light(1, {"red": "1", "green": "2", "blue": "!3"}),
    lambda path: gpio_light.Config(chip=path, red="1", green="2", blue="!3"),
)


@asynccontextmanager
async def temperature() -> AsyncIterator[Reached]:
    with TemporaryDirectory() as place:
        world = World(asyncio.get_running_loop().time)
        paths = [
            Path(place) / "28-00000a1b2c3d" / "w1_slave",
            Path(place) / "hwmon3" / "temp1_input",
        ]
        twins = [Thermometer(path, world, 1) for path in paths]

        def trouble(fault: str, on: bool) -> None:
            world.faults.put(fault, on, 1)
            for twin in twins:
                twin.write()

        yield Reached(
            sysfs_temperature.Config(files=(str(paths[0]), f"{place}/hwmon*/temp1*")),
            {
                Trouble.SILENT: partial(trouble, "temperature-silent"),
                Trouble.GARBLED: partial(trouble, "temperature-garbled"),
            },
        )
