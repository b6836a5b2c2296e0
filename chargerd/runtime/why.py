"""Why a connector is as it is, in words for people."""

from collections.abc import Mapping
from typing import Final

from chargerd.core.authorization import masked
from chargerd.core.installation import named
from chargerd.core.power import Limit, Setter
from chargerd.core.reasons import Why
from chargerd.core.session import STARTABLE, Phase, Session
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
    Phase.ENERGIZED: "the output is joined to the battery",
    Phase.RAMP_DOWN: "the current is being taken down",
    Phase.OPENING: "the contactors are opening",
    Phase.SETTLING: "the last register of the meter is awaited",
    Phase.WAITING: "the transaction waits for its vehicle, without energy",
    Phase.WELDING_CHECK: "the contactors are being checked for welding",
    Phase.HELD: "the cable stays locked until its driver's card is presented",
    Phase.FINISHED: "the plug is to be pulled",
}
_BARS: Final[Mapping[Why | None, str]] = {
    Why.RESTART_PENDING: "the daemon is about to restart",
    Why.NOT_REGISTERED: "no CSMS has accepted this station yet",
    Why.STORAGE_FAILING: "the disk takes no records, so nothing new may start",
    Why.STORAGE_FULL: "bills fill the disk, so nothing may start without the CSMS",
    Why.BRIDGE_NOT_OPEN: "the bridge is broken and the connector beyond it in use",
}
_ORIGINS: Final[Mapping[str, str]] = {
    "csms": "the CSMS wants it so (ChangeAvailability)",
    "cli": "somebody on the spot wants it so; see: chargerctl connector enable",
}
_SETTERS: Final[Mapping[Setter, str]] = {
    Setter.VEHICLE: "the vehicle asks for no more",
    Setter.HARDWARE: "the power modules give no more",
    Setter.CONFIGURATION: "the station file allows no more (max_power_w)",
    Setter.AUTHORIZATION: "the CSMS has refused the id tag",
    Setter.PROFILE: "a charging profile allows no more",
    Setter.OFFLINE: "the CSMS is away, and OfflineFallbackLimit allows no more",
    Setter.MINIMUM: "less than MinimumChargingPower is of no use",
    Setter.PLUG_TEMPERATURE: "the plug is hot and gives less until it has cooled",
    Setter.MODULE_TEMPERATURE: "the power modules are hot and give less",
    Setter.LOST_MODULES: "power modules have dropped out; the others charge on",
}


def because(station: Station, connector: int) -> tuple[str, ...]:
    """Return the reasons for a connector's state, the decisive one first."""
    session = station.sessions[connector]
    reasons: list[str] = []
    for active in station.health.at(connector):
        value = f" ({active.value})" if active.value else ""
        reasons.append(f"{active.fault.means}{value}; {active.fault.remedy}")
    reasons += _kept_from_drivers(station, connector)
    if session.cause is not None:
        reasons.append(f"the transaction ended: {session.cause}")
    if session.phase is Phase.ENERGIZED:
        reasons += _power(session, station.limit(connector))
        reasons += _behind(station, connector)
    reasons.append(_PHASES[session.phase])
    bar = station.bar(connector)
    if bar in _BARS:
        reasons.append(_BARS[bar])
    return tuple(reasons)


def _kept_from_drivers(station: Station, connector: int) -> list[str]:
    reasons = []
    booking, phase = station.booking, station.sessions[connector].phase
    wish = booking.availability.against(connector)
    if booking.held(connector):
        owners = ", ".join(sorted(booking.holds.owners))
        reasons.append(f"kept from new drivers by the station itself: {owners}")
    if wish is not None:
        when = f"since {wish.at:%F %T} UTC"
        if phase not in STARTABLE or booking.availability.scheduled(connector):
            when = "once its driver is done"
        reasons.append(f"out of service {when}: {_ORIGINS[wish.origin]}")
    for kept in booking.reservations.of(connector):
        reasons.append(
            f"kept for {masked(kept.id_tag)} until {kept.expires:%F %T} UTC"
            f" (reservation {kept.id})"
        )
    if not booking.reservations.of(connector) and booking.reserved(connector):
        reasons.append("the last one for who has reserved any connector")
    return reasons


def _power(session: Session, limit: Limit) -> list[str]:
    vehicle = session.facts.vehicle
    if limit.power_w <= 0.0:
        return [_says_no_more(limit)]
    if vehicle is not None and vehicle.phase is VehiclePhase.PAUSED:
        return ["the vehicle has paused"]
    return [f"{limit.power_w / 1000:g} kW are offered: {_says_no_more(limit)}"]


def _behind(station: Station, connector: int) -> list[str]:
    """Return what stands behind the limit of a connector, and what else would hold."""
    limit, *others = station.limits.caps(connector)
    reasons = []
    if limit.of_station:
        together = f"all connectors together may take {_kilowatts(station)}"
        if connector in station.limits.shares.waiting:
            together += ", too little for it beside those who came before"
        reasons.append(together)
    if others:
        power = f"{others[0].power_w / 1000:g} kW"
        reasons.append(f"otherwise {power}: {_says_no_more(others[0])}")
    return reasons


def _kilowatts(station: Station) -> str:
    return f"{station.limits.available_w() / 1000:g} kW"


def _says_no_more(limit: Limit) -> str:
    if limit.profile is None:
        return _SETTERS[limit.set_by]
    until = f" until {limit.until:%F %T} UTC" if limit.until else ""
    return f"profile {named(limit.profile)} allows no more{until}"
