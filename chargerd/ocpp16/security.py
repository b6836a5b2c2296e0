"""The security events of the OCPP 1.6 security whitepaper, as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Final

from chargerd.core.effects import Effect, FaultOpened
from chargerd.core.events import DialFailed, Event, RestartRequested


class SecurityEventType(StrEnum):
    """What can happen to the security of a station (whitepaper, section 8)."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    FAILED_TO_AUTHENTICATE = "FailedToAuthenticateAtCentralSystem"
    CENTRAL_SYSTEM_FAILED = "CentralSystemFailedToAuthenticate"
    SETTING_SYSTEM_TIME = "SettingSystemTime"
    STARTUP = "StartupOfTheDevice"
    RESET_OR_REBOOT = "ResetOrReboot"
    LOG_CLEARED = "SecurityLogWasCleared"
    RECONFIGURATION = "ReconfigurationOfSecurityParameters"
    MEMORY_EXHAUSTION = "MemoryExhaustion"
    INVALID_MESSAGES = "InvalidMessages"
    REPLAY = "AttemptedReplayAttacks"
    TAMPER = "TamperDetectionActivated"
    BAD_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    BAD_FIRMWARE_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    BAD_CENTRAL_CERTIFICATE = "InvalidCentralSystemCertificate"
    BAD_STATION_CERTIFICATE = "InvalidChargePointCertificate"
    BAD_TLS_VERSION = "InvalidTLSVersion"
    BAD_TLS_CIPHER_SUITE = "InvalidTLSCipherSuite"


class Weight(Enum):
    """How much the CSMS must know of an event."""

    CRITICAL = auto()  # it must arrive
    TOLD = auto()  # not critical, yet the whitepaper wants it sent
    LOGGED = auto()  # the operator may leave it in the log


# fmt: off
WEIGHTS: Final[Mapping[SecurityEventType, Weight]] = {
    SecurityEventType.FIRMWARE_UPDATED:         Weight.CRITICAL,
    SecurityEventType.FAILED_TO_AUTHENTICATE:   Weight.LOGGED,
    SecurityEventType.CENTRAL_SYSTEM_FAILED:    Weight.LOGGED,
    SecurityEventType.SETTING_SYSTEM_TIME:      Weight.CRITICAL,
    SecurityEventType.STARTUP:                  Weight.CRITICAL,
    SecurityEventType.RESET_OR_REBOOT:          Weight.CRITICAL,
    SecurityEventType.LOG_CLEARED:              Weight.CRITICAL,
    SecurityEventType.RECONFIGURATION:          Weight.LOGGED,
    SecurityEventType.MEMORY_EXHAUSTION:        Weight.CRITICAL,
    SecurityEventType.INVALID_MESSAGES:         Weight.LOGGED,
    SecurityEventType.REPLAY:                   Weight.LOGGED,
    SecurityEventType.TAMPER:                   Weight.CRITICAL,
    SecurityEventType.BAD_FIRMWARE_SIGNATURE:   Weight.TOLD,
    SecurityEventType.BAD_FIRMWARE_CERTIFICATE: Weight.TOLD,
    SecurityEventType.BAD_CENTRAL_CERTIFICATE:  Weight.TOLD,
    SecurityEventType.BAD_STATION_CERTIFICATE:  Weight.TOLD,
    SecurityEventType.BAD_TLS_VERSION:          Weight.LOGGED,
    SecurityEventType.BAD_TLS_CIPHER_SUITE:     Weight.TOLD,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One thing that happened, and when."""

    type: SecurityEventType
    at: datetime
    info: str | None = None
    """For people; never a secret."""


_FAULTS: Final[Mapping[str, SecurityEventType]] = {
    "storage": SecurityEventType.MEMORY_EXHAUSTION,
    "storage-short": SecurityEventType.MEMORY_EXHAUSTION,
    "door-open": SecurityEventType.TAMPER,
}
"""Faults of the station that concern its security."""


_DIALS: Final[Mapping[str, SecurityEventType]] = {
    "http-auth": SecurityEventType.FAILED_TO_AUTHENTICATE,
    "tls-refused": SecurityEventType.FAILED_TO_AUTHENTICATE,
    "tls-time": SecurityEventType.BAD_CENTRAL_CERTIFICATE,
    "tls-trust": SecurityEventType.BAD_CENTRAL_CERTIFICATE,
    "tls-name": SecurityEventType.BAD_CENTRAL_CERTIFICATE,
    "tls-version": SecurityEventType.BAD_TLS_VERSION,
    "tls-cipher": SecurityEventType.BAD_TLS_CIPHER_SUITE,
}
"""At which layer of the link a failure concerns the station's security."""


def concern(happened: Event | Effect) -> tuple[SecurityEventType, str] | None:
    """Return what something that happened means to security, and the words for it."""
    match happened:
        case RestartRequested(cause=cause):
            return SecurityEventType.RESET_OR_REBOOT, str(cause)
        case DialFailed(layer=layer, error=error) if layer in _DIALS:
            return _DIALS[layer], error
        case FaultOpened(name=name) if name in _FAULTS:
            return _FAULTS[name], name
    return None
