"""Shell completion: the shipped script, and the names that only the daemon knows."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from chargerd import control
from chargerd.cli import options, units
from chargerd.cli.client import Client
from chargerd.cli.commands import Context
from chargerd.cli.problems import Problem

_SCRIPT: Final = os.path.join(os.path.dirname(__file__), "chargerctl.bash")
_WITHIN_S: Final = 0.1


def add(nouns: options.Verbs) -> None:
    """Add the command of this module."""
    completion = options.command(
        nouns, "completion", "print a completion script for a shell", _print
    )
    completion.add_argument("shell", choices=("bash",))


def complete(kind: str, path: str) -> int:
    """Print the names of a kind, one a line; print nothing if anything is wrong."""
    try:
        with Client(path, _WITHIN_S) as client:
            for name in _KINDS[kind](client):
                print(name)
    except (KeyError, ValueError, Problem):
        return 1
    return 0


def _print(_context: Context) -> int:
    with open(_SCRIPT, encoding="ascii") as script:
        print(script.read(), end="")
    return 0


def _connectors(client: Client) -> Iterator[str]:
    status = client.call(f"{control.STATION}.GetStatus")["status"]
    return (one["name"] for one in status["connectors"])


def _places(client: Client) -> Iterator[str]:
    yield from _connectors(client)
    yield "station"


def _reservations(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListReservations")["reservations"]
    return (str(one["id"]) for one in found)


def _sessions(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListSessions", limit=50)["sessions"]
    return (units.short(one["id"]) for one in found)


def _messages(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListMessages", limit=50)["messages"]
    return (str(one["id"]) for one in found)


def _keys(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListKeys")["keys"]
    return (one["name"] for one in found)


def _faults(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListFaults", history=True)["faults"]
    for fault in found:
        yield str(fault["id"])
    yield from sorted({fault["name"] for fault in found})


def _roots(client: Client) -> Iterator[str]:
    found = client.call(f"{control.STATION}.ListCertificates")["certificates"]
    return (units.short(one["fingerprint"]) for one in found if one["use"] != "station")


def _mock_faults(client: Client) -> Iterator[str]:
    return iter(client.call(f"{control.MOCK}.ListFaults")["names"])


_KINDS: Final[Mapping[str, Callable[[Client], Iterator[str]]]] = {
    "connectors": _connectors,
    "places": _places,
    "reservations": _reservations,
    "sessions": _sessions,
    "messages": _messages,
    "keys": _keys,
    "faults": _faults,
    "roots": _roots,
    "mock-faults": _mock_faults,
}
