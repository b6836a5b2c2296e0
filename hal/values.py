"""Plain values that cross the hardware boundary.

Every quantity carries its unit in its name: ``_v`` volt, ``_a`` ampere,
``_w`` watt, ``_wh`` watt-hour, ``_ohm`` ohm, ``_s`` second, ``_c`` degree
Celsius. There are no unit objects and no unitless numbers. Whatever was
measured is a :class:`Reading`: it knows when it was taken and whether its
device stands by it, so nobody can take an old value for a new one.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

SAFE_TO_OPEN_A: Final = 1.0
"""Contactors may be opened below this current without wearing their contacts."""


class Quality(Enum):
    """Whether the device stands by a value that it gave."""

    GOOD = "good"
    DOUBTFUL = "doubtful"  # outside its accuracy, or its self-test has not passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Something that was measured."""

    at_s: float
    """When it was measured, on the monotonic clock (not when it was asked for)."""
    quality: Quality = Quality.GOOD

    def age_s(self, now_s: float) -> float:
        """Return how old the value is at ``now_s`` on the same clock."""
        return now_s - self.at_s


@dataclass(frozen=True, slots=True)
class MeterReading(Reading):
    """One reading of a DC energy meter."""

    energy_wh: int
    """Lifetime register of energy to vehicles; it only grows, in each meter."""
    power_w: float
    voltage_v: float
    current_a: float
    energy_export_wh: int | None = None
    """Lifetime register of energy from vehicles; ``None`` if not metered."""
    signed: bytes | None = None
    """This reading as the meter itself signed it; ``None`` if it signs none."""
    serial: str | None = None
    """The meter's own serial number; ``None`` if it does not tell one."""


@dataclass(frozen=True, slots=True)
class PowerReading(Reading):
    """What a group of power modules does at this moment."""

    voltage_v: float
    current_a: float
    temperature_c: float | None
    """Of the hottest module; ``None``: they do not tell."""
    failed_modules: tuple[int, ...] = ()
    """Numbers, from 1, of the modules that have dropped out of the group."""
    over_temperature: bool = False
    under_voltage: bool = False
    """The mains is too low to charge from."""


@dataclass(frozen=True, slots=True)
class PowerRating:
    """What a group of power modules can do; zero current below ``min_voltage_v``."""

    min_voltage_v: float
    max_voltage_v: float
    max_current_a: float
    max_power_w: float
    modules: int = 0
    """How many modules the group has; 0: its driver does not know."""


@dataclass(frozen=True, slots=True)
class Setpoint:
    """What a power module shall supply, and for how long unless renewed."""

    voltage_v: float
    current_a: float
    valid_for_s: float


class Position(Enum):
    """What the auxiliary contacts of a pair of contactors say together."""

    OPEN = "open"
    CLOSED = "closed"
    BETWEEN = "between"  # travelling, or the two poles disagree


@dataclass(frozen=True, slots=True)
class ContactorReading(Reading):
    """The auxiliary contacts of one pair of contactors."""

    position: Position


@dataclass(frozen=True, slots=True)
class BridgeReading(Reading):
    """The mirror contacts of the contactor between two DC buses."""

    position: Position


@dataclass(frozen=True, slots=True)
class IsolationReading(Reading):
    """Insulation of the DC output against protective earth."""

    resistance_ohm: float
    """The lower one of the two poles."""


class VehiclePhase(Enum):
    """Where the CCS controller stands with the vehicle, in its usual order."""

    UNPLUGGED = "unplugged"
    NEGOTIATING = "negotiating"  # plugged in; SLAC, protocol, session set-up
    AUTHORIZING = "authorizing"  # waits for Vehicle.authorize
    CABLE_CHECK = "cable check"
    PRECHARGE = "pre-charge"
    READY = "ready"  # connected to the battery, no current wished yet
    CHARGING = "charging"
    PAUSED = "paused"  # asks for no current, will ask again
    ENDING = "ending"
    WELDING_CHECK = "welding check"
    FINISHED = "finished"  # still plugged in, the session is closed
    EMERGENCY = "emergency"  # the vehicle or the controller broke off


JOINED: Final = frozenset(
    {VehiclePhase.READY, VehiclePhase.CHARGING, VehiclePhase.PAUSED}
)
"""Where the vehicle's battery is on our output."""

POWERED: Final = JOINED | {
    VehiclePhase.CABLE_CHECK,
    VehiclePhase.PRECHARGE,
    VehiclePhase.ENDING,
}
"""Where there is voltage for the vehicle, or may be."""

REPORTED: Final = POWERED | {VehiclePhase.WELDING_CHECK}
"""Where the CCS controller must be reported to (``hal.interfaces.Vehicle``): a
vehicle that looks for welds judges by the voltage that we tell."""


@dataclass(frozen=True, slots=True)
class VehicleReading(Reading):
    """What the CCS controller knows and asks for; ``None`` is "not told yet"."""

    phase: VehiclePhase
    wants_contactors: bool = False
    target_voltage_v: float = 0.0
    target_current_a: float = 0.0
    soc_percent: float | None = None
    capacity_wh: float | None = None
    max_voltage_v: float | None = None
    max_current_a: float | None = None
    max_power_w: float | None = None
    evccid: str | None = None
    """MAC address of the vehicle's modem as twelve upper-case hex digits."""
    error: str | None = None
    """Why the phase is EMERGENCY, in the controller's words."""

    @property
    def plugged(self) -> bool:
        """Whether a vehicle is on the plug."""
        return self.phase is not VehiclePhase.UNPLUGGED


@dataclass(frozen=True, slots=True)
class StationReport:
    """What the CCS controller must know of the station, several times a second."""

    enabled: bool
    """False before charging: not available; in mid-charge: emergency shutdown."""
    present_voltage_v: float
    present_current_a: float
    resistance_ohm: float
    max_voltage_v: float
    max_current_a: float
    max_power_w: float
    module_temperature_c: float | None = None
    """Of the hottest power module; ``None`` if nobody knows."""


@dataclass(frozen=True, slots=True)
class LockReading(Reading):
    """The plug lock of a connector with a socket."""

    engaged: bool


@dataclass(frozen=True, slots=True)
class SafetyReading(Reading):
    """The inputs of the station's safety loop, as they are now."""

    emergency_stop: bool = False
    door_open: bool = False
    surge_protector_tripped: bool = False


@dataclass(frozen=True, slots=True)
class TemperatureReading(Reading):
    """The hottest sensor of a plug or a cabinet."""

    temperature_c: float


@dataclass(frozen=True, slots=True)
class SupplyReading(Reading):
    """The input that foretells the loss of the controller's own supply."""

    failing: bool


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """What a driver held against the reader: an id tag as the reader writes it."""

    uid: str
    """Compared without regard to case; usually an RFID UID in upper-case hex."""
    fleeting: bool = False
    """The card makes up another number each time, so this one names nobody."""

    def __repr__(self) -> str:
        """Hide the middle of the UID: it is the number in a driver's wallet."""
        return f"{self.uid[:2]}…{self.uid[-2:]}"


class Signal(StrEnum):
    """What a status light can tell a driver."""

    OFF = "off"
    FREE = "free"
    WAITING = "waiting"
    CHARGING = "charging"
    PAUSED = "paused"
    DONE = "done"
    RESERVED = "reserved"
    REFUSED = "refused"
    OUT_OF_SERVICE = "out of service"
    FAULT = "fault"
