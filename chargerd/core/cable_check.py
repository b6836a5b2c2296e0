"""What the cable check of one session has found so far (IEC 61851-23:2023 CC.4.1.2)."""

from dataclasses import dataclass, replace
from math import inf
from typing import Final

from chargerd.core.permissive import MIN_RESISTANCE_OHM, TOUCHABLE_V, Facts
from hal.values import IsolationReading, Position, Quality

_REACHED: Final = 0.95
"""An output at this share of the voltage wanted has reached it."""


@dataclass(frozen=True, slots=True)
class CableCheck:
    """How far a cable check has come; every part of it is to be passed."""

    tested: bool = False
    """The insulation monitor has passed its self-test."""
    closed_s: float = inf
    """When the contactors were first seen closed."""
    reached_s: float = inf
    """When the output first had a voltage that proves something."""
    proven: bool = False
    """The insulation was measured to be good at that voltage."""
    lowered: bool = False
    """The output has fallen below what may be touched again."""

    @property
    def passed(self) -> bool:
        """Whether the vehicle may go on to pre-charge."""
        return self.tested and self.proven and self.lowered


def followed(
    check: CableCheck, facts: Facts, since_s: float, most_v: float
) -> CableCheck:
    """Return how far the check has come by what is known now.

    Args:
        check: How far it had come.
        facts: What is known of the connector.
        since_s: When the check began; what was read before proves nothing.
        most_v: The highest voltage of the power modules.
    """
    contactor, module = facts.contactor, facts.power_module
    closed = contactor is not None and contactor.position is Position.CLOSED
    if contactor is not None and closed and contactor.at_s > since_s:
        check = replace(check, closed_s=min(check.closed_s, contactor.at_s))
    if module is None or module.at_s <= since_s or not closed:
        return check
    if module.voltage_v >= _REACHED * wanted_v(facts, most_v):
        reached_s = min(check.reached_s, module.at_s)
        good = facts.isolation is not None and _good(facts.isolation, reached_s)
        check = replace(check, reached_s=reached_s, proven=check.proven or good)
    if check.proven and module.voltage_v < TOUCHABLE_V:
        check = replace(check, lowered=True)
    return check


def wanted_v(facts: Facts, most_v: float) -> float:
    """Return the voltage that a cable must have been tested at: the vehicle's own.

    Until the vehicle has told its maximum it is what it asks for.
    """
    vehicle = facts.vehicle
    if vehicle is None:
        return inf
    own_v = vehicle.max_voltage_v
    return min(vehicle.target_voltage_v or inf if own_v is None else own_v, most_v)


def _good(isolation: IsolationReading, since_s: float) -> bool:
    return (
        isolation.at_s > since_s
        and isolation.quality is Quality.GOOD
        and isolation.resistance_ohm >= MIN_RESISTANCE_OHM
    )
