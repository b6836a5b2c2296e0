"""What is wrong right now: faults as a function of facts, and their history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.clock import Instant
from chargerd.core.course import OUTPUTS
from chargerd.core.effects import Effect, FaultClosed, FaultOpened
from chargerd.core.events import WHOLE_STATION
from chargerd.core.faults import FAULTS, Fault, Recovers
from chargerd.core.permissive import Facts, Loss, present, silent
from chargerd.core.session import Phase, Session
from hal.values import Position

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

    def __init__(self, last_id: int = 0) -> None:
        """Go on numbering after ``last_id``."""
        self._last_id = last_id
        self._active: dict[tuple[int, str], Active] = {}
        self._latched: dict[tuple[int, str], str] = {}

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
            if _welded(session):
                closed = "auxiliary contacts report closed"
                self.latch(session.connector, "contactor-weld", closed)
            for name, value in _conditions(session.facts).items():
                found[self._key(session, name)] = value
        found |= self._latched
        gone = [key for key in self._active if key not in found]
        come = [key for key in found if key not in self._active]
        ended = tuple(
            FaultClosed(self._active.pop(key).id, *key, now.utc) for key in gone
        )
        return ended + tuple(self._open(key, found[key], now.utc) for key in come)

    def _key(self, session: Session, name: str) -> tuple[int, str]:
        if FAULTS[name].of_station:
            return WHOLE_STATION, name
        number, checked = session.connector, _IN_CHECK.get(name, name)
        # What the check has found stays its finding after it was broken off.
        if session.phase is Phase.CABLE_CHECK or (number, checked) in self._active:
            return number, checked
        return number, name

    def _open(self, key: tuple[int, str], value: str, at: datetime) -> FaultOpened:
        self._last_id += 1
        connector, name = key
        self._active[key] = Active(
            self._last_id, connector, FAULTS[name], at, value or None
        )
        return FaultOpened(self._last_id, connector, name, at, value or None)


def _conditions(facts: Facts) -> Mapping[str, str]:
    found = {name: _measured(name, facts) for name in present(facts) if name in FAULTS}
    for kind, loss in facts.lost.items():
        found[_loss_name(kind, loss)] = loss.words
    if facts.power_module is not None and facts.power_module.failed_modules:
        numbers = ", ".join(map(str, facts.power_module.failed_modules))
        found["module-failure"] = f"module {numbers}"
    return found


def _measured(name: str, facts: Facts) -> str:
    if name == "insulation" and facts.isolation is not None:
        return f"{facts.isolation.resistance_ohm / 1000:.0f} kohm"
    if name == "plug-over-temperature" and facts.temperature is not None:
        return f"{facts.temperature.temperature_c:.0f} °C"
    if name in ("module-over-temperature", "over-voltage") and facts.power_module:
        module = facts.power_module
        return f"{module.voltage_v:.0f} V, {module.temperature_c:.0f} °C"
    return ""


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
