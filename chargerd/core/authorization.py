"""May this id tag charge? A table over what is known and who can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from chargerd.core.events import Standing, TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why


class Verdict(Enum):
    """What to do with a presented id tag."""

    ACCEPT = auto()
    REFUSE = auto()
    ASK = auto()  # the CSMS


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason; ``parent`` is the group of an accepted tag."""

    verdict: Verdict
    why: Why | None = None
    parent: str | None = None


_ASK: Final = Decision(Verdict.ASK)

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


def judged(info: TagInfo, now: datetime) -> Decision:
    """Return what an answer of the CSMS, or a memory of one, means at ``now``."""
    if info.standing is not Standing.ACCEPTED:
        return Decision(Verdict.REFUSE, _WHY[info.standing])
    if info.expires is not None and info.expires <= now:
        return Decision(Verdict.REFUSE, Why.TAG_EXPIRED)
    return Decision(Verdict.ACCEPT, parent=info.parent)


def decide(
    remembered: TagInfo | None, online: bool, policy: Policy, now: datetime
) -> Decision:
    """Return what to do with an id tag (OCPP 1.6 section 3.5).

    Args:
        remembered: What the authorization cache knows of the tag, if it may be
            used at all.
        online: Whether the CSMS can be asked.
        policy: The operator's choices.
        now: The moment that expiry dates are held against.
    """
    memory = judged(remembered, now) if remembered else None
    good = memory is not None and memory.verdict is Verdict.ACCEPT
    if online:
        return memory if memory and good and policy.local_pre_authorize else _ASK
    if memory and not good:
        return memory
    if memory and (policy.local_authorize_offline or policy.allow_offline_unknown_id):
        return memory
    if memory is None and policy.allow_offline_unknown_id:
        return Decision(Verdict.ACCEPT)
    return Decision(Verdict.REFUSE, Why.TAG_UNKNOWN_OFFLINE)
