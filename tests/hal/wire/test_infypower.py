"""The sample frames of the Infypower protocol, byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire import infypower as wire
from hal.wire.frame import Frame
from hal.wire.infypower import Command, Device, Error, Head, State, Status

GROUP = Device.GROUP


def frame(identifier: int, text: str = "00 00 00 00 00 00 00 00") -> Frame:
    return Frame(identifier, bytes.fromhex(text))


SENT = [
    (
        "all on",
        wire.order(Command.SWITCH, wire.EVERY, wire.switch(True)),
        frame(0x029A3FF0),
    ),
    (
        "all off",
        wire.order(Command.SWITCH, wire.EVERY, wire.switch(False)),
        frame(0x029A3FF0, "01 00 00 00 00 00 00 00"),
    ),
    (
        "every module at 750 V and 15 A",
        wire.order(Command.AIM_MODULE, wire.EVERY, wire.pair(750.0, 15.0)),
        frame(0x029C3FF0, "00 0B 71 B0 00 00 3A 98"),
    ),
    (
        "module 1 at 400 V and 100 A",
        wire.order(Command.AIM_MODULE, 1, wire.pair(400.0, 100.0)),
        frame(0x029C01F0, "00 06 1A 80 00 01 86 A0"),
    ),
    (
        "group 2 at 512 V and 40 A in all",
        wire.order(Command.AIM_TOTAL, 2, wire.pair(512.0, 40.0), GROUP),
        frame(0x02DB02F0, "00 07 D0 00 00 00 9C 40"),
    ),
    (
        "group 3 on",
        wire.order(Command.SWITCH, 3, wire.switch(True), GROUP),
        frame(0x02DA03F0),
    ),
    (
        "read module 0",
        wire.order(Command.READ_MODULE, 0),
        frame(0x028900F0),
    ),
]


@pytest.mark.parametrize(("made", "sample"), [row[1:] for row in SENT])
def test_the_controller_sends_the_samples_of_the_protocol(
    made: Frame, sample: Frame
) -> None:
    assert made == sample


def test_a_module_answers_with_volt_and_ampere() -> None:
    sample = frame(0x0289F000, "00 03 0D 40 00 00 13 88")
    assert wire.head(sample.identifier) == Head(0, Device.MODULE, 0x09, 0xF0, 0)
    assert wire.read_pair(sample.data) == (200.0, 5.0)
    asked = wire.head(wire.order(Command.READ_MODULE, 0).identifier)
    assert wire.answer(asked, 0, wire.pair(200.0, 5.0)) == sample


def test_the_sum_of_a_system_comes_as_floats() -> None:
    sample = frame(0x0281F03F, "43 FA 00 00 42 48 00 00")
    assert wire.head(sample.identifier) == Head(0, Device.MODULE, 0x01, 0xF0, 0x3F)
    assert wire.floats(500.0, 50.0) == sample.data


def test_a_captured_state_is_a_healthy_module_with_walk_in() -> None:
    sample = frame(0x0284F000, "00 00 02 00 1B 00 40 00")
    status = Status(2, 27, State.WALK_IN)
    assert wire.read_status(sample.data) == status
    assert wire.status(status) == sample.data


def test_a_refusal_stands_in_the_identifier() -> None:
    refusal = wire.head(0x0A9CF001)
    assert refusal == Head(Error.COMMAND_INVALID, 0x0A, Command.AIM_MODULE, 0xF0, 1)
    asked = wire.head(wire.order(Command.AIM_MODULE, 1).identifier)
    assert wire.answer(asked, 1, error=Error.COMMAND_INVALID).identifier == 0x0A9CF001


def test_the_bar_code_is_a_serial_number() -> None:
    data = bytes.fromhex("56 13 0C 15 A3 FB 06 A8")
    assert wire.bar_code("081807123451V1704") == data


@pytest.mark.parametrize(
    ("octet", "bit", "state"),
    [
        (7, 0, State.OUTPUT_SHORT),
        (7, 4, State.SLEEPING),
        (6, 0, State.OFF),
        (6, 1, State.FAULT),
        (6, 4, State.OVER_TEMPERATURE),
        (5, 1, State.ADDRESS_REPEATED),
        (5, 5, State.INPUT_UNDER_VOLTAGE),
        (5, 7, State.PFC_OFF),
    ],
)
def test_each_state_has_its_byte_and_bit(octet: int, bit: int, state: State) -> None:
    data = bytearray(8)
    data[octet] = 1 << bit
    assert wire.read_status(bytes(data)).state is state


def test_below_zero_is_cold() -> None:
    assert wire.read_status(bytes.fromhex("0000 02 00 EC 00 01 00")).ambient_c == -20


def test_ratings_come_in_steps_of_ten_watts() -> None:
    rating = wire.Rating(1000.0, 50.0, 133.3, 40_000.0)
    assert wire.rating(rating) == bytes.fromhex("03E8 0032 0535 0FA0")
    assert wire.read_rating(wire.rating(rating)) == rating


@settings(max_examples=50, deadline=None)
@given(st.integers(0, (1 << 29) - 1))
def test_every_identifier_comes_apart_and_together(identifier: int) -> None:
    assert wire.identifier(wire.head(identifier)) == identifier


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1500), st.floats(0, 500))
def test_volt_and_ampere_are_kept_to_the_thousandth(volt: float, ampere: float) -> None:
    read = wire.read_pair(wire.pair(volt, ampere))
    assert read == pytest.approx((volt, ampere), abs=0.0006)
