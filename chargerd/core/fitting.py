"""What a connector is made of, as the station file says and the drivers tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hal.values import PowerRating

PLUG_FROM_C: Final = 70.0
"""From here on a plug gives less, unless the station file says otherwise."""


@dataclass(frozen=True, slots=True)
class Knees:
    """From which temperature on a connector gives less (``core.derating``)."""

    plug_c: float = PLUG_FROM_C
    module_c: float = 0.0
    """0: its power modules look after their own temperature."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """What one connector is made of."""

    rating: PowerRating
    """What its own modules can do."""
    fitted: frozenset[str]
    """Kinds of device that it depends on, the station's included."""
    limit_w: float | None = None
    """What the station file allows it; ``None``: what the modules can do."""
    own_reader: bool = False
    neighbor: int | None = None
    """The connector beyond the bridge; ``None``: there is no bridge."""
    max_current_a: float | None = None
    """What its cable and contactors carry; ``None``: what its own modules can do."""
    knees: Knees = Knees()
    signs: bool = False
    """Its meter keeps transactions of its own, and signs them."""


def most_power_w(fittings: Mapping[int, Fitting], connector: int) -> float:
    """Return what a connector can give at the most, with all the help it can get."""
    own = fittings[connector]
    most_w = own.rating.max_power_w
    if own.neighbor is not None:
        most_w += fittings[own.neighbor].rating.max_power_w
    return most_w
