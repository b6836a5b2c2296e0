"""Who of the station's own parts keeps drivers from its connectors, and how long."""

from collections.abc import Mapping
from types import MappingProxyType

from chargerd.clock import Instant
from chargerd.core.events import HoldEnded, HoldWanted


class Holds:
    """Keeps all connectors from new drivers, each hold with its owner and its end."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    @property
    def owners(self) -> Mapping[str, float]:
        """Who holds, and until when at the latest (monotonic)."""
        return MappingProxyType(self._until_s)

    def take(self, event: HoldWanted | HoldEnded) -> None:
        """Begin a hold, or end one."""
        self._until_s.pop(event.owner, None)
        if isinstance(event, HoldWanted):
            self._until_s[event.owner] = event.until_s

    def expire(self, now: Instant) -> None:
        """Let go of what has lasted too long: no owner may strand the station."""
        for owner, until_s in tuple(self._until_s.items()):
            if until_s <= now.monotonic_s:
                del self._until_s[owner]

    def due_s(self) -> float | None:
        """Return when ``expire`` has something to do."""
        return min(self._until_s.values(), default=None)
