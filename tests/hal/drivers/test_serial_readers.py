"""PN532 and EM4100 readers on a serial port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import em4100, pn532
from hal.errors import BadAnswer, NoAnswer
from hal.simulation.em4100 import Em4100
from hal.simulation.pn532 import Pn532
from hal.simulation.serial_line import SerialLine
from hal.values import Token
from hal.wire import pn532 as frames
from hal.wire.em4100 import encode
from hal.world.site import World
from tests.hal.lines import CONNECTOR, bent, connected, line, scripted

UID = bytes.fromhex("04A1B2C3D4E5F6")
TAG = bytes.fromhex("0A00432B17")


class Desk:
    """Takes the tokens of a reader as they come."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.tokens: list[Token] = []

    async def take(self) -> None:
        async for token in self.reader.tokens():
            self.tokens.append(token)

    async def has(self, *id_tags: str) -> None:
        """Return once these have come, and no others."""
        async with asyncio.timeout(5):
            while len(self.tokens) < len(id_tags):
                await asyncio.sleep(0.005)
        assert [token.uid for token in self.tokens] == [*id_tags]

    async def is_alive(self) -> None:
        """Return once the reader answers."""
        async with asyncio.timeout(5):
            while True:
                with suppress(NoAnswer, BadAnswer):
                    await self.reader.read()
                    return

    async def reads_for_ever(self) -> None:
        async with asyncio.timeout(5):
            while True:
                await self.reader.read()
                await asyncio.sleep(0.005)


@asynccontextmanager
async def desk(driver: Any, config: Any) -> AsyncIterator[Desk]:
    async with connected(driver, config) as reader:
        taker = Desk(reader)
        task = asyncio.create_task(taker.take())
        try:
            yield taker
        finally:
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def a_pn532(**settings: Any) -> AsyncIterator[tuple[Pn532, World, Desk]]:
    async with line() as (laid, world):
        twin = Pn532(world, CONNECTOR, laid)
        chosen = {"poll_s": 0.02, "timeout_s": 0.5, **settings}
        config = pn532.Config(port=str(laid.terminal.path), **chosen)
        async with desk(pn532, config) as at:
            yield twin, world, at


async def test_a_card_is_one_token_while_it_is_there() -> None:
    async with a_pn532(tag_form="lower") as (twin, _, at):
        await twin.hold(UID, 0.3)
        await at.has("04a1b2c3d4e5f6")
        await at.reader.read()


async def test_a_chip_that_lost_its_supply_is_set_up_again() -> None:
    async with a_pn532(timeout_s=0.1) as (twin, _, at):
        await at.is_alive()
        twin.restart()
        held = asyncio.create_task(twin.hold(UID, 9.0))
        await at.has("04A1B2C3D4E5F6")
        await at.is_alive()
        held.cancel()


async def test_a_card_of_the_world_reaches_the_reader() -> None:
    async with a_pn532() as (twin, world, at):
        following = asyncio.create_task(twin.follow())
        await asyncio.sleep(0)
        world.readers[CONNECTOR].append((0.0, Token("DEADBEEF")))
        world.ring()
        await at.has("DEADBEEF")
        following.cancel()
        await asyncio.wait({following})


def answers(said: bytes) -> bytes:
    """Answer as a PN532 does that has a card in its field all the time."""
    found = frames.first_frame(said)
    code = found[0][1] if found else 0
    data = {
        frames.FIRMWARE: (0x32, 1, 6, 7),
        frames.LIST: (1, 1, 0x00, 0x44, 0x00, len(UID), *UID),
        frames.RELEASE: (0,),
    }
    return frames.ACK + frames.reply(code, *data.get(code, ()))


OTHERS = (
    frames.ACK,
    frames.NACK,
    frames.SYNTAX_ERROR,
    frames.ACK + frames.reply(frames.LIST, 0),
    encode(TAG),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(bent(OTHERS), min_size=1, max_size=8))
def test_whatever_a_reader_says_no_wrong_card_comes_of_it(
    bends: list[Callable[[bytes], bytes]],
) -> None:
    turns = iter(bends)

    async def tried() -> None:
        async with scripted(
            lambda said: next(turns, lambda answer: answer)(answers(said))
        ) as path:
            config = pn532.Config(port=path, poll_s=0.02, timeout_s=0.05)
            async with desk(pn532, config) as at:
                for _ in range(2):
                    try:
                        async with asyncio.timeout(2):
                            await at.reader.read()
                    except (NoAnswer, BadAnswer):
                        continue
                assert {token.uid for token in at.tokens} <= {UID.hex().upper()}

    asyncio.run(tried())


@asynccontextmanager
async def an_em4100(
    **settings: Any,
) -> AsyncIterator[tuple[Em4100, SerialLine, World, Desk]]:
    async with line() as (laid, world):
        twin = Em4100(world, CONNECTOR, laid)
        config = em4100.Config(port=str(laid.terminal.path), **settings)
        async with desk(em4100, config) as at:
            yield twin, laid, world, at


@pytest.mark.parametrize(
    ("choices", "id_tag"),
    [
        ({}, "0A00432B17"),
        ({"tag_bytes": 4, "tag_form": "decimal"}, "0004401943"),
    ],
)
async def test_a_tag_that_is_said_again_and_again_is_one_token(
    choices: dict[str, Any], id_tag: str
) -> None:
    async with an_em4100(**choices) as (twin, _, _, at):
        await twin.hold(TAG, 0.2)
        await at.has(id_tag)
        await at.reader.read()


async def test_a_garbled_tag_is_no_token() -> None:
    async with an_em4100() as (twin, _, world, at):
        world.faults.put("reader-garbled", True, CONNECTOR)
        await twin.hold(TAG, 0.2)
        world.faults.put("reader-garbled", False, CONNECTOR)
        assert set(at.tokens) <= {Token("0A00432B17")}
        await twin.hold(TAG, 0.1)
        await at.has("0A00432B17")


async def test_a_pulled_cable_is_noticed_and_found_again() -> None:
    async with an_em4100() as (twin, laid, _, at):
        await at.reader.read()
        laid.terminal.pull()
        with pytest.raises(NoAnswer, match="the port of the card reader is gone"):
            await at.reads_for_ever()
        laid.terminal.put_back()
        holding = asyncio.create_task(twin.hold(TAG, 9.0))
        await at.has("0A00432B17")
        holding.cancel()


@pytest.mark.parametrize(
    ("driver", "choices", "mistake"),
    [
        (pn532, {"port": ""}, "port: is empty; write one like"),
        (pn532, {"port": "/dev/ttyS1", "poll_s": 9.0}, "poll_s: 9.0 is out of bounds"),
        (pn532, {"port": "/dev/ttyS1", "timeout_s": 2.0}, "timeout_s: 2.0 is out of"),
        (
            pn532,
            {"port": "/dev/ttyS1", "tag_form": "hex"},
            'tag_form: "hex" is unknown',
        ),
        (em4100, {"port": "/dev/ttyS1", "baudrate": 7}, "baudrate: 7 is not possible"),
        (em4100, {"port": "/dev/ttyS1", "tag_bytes": 6}, "tag_bytes: 6 is out of"),
    ],
)
def test_a_table_that_makes_no_reader_is_refused(
    driver: Any, choices: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        driver.Config(**choices)
