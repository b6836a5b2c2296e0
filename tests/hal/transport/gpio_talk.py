"""What a driver does with a chip of the kernel; run with the chip preloaded."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from hal.conformance.checks import checks
from hal.conformance.subject import Subject
from hal.drivers import gpio_contactor, gpio_safety
from hal.errors import HardwareError
from hal.resources import Place, Resources
from hal.transport.gpio import open_chip
from hal.transport.pins import Chip

CHIP = "/dev/gpiochip0"
GONE = Path(os.environ.get("GPIO_GONE", ""))


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


async def levels(chip: Chip) -> None:
    async with chip.output("!OUT1") as out, chip.input("3", "pull_up") as line:
        for on in (True, False):
            out.put(on)
            say(out.level, line.level())


async def edges(chip: Chip) -> None:
    async with chip.output("0") as out, chip.input("!1") as line:
        for on in (True, False):
            news = asyncio.Event()
            with line.watch(news.set):
                out.put(on)
                async with asyncio.timeout(1):
                    await news.wait()
            say(line.level())


async def refusals(chip: Chip) -> None:
    async with chip.output("0"):
        for line in ("0", "99", "NOWHERE"):
            await refused(chip, line)
    async with chip.output("14") as burnt:
        try:
            burnt.put(True)
        except HardwareError as error:
            say(type(error).__name__, error)


async def refused(chip: Chip, line: str) -> None:
    try:
        async with chip.output(line):
            say("opened")
    except HardwareError as error:
        say(type(error).__name__, error)


async def a_lost_chip(chip: Chip) -> None:
    async with chip.input("1") as line:
        with line.watch(lambda: None):
            GONE.touch()
            try:
                line.level()
            except HardwareError as error:
                say(type(error).__name__, error)
            GONE.unlink()


async def kit(_chip: Chip) -> None:
    drivers = {
        "contactor": (
            gpio_contactor,
            gpio_contactor.Config(
                chip=CHIP, coils=("0",), mirrors=("1",), mirror_type="normally open"
            ),
        ),
        "safety": (gpio_safety, gpio_safety.Config(chip=CHIP, door="!5")),
    }
    async with Resources(asyncio.get_running_loop().time) as resources:
        for kind, (driver, config) in drivers.items():
            for check in checks(kind):
                await check(Subject(kind, driver, config, Place(1, resources)))
            say(kind, "keeps its promises")


TALKS: dict[str, Callable[[Chip], Awaitable[None]]] = {
    talk.__name__: talk for talk in (levels, edges, refusals, a_lost_chip, kit)
}


async def main(talk: str) -> None:
    async with Resources(asyncio.get_running_loop().time) as resources:
        await TALKS[talk](await open_chip(CHIP, Place(1, resources)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
