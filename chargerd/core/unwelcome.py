"""Transactions whose id tag the CSMS has refused after they had begun."""

from dataclasses import replace
from typing import Protocol

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.authorization import Verdict, judged
from chargerd.core.desk import Desk
from chargerd.core.effects import Effect
from chargerd.core.events import Event, Source
from chargerd.core.policy import Policy
from chargerd.core.reasons import Cause
from chargerd.core.session import BILLED, Session

Effects = tuple[Effect, ...]


class Scene(Protocol):
    """What this sees of the station, and does there."""

    policy: Policy
    desk: Desk
    sessions: dict[int, Session]
    paused: frozenset[int]

    def billed(self) -> tuple[Session, ...]:
        """Return the sessions whose bill is open."""

    def advance(self, event: Event, now: Instant) -> Effects:
        """Let an event happen to one session."""


class Unwelcome:
    """Gives them the energy that is left to them, and then ends or pauses them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._from_wh: dict[int, int] = {}

    def numbered(self, event: events.TransactionNumbered, now: Instant) -> Effects:
        """Take the CSMS's word on the driver of a transaction that has begun."""
        learned = self._scene.desk.learn(event.id_tag, event.info, now)
        session = next((s for s in self._scene.billed() if s.key == event.key), None)
        if session is None:
            return learned
        if event.info.parent:
            parented = replace(session, parent=event.info.parent)
            self._scene.sessions[session.connector] = parented
        if judged(event.info, Source.CSMS, now.utc).verdict is Verdict.REFUSE:
            self._from_wh[session.connector] = session.meter_wh
        return learned

    def follow(self, now: Instant) -> Effects:
        """End or pause those who have had all that is left to them."""
        effects: Effects = ()
        policy = self._scene.policy
        for number, from_wh in tuple(self._from_wh.items()):
            session = self._scene.sessions[number]
            if session.phase not in BILLED:
                del self._from_wh[number]
                self._scene.paused -= {number}
            elif session.meter_wh - from_wh < policy.max_energy_on_invalid_id_wh:
                continue
            elif policy.stop_on_invalid_id:
                stop = events.StopRequested(number, Cause.DEAUTHORIZED)
                effects += self._scene.advance(stop, now)
            else:
                self._scene.paused |= {number}
        return effects
