"""What is wrong right now: faults as a function of facts, and their history."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.clock import Instant
from chargerd.core.course import OUTPUTS
from chargerd.core.dead_plug import DeadPlug
from chargerd.core.effects import Effect, FaultClosed, FaultOpened
from chargerd.core.events import WHOLE_STATION
from chargerd.core.faults import FAULTS, Fault, Recovers
from chargerd.core.measured import measured
from chargerd.core.permissive import Facts, Loss, present, silent
from chargerd.core.session import Phase, Session
from hal.values import Position, VehiclePhase

_WELDED_AFTER_S: Final = 0.5
"""Contacts that still report closed so long after the order to open are welded."""

_IN_CHECK: Final[Mapping[str, str]] = {"insulation": "cable-check"}
"""What is another fault if the cable check finds it."""


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is there."""

    id: int
    connector: int
    fault: Fault
    since: datetime
    value: str | None


class Health:
    """Knows the faults that are there and numbers new ones."""

    def __init__(self, last_id: int = 0, kept: Iterable[FaultOpened] = ()) -> None:
        """Go on numbering after ``last_id``, with what the disk has kept."""
        self._last_id = last_id
        self._active: dict[tuple[int, str], Active] = {}
        self._latched: dict[tuple[int, str], str] = {}
        for each in kept:
            key, fault = (each.connector, each.name), FAULTS[each.name]
            since, value = each.at, each.value
            self._active[key] = Active(each.id, each.connector, fault, since, value)
            self._latched[key] = value or ""
        self._dead_plug = DeadPlug()
        self._away_s: dict[tuple[int, str], float] = {}
        """Since when the reason of a fault that is there has been gone."""

    @property
    def active(self) -> tuple[Active, ...]:
        """What is wrong, oldest first."""
        return tuple(self._active.values())

    def at(self, connector: int) -> tuple[Active, ...]:
        """Return what is wrong at a connector, the worst first."""
        felt = (
            fault
            for fault in self._active.values()
            if fault.connector == connector
            or (fault.connector == WHOLE_STATION and fault.fault.stops)
        )
        return tuple(sorted(felt, key=lambda active: not active.fault.stops))

    def latch(self, connector: int, name: str, value: str) -> None:
        """Hold a fault that the facts show no longer, or never did."""
        self._latched[(connector, name)] = value

    def unlatch(self, connector: int, name: str) -> None:
        """Let go of a held fault."""
        self._latched.pop((connector, name), None)

    def unplugged(self, connector: int) -> None:
        """Let go of what is held until the plug is out."""
        for number, name in list(self._latched):
            if number == connector and FAULTS[name].recovers is Recovers.UNPLUG:
                self.unlatch(number, name)

    def judge(self, sessions: Iterable[Session], now: Instant) -> tuple[Effect, ...]:
        """Compare what is wrong with what was; return what has come and gone."""
        found: dict[tuple[int, str], str] = {}
        for session in sessions:
            self._watch_plug(session)
            if session.unsigned:
                self.latch(session.connector, "meter-unsigned", "no signed record")
            for name, value in _conditions(session.facts).items():
                found[self._key(session, name)] = value
        found |= self._latched
        come = [key for key in found if key not in self._active]
        ended = self._close(found, now)
        return ended + tuple(self._open(key, found[key], now.utc) for key in come)

    def next_deadline_s(self) -> float | None:
        """Return when ``judge`` next has a fault to let go of, by time alone."""
        return min(map(self._clears_s, self._away_s), default=None)

    def _close(
        self, found: Container[tuple[int, str]], now: Instant
    ) -> tuple[FaultClosed, ...]:
        for key in self._active:
            if key in found:
                self._away_s.pop(key, None)
            else:
                self._away_s.setdefault(key, now.monotonic_s)
        gone = [key for key in self._away_s if self._clears_s(key) <= now.monotonic_s]
        for key in gone:
            del self._away_s[key]
        return tuple(
            FaultClosed(self._active.pop(key).id, *key, now.utc) for key in gone
        )

    def _clears_s(self, key: tuple[int, str]) -> float:
        return self._away_s[key] + self._active[key].fault.clears_after_s

    def _watch_plug(self, session: Session) -> None:
        if _welded(session):
            closed = "auxiliary contacts report closed"
            self.latch(session.connector, "contactor-weld", closed)
        for name, value in self._dead_plug.faults(session):
            self.latch(session.connector, name, value)
        if session.phase is Phase.IDLE and self._dead_plug.is_dead(session.connector):
            self.unlatch(session.connector, "discharge")

    def _key(self, session: Session, name: str) -> tuple[int, str]:
        if FAULTS[name].of_station:
            return WHOLE_STATION, name
        number, checked = session.connector, _IN_CHECK.get(name, name)
        # By now the guard may have cut: it is the vehicle that is still in its check.
        # What the check has found stays its finding after it was broken off.
        if _in_check(session.facts) or (number, checked) in self._active:
            return number, checked
        return number, name

    def _open(self, key: tuple[int, str], value: str, at: datetime) -> FaultOpened:
        self._last_id += 1
        connector, name = key
        self._active[key] = Active(
            self._last_id, connector, FAULTS[name], at, value or None
        )
        return FaultOpened(self._last_id, connector, name, at, value or None)


def _in_check(facts: Facts) -> bool:
    vehicle = facts.vehicle
    return vehicle is not None and vehicle.phase is VehiclePhase.CABLE_CHECK


def _conditions(facts: Facts) -> Mapping[str, str]:
    found = {name: measured(name, facts) for name in present(facts) if name in FAULTS}
    for kind, loss in facts.lost.items():
        found[_loss_name(kind, loss)] = loss.words
    if facts.power_module is not None and facts.power_module.failed_modules:
        numbers = ", ".join(map(str, facts.power_module.failed_modules))
        found["module-failure"] = f"module {numbers}"
    return found


def _loss_name(kind: str, loss: Loss) -> str:
    if kind == "meter" and loss.implausible:
        return "meter-implausible"
    return silent(kind)


def _welded(session: Session) -> bool:
    contactor = session.facts.contactor
    return (
        contactor is not None
        and not OUTPUTS[session.phase].closed
        and contactor.position is Position.CLOSED
        and contactor.at_s > session.since_s + _WELDED_AFTER_S
    )
