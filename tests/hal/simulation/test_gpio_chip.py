"""The twin of a GPIO chip keeps a chip's rules, and its client finds it again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import HardwareError, NoAnswer
from hal.resources import Place, Resources
from hal.simulation.gpio_chip import GpioChip
from hal.transport.gpio import open_chip
from hal.transport.pins import Chip
from hal.wire.gpio_chip import LONGEST
from tests.hal.bench_field import gpio_bench


@asynccontextmanager
async def client(path: str) -> AsyncIterator[Chip]:
    async with Resources(asyncio.get_running_loop().time) as resources:
        yield await open_chip(path, Place(1, resources))


async def comes(true: Callable[[], bool]) -> None:
    """Return once ``true`` is; the test fails if it never is."""
    async with asyncio.timeout(2):
        while not true():
            await asyncio.sleep(0.001)


async def test_an_output_is_off_before_and_after_and_moves_the_board() -> None:
    async with gpio_bench() as bench, client(bench.path) as chip:
        bench.chip.drive("5", True)  # a resistor holds a line that is on while low
        seen: list[bool] = []
        bench.chip.feel("5", seen.append)
        async with chip.output("!5") as coil:
            coil.put(True)
            await comes(lambda: coil.level)
            assert not bench.chip.is_high("5")
        await comes(lambda: seen == [True, False, True])


async def test_an_output_falls_when_its_process_dies() -> None:
    async with gpio_bench() as bench:
        reader, writer = await asyncio.open_unix_connection(
            bench.path.removeprefix("unix:")
        )
        writer.write(b"output\t5\t0\nset\t5\t1\n")
        await comes(lambda: bench.chip.is_high("5"))

        writer.transport.abort()

        await comes(lambda: not bench.chip.is_high("5"))


async def test_a_line_has_one_consumer_by_whatever_name() -> None:
    async with gpio_bench() as bench, client(bench.path) as one:
        async with client(bench.path) as other, one.input("7"):
            with pytest.raises(HardwareError, match="line estop: somebody else has it"):
                async with other.input("estop"):
                    pass
        async with one.input("estop") as line:
            assert not line.level()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"output\t99\t1\n", b"no\t99\tthe chip has no such line\n"),
        (b"set\t1\t1\n", b"no\t1\tthe line was not taken\n"),
        (
            b"input\t1\tdefault\nset\t1\t1\n",
            b"at\t1\t0\nno\t1\tthe line is an input\n",
        ),
    ],
)
async def test_what_no_chip_does_is_refused(said: bytes, answer: bytes) -> None:
    async with gpio_bench() as bench:
        reader, writer = await asyncio.open_unix_connection(
            bench.path.removeprefix("unix:")
        )
        writer.write(said)
        assert await reader.readexactly(len(answer)) == answer
        writer.close()


async def test_a_chip_that_is_away_does_not_answer_and_comes_back_off(
    tmp_path: Path,
) -> None:
    twin, path = GpioChip(), tmp_path / "chip"
    served = twin.listening(path)
    await served.__aenter__()
    async with (
        client(f"unix:{path}") as chip,
        chip.output("1") as coil,
        chip.input("2") as line,
    ):
        news = asyncio.Event()
        with line.watch(news.set):
            coil.put(True)
            await comes(lambda: coil.level)
            await served.__aexit__(None, None, None)
            await news.wait()
            for use in (line.level, lambda: coil.put(True)):
                with pytest.raises(NoAnswer, match="no chip listens there"):
                    use()
            twin.drive("2", True)
            async with twin.listening(path):
                news.clear()
                async with asyncio.timeout(2):
                    await news.wait()
                assert line.level()
                assert not coil.level


async def test_a_chip_that_was_never_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="nothing: no chip listens there"):
        async with client(f"unix:{tmp_path}/nothing"):
            pass


words = st.lists(
    st.one_of(
        st.binary(max_size=2 * LONGEST),
        st.sampled_from([b"at\t2\t1", b"at\t2\t7", b"no\t2\tgone", b"at\t9\t1", b""]),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(words)
def test_a_chip_that_talks_nonsense_is_one_that_is_away(said: list[bytes]) -> None:
    nonsense = b"\n".join([b"at\t2\t1", *said, b"at\t2\t7", b""])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(nonsense)
        await reader.read()
        writer.close()

    async def listen(path: str) -> None:
        async with await asyncio.start_unix_server(talk, path):
            with pytest.raises(HardwareError):
                await use_for_ever(f"unix:{path}")
            await asyncio.sleep(0)

    async def use_for_ever(path: str) -> None:
        async with client(path) as chip, chip.input("2") as line, asyncio.timeout(2):
            while line.level() in (True, False):
                await asyncio.sleep(0)

    with TemporaryDirectory() as place:
        asyncio.run(listen(f"{place}/chip"))
