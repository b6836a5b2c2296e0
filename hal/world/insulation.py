"""The insulation of a simulated DC output against protective earth."""

from typing import Final

from hal.world.outlet import Outlet

_GOOD_OHM: Final = 2_000_000.0
_BROKEN_OHM: Final = 20_000.0
_NOISE: Final = 0.01


def resistance_ohm(outlet: Outlet, broken: bool) -> float:
    """Return what a perfect monitor would measure now."""
    noise = 1 + _NOISE * outlet.dice.uniform(-1, 1)
    return noise * (_BROKEN_OHM if broken else _GOOD_OHM)
