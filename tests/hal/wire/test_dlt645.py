"""DL/T 645-2007 frames: those of real meters, and everything that is not one."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire import dlt645
from hal.wire.dlt645 import ANYBODY, Frame, bcd, decode, encode, to_bcd

ONE = "000000000001"
IMPORT, VOLTAGE, CURRENT, POWER = 0x00010000, 0x02010100, 0x02020100, 0x02030000

QUESTIONS = [
    (
        dlt645.read("000000000161", IMPORT),
        "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16",
    ),
    (
        dlt645.read(ONE, IMPORT),
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16",
    ),
    (
        dlt645.read(ONE, VOLTAGE),
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 34 34 35 B6 16",
    ),
    (
        dlt645.read(ONE, CURRENT),
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 34 35 35 B7 16",
    ),
    (
        dlt645.read(ONE, POWER),
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 33 36 35 B7 16",
    ),
    (dlt645.find(), "FE FE FE FE 68 AA AA AA AA AA AA 68 13 00 DF 16"),
]


@pytest.mark.parametrize(("frame", "octets"), QUESTIONS, ids=[o for _, o in QUESTIONS])
def test_a_question_is_the_frame_of_the_manual(frame: Frame, octets: str) -> None:
    assert encode(frame, 4) == bytes.fromhex(octets)
    assert decode(bytes.fromhex(octets)) == frame


ANSWERS = [
    # question, answer, number, signed
    (
        dlt645.read("000000000161", IMPORT),
        "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16",
        26,
    ),
    (
        dlt645.read(ONE, IMPORT),
        "68 01 00 00 00 00 00 68 91 08 33 33 34 33 9A 78 56 34 D3 16",
        1_234_567,
    ),
    (
        dlt645.read(ONE, VOLTAGE),
        "68 01 00 00 00 00 00 68 91 06 33 34 34 35 38 73 E3 16",
        4005,
    ),
    (
        dlt645.read(ONE, CURRENT),
        "68 01 00 00 00 00 00 68 91 07 33 34 35 35 33 67 45 19 16",
        123_400,
    ),
    (
        dlt645.read(ONE, CURRENT),
        "68 01 00 00 00 00 00 68 91 07 33 34 35 35 83 55 B4 C6 16",
        -12_250,
    ),
    (
        dlt645.read(ONE, POWER),
        "68 01 00 00 00 00 00 68 91 07 33 33 36 35 4A 75 7C 75 16",
        494_217,
    ),
    (
        dlt645.find(),
        "68 01 00 00 00 00 00 68 93 06 34 33 33 33 33 33 9D 16",
        1,
    ),
]


@pytest.mark.parametrize(
    ("question", "octets", "number"), ANSWERS, ids=[o for _, o, _ in ANSWERS]
)
def test_an_answer_of_the_manual_is_cut_out_once_it_is_whole(
    question: Frame, octets: str, number: int
) -> None:
    cut = dlt645.answer_to(question, "here")
    answer = bytes.fromhex(octets)
    assert [cut(answer[:size]) for size in range(len(answer))] == [None] * len(answer)
    for heard in (answer, b"\xfe\xfe" + answer, answer + answer):
        whole = cut(heard)
        assert whole is not None
        told, more = dlt645.content(question, whole)
        assert bcd(told, signed=True) == number
        assert not more


@pytest.mark.parametrize(
    ("question", "octets", "number"), ANSWERS, ids=[o for _, o, _ in ANSWERS]
)
def test_no_wrong_byte_in_an_answer_goes_unseen(
    question: Frame, octets: str, number: int
) -> None:
    cut = dlt645.answer_to(question, "here")
    answer = bytes.fromhex(octets)
    for at in range(len(answer)):
        for flip in (0x01, 0x10, 0x80, 0xFF):
            wrong = bytearray(answer)
            wrong[at] ^= flip
            assert never_an_answer(cut, bytes(wrong)), (at, flip)


def never_an_answer(cut: Callable[[bytes], bytes | None], heard: bytes) -> bool:
    try:
        return cut(heard) is None
    except BadAnswer:
        return True


READ = dlt645.read(ONE, IMPORT)

WRONG = [
    (Frame(ONE, 0xD1, b"\x02"), "refused 00010000: no such data; check the settings"),
    (Frame(ONE, 0xD1, b"\x05"), "refused 00010000: another error and wrong password"),
    (Frame(ONE, 0xD1, b""), "refused 00010000: without a reason"),
    (Frame("000000000002", 0x91, bytes(8)), "meter 000000000002 answered; give each"),
    (Frame(ONE, 0x93, bytes(8)), "answered with control 0x93 to 0x11"),
    (Frame(ONE, 0x91, bytes(8)), "told 00000000 instead of 00010000"),
]


@pytest.mark.parametrize(("answer", "reason"), WRONG, ids=[r for _, r in WRONG])
def test_an_answer_to_something_else_is_refused_in_words(
    answer: Frame, reason: str
) -> None:
    with pytest.raises(BadAnswer, match=f"here: {reason}"):
        dlt645.answer_to(READ, "here")(encode(answer))


def test_the_refusal_of_the_manual_is_told_in_words() -> None:
    refusal = bytes.fromhex("68 01 00 00 00 00 00 68 D1 01 35 D8 16")
    with pytest.raises(BadAnswer, match="no such data"):
        dlt645.answer_to(READ, "here")(refusal)


def test_what_follows_is_asked_for_by_its_number() -> None:
    question = dlt645.read(ONE, IMPORT, 2)
    assert question == Frame(ONE, 0x12, bytes.fromhex("00 00 01 00 02"))
    cut = dlt645.answer_to(question, "here")
    answer = encode(Frame(ONE, 0xB2, bytes.fromhex("00 00 01 00 AB CD 02")))
    whole = cut(answer)
    assert whole is not None
    assert dlt645.content(question, whole) == (b"\xab\xcd", True)
    for wrong in ("00 00 01 00 AB CD 03", "00 00 02 00 AB CD 02"):
        with pytest.raises(BadAnswer, match="instead of 00010000"):
            cut(encode(Frame(ONE, 0x92, bytes.fromhex(wrong))))


def test_a_wildcard_stands_for_every_pair_that_it_covers() -> None:
    assert dlt645.meant(ANYBODY, ONE)
    assert dlt645.meant("AAAAAAAA0001", ONE)
    assert not dlt645.meant("AAAAAAAA0002", ONE)
    assert not dlt645.meant(ONE, "000000000002")


@given(st.binary(max_size=30))
@settings(max_examples=50, deadline=None)
def test_noise_is_never_an_answer(noise: bytes) -> None:
    assert never_an_answer(dlt645.answer_to(READ, "here"), noise)


NO_FRAME = ["67", "68 01 00 00 00 00 00 67", "68 01 00 00 00 00 00 68 91 C9"]


@pytest.mark.parametrize("octets", NO_FRAME)
def test_what_begins_no_frame_is_refused_at_once(octets: str) -> None:
    with pytest.raises(BadAnswer):
        decode(bytes.fromhex(octets))


@given(st.integers(-799_999, 799_999))
@settings(max_examples=50, deadline=None)
def test_numbers_go_there_and_back(value: int) -> None:
    assert bcd(to_bcd(value, 3), signed=True) == value


def test_what_are_no_digits_is_refused() -> None:
    with pytest.raises(BadAnswer, match="0a12 are not decimal digits"):
        bcd(b"\x12\x0a")
    with pytest.raises(ValueError, match="1000 does not fit into 1 bytes"):
        to_bcd(1000, 1)
