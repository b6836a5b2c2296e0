"""The sample frames of the Maxwell protocol, byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire import maxwell as wire
from hal.wire.frame import Frame
from hal.wire.maxwell import Error, Function, Head, Message, Register, State

ONE = wire.to_module(1)


def frame(identifier: int, text: str) -> Frame:
    return Frame(identifier, bytes.fromhex(text))


SENT = [
    (
        wire.set_float(ONE, Register.SET_VOLTAGE, 700.0),
        frame(0x06080F80, "03 00 00 21 44 2F 00 00"),
    ),
    (
        wire.set_float(ONE, Register.SET_CURRENT_LIMIT, 0.5),
        frame(0x06080F80, "03 00 00 22 3F 00 00 00"),
    ),
    (
        wire.set_whole(ONE, Register.SWITCH, wire.ON),
        frame(0x06080F80, "03 00 00 30 00 00 00 00"),
    ),
    (
        wire.set_whole(ONE, Register.SWITCH, wire.OFF),
        frame(0x06080F80, "03 00 00 30 00 01 00 00"),
    ),
    (
        wire.read(ONE, Register.VOLTAGE),
        frame(0x06080F80, "10 00 00 01 00 00 00 00"),
    ),
    (
        wire.set_whole(ONE, Register.SET_GROUP, 5),
        frame(0x06080F80, "03 00 00 1E 00 00 00 05"),
    ),
]


@pytest.mark.parametrize(("made", "sample"), SENT)
def test_the_controller_sends_the_samples_of_the_protocol(
    made: Frame, sample: Frame
) -> None:
    assert made == sample


@pytest.mark.parametrize(
    ("identifier", "sample"),
    [
        (wire.to_module(1), 0x06080F80),
        (wire.to_module(2), 0x06081780),
        (wire.to_all(), 0x0607FF80),
        (wire.to_group(1), 0x0607F781),
        (wire.identifier(Head(True, 0xF0, 1)), 0x060F8008),
        (wire.identifier(Head(True, 0xF0, 1, 3)), 0x060F800B),
    ],
)
def test_the_identifiers_are_those_of_the_protocol(
    identifier: int, sample: int
) -> None:
    assert identifier == sample


def test_groups_from_eight_on_have_a_destination_of_their_own() -> None:
    head = wire.head(wire.to_group(9))
    assert head == Head(False, 0xFD - 9, 0xF0, 0)


@pytest.mark.parametrize(
    ("text", "register", "number"),
    [
        ("41 F0 00 01 44 2F 00 00", Register.VOLTAGE, 700.0),
        ("41 F0 00 02 41 F0 00 00", Register.CURRENT, 30.0),
    ],
)
def test_a_module_answers_with_floats(
    text: str, register: Register, number: float
) -> None:
    message = wire.message(bytes.fromhex(text))
    assert message is not None
    assert (message.function, message.error) == (Function.FLOAT, Error.NONE)
    assert (message.register, message.number) == (register, number)
    made = wire.answer(1, 0, register, number, Error.NONE)
    assert made == frame(0x060F8008, text)


def test_a_state_comes_as_a_whole_number() -> None:
    message = wire.message(bytes.fromhex("42 F0 00 40 00 00 01 00"))
    assert message is not None
    assert State(message.whole) is State.PFC_ABNORMAL
    octets = wire.whole(State.PFC_ABNORMAL)
    made = wire.answer(1, 0, Register.STATE, octets, Error.NONE)
    assert made == frame(0x060F8008, "42 F0 00 40 00 00 01 00")


def test_a_refusal_has_its_own_error_byte() -> None:
    data = bytes.fromhex("42 F2 00 1E 00 00 00 05")
    assert wire.message(data) == Message(0x42, Error.REFUSED, 0x1E, data[4:])
    octets = wire.whole(5)
    assert wire.answer(1, 0, 0x1E, octets, Error.REFUSED).data == data


def test_ten_amperes_are_ten_times_1024() -> None:
    assert wire.current(10.0) == 10_240
    assert wire.read_current(10_240) == 10.0


def test_a_module_knows_when_it_is_meant() -> None:
    def meant(identifier: int, address: int = 1, group: int = 2) -> bool:
        head = wire.head(identifier)
        return head is not None and wire.is_meant(head, address, group)

    assert meant(wire.to_module(1))
    assert not meant(wire.to_module(2))
    assert meant(wire.to_all())
    assert meant(wire.to_group(2))
    assert not meant(wire.to_group(1))
    assert meant(wire.to_group(12), group=12)
    assert not meant(wire.to_group(11), group=12)


def test_other_protocols_are_none() -> None:
    assert wire.head(0x0289F001) is None
    assert wire.message(b"\x41\xf0\x00") is None


def test_every_answer_to_a_controller_passes_the_mask() -> None:
    for address in wire.ADDRESSES:
        made = wire.answer(address, address % 8, 1, 0.0, Error.NONE)
        assert made.identifier & wire.TO_CONTROLLER == wire.ANSWERS
    assert wire.to_module(1) & wire.TO_CONTROLLER != wire.ANSWERS


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Head,
        st.booleans(),
        st.integers(0, 255),
        st.integers(0, 255),
        st.integers(0, 7),
    )
)
def test_every_head_comes_together_and_apart(head: Head) -> None:
    assert wire.head(wire.identifier(head)) == head
