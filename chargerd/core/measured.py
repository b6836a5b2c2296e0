"""What was measured when a fault came, against its limit, in words for people."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from chargerd.core.permissive import (
    MAX_PLUG_C,
    MIN_RESISTANCE_OHM,
    RULES,
    Facts,
    hard_limit_v,
)
from hal.values import IsolationReading, PowerReading, Quality


def measured(fault: str, facts: Facts) -> str:
    """Return what the reading behind a fault says; empty: no more than the fault."""
    words = _WORDS.get(fault)
    return words(getattr(facts, _KINDS[fault]), facts) if words else ""


def above(value: float, limit: float, unit: str) -> str:
    """Say that a value is above its limit."""
    digits = 0 if round(value) > round(limit) else 1
    return f"{value:.{digits}f} {unit} > {limit:.0f} {unit}"


def _resistance(isolation: IsolationReading, _: Facts) -> str:
    kohm = f"{isolation.resistance_ohm / 1000:.0f} kohm"
    if isolation.quality is not Quality.GOOD:
        return f"{kohm}, {isolation.quality.value}"
    return f"{kohm} < {MIN_RESISTANCE_OHM / 1000:.0f} kohm"


def _output(_: Any, facts: Facts) -> str:
    own_v = facts.vehicle.max_voltage_v if facts.vehicle else None
    told_v = (r.voltage_v for r in (facts.power_module, facts.meter) if r is not None)
    return above(max(told_v), hard_limit_v(own_v or 0.0), "V")


def _heat(power: PowerReading, _: Facts) -> str:
    told_c = power.temperature_c
    return "" if told_c is None else f"{told_c:.0f} °C"


_KINDS: Final = {rule.fault: rule.kind for rule in RULES}

_WORDS: Final[Mapping[str, Callable[[Any, Facts], str]]] = {
    "insulation": _resistance,
    "plug-over-temperature": lambda r, _: above(r.temperature_c, MAX_PLUG_C, "°C"),
    "module-over-temperature": _heat,
    "over-voltage": _output,
    "vehicle-emergency": lambda r, _: r.error or "",
}
