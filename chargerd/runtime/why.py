"""Why a connector is as it is, in words for people."""

from collections.abc import Mapping
from typing import Final

from chargerd.core.power import Limit, Setter
from chargerd.core.reasons import Why
from chargerd.core.session import Phase, Session
from chargerd.core.station import Station
from hal.values import VehiclePhase

_PHASES: Final[Mapping[Phase, str]] = {
    Phase.IDLE: "nobody is plugged in",
    Phase.PLUGGED: "a vehicle is plugged in and waits for a card or the app",
    Phase.AUTHORIZED: "a driver is accepted and the vehicle is not plugged in yet",
    Phase.LOCKING: "the plug is being locked",
    Phase.HANDSHAKE: "vehicle and CCS controller are agreeing on the session",
    Phase.CABLE_CHECK: "the insulation of the cable is being checked",
    Phase.PRECHARGE: "the output is being matched to the battery",
    Phase.ENERGIZED: "the vehicle is charging",
    Phase.RAMP_DOWN: "the current is being taken down",
    Phase.OPENING: "the contactors are opening",
    Phase.SETTLING: "the last register of the meter is awaited",
    Phase.WAITING: "the transaction waits for its vehicle, without energy",
    Phase.WELDING_CHECK: "the contactors are being checked for welding",
    Phase.HELD: "the cable stays locked until its driver's card is presented",
    Phase.FINISHED: "the plug is to be pulled",
}
_BARS: Final[Mapping[Why, str]] = {
    Why.RESTART_PENDING: "the daemon is about to restart",
    Why.NOT_REGISTERED: "no CSMS has accepted this station yet",
    Why.STORAGE_FAILING: "the disk takes no records, so nothing new may start",
    Why.CONNECTOR_FAULTED: "a fault keeps it from working",
}
_SETTERS: Final[Mapping[Setter, str]] = {
    Setter.VEHICLE: "the vehicle asks for no more",
    Setter.HARDWARE: "the power modules give no more",
    Setter.CONFIGURATION: "the station file allows no more (max_power_w)",
    Setter.AUTHORIZATION: "the CSMS has refused the id tag",
}


def because(station: Station, connector: int) -> tuple[str, ...]:
    """Return the reasons for a connector's state, the decisive one first."""
    session = station.sessions[connector]
    reasons: list[str] = []
    for active in station.health.at(connector):
        value = f" ({active.value})" if active.value else ""
        reasons.append(f"{active.fault.means}{value}; {active.fault.remedy}")
    if session.cause is not None:
        reasons.append(f"the transaction ended: {session.cause}")
    if session.phase is Phase.ENERGIZED:
        reasons += _power(session, station.limit(connector))
    reasons.append(_PHASES[session.phase])
    bar = station.bar(connector)
    if bar is not None and bar is not Why.CONNECTOR_FAULTED:
        reasons.append(_BARS[bar])
    return tuple(reasons)


def _power(session: Session, limit: Limit) -> list[str]:
    vehicle = session.facts.vehicle
    if limit.power_w <= 0.0:
        return [_SETTERS[limit.set_by]]
    if vehicle is not None and vehicle.phase is VehiclePhase.PAUSED:
        return ["the vehicle has paused"]
    return [f"{limit.power_w / 1000:g} kW are offered: {_SETTERS[limit.set_by]}"]
