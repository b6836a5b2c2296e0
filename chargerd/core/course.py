"""The course of a charging session, as tables.

Rule 1: whatever changes the phase of a session stands in ``ON_EVENT``, or in
        ``AT_ONCE`` for what follows from the state and not from one event.
Rule 2: whatever the hardware is told follows from the phase, through ``OUTPUTS``.
Rule 3: an event that a phase does not list changes nothing. The whole matrix is
        printed in tests/core/session_matrix.txt, where its gaps can be seen.
Rule 4: a bill is open exactly in the phases of ``BILLED``.

A transaction that has a ``cause`` is ending. One that winds down without a cause is
suspended: it waits for its vehicle, and what comes back goes through every check.

``scripts/draw_states.py`` draws the diagram of docs/session.md from these tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Final

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.actions import (
    Action,
    Change,
    begin,
    bind,
    blame,
    close,
    end,
    forget,
    give_up,
    resume,
    stay,
)
from chargerd.core.cable_check import followed
from chargerd.core.conditions import (
    checkable,
    connected,
    current_gone,
    dead,
    deserted,
    held,
    insulated,
    kept,
    locked,
    metered,
    plugged,
    released,
    returned,
    startable,
    unplugged,
    vehicle_is_done,
)
from chargerd.core.effects import Effect
from chargerd.core.events import Event
from chargerd.core.permissive import Facts
from chargerd.core.policy import Policy
from chargerd.core.power import Supply
from chargerd.core.sealing import Sealing
from chargerd.core.sequence import due
from chargerd.core.session import BILLED, COLD, LIVE, Phase, Session
from hal.values import Position


@dataclass(frozen=True, slots=True)
class Row:
    """In ``phase``, on ``event``: go to ``target`` and do ``action``."""

    phase: Phase
    event: type[Event]
    target: Phase
    action: Action = stay


@dataclass(frozen=True, slots=True)
class Rule:
    """In ``phase``, as soon as ``holds``: go to ``target`` and do ``action``."""

    phase: Phase
    holds: Callable[[Session], bool]
    target: Phase
    action: Action = stay


def rows(
    phases: frozenset[Phase], event: type[Event], target: Phase, action: Action = stay
) -> tuple[Row, ...]:
    """Write the same row for several phases."""
    return tuple(Row(phase, event, target, action) for phase in phases)


def _for_a_driver_s(policy: Policy) -> float | None:
    """Return how long a vehicle may wait for its driver; ``None``: for ever."""
    applies = policy.connection_timeout_plug_first
    return policy.connection_timeout_s if applies else None


# fmt: off
ON_EVENT: Final[tuple[Row, ...]] = (
    # in phase                  event                          go to phase          and
    Row(Phase.IDLE,             events.TokenAccepted,          Phase.AUTHORIZED,    bind),
    Row(Phase.PLUGGED,          events.TokenAccepted,          Phase.LOCKING,       begin),
    Row(Phase.FINISHED,         events.TokenAccepted,          Phase.LOCKING,       begin),
    Row(Phase.PLUGGED,          events.TimeLimitPassed,        Phase.FINISHED,      forget),
    Row(Phase.AUTHORIZED,       events.AuthorizationWithdrawn, Phase.IDLE,          forget),
    Row(Phase.AUTHORIZED,       events.TimeLimitPassed,        Phase.IDLE,          forget),
    *rows(COLD,                 events.StopRequested,          Phase.SETTLING,      blame),
    *rows(COLD,                 events.TimeLimitPassed,        Phase.SETTLING,      blame),
    *rows(COLD,                 events.Aborted,                Phase.SETTLING,      blame),
    *rows(LIVE,                 events.StopRequested,          Phase.RAMP_DOWN,     blame),
    Row(Phase.CABLE_CHECK,      events.TimeLimitPassed,        Phase.RAMP_DOWN,     blame),
    Row(Phase.PRECHARGE,        events.TimeLimitPassed,        Phase.RAMP_DOWN,     blame),
    *rows(LIVE,                 events.Aborted,                Phase.OPENING,       blame),
    Row(Phase.RAMP_DOWN,        events.StopRequested,          Phase.RAMP_DOWN,     blame),
    Row(Phase.RAMP_DOWN,        events.Aborted,                Phase.OPENING,       blame),
    Row(Phase.RAMP_DOWN,        events.TimeLimitPassed,        Phase.OPENING),
    Row(Phase.OPENING,          events.StopRequested,          Phase.OPENING,       blame),
    Row(Phase.OPENING,          events.Aborted,                Phase.OPENING,       blame),
    Row(Phase.OPENING,          events.TimeLimitPassed,        Phase.SETTLING),
    Row(Phase.SETTLING,         events.TimeLimitPassed,        Phase.WELDING_CHECK, end),
    Row(Phase.WAITING,          events.StopRequested,          Phase.SETTLING,      blame),
    Row(Phase.WAITING,          events.Aborted,                Phase.SETTLING,      blame),
    Row(Phase.WAITING,          events.TimeLimitPassed,        Phase.SETTLING,      give_up),
    Row(Phase.HELD,             events.StopRequested,          Phase.FINISHED),
    *rows(BILLED,               events.SupplyFailed,           Phase.WELDING_CHECK, end),
)

AT_ONCE: Final[tuple[Rule, ...]] = (
    # in phase                  when                           go to phase          and
    Rule(Phase.IDLE,            plugged,                       Phase.PLUGGED),
    Rule(Phase.PLUGGED,         unplugged,                     Phase.IDLE,          forget),
    Rule(Phase.AUTHORIZED,      startable,                     Phase.LOCKING,       begin),
    Rule(Phase.LOCKING,         unplugged,                     Phase.SETTLING,      blame),
    Rule(Phase.LOCKING,         locked,                        Phase.HANDSHAKE),
    Rule(Phase.HANDSHAKE,       unplugged,                     Phase.SETTLING,      blame),
    Rule(Phase.HANDSHAKE,       checkable,                     Phase.CABLE_CHECK,   close),
    Rule(Phase.CABLE_CHECK,     unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.CABLE_CHECK,     insulated,                     Phase.PRECHARGE),
    Rule(Phase.CABLE_CHECK,     vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.PRECHARGE,       unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.PRECHARGE,       connected,                     Phase.ENERGIZED,     resume),
    Rule(Phase.PRECHARGE,       vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.ENERGIZED,       unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.ENERGIZED,       vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.RAMP_DOWN,       unplugged,                     Phase.OPENING),
    Rule(Phase.RAMP_DOWN,       current_gone,                  Phase.OPENING),
    Rule(Phase.OPENING,         dead,                          Phase.SETTLING),
    Rule(Phase.SETTLING,        kept,                          Phase.WAITING),
    Rule(Phase.SETTLING,        metered,                       Phase.WELDING_CHECK, end),
    Rule(Phase.WAITING,         deserted,                      Phase.SETTLING,      blame),
    Rule(Phase.WAITING,         returned,                      Phase.LOCKING),
    Rule(Phase.WELDING_CHECK,   held,                          Phase.HELD),
    Rule(Phase.WELDING_CHECK,   released,                      Phase.FINISHED),
    Rule(Phase.FINISHED,        unplugged,                     Phase.IDLE,          forget),
)

TIME_LIMITS_S: Final[Mapping[Phase, Callable[[Policy], float | None]]] = {
    Phase.PLUGGED:       _for_a_driver_s,
    Phase.AUTHORIZED:    lambda policy: policy.connection_timeout_s,
    Phase.WAITING:       lambda policy: policy.waiting_timeout_s or None,
}
# fmt: on
"""The limits that the operator chooses; the others stand in ``core.sequence``."""

_ON_EVENT: Final = {(row.phase, row.event): row for row in ON_EVENT}
_AT_ONCE: Final = {
    phase: tuple(rule for rule in AT_ONCE if rule.phase is phase) for phase in Phase
}


@dataclass(frozen=True, slots=True)
class Output:
    """What the hardware of one connector shall be, until told otherwise."""

    locked: bool = False
    authorized: bool = False  # the vehicle may go on
    enabled: bool = False  # the CCS controller may count on the station
    closed: bool = False
    supply: Supply = Supply.OFF
    limit_w: float = 0.0  # of the power modules, while they charge
    lends: bool = False  # its modules shall help the connector beyond the bridge
    sealing: Sealing | None = None  # what the meter's own transaction shall be

    @property
    def live(self) -> bool:
        """Whether anything here can put voltage on the plug."""
        return self.closed or self.supply is not Supply.OFF


_HELD: Final = Output(locked=True)
_READY: Final = Output(locked=True, authorized=True, enabled=True)

# fmt: off
OUTPUTS: Final[Mapping[Phase, Output]] = {
    Phase.IDLE:          Output(),
    Phase.PLUGGED:       Output(),
    Phase.AUTHORIZED:    Output(),
    Phase.LOCKING:       _HELD,
    Phase.HANDSHAKE:     _READY,
    Phase.CABLE_CHECK:   replace(_READY, closed=True, supply=Supply.TEST_VOLTAGE),
    Phase.PRECHARGE:     replace(_READY, closed=True, supply=Supply.MATCH_BATTERY),
    Phase.ENERGIZED:     replace(_READY, closed=True, supply=Supply.CHARGE),
    Phase.RAMP_DOWN:     replace(_READY, closed=True),
    Phase.OPENING:       _HELD,
    Phase.SETTLING:      _HELD,
    Phase.WAITING:       _HELD,
    Phase.WELDING_CHECK: _HELD,
    Phase.HELD:          _HELD,
    Phase.FINISHED:      Output(),
}
# fmt: on


def advance(session: Session, event: Event, now: Instant) -> Change:
    """Apply one event to one session, and whatever follows from it at once."""
    session = _sensed(session, event)
    effects: tuple[Effect, ...] = ()
    step: Row | Rule | None = _ON_EVENT.get((session.phase, type(event)))
    while True:
        rules = _AT_ONCE[session.phase]
        step = step or next((r for r in rules if r.holds(session)), None)
        if step is None:
            return session, effects
        session, more = step.action(session, event, now)
        if session.phase is not step.target:
            session = _moved(session, step.target, now.monotonic_s)
        effects, step = effects + more, None


def deadline_s(session: Session, policy: Policy) -> float | None:
    """Return when the first time limit passes, on the monotonic clock."""
    first = due(session)
    if first is not None:
        return first[0]
    limit = TIME_LIMITS_S.get(session.phase)
    limit_s = limit(policy) if limit else None
    return None if limit_s is None else session.since_s + limit_s


def _sensed(session: Session, event: Event) -> Session:
    match event:
        case events.FactsChanged():
            session = _informed(session, event.facts)
        case events.SelfTested(told_s=told_s) if told_s >= session.since_s:
            session = replace(session, check=replace(session.check, tested=True))
        case events.MeterOpened() if event.key == session.key:
            session = replace(session, seal=replace(session.seal, opened=True))
        case events.MeterClosed() if event.key == session.key:
            session = replace(session, seal=session.seal.broken(event.record))
    facts = session.facts
    if session.phase is Phase.CABLE_CHECK:
        check = followed(session.check, facts, session.since_s, session.most_v)
        session = replace(session, check=check)
    register_wh = facts.meter.energy_wh if facts.meter is not None else 0
    # The register of a bill only grows, whatever the meter says.
    if session.phase in BILLED and register_wh > session.meter_wh:
        return replace(session, meter_wh=register_wh)
    return session


def _informed(session: Session, facts: Facts) -> Session:
    before, vehicle, contactor = session.facts.vehicle, facts.vehicle, facts.contactor
    session = replace(session, facts=facts)
    if vehicle is not None and (before is None or vehicle.phase is not before.phase):
        session = replace(session, vehicle_s=vehicle.at_s)
    if (
        not OUTPUTS[session.phase].closed
        and contactor is not None
        and contactor.position is Position.OPEN
        and contactor.at_s > session.since_s
        and not (session.contactors_open and isfinite(session.opened_s))
    ):
        return replace(session, contactors_open=True, opened_s=contactor.at_s)
    return session


def _moved(session: Session, phase: Phase, now_s: float) -> Session:
    began_s = inf if phase is Phase.IDLE else min(session.began_s, now_s)
    testing = phase is Phase.CABLE_CHECK
    if session.facts.testing is not testing:
        session = replace(session, facts=replace(session.facts, testing=testing))
    return replace(session, phase=phase, since_s=now_s, began_s=began_s)
