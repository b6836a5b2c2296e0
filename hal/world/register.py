"""The register of a simulated billing meter."""

from dataclasses import dataclass

_SKEW = 1.1
"""What a meter out of order makes of a voltage."""
_FLATTERED = 1.07
_FLATTERED_W = 1_000.0
"""What a meter makes of a power, without being called out of order for it."""
_NOMINAL_V = 400.0
"""What a forced power is shown at while the output carries no voltage."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the display of the meter says."""

    energy_wh: int
    power_w: float
    voltage_v: float
    current_a: float


class Register:
    """Counts the energy of one output; what it shows can be bent by hand."""

    def __init__(self) -> None:
        self.energy_wh = 0.0
        self.forced_w: float | None = None
        self.skewed = False
        self.flatters = False
        """It shows somewhat more current than there is."""
        self._frozen: Shown | None = None

    def run(self, energy_wh: float, dt_s: float) -> None:
        """Count ``energy_wh`` that passed in ``dt_s``, or the forced power instead."""
        if self.forced_w is not None:
            energy_wh = self.forced_w * dt_s / 3600
        self.energy_wh += energy_wh

    def freeze(self, frozen: bool, voltage_v: float, current_a: float) -> None:
        """Let what is shown stand still, or let it follow the truth again."""
        if not frozen:
            self._frozen = None
        elif self._frozen is None:
            self._frozen = self.shows(voltage_v, current_a)

    def shows(self, voltage_v: float, current_a: float) -> Shown:
        """Return what the meter shows while the output has these values."""
        if self._frozen is not None:
            return self._frozen
        if self.forced_w is not None:
            voltage_v = voltage_v or _NOMINAL_V
            current_a = self.forced_w / voltage_v
        if self.flatters and current_a:
            current_a = current_a * _FLATTERED + _FLATTERED_W / voltage_v
        if self.skewed:
            voltage_v *= _SKEW
        return Shown(int(self.energy_wh), voltage_v * current_a, voltage_v, current_a)
