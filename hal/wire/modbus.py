"""Modbus RTU as the master sees it: requests out, answers in. No port, no clock.

Source: MODBUS Application Protocol V1.1b3 sections 6 and 7, MODBUS over Serial Line
V1.02 section 2.5.
"""

import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final

from hal.errors import BadAnswer

MOST_REGISTERS: Final = 125
"""How many registers one read may ask for."""
MOST_WRITTEN: Final = 123
"""How many registers one write may carry."""
MOST_COILS: Final = 2000
EXCEPTION_BIT: Final = 0x80

_HEAD: Final = struct.Struct(">BBHH")
_EXCEPTION_SIZE: Final = 5
_ON: Final = 0xFF00


class Function(IntEnum):
    """The functions that are known here."""

    READ_COILS = 0x01
    READ_DISCRETE_INPUTS = 0x02
    READ_HOLDING = 0x03
    READ_INPUT = 0x04
    WRITE_COIL = 0x05
    WRITE_REGISTER = 0x06
    WRITE_COILS = 0x0F
    WRITE_REGISTERS = 0x10


BITS: Final = frozenset({Function.READ_COILS, Function.READ_DISCRETE_INPUTS})
READS: Final = BITS | {Function.READ_HOLDING, Function.READ_INPUT}

EXCEPTIONS: Final = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    7: "not to be done in its present state",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway got no answer",
}
"""What each exception code means."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC: Final = _crc_table()


def crc16(frame: bytes) -> int:
    """Return the checksum; over a whole frame with its checksum it is zero."""
    crc = 0xFFFF
    table = _CRC
    for byte in frame:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def sealed(body: bytes) -> bytes:
    """Return ``body`` with its checksum, which goes low byte first."""
    return body + crc16(body).to_bytes(2, "little")


def read(unit: int, function: Function, address: int, count: int) -> bytes:
    """Ask for ``count`` registers, coils or discrete inputs from ``address`` on."""
    most = MOST_COILS if function in BITS else MOST_REGISTERS
    if function not in READS or not 1 <= count <= most:
        raise ValueError(f"{function.name}: cannot read {count}; 1 to {most} can be")
    return sealed(_HEAD.pack(unit, function, address, count))


def write_coil(unit: int, address: int, on: bool) -> bytes:
    """Switch one coil."""
    return sealed(_HEAD.pack(unit, Function.WRITE_COIL, address, _ON if on else 0))


def write_register(unit: int, address: int, word: int) -> bytes:
    """Write one register by the function for one (0x06)."""
    return sealed(_HEAD.pack(unit, Function.WRITE_REGISTER, address, word))


def write_coils(unit: int, address: int, coils: Sequence[bool]) -> bytes:
    """Switch several coils in a row."""
    octets = packed_bits(coils)
    head = _HEAD.pack(unit, Function.WRITE_COILS, address, len(coils))
    return sealed(head + bytes((len(octets),)) + octets)


def write_registers(unit: int, address: int, words: Sequence[int]) -> bytes:
    """Write registers in a row, one at the least (0x10)."""
    if not 1 <= len(words) <= MOST_WRITTEN:
        raise ValueError(f"cannot write {len(words)}; 1 to {MOST_WRITTEN} can be")
    octets = struct.pack(f">{len(words)}H", *words)
    head = _HEAD.pack(unit, Function.WRITE_REGISTERS, address, len(words))
    return sealed(head + bytes((len(octets),)) + octets)


def answer_to(request: bytes, where: str) -> Callable[[bytes], bytes | None]:
    """Return what cuts the answer to ``request`` out of what is heard after it.

    It returns ``None`` while bytes are missing, and else the whole frame, checked:
    unit, function, length, checksum and, of a write, its echo.

    Args:
        request: A frame of this module.
        where: Names port and device in the texts of errors.

    Raises:
        BadAnswer: What was heard can never become the answer, or is a refusal.
    """
    unit, function = request[:2]
    reads = function in READS
    head = request[:2] + (bytes((_payload(request),)) if reads else request[2:6])
    size = answer_size(request)
    refusal = bytes((unit, function | EXCEPTION_BIT))

    def cut(heard: bytes) -> bytes | None:
        if heard[:2] == refusal:
            if len(heard) < _EXCEPTION_SIZE:
                return None
            _check_sum(heard[:_EXCEPTION_SIZE], where)
            raise BadAnswer(_refused(request, heard[2], where))
        if heard[: len(head)] != head[: len(heard)]:
            _raise_wrong(heard, head, where)
        if len(heard) < size:
            return None
        _check_sum(heard[:size], where)
        return heard[:size]

    return cut


def answer_size(request: bytes) -> int:
    """Return how many bytes the answer to ``request`` has."""
    return 5 + _payload(request) if request[1] in READS else 8


def words(answer: bytes) -> tuple[int, ...]:
    """Return the registers of a checked answer to a read."""
    return struct.unpack(f">{answer[2] // 2}H", answer[3:-2])


def octets(answer: bytes) -> bytes:
    """Return the bytes of the registers of a checked answer to a read."""
    return answer[3:-2]


def bits(answer: bytes, count: int) -> tuple[bool, ...]:
    """Return the first ``count`` bits of a checked answer to a read of bits."""
    packed = int.from_bytes(answer[3:-2], "little")
    return tuple(bool(packed >> index & 1) for index in range(count))


def packed_bits(values: Sequence[bool]) -> bytes:
    """Return bits as they go on the wire, the first in the lowest place."""
    if not 1 <= len(values) <= MOST_COILS:
        raise ValueError(f"cannot pack {len(values)} bits; 1 to {MOST_COILS} can be")
    packed = sum(1 << index for index, on in enumerate(values) if on)
    return packed.to_bytes((len(values) + 7) // 8, "little")


def _payload(request: bytes) -> int:
    function = request[1]
    count = int.from_bytes(request[4:6], "big")
    return (count + 7) // 8 if function in BITS else 2 * count


def _check_sum(frame: bytes, where: str) -> None:
    if crc16(frame):
        raise BadAnswer(
            f"{where}: wrong checksum in {frame.hex(' ')}; "
            "check shield, termination and baud rate of the line"
        )


def _raise_wrong(heard: bytes, head: bytes, where: str) -> None:
    if heard[0] != head[0]:
        raise BadAnswer(
            f"{where}: unit {heard[0]} answered instead of {head[0]}; "
            "give each device on the line an address of its own"
        )
    raise BadAnswer(
        f"{where}: the answer begins with {heard[: len(head)].hex(' ')}, not with "
        f"{head.hex(' ')}; check model and address of the device"
    )


def _refused(request: bytes, code: int, where: str) -> str:
    _, function, address, count = _HEAD.unpack(request[:6])
    what = f"{Function(function).name} at {address:#06x} ({count:#06x})"
    meaning = EXCEPTIONS.get(code, "unknown exception")
    return (
        f"{where}: {what} refused: {meaning} (exception {code}); "
        "check the settings against the manual of this model"
    )
