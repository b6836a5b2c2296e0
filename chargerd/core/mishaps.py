"""What goes wrong in a session: cuts, commands that failed, limits that were missed.

What the facts tell of by themselves is judged anew in every step; the rest is held by
:class:`chargerd.core.health.Health` for as long as its row in the catalogue says.
"""

from collections.abc import Container, Mapping
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.course import OUTPUTS
from chargerd.core.effects import Effect, Noted
from chargerd.core.events import Event
from chargerd.core.faults import FAULTS, Recovers, cause
from chargerd.core.health import Health
from chargerd.core.lending import Lending
from chargerd.core.measured import measured
from chargerd.core.permissive import present
from chargerd.core.policy import Policy
from chargerd.core.sealing import OPENED_WITHIN_S
from chargerd.core.sequence import due
from chargerd.core.session import BILLED, COLD, Phase, Session

Effects = tuple[Effect, ...]

METERLESS: Final = frozenset({"meter-silent", "meter-implausible"})
"""The faults with which a transaction may go on, its energy unknown."""


class Scene(Protocol):
    """What this sees of the station, and does there."""

    policy: Policy
    health: Health
    lending: Lending

    @property
    def sessions(self) -> Mapping[int, Session]:
        """Every connector's session."""

    def billed(self) -> tuple[Session, ...]:
        """Return the sessions whose bill is open."""

    def advance(self, event: Event, now: Instant) -> Effects:
        """Let an event happen to one session."""


class Mishaps:
    """Holds against a connector what went wrong there, and ends what it must end."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def stopping(self, connector: int) -> list[str]:
        """Return the faults that let no energy flow at a connector."""
        outlived = self._unmetered(self._scene.sessions.get(connector))
        return [
            active.fault.name
            for active in self._scene.health.at(connector)
            if active.fault.stops and active.fault.name not in outlived
        ]

    def _unmetered(self, session: Session | None) -> Container[str]:
        """Return the faults of the meter that a running transaction goes on with."""
        running = session is not None and session.phase in BILLED
        ends = self._scene.policy.stop_on_meter_failure
        return METERLESS if running and not ends else ()

    def failed(self, event: events.CommandFailed, now: Instant) -> Effects:
        """Hold what a command that failed means for its session."""
        told = Noted(event.connector, f"{event.kind}: {event.error}")
        if event.kind == "bridge":
            self._scene.lending.failed(event.error)
            return (told,)
        session = self._scene.sessions[event.connector]
        if _over(session, event.told_s):
            return (told,)
        if event.kind == "contactor" and OUTPUTS[session.phase].closed:
            self._scene.health.latch(event.connector, "contactor-open", event.error)
        if event.kind == "lock":
            self._scene.health.latch(event.connector, "lock-stuck", event.error)
        if event.kind == "meter" and _unopened(session, now):
            self._scene.health.latch(event.connector, "meter-unsigned", event.error)
        return (told,)

    def limit_missed(self, event: events.LimitMissed, now: Instant) -> Effects:
        """Hold that the session did not come as far as it should in time."""
        self._scene.health.latch(event.connector, event.fault, event.value)
        return ()

    def cleared(self, event: events.FaultCleared, now: Instant) -> Effects:
        """Let go of a fault that a technician has cleared."""
        self._scene.health.unlatch(event.connector, event.fault)
        return (Noted(event.connector, f"{event.fault} cleared by hand"),)

    def self_tested(self, event: events.SelfTested, now: Instant) -> Effects:
        """Take what came of the self-test in the cable check."""
        session = self._scene.sessions[event.connector]
        if session.phase is not Phase.CABLE_CHECK or event.told_s < session.since_s:
            return ()
        if not event.error:
            return self._scene.advance(event, now)
        self._scene.health.latch(event.connector, "isolation-self-test", event.error)
        return ()

    def cut(self, event: events.GuardCut, now: Instant) -> Effects:
        """End the session whose energy was taken away, and say why it was."""
        name, session = event.faults[0], self._scene.sessions[event.connector]
        value = event.value or measured(name, session.facts)
        words = f" ({value})" if value else ""
        told = Noted(event.connector, f"guard cut: {', '.join(event.faults)}{words}")
        # What the facts tell of by themselves is judged by them.
        held = name in FAULTS and FAULTS[name].recovers is not Recovers.BY_ITSELF
        if held and not _over(session, event.at_s):
            self._scene.health.latch(event.connector, name, event.value)
        aborted = events.Aborted(event.connector, cause(name))
        return (told, *self._scene.advance(aborted, now))

    def judge(self, now: Instant) -> Effects:
        """Let faults come and go, and end the transactions that they must end."""
        effects = self._scene.health.judge(self._scene.sessions.values(), now)
        for session in self._scene.billed():
            for name in self._stoppers(session):
                aborted = events.Aborted(session.connector, cause(name))
                effects += self._scene.advance(aborted, now)
        return effects

    def _stoppers(self, session: Session) -> list[str]:
        stopping = self.stopping(session.connector)
        # A vehicle that breaks off is no fault of the station, yet it ends all.
        if "vehicle-emergency" in present(session.facts):
            stopping.append("vehicle-emergency")
        return stopping[:1]

    def unsigned(self, connector: int) -> None:
        """Take note that a bill of an earlier process closed without its signature."""
        if self._scene.sessions[connector].plugged:
            self._scene.health.latch(connector, "meter-unsigned", "no signed record")


def missed(session: Session) -> Event:
    """Return what it means that the first time limit of a session has passed."""
    first = due(session)
    if first is None or not first[1].fault:
        return events.TimeLimitPassed(session.connector)
    limit = first[1]
    return events.LimitMissed(session.connector, limit.fault, limit.lacking(session))


def _over(session: Session, at_s: float) -> bool:
    """Tell whether what happened at ``at_s`` belongs to a session that is over."""
    return session.phase is Phase.IDLE or at_s < session.began_s


def _unopened(session: Session, now: Instant) -> bool:
    """Tell whether a meter has had its time to open a transaction, and has not."""
    waited_s = now.monotonic_s - session.since_s
    return (
        session.phase in COLD and not session.seal.ready and waited_s >= OPENED_WITHIN_S
    )
