"""The twin of a contactless card says what a card says."""

import asyncio
from contextlib import suppress

import pytest

from hal.simulation.virtual_card import VirtualCard

UID = bytes.fromhex("04A1B2C3D4E5F6")


def test_the_atr_is_that_of_pcsc_part_3() -> None:
    mifare = "3B8F8001804F0CA000000306030001000000006A"
    assert VirtualCard(UID[:4]).atr.hex().upper() == mifare
    assert VirtualCard(UID).answer(b"\x04") == VirtualCard(UID).atr


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("00", None),
        ("01", None),
        ("02", None),
        ("FFCA000000", "04A1B2C3D4E5F69000"),
        ("FFCA010000", "6A81"),
        ("FF00400E0400000000", "9002"),
        ("00A4040000", "6D00"),
    ],
)
def test_a_card_does_what_it_can_and_no_more(message: str, answer: str | None) -> None:
    said = VirtualCard(UID).answer(bytes.fromhex(message))
    assert said == (None if answer is None else bytes.fromhex(answer))


async def test_a_card_in_the_field_tells_its_number() -> None:
    talks: list[bytes] = []

    async def reader(
        incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter
    ) -> None:
        outgoing.write(b"\x00\x01\x01" + b"\x00\x05\xff\xca\x00\x00\x00")
        with suppress(asyncio.IncompleteReadError):
            talks.append(await incoming.readexactly(11))
        outgoing.close()

    async with await asyncio.start_server(reader, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            await VirtualCard(UID).enter(port)
    assert talks == [b"\x00\x09" + UID + b"\x90\x00"]
