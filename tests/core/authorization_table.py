"""Prints what is decided on an id tag, in every situation there is.

``python -m tests.core.authorization_table`` writes authorization_table.txt anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from chargerd.core.authorization import Decision, Known, decide
from chargerd.core.events import Standing, TagInfo
from chargerd.core.policy import Policy

FILE: Final = Path(__file__).with_name("authorization_table.txt")
NOW: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ENTRIES: Final[Mapping[str, TagInfo | None]] = {
    "nothing": None,
    "accepted": TagInfo(Standing.ACCEPTED, None, NOW + timedelta(seconds=1)),
    "passed": TagInfo(Standing.ACCEPTED, None, NOW),
    "blocked": TagInfo(Standing.BLOCKED),
    "expired": TagInfo(Standing.EXPIRED),
    "invalid": TagInfo(Standing.INVALID),
    "concurrent": TagInfo(Standing.CONCURRENT_TX),
}
"""What list or cache hold of an id tag; ``passed``: accepted, until a moment ago."""

_OFF: Final = "off"
_ENTRY: Final = (_OFF, *ENTRIES)
_FLAG: Final = (True, False)
_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "pre": ("local_pre_authorize", "LocalPreAuthorize"),
    "refuse": ("list_refuses_first", "LocalPreRefuse"),
    "concurrent": ("listed_concurrent_valid", "ListedConcurrentTxIsValid"),
    "offline": ("local_authorize_offline", "LocalAuthorizeOffline"),
    "unknown": ("allow_offline_unknown_id", "AllowOfflineTxForUnknownId"),
    "covers": ("unknown_covers_known", "AllowOfflineTxCoversKnownId"),
}
_COLUMNS: Final[Mapping[str, Sequence[Any]]] = {
    "online": _FLAG,
    "pre": _FLAG,
    "list": _ENTRY,
    "concurrent": _FLAG,
    "refuse": _FLAG,
    "cache": _ENTRY,
    "offline": _FLAG,
    "unknown": _FLAG,
    "covers": _FLAG,
}
_LINE: Final = "{:7} {:4} {:16} {:11} {:7} {:17} {:8} {:8} {:7}  {}"
_WORDS: Final = {True: "yes", False: "no"}
_HEAD: Final = """\
What is decided on an id tag. A column that does not matter says "any"; the last says
what is decided, for what reason, and by whom.

online      the CSMS can be asked
list        what the local list holds; off: LocalAuthListEnabled is false
cache       what the cache holds; off: AuthorizationCacheEnabled is false
            passed: accepted, with an expiryDate that has passed
"""


def table() -> str:
    """Return the table."""
    keys = [f"{column:11} {name}" for column, (_, name) in _KEYS.items()]
    lines = [_LINE.format(*_COLUMNS, "decision"), *_rows()]
    return "\n".join([_HEAD + "\n".join(keys), "", *lines]) + "\n"


def decided(situation: Mapping[str, Any]) -> Decision:
    """Return what is decided in one situation: a value for each column."""
    listed, cached = situation["list"], situation["cache"]
    flags = {field: situation[column] for column, (field, _) in _KEYS.items()}
    # What is off must not matter, so there is something to be overlooked.
    bait = ENTRIES["accepted"]
    policy = Policy(list_enabled=listed != _OFF, cache_enabled=cached != _OFF, **flags)
    known = Known(ENTRIES.get(listed, bait), ENTRIES.get(cached, bait))
    return decide(known, situation["online"], policy, NOW)


def _rows() -> Iterator[str]:
    for path, decision in _branches(()):
        yield _LINE.format(*path, _told(decision))


@cache
def _branches(values: tuple[Any, ...]) -> tuple[tuple[tuple[str, ...], Decision], ...]:
    """Return the rows behind some values; values that lead to the same are joined."""
    if len(values) == len(_COLUMNS):
        return (((), decided(dict(zip(_COLUMNS, values, strict=True)))),)
    choices = tuple(_COLUMNS.values())[len(values)]
    joined: dict[Any, list[Any]] = {}
    for choice in choices:
        joined.setdefault(_branches((*values, choice)), []).append(choice)
    return tuple(
        ((_named(some, choices), *path), decision)
        for rest, some in joined.items()
        for path, decision in rest
    )


def _named(some: Sequence[Any], choices: Sequence[Any]) -> str:
    if len(some) == len(choices):
        return "any"
    left = [choice for choice in choices if choice not in some]
    if len(some) > len(left) > 0:
        return f"all but {', '.join(left)}"
    return ", ".join(_WORDS.get(choice, str(choice)) for choice in some)


def _told(decision: Decision) -> str:
    why = f" {decision.why}" if decision.why else ""
    return f"{decision.verdict.name.lower()}{why}, {decision.source}"


if __name__ == "__main__":
    FILE.write_text(table())
