"""Modbus RTU as the device sees it: requests in, answers out. No port, no clock."""

import struct
from dataclasses import dataclass
from typing import Final

from hal.wire.modbus import (
    BITS,
    EXCEPTION_BIT,
    MOST_COILS,
    MOST_REGISTERS,
    MOST_WRITTEN,
    READS,
    Function,
    crc16,
    sealed,
)

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_BUSY: Final = 6
NOT_NOW: Final = 7

_SHORTEST: Final = 4
_FIXED: Final = 8
_KNOWN: Final = frozenset(function.value for function in Function)
_MANY: Final = frozenset({Function.WRITE_COILS, Function.WRITE_REGISTERS})


@dataclass(frozen=True, slots=True)
class Request:
    """What a master asks; of a write of one, ``octets`` are its two bytes."""

    unit: int
    function: int
    address: int
    count: int
    octets: bytes = b""

    @property
    def words(self) -> tuple[int, ...]:
        """The registers to be written."""
        return struct.unpack(f">{len(self.octets) // 2}H", self.octets)


class Refusal(Exception):
    """The device does not do what is asked; the argument is the exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def request_in(frame: bytes, unit: int) -> Request | None:
    """Return the request to ``unit`` that ``frame`` is, or ``None`` if it is none.

    Raises:
        Refusal: It is one, but the function or its count is not to be had.
    """
    if len(frame) < _SHORTEST or frame[0] != unit or crc16(frame):
        return None
    function = frame[1]
    if function not in _KNOWN:
        raise Refusal(ILLEGAL_FUNCTION)
    if len(frame) < _FIXED:
        return None
    address, count = struct.unpack(">HH", frame[2:6])
    if function in READS:
        _check(count, MOST_COILS if function in BITS else MOST_REGISTERS)
        return Request(unit, function, address, count)
    if function in _MANY:
        return _several(Request(unit, function, address, count, frame[7:-2]), frame[6])
    return Request(unit, function, address, 1, frame[4:6])


def _several(request: Request, size: int) -> Request:
    bits = request.function == Function.WRITE_COILS
    _check(request.count, MOST_COILS if bits else MOST_WRITTEN)
    right = (request.count + 7) // 8 if bits else 2 * request.count
    if not size == right == len(request.octets):
        raise Refusal(ILLEGAL_VALUE)
    return request


def _check(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Refusal(ILLEGAL_VALUE)


def answer(request: Request, octets: bytes) -> bytes:
    """Answer a read with the bytes of its registers or bits."""
    head = bytes((request.unit, request.function, len(octets)))
    return sealed(head + octets)


def confirmation(frame: bytes) -> bytes:
    """Answer a write that was done; ``frame`` is the request as it was heard."""
    return sealed(frame[:6])


def refusal(frame: bytes, code: int) -> bytes:
    """Answer a request that is not done with an exception."""
    return sealed(bytes((frame[0], frame[1] | EXCEPTION_BIT, code)))
