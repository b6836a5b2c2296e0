"""Prints what is decided on an id tag, in every situation there is.

``python -m tests.core.authorization_table`` writes authorization_table.txt anew.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Final

from chargerd.core.authorization import Decision, decide
from chargerd.core.events import Standing, TagInfo
from chargerd.core.policy import Policy

FILE: Final = Path(__file__).with_name("authorization_table.txt")
NOW: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
REMEMBERED: Final = {
    "nothing": None,
    "accepted": TagInfo(Standing.ACCEPTED),
    "accepted, then expired": TagInfo(Standing.ACCEPTED, None, NOW),
    "accepted, not yet expired": TagInfo(
        Standing.ACCEPTED, None, NOW + timedelta(seconds=1)
    ),
    "blocked": TagInfo(Standing.BLOCKED),
    "expired": TagInfo(Standing.EXPIRED),
    "invalid": TagInfo(Standing.INVALID),
    "concurrent": TagInfo(Standing.CONCURRENT_TX),
}
_LINE: Final = "{:27} {:20} {:23} {:26}  {}"
_OFFLINE: Final = tuple(product((False, True), (False, True)))


def table() -> str:
    """Return the table."""
    head = _LINE.format(
        "remembered",
        "LocalPreAuthorize",
        "LocalAuthorizeOffline",
        "AllowOfflineTxForUnknownId",
        "decision",
    )
    lines = ["online", "", head, *_online(), "", "offline", "", head, *_offline()]
    return "\n".join(lines) + "\n"


def _online() -> Iterator[str]:
    for name, info in REMEMBERED.items():
        for pre in (False, True):
            # What holds offline only must make no difference.
            (decision,) = {decide(info, True, _policy(pre, *o), NOW) for o in _OFFLINE}
            yield _LINE.format(name, _word(pre), "any", "any", _told(decision))


def _offline() -> Iterator[str]:
    for name, info in REMEMBERED.items():
        for choices in _OFFLINE:
            policies = (_policy(pre, *choices) for pre in (False, True))
            (decision,) = {decide(info, False, policy, NOW) for policy in policies}
            words = map(_word, choices)
            yield _LINE.format(name, "any", *words, _told(decision))


def _policy(pre: bool, local: bool, unknown: bool) -> Policy:
    return Policy(
        local_pre_authorize=pre,
        local_authorize_offline=local,
        allow_offline_unknown_id=unknown,
    )


def _word(holds: bool) -> str:
    return "true" if holds else "false"


def _told(decision: Decision) -> str:
    why = f": {decision.why}" if decision.why else ""
    return f"{decision.verdict.name.lower()}{why}"


if __name__ == "__main__":
    FILE.write_text(table())
