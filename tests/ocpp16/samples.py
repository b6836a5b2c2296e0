"""Payloads that the schemas of OCPP 1.6 allow, made from the schemas themselves."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

_SAMPLES: Json = {
    "string": "text",
    "integer": 7,
    "number": 12.3,
    "boolean": True,
    "date-time": "2026-03-02T08:00:00.000Z",
    "uri": "https://host/path",
}
_STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=20),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.integers(-(10**7), 10**7).map(lambda tenths: tenths / 10),
    "boolean": st.booleans(),
    "date-time": st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "uri": st.just("ftp://user:word@host/path"),
}


@cache
def schema(name: str) -> Json:
    """Return the schema of an action; ``Response`` behind it is its answer's."""
    text = files("ocpp.v16").joinpath("schemas", f"{name}.json").read_text("utf-8-sig")
    loaded: Json = json.loads(text)
    definitions = loaded.get("definitions", {})

    def resolved(node: Any) -> Any:
        match node:
            case {"$ref": str(place)}:
                return resolved(definitions[place.rpartition("/")[2]])
            case dict():
                return {key: resolved(value) for key, value in node.items()}
            case list():
                return [resolved(item) for item in node]
        return node

    return {"properties": {}, **resolved(loaded)}


def sample(name: str, *, full: bool = True) -> Json:
    """Return a payload with all of its fields, or with the required ones."""
    payload: Json = _value(schema(name), full)
    return payload


def payloads(name: str) -> st.SearchStrategy[Json]:
    """Return what draws legal payloads."""
    return _values(schema(name))


def _value(node: Json, full: bool) -> Any:
    if "enum" in node:
        return node["enum"][0]
    match node["type"]:
        case "object":
            wanted = node["properties"] if full else node.get("required", ())
            return {key: _value(node["properties"][key], full) for key in wanted}
        case "array":
            return [_value(node["items"], full)]
    return _SAMPLES[node["format" if "format" in node else "type"]]


def _values(node: Json) -> st.SearchStrategy[Any]:
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node["type"]:
        case "object":
            drawn = {key: _values(part) for key, part in node["properties"].items()}
            required = {key: drawn.pop(key) for key in node.get("required", ())}
            return st.fixed_dictionaries(required, optional=drawn)
        case "array":
            least = node.get("minItems", 0)
            return st.lists(_values(node["items"]), min_size=least, max_size=3)
    return _STRATEGIES[node["format" if "format" in node else "type"]]
