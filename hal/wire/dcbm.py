"""The JSON that a LEM DCBM 400/600 speaks. No connection, no clock.

Source: LEM, "DCBM 400/600 communication protocols".
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from hal.errors import BadAnswer

STATUS: Final = "/v1/status"
SETTINGS: Final = "/v1/settings"
CREATED: Final = 201
OK: Final = 200
UNKNOWN: Final = frozenset({400, 404, 410})
"""What it answers when asked for the record of a transaction that it has not."""

END: Final = b'{"running": false}'
IDENTIFICATION_TYPES: Final = {
    "NONE": 0,
    "ISO14443": 3,
    "ISO15693": 4,
    "EMAID": 5,
    "EVCCID": 6,
    "CENTRAL": 10,
    "LOCAL": 13,
    "KEY_CODE": 17,
}
"""By the names of OCMF 1.0."""

_UNDER_WAY: Final = 0b100
_RECORD: Final = b"OCMF|"
_FIRST_OF_V2: Final = 2


class Live(NamedTuple):
    """What the meter measures now."""

    voltage_v: float
    current_a: float
    power_w: float
    import_wh: float
    export_wh: float


class Status(NamedTuple):
    """Which meter it is, and whether it is in a transaction."""

    meter: str
    under_way: bool
    version: str

    @property
    def root(self) -> str:
        """What the paths of its firmware begin with."""
        return root(self.version)


def root(version: str) -> str:
    """Return what the paths of a firmware begin with; "0.2.3" has the second kind."""
    parts = version.split(".")
    second = parts[1] if len(parts) > 1 else ""
    newer = second.isdecimal() and int(second) >= _FIRST_OF_V2
    return "/v2" if newer else "/v1"


def live(body: bytes, where: str) -> Live:
    """Read ``GET livemeasure``; it tells kilowatts and kilowatt-hours."""
    told = _object(body, where)
    return Live(
        _number(told, "voltage", where),
        _number(told, "current", where),
        _number(told, "power", where) * 1000,
        _number(told, "energyImportTotal", where) * 1000,
        _number(told, "energyExportTotal", where) * 1000,
    )


def status(body: bytes, where: str) -> Status:
    """Read ``GET status``."""
    told = _object(body, where)
    bits = _inner(_inner(told, "status", where), "bits", where)
    version = _inner(told, "version", where)
    return Status(
        _text(told, "meterId", where),
        _truth(bits, "transactionIsOnGoing", where),
        _text(version, "applicationFirmwareVersion", where),
    )


def beginning(transaction: str, identification: str, evse: str) -> bytes:
    """Return the body that opens a transaction."""
    return _laid_out(
        {
            "evseId": evse,
            "transactionId": transaction,
            "clientId": identification,
            "tariffId": 0,
            "cableId": 0,
            "userData": "",
        }
    )


def path_of(kind: str, transaction: str) -> str:
    """Return the path of a transaction (``legal``) or of its record (``ocmf``)."""
    return f"/{kind}?transactionId={quote(transaction, safe='')}"


def runs(body: bytes, where: str) -> bool:
    """Read the answer to the opening: whether the transaction is open."""
    return _truth(_object(body, where), "running", where)


def present(body: bytes, where: str) -> str:
    """Read ``GET legal``: the name of the transaction that is open."""
    return _text(_object(body, where), "transactionId", where)


def closed(body: bytes, where: str) -> bool:
    """Read the answer to the closing: whether the transaction is over."""
    value = _inner(_object(body, where), "meterValue", where)
    return not int(_number(value, "transactionStatus", where)) & _UNDER_WAY


def record(body: bytes, where: str) -> bytes:
    """Return a signed record as it came, if it is one."""
    if not body.startswith(_RECORD):
        raise BadAnswer(
            f"{where}: {_shown(body)} is no signed record; check the meter's firmware"
        )
    return body


def clock(utc: datetime) -> bytes:
    """Return the body that sets the clock."""
    moment = utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _laid_out({"time": {"utc": moment}})


def identification_type(name: str) -> bytes:
    """Return the body that says of what kind the identifications are."""
    return _laid_out({"ocmfId": {"IT": IDENTIFICATION_TYPES[name]}})


def accepted(body: bytes, where: str) -> bool:
    """Read the answer to a setting."""
    return _number(_object(body, where), "result", where) == 1


def reason(body: bytes) -> str:
    """Return what a refusal says, fit for a line of text."""
    return _shown(body) if body else "no reason given"


def _laid_out(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _object(body: bytes, where: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(
            f"{where}: {_shown(body)} is no JSON; check that it is a DCBM"
        ) from error
    if not isinstance(told, dict):
        raise BadAnswer(f"{where}: {_shown(body)} is no object; check the firmware")
    return told


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _inner(told: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = told.get(name)
    if not isinstance(value, dict):
        raise _missing(name, value, where)
    return value


def _number(told: Mapping[str, Any], name: str, where: str) -> float:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _missing(name, value, where)
    try:
        number = float(value)
    except OverflowError as error:
        raise _missing(name, value, where) from error
    if not isfinite(number):
        raise _missing(name, value, where)
    return number


def _text(told: Mapping[str, Any], name: str, where: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise _missing(name, value, where)
    return value


def _truth(told: Mapping[str, Any], name: str, where: str) -> bool:
    value = told.get(name)
    if not isinstance(value, bool):
        raise _missing(name, value, where)
    return value


def _missing(name: str, value: object, where: str) -> BadAnswer:
    return BadAnswer(
        f"{where}: {name} is {value!r:.40}, which it cannot be; "
        "check the meter's firmware"
    )


def _shown(body: bytes) -> str:
    return repr(body[:60].decode("utf-8", "replace"))
