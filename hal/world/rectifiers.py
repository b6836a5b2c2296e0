"""A group of power modules: ramps, limits, lease and heat."""

from math import exp, inf
from typing import Final

from hal.values import PowerRating, Setpoint
from hal.world.car import Battery

VOLTS_PER_S_UP: Final = 200.0
"""Soft start of common modules: a second or two to the voltage of a car."""
VOLTS_PER_S_DOWN: Final = 500.0
"""Their own bleeders pull an unloaded output down faster than they raise it."""
AMPERES_PER_S_UP: Final = 100.0
"""IEC 61851-23 wants a response of at least 20 A/s; modules do several times that."""
AMPERES_PER_S_DOWN: Final = 500.0
"""A normal stop must be below 5 A within a second."""
_WEAK_SHARE = 0.5
"""What modules without strength reach of the voltage that they are told."""
_EXCESS_A = 40.0
"""What modules out of control give above what they are told."""
_RAMP_STEP_S = 0.01
_STEADY_STEP_S = 1.0
"""In a second of steady current no voltage of a battery moves by more than 0.2 %."""
_CLOSE_ENOUGH_A = 0.5
_RISE_AT_FULL_POWER_K = 35.0
"""Four per cent of loss behind forced air."""
_WARMING_S = 300.0


class Rectifiers:
    """Feeds one output. Time is the world's, except for the lease."""

    def __init__(self) -> None:
        self.rating = PowerRating(150.0, 1000.0, 400.0, 150_000.0)
        self.modules = 5
        self.failed: frozenset[int] = frozenset()
        self.blocked = False
        self.weak = False
        self.unruly = False
        """They give more than they are told."""
        self.stuck = False
        """Their current does not fall, whatever they are told."""
        self.shorted = False
        """Nothing but a short circuit is on their output."""
        self.voltage_v = 0.0
        self.current_a = 0.0
        self.warmth_k = 0.0
        self.lease_ends_s = inf
        self._setpoint = Setpoint(0.0, 0.0, inf)

    @property
    def setpoint(self) -> Setpoint:
        """What they have been told last."""
        return self._setpoint

    @property
    def power_w(self) -> float:
        """What leaves the modules now."""
        return self.voltage_v * self.current_a

    def supply(self, setpoint: Setpoint, now_s: float) -> None:
        """Aim at ``setpoint`` until its lease ends."""
        if not self.blocked:
            self._setpoint = setpoint
            self.lease_ends_s = now_s + setpoint.valid_for_s

    def cut(self) -> None:
        """Aim at zero."""
        self._setpoint = Setpoint(0.0, 0.0, inf)
        self.lease_ends_s = inf

    def expire(self, now_s: float) -> None:
        """Aim at zero if nobody has renewed the set-point in time."""
        if self.blocked or now_s >= self.lease_ends_s:
            self.cut()

    def longest_step_s(self, battery: Battery | None, beside_a: float = 0.0) -> float:
        """Return how far ``run`` may go at once and still be right."""
        if battery is None:
            return inf
        goal_a = self._goal_a(battery, beside_a)
        if abs(goal_a - self.current_a) > _CLOSE_ENOUGH_A:
            return _RAMP_STEP_S
        return _STEADY_STEP_S if goal_a or self.current_a else inf

    def run(self, dt_s: float, battery: Battery | None, beside_a: float = 0.0) -> float:
        """Let ``dt_s`` pass; return the energy in Wh that left the modules.

        ``beside_a`` is what another group pushes into the same battery.
        """
        before_w = self.power_w
        if self.shorted:
            self.voltage_v = 0.0
            self.current_a = self._setpoint.current_a if self._goal_v() else 0.0
        elif battery is None:
            self.current_a = 0.0
            self.voltage_v = _nearer(
                self.voltage_v,
                self._goal_v(),
                VOLTS_PER_S_UP * dt_s,
                VOLTS_PER_S_DOWN * dt_s,
            )
        else:
            self._push(dt_s, battery, beside_a)
        mean_w = (before_w + self.power_w) / 2 if battery else 0.0
        self._warm(mean_w, dt_s)
        return mean_w * dt_s / 3600

    def _push(self, dt_s: float, battery: Battery, beside_a: float) -> None:
        current_a = _nearer(
            self.current_a,
            self._goal_a(battery, beside_a),
            AMPERES_PER_S_UP * dt_s,
            AMPERES_PER_S_DOWN * dt_s,
        )
        battery.charge((self.current_a + current_a) / 2, dt_s)
        self.current_a = current_a
        self.voltage_v = battery.voltage_at_v(current_a + beside_a)

    def _warm(self, power_w: float, dt_s: float) -> None:
        goal_k = _RISE_AT_FULL_POWER_K * power_w / self.rating.max_power_w
        self.warmth_k = goal_k + (self.warmth_k - goal_k) * exp(-dt_s / _WARMING_S)

    def _goal_v(self) -> float:
        goal_v = min(self._setpoint.voltage_v, self.rating.max_voltage_v)
        goal_v = goal_v if goal_v >= self.rating.min_voltage_v else 0.0
        return goal_v * _WEAK_SHARE if self.weak else goal_v

    def _goal_a(self, battery: Battery, beside_a: float) -> float:
        obeyed_a = self._obeyed_a(battery, beside_a)
        if self.unruly and obeyed_a:
            obeyed_a += _EXCESS_A
        return max(obeyed_a, self.current_a) if self.stuck else obeyed_a

    def _obeyed_a(self, battery: Battery, beside_a: float) -> float:
        share = 1 - len(self.failed) / self.modules
        goal_v = self._goal_v()
        if not goal_v or not self._setpoint.current_a:
            return 0.0
        return min(
            self._setpoint.current_a,
            self.rating.max_current_a * share,
            battery.current_at_power_a(self.rating.max_power_w * share, beside_a),
            battery.current_at_voltage_a(goal_v, beside_a),
        )


def _nearer(value: float, goal: float, up: float, down: float) -> float:
    return min(goal, value + up) if goal > value else max(goal, value - down)
