"""A whole charge point without I/O: events in; outputs, records and frames out.

This is the only module that joins the core and OCPP. Everything a test needs to
prove about behavior can be proved here, in no time at all.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import CoreRecord, Effect, Noted, TransactionEnded
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    PolicyChanged,
    Sensed,
    ServiceChanged,
)
from chargerd.core.reasons import Cause
from chargerd.core.recovery import Interrupted, settle
from chargerd.core.session import Output
from chargerd.core.station import Fitting, Station
from chargerd.core.tags import Tags
from chargerd.ocpp16 import keys, router
from chargerd.ocpp16.answer import Picture
from chargerd.ocpp16.dialogue import Dialogue
from chargerd.ocpp16.errors import CallFailed
from chargerd.ocpp16.handlers.core import consider
from chargerd.ocpp16.keys import Judged
from chargerd.ocpp16.ledger import Heard, Ledger
from chargerd.ocpp16.outbox import Outbox
from chargerd.ocpp16.records import Entry, KeyKept, NoteKept, Record, Snapshot
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.requests import Nameplate
from chargerd.ocpp16.rpc import Answered, Failed, Garbage, Question, Rpc
from chargerd.ocpp16.status import report
from chargerd.ocpp16.wire import encode
from hal.values import MeterReading

METER_WITHIN_S: Final = 5.0
"""An interrupted transaction waits so long for the meter; then the disk must do."""

RESTART_WITHIN_S: Final[Mapping[Cause, float]] = {
    Cause.SOFT_RESET: 30.0,
    Cause.HARD_RESET: 10.0,
    Cause.RESTART: 5.0,
}
"""How long a restart waits for the CSMS to take the last messages."""


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """The CSMS sent a frame."""

    frame: str | bytes


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A WebSocket to the CSMS is open."""


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The WebSocket is gone."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """``next_deadline_s`` has come."""


@dataclass(frozen=True, slots=True)
class OutboxLoaded:
    """The disk has given more messages."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """Somebody on the spot changes a configuration key."""

    name: str
    value: str
    origin: str


Happening = (
    Event
    | FrameReceived
    | LinkUp
    | LinkDown
    | DeadlinePassed
    | OutboxLoaded
    | KeyWanted
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one happening leads to. ``runtime.engine`` knows the order it is done in."""

    outputs: Mapping[int, Output]
    records: tuple[Record, ...] = ()
    frames: tuple[str, ...] = ()
    told: tuple[Effect, ...] = ()
    """For the journal and the lights."""
    garbage: Garbage | None = None
    """What the CSMS sent and nobody could understand."""
    clock_step_s: float | None = None
    """By how much the wall clock is wrong."""
    load_after: int | None = None
    """More messages are wanted from the disk: those after this id."""
    changed_key: str | None = None
    """A configuration key that the link may have to obey."""
    restart: Cause | None = None
    """All is done that had to be done before the process ends."""


@dataclass(slots=True)
class _Doing:
    """What has come together so far in one step."""

    records: list[Record] = field(default_factory=list)
    told: list[Effect] = field(default_factory=list)
    garbage: Garbage | None = None
    changed_key: str | None = None


