"""What OCPP adds to the records of the core: messages, numbers, keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chargerd.core.effects import AvailabilityKept, CoreRecord, FaultOpened
from chargerd.core.events import Reservation, TagInfo
from chargerd.core.firmware_job import Cell
from chargerd.core.locallist import LocalList
from chargerd.core.profiles import Profile
from chargerd.core.recovery import Interrupted
from chargerd.core.register import Register
from chargerd.ocpp16.security import SecurityEvent
from chargerd.ocpp16.wire import Json


@dataclass(frozen=True, slots=True)
class MessageQueued:
    """A message of a transaction waits for its turn; its content is final."""

    id: int
    """Grows by one with every message: the order of delivery."""
    key: str
    action: str
    payload: Json
    """Without the transactionId, which is filled in when it is sent."""
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageSettled:
    """The CSMS has acknowledged a message."""

    id: int


@dataclass(frozen=True, slots=True)
class MessageQuarantined:
    """A message was given up after its last attempt, and is kept for people."""

    id: int
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class MessageRetried:
    """A message that was given up waits again, at its old place."""

    id: int


@dataclass(frozen=True, slots=True)
class MessageDropped:
    """People have thrown a message of the quarantine away."""

    id: int


@dataclass(frozen=True, slots=True)
class StopToldBlind:
    """The CSMS took a StopTransaction without a number; its start may still come.

    It is kept until then, unless its StartTransaction is not kept either.
    """

    id: int


@dataclass(frozen=True, slots=True)
class TransactionNumberKept:
    """The transactionId that the CSMS gave a transaction of ours."""

    key: str
    number: int


@dataclass(frozen=True, slots=True)
class StopDataKept:
    """A meter value that travels in the StopTransaction of a running transaction."""

    key: str
    meter_value: Json


@dataclass(frozen=True, slots=True)
class KeyKept:
    """A configuration key has a new value."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class NoteKept:
    """A line of the story of a transaction, for people."""

    key: str
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class AcceptedOnce:
    """This CSMS has accepted this station at least once."""

    where: str
    """URL and identity: another CSMS has not."""


@dataclass(frozen=True, slots=True)
class SecurityEventKept:
    """Something happened to the station's security; a line of its log."""

    id: int
    event: SecurityEvent
    waiting: bool = True
    """Until the CSMS has been told."""


@dataclass(frozen=True, slots=True)
class SecurityEventSettled:
    """The CSMS knows of a security event, or will not be told."""

    id: int


@dataclass(frozen=True, slots=True)
class SecurityLogCleared:
    """The security log was emptied on the spot; what the CSMS must know stays."""


@dataclass(frozen=True, slots=True)
class ClockCorrected:
    """The clock was wrong since the process started; move the times written since."""

    step_s: float
    messages_after: int
    security_events_after: int
    keys: tuple[str, ...]
    """The transactions that began since."""


class Drawer(StrEnum):
    """What is kept of the station's own upkeep; each kind has a drawer."""

    ROOT = "root"  # certificates of those who may vouch for others
    CERTIFICATE = "certificate"  # the station's own, with who issued them
    KEY = "key"  # private keys of the station
    LINK = "link"  # how the CSMS is reached
    FIRMWARE = "firmware"  # jobs
    UPLOAD = "upload"  # of logs
    EXPIRY = "expiry"  # which ends of certificates have been warned of
    NOTICE = "notice"  # what the CSMS is still to be told of these


Sheet = Mapping[str, Cell]
"""What lies in a drawer under one name."""


@dataclass(frozen=True, slots=True)
class SheetKept:
    """A sheet lies in a drawer, in the place of one of the same name."""

    drawer: Drawer
    name: str
    sheet: Sheet = field(repr=False)  # may hold a secret


@dataclass(frozen=True, slots=True)
class SheetDropped:
    """A sheet is not needed any more."""

    drawer: Drawer
    name: str


Record = (
    CoreRecord
    | MessageQueued
    | MessageSettled
    | MessageQuarantined
    | MessageRetried
    | MessageDropped
    | StopToldBlind
    | TransactionNumberKept
    | StopDataKept
    | KeyKept
    | NoteKept
    | AcceptedOnce
    | SecurityEventKept
    | SecurityEventSettled
    | SecurityLogCleared
    | ClockCorrected
    | SheetKept
    | SheetDropped
)
"""Everything that the store can write."""


@dataclass(slots=True)
class Entry:
    """One message on its way."""

    id: int
    key: str
    action: str
    payload: Json
    at: datetime
    attempts: int = 0
    tried: bool = False
    """The CSMS may know it from an attempt that was not answered."""
    blind: bool = False
    """It was last sent without the number of its transaction."""
    failed_s: float | None = None
    """When its last attempt failed, if a pause follows from that."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the disk knows when the process starts."""

    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Changed configuration keys: name → value and origin."""
    tags: tuple[tuple[str, TagInfo], ...] = ()
    listed: LocalList = field(default_factory=LocalList)
    entries: tuple[Entry, ...] = ()
    """The first messages of the outbox."""
    waiting: int = 0
    quarantined: int = 0
    last_message_id: int = 0
    last_fault_id: int = 0
    kept_faults: tuple[FaultOpened, ...] = ()
    """Those that a technician has not cleared."""
    interrupted: tuple[Interrupted, ...] = ()
    numbers: Mapping[str, int | None] = field(default_factory=dict)
    """Transactions that run, or that are numbered and not told to their end."""
    blind_stops: tuple[Entry, ...] = ()
    """StopTransactions that were told without a number, whose start waits again."""
    stop_data: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    accepted_by: frozenset[str] = frozenset()
    """Every CSMS (URL and identity) that has ever accepted this station."""
    security_events: tuple[SecurityEventKept, ...] = ()
    """Those that the CSMS is still to be told."""
    last_security_event_id: int = 0
    availability: tuple[AvailabilityKept, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    profiles: tuple[Profile, ...] = ()
    registers: tuple[Register, ...] = ()
    drawers: Mapping[Drawer, Mapping[str, Sheet]] = field(default_factory=dict)
    """What lies in each, in the order in which it was put there first."""
