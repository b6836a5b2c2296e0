"""What the power modules shall do at this moment, from every limit at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Final

from chargerd.core.profiles import Profile
from hal.values import JOINED, PowerRating, Setpoint, VehiclePhase, VehicleReading


class Supply(Enum):
    """What the power modules are for, in one phase of a session."""

    OFF = auto()
    TEST_VOLTAGE = auto()
    MATCH_BATTERY = auto()
    CHARGE = auto()


_PHASES: Final[Mapping[Supply, frozenset[VehiclePhase]]] = {
    Supply.OFF: frozenset(),
    Supply.TEST_VOLTAGE: frozenset({VehiclePhase.CABLE_CHECK}),
    Supply.MATCH_BATTERY: frozenset({VehiclePhase.PRECHARGE}) | JOINED,
    Supply.CHARGE: JOINED,
}
"""Where the vehicle must stand for each kind of supply."""

_LOW_V: Final = 500.0
"""The cable of a vehicle of up to this maximum is tested at no more."""

SMALL_CURRENT_A: Final = 2.0
"""Cable check and pre-charge supply no more (IEC 61851-23 Annex CC)."""

LEASE_S: Final = 1.0
"""How long the modules follow a set-point that nobody renews."""


class Setter(StrEnum):
    """Who set the limit that holds."""

    VEHICLE = "vehicle"
    HARDWARE = "hardware"
    CONFIGURATION = "configuration"
    AUTHORIZATION = "authorization"
    PROFILE = "profile"
    OFFLINE = "offline"
    MINIMUM = "minimum"
    PLUG_TEMPERATURE = "plug temperature"
    MODULE_TEMPERATURE = "module temperature"
    LOST_MODULES = "lost modules"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most power that a connector may give, and whose word that is."""

    power_w: float
    set_by: Setter
    profile: Profile | None = None
    """The charging profile that sets it, if one does."""
    until: datetime | None = None
    """Until when that profile says so."""
    of_station: bool = False
    """It binds all connectors together; of one of them it is the share."""


def offer(
    rating: PowerRating, configured_w: float | None, paused: bool = False
) -> Limit:
    """Return what the station offers a vehicle; zero is a pause, not an end."""
    if paused:
        return Limit(0.0, Setter.AUTHORIZATION)
    if configured_w is not None and configured_w < rating.max_power_w:
        return Limit(configured_w, Setter.CONFIGURATION)
    return Limit(rating.max_power_w, Setter.HARDWARE)


def offered_current_a(limit: Limit, rating: PowerRating, voltage_v: float) -> float:
    """Return the current that a limit leaves at ``voltage_v``."""
    if limit.power_w <= 0.0:
        return 0.0
    volts = max(voltage_v, rating.min_voltage_v)
    return min(rating.max_current_a, limit.power_w / volts)


def test_voltage_v(vehicle: VehicleReading, most_v: float) -> float:
    """Return the voltage of the cable check: the wish, within what is allowed.

    IEC 61851-23:2023 CC.4.1.2 allows more than the vehicle's own maximum, whose
    contactors are still open then.

    Args:
        vehicle: What the vehicle has told.
        most_v: The highest voltage of the power modules.
    """
    wish_v, own_v = min(vehicle.target_voltage_v, most_v), vehicle.max_voltage_v
    if own_v is None:
        return wish_v
    allowed_v = min(_LOW_V, own_v + 50.0) if own_v <= _LOW_V else 1.1 * own_v
    return min(wish_v, allowed_v)


def setpoint(
    supply: Supply,
    limit: Limit,
    rating: PowerRating,
    vehicle: VehicleReading,
    output_v: float,
) -> Setpoint:
    """Return what the vehicle asks for, cut to what it may have.

    Args:
        supply: What the phase of the session is about.
        limit: The most power for this connector.
        rating: What the modules can do.
        vehicle: The vehicle's wish of this moment.
        output_v: What the output stands at: power is that times the current, while
            the wish of a charging vehicle is the voltage it may never exceed.
    """
    own_v = _told(vehicle.max_voltage_v, rating.max_voltage_v)
    voltage_v = min(vehicle.target_voltage_v, rating.max_voltage_v, own_v)
    if supply is Supply.TEST_VOLTAGE:
        voltage_v = test_voltage_v(vehicle, rating.max_voltage_v)
    if vehicle.phase not in _PHASES[supply] or voltage_v <= 0.0:
        return Setpoint(0.0, 0.0, LEASE_S)
    if supply is not Supply.CHARGE:
        return Setpoint(voltage_v, SMALL_CURRENT_A, LEASE_S)
    current_a = min(
        max(vehicle.target_current_a, 0.0),
        _told(vehicle.max_current_a, rating.max_current_a),
        offered_current_a(_own(vehicle, rating), rating, output_v),
        offered_current_a(limit, rating, output_v),
    )
    return Setpoint(voltage_v, current_a, LEASE_S)


def _own(vehicle: VehicleReading, rating: PowerRating) -> Limit:
    return Limit(_told(vehicle.max_power_w, rating.max_power_w), Setter.VEHICLE)


def _told(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit
