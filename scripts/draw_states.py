#!/usr/bin/env python3
"""Draw the session's tables: docs/session.md and tests/core/session_matrix.txt.

With ``--check`` nothing is written; the exit code tells whether both are current.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Final

from chargerd.core.actions import blame, stay
from chargerd.core.conditions import vehicle_is_done
from chargerd.core.course import (
    AT_ONCE,
    ON_EVENT,
    OUTPUTS,
    TIME_LIMITS_S,
    Output,
    Row,
    Rule,
)
from chargerd.core.policy import Policy
from chargerd.core.sequence import LIMITS
from chargerd.core.session import BILLED, Phase
from documents import keep

_EVENTS = tuple(dict.fromkeys(row.event for row in ON_EVENT))
_TARGETS = {(row.phase, row.event): row for row in ON_EVENT}

_UNUSUAL_S: Final = 4711
_CHOSEN: Final = {
    "ConnectionTimeOut": Policy(connection_timeout_s=_UNUSUAL_S),
    "SuspendedEVTimeOut": Policy(waiting_timeout_s=_UNUSUAL_S),
}
"""Time limits that a key sets."""

_PAGE = """\
# The charging session

Drawn from the tables of `chargerd/core/course.py` by `scripts/draw_states.py`.
A session is one connector, from plug to plug.

## The usual way

What follows at once from the state, without waiting for anything else, is written in
plain words; the name of an event is written as in the code. Ways that end a session
early are left out; they stand in the matrix below.

```mermaid
stateDiagram-v2
{diagram}
```

## The matrix

{matrix}"""

_NOTES = """\
An event that a phase does not list (a dot) changes nothing there. What a phase does
before it is left stands behind the slash: `begin` opens the bill, `end` closes it,
`bind` remembers who pays, `blame` remembers why it ends unless it outlives that,
`give_up` ends what has waited for too long, `close` takes the contactors for closed,
`resume` charges, `forget` returns to a clean connector.
"""


def matrix() -> str:
    """Return what every event does in every phase."""
    head = ("", *(event.__name__ for event in _EVENTS))
    lines = [
        (phase.name, *(_cell(_TARGETS.get((phase, event))) for event in _EVENTS))
        for phase in Phase
    ]
    return _aligned([head, *lines])


def at_once() -> str:
    """Return what follows at once from the state; the first that holds wins."""
    lines = [(r.phase.name, r.holds.__name__, _cell(r)) for r in AT_ONCE]
    return _aligned([("in", "as soon as", "to"), *lines])


def outputs() -> str:
    """Return what the hardware is told in each phase, and how long that may last."""
    head = ("", "hardware", "bill", "at most")
    lines = [
        (phase.name, _told(OUTPUTS[phase]), _bill(phase), _limit(phase))
        for phase in Phase
    ]
    return _aligned([head, *lines])


def diagram() -> str:
    """Return the usual way through a session, for mermaid."""
    usual = [
        f"    {rule.phase.name} --> {rule.target.name}: {_words(rule.holds.__name__)}"
        for rule in AT_ONCE
        if not _ends_early(rule)
    ]
    cold = (row for row in ON_EVENT if row.phase not in BILLED)
    warm = (r for r in ON_EVENT if r.phase is Phase.ENERGIZED and r.target in BILLED)
    asked = [
        f"    {row.phase.name} --> {row.target.name}: {row.event.__name__}"
        for row in (*cold, *warm)
    ]
    return "\n".join(["    [*] --> IDLE", *usual, *asked])


def _ends_early(rule: Rule) -> bool:
    # A vehicle that is done while it charges is the usual end.
    full = rule.phase is Phase.ENERGIZED and rule.holds is vehicle_is_done
    return rule.phase in BILLED and rule.action is blame and not full


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(step: Row | Rule | None) -> str:
    if step is None:
        return "."
    action = "" if step.action is stay else f" / {step.action.__name__}"
    return f"{step.target.name}{action}"


def _told(output: Output) -> str:
    flags = [f.name for f in fields(output) if getattr(output, f.name) is True]
    supply = _words(output.supply.name).lower()
    return ", ".join([*flags, f"supply {supply}"])


def _bill(phase: Phase) -> str:
    return "open" if phase in BILLED else "."


def _limit(phase: Phase) -> str:
    limit = TIME_LIMITS_S.get(phase)
    if limit is None:
        fixed = (row.within_s for row in LIMITS if row.phase is phase and not row.fault)
        return next((f"{within_s:g} s" for within_s in fixed), ".")
    chosen = (key for key, policy in _CHOSEN.items() if limit(policy) == _UNUSUAL_S)
    return next(chosen, None) or f"{limit(Policy()):g} s"


def _aligned(lines: Iterable[Sequence[str]]) -> str:
    cells = list(lines)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = (
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
    return "\n".join(text) + "\n"


def _documents() -> dict[str, str]:
    sections = {
        "What an event does": matrix(),
        "What follows at once": at_once(),
        "What the hardware is told": outputs(),
    }
    plain = "\n".join(f"{name}\n\n{text}" for name, text in sections.items())
    marked = "\n".join(
        f"### {name}\n\n```text\n{text}```\n" for name, text in sections.items()
    )
    page = _PAGE.format(diagram=diagram(), matrix=f"{_NOTES}\n{marked}")
    return {"docs/session.md": page, "tests/core/session_matrix.txt": plain}


if __name__ == "__main__":
    sys.exit(keep(_documents()))
