"""Where drivers come: cards, remote starts, and the CSMS's word on both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core import admission, events
from chargerd.core.admission import Claims, Intention, Meaning
from chargerd.core.authorization import (
    LONGEST_TAG,
    Decision,
    Verdict,
    decide,
    folded,
    judged,
    same,
)
from chargerd.core.booking import Booking
from chargerd.core.conditions import startable
from chargerd.core.drivers import Drivers
from chargerd.core.effects import AuthorizationWanted, Effect, Noted, Refused
from chargerd.core.events import Event, Source, TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Cause, Why
from chargerd.core.reservation import WELCOME, Claim
from chargerd.core.session import Phase, Session

Effects = tuple[Effect, ...]

_FREE: Final = Decision(Verdict.ACCEPT, Source.FREE)


class Floor(Protocol):
    """What the desk sees of the station, and does there."""

    policy: Policy
    online: bool
    booking: Booking

    @property
    def sessions(self) -> Mapping[int, Session]:
        """Every connector's session."""

    def scope(self, reader: int) -> Sequence[Session]:
        """Return the sessions that a reader stands for."""

    def bar(self, connector: int) -> Why | None:
        """Return why nothing may begin at a connector."""

    def advance(self, event: Event, now: Instant) -> Effects:
        """Let an event happen to one session."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """What waits for the CSMS to answer for an id tag."""

    id_tag: str
    intention: Intention
    asked: str


class Desk:
    """Decides on drivers; remembers for whom the CSMS is being asked."""

    def __init__(self, floor: Floor, drivers: Drivers) -> None:
        self.drivers = drivers
        self._floor = floor
        self._asking: dict[str, _Asking] = {}

    def presented(self, event: events.TokenPresented, now: Instant) -> Effects:
        """Take a card that was held to a reader."""
        id_tag = event.token.uid
        if event.token.fleeting:
            made_up = "the card shows another number each time; use another card"
            return (Refused(event.connector, "token", Why.TAG_RANDOM, made_up),)
        if len(id_tag) > LONGEST_TAG:
            long = f"{len(id_tag)} characters; OCPP takes {LONGEST_TAG}"
            return (Refused(event.connector, "token", Why.TAG_TOO_LONG, long),)
        claims = self._claims(id_tag)
        intention = self._intention(event.connector, id_tag, claims)
        match intention.meaning:
            case Meaning.STOP:
                return self._stop(intention.connector, id_tag, now)
            case Meaning.WITHDRAW:
                withdrawn = events.AuthorizationWithdrawn(intention.connector)
                return self._floor.advance(withdrawn, now)
            case Meaning.NOTHING:
                return (self._no_room(event.connector, claims),)
        return self._admit(intention, id_tag, "token", now)

    def requested(self, event: events.StartRequested, now: Instant) -> Effects:
        """Take a driver whom the CSMS has sent."""
        start = Intention(Meaning.START, event.connector, profile=event.profile)
        perhaps = self._claims(event.id_tag)[event.connector] is Claim.PERHAPS
        if self._floor.policy.authorize_remote_start or perhaps:
            return self._admit(start, event.id_tag, "RemoteStartTransaction", now)
        parent = self._parent(event.id_tag)
        accepted = Decision(Verdict.ACCEPT, Source.REMOTE, parent=parent)
        return self._accept(start, event.id_tag, accepted, now)

    def vend(self, now: Instant) -> Effects:
        """Let everybody charge who has plugged in, where charging is free."""
        id_tag, booking = self._floor.policy.free_vend_id_tag, self._floor.booking
        effects: Effects = ()
        for number, session in tuple(self._floor.sessions.items()):
            waits = session.phase is Phase.PLUGGED and startable(session)
            if waits and booking.claim(number, id_tag, None)[0] in WELCOME:
                start = Intention(Meaning.START, number)
                effects += self._accept(start, id_tag, _FREE, now)
        return effects

    def answered(self, event: events.TagAnswered, now: Instant) -> Effects:
        """Take the CSMS's word on an id tag, or its silence."""
        learned = self.learn(event.id_tag, event.info, now)
        asking = self._asking.pop(folded(event.id_tag), None)
        if asking is None:
            return learned
        if event.info is None:
            decision = self._decide(event.id_tag, False, now)
            told = Noted(asking.intention.connector, "the CSMS gave no answer")
            learned = (*learned, told)
        else:
            decision = judged(event.info, Source.CSMS, now.utc)
        id_tag, asked = asking.id_tag, asking.asked
        return learned + self._do(asking.intention, id_tag, decision, asked, now)

    def learn(self, id_tag: str, info: TagInfo | None, now: Instant) -> Effects:
        """Remember what the CSMS said of an id tag, if it is to be remembered."""
        if info is None:
            return ()
        return self.drivers.learn(id_tag, info, self._floor.policy, now.utc)

    def place(
        self, connector: int | None, id_tag: str
    ) -> tuple[int | None, Why | None]:
        """Return where a RemoteStartTransaction can start, or why it cannot."""
        sessions = self._floor.sessions
        bars = {self._floor.bar(n) for n in sessions if connector in (None, n)}
        if len(bars) == 1 and (barred := next(iter(bars))):
            return None, barred
        found, why = admission.remote(
            tuple(sessions.values()), connector, id_tag, self._claims(id_tag)
        )
        if found is not None and self.asks_for(found):
            return None, Why.AUTHORIZATION_PENDING
        return found, why

    def asks_for(self, connector: int) -> bool:
        """Tell whether the CSMS is being asked for a driver who is there already."""
        return any(a.intention.connector == connector for a in self._asking.values())

    def _no_room(self, reader: int, claims: Claims) -> Refused:
        scope = self._floor.scope(reader)
        bars = {self._floor.bar(session.connector) for session in scope}
        why = bars.pop() if len(bars) == 1 else None
        open_ = [s for s in scope if claims[s.connector] is not Claim.CLOSED]
        if any(s.phase is Phase.IDLE and not s.barred for s in open_):
            return Refused(reader, "token", Why.NOT_PLUGGED, "plug in first")
        if why is None and len(open_) < len(scope):
            why = Why.CONNECTOR_RESERVED
        return Refused(reader, "token", why or Why.OTHER_DRIVER, "no connector is free")

    def _admit(
        self, intention: Intention, id_tag: str, asked: str, now: Instant
    ) -> Effects:
        if self.asks_for(intention.connector):
            why = Why.AUTHORIZATION_PENDING
            return (Refused(intention.connector, asked, why, "asking the CSMS"),)
        decision = self._decide(id_tag, self._floor.online, now)
        of_group = intention.meaning is Meaning.STOP_OF_GROUP
        of_group |= self._claims(id_tag)[intention.connector] is Claim.PERHAPS
        # What is cached of a group may be out of date; the list is the CSMS's own word.
        cached = decision.source is Source.CACHE and self._floor.online
        if of_group and cached or decision.verdict is Verdict.ASK:
            self._asking[folded(id_tag)] = _Asking(id_tag, intention, asked)
            return (AuthorizationWanted(id_tag),)
        return self._do(intention, id_tag, decision, asked, now)

    def _claims(self, id_tag: str, parent: str | None = None) -> Claims:
        """Return what a driver may make of each connector, with what is known here."""
        claim, parent = self._floor.booking.claim, parent or self._parent(id_tag)
        return {n: claim(n, id_tag, parent)[0] for n in self._floor.sessions}

    def _parent(self, id_tag: str) -> str | None:
        return self.drivers.parent(id_tag, self._floor.policy)

    def _intention(self, reader: int, id_tag: str, claims: Claims) -> Intention:
        plug_first = self._floor.policy.plug_in_first
        scope = self._floor.scope(reader)
        return admission.intention(scope, id_tag, claims, plug_first=plug_first)

    def _decide(self, id_tag: str, online: bool, now: Instant) -> Decision:
        known = self.drivers.find(id_tag)
        return decide(known, online, self._floor.policy, now.utc)

    def _do(
        self,
        intention: Intention,
        id_tag: str,
        decision: Decision,
        asked: str,
        now: Instant,
    ) -> Effects:
        connector = intention.connector
        if decision.verdict is Verdict.REFUSE:
            assert decision.why is not None
            detail = f"decided by {decision.source}"
            return (Refused(connector, asked, decision.why, detail),)
        if intention.meaning is Meaning.START:
            return self._accept(intention, id_tag, decision, now)
        session = self._floor.sessions[connector]
        if same(decision.parent, session.parent):
            of_group = f"a card of the same group; accepted by {decision.source}"
            told = Noted(connector, of_group, session.key)
            return (told, *self._stop(connector, id_tag, now))
        return (Refused(connector, asked, Why.OTHER_DRIVER, "another driver charges"),)

    def _accept(
        self, intention: Intention, id_tag: str, decision: Decision, now: Instant
    ) -> Effects:
        parent = decision.parent
        intention = self._where(intention, id_tag, parent)
        connector = intention.connector
        claim, reservation = self._floor.booking.claim(connector, id_tag, parent)
        why = self._floor.bar(connector)
        if why is None and claim not in WELCOME:
            why = Why.CONNECTOR_RESERVED
        if why is not None:
            return (Refused(connector, "start", why, "it cannot start now"),)
        if self._floor.sessions[connector].facts.meter is None:
            no_meter = Why.NO_METER_READING
            return (Refused(connector, "start", no_meter, "the meter was never read"),)
        accepted = events.TokenAccepted(
            connector,
            id_tag,
            parent,
            intention.floating,
            reservation,
            decision.source,
            intention.profile,
        )
        return self._floor.advance(accepted, now)

    def _where(
        self, intention: Intention, id_tag: str, parent: str | None
    ) -> Intention:
        if not intention.floating:
            return intention
        # While the CSMS was asked, a plug may have come, or another driver.
        claims = self._claims(id_tag, parent)
        again = self._intention(events.WHOLE_STATION, id_tag, claims)
        return again if again.meaning is Meaning.START else intention

    def _stop(self, connector: int, id_tag: str, now: Instant) -> Effects:
        stop = events.StopRequested(connector, Cause.TOKEN, id_tag)
        return self._floor.advance(stop, now)
