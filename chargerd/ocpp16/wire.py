"""The codec between JSON objects and the messages of the ``ocpp`` package.

``connector_id`` is ``connectorId`` on the wire. What comes in is held against the
package's JSON schemas first, so a message that was decoded is well-formed.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

from ocpp.v16 import call, call_result

from chargerd.ocpp16.errors import FormationViolation, NotImplementedHere
from chargerd.ocpp16.schemas import hold, quoted

Json = dict[str, Any]
Reader = Callable[[Any], Any]

# fmt: off
ACTIONS_FROM_CSMS: Final = frozenset({
    "CancelReservation", "CertificateSigned", "ChangeAvailability",
    "ChangeConfiguration", "ClearCache", "ClearChargingProfile", "DataTransfer",
    "DeleteCertificate", "ExtendedTriggerMessage", "GetCompositeSchedule",
    "GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds",
    "GetLocalListVersion", "GetLog", "InstallCertificate", "RemoteStartTransaction",
    "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList",
    "SetChargingProfile", "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector",
    "UpdateFirmware",
})
"""What the CSMS may ask a station, in OCPP 1.6 and its security extension."""

ACTIONS_FROM_STATION: Final = frozenset({
    "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification",
    "FirmwareStatusNotification", "Heartbeat", "LogStatusNotification", "MeterValues",
    "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification",
    "StartTransaction", "StatusNotification", "StopTransaction",
})
"""What a station may ask the CSMS."""
# fmt: on

_ACTIONS: Final = ACTIONS_FROM_CSMS | ACTIONS_FROM_STATION
MOST_MOMENTS: Final = 1_000
"""How many texts are known to be times: a list repeats its dates, and each is read
twice, against the schema and for its value."""
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)


def timestamp(at: datetime) -> str:
    """Return an aware time as OCPP writes it: UTC, milliseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(MOST_MOMENTS)
def moment(text: str) -> datetime:
    """Return what an ISO 8601 time says, in UTC; without an offset it is UTC.

    Raises:
        ValueError: It is no time of day on a date, or not one that UTC has.
    """
    text = text.upper()
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a time like 2026-03-02T08:00:00Z")
    at = datetime.fromisoformat(text)
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"{quoted(text)} is outside the years 1 to 9999") from None


def encode(message: object) -> Json:
    """Turn a message or a part of one into a JSON object, leaving out every ``None``.

    Keys of plain dicts stay as they are. Limits of schedules are rounded down to
    one decimal.
    """
    cls: Any = type(message)
    return {
        name: _plain(name, value)
        for attribute, name in _names(cls)
        if (value := getattr(message, attribute)) is not None
    }


def decode_request(action: str, payload: Any) -> Any:
    """Return the ``call`` dataclass that a CALL's payload amounts to.

    What the dataclass declares as a plain list or dict stays as it came. Times
    stay text that :func:`moment` can read.

    Raises:
        CallFailed: The action is unknown, or the payload is not one of its own.
    """
    return _decoded(call, action, payload)


def decode_answer(action: str, payload: Any) -> Any:
    """Return the ``call_result`` dataclass; otherwise as :func:`decode_request`."""
    return _decoded(call_result, action, payload)


def moved(message: Any, by: timedelta) -> Any:
    """Return a message, or a part of one, with all its timestamps moved."""
    match message:
        case dict():
            return {
                name: timestamp(moment(inner) + by)
                if name == "timestamp"
                else moved(inner, by)
                for name, inner in message.items()
            }
        case list():
            return [moved(inner, by) for inner in message]
    return message


def check(action: str, payload: Any, *, answer: bool) -> None:
    """Hold a payload against the schema of its message.

    Raises:
        CallFailed: The gravest of its faults, with the place and what is wrong.
    """
    if action not in _ACTIONS:
        raise NotImplementedHere(f"{quoted(action)} is no action of OCPP 1.6")
    if not isinstance(payload, dict):
        raise FormationViolation("the payload is not an object")
    hold(f"{action}Response" if answer else action, payload, _is_moment)


def _decoded(messages: ModuleType, action: str, payload: Any) -> Any:
    payload = {} if payload is None else payload
    check(action, payload, answer=messages is call_result)
    return _built(getattr(messages, action), payload)


def _is_moment(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


@cache
def _names(cls: Any) -> tuple[tuple[str, str], ...]:
    """Return attribute and JSON name of each field of a dataclass."""
    return tuple((field.name, _camel(field.name)) for field in fields(cls))


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _tenths(limit: float) -> float:
    return math.floor(limit * 10) / 10 if isinstance(limit, float) else limit


_FITS: Final[Mapping[str, Reader]] = {
    "limit": _tenths,
    "minChargingRate": _tenths,
    "value": str,
}
"""What the schemas want of fields that our own side has as plain numbers."""


def _plain(name: str, value: Any) -> Any:
    """Return the value of a field as JSON has it."""
    if name in _FITS:
        return _FITS[name](value)
    match value:
        case str():
            return str(value)  # takes the enum off
        case int() | float():
            return value
        case list() | tuple():
            return [_plain(name, item) for item in value if item is not None]
        case dict():
            known = {key: item for key, item in value.items() if item is not None}
            return {key: _plain(key, item) for key, item in known.items()}
        case datetime():
            return timestamp(value)
    return encode(value)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to build a dataclass from a JSON object."""

    blanks: Json
    """Fields that the schema lets out although the class has no default."""
    readers: tuple[tuple[str, str, Reader | None], ...]


@cache
def _plan(cls: Any) -> _Plan:
    hints = get_type_hints(cls)
    return _Plan(
        {
            field.name: None
            for field in fields(cls)
            if field.default is field.default_factory is MISSING
        },
        tuple((name, attr, _reader(hints[attr])) for attr, name in _names(cls)),
    )


def _built(cls: Any, payload: Json) -> Any:
    plan = _plan(cls)
    given = {
        attribute: read(payload[name]) if read else payload[name]
        for name, attribute, read in plan.readers
        if name in payload
    }
    return cls(**plan.blanks | given)


def _reader(hint: Any) -> Reader | None:
    """Return what makes a JSON value the type of its hint; ``None``: it is already."""
    inner = next(filter(None, map(_reader, get_args(hint))), None)
    if inner is not None:
        return partial(_each, inner) if get_origin(hint) is list else inner
    if is_dataclass(hint):
        return partial(_built, hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return None


def _each(read: Reader, items: list[Any]) -> list[Any]:
    return [read(item) for item in items]
