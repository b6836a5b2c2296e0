"""A car: its battery's voltage, what it asks for and what it takes in."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

_SHARE_OF_LIMIT: Final = (
    # state of charge, open-circuit voltage as a share of the charging limit:
    # a nickel-manganese cell of 4.2 V, steep at both ends
    (0.0, 0.780),
    (0.1, 0.825),
    (0.5, 0.876),
    (0.8, 0.948),
    (1.0, 0.990),
)
_DROP_AT_1C = 0.02
"""Share of its voltage that a pack loses over itself when charged in one hour."""
_TAPER_FROM = 0.8
_TAPER_TO = 0.15
"""From 80 % on the wish falls in a line to 15 % of it at 100 %: cells age by heat."""
_MAX_CURRENT_A = 500.0
"""What a CCS inlet carries."""


class Battery:
    """A battery that charges; ``energy_wh`` is all that changes in it."""

    def __init__(
        self,
        *,
        capacity_wh: float,
        energy_wh: float,
        max_power_w: float,
        max_voltage_v: float,
    ) -> None:
        self.capacity_wh = capacity_wh
        self.energy_wh = energy_wh
        self.max_power_w = max_power_w
        self.max_voltage_v = max_voltage_v
        self.max_current_a = _MAX_CURRENT_A
        self.resistance_ohm = _DROP_AT_1C * max_voltage_v**2 / capacity_wh

    @property
    def soc(self) -> float:
        """State of charge, from 0 to 1."""
        return self.energy_wh / self.capacity_wh

    @property
    def full(self) -> bool:
        """Whether nothing more goes in."""
        return self.energy_wh >= self.capacity_wh

    @property
    def open_voltage_v(self) -> float:
        """The voltage without current."""
        soc = self.soc
        below, below_share = _SHARE_OF_LIMIT[0]
        for above, share in _SHARE_OF_LIMIT[1:]:
            if soc <= above:
                break
            below, below_share = above, share
        slope = (share - below_share) / (above - below)
        return self.max_voltage_v * (below_share + slope * (soc - below))

    def current_at_power_a(self, power_w: float, beside_a: float = 0.0) -> float:
        """Return the current that takes ``power_w`` at the battery's terminals.

        ``beside_a`` is what others push into the battery meanwhile.
        """
        open_v = self.voltage_at_v(beside_a)
        drop_v = sqrt(open_v**2 + 4 * self.resistance_ohm * power_w) - open_v
        return drop_v / (2 * self.resistance_ohm)

    def current_at_voltage_a(self, voltage_v: float, beside_a: float = 0.0) -> float:
        """Return the current that lifts the terminals to ``voltage_v``."""
        missing_v = voltage_v - self.voltage_at_v(beside_a)
        return max(0.0, missing_v / self.resistance_ohm)

    def voltage_at_v(self, current_a: float) -> float:
        """Return the voltage at the terminals under ``current_a``."""
        return self.open_voltage_v + current_a * self.resistance_ohm

    @property
    def wished_current_a(self) -> float:
        """What the car asks for at its present state of charge."""
        if self.full:
            return 0.0
        tapered = max(0.0, self.soc - _TAPER_FROM) / (1 - _TAPER_FROM)
        power_w = self.max_power_w * (1 - tapered * (1 - _TAPER_TO))
        return min(self.max_current_a, self.current_at_power_a(power_w))

    def charge(self, current_a: float, dt_s: float) -> None:
        """Take in what ``current_a`` brings in ``dt_s``, less the pack's own heat."""
        gained_wh = self.open_voltage_v * current_a * dt_s / 3600
        self.energy_wh = min(self.capacity_wh, self.energy_wh + gained_wh)


@dataclass(slots=True)
class Car:
    """A car on the plug."""

    battery: Battery
    evccid: str
    asks: bool = True
    """Whether it asks for energy; if not, it pauses."""
    closed: bool = False
    """Whether its own contactors are closed."""
