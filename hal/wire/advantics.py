"""ADVANTICS EVSE Generic interface v3.6: what steers a session, as values and bytes.

Source: ADVANTICS/documentation, charge-controllers/secc_generic: can_v3.md,
sequences_v3.md and the v3.6 database. All signals are little-endian; bits without a
meaning are zero. Each connector has a controller of its own, told from the others on
the bus by the index in the top bits of every identifier.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hal.wire.signals import member, signed_tenths, tenths, unpack, whole_tenths

FROM_CONTROLLER: Final = 0x6B000
FAMILY_MASK: Final = 0x1FFFF000
"""With this mask, all that one controller says has one identifier."""
HIGHEST_INDEX: Final = 31
HIGHEST_OHM: Final = 510_000.0
"""The most that the byte of the resistance can say; a sound cable has more."""

_INDEX_SHIFT: Final = 24
_BASE_MASK: Final = 0xFFFFFF
_OHM_PER_BIT: Final = 2000.0
_COLDEST_C: Final = -40

_STATE: Final = struct.Struct("<B")
_STATUS: Final = struct.Struct("<HhBBBB")
_PARAMETERS: Final = struct.Struct("<HHHh")
_FLAGS: Final = struct.Struct("<BBB")
_CONTROL: Final = struct.Struct("<HhhB")


class Message(IntEnum):
    """The identifiers of the messages, without an index."""

    POWER_MODULES_STATUS = 0x63000
    DC_POWER_PARAMETERS = 0x63001
    SEQUENCE_CONTROL = 0x63002
    CONTROLLER_STATUS = 0x6B000
    NEW_CHARGE_SESSION = 0x6B001
    CHARGE_STATUS_CHANGE = 0x6B002
    DC_POWER_CONTROL = 0x6B003
    CHARGE_SESSION_FINISHED = 0x6B004
    EMERGENCY_STOP = 0x6B005
    EV_INFORMATION_BATTERY = 0x6B100
    EV_INFORMATION_VOLTAGES = 0x6B101
    EV_INFORMATION_CHARGE_LIMITS = 0x6B102
    EV_ID_CCS = 0x6B105
    CCS_EXTRA_INFORMATION = 0x6B203


class State(IntEnum):
    """Where a controller stands."""

    INITIALISING = 0
    WAITING_FOR_PEV = 1
    NEGOTIATING_CONNECTION = 2
    CONNECTED_WITH_FULL_INFO = 3
    INSULATION_TEST = 4
    PRECHARGE = 5
    WAITING_FOR_CHARGE = 6
    CHARGING = 7
    ENDING_CHARGE = 8
    WELDING_DETECTION = 9
    CLOSING_COMMUNICATION = 10
    CCS_AUTHORISATION_PROCESS = 11
    NOT_AVAILABLE = 12
    CHARGE_PAUSE = 13


class Function(IntEnum):
    """What the power modules shall do."""

    OFF = 0
    STANDBY = 1
    INSULATION_TEST = 2
    PRECHARGE = 4
    POWER_TRANSFER = 8


class Origin(IntEnum):
    """Which side broke off."""

    EVSE = 1
    PEV = 3


def identifier(message: Message, index: int) -> int:
    """Return the identifier of a message to or from the controller ``index``."""
    return message | index << _INDEX_SHIFT


def without_index(identifier: int) -> int:
    """Return what :class:`Message` has of an identifier."""
    return identifier & _BASE_MASK


def state(data: bytes) -> State:
    """Return what Advantics_Controller_Status tells."""
    (value,) = unpack(_STATE, data, "Advantics_Controller_Status")
    return member(State, value, "State")


def origin(data: bytes) -> Origin:
    """Return which side Emergency_Stop names."""
    (value,) = unpack(_STATE, data, "Emergency_Stop")
    return member(Origin, value, "Origin")


@dataclass(frozen=True, slots=True)
class PowerModulesStatus:
    """What the station measures; due every 100 ms."""

    voltage_v: float
    current_a: float
    modules_c: float
    enclosure_c: float
    enabled: bool
    resistance_ohm: float
    """Told in steps of 2 kohm, rounded down, and as ``HIGHEST_OHM`` at most."""

    def encode(self) -> bytes:
        """Return the bytes."""
        return _STATUS.pack(
            tenths(self.voltage_v),
            signed_tenths(self.current_a),
            _degrees(self.modules_c),
            _degrees(self.enclosure_c),
            self.enabled,
            int(min(max(self.resistance_ohm, 0.0), HIGHEST_OHM) / _OHM_PER_BIT),
        )

    @classmethod
    def decode(cls, data: bytes) -> "PowerModulesStatus":
        """Read the bytes."""
        voltage, current, modules, enclosure, enabled, resistance = unpack(
            _STATUS, data, "Power_Modules_Status"
        )
        return cls(
            voltage / 10,
            current / 10,
            float(modules + _COLDEST_C),
            float(enclosure + _COLDEST_C),
            enabled == 1,
            resistance * _OHM_PER_BIT,
        )


@dataclass(frozen=True, slots=True)
class PowerParameters:
    """What the station offers; zero leaves it to the controller's configuration."""

    max_voltage_v: float
    max_current_a: float

    def encode(self) -> bytes:
        """Return the bytes."""
        return _PARAMETERS.pack(
            whole_tenths(self.max_voltage_v), whole_tenths(self.max_current_a), 0, 0
        )

    @classmethod
    def decode(cls, data: bytes) -> "PowerParameters":
        """Read the bytes."""
        voltage, current, _, _ = unpack(_PARAMETERS, data, "DC_Power_Parameters")
        return cls(voltage / 10, current / 10)


