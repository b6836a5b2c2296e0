"""The time limits of a DC session, against the vehicle's own clock: one table.

Ours end a little before the vehicle's (DIN 70121, ISO 15118-2, IEC 61851-23 Annex CC),
so that a session ends with the true reason and not with the vehicle's silence. A row
with a fault raises it and aborts; one without ends its phase (``TimeLimitPassed``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import inf, isfinite
from typing import Final

from chargerd.core.cable_check import wanted_v
from chargerd.core.permissive import TOUCHABLE_V
from chargerd.core.session import Phase, Session
from hal.values import SAFE_TO_OPEN_A, VehiclePhase

MATCHED_WITHIN_V: Final = 20.0
"""A vehicle joins its battery to an output that is no further from it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """In ``phase``, so long after ``since`` nothing may be ``lacking`` any more."""

    phase: Phase
    what: str
    within_s: float
    since: Callable[[Session], float]
    lacking: Callable[[Session], str]
    """Returns what was measured, while it has not happened; nothing: it has."""
    fault: str = ""
    theirs: str = ""
    """How long the vehicle waits, or what the standard says."""


def _phase(session: Session) -> float:
    return session.since_s


def _vehicle(session: Session) -> float:
    return session.vehicle_s


def _closed(session: Session) -> float:
    return session.check.closed_s


def _anything(_: Session) -> str:
    return "nothing"


def _self_test(session: Session) -> str:
    return "" if session.check.tested else "no result"


def _test_voltage(session: Session) -> str:
    vehicle = session.facts.vehicle
    asks = vehicle is not None and vehicle.target_voltage_v > 0.0
    if isfinite(session.check.reached_s) or not asks:
        return ""
    goal_v = wanted_v(session.facts, session.most_v)
    return f"{_output_v(session):.0f} V of {goal_v:.0f} V"


def _lowered(session: Session) -> str:
    """Only a vehicle that has gone on waits for it."""
    vehicle, output_v = session.facts.vehicle, _output_v(session)
    goes_on = vehicle is not None and vehicle.phase is VehiclePhase.PRECHARGE
    high = goes_on and session.check.proven and output_v >= TOUCHABLE_V
    return f"{output_v:.0f} V of {TOUCHABLE_V:.0f} V" if high else ""


def _matched(session: Session) -> str:
    vehicle, output_v = session.facts.vehicle, _output_v(session)
    wish_v = vehicle.target_voltage_v if vehicle else 0.0
    if abs(output_v - wish_v) <= MATCHED_WITHIN_V:
        return ""
    return f"{output_v:.0f} V of {wish_v:.0f} V"


def _current(session: Session) -> str:
    module = session.facts.power_module
    if module is None or abs(module.current_a) < SAFE_TO_OPEN_A:
        return ""
    return f"{module.current_a:.1f} A of {SAFE_TO_OPEN_A:.1f} A"


def _output_v(session: Session) -> float:
    module = session.facts.power_module
    return module.voltage_v if module else 0.0


# fmt: off
LIMITS: Final[tuple[Limit, ...]] = (
    # in phase              until then                               s     after      lacks           fault                  theirs
    Limit(Phase.LOCKING,     "the plug is held",                      5.0,  _phase,   _anything),
    Limit(Phase.HANDSHAKE,   "vehicle and controller agree",          60.0, _phase,   _anything,
          theirs="20 s to set up, 60 s for authorization and parameters"),
    Limit(Phase.CABLE_CHECK, "the monitor has passed its self-test",  31.0, _phase,   _self_test,     "isolation-self-test",
          theirs="30 s by the monitor, 40 s for the whole check"),
    Limit(Phase.CABLE_CHECK, "the test voltage is reached",           10.0, _closed,  _test_voltage,  "cable-check-voltage",
          theirs="10 s"),
    Limit(Phase.CABLE_CHECK, "the output is below 60 V again",        3.0,  _vehicle, _lowered,       "discharge",
          theirs="7 s for the whole pre-charge"),
    Limit(Phase.CABLE_CHECK, "the cable is checked",                  38.0, _phase,   _anything,
          theirs="40 s (V2G_EVCC_CableCheck_Timeout)"),
    Limit(Phase.PRECHARGE,   "the output is within 20 V",             6.0,  _vehicle, _matched,       "precharge",
          theirs="7 s (V2G_EVCC_PreCharge_Timeout)"),
    Limit(Phase.PRECHARGE,   "the vehicle has joined its battery",    6.5,  _vehicle, _anything,
          theirs="7 s (V2G_EVCC_PreCharge_Timeout)"),
    Limit(Phase.RAMP_DOWN,   "the current is below 1 A",              3.0,  _phase,   _current,       "current-stuck",
          theirs="100 A/s by IEC 61851-23"),
    Limit(Phase.RAMP_DOWN,   "the current was measured",              3.0,  _phase,   _anything),
    Limit(Phase.OPENING,     "the contactors report open",            0.5,  _phase,   _anything),
    Limit(Phase.SETTLING,    "the meter was read once more",          3.0,  _phase,   _anything),
)
# fmt: on

_OF: Final[Mapping[Phase, tuple[Limit, ...]]] = {
    phase: tuple(limits) for phase, limits in groupby(LIMITS, lambda row: row.phase)
}


def due(session: Session) -> tuple[float, Limit] | None:
    """Return when the first limit passes of what is still lacking, and which."""
    limits = [
        (limit.since(session) + limit.within_s, limit)
        for limit in _OF.get(session.phase, ())
        if limit.lacking(session)
    ]
    first = min(limits, key=lambda pair: pair[0], default=None)
    return first if first is not None and first[0] < inf else None
