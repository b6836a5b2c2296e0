"""May energy flow? One AND over facts and their ages, and nothing else.

The guard asks on every edge and every tick, the actuators before they close a
contactor or raise a set-point, the core when it judges a fault. A fact that is
missing or too old counts as false: nothing known is nothing permitted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Final

from hal.values import (
    BridgeReading,
    ContactorReading,
    IsolationReading,
    LockReading,
    MeterReading,
    Position,
    PowerReading,
    Quality,
    Reading,
    SafetyReading,
    SupplyReading,
    TemperatureReading,
    VehiclePhase,
    VehicleReading,
)

MIN_RESISTANCE_OHM: Final = 100_000.0
"""Below this a CCS output must not be live (IEC 61851-23:2023 CC.4.1)."""

TOUCHABLE_V: Final = 60.0
"""A direct voltage below this may be touched (IEC 61140, IEC 61851-23)."""

MAX_PLUG_C: Final = 90.0
"""The pins of a CCS plug may get no hotter (IEC 62196-3)."""

_HARD_LIMITS_V: Final = ((500.0, 550.0), (750.0, 825.0), (850.0, 935.0))
"""Vehicle maximum up to … : output never above … (IEC 61851-23:2023, else 1100 V)."""


def hard_limit_v(vehicle_max_v: float) -> float:
    """Return the voltage that endangers a vehicle with this maximum of its own."""
    for up_to_v, limit_v in _HARD_LIMITS_V:
        if vehicle_max_v <= up_to_v:
            return limit_v
    return 1100.0


@dataclass(frozen=True, slots=True)
class Loss:
    """A device that cannot be relied on any more, in its driver's words."""

    words: str
    implausible: bool = False
    """It answers, but what cannot be true; otherwise it is silent."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The latest reading of every device that one connector depends on.

    What is ``None`` was never read. ``fitted`` names the kinds of device that
    the connector has: what is not fitted is not asked for.
    """

    fitted: frozenset[str] = frozenset()
    lost: Mapping[str, Loss] = field(default_factory=dict)
    """The kinds of device that have failed."""
    testing: bool = False
    """The insulation monitor tests itself: what it doubts now is no measurement."""
    vehicle: VehicleReading | None = None
    contactor: ContactorReading | None = None
    power_module: PowerReading | None = None
    meter: MeterReading | None = None
    isolation: IsolationReading | None = None
    lock: LockReading | None = None
    temperature: TemperatureReading | None = None
    safety: SafetyReading | None = None
    supply: SupplyReading | None = None
    bridge: BridgeReading | None = None


FIELDS: Final[Mapping[type[Reading], str]] = {
    VehicleReading: "vehicle",
    ContactorReading: "contactor",
    PowerReading: "power_module",
    MeterReading: "meter",
    IsolationReading: "isolation",
    LockReading: "lock",
    TemperatureReading: "temperature",
    SafetyReading: "safety",
    SupplyReading: "supply",
    BridgeReading: "bridge",
}
"""Where each kind of reading goes; the names are the kinds of device."""


def learned(facts: Facts, reading: Reading) -> Facts:
    """Return the facts with one reading renewed."""
    news: dict[str, Any] = {FIELDS[type(reading)]: reading}
    return replace(facts, **news)


@dataclass(frozen=True, slots=True)
class Switch:
    """A contactor as it was told to be and as it was last read."""

    reading: ContactorReading | BridgeReading | None = None
    told_closed: bool = False
    """It was told to close, or is about to be, and has not been opened since."""
    moved_s: float = -inf
    """When the last command to it ended: what was read before says nothing."""


@dataclass(frozen=True, slots=True)
class Junction:
    """What keeps a connector apart from its neighbor: either one is enough."""

    bridge: Switch
    neighbor: Switch
    """The contactors of the connector beyond the bridge."""


NOT_SEPARATED: Final = "not-separated"
"""Two vehicles might come onto one bus."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Energy may not flow while ``broken`` says so of the reading of ``kind``."""

    fault: str
    kind: str
    broken: Callable[[Any, Facts], bool]


def _too_high(seen: PowerReading | MeterReading, facts: Facts) -> bool:
    own_v = facts.vehicle.max_voltage_v if facts.vehicle else None
    return own_v is not None and seen.voltage_v > hard_limit_v(own_v)


