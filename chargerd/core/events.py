"""What can happen to the station. Sensors, timers, drivers and the CSMS speak this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf

from chargerd.core.permissive import Facts, Loss
from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Cause
from hal.values import Reading, Token

WHOLE_STATION = 0
"""The connector number of what belongs to no single connector, as in OCPP."""


class Standing(StrEnum):
    """What is known of an id tag, in OCPP's words (AuthorizationStatus)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class TagInfo:
    """What the CSMS said of an id tag (IdTagInfo)."""

    standing: Standing
    parent: str | None = None
    expires: datetime | None = None


class Source(StrEnum):
    """Who decided on a driver, in words for people."""

    LIST = "the local list"
    CACHE = "the cache"
    CSMS = "the CSMS"
    REMOTE = "RemoteStartTransaction"
    FREE = "FreeVend"
    OFFLINE = "the rule for unknown drivers"  # AllowOfflineTxForUnknownId


@dataclass(frozen=True, slots=True)
class Reservation:
    """A connector (0: any one) is kept for a driver, or for a group, for a time."""

    id: int
    """The CSMS's number for it."""
    connector: int
    id_tag: str
    expires: datetime
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at one connector; 0 is the station as a whole."""

    connector: int


@dataclass(frozen=True, slots=True)
class Sensed(Event):
    """A device was read, or said something by itself."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class FactsChanged(Event):
    """What is known of a connector, after something was sensed."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class SupplyFailed(Event):
    """The board's own supply is about to go: write down what can be written."""


@dataclass(frozen=True, slots=True)
class DeviceLost(Event):
    """A device has given no answer, or no true one, for as long as it may."""

    kind: str
    loss: Loss


@dataclass(frozen=True, slots=True)
class DeviceBack(Event):
    """A lost device answers again."""

    kind: str


@dataclass(frozen=True, slots=True)
class CommandFailed(Event):
    """An actuator did not confirm what it was told."""

    kind: str
    error: str
    told_s: float = field(default=inf, compare=False)
    """When it was told; a session that began later has nothing to do with it."""


@dataclass(frozen=True, slots=True)
class SelfTested(Event):
    """The insulation monitor was told to test itself, and has."""

    error: str = ""
    """Why it did not pass; empty: it did."""
    told_s: float = field(default=inf, compare=False)
    """When it was told; a cable check that began later asked for another one."""


@dataclass(frozen=True, slots=True)
class MeterOpened(Event):
    """A signing meter has opened its own transaction for ours."""

    key: str
    signed: bytes | None = None
    """What it has signed of the beginning, if it signs one."""


@dataclass(frozen=True, slots=True)
class MeterClosed(Event):
    """A signing meter has closed its own transaction."""

    key: str
    record: bytes | None
    """``None``: it knows of none."""


@dataclass(frozen=True, slots=True)
class GuardCut(Event):
    """The guard, or a hand without it, took the energy away because of these faults."""

    faults: tuple[str, ...]
    value: str = ""
    """What was measured against what limit, of the first of them."""
    at_s: float = field(default=inf, compare=False)
    """When; a session that began later has nothing to do with it."""


@dataclass(frozen=True, slots=True)
class TokenPresented(Event):
    """A driver held a card against the reader (0: the station's only one)."""

    token: Token


@dataclass(frozen=True, slots=True)
class StartRequested(Event):
    """The CSMS wants a transaction (RemoteStartTransaction); the handler agreed."""

    id_tag: str
    profile: Profile | None = None
    """What binds the transaction that comes of it."""


@dataclass(frozen=True, slots=True)
class TagAnswered(Event):
    """The CSMS answered for an id tag; ``None``: it did not, so decide without."""

    id_tag: str
    info: TagInfo | None


@dataclass(frozen=True, slots=True)
class TransactionNumbered(Event):
    """The CSMS has numbered the transaction ``key`` and judged its id tag."""

    key: str
    number: int
    id_tag: str
    info: TagInfo


