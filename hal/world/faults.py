"""What can be broken in the simulated station, and what is."""

from collections.abc import Iterable
from typing import Final

STATION: Final = (
    "emergency-stop",
    "door-open",
    "surge-protector",
    "power-fail",
    "bridge-weld",
    "bridge-open",
    "bridge-silent",
    "safety-silent",
    "supply-silent",
)
"""Faults of the station as a whole, kept under connector 0."""

_CONNECTOR: Final = (
    "insulation",
    "contactor-weld",
    "contactor-weld-hidden",
    "contactor-open",
    "contactor-silent",
    "short-circuit",
    "plug-charged",
    "module-over-temperature",
    "module-silent",
    "module-weak",
    "under-voltage",
    "over-voltage",
    "vehicle-over-voltage",
    "over-current",
    "current-stuck",
    "meter-silent",
    "meter-frozen",
    "meter-backwards",
    "meter-unsigned",
    "meter-spread",
    "isolation-silent",
    "isolation-self-test",
    "vehicle-silent",
    "reader-silent",
    "plug-warm",
    "plug-over-temperature",
    "temperature-silent",
    "lock-stuck",
    "lock-silent",
    "limit-exceeded",
)
_MODULE: Final = "module-"


def names(modules: int) -> tuple[str, ...]:
    """Return all that can be broken where the largest group has ``modules``."""
    numbered = tuple(f"{_MODULE}{number}" for number in range(1, modules + 1))
    return STATION + _CONNECTOR + numbered


def failed_modules(present: frozenset[str]) -> frozenset[int]:
    """Return the numbers of the modules among the faults of a connector."""
    numbers = (name.removeprefix(_MODULE) for name in present)
    return frozenset(int(number) for number in numbers if number.isdecimal())


class Faults:
    """The faults that are present, each at a connector or, as 0, at the station."""

    def __init__(self) -> None:
        self._present: set[tuple[str, int]] = set()
        self._offered: set[str] = set()

    @property
    def offered(self) -> tuple[str, ...]:
        """What can be broken besides, because a device is there that can."""
        return tuple(sorted(self._offered))

    def offer(self, names: Iterable[str]) -> None:
        """Let something be broken at a connector."""
        self._offered.update(names)

    def put(self, name: str, on: bool, connector: int) -> None:
        """Break or mend one thing."""
        if on:
            self._present.add((name, connector))
        else:
            self._present.discard((name, connector))

    def has(self, name: str, connector: int = 0) -> bool:
        """Return whether that is broken there."""
        return (name, connector) in self._present

    def at(self, connector: int) -> frozenset[str]:
        """Return what is broken at a connector, the station's faults included."""
        return frozenset(
            name
            for name, place in self._present
            if place == connector or name in STATION
        )
