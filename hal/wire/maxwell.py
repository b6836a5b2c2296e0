"""CAN frames of Maxwell MXR modules, V1.50; Winline UXR and NXR speak the same.

Big-endian; a value is a float or a whole number of 32 bits in a register. The same
functions serve both ends of the bus. No port, no clock.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from hal.wire.frame import Frame

CONTROLLER: Final = 0xF0
EVERY: Final = 0xFF
ADDRESSES: Final = range(64)
GROUPS: Final = range(61)
TO_CONTROLLER: Final = 0x1FF7F800
"""The bits of an identifier that all answers to a controller share."""
ANSWERS: Final = 0x06078000
"""What those bits are."""
OFF: Final = 0x0001_0000
ON: Final = 0

_PROTOCOL: Final = 0x060
_PROTOCOL_BIT: Final = 20
_SINGLE_BIT: Final = 19
_DESTINATION_BIT: Final = 11
_SOURCE_BIT: Final = 3
_OWN_GROUP: Final = 0xFE
_FIRST_EXTENDED_GROUP: Final = 8
_EXTENDED_GROUP: Final = 0xFD
_SIZE: Final = 8
_DATA: Final = struct.Struct(">BBH4s")
_FLOAT: Final = struct.Struct(">f")
_WHOLE: Final = struct.Struct(">I")
_NOTHING: Final = bytes(4)
_MILLI: Final = 1024
"""A current as a whole number comes in parts of 1/1024 A."""


class Function(IntEnum):
    """The first byte."""

    SET = 0x03
    READ = 0x10
    FLOAT = 0x41
    WHOLE = 0x42


ANSWER_FUNCTIONS: Final = frozenset({Function.FLOAT, Function.WHOLE})


class Error(IntEnum):
    """The second byte of an answer."""

    NONE = 0xF0
    REFUSED = 0xF2


class Register(IntEnum):
    """What can be read or set."""

    VOLTAGE = 0x0001
    CURRENT = 0x0002
    CURRENT_LIMIT = 0x0003
    DC_TEMPERATURE = 0x0004
    INLET_TEMPERATURE = 0x000B
    PFC_TEMPERATURE = 0x0010
    RATED_POWER = 0x0011
    RATED_CURRENT = 0x0012
    SET_CURRENT = 0x001B
    SET_GROUP = 0x001E
    SET_VOLTAGE = 0x0021
    SET_CURRENT_LIMIT = 0x0022
    SWITCH = 0x0030
    STATE = 0x0040
    GROUP_AND_ADDRESS = 0x0043
    INPUT_POWER = 0x0048


class State(IntFlag):
    """The bits of ``Register.STATE``."""

    FAULT = 1 << 0
    PROTECTION = 1 << 1
    INTERNAL_COMMUNICATION = 1 << 3
    INPUT_MODE_ERROR = 1 << 4
    INPUT_MODE_MISMATCH = 1 << 5
    DC_OVER_VOLTAGE = 1 << 7
    PFC_ABNORMAL = 1 << 8
    INPUT_OVER_VOLTAGE = 1 << 9
    INPUT_UNDER_VOLTAGE = 1 << 14
    CAN_FAILURE = 1 << 16
    CURRENT_IMBALANCE = 1 << 17
    OFF = 1 << 22
    POWER_LIMITED = 1 << 23
    TEMPERATURE_DERATING = 1 << 24
    INPUT_LIMITED = 1 << 25
    FAN_FAULT = 1 << 27
    OUTPUT_SHORT = 1 << 28
    OVER_TEMPERATURE = 1 << 30
    OUTPUT_OVER_VOLTAGE = 1 << 31


class Head(NamedTuple):
    """An identifier, taken apart."""

    single: bool
    """From one to one; else to all who feel meant."""
    destination: int
    source: int
    group: int = 0


class Message(NamedTuple):
    """The data of a frame, taken apart."""

    function: int
    error: int
    register: int
    octets: bytes

    @property
    def number(self) -> float:
        """The value, as the function says what it is."""
        if self.function == Function.FLOAT:
            return float(_FLOAT.unpack(self.octets)[0])
        return float(_WHOLE.unpack(self.octets)[0])

    @property
    def whole(self) -> int:
        """The value, taken for a whole number."""
        return int(_WHOLE.unpack(self.octets)[0])


def identifier(head: Head) -> int:
    """Put an identifier together."""
    single, destination, source, group = head
    return (
        _PROTOCOL << _PROTOCOL_BIT
        | single << _SINGLE_BIT
        | destination << _DESTINATION_BIT
        | source << _SOURCE_BIT
        | group
    )


def head(identifier: int) -> Head | None:
    """Take an identifier apart; ``None`` if it is of another protocol."""
    if identifier >> _PROTOCOL_BIT != _PROTOCOL:
        return None
    return Head(
        bool(identifier >> _SINGLE_BIT & 1),
        identifier >> _DESTINATION_BIT & 0xFF,
        identifier >> _SOURCE_BIT & 0xFF,
        identifier & 0x07,
    )


def to_module(address: int) -> int:
    """Return the identifier of a frame to one module."""
    return identifier(Head(True, address, CONTROLLER))


def to_group(group: int) -> int:
    """Return the identifier of a frame to all modules of a group."""
    if group < _FIRST_EXTENDED_GROUP:
        return identifier(Head(False, _OWN_GROUP, CONTROLLER, group))
    return identifier(Head(False, _EXTENDED_GROUP - group, CONTROLLER))


def to_all() -> int:
    """Return the identifier of a frame to all modules."""
    return identifier(Head(False, EVERY, CONTROLLER))


def is_meant(to: Head, address: int, group: int) -> bool:
    """Return whether a module must take a frame with the head ``to``."""
    if to.single:
        return to.destination == address
    if to.destination == EVERY:
        return True
    return identifier(to._replace(source=CONTROLLER)) == to_group(group)


def read(to: int, register: Register) -> Frame:
    """Ask for a register."""
    return Frame(to, _DATA.pack(Function.READ, 0, register, _NOTHING))


def set_float(to: int, register: Register, value: float) -> Frame:
    """Set a register that holds a float."""
    return Frame(to, _DATA.pack(Function.SET, 0, register, _FLOAT.pack(value)))


def set_whole(to: int, register: Register, value: int) -> Frame:
    """Set a register that holds a whole number."""
    return Frame(to, _DATA.pack(Function.SET, 0, register, _WHOLE.pack(value)))


def current(current_a: float) -> int:
    """Return a current as ``Register.SET_CURRENT`` takes it."""
    return int(current_a * _MILLI)


def read_current(whole: int) -> float:
    """Return the current of ``Register.SET_CURRENT``."""
    return whole / _MILLI


def answer(
    address: int, group: int, register: int, value: float | bytes, error: Error
) -> Frame:
    """Return a module's answer; octets are sent as they are, for a whole number."""
    to = identifier(Head(True, CONTROLLER, address, group & 0x07))
    if isinstance(value, bytes):
        return Frame(to, _DATA.pack(Function.WHOLE, error, register, value))
    octets = _FLOAT.pack(value)
    return Frame(to, _DATA.pack(Function.FLOAT, error, register, octets))


def whole(value: int) -> bytes:
    """Return a whole number as octets."""
    return _WHOLE.pack(value)


def message(data: bytes) -> Message | None:
    """Take data apart; ``None`` if they are too short or too long."""
    return Message(*_DATA.unpack(data)) if len(data) == _SIZE else None
