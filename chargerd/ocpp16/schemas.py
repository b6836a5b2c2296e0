"""The JSON schemas of the ``ocpp`` package, made a little stricter and compiled."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

import fastjsonschema

_DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"
_INT64: Final = {"minimum": -(2**63), "maximum": 2**63 - 1}


@cache
def validator(
    name: str, is_moment: Callable[[str], bool]
) -> Callable[[dict[str, Any]], Any]:
    """Compile the schema of a message, once.

    Args:
        name: The action, with ``Response`` behind it for an answer.
        is_moment: What says whether a text is a time.

    Returns:
        A function that raises ``JsonSchemaValuesException`` with every error of a
        payload, not only the first.
    """
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