def _low_resistance(isolation: IsolationReading, facts: Facts) -> bool:
    if isolation.quality is not Quality.GOOD:
        return not facts.testing
    return isolation.resistance_ohm < MIN_RESISTANCE_OHM


# fmt: off
RULES: Final[tuple[Rule, ...]] = (
    # fault                     of             is broken while
    Rule("emergency-stop",          "safety",      lambda r, _: r.emergency_stop),
    Rule("door-open",               "safety",      lambda r, _: r.door_open),
    Rule("surge-protector",         "safety",      lambda r, _: r.surge_protector_tripped),
    Rule("power-fail",              "supply",      lambda r, _: r.failing),
    Rule("insulation",              "isolation",   _low_resistance),
    Rule("plug-over-temperature",   "temperature", lambda r, _: r.temperature_c > MAX_PLUG_C),
    Rule("module-over-temperature", "power_module",lambda r, _: r.over_temperature),
    Rule("under-voltage",           "power_module",lambda r, _: r.under_voltage),
    Rule("over-voltage",            "power_module",_too_high),
    Rule("over-voltage",            "meter",       _too_high),
    Rule("vehicle-emergency",       "vehicle",     lambda r, _: r.phase is VehiclePhase.EMERGENCY),
    Rule("plug-removed",            "vehicle",     lambda r, _: not r.plugged),
)

_RULES_OF: Final[Mapping[str, tuple[Rule, ...]]] = {
    kind: tuple(rule for rule in RULES if rule.kind == kind)
    for kind in dict.fromkeys(rule.kind for rule in RULES)
}

MAX_AGE_S: Final[Mapping[str, float]] = {
    # The CCS controller itself calls half a second without a report a loss.
    "vehicle":      0.5,
    "safety":       0.5,
    "contactor":    0.5,
    "power_module": 0.5,
    "isolation":    3.0,  # a measurement takes its time
    "meter":        5.0,
    "temperature":  5.0,
    "supply":       0.5,
}
"""How old a fact may be while a connector is live."""
# fmt: on

MONEY: Final = frozenset({"meter"})
"""What endangers nobody by its silence; ``core.station`` decides on the bill."""
_VITAL_S: Final = {kind: age for kind, age in MAX_AGE_S.items() if kind not in MONEY}


def refusals(
    facts: Facts, now_s: float, junction: Junction | None = None
) -> tuple[str, ...]:
    """Return the names of all faults that forbid energy; none means it may flow.

    Args:
        facts: What is known of one connector, the station's inputs included.
        now_s: The time on the clock that stamped the readings.
        junction: What stands between it and the connector beyond a bridge, if any.
    """
    joined = junction is not None and not separated(junction, now_s)
    doubts = (NOT_SEPARATED,) if joined else ()
    return tuple(_silent(facts, now_s)) + present(facts) + doubts


def separated(junction: Junction, now_s: float) -> bool:
    """Tell whether no other vehicle can be on the bus of a connector.

    Its bus ends at an open bridge, or the contactors beyond are open and stay so.
    """
    return surely_open(junction.bridge, now_s) or surely_open(junction.neighbor, now_s)


def surely_open(switch: Switch, now_s: float) -> bool:
    """Tell whether a contactor is open, by what it said lately, and stays so."""
    reading = switch.reading
    return (
        not switch.told_closed
        and reading is not None
        and reading.position is Position.OPEN
        and reading.at_s > switch.moved_s
        and reading.age_s(now_s) <= MAX_AGE_S["contactor"]
    )


def present(facts: Facts) -> tuple[str, ...]:
    """Return the faults that the facts themselves tell, whatever their age."""
    found: list[str] = []
    for kind, rules in _RULES_OF.items():
        reading = getattr(facts, kind)
        if reading is None or kind not in facts.fitted:
            continue
        for rule in rules:
            if rule.broken(reading, facts):
                found.append(rule.fault)
    return tuple(dict.fromkeys(found))


def silent(kind: str) -> str:
    """Return the name of the fault that a silent device of ``kind`` is."""
    return f"{kind.removeprefix('power_')}-silent"


def _silent(facts: Facts, now_s: float) -> list[str]:
    return [
        silent(kind)
        for kind, limit_s in _VITAL_S.items()
        if kind in facts.fitted
        and (
            (reading := getattr(facts, kind)) is None or reading.age_s(now_s) > limit_s
        )
    ]
