"""Which status may follow which at one connector (OCPP 1.6 section 4.9)."""

from typing import Final

_TABLE: Final = """
               Available Preparing Charging SuspendedEV SuspendedEVSE Finishing Reserved Unavailable Faulted
Available      -         yes       yes      yes         yes           no        yes      yes         yes
Preparing      yes       -         yes      yes         yes           yes       no       no          yes
Charging       yes       no        -        yes         yes           yes       no       yes         yes
SuspendedEV    yes       no        yes      -           yes           yes       no       yes         yes
SuspendedEVSE  yes       no        yes      yes         -             yes       no       yes         yes
Finishing      yes       yes       no       no          no            -         no       yes         yes
Reserved       yes       yes       no       no          no            no        -        yes         yes
Unavailable    yes       yes       yes      yes         yes           no        no       -           yes
Faulted        yes       yes       yes      yes         yes           yes       yes      yes         -
"""  # noqa: E501 - a table is wider than prose


def _edges() -> frozenset[tuple[str, str]]:
    _, head, *lines = _TABLE.splitlines()
    targets = head.split()
    return frozenset(
        (source, target)
        for source, *marks in map(str.split, lines)
        for target, mark in zip(targets, marks, strict=True)
        if mark != "no"
    )


EDGES: Final = _edges()
"""A status may also be told again, with another error code."""
