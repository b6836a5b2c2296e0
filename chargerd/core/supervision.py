"""What must not last: measurements held against what was told, and each other.

``core.permissive`` judges one moment; a rule here is broken once its condition has
held without a break for longer than the rule bears. The guard follows every reading
with one ``Watch`` for each connector and cuts what is broken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chargerd.core.permissive import Facts
from hal.values import (
    JOINED,
    MeterReading,
    PowerReading,
    Reading,
    Setpoint,
    VehiclePhase,
)

VOLTAGE_SPREAD_V: Final = 20.0
POWER_SPREAD_W: Final = 4_000.0
SPREAD_S: Final = 5.0
"""What ``Tolerances`` are unless the station file says otherwise."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far apart two measurements of one thing may be, and for how long."""

    voltage_spread_v: float = VOLTAGE_SPREAD_V
    """Between power modules and meter; at least 5 % in any case."""
    power_spread_w: float = POWER_SPREAD_W
    """Between power modules and meter; at least 10 % in any case."""
    spread_s: float = SPREAD_S


LATE: Final = "control-late"
"""Who moves the hardware, or who guards it, stands still; the other one cuts."""

FALL_A_PER_S: Final = 100.0
"""A current that is told to fall does so at least so fast (IEC 61851-23 Annex CC)."""

SHORT_OHM: Final = 110.0
"""A cable under test carries no more than its voltage through so much
(IEC 61851-23:2023 6.3.1.109)."""

SHORT_A: Final = 5.0
"""More than this is a short circuit in the cable check at once (same clause)."""

_ACCURACY: Final = 0.01
"""Share by which a voltage may be measured too high."""
_ACCURACY_A: Final = 0.5
"""What a power module may show while nothing flows."""
_EXCESS_A: Final = 3.0
_EXCESS: Final = 0.05
"""A group may give so much, or such a share, above its set-point."""
_VOLTAGE_SPREAD: Final = 0.05
_POWER_SPREAD: Final = 0.10
_FRESH_S: Final = 1.0
"""Measurements of different ages are not compared."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the rules see of one connector."""

    facts: Facts
    now_s: float
    told: Setpoint
    """What the power modules were told last."""
    allowed_a: float
    """What they may give: that, or what a falling current may still be."""
    beside_a: float = 0.0
    """What the neighbor's modules give through a bridge."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A connector is cut when ``broken`` has said by what for longer than it may."""

    fault: str
    means: str
    """What is wrong while it is broken, in the words of docs/safety.md."""
    lasting_s: Callable[[Tolerances], float]
    broken: Callable[[Sight, Tolerances], str]
    """Returns what was measured against what limit; nothing: all is well."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken, and by what."""

    fault: str
    value: str


def _above_vehicle(sight: Sight, _: Tolerances) -> str:
    vehicle, facts = sight.facts.vehicle, sight.facts
    own_v = vehicle.max_voltage_v if vehicle and vehicle.phase in JOINED else None
    if own_v is None:
        return ""
    readings = (facts.power_module, facts.meter)
    fresh = (each for each in readings if each and _fresh(each, sight))
    seen_v = max((each.voltage_v for each in fresh), default=0.0)
    return (
        f"{seen_v:.0f} V of {own_v:.0f} V" if seen_v > own_v * (1 + _ACCURACY) else ""
    )


def _above_told(sight: Sight, _: Tolerances) -> str:
    module = sight.facts.power_module
    # Modules that do not let go when they are switched off are a fault of their own.
    if module is None or not sight.told.voltage_v or _checks_cable(sight):
        return ""
    allowed_a = max(sight.allowed_a + _EXCESS_A, sight.allowed_a * (1 + _EXCESS))
    if module.current_a <= allowed_a:
        return ""
    return f"{module.current_a:.1f} A of {sight.told.current_a:.1f} A"


def _shorted(sight: Sight, _: Tolerances) -> str:
    module = sight.facts.power_module
    if module is None or not _checks_cable(sight):
        return ""
    leaks_a = module.voltage_v / SHORT_OHM + _ACCURACY_A
    return _current(module) if module.current_a > leaks_a else ""


def _hard_short(sight: Sight, _: Tolerances) -> str:
    module = sight.facts.power_module
    if module is None or not _checks_cable(sight) or module.current_a <= SHORT_A:
        return ""
    return _current(module)


