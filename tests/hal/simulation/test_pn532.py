"""The twin of a PN532 refuses what the chip refuses."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hal.simulation.pn532 import Pn532
from hal.wire import pn532
from tests.hal.lines import line

UID = bytes.fromhex("DEADBEEF")
SET_UP = pn532.command(pn532.SAM, 1, 0, 1)
LOOK = pn532.command(pn532.LIST, 1, 0)
FIRMWARE = pn532.command(pn532.FIRMWARE)
THREE_TRIES = pn532.command(pn532.RF, 0x05, 0xFF, 0x01, 0x02)
NO_CARD = bytes.fromhex("0000FF03FDD54B00E000")
ONE_CARD = bytes.fromhex("0000FF0CF4D54B010100040804DEADBEEF9600")


@pytest.fixture
async def twin() -> AsyncIterator[Pn532]:
    async with line() as (laid, world):
        yield Pn532(world, 1, laid)


def awake(twin: Pn532) -> Pn532:
    assert twin.hear(pn532.WAKE_UP + SET_UP) == pn532.ACK + pn532.reply(pn532.SAM)
    return twin


async def test_it_sleeps_until_it_is_woken(twin: Pn532) -> None:
    assert twin.hear(SET_UP) is None
    awake(twin)
    assert twin.hear(FIRMWARE) == pn532.ACK + bytes.fromhex(
        "0000FF06FAD50332010607E800"
    )
    twin.restart()
    assert twin.hear(FIRMWARE) is None


async def test_it_takes_nothing_before_it_was_set_up(twin: Pn532) -> None:
    assert twin.hear(pn532.WAKE_UP + LOOK) == pn532.ACK + pn532.SYNTAX_ERROR


@pytest.mark.parametrize("command", [(0x99,), (pn532.LIST, 3, 0), (pn532.RF, 9)])
async def test_it_refuses_what_it_does_not_know(
    twin: Pn532, command: tuple[int, ...]
) -> None:
    said = pn532.command(*command)
    assert awake(twin).hear(said) == pn532.ACK + pn532.SYNTAX_ERROR


async def test_it_says_nothing_to_what_is_garbled(twin: Pn532) -> None:
    assert awake(twin).hear(LOOK[:-2] + b"\x00\x00") == b""
    assert twin.hear(LOOK[:-3]) is None
    assert twin.hear(pn532.ACK) == b""


async def test_it_looks_for_ever_unless_it_was_told_how_often(twin: Pn532) -> None:
    assert awake(twin).hear(LOOK) == pn532.ACK
    assert twin.hear(THREE_TRIES) == pn532.ACK + pn532.reply(pn532.RF)
    assert twin.hear(LOOK) == pn532.ACK + NO_CARD


async def test_it_lists_a_card_while_it_is_there(twin: Pn532) -> None:
    awake(twin).hear(THREE_TRIES)
    held = asyncio.create_task(twin.hold(UID, 9.0))
    await asyncio.sleep(0)
    assert twin.hear(LOOK) == pn532.ACK + ONE_CARD
    held.cancel()
    await asyncio.wait({held})
    assert twin.hear(LOOK) == pn532.ACK + NO_CARD
