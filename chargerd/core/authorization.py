"""May this id tag charge? A table over what is known and who can be asked.

tests/core/authorization_table.txt shows the whole table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from chargerd.core.events import Source, Standing, TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from hal.values import Token

LONGEST_TAG: Final = 20
"""Most characters of an id tag (OCPP 1.6 section 7.28)."""


class Verdict(Enum):
    """What to do with a presented id tag."""

    ACCEPT = auto()
    REFUSE = auto()
    ASK = auto()  # the CSMS


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, who gave it and why; ``parent`` is the group of an accepted tag."""

    verdict: Verdict
    source: Source
    why: Why | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the station itself knows of one id tag."""

    listed: TagInfo | None = None
    cached: TagInfo | None = None


_ASK: Final = Decision(Verdict.ASK, Source.CSMS)
_STRANGER: Final = Decision(Verdict.ACCEPT, Source.OFFLINE)
_NO_STRANGER: Final = Decision(Verdict.REFUSE, Source.OFFLINE, Why.TAG_UNKNOWN_OFFLINE)

_WHY: Final[Mapping[Standing, Why]] = {
    Standing.BLOCKED: Why.TAG_BLOCKED,
    Standing.EXPIRED: Why.TAG_EXPIRED,
    Standing.INVALID: Why.TAG_INVALID,
    Standing.CONCURRENT_TX: Why.TAG_CONCURRENT,
}


def folded(id_tag: str) -> str:
    """Return the form in which id tags are compared (OCPP 1.6 section 3.9)."""
    return id_tag.casefold()


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two id tags, or two groups, are the same and not nothing."""
    return bool(one) and bool(other) and folded(one or "") == folded(other or "")


def masked(id_tag: str) -> str:
    """Hide the middle of an id tag, as a card's own text does."""
    return repr(Token(id_tag)) if len(id_tag) > 4 else "…"


def standing(info: TagInfo, now: datetime) -> Standing:
    """Return how an id tag stands at ``now``; a moment is compared, not its text."""
    passed = info.expires is not None and info.expires <= now
    return Standing.EXPIRED if passed and _good(info) else info.standing


def valid(info: TagInfo, now: datetime) -> bool:
    """Tell whether an id tag belongs to a customer (OCPP 1.6 section 3.5.2).

    Who charges elsewhere already is one.
    """
    return standing(info, now) in (Standing.ACCEPTED, Standing.CONCURRENT_TX)


def judged(info: TagInfo, source: Source, now: datetime) -> Decision:
    """Return what an answer of the CSMS, or a memory of one, means at ``now``."""
    found = standing(info, now)
    if found is Standing.ACCEPTED:
        return Decision(Verdict.ACCEPT, source, parent=info.parent)
    return Decision(Verdict.REFUSE, source, _WHY[found])


def remembered(known: Known, policy: Policy, now: datetime) -> Decision | None:
    """Return what the local list says, or else the cache, of those that are in use."""
    if policy.list_enabled and known.listed is not None:
        decision = judged(known.listed, Source.LIST, now)
        if decision.why is Why.TAG_CONCURRENT and policy.listed_concurrent_valid:
            return Decision(Verdict.ACCEPT, Source.LIST, parent=known.listed.parent)
        return decision
    if policy.cache_enabled and known.cached is not None:
        return judged(known.cached, Source.CACHE, now)
    return None


def decide(known: Known, online: bool, policy: Policy, now: datetime) -> Decision:
    """Return what to do with an id tag (OCPP 1.6 section 3.5).

    Args:
        known: What the station itself knows of the tag.
        online: Whether the CSMS can be asked.
        policy: The operator's choices.
        now: The moment that expiry dates are held against.
    """
    memory = remembered(known, policy, now)
    return _online(memory, policy) if online else _offline(memory, policy)


def _online(memory: Decision | None, policy: Policy) -> Decision:
    if memory is None or not policy.local_pre_authorize:
        return _ASK
    listed = memory.source is Source.LIST and policy.list_refuses_first
    return memory if memory.verdict is Verdict.ACCEPT or listed else _ASK


def _offline(memory: Decision | None, policy: Policy) -> Decision:
    if memory is None:
        return _STRANGER if policy.allow_offline_unknown_id else _NO_STRANGER
    if memory.verdict is Verdict.REFUSE or policy.local_authorize_offline:
        return memory
    if policy.allow_offline_unknown_id and policy.unknown_covers_known:
        return memory
    return Decision(Verdict.REFUSE, memory.source, Why.OFFLINE_NOT_ALLOWED)


def _good(info: TagInfo) -> bool:
    return info.standing in (Standing.ACCEPTED, Standing.CONCURRENT_TX)
