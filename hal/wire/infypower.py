"""CAN frames of Infypower REG, CEG and LRG modules, protocol V1.09 to V1.13.

Big-endian; volt and ampere travel as whole millivolts and milliamperes. The same
functions serve both ends of the bus. No port, no clock.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from hal.wire.frame import Frame

CONTROLLER: Final = 0xF0
CONTROLLERS: Final = range(0xF0, 0xF9)
EVERY: Final = 0x3F
"""The destination that all modules take for theirs."""
ADDRESSES: Final = range(0x00, 0x3D)
GROUPS: Final = range(0x00, 0x3D)

TO_CONTROLLER: Final = 0x0380FFC0
"""The bits of an identifier that all answers to one controller share."""

_ERROR_BIT: Final = 26
_DEVICE_BIT: Final = 22
_COMMAND_BIT: Final = 16
_DESTINATION_BIT: Final = 8
_NOTHING: Final = bytes(8)
_PAIR: Final = struct.Struct(">II")
_FLOATS: Final = struct.Struct(">ff")
_WORDS: Final = struct.Struct(">HHHH")
_STATE: Final = struct.Struct(">2xBxbBBB")


class Device(IntEnum):
    """What the destination of a frame is the number of."""

    MODULE = 0x0A
    GROUP = 0x0B


class Error(IntEnum):
    """What a module may put into the identifier of its answer."""

    NONE = 0
    COMMAND_INVALID = 2
    DATA_INVALID = 3
    ADDRESS_INVALID = 4
    STARTING = 7


class Command(IntEnum):
    """Reads and writes; an answer repeats the command."""

    READ_SYSTEM_FLOATS = 0x01
    READ_COUNT = 0x02
    READ_MODULE_FLOATS = 0x03
    READ_STATE = 0x04
    READ_MAINS = 0x06
    READ_SYSTEM = 0x08
    READ_MODULE = 0x09
    READ_RATING = 0x0A
    READ_BAR_CODE = 0x0B
    READ_OUTSIDE = 0x0C
    WALK_IN = 0x13
    LOCATE = 0x14
    GROUP = 0x16
    BETWEEN_MODULES = 0x17
    SLEEP = 0x19
    SWITCH = 0x1A
    AIM_TOTAL = 0x1B
    AIM_MODULE = 0x1C
    ADDRESS_MODE = 0x1F


class State(IntFlag):
    """The three state bytes of a module; the lowest eight bits are ``state0``."""

    OUTPUT_SHORT = 1 << 0
    BUS_ABNORMAL = 1 << 3
    SLEEPING = 1 << 4
    DISCHARGE_ABNORMAL = 1 << 5
    AIR_DUCT_BLOCKED = 1 << 6
    OFF = 1 << 8
    FAULT = 1 << 9
    PROTECTION = 1 << 10
    FAN_FAULT = 1 << 11
    OVER_TEMPERATURE = 1 << 12
    OUTPUT_OVER_VOLTAGE = 1 << 13
    WALK_IN = 1 << 14
    COMMUNICATION_LOST = 1 << 15
    POWER_LIMITED = 1 << 16
    ADDRESS_REPEATED = 1 << 17
    LOAD_NOT_SHARED = 1 << 18
    PHASE_LOST = 1 << 19
    INPUT_UNBALANCED = 1 << 20
    INPUT_UNDER_VOLTAGE = 1 << 21
    INPUT_OVER_VOLTAGE = 1 << 22
    PFC_OFF = 1 << 23


class Head(NamedTuple):
    """An identifier, taken apart."""

    error: int
    device: int
    command: int
    destination: int
    source: int


class Status(NamedTuple):
    """What a module says of itself."""

    group: int
    ambient_c: int
    state: State


class Rating(NamedTuple):
    """What a module can do."""

    max_voltage_v: float
    min_voltage_v: float
    max_current_a: float
    power_w: float


def identifier(head: Head) -> int:
    """Put an identifier together."""
    error, device, command, destination, source = head
    return (
        error << _ERROR_BIT
        | device << _DEVICE_BIT
        | command << _COMMAND_BIT
        | destination << _DESTINATION_BIT
        | source
    )


def head(identifier: int) -> Head:
    """Take an identifier apart."""
    return Head(
        identifier >> _ERROR_BIT & 0x07,
        identifier >> _DEVICE_BIT & 0x0F,
        identifier >> _COMMAND_BIT & 0x3F,
        identifier >> _DESTINATION_BIT & 0xFF,
        identifier & 0xFF,
    )


def to_controller(controller: int) -> int:
    """Return what those bits are in answers to ``controller``."""
    return Device.MODULE << _DEVICE_BIT | controller << _DESTINATION_BIT


def order(
    command: Command,
    destination: int,
    data: bytes = _NOTHING,
    device: Device = Device.MODULE,
    source: int = CONTROLLER,
) -> Frame:
    """Return a frame of the controller; a read carries nothing."""
    to = Head(Error.NONE, device, command, destination, source)
    return Frame(identifier(to), data)


def answer(
    asked: Head, source: int, data: bytes = _NOTHING, error: Error = Error.NONE
) -> Frame:
    """Return a module's answer to a frame with the head ``asked``."""
    to = Head(error, Device.MODULE, asked.command, asked.source, source)
    return Frame(identifier(to), data)


def choice(value: int) -> bytes:
    """Return the data of a write with one choice: 0x13 to 0x1A and 0x1F."""
    return bytes((value,)) + bytes(7)


def switch(on: bool) -> bytes:
    """Return the data of ``SWITCH``: zero is on."""
    return choice(0 if on else 1)


def pair(voltage_v: float, current_a: float) -> bytes:
    """Return volt and ampere as in 0x08, 0x09, 0x1B and 0x1C."""
    return _PAIR.pack(round(voltage_v * 1000), round(current_a * 1000))


def read_pair(data: bytes) -> tuple[float, float]:
    """Return volt and ampere of 0x08, 0x09, 0x1B and 0x1C."""
    millivolt, milliampere = _PAIR.unpack(data)
    return millivolt / 1000, milliampere / 1000


def floats(voltage_v: float, current_a: float) -> bytes:
    """Return volt and ampere as in 0x01 and 0x03."""
    return _FLOATS.pack(voltage_v, current_a)


def status(value: Status) -> bytes:
    """Return the data of an answer to 0x04."""
    state = value.state
    octets = (state >> 16 & 0xFF, state >> 8 & 0xFF, state & 0xFF)
    return _STATE.pack(value.group, value.ambient_c, *octets)


def read_status(data: bytes) -> Status:
    """Return what an answer to 0x04 says."""
    group, ambient_c, state2, state1, state0 = _STATE.unpack(data)
    return Status(group, ambient_c, State(state2 << 16 | state1 << 8 | state0))


def rating(value: Rating) -> bytes:
    """Return the data of an answer to 0x0A."""
    return _WORDS.pack(
        round(value.max_voltage_v),
        round(value.min_voltage_v),
        round(value.max_current_a * 10),
        round(value.power_w / 10),
    )


def read_rating(data: bytes) -> Rating:
    """Return what an answer to 0x0A says."""
    max_v, min_v, tenths_a, tens_w = _WORDS.unpack(data)
    return Rating(float(max_v), float(min_v), tenths_a / 10, tens_w * 10.0)


def bar_code(text: str) -> bytes:
    """Return the data of an answer to 0x0B for 17 characters."""
    number, letter, tail = int(text[:12]), text[12], int(text[13:])
    return letter.encode() + number.to_bytes(5, "big") + tail.to_bytes(2, "big")
