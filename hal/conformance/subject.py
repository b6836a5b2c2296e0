"""A driver under test, and how a check says that it breaks its promise."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from hal.interfaces import DriverModule
from hal.resources import Place
from hal.values import StationReport, VehicleReading


class Breach(AssertionError):
    """The driver does not keep what ``hal.interfaces`` says. The text says what."""


class Trouble(StrEnum):
    """What a bench may be able to do to the device, or to the wire that leads to it."""

    SILENT = "silent"
    GARBLED = "garbled"
    PULLED = "pulled"


Troubles = Mapping[Trouble, Callable[[bool], None]]
"""How each trouble is made: it begins with true and ends with false."""


class Traffic(Protocol):
    """A car for the plug, and the contactors and the power that it would get."""

    def plug(self, on: bool) -> None:
        """Put the car on the plug, or take it away."""

    def follow(self, wish: VehicleReading) -> StationReport:
        """Do what the car asks for; return what is measured then."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A device on a bench: the settings that reach it, and what can be done to it."""

    config: Any
    troubles: Troubles = field(default_factory=dict)
    traffic: Traffic | None = None
    """For a CCS controller only."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One driver with a device, or the twin of a device, that it can reach."""

    kind: str
    driver: DriverModule
    config: Any
    place: Place
    troubles: Troubles = field(default_factory=dict)
    traffic: Traffic | None = None

    def connected(self) -> AbstractAsyncContextManager[Any]:
        """Open the device as the daemon would."""
        return self.driver.connect(self.config, self.place)

    def now_s(self) -> float:
        """Return the time that readings are stamped with."""
        return self.place.resources.monotonic()


def expect(kept: bool, promise: str) -> None:
    """Raise ``Breach`` with the promise that was not kept."""
    if not kept:
        raise Breach(promise)
