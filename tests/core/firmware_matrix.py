"""Prints the course of a firmware job: every state, and what each event does there.

``python -m tests.core.firmware_matrix`` writes firmware_matrix.txt anew.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

from chargerd.core import firmware_events as events
from chargerd.core.firmware_actions import ever, stay
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import PLAIN, SIGNED, FirmwarePolicy, State
from chargerd.core.firmware_table import AT_ONCE, LIMITS, ON_EVENT, WISHES, Row

FILE: Final = Path(__file__).with_name("firmware_matrix.txt")
SENSED: Final = frozenset({events.StationIdle, events.StationBusy})
"""What no row waits for: it follows from them at once."""
EVENTS: Final[tuple[type[FirmwareEvent], ...]] = tuple(
    event for event in get_args(FirmwareEvent) if event not in SENSED
)


def cell(state: State, event: type[FirmwareEvent]) -> str:
    """Return what an event does in a state; a dot: nothing."""
    return ", else ".join(_told(r) for r in ON_EVENT[state] if r.event is event) or "."


def matrix() -> str:
    """Return the whole picture."""
    return "\n".join(line.rstrip() for line in _lines()) + "\n"


def _told(row: Row) -> str:
    told = row.target.name if row.target else "stays"
    told += "" if row.action is stay else f" / {row.action.__name__}"
    return told if row.when is ever else f"{told} if {row.when.__name__}"


def _lines() -> Iterator[str]:
    yield "What an event does; one that is not listed does nothing\n"
    yield from _columns(
        [
            (s.name, e.__name__, c)
            for s in State
            for e in EVENTS
            if (c := cell(s, e)) != "."
        ]
    )
    yield "\nWhat follows at once\n"
    yield from _columns(
        [
            (
                r.state.name,
                r.holds.__name__,
                r.target.name + ("" if r.action is stay else f" / {r.action.__name__}"),
            )
            for r in AT_ONCE
        ]
    )
    yield "\nWhat is told (signed, plain), how long connectors are held, the wishes\n"
    yield from _columns([_meaning(state) for state in State])


def _meaning(state: State) -> tuple[str, ...]:
    limit = LIMITS.get(state)
    wishes = ", ".join(getattr(w, "__name__", "?") for w in WISHES.get(state, ()))
    return (
        state.name,
        SIGNED.get(state, "."),
        PLAIN.get(state, "."),
        f"{limit(FirmwarePolicy()):.0f} s" if limit else ".",
        wishes or ".",
    )


def _columns(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) + 2 for column in zip(*table, strict=True)]
    for line in table:
        yield "".join(f"{c:{w}}" for c, w in zip(line, widths, strict=True))


if __name__ == "__main__":
    FILE.write_text(matrix())
