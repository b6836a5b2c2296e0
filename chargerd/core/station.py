"""The whole station without hardware, network or clock."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import inf
from typing import Any, Final

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.booking import Booking
from chargerd.core.conditions import startable
from chargerd.core.course import OUTPUTS, Output, advance, deadline_s
from chargerd.core.derating import Deratings
from chargerd.core.desk import Desk
from chargerd.core.drivers import Drivers
from chargerd.core.effects import (
    AvailabilityKept,
    Context,
    Effect,
    FaultOpened,
    Noted,
    Refused,
    Sampled,
    Signed,
    TransactionCheckpoint,
)
from chargerd.core.events import WHOLE_STATION, Event, Reservation
from chargerd.core.fitting import Fitting, most_power_w
from chargerd.core.health import Health
from chargerd.core.installation import Installation
from chargerd.core.lending import Lending
from chargerd.core.limits import Limits
from chargerd.core.mishaps import Mishaps, missed
from chargerd.core.news import PATIENCE_S, tells
from chargerd.core.obedience import Obedience
from chargerd.core.permissive import FIELDS, Facts, Loss, learned
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Supply, offered_current_a
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Cause, Why
from chargerd.core.register import Register
from chargerd.core.registers import Followed, Registers
from chargerd.core.reservation import WELCOME
from chargerd.core.sampling import Sampler
from chargerd.core.sealing import Seal
from chargerd.core.sequence import due
from chargerd.core.session import BILLED, Phase, Session
from chargerd.core.unwelcome import Unwelcome
from hal.values import MeterReading

Effects = tuple[Effect, ...]


class Station:
    """Holds the present state and replaces it, one event at a time."""

    def __init__(
        self,
        fittings: Mapping[int, Fitting],
        policy: Policy,
        new_key: Callable[[], str],
        drivers: Drivers,
        last_fault_id: int = 0,
        kept_faults: Iterable[FaultOpened] = (),
        wishes: Iterable[AvailabilityKept] = (),
        reservations: Iterable[Reservation] = (),
        profiles: Iterable[Profile] = (),
        site_w: float = inf,
        registers: Iterable[Register] = (),
    ) -> None:
        """Start with nothing known of any connector but what its meter had counted."""
        self.fittings = fittings
        self.policy = policy
        self.online = False
        self.in_service = False
        self.storage_failing = False
        self.storage_exhausted = False
        self.restarting: Cause | None = None
        self.paused: frozenset[int] = frozenset()
        """Connectors whose transaction goes on without energy (invalid id tag)."""
        self.behind = False
        """Amounts were learned, and not all that follows from them is done yet."""
        self.error_codes: dict[str, str] = {}
        known = (WHOLE_STATION, *fittings)
        kept = (each for each in kept_faults if each.connector in known)
        self.health = Health(last_fault_id, kept)
        self.refusals: deque[tuple[datetime, Refused]] = deque(maxlen=50)
        self.sampler = Sampler()
        self.registers = Registers(registers)
        self.desk = Desk(self, drivers)
        self._new_key = new_key
        self._followed_s = -inf
        self.sessions = {
            number: Session(
                number,
                facts=Facts(fitting.fitted),
                most_v=fitting.rating.max_voltage_v,
                seal=Seal(fitting.signs),
            )
            for number, fitting in fittings.items()
        }
        self.booking = Booking(self, wishes, reservations)
        self.lending = Lending(self)
        self.installation = Installation(self, profiles)
        self.limits = Limits(self, site_w)
        self.obedience = Obedience()
        self.mishaps = Mishaps(self)
        self.unwelcome = Unwelcome(self)
        self.deratings = Deratings()
        self._settle_all()

    def apply(self, event: Event, now: Instant) -> Effects:
        """Let one event happen; return what must become known."""
        waits = isinstance(event, events.Sensed) and self._may_wait(event, now)
        handle = _HANDLERS.get(type(event), Station.advance)
        effects = handle(self, event, now)
        if waits and not effects:
            self.behind = True
            return ()
        return self._follow(effects, now)

    def _may_wait(self, event: events.Sensed, now: Instant) -> bool:
        """Tell whether what follows from a reading is soon enough with later ones."""
        if now.monotonic_s >= self._followed_s + PATIENCE_S:
            return False
        meant = [self.sessions[number] for number in self._meant(event.connector)]
        # On the way from one phase to the next, every reading counts.
        resting = all(due(session) is None for session in meant)
        return resting and not any(tells(s.facts, event.reading) for s in meant)

    def _follow(self, effects: Effects, now: Instant) -> Effects:
        """Let everything follow from what is known by now."""
        self.behind, self._followed_s = False, now.monotonic_s
        effects += self.unwelcome.follow(now)
        self.lending.follow(self.limits.may_w, now)
        self.obedience.follow(self.sessions.values(), self.limits.of, self.health)
        effects += self.mishaps.judge(now)
        if self.policy.free_vend:
            effects += self.desk.vend(now)
        effects += self.booking.follow(effects, now)
        effects += self.installation.follow(effects, now)
        self._settle_all()
        self.limits.update(now)
        effects += self.deratings.follow(self.limits.all)
        for effect in effects:
            if isinstance(effect, Refused):
                self.refusals.append((now.utc, effect))
        return effects + self.sampler.follow(self, effects, now)

    def metered(self, event: events.Sensed, now: Instant) -> Followed:
        """Return what a reading of a meter means, by the public register.

        To be asked before ``apply``: this is where what a meter says becomes public.
        """
        reading = event.reading
        if not isinstance(reading, MeterReading):
            return (event,), ()
        number, share = event.connector, self.policy.meter_step_limit / 100
        most_w = share * most_power_w(self.fittings, number) if share else inf
        billed = self.sessions[number].phase in BILLED
        return self.registers.follow(number, reading, most_w, now, billed=billed)

    def expire(self, now: Instant) -> Effects:
        """Let every time limit that has passed take effect."""
        effects: Effects = ()
        for session in tuple(self.sessions.values()):
            due_s = self._due_s(session)
            if due_s is not None and due_s <= now.monotonic_s:
                effects += self.apply(missed(session), now)
        effects += self._follow((), now)
        sampled = self.sampler.expire(self, now)
        return (*effects, *sampled, *self.registers.checkpoint(_told_idle(sampled)))

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` next has something to do."""
        due: list[float | None] = [self._due_s(s) for s in self.sessions.values()]
        due.append(self.sampler.next_deadline_s(now))
        due.append(self.booking.reservations.next_deadline_s(now))
        due.append(self.booking.holds.due_s())
        due.append(self.lending.due_s())
        due.append(self.limits.next_deadline_s())
        due.append(self.health.next_deadline_s())
        due.append(self.follow_due_s)
        due_s = min((s for s in due if s is not None), default=inf)
        return None if due_s == inf else due_s

    @property
    def follow_due_s(self) -> float:
        """When all has to follow from what was learned; infinite: it has."""
        return self._followed_s + PATIENCE_S if self.behind else inf

    def outputs(self) -> Mapping[int, Output]:
        """Return what the hardware of each connector shall be at this moment."""
        return {number: self._output(s) for number, s in self.sessions.items()}

    def limit(self, connector: int) -> Limit:
        """Return the most power that a connector may give now, and who says so."""
        return self.limits.of(connector)

    def offered(self, connector: int) -> tuple[float, float]:
        """Return the power [W] and the current [A] offered to a vehicle now."""
        limit, rating = self.limit(connector), self.lending.rating(connector)
        module = self.sessions[connector].facts.power_module
        output_v = module.voltage_v if module else 0.0
        return limit.power_w, offered_current_a(limit, rating, output_v)

    def bar(self, connector: int) -> Why | None:
        """Return why nothing may begin at a connector."""
        reasons = (
            (self.restarting is not None, Why.RESTART_PENDING),
            (not self.in_service, Why.NOT_REGISTERED),
            (self.storage_failing, Why.STORAGE_FAILING),
            (self.storage_exhausted and not self.online, Why.STORAGE_FULL),
            (self.faulted(connector), Why.CONNECTOR_FAULTED),
            (self.booking.withheld(connector), Why.CONNECTOR_UNAVAILABLE),
            (self.booking.held(connector), Why.CONNECTOR_HELD),
            (self.lending.stands_in(connector), Why.BRIDGE_NOT_OPEN),
        )
        return next((why for holds, why in reasons if holds), None)

    def faulted(self, connector: int) -> bool:
        """Tell whether a fault keeps a connector (or 0: the station) from working."""
        return bool(self.mishaps.stopping(connector))

    def billed(self) -> tuple[Session, ...]:
        """Return the sessions whose bill is open."""
        return tuple(s for s in self.sessions.values() if s.phase in BILLED)

    def scope(self, reader: int) -> Sequence[Session]:
        """Return the sessions that a reader stands for."""
        if reader != WHOLE_STATION:
            return (self.sessions[reader],)
        shared = [n for n, fitting in self.fittings.items() if not fitting.own_reader]
        return tuple(self.sessions[number] for number in shared)

    def _due_s(self, session: Session) -> float | None:
        # Whoever is asked about has come in time, however late the answer is.
        if session.phase is Phase.PLUGGED and self.desk.asks_for(session.connector):
            return None
        return deadline_s(session, self.policy)

    def _output(self, session: Session) -> Output:
        output = OUTPUTS[session.phase]
        if self.lending.lends(session.connector):
            return replace(output, lends=True)
        if session.seal.signs:
            output = replace(output, sealing=session.sealing)
        if output.supply is not Supply.CHARGE:
            return output
        return replace(output, limit_w=self.limit(session.connector).power_w)

    def advance(self, event: Event, now: Instant) -> Effects:
        """Let an event happen to one session."""
        before = self.sessions.get(event.connector)
        if before is None:
            return ()
        after, effects = advance(before, event, now)
        self.sessions[event.connector] = after
        if after.phase is before.phase:
            return effects
        if after.phase is Phase.IDLE:
            self.health.unplugged(event.connector)
        key = after.key or before.key or None
        told = Noted(event.connector, after.phase.value, key)
        return (*effects, told, *self._settled_elsewhere(after, now))

    def _settled_elsewhere(self, session: Session, now: Instant) -> Effects:
        shared = session in self.scope(WHOLE_STATION)
        if session.phase is not Phase.PLUGGED or not shared or not startable(session):
            return ()
        for other in self.sessions.values():
            if other.phase is Phase.AUTHORIZED and other.floating:
                return self._move(other, session.connector, now)
        return ()

    def _move(self, authorized: Session, connector: int, now: Instant) -> Effects:
        claim, reservation = self.booking.claim_of(authorized, connector)
        if claim not in WELCOME:
            return ()
        withdrawn = events.AuthorizationWithdrawn(authorized.connector)
        accepted = events.TokenAccepted(
            connector,
            authorized.id_tag,
            authorized.parent,
            reservation=reservation,
            source=authorized.source,
        )
        return self.advance(withdrawn, now) + self.advance(accepted, now)

    def _sensed(self, event: events.Sensed, now: Instant) -> Effects:
        kind = FIELDS[type(event.reading)]

        def learn(facts: Facts) -> Facts:
            # Whatever says something again is there again.
            return learned(_found(facts, kind), event.reading)

        return self._know(event.connector, learn, now)

    def _lost(self, event: events.DeviceLost, now: Instant) -> Effects:
        lost = {event.kind: event.loss}
        return self._know(
            event.connector, lambda f: _with_lost(f, {**f.lost, **lost}), now
        )

    def _back(self, event: events.DeviceBack, now: Instant) -> Effects:
        return self._know(event.connector, lambda f: _found(f, event.kind), now)

    def _know(
        self, connector: int, learn: Callable[[Facts], Facts], now: Instant
    ) -> Effects:
        effects: Effects = ()
        for number in self._meant(connector):
            facts = learn(self.sessions[number].facts)
            effects += self.advance(events.FactsChanged(number, facts), now)
            session = self.sessions[number]
            if self.sampler.frozen(session):
                self.health.latch(number, "meter-frozen", f"{session.meter_wh} Wh")
            if facts.supply is not None and facts.supply.failing:
                effects += self._supply_failed(self.sessions[number], now)
        return effects

    def _supply_failed(self, session: Session, now: Instant) -> Effects:
        if not session.seal.signs:
            return self.advance(events.SupplyFailed(session.connector), now)
        if session.phase not in BILLED or session.cause is not None:
            return ()
        # The meter takes longer to sign than the supply lasts: if the power does go,
        # the next process closes the bill with the record.
        return (TransactionCheckpoint(session.key, now.utc, session.meter_wh),)

    def _opened(self, event: events.MeterOpened, now: Instant) -> Effects:
        effects = self.advance(event, now)
        if event.signed is None or not self._bills(event.connector, event.key):
            return effects
        begun = Signed(event.key, event.connector, now.utc, Context.BEGIN, event.signed)
        return (*effects, begun)

    def _closed(self, event: events.MeterClosed, now: Instant) -> Effects:
        if self._bills(event.connector, event.key) or event.record is None:
            return self.advance(event, now)
        late = "the meter's signed record came after the bill was closed"
        return (Noted(event.connector, late, event.key),)

    def _bills(self, connector: int, key: str) -> bool:
        session = self.sessions[connector]
        return session.key == key and session.phase in BILLED

    def _meant(self, connector: int) -> tuple[int, ...]:
        """Return the connectors that something at one (0: at all) concerns."""
        return tuple(self.sessions) if connector == WHOLE_STATION else (connector,)

    def _restart(self, event: events.RestartRequested, now: Instant) -> Effects:
        self.restarting = event.cause
        self.health.unlatch(WHOLE_STATION, "reset")
        effects: Effects = ()
        for number in self.sessions:
            effects += self.advance(events.AuthorizationWithdrawn(number), now)
            effects += self.advance(events.StopRequested(number, event.cause), now)
        return (*effects, *self.registers.checkpoint(self.sessions))

    def _stop_all(self, event: events.TransactionsStopped, now: Instant) -> Effects:
        effects: Effects = ()
        for session in self.billed():
            stop = events.StopRequested(session.connector, Cause.FIRMWARE)
            effects += self.advance(stop, now)
        return effects

    def _not_restarted(self, event: events.RestartFailed, now: Instant) -> Effects:
        self.restarting = None
        self.health.latch(WHOLE_STATION, "reset", event.error)
        return ()

    def _policy(self, event: events.PolicyChanged, now: Instant) -> Effects:
        self.policy = event.policy
        return ()

    def _online(self, event: events.OnlineChanged, now: Instant) -> Effects:
        self.online = event.online
        return ()

    def _service(self, event: events.ServiceChanged, now: Instant) -> Effects:
        self.in_service = True
        return ()

    def _storage(self, event: events.StorageChanged, now: Instant) -> Effects:
        self.storage_failing = event.failing
        if event.failing:
            self.health.latch(WHOLE_STATION, "storage", "")
        else:
            self.health.unlatch(WHOLE_STATION, "storage")
        return ()

    def _room(self, event: events.RoomChanged, now: Instant) -> Effects:
        self.storage_exhausted = event.exhausted
        if event.short:
            self.health.latch(WHOLE_STATION, "storage-short", "")
        else:
            self.health.unlatch(WHOLE_STATION, "storage-short")
        return ()

    def _code(self, event: events.ErrorCodeSet, now: Instant) -> Effects:
        self.error_codes.pop(event.fault, None)
        if event.error_code is not None:
            self.error_codes[event.fault] = event.error_code
        return ()

    def _clear_tags(self, event: events.TagsCleared, now: Instant) -> Effects:
        return self.desk.drivers.tags.clear()

    def _list(self, event: events.ListReplaced, now: Instant) -> Effects:
        return self.desk.drivers.replace(event)

    def _settle_all(self) -> None:
        for number, session in self.sessions.items():
            barred = self.bar(number) is not None
            key = session.next_key or self._new_key()
            fitted = self.fittings[number].fitted
            settled = replace(
                session,
                barred=barred,
                next_key=key,
                outlives=self.policy.outlived,
                holding=self.policy.holding if "lock" in fitted else frozenset(),
            )
            if settled != session:
                self.sessions[number] = settled


