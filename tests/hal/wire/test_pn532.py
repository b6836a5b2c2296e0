"""Frames of a PN532, as its manual and its users print them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire import pn532


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


FOUR = octets("0000FF0CF4D54B010100040804DEADBEEF9600")
SEVEN = octets("0000FF0FF1D54B01010044000704A1B2C3D4E5F6CA00")
NONE = octets("0000FF03FDD54B00E000")
FIRMWARE = octets("0000FF06FAD50332010607E800")


@pytest.mark.parametrize(
    ("built", "printed"),
    [
        (pn532.command(pn532.SAM, 1, 0, 1), "0000FF05FBD4140100011600"),
        (pn532.command(pn532.FIRMWARE), "0000FF02FED4022A00"),
        (pn532.command(pn532.LIST, 1, 0), "0000FF04FCD44A0100E100"),
        (pn532.command(pn532.RELEASE, 0), "0000FF03FDD45200DA00"),
        (pn532.reply(pn532.SAM), "0000FF02FED5151600"),
        (pn532.reply(pn532.FIRMWARE, 0x32, 1, 6, 7), FIRMWARE.hex()),
        (pn532.reply(pn532.LIST, 0), NONE.hex()),
        (pn532.ACK, "0000FF00FF00"),
        (pn532.NACK, "0000FFFF0000"),
    ],
)
def test_a_frame_is_built_as_printed(built: bytes, printed: str) -> None:
    assert built == octets(printed)


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [(FOUR, ["DEADBEEF"]), (SEVEN, ["04A1B2C3D4E5F6"]), (NONE, [])],
)
def test_the_cards_of_an_answer_are_read(answer: bytes, numbers: list[str]) -> None:
    data = pn532.cut(pn532.LIST)(pn532.ACK + answer)
    assert data is not None
    assert [uid.hex().upper() for uid in pn532.uids(data)] == numbers


def test_a_card_that_tells_more_of_itself_is_read_too() -> None:
    # DESFire: SEL_RES 20, then the ATS, whose first byte counts all of it
    data = octets("01 01 0344 20 07 04A1B2C3D4E5F6 06 75778102 80".replace(" ", ""))
    assert pn532.uids(data) == [octets("04A1B2C3D4E5F6")]


def test_the_firmware_is_that_of_a_pn532() -> None:
    data = pn532.cut(pn532.FIRMWARE)(pn532.ACK + FIRMWARE)
    assert data is not None
    pn532.check_firmware(data)
    for other in (b"", b"\x07\x01\x06\x07", data + b"\0"):
        with pytest.raises(BadAnswer, match="is not its firmware"):
            pn532.check_firmware(other)


@pytest.mark.parametrize("size", range(len(pn532.ACK + SEVEN) - 1))
def test_half_an_answer_is_none_yet(size: int) -> None:
    assert pn532.cut(pn532.LIST)((pn532.ACK + SEVEN)[:size]) is None


def test_what_answers_an_earlier_command_is_passed_over() -> None:
    heard = NONE + pn532.ACK + FOUR
    assert pn532.cut(pn532.LIST)(heard) == FOUR[7:-2]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (pn532.SYNTAX_ERROR, "does not take the command 0x4a now"),
        (FIRMWARE, "answers something else than the command 0x4a"),
        (FOUR[:-2] + b"\x97\x00", "wrong checksum of a frame of 12 bytes"),
        (octets("0000FF0CF5D54B"), "wrong checksum of the length"),
    ],
)
def test_what_is_no_answer_is_a_bad_one(answer: bytes, mistake: str) -> None:
    with pytest.raises(BadAnswer, match=mistake):
        pn532.cut(pn532.LIST)(pn532.ACK + answer)


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ("", "an empty list has a count of 0"),
        ("01", "a card with a number of 0 bytes"),
        ("010100040805DEADBEEF01", "a card with a number of 5 bytes"),
        ("010100040804DEADBE", "a card with a number of 4 bytes"),
        ("010100040804DEADBEEF00", "1 bytes too many in a list of 1 cards"),
        ("0101034420 0704A1B2C3D4E5F609 75".replace(" ", ""), "bytes too many"),
    ],
)
def test_what_is_no_list_of_cards_is_a_bad_answer(data: str, mistake: str) -> None:
    with pytest.raises(BadAnswer, match=mistake):
        pn532.uids(octets(data))


def heard(answer: bytes) -> bytes | None:
    try:
        return pn532.cut(pn532.LIST)(answer)
    except BadAnswer:
        return None


def test_no_flipped_byte_makes_another_card() -> None:
    sound = pn532.ACK + SEVEN
    for at in range(len(sound)):
        for flip in range(1, 256):
            bent = sound[:at] + bytes((sound[at] ^ flip,)) + sound[at + 1 :]
            assert heard(bent) in (None, heard(sound))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(before: bytes, after: bytes) -> None:
    for answer in (before, before + pn532.ACK + after, pn532.ACK + before + SEVEN):
        data = heard(answer)
        assert data is None or isinstance(data, bytes)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_any_list_is_of_cards_or_a_bad_answer(data: bytes) -> None:
    try:
        numbers = pn532.uids(data)
    except BadAnswer:
        return
    assert all(len(uid) in (4, 7, 10) for uid in numbers)
