"""What a simulated cabinet and whoever plays with it say to each other.

Each message is one line of JSON. A request names a verb and its arguments; the answer
holds its result, or in words why it was refused.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

END: Final = b"\n"
LONGEST: Final = 65_536


class Refused(ValueError):
    """The cabinet did not do what it was asked; the text says why."""


def request(verb: str, arguments: Mapping[str, Any]) -> bytes:
    """Return the line that asks for something."""
    return _line({"verb": verb, "arguments": dict(arguments)})


def answer(result: Any) -> bytes:
    """Return the line that says what came of it."""
    return _line({"result": result})


def refusal(reason: str) -> bytes:
    """Return the line that says why nothing came of it."""
    return _line({"refused": reason})


def asked(line: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the verb and the arguments of a request.

    Raises:
        Refused: It is no request.
    """
    message = _message(line)
    verb, arguments = message.get("verb"), message.get("arguments", {})
    if not isinstance(verb, str) or not isinstance(arguments, dict):
        raise Refused('request: has no verb; write it like {"verb": "faults"}')
    return verb, arguments


def result(line: bytes) -> Any:
    """Return the result of an answer.

    Raises:
        Refused: The cabinet refused, or the line is no answer.
    """
    message = _message(line)
    if "refused" in message:
        raise Refused(str(message["refused"]))
    return message.get("result")


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + END


def _message(line: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Refused("message: is no JSON object")
    return message
