"""The transaction that a meter keeps and signs by itself, beside ours."""

from dataclasses import dataclass, replace
from typing import Final

OPENED_WITHIN_S: Final = 3.0
"""A meter that has not begun to sign so long after a transaction began is at fault."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a meter's own transaction shall be, until told otherwise."""

    key: str
    """Our key of the transaction is the meter's name for it."""
    id_tag: str
    open: bool
    """Otherwise: closed, and its record is wanted."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How far a meter has come with the present transaction."""

    signs: bool = False
    """It keeps transactions of its own."""
    opened: bool = False
    closed: bool = False
    record: bytes | None = None
    """What it has signed; ``None`` though it is closed: it has nothing to show."""

    @property
    def ready(self) -> bool:
        """Whether energy may flow, as far as the signature goes."""
        return self.opened or not self.signs

    @property
    def complete(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.closed or not self.signs

    @property
    def missing(self) -> bool:
        """Whether a bill that closes now lacks its signature."""
        return self.signs and self.record is None

    def anew(self) -> "Seal":
        """Return the seal of another transaction of the same meter."""
        return Seal(self.signs)

    def broken(self, record: bytes | None) -> "Seal":
        """Return the seal after the meter closed its transaction."""
        return replace(self, closed=True, record=record)
