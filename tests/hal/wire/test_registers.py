"""Numbers in registers, against the samples of the manuals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire.registers import Form, laid_out, number, text, turned

SAMPLES = [
    # octets, form, low word first, number
    ("0F A5", Form.U16, False, 4005),  # Acrel, voltage mantissa
    ("00 00 52 1A", Form.U32, False, 21018),  # Acrel, import
    ("C1 44 00 00", Form.F32, False, -12.25),  # Acrel, current
    ("45 DC 42 00", Form.F32, False, 7048.25),  # SDM630, total power
    ("49 B7 1B 00", Form.F32, False, 1_500_000.0),  # isoCHA425HV, resistance
    ("1D F8 FF FE", Form.S32, True, -123_400),  # DCT1, current
    ("75 77 FF F8", Form.S32, True, -494_217),  # DCT1, power
    ("00 01 E2 40", Form.U32, False, 123_456),  # DVH4013, import
    ("FF 38", Form.S16, False, -200),
    ("00 00 00 00 00 01 E2 40", Form.U64, False, 123_456),
    ("E2 40 00 01 00 00 00 00", Form.S64, True, 123_456),
    ("FF FF FF FF FF FF FF FE", Form.S64, False, -2),
]


@pytest.mark.parametrize(("octets", "form", "low_first", "value"), SAMPLES)
def test_a_number_is_read_as_the_manual_says(
    octets: str, form: Form, low_first: bool, value: float
) -> None:
    raw = bytes.fromhex(octets)
    assert number(raw, 0, form, low_first) == value
    assert number(b"\xff\xff\xff\xff" + raw, 2, form, low_first) == value
    assert laid_out(value, form, low_first) == raw


@given(st.sampled_from(Form), st.booleans(), st.data())
@settings(max_examples=50, deadline=None)
def test_what_is_laid_out_is_read_back(
    form: Form, low_first: bool, data: st.DataObject
) -> None:
    octets = data.draw(st.binary(min_size=2 * form.count, max_size=2 * form.count))
    try:
        value = number(octets, 0, form, low_first)
    except BadAnswer:
        assert form is Form.F32
        return
    assert laid_out(value, form, low_first) == octets


@pytest.mark.parametrize("octets", ["7F C0 00 00", "7F 80 00 00", "FF 80 00 00"])
def test_what_is_no_finite_number_is_refused(octets: str) -> None:
    with pytest.raises(BadAnswer, match=f"{octets.lower()} is not a finite number"):
        number(bytes.fromhex(octets), 0, Form.F32)


def test_registers_are_turned_one_by_one() -> None:
    assert turned(b"\x01\x02\x03\x04\x05\x06") == b"\x05\x06\x03\x04\x01\x02"


def test_text_ends_at_its_zero() -> None:
    assert text(b" isoCHA425\0\0\0\xff") == "isoCHA425"
    assert text(b"\0\0") == ""
    for wrong in (b"iso\x07", b"iso\xe4"):
        with pytest.raises(BadAnswer, match="is not text"):
            text(wrong)
