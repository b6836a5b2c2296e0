"""A firmware job on the bench, and a station with two slots for it to act on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar, Final

from chargerd.core import firmware_effects as effects
from chargerd.core import firmware_events as events
from chargerd.core.firmware import Change, advance, expire, next_deadline_s, restored
from chargerd.core.firmware_effects import FirmwareEffect
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import (
    AT_REST,
    FirmwarePolicy,
    Job,
    State,
    Status,
    Update,
)
from tests.clock import FakeClock

OLD, NEW = "1.0.0", "2.0.0"
START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SIGNED: Final = Job(
    "job-1", "https://example.org/fw", START, OLD, signed=True, request_id=42
)
PLAIN: Final = replace(SIGNED, signed=False, request_id=None)

FINAL: Final = frozenset(
    {
        Status.INSTALLED,
        Status.DOWNLOAD_FAILED,
        Status.INVALID_SIGNATURE,
        Status.INSTALL_VERIFICATION_FAILED,
        Status.INSTALLATION_FAILED,
    }
)
_S = Status
# fmt: off
LEGAL: Final[Mapping[bool, Mapping[Status | None, frozenset[Status]]]] = {
    True: {  # signed (whitepaper section 6.8)
        None:                  frozenset({_S.DOWNLOAD_SCHEDULED, _S.DOWNLOADING}),
        _S.DOWNLOAD_SCHEDULED: frozenset({_S.DOWNLOADING, _S.DOWNLOAD_FAILED}),
        _S.DOWNLOADING:        frozenset({_S.DOWNLOAD_PAUSED, _S.DOWNLOADED,
                                          _S.DOWNLOAD_FAILED}),
        _S.DOWNLOAD_PAUSED:    frozenset({_S.DOWNLOADING, _S.DOWNLOAD_FAILED}),
        _S.DOWNLOADED:         frozenset({_S.SIGNATURE_VERIFIED, _S.INVALID_SIGNATURE,
                                          _S.INSTALLATION_FAILED}),
        _S.SIGNATURE_VERIFIED: frozenset({_S.INSTALL_SCHEDULED, _S.INSTALLING}),
        _S.INSTALL_SCHEDULED:  frozenset({_S.INSTALLING, _S.INSTALLATION_FAILED}),
        _S.INSTALLING:         frozenset({_S.INSTALL_REBOOTING, _S.INSTALLED,
                                          _S.INSTALL_VERIFICATION_FAILED,
                                          _S.INSTALLATION_FAILED}),
        _S.INSTALL_REBOOTING:  frozenset({_S.INSTALLED, _S.INSTALLATION_FAILED}),
    },
    False: {  # plain (OCPP 1.6 section 4.5)
        None:                  frozenset({_S.DOWNLOADING, _S.DOWNLOAD_FAILED}),
        _S.DOWNLOADING:        frozenset({_S.DOWNLOADED, _S.DOWNLOAD_FAILED}),
        _S.DOWNLOADED:         frozenset({_S.INSTALLING, _S.INSTALLATION_FAILED}),
        _S.INSTALLING:         frozenset({_S.INSTALLED, _S.INSTALLATION_FAILED}),
    },
}
# fmt: on
"""What may follow what; nothing follows a final status."""


@dataclass
class Bench:
    """What a job says while things happen to it."""

    policy: FirmwarePolicy = FirmwarePolicy()
    update: Update = field(default_factory=lambda: Update(busy=False))
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[FirmwareEffect] = field(default_factory=list)
    held_until_s: float | None = None

    @property
    def state(self) -> State:
        return self.update.job.state

    @property
    def job(self) -> Job:
        return self.update.job

    def happens(self, *happened: FirmwareEvent) -> tuple[FirmwareEffect, ...]:
        """Let things happen; return what the last of them led to."""
        last: tuple[FirmwareEffect, ...] = ()
        for event in happened:
            now = self.clock.now()
            last = self._take(advance(self.update, event, now, self.policy))
        return last

    def waits(self, seconds: float) -> tuple[FirmwareEffect, ...]:
        """Let time pass, in one go."""
        now = self.clock.advance(seconds)
        return self._take(expire(self.update, now, self.policy))

    def waits_until_due(self) -> tuple[FirmwareEffect, ...]:
        """Let time pass until the job has asked to be looked at."""
        return self.waits(self.due_in_s())

    def due_in_s(self) -> float:
        now = self.clock.now()
        due_s = next_deadline_s(self.update, now, self.policy)
        assert due_s is not None, f"{self.state} waits for no time"
        return due_s - now.monotonic_s

    def restarts(
        self, version: str = OLD, slot_marked: bool = True
    ) -> tuple[FirmwareEffect, ...]:
        """Cut the power; what the disk remembers goes on with a new clock."""
        wall = self.clock.now().utc
        self.clock = FakeClock()
        self.clock.correct((wall - self.clock.now().utc).total_seconds())
        self.held_until_s = None
        job = Job.from_row(self.update.job.row())
        started = events.Rebooted(version, slot_marked)
        return self._take(restored(job, started, self.clock.now(), self.policy))

    def statuses(self, id_: str = "job-1") -> list[Status]:
        changes = (e for e in self.said if isinstance(e, effects.StatusChanged))
        return [change.status for change in changes if change.job.id == id_]

    def _take(self, change: Change) -> tuple[FirmwareEffect, ...]:
        self.update, said = change
        self.said += said
        for effect in said:
            if isinstance(effect, effects.Hold):
                self.held_until_s = effect.deadline_s
            if isinstance(effect, effects.Release):
                self.held_until_s = None
        return said


def wishes(said: tuple[FirmwareEffect, ...]) -> list[str]:
    """Return the names of what is wished."""
    told = effects.JobKept | effects.StatusChanged | effects.Alarmed | effects.Declined
    return [type(effect).__name__ for effect in said if not isinstance(effect, told)]


@dataclass(frozen=True)
class Plot:
    """How the world will take it."""

    signed: bool = True
    failures: int = 0  # of the download, before it succeeds
    retries: int = 1
    late_s: float = 0.0  # until the install may begin
    busy: bool = False
    genuine: bool = True
    installs: bool = True
    distrusts: bool = False  # if it does not install
    boots: bool = True
    sound: bool = True


Deed = Callable[["TwoSlots", str], FirmwareEvent | None]


class PowerCut(Exception):
    """The lights are out."""


class TwoSlots:
    """A station that does what is wished; its power fails after one record."""

    def __init__(self, plot: Plot, cut_after: int, installs_on: bool) -> None:
        self.plot = plot
        self.bench = Bench(update=Update(busy=plot.busy))
        self.running, self.next = OLD, OLD
        self.marked = True
        self.records = 0
        self.cut_state: State | None = None
        self._cut_after = cut_after
        self._installs_on = installs_on  # the power stays until the file is written
        self._failures = plot.failures
        self._todo: list[FirmwareEffect] = []

    def run(self) -> Status:
        """Play the plot to its end; return the last status."""
        install_at = FakeClock().advance(self.plot.late_s).utc
        job = replace(SIGNED if self.plot.signed else PLAIN, retries=self.plot.retries)
        job = replace(job, install_at=install_at if self.plot.late_s else None)
        self._lives(lambda: self.bench.happens(events.Wanted(job)))
        while self.bench.state not in AT_REST or self._todo:
            self._lives(self._goes_on)
        return self.bench.statuses()[-1]

    def _goes_on(self) -> tuple[FirmwareEffect, ...]:
        if self._todo:
            event = self._does(self._todo.pop(0))
            return self.bench.happens(event) if event else ()
        if self.bench.state is State.WAITING_FOR_IDLE:
            return self.bench.happens(events.StationIdle())
        return self.bench.waits_until_due()

    def _lives(self, step: Callable[[], tuple[FirmwareEffect, ...]]) -> None:
        try:
            said = step()
            self._commits(said)
            self._todo += said
        except PowerCut:
            self._starts()

    def _commits(self, said: tuple[FirmwareEffect, ...]) -> None:
        if not any(isinstance(effect, effects.JobKept) for effect in said):
            return
        self.records += 1
        if self.records - 1 == self._cut_after:
            self.cut_state = self.bench.state
            installs = any(isinstance(effect, effects.Install) for effect in said)
            if installs and self._installs_on and self.plot.installs:
                self.next = NEW
            raise PowerCut

    def _starts(self) -> None:
        if self.next is NEW and self.running is OLD:
            self.marked = False
        self.running = self.next if self.plot.boots else OLD
        if self.running is OLD:
            self.next, self.marked = OLD, True
        self._todo = []
        self._lives(lambda: self.bench.restarts(self.running, self.marked))

    def _does(self, wish: FirmwareEffect) -> FirmwareEvent | None:
        deed = self._DEEDS.get(type(wish))
        return deed(self, self.bench.job.id) if deed else None

    def _downloads(self, id_: str) -> FirmwareEvent:
        self._failures -= 1
        if self._failures >= 0:
            return events.DownloadFailed(id_, "no route")
        return events.DownloadDone(id_, 1_000)

    def _verifies(self, id_: str) -> FirmwareEvent:
        if self.plot.genuine:
            return events.Verified(id_, NEW)
        return events.SignatureBad(id_, "another key")

    def _installs(self, id_: str) -> FirmwareEvent:
        if not self.plot.installs:
            return events.InstallFailed(id_, "no space", self.plot.distrusts)
        self.next = NEW
        return events.InstallDone(id_, needs_reboot=True)

    def _reboots(self, _id: str) -> None:
        raise PowerCut

    def _confirms(self, id_: str) -> FirmwareEvent:
        if self.plot.sound:
            return events.GatePassed(id_)
        return events.GateFailed(id_, "no meter")

    def _marks(self, _id: str) -> None:
        self.marked = True

    def _rolls_back(self, _id: str) -> None:
        self.next = OLD
        if self.running is NEW:
            raise PowerCut

    _DEEDS: ClassVar[Mapping[type[FirmwareEffect], Deed]] = {
        effects.Download: _downloads,
        effects.Verify: _verifies,
        effects.Install: _installs,
        effects.Reboot: _reboots,
        effects.Confirm: _confirms,
        effects.MarkGood: _marks,
        effects.RollBack: _rolls_back,
    }
