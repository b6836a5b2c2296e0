"""Modbus RTU from the side of the device."""

import pytest

from hal.wire import modbus, modbus_slave
from hal.wire.modbus import Function
from hal.wire.modbus_slave import Refusal, Request, request_in

REQUESTS = [
    (
        modbus.read(3, Function.READ_HOLDING, 1000, 4),
        Request(3, Function.READ_HOLDING, 1000, 4),
    ),
    (
        modbus.read(3, Function.READ_COILS, 7, 19),
        Request(3, Function.READ_COILS, 7, 19),
    ),
    (
        modbus.write_register(3, 5, 0x1234),
        Request(3, Function.WRITE_REGISTER, 5, 1, b"\x12\x34"),
    ),
    (
        modbus.write_coil(3, 5, True),
        Request(3, Function.WRITE_COIL, 5, 1, b"\xff\x00"),
    ),
    (
        modbus.write_registers(3, 8005, (0x5445, 1)),
        Request(3, Function.WRITE_REGISTERS, 8005, 2, b"\x54\x45\x00\x01"),
    ),
    (
        modbus.write_coils(3, 0, (True, False, True)),
        Request(3, Function.WRITE_COILS, 0, 3, b"\x05"),
    ),
]


@pytest.mark.parametrize(("frame", "request_"), REQUESTS, ids=lambda v: str(v)[:20])
def test_a_request_is_understood(frame: bytes, request_: Request) -> None:
    assert request_in(frame, 3) == request_
    assert request_in(frame, 4) is None
    for size in range(len(frame)):
        assert request_in(frame[:size], 3) is None


def test_a_request_that_is_too_short_is_none() -> None:
    assert request_in(modbus.sealed(bytes.fromhex("03 03 00 00")), 3) is None


def test_the_words_of_a_write_are_had() -> None:
    request = request_in(modbus.write_registers(3, 8005, (0x5445, 1)), 3)
    assert request is not None
    assert request.words == (0x5445, 1)


REFUSED = [
    ("03 07", modbus_slave.ILLEGAL_FUNCTION),
    ("03 2B 0E 01 00", modbus_slave.ILLEGAL_FUNCTION),
    ("03 03 00 00 00 00", modbus_slave.ILLEGAL_VALUE),
    ("03 03 00 00 00 7E", modbus_slave.ILLEGAL_VALUE),
    ("03 01 00 00 07 D1", modbus_slave.ILLEGAL_VALUE),
    ("03 10 00 00 00 02 02 00 01", modbus_slave.ILLEGAL_VALUE),
    ("03 10 00 00 00 02 04 00 01", modbus_slave.ILLEGAL_VALUE),
    ("03 0F 00 00 00 09 01 FF", modbus_slave.ILLEGAL_VALUE),
]


@pytest.mark.parametrize(("body", "code"), REFUSED, ids=[b for b, _ in REFUSED])
def test_what_cannot_be_asked_is_refused(body: str, code: int) -> None:
    frame = modbus.sealed(bytes.fromhex(body))
    with pytest.raises(Refusal, match=f"exception {code}") as caught:
        request_in(frame, 3)
    assert caught.value.code == code


def test_a_device_answers_as_the_manuals_show() -> None:
    read = Request(3, Function.READ_HOLDING, 1000, 4)
    octets = bytes.fromhex("49 B7 1B 00 00 02 00 47")
    assert modbus_slave.answer(read, octets) == bytes.fromhex(
        "03 03 08 49 B7 1B 00 00 02 00 47 7F 27"
    )
    frame = modbus.write_registers(3, 3007, (100,))
    echo = modbus.answer_to(frame, "here")(modbus_slave.confirmation(frame))
    assert echo == modbus.sealed(bytes.fromhex("03 10 0B BF 00 01"))
    # MODBUS Application Protocol V1.1b3 section 7
    refused = modbus_slave.refusal(bytes.fromhex("0A 01 04 A1 00 01 AC 63"), 2)
    assert refused == modbus.sealed(bytes.fromhex("0A 81 02"))
