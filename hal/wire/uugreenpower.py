"""CAN frames of UUGreenPower UR1000 modules, 36.2; Maxwell ENR modules speak the same.

Big-endian; millivolts, milliamperes and thousandths of a degree. The same functions
serve both ends of the bus. No port, no clock.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from hal.wire.frame import Frame

MONITOR: Final = 1
ADDRESSES: Final = range(1, 128)
GROUPS: Final = range(1, 16)
USUAL_GROUP: Final = 1
TO_MONITOR: Final = 0x1FE00000
"""The bits of an identifier that all answers to one monitor share. Those of frames to
modules are the same: only the message type tells which way it goes."""
ON: Final = 0
OFF: Final = 1

_PROTOCOL: Final = 1
_PROTOCOL_BIT: Final = 25
_MONITOR_BIT: Final = 21
_ADDRESS_BIT: Final = 14
_MARK_BITS: Final = 0x3FFF
_VALUE: Final = struct.Struct(">BBHi")
_ALL: Final = struct.Struct(">BBHHH")
_SIZE: Final = 8
_RANGE_BIT: Final = 6


class Type(IntEnum):
    """The low half of the first byte."""

    SET = 0
    SET_ANSWER = 1
    READ = 2
    READ_ANSWER = 3
    SERIAL_ANSWER = 4
    SET_ALL = 11
    SET_ALL_ANSWER = 12


class Command(IntEnum):
    """What is read or set."""

    VOLTAGE = 0
    CURRENT = 1
    VOLTAGE_REFERENCE = 2
    CURRENT_LIMIT = 3
    SWITCH = 4
    SERIAL = 5
    STATE = 8
    INLET_TEMPERATURE = 30
    CURRENT_FAST = 48
    GROUP = 89
    SELECT_RANGE = 95
    SELECTED_RANGE = 96
    VOLTAGE_FAST = 98
    CURRENT_CAPABILITY = 104


class Range(IntEnum):
    """Whether the two halves of a module are in series or side by side."""

    HIGH = 1
    LOW = 2
    AUTOMATIC = 3


class RangeOfAll(IntEnum):
    """The same, as ``SET_ALL`` says it."""

    AS_IT_IS = 0
    HIGH = 2
    LOW = 3


class State(IntFlag):
    """The bits of ``Command.STATE``."""

    INPUT_OVER_VOLTAGE = 1 << 0
    INPUT_UNDER_VOLTAGE = 1 << 1
    INPUT_DISCONNECTED = 1 << 2
    PFC_OVER_VOLTAGE = 1 << 3
    PFC_UNDER_VOLTAGE = 1 << 4
    PFC_UNBALANCED = 1 << 5
    OUTPUT_OVER_VOLTAGE = 1 << 6
    OUTPUT_OVER_VOLTAGE_SHUTDOWN = 1 << 7
    OUTPUT_UNDER_VOLTAGE = 1 << 8
    FAN_FAULT = 1 << 9
    MANUALLY_OFF = 1 << 10
    FAN_DRIVER_FAULT = 1 << 11
    AMBIENT_OVER_TEMPERATURE = 1 << 12
    AMBIENT_UNDER_TEMPERATURE = 1 << 13
    PFC_OVER_TEMPERATURE = 1 << 14
    OUTPUT_RELAY_FAULT = 1 << 15
    DC_OVER_TEMPERATURE = 1 << 16
    DC_OVER_TEMPERATURE_TOO = 1 << 17
    INTERNAL_COMMUNICATION = 1 << 18
    WAITS_FOR_PFC = 1 << 19
    PFC_FAILED = 1 << 20
    DC_FAILED = 1 << 21
    INPUT_DERATING = 1 << 22
    TEMPERATURE_DERATING = 1 << 23
    PFC_OFF = 1 << 24
    OFF = 1 << 25
    CURRENT_LOOP = 1 << 27
    OUTPUT_UNBALANCED = 1 << 28
    SERIAL_REPEATED = 1 << 29
    SHORT_SHUTDOWN = 1 << 30
    BLEEDER_FAULT = 1 << 31


class Head(NamedTuple):
    """An identifier, taken apart."""

    monitor: int
    address: int
    """Of the module, whichever way the frame goes; zero is all of them."""
    mark: int = 0
    """Day of production and serial number, in a module's frames."""


class Message(NamedTuple):
    """The data of a frame, taken apart."""

    group: int
    type: int
    command: int
    value: int
    """Signed, in the thousandths that the command's unit has."""

    @property
    def bits(self) -> int:
        """The value as 32 bits."""
        return self.value & 0xFFFFFFFF


class All(NamedTuple):
    """Everything that a module can be told, in one frame."""

    on: bool
    voltage_v: float
    current_a: float
    battery_v: float
    range: RangeOfAll = RangeOfAll.AS_IT_IS


def identifier(head: Head) -> int:
    """Put an identifier together."""
    return (
        _PROTOCOL << _PROTOCOL_BIT
        | head.monitor << _MONITOR_BIT
        | head.address << _ADDRESS_BIT
        | head.mark
    )


def head(identifier: int) -> Head | None:
    """Take an identifier apart; ``None`` if it is of another protocol."""
    if identifier >> _PROTOCOL_BIT != _PROTOCOL:
        return None
    return Head(
        identifier >> _MONITOR_BIT & 0x0F,
        identifier >> _ADDRESS_BIT & 0x7F,
        identifier & _MARK_BITS,
    )


def frame(head: Head, message: Message) -> Frame:
    """Return a frame, whichever way it goes."""
    group, kind, command, value = message
    data = _VALUE.pack(group << 4 | kind, command, 0, value)
    return Frame(identifier(head), data)


def message(data: bytes) -> Message | None:
    """Take data apart; ``None`` if they are too short or too long."""
    if len(data) != _SIZE:
        return None
    first, command, _, value = _VALUE.unpack(data)
    return Message(first >> 4, first & 0x0F, command, value)


def milli(value: float) -> int:
    """Return volt, ampere or degree in thousandths."""
    return round(value * 1000)


def signed(bits: int) -> int:
    """Return 32 bits as they go into a message."""
    return bits - (1 << 32) if bits >> 31 else bits


def set_all(head: Head, group: int, all_: All, kind: Type = Type.SET_ALL) -> Frame:
    """Tell a module everything at once, or answer that."""
    how = all_.range << _RANGE_BIT | (ON if all_.on else OFF)
    tenths = (round(10 * x) for x in (all_.current_a, all_.battery_v, all_.voltage_v))
    return Frame(identifier(head), _ALL.pack(group << 4 | kind, how, *tenths))


def read_all(data: bytes) -> All:
    """Return what a module is told at once."""
    _, how, current, battery, voltage = _ALL.unpack(data)
    on = how & 0x03 in (ON, 2)
    chosen = RangeOfAll(how >> _RANGE_BIT) if how >> _RANGE_BIT != 1 else RangeOfAll(0)
    return All(on, voltage / 10, current / 10, battery / 10, chosen)
