"""Commands to contactless readers, as their manuals print them."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire.apdu import FEEDBACK, GET_UID, acr122u_led, acr1252u_buzzer, uid


def test_the_commands_are_those_of_the_manuals() -> None:
    assert GET_UID.hex(" ") == "ff ca 00 00 00"
    green = acr122u_led(state=0x0E, on_ds=0, off_ds=0, times=0, beeps=0)
    assert green.hex(" ") == "ff 00 40 0e 04 00 00 00 00"
    blinks = acr122u_led(state=0xA8, on_ds=2, off_ds=2, times=3, beeps=1)
    assert blinks.hex(" ") == "ff 00 40 a8 04 02 02 03 01"
    assert acr1252u_buzzer(10).hex(" ") == "e0 00 00 28 01 0a"


def test_a_reader_shows_a_refused_card_otherwise_than_a_taken_one() -> None:
    for feedback in FEEDBACK.values():
        assert feedback is None or feedback.taken != feedback.refused


@pytest.mark.parametrize("number", ["DEADBEEF", "04A1B2C3D4E5F6", "E004010203040506"])
def test_a_number_is_what_comes_before_the_status(number: str) -> None:
    assert uid(bytes.fromhex(number + "9000")).hex().upper() == number


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ("6300", "card: gives no UID, status 63 00"),
        ("6A81", "card: gives no UID, status 6a 81"),
        ("", "card: gives no UID, status none"),
        ("9000", "card: a UID of 0 bytes; no card has one"),
        ("0102039000", "card: a UID of 3 bytes"),
    ],
)
def test_a_card_without_a_number_is_a_bad_answer(answer: str, mistake: str) -> None:
    with pytest.raises(BadAnswer, match=mistake):
        uid(bytes.fromhex(answer))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=16))
def test_any_answer_is_a_number_or_a_bad_answer(answer: bytes) -> None:
    for heard in (answer, answer + b"\x90\x00"):
        with suppress(BadAnswer):
            assert len(uid(heard)) in (4, 7, 8, 10)
