"""Whether the power that is measured follows the limit that was set."""

from collections.abc import Callable, Iterable
from typing import Final

from chargerd.core.health import Health
from chargerd.core.power import Limit
from chargerd.core.session import Phase, Session
from hal.values import MeterReading

FAULT: Final = "limit-exceeded"

PATIENCE_S: Final = 10.0
"""Modules and vehicle get so long to follow a limit that has fallen."""

_TOLERANCE: Final = 0.05
_LEAST_TOLERANCE_W: Final = 1_000.0


class Obedience:
    """Holds since when each connector has been above its limit."""

    def __init__(self) -> None:
        self._above_since_s: dict[int, float] = {}

    def follow(
        self, sessions: Iterable[Session], of: Callable[[int], Limit], health: Health
    ) -> None:
        """Latch the fault where power flows above the limit, and let go of it."""
        for session in sessions:
            number, meter = session.connector, session.facts.meter
            value = ""
            if session.phase is Phase.ENERGIZED and meter is not None:
                value = self.excess(number, of(number).power_w, meter)
            else:
                self._above_since_s.pop(number, None)
            if value:
                health.latch(number, FAULT, value)
            else:
                health.unlatch(number, FAULT)

    def excess(self, connector: int, limit_w: float, reading: MeterReading) -> str:
        """Return by what a connector has been above its limit too long, or nothing."""
        tolerance_w = max(_LEAST_TOLERANCE_W, _TOLERANCE * limit_w)
        if reading.power_w <= limit_w + tolerance_w:
            self._above_since_s.pop(connector, None)
            return ""
        since_s = self._above_since_s.setdefault(connector, reading.at_s)
        if reading.at_s - since_s < PATIENCE_S:
            return ""
        return f"{reading.power_w / 1000:.1f} kW > {limit_w / 1000:.1f} kW"
