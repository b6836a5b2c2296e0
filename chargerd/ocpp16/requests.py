"""Effects of the core as requests of OCPP: words, units, lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ocpp.v16 import call

from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.reasons import Cause
from chargerd.ocpp16.security import SecurityEvent
from chargerd.ocpp16.status import NO_ERROR, Report, info
from chargerd.ocpp16.wire import Json, encode, timestamp

# fmt: off
REASONS: Final[Mapping[Cause, str]] = {
    Cause.TOKEN:               "Local",
    Cause.REMOTE:              "Remote",
    Cause.PLUG_REMOVED:        "EVDisconnected",
    Cause.VEHICLE_ENDED:       "Other",
    Cause.VEHICLE_FAILED:      "Other",
    Cause.EMERGENCY_STOP:      "EmergencyStop",
    Cause.FAULT:               "Other",
    Cause.DEAUTHORIZED:        "DeAuthorized",
    Cause.UNLOCKED:            "UnlockCommand",
    Cause.SOFT_RESET:          "SoftReset",
    Cause.HARD_RESET:          "HardReset",
    Cause.RESTART:             "Reboot",
    Cause.FIRMWARE:            "Reboot",
    Cause.POWER_LOSS:          "PowerLoss",
    Cause.LOCK_TIMEOUT:        "Other",
    Cause.HANDSHAKE_TIMEOUT:   "Other",
    Cause.CABLE_CHECK_TIMEOUT: "Other",
    Cause.PRECHARGE_TIMEOUT:   "Other",
}
"""OCPP's word for each cause (OCPP 1.6 section 7.36)."""
# fmt: on


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What is printed on the station (BootNotification, OCPP 1.6 section 6.3)."""

    vendor: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


def boot(nameplate: Nameplate) -> Json:
    """Return a BootNotification."""
    return encode(
        call.BootNotification(
            charge_point_vendor=nameplate.vendor,
            charge_point_model=nameplate.model,
            charge_point_serial_number=nameplate.serial_number,
            firmware_version=nameplate.firmware_version,
            iccid=nameplate.iccid,
            imsi=nameplate.imsi,
            meter_type=nameplate.meter_type,
            meter_serial_number=nameplate.meter_serial_number,
        )
    )


def authorize(id_tag: str) -> Json:
    """Return an Authorize."""
    return {"idTag": id_tag}


def status_notification(report: Report) -> Json:
    """Return a StatusNotification."""
    told: Json = {
        "connectorId": report.connector,
        "status": report.status,
        "errorCode": report.error_code,
        "timestamp": timestamp(report.at),
    }
    if (words := info(report)) is not None:
        told["info"] = words
    if report.error_code != NO_ERROR:
        told["vendorId"] = report.vendor_id
        told["vendorErrorCode"] = report.vendor_error_code
    return told


def security_event(event: SecurityEvent) -> Json:
    """Return a SecurityEventNotification."""
    return encode(call.SecurityEventNotification(str(event.type), event.at, event.info))


def start_transaction(started: TransactionStarted) -> Json:
    """Return a StartTransaction."""
    told: Json = {
        "connectorId": started.connector,
        "idTag": started.id_tag,
        "meterStart": started.meter_wh,
        "timestamp": timestamp(started.at),
    }
    if started.reservation is not None:
        told["reservationId"] = started.reservation
    return told


def stop_transaction(ended: TransactionEnded, values: Sequence[Json]) -> Json:
    """Return a StopTransaction that lacks only its transactionId."""
    told: dict[str, Any] = {
        "meterStop": ended.meter_wh,
        "timestamp": timestamp(ended.at),
        "reason": REASONS[ended.cause],
    }
    if ended.id_tag is not None:
        told["idTag"] = ended.id_tag
    if values:
        told["transactionData"] = list(values)
    return told


def meter_values(connector: int, meter_value: Json) -> Json:
    """Return a MeterValues that lacks only its transactionId, if it has one."""
    return {"connectorId": connector, "meterValue": [meter_value]}
