"""A whole charge point without I/O: events in; outputs, records and frames out.

This is the only module that joins the core and OCPP. Everything a test needs to
prove about behavior can be proved here, in no time at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Final

from chargerd.answering import Answering
from chargerd.clock import Instant
from chargerd.commits import Commits
from chargerd.core.course import Output
from chargerd.core.drivers import Drivers
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    Sensed,
    ServiceChanged,
)
from chargerd.core.firmware_events import Rebooted
from chargerd.core.fitting import Fitting, most_power_w
from chargerd.core.reasons import Cause
from chargerd.core.recovery import Recovery
from chargerd.core.station import Station
from chargerd.core.tags import Tags
from chargerd.doing import Doing, Parts
from chargerd.ocpp16 import router
from chargerd.ocpp16.answer import Picture
from chargerd.ocpp16.attachment_values import AttachmentWanted, Filed
from chargerd.ocpp16.configuration import Configuration
from chargerd.ocpp16.consequences import Concern
from chargerd.ocpp16.dialogue import Dialogue
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
from chargerd.ocpp16.reporter import Pace
from chargerd.ocpp16.requests import Nameplate
from chargerd.ocpp16.rpc import Answered, Failed, Garbage, Question, Rpc
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.security_log import SecurityLog
from chargerd.ocpp16.status import report
from chargerd.ocpp16.upkeep import Given, Upkeep, UpkeepEvent
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
        self._parts = Parts(
            self.configuration, self.station, self.upkeep, self.dialogue
        )
        self._parts.learn_profile()
        self.station.policy = self.configuration.policy
        self._answering = Answering(self._parts)
        self.commits = Commits()
        signing = frozenset(n for n, fitting in fittings.items() if fitting.signs)
        self._recovery = Recovery(snapshot.interrupted, interruption, signing)
        self._restart_by_s: float | None = None
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
        return self._answering.picture

    def apply(self, happening: Happening, now: Instant) -> Step:
        """Let one thing happen."""
        doing = Doing(self._parts, now, self.dialogue.registration.synchronized)
        self._begin(doing)
        meaning = self._meaning(happening, now, doing)
        self._recover(meaning, now, doing)
        events = (*self._opening, *meaning)
        self._opening.clear()
        for event in events:
            doing.happen(event)
        if self._only_learned(happening, doing):
            return Step(self._outputs, learned=True)
        if isinstance(happening, DeadlinePassed):
            doing.spread(self.station.expire(now))
            doing.keep_up(self.upkeep.expire(now))
            doing.records += self.dialogue.sum_up(self.station, now)
        self._take_boot_interval(doing)
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

    def _only_learned(self, happening: Happening, doing: Doing) -> bool:
        waits = isinstance(happening, Sensed) and self.station.behind
        return waits and not doing.told and not doing.records

    def _meaning(
        self, happening: Happening, now: Instant, doing: Doing
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
                return self._answering.wanted(happening, doing)
            case Tried(stored):
                return self._answering.tried(stored, doing)
        return self._happened(happening, now, doing)

    def _happened(
        self, event: Event | UpkeepEvent, now: Instant, doing: Doing
    ) -> tuple[Event, ...]:
        if not isinstance(event, Event):
            doing.keep_up(self.upkeep.take(event, now))
            return ()
        if not isinstance(event, Sensed):
            return (event,)
        events, effects = self.station.metered(event, now)
        doing.spread(effects)
        return events

    def _linked(
        self, happening: LinkUp | LinkDown, now: Instant, doing: Doing
    ) -> tuple[Event, ...]:
        if isinstance(happening, LinkUp):
            return self._hear(self.dialogue.link_up(now), doing)
        return self._hear(self.dialogue.link_down(self.station, now), doing)

    def _receive(
        self, frame: str | bytes, now: Instant, doing: Doing
    ) -> tuple[Event, ...]:
        answers = self.station.policy.answer_unreadable_messages
        incoming = self.dialogue.rpc.receive(frame, now, answer_unreadable=answers)
        match incoming:
            case Question():
                return self._answering.answer(incoming, doing)
            case Answered():
                heard = self.dialogue.answered(incoming, self.station, now)
                standing = self.dialogue.registration.standing
                doing.keep_up(self.upkeep.attachments.answered(standing))
                return self._hear(heard, doing)
            case Failed():
                return self._failed(incoming, now, doing)
            case Garbage(reason, concern):
                doing.garbage = incoming
                if concern is not None:
                    doing.concern(Concern(concern, reason))
        return ()

    def _take_boot_interval(self, doing: Doing) -> None:
        interval_s, self.dialogue.boot_interval_s = self.dialogue.boot_interval_s, None
        if interval_s is not None:
            self.configuration.booted(interval_s)
            doing.obey()

    def _failed(
        self, failed: Failed | None, now: Instant, doing: Doing
    ) -> tuple[Event, ...]:
        if failed is None:
            return ()
        return self._hear(self.dialogue.failed(failed, self.station, now), doing)

    def _hear(self, heard: Heard, doing: Doing) -> tuple[Event, ...]:
        doing.records += heard.records
        self.commits.put_off(heard.later, doing.now)
        for event in heard.upkeep:
            doing.keep_up(self.upkeep.take(event, doing.now))
        return heard.events

    def _begin(self, doing: Doing) -> None:
        startup, self._startup = self._startup, None
        if startup is not None:
            doing.concern(Concern(SecurityEventType.STARTUP, startup))
            doing.keep_up(self.upkeep.begin(doing.now))
        step_s = self.dialogue.timekeeping.observed_s(doing.now)
        if step_s is None:
            return
        info = f"by {step_s:+.1f} s"
        doing.concern(Concern(SecurityEventType.SETTING_SYSTEM_TIME, info))
        if not doing.synchronized:
            doing.move(step_s)

    def _in_step(self, doing: Doing) -> Instant:
        """Return the present moment, on the clock as the CSMS has just set it."""
        doing.clock_step_s = step_s = self.dialogue.clock_step_s
        self.dialogue.clock_step_s = None
        if step_s is None:
            return doing.now
        doing.now = doing.now.corrected(step_s)
        if not doing.synchronized:
            doing.move(step_s)
        return doing.now

    def _recover(self, events: tuple[Event, ...], now: Instant, doing: Doing) -> None:
        if not self._recovery.waits:
            return
        fittings = self.station.fittings
        powers_w = {number: most_power_w(fittings, number) for number in fittings}
        for closed in self._recovery.follow(events, powers_w, now):
            signed = () if closed.signed is None else (closed.signed,)
            doing.spread((*signed, closed.ended))
            if closed.unsigned:
                self.station.mishaps.unsigned(closed.connector)

    def _levels(self) -> Mapping[int, Output]:
        """Return what the hardware shall be; what was interrupted is signed first."""
        outputs, sealing = self.station.outputs(), self._recovery.sealing()
        if not sealing:
            return outputs
        return {
            number: replace(output, sealing=sealing.get(number, output.sealing))
            for number, output in outputs.items()
        }

    def _step(self, now: Instant, doing: Doing) -> Step:
        station, dialogue = self.station, self.dialogue
        doing.keep_up(self.upkeep.follow(now, busy=bool(station.billed())))
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

    def _records(self, doing: Doing, now: Instant) -> tuple[Record, ...]:
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
