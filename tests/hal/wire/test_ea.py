"""The sample frames of an EA supply, and its parts of nominal values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire import ea, modbus
from hal.wire.ea import Coil, Mode, Nominal, Present, Register, State
from hal.wire.modbus import Function

READ = bytes.fromhex("01 03 01 F9 00 05 54 04")
ANSWER = bytes.fromhex("01 03 0A 00 00 08 80 66 66 33 33 19 99 91 A7")


@pytest.mark.parametrize(
    ("made", "sample"),
    [
        (modbus.write_coil(1, Coil.REMOTE, True), "01 05 01 92 FF 00 2C 2B"),
        (
            modbus.write_register(1, Register.SET_VOLTAGE, ea.share(250.0, 500.0)),
            "01 06 01 F4 66 66 62 4E",
        ),
        (modbus.write_coil(1, Coil.OUTPUT, True), "01 05 01 95 FF 00 9D EA"),
        (
            modbus.read(1, Function.READ_HOLDING, Register.PRESENT, ea.PRESENT_COUNT),
            READ.hex(),
        ),
    ],
)
def test_requests_are_the_samples_of_the_manual(made: bytes, sample: str) -> None:
    assert made == bytes.fromhex(sample)


def test_the_sample_answer_is_half_the_voltage_and_a_quarter_of_the_current() -> None:
    frame = modbus.answer_to(READ, "test")(ANSWER)
    assert frame is not None
    present = ea.present(modbus.octets(frame))
    assert State.OUTPUT & present.state
    assert State.REMOTE & present.state
    assert not State.ALARM & present.state
    assert present.mode is Mode.VOLTAGE
    assert present.voltage == 0.5
    assert (present.current, present.power) == pytest.approx((0.25, 0.125), abs=1e-4)
    assert ea.state(Mode.VOLTAGE, State.OUTPUT | State.REMOTE) == 0x0880
    assert ea.present_octets(present) == modbus.octets(frame)


def test_the_mode_stands_in_two_bits() -> None:
    for mode in Mode:
        assert Present(ea.state(mode, State.ALARM), 0.0, 0.0, 0.0).mode is mode


def test_no_more_than_102_per_cent_can_be_set() -> None:
    assert ea.share(500.0, 500.0) == ea.WHOLE
    assert ea.share(600.0, 500.0) == ea.MOST
    assert ea.share(-1.0, 500.0) == 0


def test_nominal_values_are_floats() -> None:
    value = Nominal(1000.0, 40.0, 15_000.0)
    assert ea.nominal(ea.nominal_octets(value)) == value


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 500))
def test_what_is_set_is_never_more_than_what_was_meant(volt: float) -> None:
    set_v = ea.share(volt, 500.0) / ea.WHOLE * 500.0
    assert volt - 0.01 <= set_v <= volt + 1e-9
