"""Modbus RTU frames: the samples of the manuals, and everything that is not one."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire import modbus
from hal.wire.modbus import Function


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


REQUESTS = [
    # Acrel DJSF1352-RN: display values, energies, clock, all, floats
    (modbus.read(1, Function.READ_HOLDING, 0, 6), "01 03 00 00 00 06 C5 C8"),
    (modbus.read(1, Function.READ_HOLDING, 12, 8), "01 03 00 0C 00 08 84 0F"),
    (modbus.read(1, Function.READ_HOLDING, 0x1E, 4), "01 03 00 1E 00 04 24 0F"),
    (modbus.read(1, Function.READ_HOLDING, 0, 20), "01 03 00 00 00 14 45 C5"),
    (modbus.read(1, Function.READ_HOLDING, 0x32, 6), "01 03 00 32 00 06 64 07"),
    (
        modbus.write_registers(1, 0x1E, (0x1703, 0x130E, 0x1800)),
        "01 10 00 1E 00 03 06 17 03 13 0E 18 00 AE 80",
    ),
    # Eastron SDM630: voltages and currents, power, energies
    (modbus.read(1, Function.READ_INPUT, 0, 12), "01 04 00 00 00 0C F0 0F"),
    (modbus.read(1, Function.READ_INPUT, 0x34, 2), "01 04 00 34 00 02 30 05"),
    (modbus.read(1, Function.READ_INPUT, 0x48, 4), "01 04 00 48 00 04 71 DF"),
    # Carlo Gavazzi DCT1: values, signed map
    (modbus.read(1, Function.READ_INPUT, 0, 6), "01 04 00 00 00 06 70 08"),
    (modbus.read(1, Function.READ_INPUT, 0x800, 125), "01 04 08 00 00 7D 32 4B"),
    # DZG DVH4013
    (modbus.read(1, Function.READ_HOLDING, 0, 4), "01 03 00 00 00 04 44 09"),
    (modbus.read(1, Function.READ_HOLDING, 0x4000, 2), "01 03 40 00 00 02 D1 CB"),
    # Bender isoCHA425HV: resistance, voltage, self-test, enable, response value
    (modbus.read(3, Function.READ_HOLDING, 1000, 4), "03 03 03 E8 00 04 C5 9B"),
    (modbus.read(3, Function.READ_HOLDING, 1008, 4), "03 03 03 F0 00 04 45 9C"),
    (modbus.write_registers(3, 8005, (0x5445,)), "03 10 1F 45 00 01 02 54 45 A0 57"),
    (modbus.write_registers(3, 3026, (1,)), "03 10 0B D2 00 01 02 00 01 D6 42"),
    (modbus.write_registers(3, 3007, (100,)), "03 10 0B BF 00 01 02 00 64 1E D4"),
    # Dold RN5893: state, measurement, self-test
    (modbus.read(1, Function.READ_INPUT, 0, 2), "01 04 00 00 00 02 71 CB"),
    (modbus.read(1, Function.READ_INPUT, 2000, 3), "01 04 07 D0 00 03 B0 86"),
    (modbus.write_register(1, 0, 0x10), "01 06 00 00 00 10 88 06"),
    # the examples of MODBUS Application Protocol V1.1b3 sections 6.1 and 6.5
    (modbus.read(1, Function.READ_COILS, 0x13, 19)[:6], "01 01 00 13 00 13"),
    (modbus.write_coil(1, 0xAC, True)[:6], "01 05 00 AC FF 00"),
    (
        modbus.write_coils(1, 0x13, [bool(0x1CD >> bit & 1) for bit in range(10)])[:9],
        "01 0F 00 13 00 0A 02 CD 01",
    ),
]


@pytest.mark.parametrize(("built", "frame"), REQUESTS, ids=[f for _, f in REQUESTS])
def test_a_request_is_the_frame_of_the_manual(built: bytes, frame: str) -> None:
    assert built == hexed(frame)


ANSWERS = [
    ("01 03 00 00 00 06 C5 C8", "01 03 0C 00 00 00 03 00 00 00 02 00 00 01 4D 3F E5"),
    (
        "01 03 00 0C 00 08 84 0F",
        "01 03 10 00 00 52 1A 00 00 00 00 00 01 00 FA 00 00 00 00 59 85",
    ),
    (
        "01 03 00 00 00 14 45 C5",
        "01 03 28 0F A5 00 02 04 D2 00 02 00 00 00 FD 00 00 00 00 13 4E 00 04 00 00"
        "00 00 00 00 52 1A 00 00 00 00 00 01 00 FA 00 00 00 00 D7 BE",
    ),
    ("01 03 00 32 00 06 64 07", "01 03 0C 44 3B A0 00 C1 44 00 00 C1 13 19 17 F1 19"),
    (
        "01 04 00 00 00 0C F0 0F",
        "01 04 18 43 66 80 00 43 67 00 00 43 65 C0 00 41 28 00 00 41 24 00 00"
        "41 20 00 00 65 55",
    ),
    ("01 04 00 34 00 02 30 05", "01 04 04 45 DC 42 00 1F D2"),
    ("01 04 00 48 00 04 71 DF", "01 04 08 44 9A 50 00 00 00 00 00 17 97"),
    ("01 04 00 00 00 06 70 08", "01 04 0C 0F A5 00 00 1D F8 FF FE 75 77 FF F8 FC 88"),
    ("01 03 00 00 00 04 44 09", "01 03 08 00 00 87 07 00 00 00 00 3E 60"),
    ("01 03 40 00 00 02 D1 CB", "01 03 04 00 01 E2 40 E2 A3"),
    ("03 03 03 E8 00 04 C5 9B", "03 03 08 49 B7 1B 00 00 02 00 47 7F 27"),
    ("03 03 03 E8 00 04 C5 9B", "03 03 08 47 A4 10 00 05 02 00 47 DD DD"),
    ("03 03 03 E8 00 04 C5 9B", "03 03 08 49 F4 24 00 80 82 00 47 20 C4"),
    ("03 03 03 F0 00 04 45 9C", "03 03 08 43 C9 40 00 00 04 00 4C CD B2"),
    ("01 04 00 00 00 02 71 CB", "01 04 04 00 00 00 01 3A 44"),
    ("01 04 07 D0 00 03 B0 86", "01 04 06 3A 98 00 00 01 92 C4 28"),
]


@pytest.mark.parametrize(("request_", "frame"), ANSWERS, ids=[f for _, f in ANSWERS])
def test_an_answer_of_the_manual_is_cut_out_once_it_is_whole(
    request_: str, frame: str
) -> None:
    cut = modbus.answer_to(hexed(request_), "here")
    answer = hexed(frame)
    assert [cut(answer[:size]) for size in range(len(answer))] == [None] * len(answer)
    assert cut(answer) == answer
    assert cut(answer + b"\x00") == answer
    assert modbus.octets(answer) == answer[3:-2]


@pytest.mark.parametrize(("request_", "frame"), ANSWERS, ids=[f for _, f in ANSWERS])
def test_no_wrong_byte_in_an_answer_goes_unseen(request_: str, frame: str) -> None:
    cut = modbus.answer_to(hexed(request_), "here")
    answer = hexed(frame)
    for at in range(len(answer)):
        for flip in (0x01, 0x80, 0xFF):
            wrong = bytearray(answer)
            wrong[at] ^= flip
            assert never_an_answer(cut, bytes(wrong)), (at, flip)


def never_an_answer(cut: Callable[[bytes], bytes | None], heard: bytes) -> bool:
    try:
        return cut(heard) is None
    except BadAnswer:
        return True


def test_words_and_bits_are_taken_out_of_an_answer() -> None:
    answer = hexed("01 03 04 00 01 E2 40 E2 A3")
    assert modbus.words(answer) == (0x0001, 0xE240)
    # MODBUS Application Protocol V1.1b3 section 6.1
    coils = modbus.sealed(hexed("01 01 03 CD 6B 05"))
    cut = modbus.answer_to(modbus.read(1, Function.READ_COILS, 0x13, 19), "here")
    assert cut(coils) == coils
    states = modbus.bits(coils, 19)
    assert [index for index, on in enumerate(states) if on] == [
        *(0, 2, 3, 6, 7),
        *(8, 9, 11, 13, 14),
        *(16, 18),
    ]


WRITES = [
    modbus.write_coil(1, 0xAC, True),
    modbus.write_register(1, 0, 0x10),
    modbus.write_registers(3, 3007, (100,)),
    modbus.write_coils(1, 0x13, [True, False]),
]


@pytest.mark.parametrize("request_", WRITES, ids=lambda r: r.hex())
def test_a_write_is_confirmed_by_its_echo_alone(request_: bytes) -> None:
    cut = modbus.answer_to(request_, "here")
    echo = modbus.sealed(request_[:6])
    assert cut(echo[:-1]) is None
    assert cut(echo) == echo
    other = modbus.sealed(request_[:5] + bytes((request_[5] ^ 1,)))
    with pytest.raises(BadAnswer, match="here: the answer begins with"):
        cut(other)


READ = modbus.read(3, Function.READ_HOLDING, 0x48, 2)


def test_a_refusal_is_told_in_words() -> None:
    cut = modbus.answer_to(READ, "/dev/ttyS1 unit 3")
    refusal = modbus.sealed(bytes((3, 0x83, 2)))
    assert cut(refusal[:4]) is None
    with pytest.raises(BadAnswer) as caught:
        cut(refusal)
    assert str(caught.value) == (
        "/dev/ttyS1 unit 3: READ_HOLDING at 0x0048 (0x0002) refused: "
        "illegal address (exception 2); check the settings against the manual of "
        "this model"
    )
    with pytest.raises(BadAnswer, match="unknown exception"):
        cut(modbus.sealed(bytes((3, 0x83, 99))))
    with pytest.raises(BadAnswer, match="wrong checksum"):
        cut(refusal[:4] + b"\x00")


WRONG = [
    ("04 03 04 00 00 00 00", "unit 4 answered instead of 3"),
    ("03 04 04 00 00 00 00", "begins with 03 04 04, not with 03 03 04"),
    ("03 03 06 00 00 00 00", "begins with 03 03 06, not with 03 03 04"),
    ("03 84 02", "begins with 03 84 02, not with 03 03 04"),
]


@pytest.mark.parametrize(("body", "reason"), WRONG, ids=[r for _, r in WRONG])
def test_an_answer_to_something_else_is_refused_at_once(body: str, reason: str) -> None:
    cut = modbus.answer_to(READ, "here")
    with pytest.raises(BadAnswer, match=f"here: .*{reason}"):
        cut(modbus.sealed(hexed(body)))


@given(st.binary(max_size=20))
@settings(max_examples=50, deadline=None)
def test_noise_is_never_an_answer(noise: bytes) -> None:
    assert never_an_answer(modbus.answer_to(READ, "here"), noise)


def test_what_no_frame_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot read 126; 1 to 125"):
        modbus.read(1, Function.READ_INPUT, 0, 126)
    with pytest.raises(ValueError, match="WRITE_COIL: cannot read"):
        modbus.read(1, Function.WRITE_COIL, 0, 1)
    with pytest.raises(ValueError, match="cannot write 0; 1 to 123"):
        modbus.write_registers(1, 0, ())
    with pytest.raises(ValueError, match="cannot pack 0 bits"):
        modbus.write_coils(1, 0, ())
