"""The firmware job of the station, as the CSMS and the station see it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from chargerd.clock import Instant
from chargerd.core import firmware
from chargerd.core import firmware_effects as effects
from chargerd.core import firmware_events as events
from chargerd.core.effects import Refused
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    HoldEnded,
    HoldWanted,
    TransactionsStopped,
)
from chargerd.core.firmware_effects import FirmwareEffect
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import (
    AT_REST,
    ENDS,
    FirmwarePolicy,
    Job,
    Origin,
    Status,
    Update,
)
from chargerd.core.policy import Policy
from chargerd.ocpp16.consequences import Concern, Consequences, Notice
from chargerd.ocpp16.jobs import FirmwareJob
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import Json

KEPT_JOBS: Final = 20
"""How many jobs are remembered, for people."""

HEARD: Final = get_args(FirmwareEvent)


class Updates:
    """Walks the one firmware job there is."""

    def __init__(
        self,
        sheets: Mapping[str, Sheet],
        started: events.Rebooted,
        new_id: Callable[[], str],
        policy: Callable[[], Policy],
    ) -> None:
        """Go on with what the disk knows.

        Args:
            sheets: The jobs there were, the latest last.
            started: What runs now.
            new_id: Makes an id that no other ever had.
            policy: Tells what the operator wants now.
        """
        self.history = [Job.from_row(sheet) for sheet in sheets.values()]
        self._policy = policy
        self.new_id = new_id
        self.version = started.version
        """What runs."""
        self._started: events.Rebooted | None = started
        self._update = Update(self.history[-1]) if self.history else Update()

    @property
    def job(self) -> Job:
        """The job there is, or was last."""
        return self._update.job

    @property
    def answer(self) -> firmware.Answer:
        """What becomes of a job that is wanted now."""
        return firmware.answer(self._update)

    def status(self, *, signed: bool) -> Json:
        """Return what the CSMS is told when it asks (whitepaper, L01.FR.28 and 29)."""
        status = Status.IDLE
        if self.job.signed is signed and self.job.origin is Origin.CSMS:
            status = firmware.present_status(self._update)
        return _status(replace(self.job, signed=signed), status)

    @property
    def policy(self) -> FirmwarePolicy:
        """What the operator wants."""
        policy = self._policy()
        return FirmwarePolicy(
            retries=policy.firmware_retries,
            retry_interval_s=float(policy.firmware_retry_interval_s),
            idle_within_s=float(policy.firmware_idle_within_s),
            stop_transactions=policy.firmware_stops_transactions,
        )

    def begin(self, now: Instant) -> Consequences:
        """Go on with the job that the restart broke off."""
        started, self._started = self._started, None
        if started is None:
            return Consequences()
        before = self.job
        change = firmware.restored(before, started, now, self.policy)
        begun = self._changed(change)
        if before.state in AT_REST and not started.slot_marked and not begun.jobs:
            # An updater may count every start until it hears that all is well.
            begun += Consequences(jobs=(effects.MarkGood(before),))
        if before.state in ENDS:
            # A power cut may have come between the record of the end and this.
            begun += Consequences(jobs=(effects.Discard(before),))
        return begun

    def take(self, event: FirmwareEvent, now: Instant) -> Consequences:
        """Let one thing happen to the job."""
        change = firmware.advance(self._update, event, now, self.policy)
        return self._changed(change)

    def follow(self, now: Instant, *, busy: bool) -> Consequences:
        """Take it whether a transaction runs."""
        if busy is self._update.busy:
            return Consequences()
        return self.take(events.StationBusy() if busy else events.StationIdle(), now)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        return self._changed(firmware.expire(self._update, now, self.policy))

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        return firmware.next_deadline_s(self._update, now, self.policy)

    def _changed(self, change: firmware.Change) -> Consequences:
        self._update, done = change
        return Consequences.of(self._meant(effect) for effect in done)

    def _meant(self, effect: FirmwareEffect) -> Consequences:
        if isinstance(effect, FirmwareJob):
            return Consequences(jobs=(effect,))
        return _MEANT[type(effect)](self, effect)

    def _kept(self, effect: effects.JobKept) -> Consequences:
        job = effect.job
        gone: tuple[Record, ...] = ()
        if self.history and self.history[-1].id == job.id:
            self.history[-1] = job
        else:
            self.history.append(job)
            old, self.history = _split(self.history)
            gone = tuple(SheetDropped(Drawer.FIRMWARE, each.id) for each in old)
        return Consequences((SheetKept(Drawer.FIRMWARE, job.id, job.row()), *gone))

    def _told(self, effect: effects.StatusChanged) -> Consequences:
        if effect.job.origin is not Origin.CSMS:
            return Consequences()
        action = (
            "SignedFirmwareStatusNotification"
            if effect.job.signed
            else "FirmwareStatusNotification"
        )
        return Consequences(
            notices=(Notice(action, _status(effect.job, effect.status)),)
        )

    def _alarmed(self, effect: effects.Alarmed) -> Consequences:
        type_ = SecurityEventType(effect.alarm.value)
        return Consequences(concerns=(Concern(type_, effect.detail),))

    def _declined(self, effect: effects.Declined) -> Consequences:
        refused = Refused(WHOLE_STATION, "firmware", effect.why, effect.detail)
        return Consequences(told=(refused,))

    def _held(self, effect: effects.Hold) -> Consequences:
        return _for_station(HoldWanted(WHOLE_STATION, effect.owner, effect.deadline_s))

    def _released(self, effect: effects.Release) -> Consequences:
        return _for_station(HoldEnded(WHOLE_STATION, effect.owner))

    def _stopped(self, _effect: effects.StopTransactions) -> Consequences:
        return _for_station(TransactionsStopped(WHOLE_STATION))


def _for_station(event: Event) -> Consequences:
    return Consequences(events=(event,))


def _split(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    return jobs[:-KEPT_JOBS], jobs[-KEPT_JOBS:]


def _status(job: Job, status: Status) -> Json:
    told: Json = {"status": str(status)}
    if job.signed and status is not Status.IDLE:
        told["requestId"] = job.request_id
    return told


_MEANT: Final[Mapping[type[FirmwareEffect], Callable[[Updates, Any], Consequences]]] = {
    effects.JobKept: Updates._kept,
    effects.StatusChanged: Updates._told,
    effects.Alarmed: Updates._alarmed,
    effects.Declined: Updates._declined,
    effects.Hold: Updates._held,
    effects.Release: Updates._released,
    effects.StopTransactions: Updates._stopped,
}
