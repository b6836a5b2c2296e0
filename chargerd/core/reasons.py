"""Machine-readable reasons: why a transaction ended, why something was refused."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why a transaction ended. ``ocpp16.requests`` knows OCPP's word for each."""

    TOKEN = "TOKEN"  # the driver's own card, or one of the same group
    REMOTE = "REMOTE"  # RemoteStopTransaction
    PLUG_REMOVED = "PLUG_REMOVED"
    VEHICLE_ENDED = "VEHICLE_ENDED"  # full, or stopped in the car
    VEHICLE_FAILED = "VEHICLE_FAILED"  # the CCS controller broke off
    EMERGENCY_STOP = "EMERGENCY_STOP"
    FAULT = "FAULT"
    DEAUTHORIZED = "DEAUTHORIZED"
    UNLOCKED = "UNLOCKED"  # UnlockConnector
    SOFT_RESET = "SOFT_RESET"
    HARD_RESET = "HARD_RESET"
    RESTART = "RESTART"  # of the daemon, wanted or not
    FIRMWARE = "FIRMWARE"  # another version is to run
    POWER_LOSS = "POWER_LOSS"
    LOCK_TIMEOUT = "LOCK_TIMEOUT"
    HANDSHAKE_TIMEOUT = "HANDSHAKE_TIMEOUT"
    CABLE_CHECK_TIMEOUT = "CABLE_CHECK_TIMEOUT"
    PRECHARGE_TIMEOUT = "PRECHARGE_TIMEOUT"


ORDINARY: Final = frozenset(
    {
        Cause.TOKEN,
        Cause.REMOTE,
        Cause.PLUG_REMOVED,
        Cause.VEHICLE_ENDED,
        Cause.DEAUTHORIZED,
        Cause.UNLOCKED,
        Cause.SOFT_RESET,
        Cause.HARD_RESET,
        Cause.RESTART,
        Cause.FIRMWARE,
    }
)
"""Ends that somebody wanted; with any other one a session has failed."""


class Why(StrEnum):
    """Why something was refused."""

    NO_SUCH_CONNECTOR = "NO_SUCH_CONNECTOR"
    NO_SUCH_TRANSACTION = "NO_SUCH_TRANSACTION"
    AMBIGUOUS_TRANSACTION = "AMBIGUOUS_TRANSACTION"
    NO_FREE_CONNECTOR = "NO_FREE_CONNECTOR"
    CONNECTOR_OCCUPIED = "CONNECTOR_OCCUPIED"
    CONNECTOR_FAULTED = "CONNECTOR_FAULTED"
    CONNECTOR_UNAVAILABLE = "CONNECTOR_UNAVAILABLE"
    CONNECTOR_HELD = "CONNECTOR_HELD"
    CONNECTOR_RESERVED = "CONNECTOR_RESERVED"
    NO_SUCH_RESERVATION = "NO_SUCH_RESERVATION"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    AUTHORIZATION_PENDING = "AUTHORIZATION_PENDING"
    OTHER_DRIVER = "OTHER_DRIVER"
    NOT_REGISTERED = "NOT_REGISTERED"
    RESTART_PENDING = "RESTART_PENDING"
    STORAGE_FAILING = "STORAGE_FAILING"
    STORAGE_FULL = "STORAGE_FULL"
    BRIDGE_NOT_OPEN = "BRIDGE_NOT_OPEN"
    NO_METER_READING = "NO_METER_READING"
    TAG_BLOCKED = "TAG_BLOCKED"
    TAG_EXPIRED = "TAG_EXPIRED"
    TAG_INVALID = "TAG_INVALID"
    TAG_CONCURRENT = "TAG_CONCURRENT"
    TAG_UNKNOWN_OFFLINE = "TAG_UNKNOWN_OFFLINE"
    TAG_TOO_LONG = "TAG_TOO_LONG"
    TAG_RANDOM = "TAG_RANDOM"
    OFFLINE_NOT_ALLOWED = "OFFLINE_NOT_ALLOWED"  # known, but LocalAuthorizeOffline
    NOT_PLUGGED = "NOT_PLUGGED"
    LIST_DISABLED = "LIST_DISABLED"
    LIST_OUTDATED = "LIST_OUTDATED"
    LIST_TOO_LONG = "LIST_TOO_LONG"
    LIST_AMBIGUOUS = "LIST_AMBIGUOUS"
    LIST_INCOMPLETE = "LIST_INCOMPLETE"
    NO_SUCH_PROFILE = "NO_SUCH_PROFILE"
    TOO_MANY_PROFILES = "TOO_MANY_PROFILES"
    BAD_VALUE = "BAD_VALUE"
    READ_ONLY = "READ_ONLY"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    RESTART_NEEDED = "RESTART_NEEDED"
    CABLE_FIXED = "CABLE_FIXED"
    STILL_WAITING = "STILL_WAITING"
    NOT_LATCHED = "NOT_LATCHED"
    INSTALLING = "INSTALLING"  # an install cannot be broken off
    BAD_LOCATION = "BAD_LOCATION"  # of a file that shall come or go
    NO_LOG = "NO_LOG"
    NO_JOB = "NO_JOB"
    BAD_CERTIFICATE = "BAD_CERTIFICATE"
    NO_SUCH_CERTIFICATE = "NO_SUCH_CERTIFICATE"
    AMBIGUOUS_CERTIFICATE = "AMBIGUOUS_CERTIFICATE"
    NO_SUBJECT = "NO_SUBJECT"  # whom a certificate of the station would be for
    TOO_MANY_ROOTS = "TOO_MANY_ROOTS"
    ROOT_IN_USE = "ROOT_IN_USE"  # by the link on which its deletion is asked
    ROOT_OF_FILE = "ROOT_OF_FILE"  # named in the station file
    LAST_ROOT = "LAST_ROOT"
    INSECURE_LINK = "INSECURE_LINK"
    UPDATE_UNDER_WAY = "UPDATE_UNDER_WAY"
    NO_FILE = "NO_FILE"
    FILE_GAP = "FILE_GAP"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    TRIAL_RUNNING = "TRIAL_RUNNING"  # another way to the CSMS is being tried
    NOT_HERE = "NOT_HERE"  # it is changed by a method of its own


@dataclass(frozen=True, slots=True)
class Objection:
    """Why something is not done, and what to do instead."""

    why: Why
    detail: str
