"""A CCS controller: walks the steps of :mod:`hal.world.steps` with the car."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from hal.values import StationReport, VehiclePhase, VehicleReading
from hal.world.car import Car
from hal.world.steps import (
    AT_LEAST_S,
    AT_MOST_S,
    CAR_CLOSED,
    CAR_KEEPS,
    DWELLS,
    LIMITS_S,
    NEEDS_ENABLED,
    ON_STOP,
    ROWS,
    WATCHED,
    Sight,
    Step,
)

STALE_AFTER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a car takes for what it does by itself, in the world's time."""

    handshake_s: float = 1.5
    cable_check_s: float = 2.0
    ready_s: float = 0.5
    welding_check_s: float = 0.5


class Controller:
    """Learns of the station by its reports, of the contactors by a wire of its own."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.pace = Pace()
        self.car: Car | None = None
        self.accepted: bool | None = None
        self.stopping = False
        self.car_broke_off = False
        """In an emergency, whether it was the car that ended the session."""
        self._changed = changed
        self._rate = 1.0
        self._report = StationReport(False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self._heard_s = 0.0
        self._step = Step.UNPLUGGED
        self._step_since_s = 0.0
        self._phase_since_s = 0.0
        self._watched_since_s = 0.0
        self._due_s = inf
        self._told = False
        self._error: str | None = None

    @property
    def phase(self) -> VehiclePhase:
        """The phase that the present step belongs to."""
        return ROWS[self._step].phase

    def plug(self, car: Car | None, now_s: float) -> None:
        """Put a car on the plug, or with ``None`` pull the plug."""
        self.car = car
        self.accepted, self.stopping = None, False
        self._told, self._error = False, None
        self._enter(Step.NEGOTIATING if car else Step.UNPLUGGED, now_s)

    def hear(self, report: StationReport, now_s: float) -> None:
        """Take what the station reports."""
        self._report = report
        self._heard_s = now_s

    def hear_limits(self, voltage_v: float, current_a: float) -> None:
        """Take what the station can give, told apart from what it does."""
        self._report = replace(
            self._report, max_voltage_v=voltage_v, max_current_a=current_a
        )

    def accept(self, accepted: bool, now_s: float) -> None:
        """Take the answer to the wait for authorization; wake up a finished car."""
        if accepted and self._step is Step.FINISHED:
            self.wake(now_s)
        self.accepted = accepted

    def wake(self, now_s: float) -> None:
        """Let the car on the plug begin anew, as one that nobody has answered yet."""
        self.accepted, self.stopping = None, False
        self._enter(Step.NEGOTIATING, now_s)

    def break_off(self, error: str, now_s: float) -> None:
        """End the session at once, for a reason of the controller's own."""
        self._error, self.car_broke_off = error, False
        self._enter(Step.EMERGENCY, now_s)

    def set_rate(self, rate: float, now_s: float) -> None:
        """Hurry or slow the car from ``now_s`` on."""
        due_s = now_s + (self._due_s - now_s) * self._rate / rate
        self._due_s = max(due_s, self._step_since_s + AT_LEAST_S.get(self._step, 0.0))
        self._rate = rate

    def next_s(self) -> float:
        """Return when the step will change by time alone."""
        phase = self.phase
        return min(
            self._due_s,
            self._step_since_s + AT_MOST_S.get(self._step, inf),
            self._phase_since_s + LIMITS_S.get(phase, inf),
            self._stale_s() if phase in WATCHED else inf,
        )

    def look(self, now_s: float, contactors_open: bool) -> None:
        """Go on as far as everything known at ``now_s`` allows."""
        while self.car and (step := self._next(self.car, now_s, contactors_open)):
            self._enter(step, now_s)

    def reading(self, now_s: float) -> VehicleReading:
        """Return what the station may know: each value once the car has told it."""
        if self.car is None:
            return VehicleReading(at_s=now_s, phase=self.phase)
        row, battery = ROWS[self._step], self.car.battery
        target_v, target_a = row.wish(battery, self._report)
        met = self._step is not Step.NEGOTIATING
        reading = VehicleReading(
            at_s=now_s,
            phase=row.phase,
            wants_contactors=row.wants_contactors,
            # the protocols carry tenths, and whole percents
            target_voltage_v=round(target_v, 1),
            target_current_a=round(target_a, 1),
            evccid=self.car.evccid if met else None,
            error=self._error,
        )
        if not self._told:
            return reading
        return replace(
            reading,
            soc_percent=float(int(battery.soc * 100)),
            capacity_wh=battery.capacity_wh,
            max_voltage_v=battery.max_voltage_v,
            max_current_a=battery.max_current_a,
            max_power_w=battery.max_power_w,
        )

    def _stale_s(self) -> float:
        return max(self._heard_s, self._watched_since_s) + STALE_AFTER_S

    def _next(self, car: Car, now_s: float, contactors_open: bool) -> Step | None:
        row = ROWS[self._step]
        failure, impatience = self._failure(now_s), self._impatience(now_s)
        if failure or impatience:
            self._error = failure or impatience
            self.car_broke_off = failure is None
            return Step.EMERGENCY
        if self.stopping and row.phase in ON_STOP:
            return ON_STOP[row.phase]
        step = row.moves(
            Sight(
                step=self._step,
                car=car,
                report=self._report,
                accepted=self.accepted,
                contactors_open=contactors_open,
                done=now_s >= self._due_s,
                overdue=now_s >= self._step_since_s + AT_MOST_S.get(self._step, inf),
            )
        )
        return None if step is self._step else step

    def _failure(self, now_s: float) -> str | None:
        phase = self.phase
        if phase in WATCHED and now_s >= self._stale_s():
            return f"the station has not reported for {STALE_AFTER_S * 1000:.0f} ms"
        if phase in NEEDS_ENABLED and not self._report.enabled:
            return "the station shut down"
        return None

    def _impatience(self, now_s: float) -> str | None:
        phase = self.phase
        limit_s = LIMITS_S.get(phase, inf)
        if now_s >= self._phase_since_s + limit_s:
            return f"{phase.value} took longer than {limit_s:.0f} s"
        return None

    def _enter(self, step: Step, now_s: float) -> None:
        phase = ROWS[step].phase
        if phase is not self.phase:
            self._phase_since_s = now_s
        if self.phase not in WATCHED:
            self._watched_since_s = now_s
        self._step = step
        self._step_since_s = now_s
        dwell = DWELLS.get(step)
        dwell_s = getattr(self.pace, dwell) if dwell else inf
        least_s = AT_LEAST_S.get(step, 0.0)
        self._due_s = now_s + max(dwell_s / self._rate, least_s)
        self._told = self._told or phase is VehiclePhase.CABLE_CHECK
        if self.car and step not in CAR_KEEPS:
            self.car.closed = step in CAR_CLOSED
        self._changed()
