"""The configuration keys of OCPP 1.6 section 9, as one table.

GetConfiguration, ChangeConfiguration, the defaults, the limits, the typed
``Policy`` of the core and docs/keys.md all come from ``KEYS``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import Enum, StrEnum, auto
from string import hexdigits
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chargerd.core.dialects import Dialect
from chargerd.core.installation import MAX_PROFILES
from chargerd.core.locallist import MOST_ENTRIES, MOST_SENT
from chargerd.core.policy import ENERGY, PlainFirmware, Policy
from chargerd.core.profile_rules import MAX_PERIODS, MAX_STACK_LEVEL
from chargerd.core.reasons import Why
from chargerd.ocpp16.locations import SCHEMES
from chargerd.ocpp16.measurands import MEASURANDS
from chargerd.ocpp16.pki.values import LONGEST_CHAIN, LONGEST_ORGANIZATION, KeyKind

Word = TypeVar("Word", bound=StrEnum)

Values = Mapping[str, str]
"""The keys that differ from their defaults, as they were written."""

MAX_STOP_VALUES: Final = 1000
"""Most meter values in one StopTransaction."""
LONGEST_TAG: Final = 20
"""Most characters of an id tag (OCPP 1.6 section 7.28)."""
LONGEST_VALUE: Final = 500
"""Most characters of a value (OCPP 1.6 section 7.29)."""


class BadValue(ValueError):
    """The text says what the value should have been."""


class Access(Enum):
    """Who may read and change a key."""

    READ_WRITE = auto()
    READ_ONLY = auto()  # a fact about this station
    WRITE_ONLY = auto()  # a secret


def boolean(text: str) -> bool:
    """Read ``true`` or ``false``, in any case."""
    try:
        return {"true": True, "false": False}[text.strip().lower()]
    except KeyError:
        raise BadValue("must be true or false") from None


def whole(low: int, high: int) -> Callable[[str], int]:
    """Read a whole number within bounds, both included."""

    def parse(text: str) -> int:
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and low <= int(digits) <= high):
            raise BadValue(f"must be a whole number from {low} to {high}")
        return int(digits)

    return parse


def measurands(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of measurands; each counts once."""
    if not text.strip():
        return ()
    parts = text.split(",")
    if len(parts) > len(MEASURANDS):
        raise BadValue(f"must have at most {len(MEASURANDS)} items")
    items = tuple(dict.fromkeys(part.strip() for part in parts))
    if unknown := [item for item in items if item not in MEASURANDS]:
        raise BadValue(
            f"{unknown[0] or 'an empty item'} is none of {', '.join(MEASURANDS)}"
        )
    return items


def sampled(text: str) -> tuple[str, ...]:
    """Read the measurands of MeterValues; an empty list means the energy register."""
    return measurands(text) or (ENERGY,)


def rotation(text: str) -> tuple[str, ...]:
    """Read the phase rotation of connectors: ``0.RST,1.NotApplicable``."""
    items = tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    for item in items:
        connector, _, order = item.partition(".")
        if not (connector.isascii() and connector.isdigit() and order in _ROTATIONS):
            raise BadValue(f"{item or 'an empty item'} is not like 1.NotApplicable")
    return items


def zone(text: str) -> tzinfo:
    """Read the name of a time zone."""
    name = text.strip()
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise BadValue(f"{name} is no time zone; write one like Asia/Almaty") from None


def secret_key(text: str) -> bytes:
    """Read an AuthorizationKey: 32 to 40 hex digits (whitepaper A00.FR.205)."""
    digits = text.strip()
    if not (32 <= len(digits) <= 40 and set(digits) <= set(hexdigits)):
        raise BadValue("must be 32 to 40 hex digits")
    if len(digits) % 2:
        raise BadValue("must be an even number of hex digits")
    return bytes.fromhex(digits)


def id_tag(text: str) -> str:
    """Read an id tag."""
    tag = text.strip()
    if not (0 < len(tag) <= LONGEST_TAG and tag.isascii() and tag.isprintable()):
        raise BadValue(f"must be 1 to {LONGEST_TAG} printable ASCII characters")
    return tag


