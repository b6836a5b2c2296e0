"""Measurements of the Bender isoCHA425HV, in four registers each.

A value as a float, a byte of alarm and test, a byte of validity and unit, and the
channel that says what was measured.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

REGISTERS: Final = 4
RESISTANCE_CHANNELS: Final = frozenset({1, 71})
VOLTAGE_CHANNEL: Final = 76
OHM: Final = 2
VOLT: Final = 4

_LAYOUT: Final = struct.Struct(">fBBH")
_TEST_SHIFT: Final = 6
_VALIDITY_SHIFT: Final = 6
_ALARM_BITS: Final = 0b111
_UNIT_BITS: Final = 0b11111


class Alarm(IntEnum):
    """What the device makes of the value; others are reserved."""

    NONE = 0
    PRE_WARNING = 1
    DEVICE_ERROR = 2
    WARNING = 4
    ALARM = 5


class Trial(IntEnum):
    """Whether the device is testing itself."""

    NONE = 0
    INTERNAL = 1
    EXTERNAL = 2
    RESERVED = 3


class Validity(IntEnum):
    """How the value stands to the true one."""

    TRUE = 0
    TRUE_IS_SMALLER = 1
    TRUE_IS_BIGGER = 2
    INVALID = 3


class Measurement(NamedTuple):
    """One measurement as the device tells it."""

    value: float
    alarm: int
    trial: Trial
    validity: Validity
    unit: int
    channel: int

    @property
    def failed(self) -> bool:
        """Whether the device is out of order; meaningless while it tests itself."""
        return self.alarm == Alarm.DEVICE_ERROR and self.trial is Trial.NONE


def decode(octets: bytes) -> Measurement:
    """Read four registers."""
    value, status, kind, channel = _LAYOUT.unpack(octets)
    return Measurement(
        value,
        status & _ALARM_BITS,
        Trial(status >> _TEST_SHIFT),
        Validity(kind >> _VALIDITY_SHIFT),
        kind & _UNIT_BITS,
        channel,
    )


def encode(measurement: Measurement) -> bytes:
    """Lay four registers out."""
    return _LAYOUT.pack(
        measurement.value,
        measurement.trial << _TEST_SHIFT | measurement.alarm,
        measurement.validity << _VALIDITY_SHIFT | measurement.unit,
        measurement.channel,
    )


class Register(IntEnum):
    """Where a measurement begins, and what a test is begun with."""

    RESISTANCE = 1000
    VOLTAGE = 1008
    VOLTAGE_L1_EARTH = 1016
    VOLTAGE_L2_EARTH = 1020
    SELF_TEST = 8005
    NAME = 9800


TEST_WORD: Final = 0x5445
"""ASCII TE."""


class Setting(NamedTuple):
    """A register of the device's own configuration, and what may stand in it."""

    register: int
    allowed: range


_SWITCH: Final = range(2)

# fmt: off
SETTINGS: Final = {
    "earth_voltage_alarm": Setting(3000, _SWITCH),
    "prealarm_kohm":       Setting(3005, range(15, 601)),
    "alarm_kohm":          Setting(3007, range(10, 600)),
    "undervoltage_alarm":  Setting(3008, _SWITCH),
    "undervoltage_v":      Setting(3009, range(1001)),
    "overvoltage_alarm":   Setting(3010, _SWITCH),
    "overvoltage_v":       Setting(3011, range(1201)),
    "fault_memory":        Setting(3012, _SWITCH),
    "relay_1_normally_closed": Setting(3013, _SWITCH),
    "relay_2_normally_closed": Setting(3014, _SWITCH),
    "start_delay_s":       Setting(3018, range(11)),
    "relay_on_delay_s":    Setting(3019, range(100)),
    "relay_off_delay_s":   Setting(3020, range(100)),
    "mode":                Setting(3021, range(0, 4, 3)),
    "chademo":             Setting(3023, _SWITCH),
    "mains_self_test":     Setting(3024, _SWITCH),
    "start_self_test":     Setting(3025, _SWITCH),
    "enabled":             Setting(3026, _SWITCH),
    "relay_1_causes":      Setting(3027, range(1 << 11)),
    "relay_2_causes":      Setting(3028, range(1 << 11)),
}
# fmt: on