def _with_lost(facts: Facts, lost: Mapping[str, Loss]) -> Facts:
    return replace(facts, lost=dict(lost))


def _found(facts: Facts, kind: str) -> Facts:
    if kind not in facts.lost:
        return facts
    return _with_lost(facts, {k: v for k, v in facts.lost.items() if k != kind})


def _told_idle(effects: Iterable[Effect]) -> Iterator[int]:
    """Yield the connectors whose register the CSMS is told without a transaction."""
    for effect in effects:
        if isinstance(effect, Sampled) and effect.sample.key is None:
            yield effect.sample.connector


_HANDLERS: Final[Mapping[type[Event], Callable[[Station, Any, Instant], Effects]]] = {
    events.Sensed: Station._sensed,
    events.DeviceLost: Station._lost,
    events.DeviceBack: Station._back,
    events.CommandFailed: lambda s, *a: s.mishaps.failed(*a),
    events.SelfTested: lambda s, *a: s.mishaps.self_tested(*a),
    events.MeterOpened: Station._opened,
    events.MeterClosed: Station._closed,
    events.GuardCut: lambda s, *a: s.mishaps.cut(*a),
    events.LimitMissed: lambda s, *a: s.mishaps.limit_missed(*a),
    events.FaultCleared: lambda s, *a: s.mishaps.cleared(*a),
    events.TokenPresented: lambda s, *a: s.desk.presented(*a),
    events.StartRequested: lambda s, *a: s.desk.requested(*a),
    events.TagAnswered: lambda s, *a: s.desk.answered(*a),
    events.TransactionNumbered: lambda s, *a: s.unwelcome.numbered(*a),
    events.RestartRequested: Station._restart,
    events.RestartFailed: Station._not_restarted,
    events.TransactionsStopped: Station._stop_all,
    events.AvailabilityWanted: lambda s, *a: s.booking.wanted(*a),
    events.HoldWanted: lambda s, *a: s.booking.hold(*a),
    events.HoldEnded: lambda s, *a: s.booking.hold(*a),
    events.ReservationWanted: lambda s, *a: s.booking.reserve(*a),
    events.ReservationCancelled: lambda s, *a: s.booking.cancel(*a),
    events.ProfileSet: lambda s, *a: s.installation.install(*a),
    events.ProfilesCleared: lambda s, *a: s.installation.clear(*a),
    events.PolicyChanged: Station._policy,
    events.OnlineChanged: Station._online,
    events.ServiceChanged: Station._service,
    events.StorageChanged: Station._storage,
    events.RoomChanged: Station._room,
    events.ErrorCodeSet: Station._code,
    events.TagsCleared: Station._clear_tags,
    events.ListReplaced: Station._list,
}
