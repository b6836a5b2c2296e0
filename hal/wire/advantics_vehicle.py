"""ADVANTICS EVSE Generic interface v3.6: what the controller tells of the vehicle.

Some messages have grown with the versions of the interface; what an older controller
leaves out reads as zero, which is "not told" everywhere here.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hal.errors import BadAnswer
from hal.wire.signals import member, tenths, unpack, unpack_head

_W_PER_KW: Final = 1000.0
_EVCCID_BYTES: Final = 6
_FULL_PERCENT: Final = 100

_BATTERY: Final = struct.Struct("<HB")
_BATTERY_GROWN: Final = struct.Struct("<HBBBB")
_VOLTAGES: Final = struct.Struct("<HH")
_VOLTAGES_GROWN: Final = struct.Struct("<HHH")
_LIMITS: Final = struct.Struct("<HHHH")
_EXTRA: Final = struct.Struct("<BH5x")


class Pilot(IntEnum):
    """The state of the control pilot, by its volts."""

    E_OR_F = 0
    D = 3
    C = 6
    B = 9
    A = 12


@dataclass(frozen=True, slots=True)
class Battery:
    """The vehicle's battery."""

    capacity_wh: float
    soc_percent: float
    target_soc_percent: float = 0.0

    def encode(self) -> bytes:
        """Return the bytes."""
        return _BATTERY_GROWN.pack(
            round(self.capacity_wh / _W_PER_KW),
            int(self.soc_percent),
            0,
            int(self.target_soc_percent),
            _FULL_PERCENT,
        )

    @classmethod
    def decode(cls, data: bytes) -> "Battery":
        """Read the bytes; raise ``BadAnswer`` for more than a full battery."""
        capacity, soc = unpack_head(_BATTERY, data, "EV_Information_Battery")
        if soc > _FULL_PERCENT:
            raise BadAnswer(f"EV_Information_Battery: {soc} % is no state of charge")
        target = data[4] if len(data) >= _BATTERY_GROWN.size else 0
        return cls(capacity * _W_PER_KW, float(soc), float(target))


@dataclass(frozen=True, slots=True)
class Voltages:
    """Between which voltages the vehicle charges."""

    min_voltage_v: float
    max_voltage_v: float
    present_voltage_v: float = 0.0

    def encode(self) -> bytes:
        """Return the bytes."""
        return _VOLTAGES_GROWN.pack(
            tenths(self.min_voltage_v),
            tenths(self.max_voltage_v),
            tenths(self.present_voltage_v),
        )

    @classmethod
    def decode(cls, data: bytes) -> "Voltages":
        """Read the bytes."""
        lowest, highest = unpack_head(_VOLTAGES, data, "EV_Information_Voltages")
        present = int.from_bytes(data[4:6], "little")
        return cls(lowest / 10, highest / 10, present / 10)


@dataclass(frozen=True, slots=True)
class ChargeLimits:
    """The most that the vehicle takes."""

    max_current_a: float
    max_power_w: float

    def encode(self) -> bytes:
        """Return the bytes."""
        power = round(self.max_power_w / _W_PER_KW)
        return _LIMITS.pack(0, tenths(self.max_current_a), 0, power)

    @classmethod
    def decode(cls, data: bytes) -> "ChargeLimits":
        """Read the bytes."""
        _, current, _, power = unpack(_LIMITS, data, "EV_Information_Charge_Limits")
        return cls(current / 10, power * _W_PER_KW)


@dataclass(frozen=True, slots=True)
class ExtraInformation:
    """The control pilot."""

    pilot: Pilot
    duty_percent: float

    def encode(self) -> bytes:
        """Return the bytes."""
        return _EXTRA.pack(self.pilot, tenths(self.duty_percent, 1000))

    @classmethod
    def decode(cls, data: bytes) -> "ExtraInformation":
        """Read the bytes."""
        volts, duty = unpack(_EXTRA, data, "CCS_Extra_Information")
        return cls(member(Pilot, volts, "CP_State"), duty / 10)


def evccid(data: bytes) -> str:
    """Return what EV_ID_CCS tells, as twelve upper-case hex digits."""
    if len(data) != _EVCCID_BYTES:
        raise BadAnswer(f"EV_ID_CCS: {len(data)} bytes, not {_EVCCID_BYTES}")
    return data.hex().upper()
