"""Messages that a case waits for, and the order in which they may come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the station."""

    action: str
    payload: Json
    at_s: float
    """When the CSMS heard it, on the clock of the stage."""

    def __str__(self) -> str:
        return f"{self.action} {self.payload}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that a case waits for; a tuple means one of its items."""

    action: str
    fields: Json = field(default_factory=dict)

    def fits(self, heard: Heard) -> bool:
        return self.action == heard.action and all(
            heard.payload.get(name) in (value if isinstance(value, tuple) else (value,))
            for name, value in self.fields.items()
        )

    def __str__(self) -> str:
        return f"{self.action} {self.fields}"


@dataclass(frozen=True, slots=True)
class Ear:
    """Where the CSMS hears the station."""

    every: list[Heard] = field(default_factory=list)
    unheard: list[Heard] = field(default_factory=list)
    """What no case has waited for yet."""

    def __call__(self, message: Heard) -> None:
        self.every.append(message)
        self.unheard.append(message)


class OutOfOrder(AssertionError):
    """A message came that may not come before the one that a case waits for."""


BACKGROUND: Final = frozenset({"Heartbeat", "MeterValues", "SecurityEventNotification"})
"""What may stand between any two messages."""

_SWAPS: Final = (
    ("StartTransaction", "Charging"),
    ("StopTransaction", "Finishing"),
)
"""A message of a transaction, and the status that may come before or after it."""


def find(heard: Sequence[Heard], wanted: Iterable[Wanted]) -> tuple[int, Wanted] | None:
    """Return where the next of the wanted messages is, and which one it is.

    Raises:
        OutOfOrder: Something else comes first.
    """
    wanted = tuple(wanted)
    for index, message in enumerate(heard):
        for each in wanted:
            if each.fits(message):
                return index, each
        if message.action in BACKGROUND:
            continue
        if not any(_swap(each, message) for each in wanted):
            raise OutOfOrder(f"{message} came before {' or '.join(map(str, wanted))}")
    return None


def _swap(wanted: Wanted, heard: Heard) -> bool:
    """Tell whether the two may change places."""
    pair = {_name(wanted.action, wanted.fields), _name(heard.action, heard.payload)}
    return any(pair == set(swap) for swap in _SWAPS)


def _name(action: str, fields: Json) -> str:
    status = fields.get("status")
    named = action == "StatusNotification" and isinstance(status, str)
    return str(status) if named else action


def boot() -> Wanted:
    return Wanted("BootNotification")


def heartbeat() -> Wanted:
    return Wanted("Heartbeat")


def authorize(id_tag: str) -> Wanted:
    return Wanted("Authorize", {"idTag": id_tag})


def status(*words: str, connector: int = 1, **fields: Any) -> Wanted:
    word = words if len(words) > 1 else words[0]
    if "Faulted" not in words:
        fields.setdefault("errorCode", "NoError")
    fields = {"connectorId": connector, "status": word, **fields}
    return Wanted("StatusNotification", fields)


def started(id_tag: str, connector: int = 1, **fields: Any) -> Wanted:
    fields = {"connectorId": connector, "idTag": id_tag, **fields}
    return Wanted("StartTransaction", fields)


def stopped(*reasons: str | None, **fields: Any) -> Wanted:
    if reasons:
        fields["reason"] = reasons
    return Wanted("StopTransaction", fields)


def values(connector: int = 1) -> Wanted:
    return Wanted("MeterValues", {"connectorId": connector})


LOCAL: Final = ("Local", None)
"""The reason of a stop by card may be left out."""
