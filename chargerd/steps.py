"""What can happen to a charge point, and what each happening leads to."""

from collections.abc import Mapping
from dataclasses import dataclass

from chargerd.core.course import Output
from chargerd.core.effects import Effect
from chargerd.core.events import Event
from chargerd.core.reasons import Cause
from chargerd.ocpp16.attachment_values import AttachmentWanted
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.ledger import ByHand
from chargerd.ocpp16.records import Entry, Record
from chargerd.ocpp16.rpc import Garbage
from chargerd.ocpp16.upkeep import UpkeepEvent


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """The CSMS sent a frame."""

    frame: str | bytes


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A WebSocket to the CSMS is open."""

    number: int = 0
    """Which one, so that nothing meant for an earlier one is sent on it."""


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The WebSocket is gone."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """``next_deadline_s`` has come."""


@dataclass(frozen=True, slots=True)
class OutboxLoaded:
    """The disk has given more messages: those that follow ``after``."""

    after: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """Somebody on the spot changes a configuration key."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Tried:
    """The disk has taken what was to be tried, or has not."""

    stored: bool


Happening = (
    Event
    | FrameReceived
    | LinkUp
    | LinkDown
    | DeadlinePassed
    | OutboxLoaded
    | ByHand
    | KeyWanted
    | AttachmentWanted
    | Tried
    | UpkeepEvent
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one happening leads to. ``runtime.engine`` knows the order it is done in."""

    outputs: Mapping[int, Output]
    records: tuple[Record, ...] = ()
    attempt: Record | None = None
    """To be written once by itself; ``Tried`` then tells whether it is on the disk."""
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
    jobs: tuple[Job, ...] = ()
    """What takes long; to be begun once the records are on the disk."""
    learned: bool = False
    """Some amounts are known better; all else is as the last step left it."""