def rate_units(text: str) -> tuple[str, ...]:
    """Read the units of charging schedules: ``Current``, ``Power``, or both."""
    units = tuple(part.strip() for part in text.split(","))
    if not set(units) <= {"Current", "Power"}:
        raise BadValue("must be Current, Power or both")
    return units


def one_of(kind: type[Word]) -> Callable[[str], Word]:
    """Read one of some words, in any case."""
    names = {each.lower(): each for each in kind}

    def parse(text: str) -> Word:
        try:
            return names[text.strip().lower()]
        except KeyError:
            raise BadValue(f"must be one of {', '.join(kind)}") from None

    return parse


def cpo_name(text: str) -> str:
    """Read the name of an operator, as it fits into a certificate; or nothing."""
    name = text.strip()
    if not name.isprintable() or len(name.encode()) > LONGEST_ORGANIZATION:
        raise BadValue(f"must be at most {LONGEST_ORGANIZATION} printable octets")
    return name


def words(text: str) -> str:
    """Read anything."""
    return text


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table."""

    name: str
    parse: Callable[[str], Any]
    default: str
    sets: str | None = None
    """The field of ``Policy`` that it feeds."""
    access: Access = Access.READ_WRITE
    in_file: bool = False
    """The station file may set it, although the CSMS may not."""
    meaning: str = ""


_ROTATIONS: Final = frozenset(
    {"NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"}
)
_DAY_S: Final = 86_400
_R: Final = Access.READ_ONLY
_COUNT: Final = str(len(MEASURANDS))
_SAMPLED: Final = f"{ENERGY},Power.Active.Import,Current.Import,Voltage,SoC"

# fmt: off
_TABLE: Final[tuple[Key, ...]] = (
    # name                                value               default    feeds the policy's             and means
    Key("AcceptAbsoluteWithoutStart",       boolean,            "true",    "absolute_without_start",
        meaning="an Absolute profile without startSchedule starts on receipt, or with its transaction"),
    Key("AcceptClearingNothing",            boolean,            "false",   "nothing_cleared_accepted",
        meaning="clearing all charging profiles is Accepted though there is none, not Unknown"),
    Key("AcceptEmptyDifferential",          boolean,            "true",    "accept_empty_differential",
        meaning="a Differential SendLocalList without id tags sets the version; else it fails"),
    Key("AcceptExpiredReservation",         boolean,            "false",   "accept_expired_reservation",
        meaning="a ReserveNow whose time is over is accepted and ends at once; else rejected"),
    Key("AdditionalRootCertificateCheck",   boolean,            "false",   "roots_signed_by_last", _R, in_file=True,
        meaning="a new root of the CSMS must be signed by the one before, which goes once the new one is proven"),
    Key("AdvertiseVendorErrorDialect",      boolean,            "false",   "advertise_dialect",
        meaning="after a boot, and a change, a DataTransfer tells which VendorErrorDialect is set"),
    Key("AllowOfflineTxCoversKnownId",      boolean,            "true",    "unknown_covers_known",
        meaning="what AllowOfflineTxForUnknownId allows strangers, remembered drivers may too"),
    Key("AllowOfflineTxForUnknownId",       boolean,            "false",   "allow_offline_unknown_id",
        meaning="without the CSMS, drivers that nobody here knows may charge"),
    Key("AnswerUnreadableMessages",         boolean,            "false",   "answer_unreadable_messages",
        meaning="a message without a usable id is answered with a CALLERROR, id -1"),
    Key("AuthorizationCacheEnabled",        boolean,            "true",    "cache_enabled",
        meaning="answers of the CSMS are remembered and used"),
    Key("AuthorizationKey",                 secret_key,         "",        access=Access.WRITE_ONLY,
        meaning="password of security profiles 1 and 2, in hex; the link is made anew with it"),
    Key("AuthorizeRemoteTxRequests",        boolean,            "false",   "authorize_remote_start",
        meaning="a RemoteStartTransaction is authorized like a card"),
    Key("CertificateKeyKind",               one_of(KeyKind),           KeyKind.EC_P256, "certificate_key_kind",
        meaning="of what kind the next key of the station is: EC-P256, RSA-2048 or RSA-3072"),
    Key("CertificateSignedMaxChainSize",    whole(1, LONGEST_CHAIN), str(LONGEST_CHAIN), "most_chain_characters", _R, in_file=True,
        meaning="most characters of the chain in one CertificateSigned"),
    Key("CertificateStoreMaxLength",        whole(1, 100),      "16",      "most_roots", _R, in_file=True,
        meaning="most root certificates that can be installed"),
    Key("ChargeProfileMaxStackLevel",       whole(0, 1000),     str(MAX_STACK_LEVEL), access=_R,
        meaning="highest stackLevel of a charging profile"),
    Key("ChargingProfileSkew",              whole(0, 3_600),    "60",      "profile_skew_s",
        meaning="a charging profile that begins at most so many seconds later has begun"),
    Key("ChargingScheduleAllowedChargingRateUnit", rate_units,  "Current,Power", "rate_units", _R, in_file=True,
        meaning="units of charging schedules; Current: amperes per phase of the mains"),
    Key("ChargingScheduleMaxPeriods",       whole(1, 10_000),   str(MAX_PERIODS), access=_R,
        meaning="most periods in one charging schedule"),
    Key("ClockAlignedDataInterval",         whole(0, _DAY_S),   "0",       "aligned_interval_s",
        meaning="seconds between meter values on the clock's grid; 0: none"),
    Key("ClockAlignedDataTimeZone",         zone,               "UTC",     "aligned_zone",
        meaning="IANA name of the zone at whose midnight the clock's grid begins anew"),
    Key("CompositeScheduleNumberPhases",    whole(0, 3),        "0",       "reported_phases",
        meaning="numberPhases told by GetCompositeSchedule; 0: none, and amperes are of three"),
    Key("ConnectionTimeOut",                whole(1, _DAY_S),   "60",      "connection_timeout_s",
        meaning="seconds from the card to the plug, or from the plug to the card"),
    Key("ConnectionTimeOutPlugFirst",       boolean,            "true",    "connection_timeout_plug_first",
        meaning="ConnectionTimeOut also ends the wait of a plugged vehicle for its driver"),
    Key("ConnectorPhaseRotation",           rotation,           "",
        meaning="how the mains phases are wired; a DC outlet has none"),
    Key("ConnectorPhaseRotationMaxLength",  whole(0, 101),      "2",       access=_R,
        meaning="most items in ConnectorPhaseRotation"),
    Key("ConnectorSwitch3to1PhaseSupported",boolean,            "false",   access=_R,
        meaning="always false: the mains phases of a DC station are not switched"),
    Key("ConversionEfficiency",             whole(50, 100),     "100",     "efficiency",
        meaning="percent of the grid's power that comes out; a ChargePointMaxProfile limits the grid"),
    Key("CpoName",                          cpo_name,           "",        "cpo_name",
        meaning="the operator, as certificates of the station name it; without it none is asked for"),
    Key("DeleteLastRootAllowed",            boolean,            "true",    "delete_last_root",
        meaning="the last root certificate of its kind may be deleted, unless the link needs it"),
    Key("DetailedCallErrors",               boolean,            "true",    "detailed_call_errors",
        meaning="a CALLERROR names the kind of fault; false: always FormationViolation"),
    Key("FirmwareIdleWithin",               whole(60, 30 * _DAY_S), "86400", "firmware_idle_within_s",
        meaning="seconds that an install waits for transactions to end; then it has failed"),
    Key("FirmwareRetries",                  whole(0, 100),      "3",       "firmware_retries",
        meaning="how often a download of firmware is tried again, if the request does not say"),
    Key("FirmwareRetryInterval",            whole(0, _DAY_S),   "60",      "firmware_retry_interval_s",
        meaning="seconds before that, if the request does not say; twice as many before the next …"),
    Key("FirmwareStopsTransactions",        boolean,            "false",   "firmware_stops_transactions",
        meaning="an install ends the transactions that run; else it waits for their end"),
    Key("FreeVend",                         boolean,            "false",   "free_vend",
        meaning="whoever plugs in charges, without a card"),
    Key("FreeVendIdTag",                    id_tag,             "FREE",    "free_vend_id_tag",
        meaning="the id tag of the transactions that FreeVend begins"),
    Key("GetConfigurationMaxKeys",          whole(1, 1000),     "200",     access=_R,
        meaning="most keys in one GetConfiguration"),
    Key("HeartbeatInterval",                whole(1, _DAY_S),   "300",     "heartbeat_interval_s",
        meaning="seconds of silence before a Heartbeat; the CSMS sets it at boot"),
    Key("InstallCertificateInsecurely",     boolean,            "true",    "install_roots_insecurely", _R, in_file=True,
        meaning="root certificates may be installed over a link without TLS; set in the station file"),
    Key("ListedConcurrentTxIsValid",        boolean,            "false",   "listed_concurrent_valid",
        meaning="ConcurrentTx in the local list lets a driver charge as Accepted does"),
    Key("LocalAuthListEnabled",             boolean,            "true",    "list_enabled",
        meaning="the local list that the CSMS sends is used, before the cache"),
    Key("LocalAuthListMaxLength",           whole(0, 1_000_000),str(MOST_ENTRIES), access=_R,
        meaning="most id tags in the local list"),
    Key("LocalAuthorizeOffline",            boolean,            "true",    "local_authorize_offline",
        meaning="without the CSMS, remembered drivers may charge"),
    Key("LocalPreAuthorize",                boolean,            "false",   "local_pre_authorize",
        meaning="remembered drivers charge without asking the CSMS first"),
    Key("LocalPreRefuse",                   boolean,            "true",    "list_refuses_first",
        meaning="with LocalPreAuthorize, whom the list refuses is not asked for either"),
    Key("MaxChargingProfilesInstalled",     whole(1, 10_000),   str(MAX_PROFILES), access=_R,
        meaning="most charging profiles at a time"),
    Key("MaxEnergyOnInvalidId",             whole(0, 1_000_000),"0",       "max_energy_on_invalid_id_wh",
        meaning="Wh that a driver still gets after the CSMS has refused the id tag"),
    Key("MaxMessageSize",                   whole(0, 10_000_000),"0",      "max_message_bytes",
        meaning="bytes that a StopTransaction with its meter values may have; 0: any number"),
    Key("MessagesReplaceHeartbeats",        boolean,            "true",    "messages_replace_heartbeats",
        meaning="every request of the station postpones the next Heartbeat"),
    Key("MessageTimeout",                   whole(1, 600),      "30",      "message_timeout_s",
        meaning="seconds to wait for an answer of the CSMS"),
    Key("MeterStepLimit",                   whole(0, 100_000),  "110",     "meter_step_limit",
        meaning="a meter that counts more than this percentage of what the station can give is not believed; 0: it is"),
    Key("MeterValuesAlignedData",           sampled,            ENERGY,    "aligned_measurands",
        meaning="what is measured on the clock's grid"),
    Key("MeterValuesAlignedDataMaxLength",  whole(1, 100),      _COUNT,    access=_R,
        meaning="most items in MeterValuesAlignedData"),
    Key("MeterValueSampleInterval",         whole(0, _DAY_S),   "60",      "sample_interval_s",
        meaning="seconds between meter values during a transaction; 0: none"),
    Key("MeterValuesSampledData",           sampled,            _SAMPLED,  "sampled_measurands",
        meaning="what is measured during a transaction"),
    Key("MeterValuesSampledDataMaxLength",  whole(1, 100),      _COUNT,    access=_R,
        meaning="most items in MeterValuesSampledData"),
    Key("MinimumChargingPower",             whole(0, 100_000),  "1500",    "minimum_power_w",
        meaning="W below which a connector waits rather than charge with a trickle"),
    Key("MinimumStatusDuration",            whole(0, 3_600),    "0",       "minimum_status_duration_s",
        meaning="seconds that a status must last to be reported"),
    Key("NominalMainsVoltage",              whole(100, 300),    "230",     "mains_voltage_v",
        meaning="volts between phase and neutral; a limit in A is A x this x phases, in W"),
    Key("NonCriticalSecurityEvents",        boolean,            "true",    "tell_all_security_events",
        meaning="the CSMS is told of security events that are not critical too"),
    Key("NumberOfConnectors",               whole(1, 100),      "1",       access=_R,
        meaning="connectors of this station"),
    Key("OfflineFallbackDelay",             whole(0, 7 * _DAY_S),"300",    "offline_delay_s",
        meaning="seconds without the CSMS until OfflineFallbackLimit holds"),
    Key("OfflineFallbackLimit",             whole(0, 5_000_000),"0",       "offline_limit_w",
        meaning="W of the grid for the whole station while the CSMS is away; 0: no such limit"),
    Key("PlainFirmwareUpdates",             one_of(PlainFirmware), PlainFirmware.UNSECURED, "plain_firmware",
        meaning="UpdateFirmware, which has no signature, is served Never, with SecurityProfile 0 (Unsecured), or Always"),
    Key("PlugInFirst",                      boolean,            "false",   "plug_in_first",
        meaning="a card counts only where a vehicle is plugged in already"),
    Key("ReportConnectorZeroReservation",   boolean,            "true",    "report_zero_reservation",
        meaning="what a reservation of connector 0 keeps is reported Reserved"),
    Key("ReservationEnabled",               boolean,            "true",    "reservation_enabled",
        meaning="connectors can be reserved"),
    Key("ReserveConnectorZeroSupported",    boolean,            "true",    "reserve_connector_zero",
        meaning="a reservation may leave the connector open (connector 0)"),
    Key("ResetRetries",                     whole(0, 10),       "3",       "reset_retries",
        meaning="how often a failed reset is tried again"),
    Key("RetryBackOffRandomRange",          whole(0, 3_600),    "1",       "redial_random_s",
        meaning="seconds that chance adds to the wait before a lost link is dialed again"),
    Key("RetryBackOffRepeatTimes",          whole(0, 16),       "8",       "redial_doublings",
        meaning="how often that wait doubles while the CSMS cannot be reached"),
    Key("RetryBackOffWaitMinimum",          whole(0, 3_600),    "0",       "redial_least_s",
        meaning="seconds that this wait has at the least, before it doubles"),
    Key("SecurityProfile",                  whole(0, 3),        "0",       "security_profile",
        meaning="security profile of the link; the CSMS can only raise it, and it falls back if that fails"),
    Key("SendLocalListMaxLength",           whole(0, 1_000_000),str(MOST_SENT), access=_R,
        meaning="most id tags in one SendLocalList"),
    Key("SendLocalListNeedsEnabled",        boolean,            "true",    "send_needs_list",
        meaning="without LocalAuthListEnabled, SendLocalList is not supported; else kept"),
    Key("StatusReportsPerMinute",           whole(0, 600),      "20",      "status_reports_per_minute",
        meaning="most status reports of a connector in a minute, then they are summed up; 0: any number"),
    Key("StopTransactionMaxMeterValues",    whole(1, 10_000),   str(MAX_STOP_VALUES), access=_R,
        meaning="most meter values in one StopTransaction"),
    Key("StopTransactionOnEVEnd",           boolean,            "true",    "stop_on_vehicle_end",
        meaning="a vehicle that is full, or stopped in the car, ends the transaction; else it waits"),
    Key("StopTransactionOnEVSideDisconnect",boolean,            "true",    "stop_on_unplug",
        meaning="a plug pulled at the vehicle ends the transaction; else it waits"),
    Key("StopTransactionOnInvalidId",       boolean,            "true",    "stop_on_invalid_id",
        meaning="a transaction ends when the CSMS refuses its id tag; else it is paused"),
    Key("StopTransactionOnMeterFailure",    boolean,            "true",    "stop_on_meter_failure",
        meaning="a meter that is silent or not believed ends the transaction; else energy flows on and is not billed"),
    Key("StopTxnAlignedData",               measurands,         "",        "stop_aligned_measurands",
        meaning="what of the clock's grid travels in StopTransaction"),
    Key("StopTxnAlignedDataMaxLength",      whole(1, 100),      _COUNT,    access=_R,
        meaning="most items in StopTxnAlignedData"),
    Key("StopTxnSampledData",               measurands,         "",        "stop_sampled_measurands",
        meaning="what of the samples travels in StopTransaction"),
    Key("StopTxnSampledDataMaxLength",      whole(1, 100),      _COUNT,    access=_R,
        meaning="most items in StopTxnSampledData"),
    Key("SupportedFeatureProfiles",         words,              "",        access=_R,
        meaning="feature profiles that this station offers"),
    Key("SupportedFileTransferProtocols",   words,              ",".join(SCHEMES).upper(), access=_R,
        meaning="how firmware is fetched, and logs are delivered"),
    Key("SuspendedEVTimeOut",               whole(0, 7 * _DAY_S),"0",      "waiting_timeout_s",
        meaning="seconds that a transaction waits for its vehicle, without energy; 0: for ever"),
    Key("TransactionMessageAttempts",       whole(1, 100),      "3",       "message_attempts",
        meaning="how often a message of a transaction is sent before it is set aside"),
    Key("TransactionMessageRetryInterval",  whole(0, _DAY_S),   "60",      "message_retry_interval_s",
        meaning="seconds before the second attempt; twice as many before the third …"),
    Key("TxDefaultAfterTxProfile",          boolean,            "false",   "default_after_own_profile",
        meaning="a TxDefaultProfile steps in where the transaction's own profile has ended"),
    Key("TxDefaultForAllOverrules",         boolean,            "false",   "default_for_all_overrules",
        meaning="a TxDefaultProfile for connector 0 replaces those of single connectors"),
    Key("UnlockConnectorOnEVSideDisconnect",boolean,            "false",   "unlock_on_unplug", _R,
        meaning="a socket frees its cable when the plug is pulled at the vehicle; set in the station file"),
    Key("VendorErrorDialect",               one_of(Dialect),            Dialect.CHARGERD, "vendor_error_dialect",
        meaning="in whose words vendorErrorCode names a fault: chargerd, ChargeX or EVgo; see faults.md"),
    Key("WebSocketPingInterval",            whole(0, 3_600),    "60",      "ping_interval_s",
        meaning="seconds between pings of the link; 0: none"),
    Key("WebSocketPongLimit",               whole(1, 600),      "15",      "pong_within_s",
        meaning="seconds to wait for the answer to a ping; then the link is dialed anew"),
)
# fmt: on
KEYS: Final[Mapping[str, Key]] = {key.name.lower(): key for key in _TABLE}
"""OCPP compares the names of keys without regard to case."""


LINK_KEYS: Final = frozenset({"AuthorizationKey", "SecurityProfile"})
"""Keys whose change is tried before it counts: they decide how the CSMS is reached."""


class Outcome(Enum):
    """How a change was taken, in OCPP's words (ConfigurationStatus)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a wish to change a key."""

    outcome: Outcome
    name: str
    value: str = ""
    why: Why | None = None
    detail: str = ""


