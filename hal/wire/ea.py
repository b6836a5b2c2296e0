"""Registers of Elektro-Automatik PS, PSI and PSB supplies, by Modbus RTU.

Values are parts of the nominal ones: 0xCCCC is all of it. The same functions serve
both ends of the line. No port, no clock.
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

WHOLE: Final = 0xCCCC
MOST: Final = 0xD0E5
"""102 per cent: more cannot be set."""

_NOMINAL: Final = struct.Struct(">fff")
_PRESENT: Final = struct.Struct(">IHHH")


class Coil(IntEnum):
    """What is switched with function 0x05."""

    REMOTE = 402
    OUTPUT = 405


class Register(IntEnum):
    """What is read with function 0x03, and set with 0x06."""

    NOMINAL = 121
    """Three floats: volt, ampere, watt."""
    SET_VOLTAGE = 500
    SET_CURRENT = 501
    SET_POWER = 502
    PRESENT = 505
    """State in two registers, then volt, ampere and watt."""


NOMINAL_COUNT: Final = 6
PRESENT_COUNT: Final = 5


class State(IntFlag):
    """Bits of the device's state; bits 9 and 10 are its mode."""

    OUTPUT = 1 << 7
    REMOTE = 1 << 11
    ALARM = 1 << 15


class Mode(IntEnum):
    """What the output is held at."""

    VOLTAGE = 0
    RESISTANCE = 1
    CURRENT = 2
    POWER = 3


_MODE_BIT: Final = 9


class Nominal(NamedTuple):
    """What a device can do."""

    voltage_v: float
    current_a: float
    power_w: float


class Present(NamedTuple):
    """What a device does; the last three are shares of the nominal values."""

    state: int
    voltage: float
    current: float
    power: float

    @property
    def mode(self) -> Mode:
        """What the output is held at."""
        return Mode(self.state >> _MODE_BIT & 0x03)


def share(value: float, nominal: float) -> int:
    """Return a set value as a part of the nominal one, rounded down."""
    return min(int(max(value, 0.0) / nominal * WHOLE), MOST)


def nominal(octets: bytes) -> Nominal:
    """Return what the registers from ``Register.NOMINAL`` on say."""
    return Nominal(*_NOMINAL.unpack(octets))


def nominal_octets(value: Nominal) -> bytes:
    """Return the registers from ``Register.NOMINAL`` on."""
    return _NOMINAL.pack(*value)


def present(octets: bytes) -> Present:
    """Return what the registers from ``Register.PRESENT`` on say."""
    state, voltage, current, power = _PRESENT.unpack(octets)
    return Present(state, voltage / WHOLE, current / WHOLE, power / WHOLE)


def present_octets(value: Present) -> bytes:
    """Return the registers from ``Register.PRESENT`` on."""
    state, *shares = value
    return _PRESENT.pack(state, *(min(round(x * WHOLE), 0xFFFF) for x in shares))


def state(mode: Mode, flags: State) -> int:
    """Return the bits of a state."""
    return mode << _MODE_BIT | flags
