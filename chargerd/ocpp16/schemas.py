"""The JSON schemas of the ``ocpp`` package, and what to say of who breaks them.

The only module that knows fastjsonschema. No text repeats what a free string field
contained: it may be an AuthorizationKey, an id tag or a URL with a password in it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import NoneType
from typing import Any, Final
from urllib.parse import urlsplit

import fastjsonschema
from fastjsonschema import JsonSchemaValueException, JsonSchemaValuesException

from chargerd.ocpp16.errors import (
    CallFailed,
    FormationViolation,
    OccurenceConstraintViolation,
    PropertyConstraintViolation,
    ProtocolError,
    TextTooLong,
    TypeConstraintViolation,
)

_DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"
_INT64: Final = {"minimum": -(2**63), "maximum": 2**63 - 1}
_LONGEST_ECHO: Final = 40

_KINDS: Final[Mapping[str, type[CallFailed]]] = {
    "additionalProperties": FormationViolation,
    "required": ProtocolError,
    "minItems": OccurenceConstraintViolation,
    "type": TypeConstraintViolation,
    "maxLength": TextTooLong,
}
"""By the rule that was broken; a wrong value breaks any of the other rules."""

_RANKING: Final = (*dict.fromkeys(_KINDS.values()), PropertyConstraintViolation)

_TYPES: Final[Mapping[type, str]] = {
    NoneType: "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_WANTED: Final[Mapping[str, str]] = {
    "array": "a list",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def hold(name: str, payload: dict[str, Any], is_moment: Callable[[str], bool]) -> None:
    """Hold a payload against the schema of its message.

    Args:
        name: The action, with ``Response`` behind it for an answer.
        payload: What was received, or is to be sent.
        is_moment: What says whether a text is a time.

    Raises:
        CallFailed: The gravest of its faults, with the place and what is wrong.
    """
    try:
        _validator(name, is_moment)(payload)
    except JsonSchemaValuesException as found:
        raise _gravest(found.errors) from None
    except (ArithmeticError, ValueError):  # infinite or far beyond any limit
        raise PropertyConstraintViolation("a number is out of range") from None


def quoted(text: str) -> str:
    """Return the text in quotes, cut off where it gets long."""
    cut = text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
    return ascii(cut)


@cache
def _validator(
    name: str, is_moment: Callable[[str], bool]
) -> Callable[[dict[str, Any]], Any]:
    text = files("ocpp.v16").joinpath("schemas", f"{name}.json").read_text("utf-8-sig")
    # From draft 6 on, 5.0 is an integer.
    schema = json.loads(text, object_hook=_bounded) | {"$schema": _DRAFT_4}
    formats = {"date-time": is_moment, "uri": _is_uri}
    return fastjsonschema.compile(
        schema, formats=formats, use_default=False, fast_fail=False
    )


def _bounded(node: dict[str, Any]) -> dict[str, Any]:
    return node | _INT64 if node.get("type") == "integer" else node


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _port = parts.port  # raises for what is no port
    except ValueError:
        return False
    is_whole = bool(parts.scheme and (parts.netloc or parts.path))
    return is_whole and text.isprintable() and " " not in text


def _gravest(errors: Sequence[JsonSchemaValueException]) -> CallFailed:
    """Return the error to answer with when these were found in one message."""
    error = min(errors, key=lambda error: _RANKING.index(_kind(error)))
    text = _TEXTS[error.rule or ""](error.value, error.definition)
    return _kind(error)(f"{_path(error)}{text}")


def _kind(error: JsonSchemaValueException) -> type[CallFailed]:
    return _KINDS.get(error.rule or "", PropertyConstraintViolation)


def _path(error: JsonSchemaValueException) -> str:
    """Return where the error is, ready for the text behind it."""
    path = (error.name or "").removeprefix("data").removeprefix(".")
    if error.rule in ("additionalProperties", "required"):
        return f"{path}." if path else ""  # the text begins with a field
    return f"{path}: "


def _unknown(value: Any, definition: Any) -> str:
    field = min(value.keys() - definition.get("properties", {}).keys())
    return f"{quoted(field)[1:-1]}: unknown field"


def _missing(value: Any, definition: Any) -> str:
    field = next(name for name in definition["required"] if name not in value)
    return f"{field}: missing"


def _too_few(value: Any, definition: Any) -> str:
    return f"{len(value)} entries; at least {definition['minItems']} needed"


def _wrong_type(value: Any, definition: Any) -> str:
    is_fraction = isinstance(value, float) and definition["type"] == "integer"
    found = repr(value) if is_fraction else _TYPES[type(value)]
    return f"{found} is not {_WANTED[definition['type']]}"


def _not_listed(value: Any, definition: Any) -> str:
    # A value of the wrong type is not listed either, but ranks as a wrong type.
    return f"{quoted(value)} is none of {', '.join(definition['enum'])}"


def _too_long(value: Any, definition: Any) -> str:
    return f"{len(value)} characters; at most {definition['maxLength']} allowed"


def _wrong_format(value: Any, definition: Any) -> str:
    if definition["format"] == "date-time":
        return f"{quoted(value)} is not a time; write it like 2026-03-02T08:00:00Z"
    return "not a URI; write it like https://host/path"


def _too_fine(value: Any, _definition: Any) -> str:
    return f"{value!r} has more than one decimal"


def _too_big(_value: Any, _definition: Any) -> str:
    return "the number needs more than 64 bits"


_TEXTS: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "minItems": _too_few,
    "type": _wrong_type,
    "enum": _not_listed,
    "maxLength": _too_long,
    "format": _wrong_format,
    "multipleOf": _too_fine,
    "minimum": _too_big,
    "maximum": _too_big,
}
"""Every rule that the schemas of OCPP 1.6 have, and our own bounds."""
