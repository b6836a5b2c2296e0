"""What OCPP calls the state of a connector. Computed, never stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from chargerd.core.health import Active
from chargerd.core.reasons import Cause
from chargerd.core.session import STARTABLE, Phase, Session
from chargerd.core.station import Station
from hal.values import Signal, VehiclePhase

VENDOR_ID: Final = "org.chargerd"
_INFO_LENGTH: Final = 50
NO_ERROR: Final = "NoError"
_UNPLUGGED: Final = "EV side disconnected"
"""OCPP's words for a plug that was pulled in mid-charge (section 4.9)."""

# fmt: off
STATUSES: Final[Mapping[Phase, str]] = {
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
    Phase.WAITING:       "SuspendedEV",
    Phase.WELDING_CHECK: "Finishing",
    Phase.HELD:          "Finishing",
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

_NEVER_NEXT: Final[Mapping[str, frozenset[str]]] = {
    "Available":     frozenset({"Finishing"}),
    "Preparing":     frozenset({"Unavailable"}),
    "Charging":      frozenset({"Preparing"}),
    "SuspendedEV":   frozenset({"Preparing"}),
    "SuspendedEVSE": frozenset({"Preparing"}),
    "Finishing":     frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"}),
    "Unavailable":   frozenset({"Finishing"}),
    "Faulted":       frozenset(),
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
        return Report(connector, word, info=_remark(station, connector), at=at)
    name = worst.fault.name
    return Report(
        connector,
        word,
        station.error_codes.get(name, worst.fault.error_code),
        _info(worst),
        worst.fault.vendor_code,
        at,
    )


def may_follow(status: str, before: str) -> bool:
    """Tell whether OCPP allows one status after another (section 4.9)."""
    return status not in _NEVER_NEXT[before]


def signal(status: str) -> Signal:
    """Return what the light shows for a status."""
    return _SIGNALS[status]


def _word(station: Station, connector: int) -> str:
    if station.faulted(connector):
        return "Faulted"
    session = station.sessions.get(connector)
    if session is None or session.phase in STARTABLE:
        if not station.in_service:
            return "Unavailable"
        return "Available" if session is None else STATUSES[session.phase]
    if session.phase is Phase.ENERGIZED or _suspended(session):
        return _served(session, station.limit(connector).power_w)
    return STATUSES[session.phase]


def _suspended(session: Session) -> bool:
    return session.suspended and session.cause is None


def _served(session: Session, limit_w: float) -> str:
    if session.plugged and limit_w <= 0.0:
        return "SuspendedEVSE"
    vehicle = session.facts.vehicle
    paused = vehicle is not None and vehicle.phase is VehiclePhase.PAUSED
    return "SuspendedEV" if paused or session.suspended else "Charging"


def _remark(station: Station, connector: int) -> str | None:
    session = station.sessions.get(connector)
    if session is None:
        return None
    away = _suspended(session) and not session.plugged
    return _UNPLUGGED if away or session.cause is Cause.PLUG_REMOVED else None


def _info(active: Active) -> str:
    told = f"{active.fault.name}: {active.value}" if active.value else active.fault.name
    return told[:_INFO_LENGTH]
