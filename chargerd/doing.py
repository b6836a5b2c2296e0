"""One step of the charge point in the making: what is decided goes where it belongs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chargerd.clock import Instant
from chargerd.core.effects import (
    CoreRecord,
    Effect,
    Noted,
    TransactionCheckpoint,
    TransactionEnded,
)
from chargerd.core.events import WHOLE_STATION, Event, PolicyChanged
from chargerd.core.station import Station
from chargerd.ocpp16.configuration import Configuration
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.dialogue import Dialogue
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.records import Record
from chargerd.ocpp16.rpc import Garbage
from chargerd.ocpp16.security import concern
from chargerd.ocpp16.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Parts:
    """What a charge point is joined of."""

    configuration: Configuration
    station: Station
    upkeep: Upkeep
    dialogue: Dialogue

    def learn_profile(self) -> bool:
        """Let the key say which profile is dialed; tell whether that is news."""
        attachments = self.upkeep.attachments
        profile, origin = attachments.dialed.profile, attachments.settled.origin
        return self.configuration.learn("SecurityProfile", str(profile), origin.told)


@dataclass(slots=True)
class Doing:
    """What has come together so far in one step."""

    parts: Parts
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

    def happen(self, event: Event) -> None:
        """Let something happen to the station."""
        self._mind(event)
        self.apply(event)

    def apply(self, event: Event) -> None:
        """Let the station follow something that security need not know."""
        self.spread(self.parts.station.apply(event, self.now))

    def spread(self, effects: Iterable[Effect]) -> None:
        """Take effects to disk, CSMS and journal."""
        # The last meter value of a transaction travels in its StopTransaction.
        for effect in sorted(effects, key=_is_ending):
            self.told.append(effect)
            self._mind(effect)
            if isinstance(effect, CoreRecord):
                self.records.append(effect)
            for each in self.parts.dialogue.tell(effect, self.parts.station):
                if isinstance(each, Noted):
                    self.told.append(each)
                else:
                    self.records.append(each)

    def keep_up(self, following: Consequences) -> None:
        """Let everything follow from a step of the station's upkeep."""
        self.records += following.records
        self.jobs += following.jobs
        for notice in following.notices:
            self.records += self.parts.dialogue.notices.queue(notice)
        for each in following.concerns:
            self.concern(each)
        for event in following.events:
            self.apply(event)
        self.spread(following.told)
        if self.parts.learn_profile():
            self.obey()

    def obey(self) -> None:
        """Let the station keep to the keys as they are now."""
        policy = self.parts.configuration.policy
        self.apply(PolicyChanged(WHOLE_STATION, policy))

    def concern(self, what: Concern) -> None:
        """Take something to the security log."""
        dialogue, station = self.parts.dialogue, self.parts.station
        self.records += dialogue.concerns(what.type, what.info, station, self.now)

    def move(self, step_s: float) -> None:
        """Put right what was written before anybody knew the time."""
        self.records.append(self.parts.dialogue.timekeeping.move(step_s))
        self.records += (
            TransactionCheckpoint(running.key, self.now.utc, running.meter_wh)
            for running in self.parts.station.billed()
        )

    def _mind(self, happened: Event | Effect) -> None:
        """Take what concerns security to its log."""
        meant = concern(happened)
        if meant is not None:
            self.concern(Concern(*meant))


def _is_ending(effect: Effect) -> bool:
    return isinstance(effect, TransactionEnded)
