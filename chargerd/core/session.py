"""The charging session of one connector, as a table.

Rule 1: whatever changes the phase of a session stands in ``ON_EVENT``, or in
        ``AT_ONCE`` for what follows from the state and not from one event.
Rule 2: whatever the hardware is told follows from the phase, through ``OUTPUTS``.
Rule 3: an event that a phase does not list changes nothing. The whole matrix is
        printed in tests/core/session_matrix.txt, where its gaps can be seen.
Rule 4: a bill is open exactly in the phases of ``BILLED``.

``scripts/draw_states.py`` draws the diagram of docs/session.md from these tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.effects import Effect, Noted, TransactionEnded, TransactionStarted
from chargerd.core.events import Event
from chargerd.core.permissive import MIN_RESISTANCE_OHM, Facts
from chargerd.core.policy import Policy
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from hal.values import SAFE_TO_OPEN_A, Position, Quality, VehiclePhase


class Phase(Enum):
    """Where a session stands."""

    IDLE = "idle"  # no vehicle, no driver
    PLUGGED = "plugged"  # a vehicle, but nobody to bill
    AUTHORIZED = "authorized"  # somebody to bill, but no vehicle
    LOCKING = "locking"  # the transaction runs from here on
    HANDSHAKE = "handshake"  # vehicle and CCS controller agree on everything
    CABLE_CHECK = "cable check"
    PRECHARGE = "pre-charge"
    ENERGIZED = "energized"
    RAMP_DOWN = "ramp-down"  # the current falls
    OPENING = "opening"  # the contactors open
    SETTLING = "settling"  # waits for the last register of the meter
    WELDING_CHECK = "welding check"  # billed no more
    FINISHED = "finished"  # the plug may be pulled


@dataclass(frozen=True, slots=True)
class Session:
    """One connector, from plug to plug."""

    connector: int
    phase: Phase = Phase.IDLE
    since_s: float = 0.0  # monotonic; when the phase began
    facts: Facts = Facts()
    contactors_open: bool = True  # seen open since they were last told to close
    barred: bool = False  # nothing may begin here: a fault, a restart, no disk
    next_key: str = ""  # a fresh UUID for the next transaction
    key: str = ""  # names the transaction before the CSMS numbers it
    id_tag: str = ""
    parent: str | None = None
    floating: bool = False  # authorized wherever the plug goes in
    start_wh: int = 0
    meter_wh: int = 0  # last register seen in this transaction
    cause: Cause | None = None  # why the transaction is ending
    ended_by: str | None = None  # whose card ended it

    @property
    def plugged(self) -> bool:
        """Whether a vehicle is on the plug."""
        return self.facts.vehicle is not None and self.facts.vehicle.plugged

    @property
    def energy_wh(self) -> int:
        """What the transaction has delivered so far."""
        return max(self.meter_wh - self.start_wh, 0)


Change = tuple[Session, tuple[Effect, ...]]
Action = Callable[[Session, Event, Instant], Change]


def stay(session: Session, _event: Event, _now: Instant) -> Change:
    """Change the phase and nothing else."""
    return session, ()


def forget(session: Session, _event: Event, _now: Instant) -> Change:
    """Return to a clean connector; only what is measured outlives a session."""
    clean = Session(
        session.connector,
        session.phase,
        facts=session.facts,
        contactors_open=session.contactors_open,
        barred=session.barred,
        next_key=session.next_key,
    )
    return clean, ()


def bind(session: Session, event: Event, _now: Instant) -> Change:
    """Remember who pays."""
    assert isinstance(event, events.TokenAccepted)
    bound = replace(
        session, id_tag=event.id_tag, parent=event.parent, floating=event.floating
    )
    return bound, ()


def begin(session: Session, event: Event, now: Instant) -> Change:
    """Open the transaction: the bill starts at the present register."""
    if isinstance(event, events.TokenAccepted):
        session, _ = bind(session, event, now)
    assert session.facts.meter is not None
    register_wh = session.facts.meter.energy_wh
    session = replace(
        session,
        key=session.next_key,
        next_key="",
        start_wh=register_wh,
        meter_wh=register_wh,
        cause=None,
        ended_by=None,
    )
    started = TransactionStarted(
        session.key,
        session.connector,
        session.id_tag,
        session.parent,
        now.utc,
        register_wh,
    )
    return session, (started,)


def close(session: Session, _event: Event, _now: Instant) -> Change:
    """Take the contactors for closed, until their feedback says otherwise."""
    return replace(session, contactors_open=False), ()


_TIME_LIMIT_CAUSES: Final[Mapping[Phase, Cause]] = {
    Phase.LOCKING: Cause.LOCK_TIMEOUT,
    Phase.HANDSHAKE: Cause.HANDSHAKE_TIMEOUT,
    Phase.CABLE_CHECK: Cause.CABLE_CHECK_TIMEOUT,
    Phase.PRECHARGE: Cause.PRECHARGE_TIMEOUT,
}


def blame(session: Session, event: Event, _now: Instant) -> Change:
    """Remember why the transaction is ending; the first cause is the true one."""
    if session.cause is not None:
        return session, ()
    cause = Cause.VEHICLE_ENDED if session.plugged else Cause.PLUG_REMOVED
    match event:
        case events.StopRequested():
            session = replace(session, ended_by=event.id_tag)
            cause = event.cause
        case events.Aborted():
            cause = event.cause
        case events.SupplyFailed():
            cause = Cause.POWER_LOSS
        case events.TimeLimitPassed():
            cause = _TIME_LIMIT_CAUSES[session.phase]
    told = Noted(session.connector, f"ends: {cause}", session.key)
    return replace(session, cause=cause), (told,)


def end(session: Session, event: Event, now: Instant) -> Change:
    """Close the bill at the last register."""
    session, told = blame(session, event, now)
    assert session.cause is not None
    ended = TransactionEnded(
        session.key, now.utc, session.meter_wh, session.cause, session.ended_by
    )
    return session, (*told, ended)


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


def plugged(session: Session) -> bool:
    """Tell whether a vehicle is there."""
    return session.plugged


def startable(session: Session) -> bool:
    """Tell whether a bill can be opened: a vehicle, a meter, and nothing against it."""
    known = session.facts.meter is not None
    return plugged(session) and known and not session.barred


def unplugged(session: Session) -> bool:
    """Tell whether no vehicle is there."""
    return not session.plugged


def locked(session: Session) -> bool:
    """Tell whether the plug is held; a fixed cable is held by the vehicle."""
    lock = session.facts.lock
    if "lock" not in session.facts.fitted:
        return True
    return lock is not None and lock.engaged and lock.at_s > session.since_s


def vehicle_at(*phases: VehiclePhase) -> Callable[[Session], bool]:
    """Make a question: has the vehicle come to one of ``phases``?"""

    def holds(session: Session) -> bool:
        vehicle = session.facts.vehicle
        return vehicle is not None and vehicle.phase in phases

    holds.__name__ = "vehicle " + "/".join(phase.name.lower() for phase in phases)
    return holds


def insulated(session: Session) -> bool:
    """Tell whether the cable has passed its check: closed, and insulation proven."""
    isolation, contactor = session.facts.isolation, session.facts.contactor
    return (
        _CHECKED(session)
        and contactor is not None
        and contactor.position is Position.CLOSED
        and isolation is not None
        and isolation.at_s > session.since_s
        and isolation.quality is Quality.GOOD
        and isolation.resistance_ohm >= MIN_RESISTANCE_OHM
    )


def connected(session: Session) -> bool:
    """Tell whether the vehicle has joined its battery to the output.

    It does so only when it has seen our voltage within 20 V of the battery's.
    """
    return _JOINED(session)


def vehicle_is_done(session: Session) -> bool:
    """Tell whether the vehicle ended the session in good order."""
    return _ENDED(session)


def current_gone(session: Session) -> bool:
    """Tell whether the contactors may open without wear."""
    power = session.facts.power_module
    return (
        power is not None
        and power.at_s > session.since_s
        and abs(power.current_a) < SAFE_TO_OPEN_A
    )


def dead(session: Session) -> bool:
    """Tell whether the contactors are known to be open."""
    return session.contactors_open


def metered(session: Session) -> bool:
    """Tell whether the meter was read after the contactors opened."""
    meter = session.facts.meter
    return dead(session) and meter is not None and meter.at_s > session.since_s


def released(session: Session) -> bool:
    """Tell whether nothing of the session is left on the plug.

    A vehicle that never came to the cable check has nothing to bring to an end, and
    nobody waits for a CCS controller that is silent.
    """
    under_way = _UNDER_WAY(session) and "vehicle" not in session.facts.lost
    return dead(session) and not under_way


_CONNECTED: Final = (VehiclePhase.READY, VehiclePhase.CHARGING, VehiclePhase.PAUSED)
_CHECKED: Final = vehicle_at(VehiclePhase.PRECHARGE, *_CONNECTED)
_JOINED: Final = vehicle_at(*_CONNECTED)
_ENDED: Final = vehicle_at(
    VehiclePhase.ENDING, VehiclePhase.WELDING_CHECK, VehiclePhase.FINISHED
)
_UNDER_WAY: Final = vehicle_at(
    VehiclePhase.CABLE_CHECK,
    VehiclePhase.PRECHARGE,
    *_CONNECTED,
    VehiclePhase.ENDING,
    VehiclePhase.WELDING_CHECK,
)

# fmt: off
BILLED: Final = frozenset({
    Phase.LOCKING, Phase.HANDSHAKE, Phase.CABLE_CHECK, Phase.PRECHARGE,
    Phase.ENERGIZED, Phase.RAMP_DOWN, Phase.OPENING, Phase.SETTLING,
})
LIVE: Final = frozenset({Phase.CABLE_CHECK, Phase.PRECHARGE, Phase.ENERGIZED})
COLD: Final = frozenset({Phase.LOCKING, Phase.HANDSHAKE})
"""Billed, but the contactors have not been told to close yet."""
STARTABLE: Final = frozenset({Phase.IDLE, Phase.PLUGGED, Phase.FINISHED})
"""Where a new authorization is welcome."""

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
    Row(Phase.RAMP_DOWN,        events.Aborted,                Phase.OPENING,       blame),
    Row(Phase.RAMP_DOWN,        events.TimeLimitPassed,        Phase.OPENING),
    Row(Phase.OPENING,          events.TimeLimitPassed,        Phase.SETTLING),
    Row(Phase.SETTLING,         events.TimeLimitPassed,        Phase.WELDING_CHECK, end),
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
    Rule(Phase.HANDSHAKE,       vehicle_at(VehiclePhase.CABLE_CHECK), Phase.CABLE_CHECK, close),
    Rule(Phase.CABLE_CHECK,     unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.CABLE_CHECK,     insulated,                     Phase.PRECHARGE),
    Rule(Phase.CABLE_CHECK,     vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.PRECHARGE,       unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.PRECHARGE,       connected,                     Phase.ENERGIZED),
    Rule(Phase.PRECHARGE,       vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.ENERGIZED,       unplugged,                     Phase.OPENING,       blame),
    Rule(Phase.ENERGIZED,       vehicle_is_done,               Phase.RAMP_DOWN,     blame),
    Rule(Phase.RAMP_DOWN,       unplugged,                     Phase.OPENING),
    Rule(Phase.RAMP_DOWN,       current_gone,                  Phase.OPENING),
    Rule(Phase.OPENING,         dead,                          Phase.SETTLING),
    Rule(Phase.SETTLING,        metered,                       Phase.WELDING_CHECK, end),
    Rule(Phase.WELDING_CHECK,   released,                      Phase.FINISHED),
    Rule(Phase.FINISHED,        unplugged,                     Phase.IDLE,          forget),
)

TIME_LIMITS_S: Final[Mapping[Phase, Callable[[Policy], float]]] = {
    Phase.PLUGGED:       lambda policy: policy.connection_timeout_s,
    Phase.AUTHORIZED:    lambda policy: policy.connection_timeout_s,
    Phase.LOCKING:       lambda _: 5.0,
    Phase.HANDSHAKE:     lambda _: 60.0,
    Phase.CABLE_CHECK:   lambda _: 45.0,
    Phase.PRECHARGE:     lambda _: 10.0,
    Phase.RAMP_DOWN:     lambda _: 3.0,
    Phase.OPENING:       lambda _: 0.5,
    Phase.SETTLING:      lambda _: 3.0,
}
# fmt: on

_ON_EVENT: Final = {(row.phase, row.event): row for row in ON_EVENT}


@dataclass(frozen=True, slots=True)
class Output:
    """What the hardware of one connector shall be, until told otherwise."""

    locked: bool = False
    authorized: bool = False  # the vehicle may go on
    enabled: bool = False  # the CCS controller may count on the station
    closed: bool = False
    supply: Supply = Supply.OFF
    limit_w: float = 0.0  # of the power modules, while they charge

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
    Phase.WELDING_CHECK: _HELD,
    Phase.FINISHED:      Output(),
}
# fmt: on


def advance(session: Session, event: Event, now: Instant) -> Change:
    """Apply one event to one session, and whatever follows from it at once."""
    session = _sensed(session, event)
    effects: tuple[Effect, ...] = ()
    step: Row | Rule | None = _ON_EVENT.get((session.phase, type(event)))
    while True:
        step = step or next((r for r in AT_ONCE if _fires(r, session)), None)
        if step is None:
            return session, effects
        session, more = step.action(session, event, now)
        session = replace(session, phase=step.target, since_s=now.monotonic_s)
        effects, step = effects + more, None


def deadline_s(session: Session, policy: Policy) -> float | None:
    """Return when ``TimeLimitPassed`` is due, on the monotonic clock."""
    limit = TIME_LIMITS_S.get(session.phase)
    return None if limit is None else session.since_s + limit(policy)


def _sensed(session: Session, event: Event) -> Session:
    match event:
        case events.FactsChanged():
            session = replace(session, facts=event.facts)
    facts = session.facts
    opened = (
        not OUTPUTS[session.phase].closed
        and facts.contactor is not None
        and facts.contactor.position is Position.OPEN
        and facts.contactor.at_s > session.since_s
    )
    if opened:
        session = replace(session, contactors_open=True)
    if session.phase in BILLED and facts.meter is not None:
        # The register of a bill only grows, whatever the meter says.
        return replace(session, meter_wh=max(session.meter_wh, facts.meter.energy_wh))
    return session


def _fires(rule: Rule, session: Session) -> bool:
    return rule.phase is session.phase and rule.holds(session)
