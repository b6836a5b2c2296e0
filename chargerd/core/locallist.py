"""The local authorization list: whom the CSMS wants served without being asked.

It is replaced as a whole, so whoever has looked at it has seen one version of it.
Only SendLocalList changes it (OCPP 1.6 section 3.5.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from chargerd.core.authorization import folded
from chargerd.core.effects import ListKept
from chargerd.core.events import TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why

MOST_ENTRIES: Final = 10_000
MOST_SENT: Final = 1_000
"""Most id tags in the list, and in one SendLocalList."""
NO_LIST: Final = -1
"""The version of a list that is not in use (OCPP 1.6 section 5.10)."""


@dataclass(frozen=True, slots=True)
class LocalList:
    """Id tags (folded) with what the CSMS wants to hold of them."""

    version: int = 0
    """What the CSMS called it; an empty list has the version 0."""
    entries: Mapping[str, TagInfo] = field(default_factory=lambda: _NOTHING)

    def find(self, id_tag: str) -> TagInfo | None:
        """Return the entry of an id tag."""
        return self.entries.get(folded(id_tag))


_NOTHING: Final[Mapping[str, TagInfo]] = MappingProxyType({})


class Outcome(StrEnum):
    """How a list was taken, in OCPP's words (UpdateStatus)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"
    VERSION_MISMATCH = "VersionMismatch"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the CSMS sent: a list, or a change of the one that is here."""

    version: int
    full: bool
    entries: Sequence[tuple[str, TagInfo | None]] = ()
    """Id tags as the CSMS spells them; ``None`` takes one out of the list."""


@dataclass(frozen=True, slots=True)
class Declined:
    """A list that was not taken: the old one is in force."""

    outcome: Outcome
    why: Why
    detail: str


def version(listed: LocalList, policy: Policy) -> int:
    """Return the version that the CSMS is told."""
    return listed.version if policy.list_enabled else NO_LIST


def updated(
    listed: LocalList, sent: Sent, policy: Policy
) -> tuple[LocalList, ListKept] | Declined:
    """Return the list after SendLocalList, and what the disk must know of it."""
    declined = _declined(listed, sent, policy)
    if declined is not None:
        return declined
    changes = {folded(id_tag): info for id_tag, info in sent.entries}
    put = {id_tag: info for id_tag, info in changes.items() if info is not None}
    gone = tuple(id_tag for id_tag, info in changes.items() if info is None)
    entries = {} if sent.full else dict(listed.entries)
    for id_tag in gone:
        entries.pop(id_tag, None)
    entries |= put
    if len(entries) > MOST_ENTRIES:
        detail = f"{len(entries)} id tags; at most {MOST_ENTRIES} fit"
        return Declined(Outcome.FAILED, Why.LIST_TOO_LONG, detail)
    after = LocalList(sent.version if entries else 0, MappingProxyType(entries))
    return after, ListKept(after.version, sent.full, tuple(put.items()), gone)


def _declined(listed: LocalList, sent: Sent, policy: Policy) -> Declined | None:
    """Return what of the rules a list breaks, if any."""
    count, failed = len(sent.entries), Outcome.FAILED
    if policy.send_needs_list and not policy.list_enabled:
        detail = "LocalAuthListEnabled is false"
        return Declined(Outcome.NOT_SUPPORTED, Why.LIST_DISABLED, detail)
    if sent.version < 1:
        return Declined(failed, Why.BAD_VALUE, f"version {sent.version} is below 1")
    if not sent.full and sent.version <= listed.version:
        detail = f"version {sent.version} is not above {listed.version}"
        return Declined(Outcome.VERSION_MISMATCH, Why.LIST_OUTDATED, detail)
    if count > MOST_SENT:
        detail = f"{count} id tags; at most {MOST_SENT} at once"
        return Declined(failed, Why.LIST_TOO_LONG, detail)
    if len({folded(id_tag) for id_tag, _ in sent.entries}) < count:
        return Declined(failed, Why.LIST_AMBIGUOUS, "an id tag occurs twice")
    if sent.full and any(info is None for _, info in sent.entries):
        return Declined(failed, Why.LIST_INCOMPLETE, "an id tag has no idTagInfo")
    if not (sent.full or sent.entries or policy.accept_empty_differential):
        return Declined(failed, Why.LIST_INCOMPLETE, "a change without id tags")
    return None
