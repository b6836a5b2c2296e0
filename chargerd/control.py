"""What chargerctl and the daemon say to each other: Varlink on a Unix socket.

A message is one JSON object, ended by one NUL byte (https://varlink.org). What
may be said stands in the ``.varlink`` files beside this module. Both sides
import this; it imports nothing of either.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final

STATION: Final = "org.chargerd.Station"
MOCK: Final = "org.chargerd.Mock"
SERVICE: Final = "org.varlink.service"

INTERFACE_NOT_FOUND: Final = f"{SERVICE}.InterfaceNotFound"
METHOD_NOT_FOUND: Final = f"{SERVICE}.MethodNotFound"
INVALID_PARAMETER: Final = f"{SERVICE}.InvalidParameter"

END: Final = b"\0"
SYSTEM_SOCKET: Final = "/run/chargerd/control.sock"


class MessageError(ValueError):
    """What came over the socket is no Varlink message."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as it goes over the socket, its NUL included."""
    text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + END


def decode(frame: bytes) -> dict[str, Any]:
    """Read one message, with or without its NUL, or raise ``MessageError``."""
    try:
        message = json.loads(frame.removesuffix(END), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"no JSON: {error}") from error
    if not isinstance(message, dict):
        raise MessageError("no JSON object")
    return message


def socket_path(
    option: str | None, environment: Mapping[str, str], user_id: int
) -> str:
    """Return where the control socket is, or shall be.

    The first that is there: ``option``, ``$CHARGERD_SOCKET``, the system's
    socket, the user's own. Root and who has no runtime directory get the
    system's even if it is missing.
    """
    if named := option or environment.get("CHARGERD_SOCKET"):
        return named
    own = environment.get("XDG_RUNTIME_DIR")
    if user_id == 0 or not own or os.path.exists(SYSTEM_SOCKET):
        return SYSTEM_SOCKET
    return os.path.join(own, "chargerd", "control.sock")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