def judge(name: str, text: str) -> Judged:
    """Return how a change of one key is taken (OCPP 1.6 section 5.3)."""
    key = KEYS.get(name.lower())
    if key is None:
        return Judged(Outcome.NOT_SUPPORTED, name, why=Why.UNKNOWN_KEY)
    if key.access is Access.READ_ONLY:
        return Judged(Outcome.REJECTED, key.name, why=Why.READ_ONLY)
    if detail := misfit(key, text):
        return Judged(Outcome.REJECTED, key.name, why=Why.BAD_VALUE, detail=detail)
    return Judged(Outcome.ACCEPTED, key.name, text.strip())


def misfit(key: Key, text: str) -> str | None:
    """Return why a key cannot have a value, if it cannot."""
    try:
        if len(text) > LONGEST_VALUE:
            raise BadValue(f"must be at most {LONGEST_VALUE} characters")
        key.parse(text)
    except BadValue as error:
        return f"{key.name}: {error}"
    return None


def policy(values: Values) -> Policy:
    """Return what the core makes of the keys."""
    return Policy(
        **{
            key.sets: key.parse(values.get(key.name, key.default))
            for key in _TABLE
            if key.sets
        }
    )


def readable(values: Values) -> tuple[tuple[Key, str], ...]:
    """Return every key that may be read, with its value."""
    return tuple(
        (key, values.get(key.name, key.default))
        for key in _TABLE
        if key.access is not Access.WRITE_ONLY
    )
