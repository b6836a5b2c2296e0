"""A whole charge point without I/O: events in; outputs, records and frames out.

This is the only module that joins the core and OCPP. Everything a test needs to
prove about behavior can be proved here, in no time at all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from chargerd.clock import Instant
from chargerd.commits import Commits
from chargerd.core.course import Output
from chargerd.core.drivers import Drivers
from chargerd.core.effects import (
    CoreRecord,
    Effect,
    Noted,
    TransactionCheckpoint,
    TransactionEnded,
)
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    PolicyChanged,
    Sensed,
    ServiceChanged,
)
from chargerd.core.firmware_events import Rebooted
from chargerd.core.fitting import Fitting, most_power_w
from chargerd.core.reasons import Cause
from chargerd.core.recovery import Recovery
from chargerd.core.station import Station
from chargerd.core.tags import Tags
from chargerd.ocpp16 import router
from chargerd.ocpp16.answer import Answer, Later, Picture
from chargerd.ocpp16.attachment_values import AttachmentWanted, Filed
from chargerd.ocpp16.configuration import Configuration
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.dialogue import Dialogue
from chargerd.ocpp16.errors import INVALID, CallFailed, coarse
from chargerd.ocpp16.handlers.core import attach, consider_here
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.keys import Judged
from chargerd.ocpp16.ledger import (
    DropWanted,
    Heard,
    Ledger,
    MessagesThinned,
    RetryWanted,
)
from chargerd.ocpp16.notices import Notices
from chargerd.ocpp16.outbox import Outbox
from chargerd.ocpp16.records import Drawer, Record, Snapshot
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.reporter import Pace
from chargerd.ocpp16.requests import Nameplate
from chargerd.ocpp16.rpc import Answered, Failed, Garbage, Question, Rpc
from chargerd.ocpp16.security import SecurityEventType, concern
from chargerd.ocpp16.security_log import SecurityLog
from chargerd.ocpp16.status import report
from chargerd.ocpp16.upkeep import Given, Upkeep, UpkeepEvent
from chargerd.ocpp16.wire import encode
from chargerd.steps import (
    DeadlinePassed,
    FrameReceived,
    Happening,
    KeyWanted,
    LinkDown,
    LinkUp,
    OutboxLoaded,
    Step,
    Tried,
)

RESTART_WITHIN_S: Final[Mapping[Cause, float]] = {
    Cause.SOFT_RESET: 30.0,
    Cause.HARD_RESET: 10.0,
    Cause.RESTART: 5.0,
    Cause.FIRMWARE: 30.0,
}
"""How long a restart waits for the CSMS to take the last messages."""


@dataclass(slots=True)
class _Doing:
    """What has come together so far in one step."""

    now: Instant
    synchronized: bool
    """Whether a CSMS had told the time before this step."""
    records: list[Record] = field(default_factory=list)
    attempt: Record | None = None
    jobs: list[Job] = field(default_factory=list)
    told: list[Effect] = field(default_factory=list)
    garbage: Garbage | None = None
    clock_step_s: float | None = None
    changed_key: str | None = None


class ChargePoint:
    """Joins the station to its CSMS."""

    def __init__(
        self,
        fittings: Mapping[int, Fitting],
        nameplate: Nameplate,
        new_id: Callable[[], str],
        *,
        filed: Filed | None = None,
        configured: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
        snapshot: Snapshot | None = None,
        interruption: Cause = Cause.POWER_LOSS,
        site_w: float = inf,
        started: Rebooted | None = None,
        file_roots: Sequence[str] = (),
    ) -> None:
        """Wake up as the disk remembers.

        Args:
            fittings: What each connector is made of.
            nameplate: What BootNotification says.
            new_id: Makes an id that no other ever had.
            filed: What the station file says of the link.
            configured: Configuration keys that the station file sets.
            facts: Read-only keys that are facts about this station.
            snapshot: What the disk remembers; ``None``: nothing.
            interruption: Why transactions that the disk knows as running are not.
            site_w: What all connectors may take from the grid together.
            started: What the installer of firmware says of what runs.
            file_roots: The files of the CSMS's roots that the station file names.
        """
        snapshot = snapshot or Snapshot()
        own = router.facts(tuple(fittings))
        self.configuration = Configuration(
            {**own, **(facts or {})}, configured or {}, snapshot.values
        )
        self.station = Station(
            fittings,
            self.configuration.policy,
            new_id,
            Drivers(snapshot.listed, Tags(snapshot.tags)),
            snapshot.last_fault_id,
            snapshot.kept_faults,
            snapshot.availability,
            snapshot.reservations,
            snapshot.profiles,
            site_w=site_w,
            registers=snapshot.registers,
        )
        ledger = Ledger(
            Outbox.of(snapshot),
            snapshot.numbers,
            snapshot.stop_data,
            snapshot.blind_stops,
        )
        security = SecurityLog(
            snapshot.security_events, snapshot.last_security_event_id
        )
        running = Rebooted(nameplate.firmware_version or "", slot_marked=True)
        given = Given(
            started=started or running,
            new_id=new_id,
            policy=lambda: self.station.policy,
            filed=filed or Filed(),
            older_key=snapshot.values.get("AuthorizationKey", ("", ""))[0],
            serial_number=nameplate.serial_number,
            file_roots=tuple(file_roots),
        )
        self.upkeep = Upkeep(snapshot.drawers, given)
        notices = Notices(snapshot.drawers.get(Drawer.NOTICE, {}))
        self.dialogue = Dialogue(
            Rpc(new_id),
            ledger,
            security,
            notices,
            self.upkeep,
            nameplate,
            snapshot.accepted_by,
        )
        self._learn_profile()
        self.station.policy = self.configuration.policy
        self.commits = Commits()
        signing = frozenset(n for n, fitting in fittings.items() if fitting.signs)
        self._recovery = Recovery(snapshot.interrupted, interruption, signing)
        self._restart_by_s: float | None = None
        self._waiting: tuple[Question | None, Answer] | None = None
        """What is answered once the disk has been tried; nobody may have asked."""
        # A CSMS that has accepted us once lets us serve drivers before it is heard.
        self._opening: list[Event] = []
        self._outputs: Mapping[int, Output] = {}
        self._due_s: float | None = None
        """The next deadline as of the last full step; ``None``: not asked for yet."""
        self._startup: str | None = f"firmware {nameplate.firmware_version}"
        if self.upkeep.attachments.settled.attachment.known(snapshot.accepted_by):
            self._opening.append(ServiceChanged(WHOLE_STATION))

    @property
    def picture(self) -> Picture:
        """What handlers and the control socket may read."""
        return Picture(
            self.station,
            self.configuration.values,
            self.dialogue.ledger.numbers,
            self.dialogue.registration.standing,
            self.upkeep,
        )

    def apply(self, happening: Happening, now: Instant) -> Step:
        """Let one thing happen."""
        doing = _Doing(now, self.dialogue.registration.synchronized)
        self._begin(doing)
        meaning = self._meaning(happening, now, doing)
        self._recover(meaning, now, doing)
        events = (*self._opening, *meaning)
        self._opening.clear()
        for event in events:
            self._mind(event, doing)
            self._spread(self.station.apply(event, now), doing)
        if self._only_learned(happening, doing):
            return Step(self._outputs, learned=True)
        if isinstance(happening, DeadlinePassed):
            self._spread(self.station.expire(now), doing)
            self._keep_up(self.upkeep.expire(now), doing)
            doing.records += self.dialogue.sum_up(self.station, now)
        self._take_boot_interval(now, doing)
        return self._step(self._in_step(doing), doing)

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``DeadlinePassed`` is next due, on the monotonic clock."""
        if self._due_s is None or not self.station.behind:
            self._due_s = self._next_due_s(now)
        due_s = min(self._due_s, self.station.follow_due_s)
        return None if due_s == inf else due_s

    def _next_due_s(self, now: Instant) -> float:
        due = (
            self.station.next_deadline_s(now),
            self.dialogue.next_deadline_s(self.station, now),
            self.upkeep.next_deadline_s(now),
            self._recovery.next_deadline_s(),
            self._restart_by_s,
            self.commits.due_s,
        )
        return min((s for s in due if s is not None), default=inf)

    def _only_learned(self, happening: Happening, doing: _Doing) -> bool:
        waits = isinstance(happening, Sensed) and self.station.behind
        return waits and not doing.told and not doing.records

    def _meaning(
        self, happening: Happening, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        """Return what a happening means to the station."""
        match happening:
            case FrameReceived(frame):
                return self._receive(frame, now, doing)
            case LinkUp() | LinkDown():
                return self._linked(happening, now, doing)
            case DeadlinePassed():
                return self._failed(self.dialogue.rpc.expire(now), now, doing)
            case OutboxLoaded(after, entries):
                self.dialogue.ledger.outbox.load(after, entries)
                return ()
            case RetryWanted() | DropWanted() | MessagesThinned():
                doing.records += self.dialogue.ledger.take(happening)
                return ()
            case KeyWanted() | AttachmentWanted():
                return self._wanted(happening, now, doing)
            case Tried(stored):
                return self._tried(stored, doing)
        return self._happened(happening, now, doing)

    def _happened(
        self, event: Event | UpkeepEvent, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        if not isinstance(event, Event):
            self._keep_up(self.upkeep.take(event, now), doing)
            return ()
        if not isinstance(event, Sensed):
            return (event,)
        events, effects = self.station.metered(event, now)
        self._spread(effects, doing)
        return events

    def _wanted(
        self, wish: KeyWanted | AttachmentWanted, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        if isinstance(wish, AttachmentWanted):
            return self._take(None, attach(self.picture, wish, now), doing)
        judged = consider_here(self.picture, wish.name, wish.value)
        return self._change(judged, wish.origin, doing)

    def _linked(
        self, happening: LinkUp | LinkDown, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        if isinstance(happening, LinkUp):
            return self._hear(self.dialogue.link_up(now), doing)
        return self._hear(self.dialogue.link_down(self.station, now), doing)

    def _receive(
        self, frame: str | bytes, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        answers = self.station.policy.answer_unreadable_messages
        incoming = self.dialogue.rpc.receive(frame, now, answer_unreadable=answers)
        match incoming:
            case Question():
                return self._answer(incoming, now, doing)
            case Answered():
                heard = self.dialogue.answered(incoming, self.station, now)
                standing = self.dialogue.registration.standing
                self._keep_up(self.upkeep.attachments.answered(standing), doing)
                return self._hear(heard, doing)
            case Failed():
                return self._failed(incoming, now, doing)
            case Garbage(reason, concern):
                doing.garbage = incoming
                if concern is not None:
                    self._concerns(concern, reason, doing)
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
            detailed = self.station.policy.detailed_call_errors
            rpc.refuse(question, error if detailed else coarse(error))
            if isinstance(error, INVALID):
                info = f"{question.action}: {error.code}"
                self._concerns(SecurityEventType.INVALID_MESSAGES, info, doing)
            return ()
        return self._take(question, answer, doing)

    def _take(
        self, question: Question | None, answer: Answer, doing: _Doing
    ) -> tuple[Event, ...]:
        if answer.provided is not None:
            self._waiting = (question, answer)
            doing.attempt = answer.provided.record
            return ()
        return self._settle(question, answer, doing)

    def _tried(self, stored: bool, doing: _Doing) -> tuple[Event, ...]:
        assert self._waiting is not None
        (question, answer), self._waiting = self._waiting, None
        assert answer.provided is not None
        answer = answer if stored else answer.provided.otherwise
        return self._settle(question, answer, doing)

    def _settle(
        self, question: Question | None, answer: Answer, doing: _Doing
    ) -> tuple[Event, ...]:
        now = doing.now
        if question is not None and isinstance(answer.response, Later):
            self.dialogue.postponed.take(question, answer.response, now)
        elif question is not None:
            self.dialogue.rpc.answer(question, encode(answer.response))
        self.dialogue.trigger(answer.triggers, now)
        if answer.refused is not None:
            self.station.refusals.append((now.utc, answer.refused))
            doing.told.append(answer.refused)
        self._keep_up(Consequences(concerns=answer.concerns), doing)
        for event in answer.upkeep:
            self._keep_up(self.upkeep.take(event, now), doing)
        if answer.change is not None:
            return self._change(answer.change, "csms", doing)
        return answer.events

    def _change(self, judged: Judged, origin: str, doing: _Doing) -> tuple[Event, ...]:
        kept = self.configuration.change(judged, origin)
        if kept is None:
            return ()
        doing.records.append(kept)
        doing.changed_key = judged.name
        doing.records += self.dialogue.ledger.obey(self.configuration.policy)
        return (PolicyChanged(WHOLE_STATION, self.configuration.policy),)

    def _take_boot_interval(self, now: Instant, doing: _Doing) -> None:
        interval_s, self.dialogue.boot_interval_s = self.dialogue.boot_interval_s, None
        if interval_s is not None:
            self.configuration.booted(interval_s)
            changed = PolicyChanged(WHOLE_STATION, self.configuration.policy)
            self._spread(self.station.apply(changed, now), doing)

    def _failed(
        self, failed: Failed | None, now: Instant, doing: _Doing
    ) -> tuple[Event, ...]:
        if failed is None:
            return ()
        return self._hear(self.dialogue.failed(failed, self.station, now), doing)

    def _hear(self, heard: Heard, doing: _Doing) -> tuple[Event, ...]:
        doing.records += heard.records
        self.commits.put_off(heard.later, doing.now)
        for event in heard.upkeep:
            self._keep_up(self.upkeep.take(event, doing.now), doing)
        return heard.events

    def _begin(self, doing: _Doing) -> None:
        startup, self._startup = self._startup, None
        if startup is not None:
            self._concerns(SecurityEventType.STARTUP, startup, doing)
            self._keep_up(self.upkeep.begin(doing.now), doing)
        step_s = self.dialogue.timekeeping.observed_s(doing.now)
        if step_s is None:
            return
        info = f"by {step_s:+.1f} s"
        self._concerns(SecurityEventType.SETTING_SYSTEM_TIME, info, doing)
        if not doing.synchronized:
            self._move(step_s, doing)

    def _in_step(self, doing: _Doing) -> Instant:
        """Return the present moment, on the clock as the CSMS has just set it."""
        doing.clock_step_s = step_s = self.dialogue.clock_step_s
        self.dialogue.clock_step_s = None
        if step_s is None:
            return doing.now
        doing.now = doing.now.corrected(step_s)
        if not doing.synchronized:
            self._move(step_s, doing)
        return doing.now

    def _move(self, step_s: float, doing: _Doing) -> None:
        """Put right what was written before anybody knew the time."""
        doing.records.append(self.dialogue.timekeeping.move(step_s))
        doing.records += (
            TransactionCheckpoint(running.key, doing.now.utc, running.meter_wh)
            for running in self.station.billed()
        )

    def _mind(self, happened: Event | Effect, doing: _Doing) -> None:
        """Take what concerns security to its log."""
        meant = concern(happened)
        if meant is not None:
            self._concerns(*meant, doing)

    def _concerns(self, type_: SecurityEventType, info: str, doing: _Doing) -> None:
        told = self.dialogue.concerns(type_, info, self.station, doing.now)
        doing.records += told

    def _recover(self, events: tuple[Event, ...], now: Instant, doing: _Doing) -> None:
        if not self._recovery.waits:
            return
        fittings = self.station.fittings
        powers_w = {number: most_power_w(fittings, number) for number in fittings}
        for closed in self._recovery.follow(events, powers_w, now):
            signed = () if closed.signed is None else (closed.signed,)
            self._spread((*signed, closed.ended), doing)
            if closed.unsigned:
                self.station.mishaps.unsigned(closed.connector)

    def _keep_up(self, following: Consequences, doing: _Doing) -> None:
        """Let everything follow from a step of the station's upkeep."""
        doing.records += following.records
        doing.jobs += following.jobs
        for notice in following.notices:
            doing.records += self.dialogue.notices.queue(notice)
        for concern_ in following.concerns:
            self._concerns(concern_.type, concern_.info, doing)
        for event in following.events:
            self._spread(self.station.apply(event, doing.now), doing)
        self._spread(following.told, doing)
        if self._learn_profile():
            changed = PolicyChanged(WHOLE_STATION, self.configuration.policy)
            self._spread(self.station.apply(changed, doing.now), doing)

    def _learn_profile(self) -> bool:
        """Let the key say what is dialed; tell whether that is news."""
        attachments = self.upkeep.attachments
        profile, origin = attachments.dialed.profile, attachments.settled.origin
        return self.configuration.learn("SecurityProfile", str(profile), origin.told)

    def _levels(self) -> Mapping[int, Output]:
        """Return what the hardware shall be; what was interrupted is signed first."""
        outputs, sealing = self.station.outputs(), self._recovery.sealing()
        if not sealing:
            return outputs
        return {
            number: replace(output, sealing=sealing.get(number, output.sealing))
            for number, output in outputs.items()
        }

    def _spread(self, effects: Iterable[Effect], doing: _Doing) -> None:
        """Take effects to disk, CSMS and journal."""
        # The last meter value of a transaction travels in its StopTransaction.
        for effect in sorted(effects, key=_is_ending):
            doing.told.append(effect)
            self._mind(effect, doing)
            if isinstance(effect, CoreRecord):
                doing.records.append(effect)
            for each in self.dialogue.tell(effect, self.station):
                if isinstance(each, Noted):
                    doing.told.append(each)
                else:
                    doing.records.append(each)

    def _step(self, now: Instant, doing: _Doing) -> Step:
        station, dialogue = self.station, self.dialogue
        self._keep_up(self.upkeep.follow(now, busy=bool(station.billed())), doing)
        dialogue.reporter.update(
            (report(station, n, now.utc) for n in (WHOLE_STATION, *station.sessions)),
            now.monotonic_s,
            Pace.of(station.policy),
        )
        dialogue.postponed.answer(dialogue.rpc, station, now)
        dialogue.ask_next(station, now)
        self._outputs, self._due_s = self._levels(), None
        return Step(
            self._outputs,
            self._records(doing, now),
            doing.attempt,
            dialogue.frames(),
            tuple(doing.told),
            doing.garbage,
            doing.clock_step_s,
            dialogue.ledger.outbox.load_after,
            doing.changed_key,
            self._restart_due(now),
            tuple(doing.jobs),
        )

    def _records(self, doing: _Doing, now: Instant) -> tuple[Record, ...]:
        self.commits.note(doing.told, now)
        running = {session.key for session in self.station.billed()}
        return self.commits.take(doing.records, running, now)

    def _restart_due(self, now: Instant) -> Cause | None:
        cause = self.station.restarting
        if cause is None:
            self._restart_by_s = None
            return None
        if self._restart_by_s is None:
            self._restart_by_s = now.monotonic_s + RESTART_WITHIN_S[cause]
        overdue = now.monotonic_s >= self._restart_by_s
        done = not self.station.billed() and self.dialogue.settled
        return cause if overdue or done else None


def _is_ending(effect: Effect) -> bool:
    return isinstance(effect, TransactionEnded)
