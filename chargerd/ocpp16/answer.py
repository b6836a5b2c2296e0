"""What a handler reads, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import Event
from chargerd.core.station import Station
from chargerd.ocpp16.consequences import Concern
from chargerd.ocpp16.keys import Judged, Values
from chargerd.ocpp16.records import Record
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.upkeep import Upkeep, UpkeepEvent


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a handler may read."""

    station: Station
    values: Values
    numbers: Mapping[str, int | None]
    """Our key of a transaction → the CSMS's number, where it has given one."""
    standing: Standing
    upkeep: Upkeep


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message that the CSMS wants to see, made when its turn comes."""

    action: str
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A response that the hardware decides."""

    response: Callable[[Station], Any | None]
    """Looks at the station after each step; ``None``: it is not decided yet."""
    within_s: float
    otherwise: Any
    """The response when the time is up."""


@dataclass(frozen=True, slots=True)
class Provided:
    """A record on which an answer depends, and the answer if the disk fails."""

    record: Record
    otherwise: "Answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """The response, and what happens once it is on its way, or while it is awaited."""

    response: Any
    """Of the library's type, or a ``Later``."""
    events: tuple[Event, ...] = ()
    upkeep: tuple[UpkeepEvent, ...] = ()
    """What happens to the station's own upkeep."""
    concerns: tuple[Concern, ...] = ()
    """What the security log must know of it."""
    triggers: tuple[Trigger, ...] = ()
    change: Judged | None = None
    """A configuration key to change."""
    refused: Refused | None = None
    """Why the response is a no."""
    provided: Provided | None = None
    """What must be on the disk first, or else all this is not true."""


Handle = Callable[[Picture, Any, Instant], Answer]
"""Reads the picture, changes nothing, answers at once."""

Handlers = Mapping[str, Handle]
"""What one feature profile of the station can be asked, by action."""