@dataclass(frozen=True, slots=True)
class SequenceControl:
    """How far a session may go."""

    start: bool = False
    authorization_done: bool = False
    authorization_valid: bool = False
    parameters_done: bool = False
    stop_button: bool = False
    """Acts when it changes from false to true."""

    def encode(self) -> bytes:
        """Return the bytes."""
        decided = (
            self.authorization_done
            | self.authorization_valid << 1
            | self.parameters_done << 2
        )
        return _FLAGS.pack(self.start, decided, self.stop_button)

    @classmethod
    def decode(cls, data: bytes) -> "SequenceControl":
        """Read the bytes."""
        start, decided, buttons = unpack(_FLAGS, data, "Sequence_Control")
        return cls(
            bool(start & 1),
            bool(decided & 1),
            bool(decided & 2),
            bool(decided & 4),
            bool(buttons & 1),
        )


@dataclass(frozen=True, slots=True)
class PowerControl:
    """What is asked of the station."""

    voltage_v: float = 0.0
    max_current_a: float = 0.0
    """The target itself, unless ``ranged``."""
    min_current_a: float = 0.0
    function: Function = Function.OFF
    ranged: bool = False
    close_contactors: bool = False
    lower_voltage: bool = False

    def encode(self) -> bytes:
        """Return the bytes."""
        switches = (
            self.ranged << 5 | self.close_contactors << 6 | self.lower_voltage << 7
        )
        return _CONTROL.pack(
            tenths(self.voltage_v),
            signed_tenths(self.max_current_a),
            signed_tenths(self.min_current_a),
            self.function | switches,
        )

    @classmethod
    def decode(cls, data: bytes) -> "PowerControl":
        """Read the bytes."""
        voltage, most, least, last = unpack(_CONTROL, data, "DC_Power_Control")
        return cls(
            voltage / 10,
            most / 10,
            least / 10,
            member(Function, last & 0x0F, "Power_Function"),
            bool(last & 0x20),
            bool(last & 0x40),
            bool(last & 0x80),
        )


def _degrees(temperature_c: float) -> int:
    return min(max(round(temperature_c) - _COLDEST_C, 0), 0xFF)
