"""Why a command could not be done: exit codes, and words that say what to do."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from chargerd import control

FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
NOT_PERMITTED: Final = 4
NOT_FOUND: Final = 5
REFUSED: Final = 6
TIMED_OUT: Final = 7
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

Parameters = Mapping[str, Any]


class Problem(Exception):
    """Ends the command with an exit code and one line on stderr."""

    def __init__(self, exit_code: int, code: str, text: str, /, **details: Any) -> None:
        """Take the machine's word for it, people's, and fields for ``--json``."""
        super().__init__(text)
        self.exit_code = exit_code
        self.code = code
        self.details = details

    def document(self) -> dict[str, Any]:
        """Return what ``--json`` prints instead of an answer."""
        return {"error": {**self.details, "code": self.code, "message": str(self)}}


def _no_connector(parameters: Parameters) -> str:
    number = parameters.get("connector")
    return f"there is no connector {number}; see: chargerctl status"


def _no_session(parameters: Parameters) -> str:
    return f"no session begins with {parameters.get('id')!r}; see: chargerctl session"


def _ambiguous(parameters: Parameters) -> str:
    listed = ", ".join(parameters.get("candidates", ()))
    return f"{parameters.get('id')!r} begins several sessions: {listed}; add a letter"


def _no_message(parameters: Parameters) -> str:
    return f"there is no message {parameters.get('id')}; see: chargerctl queue"


def _no_key(parameters: Parameters) -> str:
    return f"there is no key {parameters.get('name')!r}; see: chargerctl config"


def _no_fault(parameters: Parameters) -> str:
    return f"fault {parameters.get('id')} is not there; see: chargerctl fault"


def _no_reservation(parameters: Parameters) -> str:
    return f"there is no reservation {parameters.get('id')}; see: chargerctl reserve"


def _refused(parameters: Parameters) -> str:
    return f"refused: {parameters.get('detail') or parameters.get('reason')}"


def _not_permitted(parameters: Parameters) -> str:
    group = parameters.get("group")
    return f"not permitted; only members of the group {group} may (usermod -aG {group})"


def _bad_value(parameters: Parameters) -> str:
    return f"{parameters.get('parameter')}: {parameters.get('detail')}"


def _no_interface(parameters: Parameters) -> str:
    if parameters.get("interface") == control.MOCK:
        return 'this station\'s hardware is real; "mock" is only for simulated ones'
    return f"the daemon does not know {parameters.get('interface')}; update it"


def _no_method(parameters: Parameters) -> str:
    return f"the daemon does not know {parameters.get('method')}; update it"


def _invalid(parameters: Parameters) -> str:
    return f"the daemon does not accept this value of {parameters.get('parameter')}"


_ERRORS: Final[Mapping[str, tuple[int, str, Callable[[Parameters], str]]]] = {
    f"{control.STATION}.NoSuchConnector": (
        NOT_FOUND,
        "NO_SUCH_CONNECTOR",
        _no_connector,
    ),
    f"{control.STATION}.NoSuchSession": (NOT_FOUND, "NO_SUCH_SESSION", _no_session),
    f"{control.STATION}.AmbiguousSession": (
        NOT_FOUND,
        "AMBIGUOUS_SESSION",
        _ambiguous,
    ),
    f"{control.STATION}.NoSuchMessage": (NOT_FOUND, "NO_SUCH_MESSAGE", _no_message),
    f"{control.STATION}.NoSuchReservation": (
        NOT_FOUND,
        "NO_SUCH_RESERVATION",
        _no_reservation,
    ),
    f"{control.STATION}.NoSuchKey": (NOT_FOUND, "NO_SUCH_KEY", _no_key),
    f"{control.STATION}.NoSuchFault": (NOT_FOUND, "NO_SUCH_FAULT", _no_fault),
    f"{control.STATION}.Refused": (REFUSED, "REFUSED", _refused),
    f"{control.STATION}.NotPermitted": (
        NOT_PERMITTED,
        "NOT_PERMITTED",
        _not_permitted,
    ),
    f"{control.MOCK}.NoSuchConnector": (NOT_FOUND, "NO_SUCH_CONNECTOR", _no_connector),
    f"{control.MOCK}.BadValue": (USAGE, "BAD_VALUE", _bad_value),
    control.INTERFACE_NOT_FOUND: (REFUSED, "NOT_SIMULATED", _no_interface),
    control.METHOD_NOT_FOUND: (FAILED, "METHOD_NOT_FOUND", _no_method),
    control.INVALID_PARAMETER: (USAGE, "INVALID_PARAMETER", _invalid),
}


def problem_of(error: str, parameters: Parameters) -> Problem:
    """Return what an error that the daemon answered means here."""
    if error not in _ERRORS:
        return Problem(FAILED, error, f"the daemon answered {error}", **parameters)
    exit_code, code, words = _ERRORS[error]
    return Problem(exit_code, code, words(parameters), **parameters)
