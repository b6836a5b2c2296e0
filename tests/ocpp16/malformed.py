"""Frames that no CSMS should ever send, and what OCPP-J has us do about each.

Every mistake is made in every place where it can be made. No two CALLs share a
message id, so all of them can go over one connection.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from chargerd.ocpp16.wire import ACTIONS_FROM_CSMS, ACTIONS_FROM_STATION
from tests.ocpp16.samples import Json, sample, schema

Named = tuple[str, str | bytes]

VALID: Final = '[2,"v","SendLocalList",{"listVersion":1,"updateType":"Full"}]'
LONGEST: Final = 1 << 21

# fmt: off
_NOT_JSON: Final = {
    "blank": " ",
    "a word": "hello",
    "a byte order mark": "\ufeff" + VALID,
    "two frames": VALID + VALID,
    "a comma behind the frame": VALID + ",",
    "NUL behind the frame": VALID + "\0",
    "single quotes": VALID.replace('"', "'"),
    "semicolons": VALID.replace(",", ";"),
    "equal signs": VALID.replace(":", "="),
    "a comma at the end of an object": VALID.replace("}", ",}"),
    "a comma at the end of the list": VALID.replace("]", ",]"),
    "two commas": VALID.replace(",", ",,"),
    "a leading zero": VALID.replace("1", "01"),
    "a hexadecimal number": VALID.replace("1", "0x1"),
    "a number without whole part": VALID.replace("1", ".5"),
    "a number without decimals": VALID.replace("1", "5."),
    "a plus sign": VALID.replace("1", "+1"),
    "an exponent without digits": VALID.replace("1", "1e"),
    "None": VALID.replace("1", "None"),
    "True": VALID.replace("1", "True"),
    "nan": VALID.replace("1", "nan"),
    "undefined": VALID.replace("1", "undefined"),
    "a line break in a text": VALID.replace("Full", "Fu\nll"),
    "a raw NUL in a text": VALID.replace("Full", "Fu\0ll"),
    "an unknown escape": VALID.replace("Full", "Fu\\xll"),
    "half an escape": VALID.replace("Full", "Fu\\u12"),
    "a key without quotes": VALID.replace('"listVersion"', "listVersion"),
    "a number as a key": VALID.replace('"listVersion"', "1"),
    "a comment before": "/* */" + VALID,
    "a comment behind": VALID + "// why",
    "round brackets": f"({VALID})",
    "curly brackets": VALID.replace("[", "{").replace("]", "}"),
    "XML": "<Reset><type>Hard</type></Reset>",
    "unclosed lists": "[" * 100_000,
    "unclosed objects": '{"a":' * 50_000,
    "a text of a megabyte": '"' + "x" * LONGEST + '"',
}
_NO_FRAME: Final = {
    "null": "null", "true": "true", "false": "false", "zero": "0", "two": "2",
    "infinity": "1e400", "NaN": "NaN", "a text": '"text"', "a frame in a text":
    json.dumps(VALID), "an object": "{}", "an object like a list": '{"0":2,"1":"x"}',
    "an object like a frame": '{"uniqueId":"x","action":"Reset","payload":{}}',
    "an empty list": "[]", "a list in a list": "[[]]",
    "a frame in a list": f"[{VALID}]",
    "an answer without an id": "[3,{}]", "an error without an id": "[4,{},{},{}]",
    "a type alone": "[2]",
    "an answer's type alone": "[3]", "an error's type alone": "[4]",
}
_KINDS: Final = (
    "0", "1", "5", "-2", "22", "2.0", "2e0", "9" * 20, "9" * 5000, '"2"', '"CALL"',
    "null", "true", "false", "[]", "[2]", "{}", "NaN",
)
_UNUSABLE_IDS: Final = {
    "a number": "7", "zero": "0", "a fraction": "1.5", "null": "null", "true": "true",
    "a list": "[]", "a text in a list": '["x"]', "an object": "{}", "NaN": "NaN",
    "an empty text": '""', "NUL": '"\\u0000"', "half a pair": '"\\ud800"',
    "the other half": '"a\\udc00"', "very many digits": "9" * 6000,
}
_REST: Final = {"2": '"Reset",{"type":"Hard"}', "3": "{}", "4": '"X","",{}'}

_UNSOLICITED: Final = {
    "an answer": '[3,"u",{}]', "null for an answer": '[3,"u",null]',
    "no answer": '[3,"u"]', "a text for an answer": '[3,"u","x"]',
    "two answers": '[3,"u",{},{}]', "a harmful answer": '[3,"u",{"a":NaN}]',
    "a huge answer": '[3,"u",{"a":"' + "x" * LONGEST + '"}]',
    "a deep answer": '[3,"u",' + "[" * 9000 + "]" * 9000 + "]",
    "an answer to a long id": f'[3,"{"u" * 60}",{{}}]',
    "an error": '[4,"u","GenericError","",{}]', "a short error": '[4,"u","X"]',
    "an empty error": '[4,"u"]', "an error of numbers": '[4,"u",1,2,3]',
    "a long error": '[4,"u","X","",{},{},{}]', "a harmful error": '[4,"u","\\ud800"]',
}
_BINARY: Final = {
    "a good frame": VALID.encode(), "nothing": b"", "NUL": b"\0", "UTF-16":
    VALID.encode("utf-16"), "Latin-1": b'[2,"\xfc","Reset",{}]', "half a letter":
    b'[2,"\xc3', "noise": bytes(range(256)), "CBOR": b"\x84\x02\x61x\x65Reset\xa0",
}

_ARGUMENTS: Final = {
    "nothing": "", "an action alone": ',"Reset"', "a payload alone": ',{"type":"Hard"}',
    "the payload first": ',{"type":"Hard"},"Reset"',
    "two payloads": ',"Reset",{"type":"Hard"},{}',
    "null at the end": ',"Reset",{"type":"Hard"},null',
    "six elements": ',"Reset",{"type":"Hard"},{},{}',
    "a hundred elements": ',"Reset",{"type":"Hard"}' + ",{}" * 96,
    "an error's elements": ',"GenericError","text",{}',
}
_NO_TEXTS: Final = ("null", "0", "1.5", "true", "false", "[]", '["Reset"]', "{}")
_NO_OBJECTS: Final = (
    '""', '"{}"', '"text"', "0", "1", "-1.5", "true", "false", "[]", "[[]]",
    '[{"type":"Hard"}]',
)
_LONG_IDS: Final = (
    "x" * 37, "x" * 255, "y" * 5000, "ü" * 37, "\U0001f50c" * 37, " " * 37,
)

_HARMFUL: Final = {
    "NaN": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "a float too large": "1e400",
    "a float too small": "-1e400",
    "a huge exponent": "1E+999999999",
    "a number of 30 digits": "9" * 30,
    "a number of 5000 digits": "-" + "9" * 5000,
    "NUL": '"a\\u0000b"',
    "half a surrogate pair": '"\\ud83d"',
    "the other half": '"\\udd0c"',
    "a reversed pair": '"\\udd0c\\ud83d"',
    "NUL in a key": '{"\\u0000":1}',
    "half a pair in a key": '{"\\ud83d":1}',
    "a key twice": '{"a":1,"a":2}',
    "the same field twice": '{"a":1,"a":1}',
    "a key twice, once escaped": '{"a":1,"\\u0061":2}',
    "33 lists": "[" * 33 + "]" * 33,
    "33 objects": '{"a":' * 33 + "0" + "}" * 33,
    "500 lists and objects": '[{"a":' * 250 + "0" + "}]" * 250,
    "100000 lists": "[" * 100_000 + "]" * 100_000,
    "30000 values": "[" + "0," * 30_000 + "0]",
    "a megabyte": '"' + "x" * LONGEST + '"',
}
_PLACES: Final = {
    "as the action": ",%s,{}",
    "as the payload": ',"Reset",%s',
    "as a field": ',"Reset",{"type":%s}',
    "in an object": ',"SetChargingProfile",{"csChargingProfiles":{"x":%s}}',
    "in a list": ',"GetConfiguration",{"key":["a",%s]}',
    "in a list of objects": ',"SendLocalList",{"localList":[{},{"idTag":%s}]}',
    "behind the payload": ',"Reset",{"type":"Hard"},%s',
}

_WRONG_ACTIONS: Final = (
    "", " ", "reset", "RESET", "Reset ", " Reset", "Resét", "Nonsense", "0", "null",
    "SetVariables", "GetBaseReport", "RequestStartTransaction", "TransactionEvent",
    "BootNotificationRequest", "ResetResponse", "../Reset", "/etc/passwd", "__class__",
    "dataclass", "Optional", "enums", "R" * 5000, "\U0001f50c", "Re\\nset", "%s{0}",
)
_WRONG_TYPES: Final[dict[str, tuple[Any, ...]]] = {
    "integer": (None, "7", "", 7.0, -0.0, 7.5, 1e300, True, False, [], [7], {}),
    "number": (None, "12.3", True, [], {}),
    "boolean": (None, 0, 1, "true", [], {}),
    "string": (None, 0, 7, 1.5, True, [], ["text"], {}),
    "array": (None, "text", 7, True, {}, {"0": "text"}),
    "object": (None, "text", 7, True, [], [{}]),
}
_WRONG_NUMBERS: Final[dict[str, tuple[Any, ...]]] = {
    "integer": (2**63, -(2**63) - 1, 10**24),
    "number": (12.34, 1e-9, 0.05, -0.01),
}
_WRONG_TIMES: Final = (
    "", "now", "2026", "2026-03-02", "08:00:00", "2026-03-02T08:00Z",
    "2026-03-02T08:00:00.Z",
    "2026-03-02 08:00:00Z", "2026-02-30T08:00:00Z", "2026-13-01T08:00:00Z",
    "2026-03-02T24:00:01Z", "2026-03-02T08:60:00Z", "2026-03-02T08:00:61Z",
    "2026-03-02T08:00:00+25:00", "2026-03-02T08:00:00 Z", "20260302T080000Z",
    "2026-W10-1T08:00:00Z", "02.03.2026 08:00", "1772438400", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "-026-03-02T08:00:00Z",
    "2026-03-02T08:00:00Z\n", "٢٠٢٦-03-02T08:00:00Z",
)
_WRONG_URIS: Final = (
    "", "text", "host/path", "//host/path", "https:", "https://", "https://ho st/", ":",
    "http://[::1", "http://host:port/", "http://host:99999/", "http://host/\n",
)
# fmt: on

_FAMILIES: Final[dict[str, dict[str, str] | dict[str, bytes]]] = {
    "cut": {f"after {n} characters": VALID[:n] for n in range(len(VALID))},
    "not JSON": _NOT_JSON,
    "no frame": _NO_FRAME,
    "type": {kind[:30]: f'[{kind},"k","Reset",{{"type":"Hard"}}]' for kind in _KINDS},
    "an id of": {
        f"{name} in a frame of type {kind}": f"[{kind},{id},{rest}]"
        for kind, rest in _REST.items()
        for name, id in _UNUSABLE_IDS.items()
    },
    "unsolicited": _UNSOLICITED,
    "binary": _BINARY,
}


def _refused() -> Iterator[tuple[str, str]]:
    """Yield names, and all that follows the message id."""
    for name, rest in _ARGUMENTS.items():
        yield f"arguments: {name}", rest
    for action in _NO_TEXTS:
        yield f"{action} for an action", f",{action},{{}}"
    for payload in _NO_OBJECTS:
        yield f"{payload} for a payload", f',"Reset",{payload}'
    for name, value in _HARMFUL.items():
        for place, rest in _PLACES.items():
            yield f"{name} {place}", rest % value


def _wrong(node: Json) -> Iterator[tuple[str, Any]]:
    """Yield values that the schema of a value forbids, with names."""
    for value in _WRONG_TYPES[node["type"]]:
        yield f"{json.dumps(value)} is no {node['type']}", value
    for value in _WRONG_NUMBERS.get(node["type"], ()):
        yield f"{value} is out of range", value
    if "enum" in node:
        first = node["enum"][0]
        for value in ("", "Nonsense", first + " ", first.swapcase(), "x" * 5000):
            yield f"{value[:20]!r} is not listed", value
    if "maxLength" in node:
        yield "too long", "x" * (node["maxLength"] + 1)
    if "minItems" in node:
        yield "too few", []
    formats = {"date-time": _WRONG_TIMES, "uri": _WRONG_URIS}
    for text in formats.get(node.get("format", ""), ()):
        yield f"{text!r} breaks {node['format']}", text


def _spoilt(node: Json, payload: Any) -> Iterator[tuple[str, Any]]:
    """Yield a payload with one mistake each, in every place of it."""
    match node["type"]:
        case "array":
            for name, item in _spoilt(node["items"], payload[0]):
                yield f"[]{name}", [item]
        case "object":
            yield ".* unknown", {**payload, "colour": "red"}
            for key in node.get("required", ()):
                rest = {name: payload[name] for name in payload if name != key}
                yield f".{key} missing", rest
            for key, part in node["properties"].items():
                for name, value in _spoilt(part, payload[key]):
                    yield f".{key}{name}", {**payload, key: value}
    for name, value in _wrong(node):
        yield f" {name}", value


def misunderstood(name: str) -> tuple[tuple[str, Any], ...]:
    """Return payloads with one mistake each, with names; the message is an object."""
    every = _spoilt(schema(name), sample(name))
    return tuple(
        (text, payload) for text, payload in every if isinstance(payload, dict)
    )


def _questions() -> Iterator[tuple[str, str]]:
    for action in _WRONG_ACTIONS:
        yield f"no action {action[:30]!r}", f',"{action}",{{}}'
    for action in sorted(ACTIONS_FROM_STATION - ACTIONS_FROM_CSMS):
        yield f"asked for our {action}", f',"{action}",{json.dumps(sample(action))}'
    for action in sorted(ACTIONS_FROM_CSMS):
        for name, payload in misunderstood(action):
            yield f"{action}{name}", f',"{action}",{json.dumps(payload)}'


UNANSWERABLE: Final[tuple[Named, ...]] = tuple(
    (f"{family}: {name}", frame)
    for family, frames in _FAMILIES.items()
    for name, frame in frames.items()
)
"""Ignored and counted."""

REFUSED: Final[tuple[Named, ...]] = (
    *((name, f'[2,"r{n}"{rest}]') for n, (name, rest) in enumerate(_refused())),
    *((f"an id of {len(id)} {id[0]}", f'[2,"{id}","Reset",{{}}]') for id in _LONG_IDS),
)
"""Answered with an error by the framing itself."""

MISUNDERSTOOD: Final[tuple[Named, ...]] = tuple(
    (name, f'[2,"q{n}"{rest}]') for n, (name, rest) in enumerate(_questions())
)
"""Well-formed frames that ask for nothing a station does."""

FRAMES: Final[tuple[Named, ...]] = tuple(chain(UNANSWERABLE, REFUSED, MISUNDERSTOOD))
