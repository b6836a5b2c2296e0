"""What OCPP calls the state of a connector. Computed, never stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from chargerd.core.events import WHOLE_STATION
from chargerd.core.health import Active
from chargerd.core.session import Phase, Session
from chargerd.core.station import Station
from hal.values import Signal, VehiclePhase

VENDOR_ID: Final = "org.chargerd"
_INFO_LENGTH: Final = 50
NO_ERROR: Final = "NoError"

# fmt: off
_STATUS: Final[Mapping[Phase, str]] = {
    Phase.IDLE:          "Available",
    Phase.PLUGGED:       "Preparing",
    Phase.AUTHORIZED:    "Preparing",
    Phase.LOCKING:       "Preparing",
    Phase.HANDSHAKE:     "Preparing",
    Phase.CABLE_CHECK:   "Preparing",
    Phase.PRECHARGE:     "Preparing",
    Phase.ENERGIZED:     "Charging",
    Phase.RAMP_DOWN:     "Finishing",
    Phase.OPENING:       "Finishing",
    Phase.SETTLING:      "Finishing",
    Phase.WELDING_CHECK: "Finishing",
    Phase.FINISHED:      "Finishing",
}

_SIGNALS: Final[Mapping[str, Signal]] = {
    "Available":     Signal.FREE,
    "Preparing":     Signal.WAITING,
    "Charging":      Signal.CHARGING,
    "SuspendedEV":   Signal.PAUSED,
    "SuspendedEVSE": Signal.PAUSED,
    "Finishing":     Signal.DONE,
    "Unavailable":   Signal.OUT_OF_SERVICE,
    "Faulted":       Signal.FAULT,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Report:
    """What a StatusNotification says; two that say the same are equal."""

    connector: int
    status: str
    error_code: str = NO_ERROR
    info: str | None = None
    vendor_error_code: str | None = None
    at: datetime = field(compare=False, default=datetime.min.replace(tzinfo=UTC))


def report(station: Station, connector: int, at: datetime) -> Report:
    """Return what the CSMS should know of a connector, or of the station (0)."""
    worst = next(iter(station.health.at(connector)), None)
    word = _word(station, connector)
    if worst is None:
        return Report(connector, word, at=at)
    if worst.connector == WHOLE_STATION != connector and not worst.fault.stops:
        return Report(connector, word, at=at)
    name = worst.fault.name
    return Report(
        connector,
        word,
        station.error_codes.get(name, worst.fault.error_code),
        _info(worst),
        worst.fault.vendor_code,
        at,
    )


def signal(status: str) -> Signal:
    """Return what the light shows for a status."""
    return _SIGNALS[status]


def _word(station: Station, connector: int) -> str:
    if station.faulted(connector):
        return "Faulted"
    session = station.sessions.get(connector)
    if session is None or session.phase in (Phase.IDLE, Phase.PLUGGED):
        if not station.in_service:
            return "Unavailable"
        return "Available" if session is None else _STATUS[session.phase]
    if session.phase is Phase.ENERGIZED:
        return _energized(session, station.limit(connector).power_w)
    return _STATUS[session.phase]


def _energized(session: Session, limit_w: float) -> str:
    if limit_w <= 0.0:
        return "SuspendedEVSE"
    vehicle = session.facts.vehicle
    if vehicle is not None and vehicle.phase is VehiclePhase.PAUSED:
        return "SuspendedEV"
    return "Charging"


def _info(active: Active) -> str:
    told = f"{active.fault.name}: {active.value}" if active.value else active.fault.name
    return told[:_INFO_LENGTH]
