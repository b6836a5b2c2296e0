"""Cards through the real PC/SC daemon."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hal.drivers import pcsc_reader
from hal.drivers.pcsc_reader import Config, TokenReader
from hal.errors import NoAnswer
from hal.resources import Place, Resources
from hal.values import Token
from tests.hal.pcscd import READER, Hand, Pcscd


@pytest.fixture(scope="module")
def pcscd() -> Iterator[Pcscd]:
    with Pcscd() as running:
        yield running


@pytest.fixture
def hand(pcscd: Pcscd) -> Iterator[Hand]:
    with pcscd.hand() as ready:
        yield ready


class Desk:
    """Takes the tokens of a reader as they come."""

    def __init__(self, reader: TokenReader) -> None:
        self.reader = reader
        self.tokens: list[Token] = []
        self.task = asyncio.create_task(self._take())

    async def _take(self) -> None:
        async for token in self.reader.tokens():
            self.tokens.append(token)

    async def has(self, count: int) -> None:
        """Return once so many tokens have come."""
        await comes(lambda: len(self.tokens) >= count)
        assert len(self.tokens) == count

    async def is_alive(self) -> None:
        """Return once the reader answers."""

        async def answers() -> None:
            while True:
                try:
                    return await self.reader.read()
                except NoAnswer:
                    await asyncio.sleep(0.01)

        async with asyncio.timeout(5):
            await answers()

    async def is_dead(self) -> str:
        """Return what the reader says once it does not answer any more."""
        try:
            async with asyncio.timeout(5):
                while True:
                    await self.reader.read()
                    await asyncio.sleep(0.01)
        except NoAnswer as error:
            return str(error)


async def comes(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def desk(**settings: Any) -> AsyncIterator[Desk]:
    async with Resources(asyncio.get_running_loop().time) as resources:
        config = Config(**{"reader": READER, **settings})
        async with pcsc_reader.connect(config, Place(1, resources)) as reader:
            taker = Desk(reader)
            try:
                yield taker
            finally:
                taker.task.cancel()


async def test_each_card_is_one_token_when_it_enters(hand: Hand) -> None:
    async with desk() as at:
        await at.is_alive()
        hand.hold("04A1B2C3D4E5F6")
        await at.has(1)
        assert hand.take_away() == ["ffca000000"]
        hand.hold("DEADBEEF")
        await at.has(2)
        hand.take_away()
        assert at.tokens == [Token("04A1B2C3D4E5F6"), Token("DEADBEEF")]


async def test_a_daemon_that_dies_is_noticed_and_found_again(
    pcscd: Pcscd, hand: Hand
) -> None:
    async with desk() as at:
        await at.is_alive()
        pcscd.kill()
        assert "check its cable, its name, and that pcscd runs" in await at.is_dead()
        pcscd.start()
        await at.is_alive()
        hand.hold("DEADBEEF")
        await at.has(1)
        hand.take_away()


async def test_a_random_number_is_shown_as_refused(hand: Hand) -> None:
    async with desk(feedback="acr122u") as at:
        await at.is_alive()
        hand.hold("08A1B2C3")
        await at.has(1)
        assert at.tokens[0].fleeting
        assert hand.take_away() == [
            "ffca000000",
            "ff00405404010103 01".replace(" ", ""),
        ]


async def test_a_reader_without_its_own_feedback_reads_all_the_same(hand: Hand) -> None:
    async with desk(feedback="acr1252u", tag_form="lower") as at:
        await at.is_alive()
        hand.hold("DEADBEEF")
        await at.has(1)
        hand.take_away()
        assert at.tokens == [Token("deadbeef")]


async def test_a_reader_of_another_name_is_not_taken(pcscd: Pcscd) -> None:
    async with desk(reader="ACS ACR122U*") as at:
        said = await at.is_dead()
    assert said.startswith(
        "reader ACS ACR122U*: no reader of that name; there are: Virtual PCD 00 00, "
        "Virtual PCD 00 01; check its cable"
    )


def test_a_feedback_that_no_reader_gives_is_refused() -> None:
    with pytest.raises(
        ValueError, match='feedback: "loud" is unknown; write "none" or'
    ):
        Config(feedback="loud")