@dataclass(frozen=True, slots=True)
class TokenAccepted(Event):
    """Somebody may charge here. ``floating``: or wherever the plug goes in."""

    id_tag: str
    parent: str | None = None
    floating: bool = False
    reservation: int | None = None
    """The one that the driver makes use of."""
    source: Source = Source.CSMS
    profile: Profile | None = None
    """What binds the transaction that comes of it."""


@dataclass(frozen=True, slots=True)
class AuthorizationWithdrawn(Event):
    """The authorization was given up, or moved to another connector."""


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """Somebody ended the transaction in good order."""

    cause: Cause
    id_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Aborted(Event):
    """Energy must go at once and the transaction with it."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class TimeLimitPassed(Event):
    """The connector has been in its phase for as long as that phase may last."""


@dataclass(frozen=True, slots=True)
class LimitMissed(Event):
    """What had to happen by now has not, and that is a fault."""

    fault: str
    value: str
    """What was measured instead."""


@dataclass(frozen=True, slots=True)
class FaultCleared(Event):
    """A technician has repaired what a latched fault was about."""

    fault: str


@dataclass(frozen=True, slots=True)
class RestartRequested(Event):
    """The daemon shall end its sessions for ``cause`` and then restart or stop."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class HoldWanted(Event):
    """A part of the station itself wants no new driver at any connector."""

    owner: str
    until_s: float
    """Monotonic; then the hold ends by itself."""


@dataclass(frozen=True, slots=True)
class HoldEnded(Event):
    """The owner of a hold needs it no more."""

    owner: str


@dataclass(frozen=True, slots=True)
class TransactionsStopped(Event):
    """Every running transaction ends: another version is to run."""


@dataclass(frozen=True, slots=True)
class AvailabilityWanted(Event):
    """Somebody wants a connector, or with 0 all of them, in or out of service."""

    operative: bool
    origin: str


@dataclass(frozen=True, slots=True)
class ReservationWanted(Event):
    """The CSMS keeps a connector for a driver; the handler agreed."""

    reservation: Reservation


@dataclass(frozen=True, slots=True)
class ReservationCancelled(Event):
    """Somebody gives a reservation up."""

    id: int


@dataclass(frozen=True, slots=True)
class ProfileSet(Event):
    """The CSMS sets a charging profile; nothing was found against it."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class ProfilesCleared(Event):
    """The CSMS wants no more of the charging profiles of these ids."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RestartFailed(Event):
    """The board did not restart, however often it was told to."""

    error: str


@dataclass(frozen=True, slots=True)
class PolicyChanged(Event):
    """The operator chose otherwise."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class DialFailed(Event):
    """The CSMS could not be reached, and not for the same reason as before."""

    layer: str
    error: str


@dataclass(frozen=True, slots=True)
class OnlineChanged(Event):
    """The CSMS can be asked now, or cannot any more."""

    online: bool


@dataclass(frozen=True, slots=True)
class ServiceChanged(Event):
    """The CSMS has accepted this station, so it may serve drivers from now on."""


@dataclass(frozen=True, slots=True)
class StorageChanged(Event):
    """The disk takes records again, or does not."""

    failing: bool


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    """There is too little room for what waits for the CSMS, or enough again."""

    short: bool
    """Meter values are being let go of."""
    exhausted: bool
    """No more of them can be; what is left is bills."""


@dataclass(frozen=True, slots=True)
class ErrorCodeSet(Event):
    """Report this OCPP error code for a fault; ``None``: the usual one."""

    fault: str
    error_code: str | None


@dataclass(frozen=True, slots=True)
class TagsCleared(Event):
    """The CSMS wants the authorization cache empty."""


@dataclass(frozen=True, slots=True)
class ListReplaced(Event):
    """The CSMS has sent a local list, or a change of it; it is on the disk."""

    version: int
    entries: Mapping[str, TagInfo]
    """Of the whole list, by folded id tag."""
    uncached: tuple[str, ...] = ()
    """Id tags (folded) that have left the cache for it."""
