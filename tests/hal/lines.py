"""Lines with simulated devices on them, or with far ends that a test plays."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.interfaces import DriverModule
from hal.resources import Place, Resources
from hal.simulation.ports import PseudoTerminal
from hal.simulation.serial_line import SerialLine
from hal.values import Reading
from hal.world.site import World

CONNECTOR = 1
BAUDRATE = 115_200
"""A pseudo-terminal is as fast as that; only the patience of a driver depends on it."""


@contextmanager
def port() -> Iterator[Path]:
    """Yield the name of a port to be."""
    with TemporaryDirectory() as directory:
        yield Path(directory) / "port"


@asynccontextmanager
async def line(
    clock: Callable[[], float] | None = None, *, echo: bool = False
) -> AsyncIterator[tuple[SerialLine, World]]:
    """Yield a line with nobody on it, and a world with one outlet."""
    world = World(clock or asyncio.get_running_loop().time)
    world.outlet(CONNECTOR)
    with port() as path:
        laid = SerialLine(path, echo=echo)
        try:
            yield laid, world
        finally:
            laid.close()


@asynccontextmanager
async def scripted(answers: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """Yield a port whose far end answers each question as told."""
    with port() as path:
        terminal = PseudoTerminal(path, lambda said: terminal.send(answers(said)))
        try:
            yield str(path)
        finally:
            terminal.close()


@asynccontextmanager
async def connected(
    driver: Any,
    config: Any,
    utc: Callable[[], datetime] | None = None,
    haste: float = 1.0,
) -> AsyncIterator[Any]:
    """Yield a device as the daemon would have it, on a clock that may be in haste."""
    module: DriverModule = driver
    time_s = asyncio.get_running_loop().time
    async with (
        Resources(lambda: haste * time_s(), utc) as resources,
        module.connect(config, Place(CONNECTOR, resources)) as device,
    ):
        yield device


async def read_once(
    driver: Any,
    config: Callable[..., Any],
    answers: Callable[[bytes], bytes],
    **parts: Any,
) -> Any:
    """Return what one read gives while the far end of the port answers as told."""
    async with (
        scripted(answers) as port,
        connected(driver, config(port, **parts)) as device,
    ):
        return await device.read()


async def outcome(reading: Any) -> Reading | type[HardwareError]:
    """Return what a read returned or raised; anything but the two errors is a bug."""
    try:
        async with asyncio.timeout(2.0):
            read: Reading = await reading
    except (NoAnswer, BadAnswer) as error:
        return type(error)
    return read


def bent(others: tuple[bytes, ...] = ()) -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Return ways to bend a true answer, the true one itself among them.

    Args:
        others: Whole answers of other devices, or to other questions.
    """
    at = st.floats(0, 1, exclude_max=True)
    noise = st.binary(min_size=1, max_size=12)

    def flip(where: float, bit: int) -> Callable[[bytes], bytes]:
        def act(answer: bytes) -> bytes:
            index = int(where * len(answer))
            return _with(answer, index, answer[index] ^ 1 << bit)

        return act

    def cut(where: float) -> Callable[[bytes], bytes]:
        return lambda answer: answer[: int(where * len(answer))]

    def omit(where: float) -> Callable[[bytes], bytes]:
        def act(answer: bytes) -> bytes:
            index = int(where * len(answer))
            return answer[:index] + answer[index + 1 :]

        return act

    ways = [
        st.builds(flip, at, st.integers(0, 7)),
        st.builds(cut, at),
        st.builds(omit, at),
        st.just(lambda answer: answer),
        st.just(lambda answer: answer + answer),
        noise.map(lambda said: lambda _: said),
        noise.map(lambda said: lambda answer: said + answer),
        noise.map(lambda said: lambda answer: answer + said),
    ]
    if others:
        foreign = st.sampled_from(others)
        ways += [
            foreign.map(lambda other: lambda _: other),
            foreign.map(lambda other: lambda answer: other + answer),
            st.builds(
                lambda other, where: lambda answer: _woven(answer, other, where),
                foreign,
                at,
            ),
        ]
    return st.one_of(ways)


def _with(octets: bytes, index: int, octet: int) -> bytes:
    return octets[:index] + bytes((octet,)) + octets[index + 1 :]


def _woven(answer: bytes, other: bytes, where: float) -> bytes:
    index = int(where * len(answer))
    return answer[:index] + other + answer[index:]
