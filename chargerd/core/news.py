"""Which readings tell something new, and which only more or less of the same.

While a vehicle charges, its devices are read dozens of times a second, and nearly all
that they say is the same phase, the same contacts, and a few volts and amperes more.
Such amounts are known at once, and move the session if they can; what else follows
from them may wait for ``PATIENCE_S``, unless a time limit runs that they may satisfy.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from operator import attrgetter
from typing import Any, Final

from chargerd.core.permissive import FIELDS, Facts, learned, present
from hal.values import Reading

PATIENCE_S: Final = 0.25
"""A power that is shared or limited is a matter of seconds."""

# What a meter signs are amounts.
_AMOUNTS: Final = (int, float, int | None, float | None, bytes | None)


def tells(facts: Facts, reading: Reading) -> bool:
    """Tell whether a reading says something else than the last one of its kind.

    More or less of an amount is nothing else, unless it makes a fault or ends one.
    """
    kind = type(reading)
    before = getattr(facts, FIELDS[kind])
    if before is None or _SAYS[kind](before) != _SAYS[kind](reading):
        return True
    return kind in _MEASURED and present(facts) != present(learned(facts, reading))


def _is_amount(field: Field[Any]) -> bool:
    return field.type in _AMOUNTS


def _words(kind: type[Reading]) -> list[str]:
    return [field.name for field in fields(kind) if not _is_amount(field)]


_SAYS: Final[Mapping[type[Reading], Callable[[Reading], Any]]] = {
    kind: attrgetter(*_words(kind)) for kind in FIELDS
}
"""What a reading says besides its amounts and its time."""

_MEASURED: Final = frozenset(
    kind
    for kind in FIELDS
    if any(_is_amount(field) and field.name != "at_s" for field in fields(kind))
)
"""The readings that have amounts."""