def _voltages_apart(sight: Sight, tolerances: Tolerances) -> str:
    pair = _compared(sight)
    if pair is None:
        return ""
    module, meter = pair
    spread_v = max(tolerances.voltage_spread_v, _VOLTAGE_SPREAD * module.voltage_v)
    if abs(module.voltage_v - meter.voltage_v) <= spread_v:
        return ""
    return f"modules {module.voltage_v:.0f} V, meter {meter.voltage_v:.0f} V"


def _powers_apart(sight: Sight, tolerances: Tolerances) -> str:
    pair = _compared(sight)
    if pair is None:
        return ""
    module, meter = pair
    given_w = module.voltage_v * (module.current_a + sight.beside_a)
    spread_w = max(tolerances.power_spread_w, _POWER_SPREAD * abs(given_w))
    if abs(given_w - meter.power_w) <= spread_w:
        return ""
    return f"modules {given_w / 1000:.1f} kW, meter {meter.power_w / 1000:.1f} kW"


# fmt: off
RULES: Final[tuple[Rule, ...]] = (
    # fault                      while (and for how long, in seconds, it may)
    Rule("vehicle-over-voltage", "the output is above the vehicle's own maximum",
         lambda _: 0.4, _above_vehicle),
    Rule("short-circuit", "more than 5 A flow in the cable check",
         lambda _: 0.0, _hard_short),
    Rule("short-circuit", "more flows in the cable check than through 110 ohm",
         lambda _: 1.0, _shorted),
    Rule("over-current", "the current is above its set-point",
         lambda _: 1.0, _above_told),
    Rule("measurement-spread", "modules and meter measure different voltages",
         lambda tolerances: tolerances.spread_s, _voltages_apart),
    Rule("measurement-spread", "modules and meter measure different powers",
         lambda tolerances: tolerances.spread_s, _powers_apart),
)
# fmt: on


class Watch:
    """Knows since when each rule has been broken at one connector."""

    def __init__(self, tolerances: Tolerances) -> None:
        self._tolerances = tolerances
        self._told = Setpoint(0.0, 0.0, 0.0)
        self._allowed_a = 0.0
        self._at_s = 0.0
        self._broken: dict[int, tuple[float, str]] = {}
        """Of each broken rule, since when and by what."""

    def tell(self, setpoint: Setpoint, now_s: float) -> None:
        """Take note of what the power modules are told."""
        self._fall(now_s)
        self._told = setpoint
        self._allowed_a = max(self._allowed_a, setpoint.current_a)

    def follow(self, facts: Facts, now_s: float, beside_a: float = 0.0) -> None:
        """Look at the facts of this moment."""
        self._fall(now_s)
        sight = Sight(facts, now_s, self._told, self._allowed_a, beside_a)
        for number, rule in enumerate(RULES):
            value = rule.broken(sight, self._tolerances)
            if value:
                since_s, _ = self._broken.get(number, (now_s, value))
                self._broken[number] = since_s, value
            else:
                self._broken.pop(number, None)

    def lasting(self, now_s: float) -> tuple[Broken, ...]:
        """Return what has been wrong for too long."""
        return tuple(
            Broken(RULES[number].fault, value)
            for number, (since_s, value) in self._broken.items()
            if now_s - since_s >= RULES[number].lasting_s(self._tolerances)
        )

    def rest(self) -> None:
        """Forget: nothing is live that could be judged."""
        self._broken.clear()

    def _fall(self, now_s: float) -> None:
        fallen_a = self._allowed_a - FALL_A_PER_S * (now_s - self._at_s)
        self._allowed_a = max(self._told.current_a, fallen_a)
        self._at_s = now_s


def _compared(sight: Sight) -> tuple[PowerReading, MeterReading] | None:
    """Return what both ends of closed contactors measure, if both do so now."""
    module, meter, vehicle = (
        sight.facts.power_module,
        sight.facts.meter,
        sight.facts.vehicle,
    )
    if vehicle is None or vehicle.phase not in JOINED or not module or not meter:
        return None
    if not _fresh(module, sight) or not _fresh(meter, sight):
        return None
    return module, meter


def _checks_cable(sight: Sight) -> bool:
    vehicle = sight.facts.vehicle
    return vehicle is not None and vehicle.phase is VehiclePhase.CABLE_CHECK


def _fresh(reading: Reading, sight: Sight) -> bool:
    return reading.age_s(sight.now_s) <= _FRESH_S


def _current(module: PowerReading) -> str:
    return f"{module.current_a:.1f} A at {module.voltage_v:.0f} V"
