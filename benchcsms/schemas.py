"""The JSON schemas of OCPP 1.6 and its security extension, compiled once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import fastjsonschema

from benchcsms.settings import Json

FROM_STATION: Final = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
)
"""What a station may ask."""

_FOLDER: Final = files("ocpp.v16") / "schemas"
_DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"
_CODES: Final[Mapping[str, str]] = {
    "additionalProperties": "FormationViolation",
    "required": "ProtocolError",
    "minItems": "OccurenceConstraintViolation",
    "type": "TypeConstraintViolation",
}
"""By the rule that was broken; a wrong value breaks any of the other rules."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Why a message is not to be had, and the code of the CALLERROR for it."""

    code: str
    text: str


def compile_all() -> None:
    """Compile every schema now, so that no message has to wait for it."""
    for action in _actions():
        _validator(action)
        _validator(f"{action}Response")


def breach(action: str, payload: Json) -> Breach | None:
    """Return what is wrong with a CALL of the station."""
    if action in FROM_STATION:
        return _broken(action, payload)
    if action in _actions():
        return Breach("NotSupported", f"{action}: a station does not ask this")
    return Breach("NotImplemented", f"{action[:50]}: no such action in OCPP 1.6")


def breach_of_answer(action: str, payload: Json) -> Breach | None:
    """Return what is wrong with a CALLRESULT of the station."""
    return _broken(f"{action}Response", payload) if action in _actions() else None


@cache
def _actions() -> frozenset[str]:
    names = (file.name.removesuffix(".json") for file in _FOLDER.iterdir())
    return frozenset(name for name in names if not name.endswith("Response"))


def _broken(name: str, payload: Json) -> Breach | None:
    try:
        _validator(name)(payload)
    except fastjsonschema.JsonSchemaValueException as error:
        found = ", but it is null" if error.value is None else ""
        code = _CODES.get(error.rule or "", "PropertyConstraintViolation")
        return Breach(code, f"{name}: {error.message}{found}")
    return None


@cache
def _validator(name: str) -> Callable[[Json], Any]:
    text = (_FOLDER / f"{name}.json").read_text("utf-8-sig")
    # some claim draft 6, where 5.0 is an integer
    schema = json.loads(text) | {"$schema": _DRAFT_4}
    validator: Callable[[Json], Any] = fastjsonschema.compile(
        schema, use_formats=False, use_default=False
    )
    return validator
