"""A driver under test, and how a check says that it breaks its promise."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from hal.interfaces import DriverModule
from hal.resources import Place


class Breach(AssertionError):
    """The driver does not keep what ``hal.interfaces`` says. The text says what."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One driver with a device, or the twin of a device, that it can reach."""

    kind: str
    driver: DriverModule
    config: Any
    place: Place

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