class ChargePoint:
    """Joins the station to its CSMS."""

    def __init__(
        self,
        fittings: Mapping[int, Fitting],
        nameplate: Nameplate,
        new_id: Callable[[], str],
        *,
        where: str = "",
        configured: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
        snapshot: Snapshot | None = None,
        interruption: Cause = Cause.POWER_LOSS,
    ) -> None:
        """Wake up as the disk remembers.

        Args:
            fittings: What each connector is made of.
            nameplate: What BootNotification says.
            new_id: Makes an id that no other ever had.
            where: Which CSMS this is (URL and identity).
            configured: Configuration keys that the station file sets.
            facts: Read-only keys that are facts about this station.
            snapshot: What the disk remembers; ``None``: nothing.
            interruption: Why transactions that the disk knows as running are not.
        """
        snapshot = snapshot or Snapshot()
        self._base = {
            "NumberOfConnectors": str(len(fittings)),
            "SupportedFeatureProfiles": router.SUPPORTED_FEATURE_PROFILES,
            "ConnectorPhaseRotation": ",".join(
                f"{number}.NotApplicable" for number in (WHOLE_STATION, *fittings)
            ),
            **(facts or {}),
        }
        self._configured = dict(configured or {})
        self._kept = dict(snapshot.values)
        self._boot_interval: dict[str, str] = {}
        self.station = Station(
            fittings,
            keys.policy(self.values),
            new_id,
            Tags(snapshot.tags),
            snapshot.last_fault_id,
        )
        outbox = Outbox(
            snapshot.entries,
            snapshot.waiting,
            snapshot.quarantined,
            snapshot.last_message_id,
        )
        accepted = where in snapshot.accepted_by
        self.dialogue = Dialogue(
            Rpc(new_id),
            Ledger(outbox, snapshot.numbers, snapshot.stop_data),
            nameplate,
            where,
            accepted,
        )
        self._interrupted = list(snapshot.interrupted)
        self._interruption = interruption
        self._notes: deque[NoteKept] = deque(maxlen=1000)
        self._woken_s: float | None = None
        self._restart_by_s: float | None = None
        self._opening: tuple[Event, ...] = ()
        if accepted:
            self._opening = (ServiceChanged(WHOLE_STATION),)

    @property
    def values(self) -> dict[str, str]:
        """All configuration keys that differ from their defaults."""
        kept = {name: value for name, (value, _) in self._kept.items()}
        return {**self._base, **self._configured, **kept, **self._boot_interval}

    @property
    def picture(self) -> Picture:
        """What handlers and the control socket may read."""
        return Picture(
            self.station,
            self.values,
            self.dialogue.ledger.numbers,
            self.dialogue.registration.standing,
        )

    def origin(self, name: str) -> str:
        """Return where the value of a key comes from."""
        if name in self._boot_interval:
            return "csms"
        if name in self._kept:
            return self._kept[name][1]
        return "station file" if name in self._configured else "default"

    def apply(self, happening: Happening, now: Instant) -> Step:
        """Let one thing happen."""
        self._woken_s = now.monotonic_s if self._woken_s is None else self._woken_s
        doing = _Doing()
        self._recover(happening, now, doing)
        pending = deque((*self._opening, *self._begin(happening, now, doing)))
        self._opening = ()
        while pending:
            effects = self.station.apply(pending.popleft(), now)
            pending.extend(self._tell(effects, doing))
        if isinstance(happening, DeadlinePassed):
            self._tell_all(self.station.expire(now), now, doing)
        self._tell_all(self._take_boot_interval(), now, doing)
        return self._step(now, doing)

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``DeadlinePassed`` is next due, on the monotonic clock."""
        due = [
            self.station.next_deadline_s(now),
            self.dialogue.next_deadline_s(self.station, now),
            self._restart_by_s,
        ]
        if self._interrupted and self._woken_s is not None:
            due.append(self._woken_s + METER_WITHIN_S)
        return min((s for s in due if s is not None), default=None)

    def _begin(
        self, happening: Happening, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        """Return what a happening means to the station."""
        match happening:
            case FrameReceived(frame):
                return self._receive(frame, now, doing)
            case LinkUp():
                return self._hear(self.dialogue.link_up(now), doing)
            case LinkDown():
                return self._hear(self.dialogue.link_down(self.station, now), doing)
            case DeadlinePassed():
                expired = self.dialogue.rpc.expire(now)
                return self._failed(expired, now, doing)
            case OutboxLoaded(entries):
                self.dialogue.ledger.outbox.load(entries)
                return ()
            case KeyWanted(name, value, origin):
                judged = consider(self.picture, name, value)
                return self._change(judged, origin, doing)
        return (happening,)

    def _receive(
        self, frame: str | bytes, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        incoming = self.dialogue.rpc.receive(frame, now)
        match incoming:
            case Question():
                return self._answer(incoming, now, doing)
            case Answered():
                heard = self.dialogue.answered(incoming, self.station, now)
                return self._hear(heard, doing)
            case Failed():
                return self._failed(incoming, now, doing)
            case Garbage():
                doing.garbage = incoming
        return ()

    def _answer(
        self, question: Question, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        rpc, standing = self.dialogue.rpc, self.dialogue.registration.standing
        if standing is Standing.REJECTED:
            rpc.ignore(question)
            return ()
        try:
            answer = router.dispatch(self.picture, question, now)
        except CallFailed as error:
            rpc.refuse(question, error)
            return ()
        rpc.answer(question, encode(answer.response))
        self.dialogue.trigger(answer.triggers, now)
        if answer.refused is not None:
            self.station.refusals.append((now.utc, answer.refused))
            doing.told.append(answer.refused)
        if answer.change is not None:
            return self._change(answer.change, "csms", doing)
        return answer.events

    def _change(self, judged: Judged, origin: str, doing: _Doing) -> tuple[Event, ...]:
        if judged.outcome is not keys.Outcome.ACCEPTED:
            return ()
        unchanged = self._kept.get(judged.name) == (judged.value, origin)
        if unchanged and judged.name not in self._boot_interval:
            return ()
        self._kept[judged.name] = (judged.value, origin)
        self._boot_interval.pop(judged.name, None)
        doing.records.append(KeyKept(judged.name, judged.value, origin))
        doing.changed_key = judged.name
        return (PolicyChanged(WHOLE_STATION, keys.policy(self.values)),)

    def _take_boot_interval(self) -> tuple[Effect, ...]:
        interval_s = self.dialogue.boot_interval_s
        self.dialogue.boot_interval_s = None
        if interval_s is None:
            return ()
        self._boot_interval = {"HeartbeatInterval": str(interval_s)}
        self.station.policy = keys.policy(self.values)
        return ()

    def _failed(
        self, failed: Failed | None, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        if failed is None:
            return ()
        return self._hear(self.dialogue.failed(failed, self.station, now), doing)

    def _hear(self, heard: Heard, doing: _Doing) -> tuple[Event, ...]:
        doing.records += heard.records
        return heard.events

    def _tell(self, effects: Iterable[Effect], doing: _Doing) -> list[Event]:
        follow: list[Event] = []
        for effect in effects:
            doing.told.append(effect)
            if isinstance(effect, CoreRecord):
                doing.records.append(effect)
            follow += self._hear(self.dialogue.tell(effect, self.station), doing)
        return follow

    def _tell_all(self, effects: Iterable[Effect], now: Instant, doing: _Doing) -> None:
        pending = deque(self._tell(effects, doing))
        while pending:
            follow = self.station.apply(pending.popleft(), now)
            pending.extend(self._tell(follow, doing))

    def _recover(self, happening: Happening, now: Instant, doing: _Doing) -> None:
        """Close the bills of interrupted transactions, once their meter was read."""
        read = _metered(happening)
        assert self._woken_s is not None
        overdue = now.monotonic_s - self._woken_s >= METER_WITHIN_S
        for interrupted in tuple(self._interrupted):
            if overdue or interrupted.connector in read:
                self._interrupted.remove(interrupted)
                register_wh = read.get(interrupted.connector)
                ended = self._settled(interrupted, register_wh, now)
                self._tell((ended,), doing)

    def _settled(
        self, interrupted: Interrupted, register_wh: int | None, now: Instant
    ) -> TransactionEnded:
        fitting = self.station.fittings.get(interrupted.connector)
        max_power_w = fitting.rating.max_power_w if fitting else 0.0
        return settle(interrupted, register_wh, max_power_w, self._interruption, now)

    def _step(self, now: Instant, doing: _Doing) -> Step:
        station, dialogue = self.station, self.dialogue
        policy = station.policy
        numbers = (WHOLE_STATION, *station.sessions)
        dialogue.reporter.update(
            (report(station, number, now.utc) for number in numbers),
            now.monotonic_s,
            policy.minimum_status_duration_s,
        )
        dialogue.ask_next(station, now)
        frames = dialogue.rpc.frames()
        clock_step_s, dialogue.clock_step_s = dialogue.clock_step_s, None
        return Step(
            station.outputs(),
            self._with_notes(doing, now),
            frames,
            tuple(doing.told),
            doing.garbage,
            clock_step_s,
            dialogue.ledger.outbox.load_after,
            doing.changed_key,
            self._restart_due(now),
        )

    def _with_notes(self, doing: _Doing, now: Instant) -> tuple[Record, ...]:
        # The story of a transaction is worth no commit of its own: it goes along.
        for effect in doing.told:
            if isinstance(effect, Noted) and effect.key:
                self._notes.append(NoteKept(effect.key, now.utc, effect.what))
        if not doing.records:
            return ()
        records = (*doing.records, *self._notes)
        self._notes.clear()
        return records

    def _restart_due(self, now: Instant) -> Cause | None:
        cause = self.station.restarting
        if cause is None:
            return None
        if self._restart_by_s is None:
            self._restart_by_s = now.monotonic_s + RESTART_WITHIN_S[cause]
        if now.monotonic_s >= self._restart_by_s:
            return cause
        if self.station.billed():
            return None
        if self.dialogue.online and not self.dialogue.rpc.free:
            return None
        waiting = self.dialogue.ledger.outbox.waiting
        return None if self.dialogue.online and waiting else cause


def _metered(happening: Happening) -> Mapping[int, int]:
    match happening:
        case Sensed(connector, MeterReading() as reading):
            return {connector: reading.energy_wh}
    return {}
