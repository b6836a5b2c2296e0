"""Find the installed drivers. The only place that reads entry points."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Final, cast

from hal.interfaces import DriverModule

KINDS: Final = (
    "power_module",
    "contactor",
    "bridge",
    "meter",
    "isolation",
    "vehicle",
    "lock",
    "safety",
    "temperature",
    "supply",
    "reader",
    "light",
    "simulation",
)
"""The kinds of device, as the station file and the entry points name them."""


class UnknownDriver(LookupError):
    """No installed driver has that kind and name."""


def installed(kind: str) -> tuple[str, ...]:
    """Return the names of the drivers of one kind, e.g. ``"meter"``."""
    return tuple(sorted({e.name for e in _select()(group=f"hal.{kind}")}))


def load(kind: str, name: str) -> DriverModule:
    """Import one driver module; the others stay unimported.

    Raises:
        UnknownDriver: None of that name is installed; the text lists those that are.
    """
    for entry in _select()(group=f"hal.{kind}", name=name):
        return cast(DriverModule, entry.load())
    known = ", ".join(installed(kind)) or "none"
    raise UnknownDriver(f'no {kind} driver "{name}"; installed: {known}')


@cache
def _select() -> Callable[..., EntryPoints]:
    """Look through what is installed, once: every package has a file to be read."""
    return entry_points().select
