"""What a session does on its way from one phase to the next, besides going there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.cable_check import CableCheck
from chargerd.core.effects import (
    Context,
    Effect,
    Noted,
    Signed,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.events import Event
from chargerd.core.reasons import Cause
from chargerd.core.session import Phase, Session

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
        opened_s=session.opened_s,
        vehicle_s=session.vehicle_s,
        most_v=session.most_v,
        barred=session.barred,
        outlives=session.outlives,
        holding=session.holding,
        next_key=session.next_key,
        seal=session.seal.anew(),
    )
    return clean, ()


def bind(session: Session, event: Event, _now: Instant) -> Change:
    """Remember who pays."""
    assert isinstance(event, events.TokenAccepted)
    bound = replace(
        session,
        id_tag=event.id_tag,
        parent=event.parent,
        floating=event.floating,
        reservation=event.reservation,
        source=event.source,
        profile=event.profile,
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
        began_s=now.monotonic_s,
        start_wh=register_wh,
        meter_wh=register_wh,
        cause=None,
        ended_by=None,
        suspended=None,
        seal=session.seal.anew(),
        unsigned=False,
    )
    started = TransactionStarted(
        session.key,
        session.connector,
        session.id_tag,
        session.parent,
        now.utc,
        register_wh,
        session.reservation,
    )
    told = Noted(session.connector, f"accepted by {session.source}", session.key)
    return session, (started, told)


def close(session: Session, _event: Event, _now: Instant) -> Change:
    """Take the contactors for closed until their feedback says otherwise; check."""
    return replace(session, contactors_open=False, check=CableCheck()), ()


_TIME_LIMIT_CAUSES: Final[Mapping[Phase, Cause]] = {
    Phase.LOCKING: Cause.LOCK_TIMEOUT,
    Phase.HANDSHAKE: Cause.HANDSHAKE_TIMEOUT,
    Phase.CABLE_CHECK: Cause.CABLE_CHECK_TIMEOUT,
    Phase.PRECHARGE: Cause.PRECHARGE_TIMEOUT,
}


def blame(session: Session, event: Event, _now: Instant) -> Change:
    """Remember why the transaction is ending; the first cause is the true one.

    What a transaction outlives does not end it: it is suspended then, and waits.
    """
    if session.cause is not None:
        return session, ()
    cause = _cause(session, event)
    if cause in session.outlives:
        return replace(session, suspended=cause), ()
    ended_by = event.id_tag if isinstance(event, events.StopRequested) else None
    return _ending(replace(session, ended_by=ended_by), cause)


def resume(session: Session, _event: Event, _now: Instant) -> Change:
    """Charge, for the first time or again."""
    return replace(session, suspended=None), ()


def give_up(session: Session, _event: Event, _now: Instant) -> Change:
    """End the transaction: its vehicle has stayed away, or done, for too long."""
    return _ending(session, _left(session))


def end(session: Session, event: Event, now: Instant) -> Change:
    """Close the bill at the last register."""
    session, told = blame(session, event, now)
    assert session.cause is not None
    key, seal = session.key, session.seal
    ended = TransactionEnded(
        key, now.utc, session.meter_wh, session.cause, session.ended_by
    )
    session = replace(session, unsigned=seal.missing)
    if seal.record is None:
        return session, (*told, ended)
    signed = Signed(key, session.connector, now.utc, Context.END, seal.record)
    return session, (*told, signed, ended)


def _ending(session: Session, cause: Cause) -> Change:
    told = Noted(session.connector, f"ends: {cause}", session.key)
    return replace(session, cause=cause), (told,)


def _cause(session: Session, event: Event) -> Cause:
    match event:
        case events.StopRequested() | events.Aborted():
            return event.cause
        case events.SupplyFailed():
            return Cause.POWER_LOSS
        case events.TimeLimitPassed():
            return _TIME_LIMIT_CAUSES[session.phase]
    return _left(session)


def _left(session: Session) -> Cause:
    return Cause.VEHICLE_ENDED if session.plugged else Cause.PLUG_REMOVED
