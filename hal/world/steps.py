"""The steps of a charging session as the CCS controller walks them, as tables.

The order and the limits are those of IEC 61851-23 and DIN 70121. What a car does
at its own pace follows the world's rate; what guards against a silent or slow
station keeps real time, as the station itself does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from hal.values import StationReport, VehiclePhase
from hal.world.car import Battery, Car

_CHECK_CURRENT_A = 2.0
_SAFE_CURRENT_A = 1.0
_GOOD_INSULATION_OHM = 100_000.0
_REACHED_WITHIN_V = 10.0
_MATCHED_WITHIN_V = 20.0
_TOUCHABLE_V = 60.0
_STATION_VOLTAGE_V = 1000.0  # until the station has told its own


class Step(Enum):
    """Where the controller stands; several steps may make one phase."""

    UNPLUGGED = auto()
    NEGOTIATING = auto()
    AUTHORIZING = auto()
    RAISING = auto()
    MEASURING = auto()
    LOWERING = auto()
    MATCHING = auto()
    READY = auto()
    CHARGING = auto()
    PAUSED = auto()
    FADING = auto()
    OPENING = auto()
    WELDING_CHECK = auto()
    FINISHED = auto()
    EMERGENCY = auto()


@dataclass(frozen=True, slots=True)
class Sight:
    """What a step decides by."""

    step: Step
    car: Car
    report: StationReport
    accepted: bool | None
    contactors_open: bool
    done: bool
    """The car has spent on this step what its pace says."""
    overdue: bool
    """The step has lasted as long as ``AT_MOST_S`` says."""


Wish = tuple[float, float]
"""Volt and ampere."""


def _nothing(_battery: Battery, _report: StationReport) -> Wish:
    return 0.0, 0.0


def _test_voltage(battery: Battery, report: StationReport) -> Wish:
    # IEC 61851-23:2023 CC.4.1.2
    car_v = battery.max_voltage_v
    station_v = report.max_voltage_v or _STATION_VOLTAGE_V
    wanted_v = min(500.0, car_v + 50.0) if car_v <= 500.0 else 1.1 * car_v
    return min(wanted_v, station_v), _CHECK_CURRENT_A


def _own_voltage(battery: Battery, _report: StationReport) -> Wish:
    return battery.open_voltage_v, _CHECK_CURRENT_A


def _no_current(battery: Battery, _report: StationReport) -> Wish:
    return battery.max_voltage_v, 0.0


def _energy(battery: Battery, report: StationReport) -> Wish:
    wished_a = min(
        battery.wished_current_a,
        report.max_current_a,
        battery.current_at_power_a(report.max_power_w),
    )
    return battery.max_voltage_v, wished_a


def _stays(sight: Sight) -> Step:
    return sight.step


def _negotiates(sight: Sight) -> Step:
    return Step.AUTHORIZING if sight.done else sight.step


def _waits(sight: Sight) -> Step:
    if sight.accepted is None:
        return sight.step
    return Step.RAISING if sight.accepted else Step.FINISHED


def _raises(sight: Sight) -> Step:
    return Step.MEASURING if _proven(sight) else sight.step


def _measures(sight: Sight) -> Step:
    if not _proven(sight):
        return Step.RAISING
    return Step.LOWERING if sight.done else sight.step


def _lowers(sight: Sight) -> Step:
    low = sight.report.present_voltage_v < _TOUCHABLE_V
    return Step.MATCHING if low or sight.overdue else sight.step


def _matches(sight: Sight) -> Step:
    apart_v = sight.report.present_voltage_v - sight.car.battery.open_voltage_v
    return Step.READY if abs(apart_v) <= _MATCHED_WITHIN_V else sight.step


def _readies(sight: Sight) -> Step:
    return _asks(sight) if sight.done else sight.step


def _asks(sight: Sight) -> Step:
    if sight.car.battery.full:
        return Step.FADING
    return Step.CHARGING if sight.car.asks else Step.PAUSED


def _fades(sight: Sight) -> Step:
    low = sight.report.present_current_a < _SAFE_CURRENT_A
    return Step.OPENING if low or sight.overdue else sight.step


def _opens(sight: Sight) -> Step:
    done = sight.contactors_open or sight.overdue
    return Step.WELDING_CHECK if done else sight.step


def _checks_welds(sight: Sight) -> Step:
    return Step.FINISHED if sight.done else sight.step


def _proven(sight: Sight) -> bool:
    report = sight.report
    target_v, _ = _test_voltage(sight.car.battery, report)
    return (
        report.enabled
        and abs(report.present_voltage_v - target_v) <= _REACHED_WITHIN_V
        and report.resistance_ohm >= _GOOD_INSULATION_OHM
    )


@dataclass(frozen=True, slots=True)
class Row:
    """What one step shows, waits for and wishes."""

    phase: VehiclePhase
    moves: Callable[[Sight], Step] = _stays
    wish: Callable[[Battery, StationReport], Wish] = _nothing
    wants_contactors: bool = False


_P = VehiclePhase
# fmt: off
ROWS: Final[Mapping[Step, Row]] = {
    # in step           shows phase           goes on        wishes         contactors
    Step.UNPLUGGED:     Row(_P.UNPLUGGED),
    Step.NEGOTIATING:   Row(_P.NEGOTIATING,   _negotiates),
    Step.AUTHORIZING:   Row(_P.AUTHORIZING,   _waits),
    Step.RAISING:       Row(_P.CABLE_CHECK,   _raises,       _test_voltage, True),
    Step.MEASURING:     Row(_P.CABLE_CHECK,   _measures,     _test_voltage, True),
    Step.LOWERING:      Row(_P.CABLE_CHECK,   _lowers,       _nothing,      True),
    Step.MATCHING:      Row(_P.PRECHARGE,     _matches,      _own_voltage,  True),
    Step.READY:         Row(_P.READY,         _readies,      _no_current,   True),
    Step.CHARGING:      Row(_P.CHARGING,      _asks,         _energy,       True),
    Step.PAUSED:        Row(_P.PAUSED,        _asks,         _no_current,   True),
    Step.FADING:        Row(_P.ENDING,        _fades,        _nothing,      True),
    Step.OPENING:       Row(_P.ENDING,        _opens),
    Step.WELDING_CHECK: Row(_P.WELDING_CHECK, _checks_welds),
    Step.FINISHED:      Row(_P.FINISHED),
    Step.EMERGENCY:     Row(_P.EMERGENCY),
}
# fmt: on

ON_STOP: Final[Mapping[VehiclePhase, Step]] = {
    VehiclePhase.NEGOTIATING: Step.FINISHED,
    VehiclePhase.AUTHORIZING: Step.FINISHED,
    VehiclePhase.CABLE_CHECK: Step.FADING,
    VehiclePhase.PRECHARGE: Step.FADING,
    VehiclePhase.READY: Step.FADING,
    VehiclePhase.CHARGING: Step.FADING,
    VehiclePhase.PAUSED: Step.FADING,
}
"""Where the wish to end leads; in the other phases it changes nothing."""

DWELLS: Final[Mapping[Step, str]] = {
    Step.NEGOTIATING: "handshake_s",
    Step.MEASURING: "cable_check_s",
    Step.READY: "ready_s",
    Step.WELDING_CHECK: "welding_check_s",
}
"""Which field of the pace says how long the car takes for a step."""

AT_LEAST_S: Final[Mapping[Step, float]] = {Step.MEASURING: 0.7}
"""How long a step lasts however the car is hurried: the insulation monitor of the
station keeps real time, and must have measured meanwhile."""

AT_MOST_S: Final[Mapping[Step, float]] = {
    Step.LOWERING: 1.0,
    Step.FADING: 2.0,
    Step.OPENING: 2.0,
}
"""How long a step waits for the station before it goes on regardless."""

LIMITS_S: Final[Mapping[VehiclePhase, float]] = {
    VehiclePhase.CABLE_CHECK: 40.0,
    VehiclePhase.PRECHARGE: 7.0,
}
"""How long a phase may last before the car breaks off (DIN 70121)."""

WATCHED: Final = frozenset(
    {
        VehiclePhase.CABLE_CHECK,
        VehiclePhase.PRECHARGE,
        VehiclePhase.READY,
        VehiclePhase.CHARGING,
        VehiclePhase.PAUSED,
        VehiclePhase.ENDING,
    }
)
"""The phases in which the station must report all the time."""

NEEDS_ENABLED: Final = WATCHED - {VehiclePhase.CABLE_CHECK, VehiclePhase.ENDING}
"""The phases in which a station that is not enabled is an emergency."""

CAR_CLOSED: Final = frozenset({Step.READY, Step.CHARGING, Step.PAUSED})
"""The steps that close the car's own contactors."""

CAR_KEEPS: Final = frozenset({Step.FADING, Step.OPENING})
"""The steps that leave them as they were; every other one opens them."""
