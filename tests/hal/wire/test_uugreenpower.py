"""The sample frames of the UUGreenPower protocol, byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire import uugreenpower as wire
from hal.wire.frame import Frame
from hal.wire.uugreenpower import All, Command, Head, Message, Range, State, Type

EVERY = Head(1, 0)
ONE = Head(1, 1)


def sample(identifier: int, text: str) -> Frame:
    return Frame(identifier, bytes.fromhex(text))


SAMPLES = [
    (
        wire.frame(EVERY, Message(1, Type.SET, Command.VOLTAGE_REFERENCE, 475_550)),
        sample(0x02200000, "10 02 00 00 00 07 41 9E"),
    ),
    (
        wire.frame(ONE, Message(1, Type.SET, Command.VOLTAGE_REFERENCE, 475_550)),
        sample(0x02204000, "10 02 00 00 00 07 41 9E"),
    ),
    (
        wire.frame(
            ONE, Message(1, Type.SET_ANSWER, Command.VOLTAGE_REFERENCE, 475_550)
        ),
        sample(0x02204000, "11 02 00 00 00 07 41 9E"),
    ),
    (
        wire.frame(ONE, Message(1, Type.SET, Command.CURRENT_LIMIT, 10_500)),
        sample(0x02204000, "10 03 00 00 00 00 29 04"),
    ),
    (
        wire.frame(ONE, Message(1, Type.SET, Command.SWITCH, wire.ON)),
        sample(0x02204000, "10 04 00 00 00 00 00 00"),
    ),
    (
        wire.frame(ONE, Message(1, Type.SET, Command.SWITCH, wire.OFF)),
        sample(0x02204000, "10 04 00 00 00 00 00 01"),
    ),
    (
        wire.frame(ONE, Message(1, Type.READ, Command.STATE, 0)),
        sample(0x02204000, "12 08 00 00 00 00 00 00"),
    ),
    (
        wire.frame(ONE, Message(1, Type.SET, Command.SELECT_RANGE, Range.HIGH)),
        sample(0x02204000, "10 5F 00 00 00 00 00 01"),
    ),
    (
        wire.set_all(ONE, 1, All(True, 475.5, 10.5, 470.5)),
        sample(0x02204000, "1B 00 00 69 12 61 12 93"),
    ),
    (
        wire.set_all(ONE, 1, All(True, 475.5, 10.5, 470.5), Type.SET_ALL_ANSWER),
        sample(0x02204000, "1C 00 00 69 12 61 12 93"),
    ),
]


@pytest.mark.parametrize(("made", "wanted"), SAMPLES)
def test_frames_are_those_of_the_protocol(made: Frame, wanted: Frame) -> None:
    assert made == wanted


@pytest.mark.parametrize(("made", "wanted"), SAMPLES[:8])
def test_frames_are_read_as_they_are_made(made: Frame, wanted: Frame) -> None:
    head, message = wire.head(wanted.identifier), wire.message(wanted.data)
    assert head is not None
    assert message is not None
    assert wire.frame(head, message) == made


def test_the_second_module_has_the_second_address() -> None:
    assert wire.identifier(Head(1, 2)) == 0x02208000


def test_all_at_once_is_read_as_it_is_made() -> None:
    told = All(True, 475.5, 10.5, 470.5, wire.RangeOfAll.LOW)
    assert wire.read_all(wire.set_all(ONE, 1, told).data) == told
    off = All(False, 0.0, 0.0, 0.0)
    assert wire.read_all(wire.set_all(ONE, 1, off).data) == off


def test_frames_of_infypower_modules_do_not_pass_the_mask() -> None:
    assert wire.identifier(Head(1, 0)) != 0x0289F001 & wire.TO_MONITOR


def test_a_module_adds_day_and_serial_number_to_its_identifier() -> None:
    # The vendor's sample of an answer with the serial number.
    assert wire.head(0x02240144) == Head(1, 16, 0x0144)
    assert wire.identifier(Head(1, 0)) == 0x02240144 & wire.TO_MONITOR


def test_states_fill_all_32_bits() -> None:
    message = wire.message(bytes.fromhex("13 08 00 00 82 00 00 00"))
    assert message is not None
    assert State(message.bits) == State.BLEEDER_FAULT | State.OFF
    assert wire.signed(message.bits) == message.value


def test_cold_is_below_zero() -> None:
    message = wire.message(bytes.fromhex("13 1E 00 00 FF FF B1 E0"))
    assert message is not None
    assert message.value == wire.milli(-20.0)


def test_other_protocols_are_none() -> None:
    assert wire.head(0x060F8008) is None
    assert wire.message(b"\x13\x08") is None


@settings(max_examples=50, deadline=None)
@given(st.builds(Head, st.integers(0, 15), st.integers(0, 127), st.integers(0, 0x3FFF)))
def test_every_head_comes_together_and_apart(head: Head) -> None:
    assert wire.head(wire.identifier(head)) == head
