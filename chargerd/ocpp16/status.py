"""What OCPP calls the state of a connector. Computed, never stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from chargerd.core.dialects import VENDOR_IDS, Dialect, Words, told
from chargerd.core.events import WHOLE_STATION
from chargerd.core.health import Active
from chargerd.core.reasons import Cause
from chargerd.core.session import STARTABLE, Phase, Session
from chargerd.core.station import Station
from hal.values import Signal, VehiclePhase

VENDOR_ID: Final = VENDOR_IDS[Dialect.CHARGERD]
_INFO_LENGTH: Final = 50
"""Most characters of ``info`` (OCPP 1.6 section 6.47)."""
NO_ERROR: Final = "NoError"
_CONFLICT: Final = "LocalListConflict"
_UNPLUGGED: Final = "EV side disconnected"
"""OCPP's words for a plug that was pulled in mid-charge (section 4.9)."""

_OF_VEHICLE: Final[Mapping[Cause, Words]] = {
    Cause.VEHICLE_FAILED: Words(),
    Cause.HANDSHAKE_TIMEOUT: Words(),
    Cause.PRECHARGE_TIMEOUT: Words("CX012"),
}
"""Ends that the vehicle is the reason for: EVCommunicationError, which is a warning."""

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
    "Reserved":      Signal.RESERVED,
    "Unavailable":   Signal.OUT_OF_SERVICE,
    "Faulted":       Signal.FAULT,
}

_VIA_PREPARING: Final = dict.fromkeys(
    ("Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"), "Preparing"
)

BETWEEN: Final[Mapping[str, Mapping[str, str]]] = {
    "Available":     {"Finishing": "Preparing"},
    "Preparing":     {"Reserved": "Available", "Unavailable": "Available"},
    "Charging":      {"Preparing": "Finishing", "Reserved": "Available"},
    "SuspendedEV":   {"Preparing": "Finishing", "Reserved": "Available"},
    "SuspendedEVSE": {"Preparing": "Finishing", "Reserved": "Available"},
    "Finishing":     {**_VIA_PREPARING, "Reserved": "Available"},
    "Reserved":      _VIA_PREPARING,
    "Unavailable":   {"Finishing": "Preparing", "Reserved": "Available"},
    "Faulted":       {},
}
"""What may not follow a status, and what has to be told between the two."""
# fmt: on


@dataclass(frozen=True, slots=True)
class Report:
    """What a StatusNotification says; two that say the same are equal."""

    connector: int
    status: str
    error_code: str = NO_ERROR
    info: str | None = None
    vendor_error_code: str | None = None
    vendor_id: str = VENDOR_ID
    left_out: int = field(compare=False, default=0)
    """How many reports before it were not told: they would have been too many."""
    at: datetime = field(compare=False, default=datetime.min.replace(tzinfo=UTC))


def report(station: Station, connector: int, at: datetime) -> Report:
    """Return what the CSMS should know of a connector, or of the station (0)."""
    worst, *others = station.health.at(connector) or (None,)
    word = _word(station, connector)
    conflict = station.desk.drivers.conflict if connector == WHOLE_STATION else None
    if conflict is not None and not station.faulted(connector):
        code = "local-list-conflict"
        return Report(connector, word, _CONFLICT, conflict, code, at=at)
    dialect = station.policy.vendor_error_dialect
    if worst is None:
        plain = Report(connector, word, at=at)
        return _remarked(station.sessions.get(connector), plain, dialect)
    name = worst.fault.name
    vendor_id, vendor_error_code = worst.fault.told(dialect)
    return Report(
        connector,
        word,
        station.error_codes.get(name, worst.fault.error_code),
        _info(worst, len(others)),
        vendor_error_code,
        vendor_id,
        at=at,
    )


def info(report: Report) -> str | None:
    """Return what a report says for people, if it says anything."""
    if not report.left_out:
        return report.info
    end = f"{report.left_out} left out"
    return _fitted(report.info, f", {end}") if report.info else end


def between(before: Report, after: Report) -> Report | None:
    """Return what has to be told between two reports (OCPP 1.6 section 4.9)."""
    status = BETWEEN[before.status].get(after.status)
    return Report(after.connector, status, at=after.at) if status else None


def signal(status: str) -> Signal:
    """Return what the light shows for a status."""
    return _SIGNALS[status]


def _word(station: Station, connector: int) -> str:
    if station.faulted(connector):
        return "Faulted"
    session = station.sessions.get(connector)
    if session is None or session.phase in STARTABLE:
        if not station.in_service or station.booking.out(connector):
            return "Unavailable"
        return "Available" if session is None else _welcoming(station, session)
    if session.phase is Phase.ENERGIZED or _suspended(session):
        return _served(session, station.limit(connector).power_w)
    return STATUSES[session.phase]


def _welcoming(station: Station, session: Session) -> str:
    reserved = station.booking.reserved(session.connector)
    return "Reserved" if reserved else STATUSES[session.phase]


def _suspended(session: Session) -> bool:
    return session.suspended is not None and session.cause is None


def _away(session: Session) -> bool:
    # The guard knows it first: contactors open before the vehicle's word is heard.
    pulled = session.suspended is Cause.PLUG_REMOVED and session.phase is Phase.OPENING
    return _suspended(session) and (pulled or not session.plugged)


def _served(session: Session, limit_w: float) -> str:
    if session.plugged and limit_w <= 0.0:
        return "SuspendedEVSE"
    vehicle = session.facts.vehicle
    paused = vehicle is not None and vehicle.phase is VehiclePhase.PAUSED
    return "SuspendedEV" if paused or _suspended(session) else "Charging"


def _remarked(session: Session | None, plain: Report, dialect: Dialect) -> Report:
    """Say with a status what went before, as long as the plug is still to be pulled."""
    if session is None:
        return plain
    if _away(session) or session.cause is Cause.PLUG_REMOVED:
        return replace(plain, info=_UNPLUGGED)
    words = _OF_VEHICLE.get(session.cause) if session.cause else None
    if session.cause and words and plain.status == "Finishing":
        name = session.cause.lower().replace("_", "-")
        vendor_id, code = told(name, words, dialect)
        return replace(
            plain,
            error_code="EVCommunicationError",
            info=name,
            vendor_error_code=code,
            vendor_id=vendor_id,
        )
    return plain


def _info(active: Active, others: int) -> str:
    name, value = active.fault.name, active.value
    # The number of the other faults: none comes or goes without a report.
    end = f" (+{others})" if others else ""
    return _fitted(f"{name}: {value}" if value else name, end)


def _fitted(text: str, end: str) -> str:
    return text[: _INFO_LENGTH - len(end)] + end
