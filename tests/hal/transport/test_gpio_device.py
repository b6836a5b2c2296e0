"""The character device: python-periphery against the kernel's own interface.

Where these tests run the kernel need not have a GPIO chip, so one that speaks the
structures of linux/gpio.h is put between the C library and the process that tries it.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hal.errors import HardwareError
from hal.resources import Place, Resources
from hal.transport.gpio import open_chip

HERE = Path(__file__).parent
OUTPUT = 1 << 3
INPUT_BOTH_EDGES = 1 << 2 | 1 << 4 | 1 << 5
PULL_UP = 1 << 8
REALTIME = 1 << 11


class Kernel:
    """A chip with lines that drive one another, for processes that try it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._library = place / "gpio_kernel.so"
        source = HERE / "gpio_kernel.c"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O", source, "-o", self._library, "-ldl"],
            check=True,
        )

    def hears(self, talk: str) -> list[str]:
        """Run a talk and return what it printed."""
        environment = os.environ | {
            "LD_PRELOAD": str(self._library),
            "GPIO_LOG": str(self._place / "log"),
            "GPIO_GONE": str(self._place / "gone"),
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", f"{__package__}.gpio_talk", talk],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    def requests(self) -> list[tuple[int, str, int, int]]:
        """Return line, consumer, flags and first level of what was requested."""
        rows = (row.split() for row in (self._place / "log").read_text().splitlines())
        return [(int(n), who, int(flags, 16), int(v)) for n, who, flags, v in rows]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    return Kernel(tmp_path_factory.mktemp("gpio"))


def test_a_line_that_is_on_while_low_is_opened_off_and_follows(kernel: Kernel) -> None:
    # on is low, and the kernel is not asked to invert
    assert kernel.hears("levels") == ["True False", "False True"]
    assert kernel.requests()[-2:] == [
        (2, "chargerd", OUTPUT, 1),
        (3, "chargerd", INPUT_BOTH_EDGES | PULL_UP | REALTIME, -1),
    ]


def test_every_edge_is_told(kernel: Kernel) -> None:
    assert kernel.hears("edges") == ["False", "True"]


def test_a_line_that_is_not_to_be_had_says_why(kernel: Kernel) -> None:
    busy, missing, nameless, burnt = kernel.hears("refusals")

    assert busy.startswith("HardwareError /dev/gpiochip0 line 0: somebody else has it")
    assert "line 99: the chip has no such line" in missing
    assert "line NOWHERE: the chip names no line so" in nameless
    assert burnt.startswith("BadAnswer /dev/gpiochip0 line 14: does not go high")


def test_a_chip_that_was_pulled_out_does_not_answer(kernel: Kernel) -> None:
    (said,) = kernel.hears("a_lost_chip")
    assert said.startswith("NoAnswer /dev/gpiochip0 line 1: ")


def test_drivers_keep_their_promises_on_it(kernel: Kernel) -> None:
    assert kernel.hears("kit") == [
        "contactor keeps its promises",
        "safety keeps its promises",
    ]


async def test_a_chip_that_is_missing_is_named(tmp_path: Path) -> None:
    async with Resources(asyncio.get_running_loop().time) as resources:
        chip = await open_chip(str(tmp_path / "gpiochip9"), Place(1, resources))
        with pytest.raises(HardwareError, match="gpiochip9 line 3: there is no such"):
            async with chip.input("3"):
                pass
