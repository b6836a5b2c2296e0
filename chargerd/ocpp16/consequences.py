"""What follows from a step of the station's upkeep, in one shape for all its parts."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

from chargerd.core.effects import Effect
from chargerd.core.events import Event
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.records import Record
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import Json


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that the CSMS must get, now or later, but once: how a job stands."""

    action: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that the station's security log must know."""

    type: SecurityEventType
    info: str


@dataclass(frozen=True, slots=True)
class Consequences:
    """What must be kept, told and done."""

    records: tuple[Record, ...] = ()
    notices: tuple[Notice, ...] = ()
    concerns: tuple[Concern, ...] = ()
    events: tuple[Event, ...] = ()
    """What the station itself must hear."""
    jobs: tuple[Job, ...] = ()
    told: tuple[Effect, ...] = ()
    """For the journal."""

    def __add__(self, other: Self) -> Self:
        """Return what follows from both, in this order."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return type(self)(*(first + second for first, second in pairs))

    @classmethod
    def of(cls, parts: Iterable[Self]) -> Self:
        """Return what follows from all of them."""
        return sum(parts, cls())
