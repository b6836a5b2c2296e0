"""What was decided and must become known: to the disk, the CSMS, or the journal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chargerd.core.events import Reservation, TagInfo
from chargerd.core.permissive import Facts
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Cause, Why
from chargerd.core.register import Break, Register
from hal.values import MeterReading


class Context(StrEnum):
    """On what occasion a sample was taken, in OCPP's words (ReadingContext)."""

    PERIODIC = "Sample.Periodic"
    CLOCK = "Sample.Clock"
    BEGIN = "Transaction.Begin"
    END = "Transaction.End"
    TRIGGER = "Trigger"


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything that could be measured at one connector at one moment."""

    connector: int
    at: datetime
    context: Context
    facts: Facts
    offered_w: float
    offered_a: float
    key: str | None = None
    """The transaction that was running."""
    since: MeterReading | None = None
    """What the meter said when the interval began that this sample closes."""
    stale: frozenset[str] = frozenset()
    """The kinds of device whose last reading is too old to be told."""

    def vouches(self, kind: str) -> bool:
        """Tell whether a kind of device stands by what it said last."""
        return kind not in self.facts.lost and kind not in self.stale


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """A driver, a plug and a meter register are now bound together."""

    key: str
    connector: int
    id_tag: str
    parent: str | None
    at: datetime
    meter_wh: int
    reservation: int | None = None
    """The one that it uses up."""


@dataclass(frozen=True, slots=True)
class TransactionCheckpoint:
    """How far a running transaction has come; what a power cut cannot take back."""

    key: str
    at: datetime
    meter_wh: int


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """The bill is final."""

    key: str
    at: datetime
    meter_wh: int
    cause: Cause
    id_tag: str | None
    """Who ended it, if a card did."""


@dataclass(frozen=True, slots=True)
class RegisterKept:
    """How far a meter has come, and what is added to it."""

    register: Register


@dataclass(frozen=True, slots=True)
class MeterExchanged:
    """A connector goes on with another meter, or with one that began anew."""

    before: Register
    after: Register
    why: Break
    at: datetime


@dataclass(frozen=True, slots=True)
class TagLearned:
    """The CSMS has said what it thinks of an id tag; worth remembering."""

    id_tag: str
    info: TagInfo
    at: datetime


@dataclass(frozen=True, slots=True)
class TagsForgotten:
    """These id tags (folded) are no longer in the authorization cache."""

    id_tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AvailabilityKept:
    """What somebody wants of a connector, or of the station (0)."""

    connector: int
    operative: bool
    scheduled: bool
    """Out of service only when the present use has come to its end."""
    origin: str
    """``csms`` or ``cli``."""
    at: datetime


@dataclass(frozen=True, slots=True)
class ReservationKept:
    """A reservation holds from now on; it takes the place of one of the same id."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class ReservationEnded:
    """A reservation holds no more."""

    id: int


@dataclass(frozen=True, slots=True)
class ListKept:
    """The local list, or a change of it; wholly on the disk or not at all."""

    version: int
    whole: bool
    """What was there before goes."""
    put: tuple[tuple[str, TagInfo], ...] = ()
    gone: tuple[str, ...] = ()
    uncached: tuple[str, ...] = ()
    """Id tags that leave the cache; all are folded."""


@dataclass(frozen=True, slots=True)
class ProfileKept:
    """A charging profile is installed, in the place of one of the same id."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class ProfilesDropped:
    """The charging profiles of these ids are installed no more."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FaultOpened:
    """A fault has come."""

    id: int
    connector: int
    name: str
    at: datetime
    value: str | None


@dataclass(frozen=True, slots=True)
class FaultClosed:
    """A fault has gone."""

    id: int
    connector: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AuthorizationWanted:
    """Nobody here can decide on this id tag; the CSMS must."""

    id_tag: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample is due to be told."""

    sample: Sample


@dataclass(frozen=True, slots=True)
class Signed:
    """What a meter has signed of a transaction; it travels with the bill."""

    key: str
    connector: int
    at: datetime
    context: Context
    signed: bytes


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that people want to read in the story of a connector."""

    connector: int
    what: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Something was refused, and here is why."""

    connector: int
    asked: str
    why: Why
    detail: str


CoreRecord = (
    TransactionStarted
    | TransactionCheckpoint
    | TransactionEnded
    | RegisterKept
    | MeterExchanged
    | TagLearned
    | TagsForgotten
    | AvailabilityKept
    | ReservationKept
    | ReservationEnded
    | ListKept
    | ProfileKept
    | ProfilesDropped
    | FaultOpened
    | FaultClosed
)
"""What must be on the disk before anything follows from it."""

Effect = CoreRecord | AuthorizationWanted | Sampled | Signed | Noted | Refused
