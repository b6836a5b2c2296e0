"""Prints who may use a connector, for every reservation that can matter to it.

``python -m tests.core.reservation_table`` writes reservation_table.txt anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from chargerd.core.events import Reservation
from chargerd.core.reservation import Claim, Reservations
from chargerd.core.session import Phase, Session
from tests.core.bench import CARD, OTHER

FILE: Final = Path(__file__).with_name("reservation_table.txt")
LATER: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HERE, THERE, ANY = 1, 2, 0

DRIVERS: Final[Mapping[str, tuple[str, str | None]]] = {
    "the one who reserved": (CARD.lower(), None),
    "one of the group": (OTHER, "fleet"),
    "one whose group is not known": (OTHER, None),
    "one of another group": (OTHER, "taxi"),
}
KEPT: Final[Mapping[str, Sequence[Reservation]]] = {
    "nothing": (),
    "here": (Reservation(1, HERE, CARD, LATER),),
    "here, with group": (Reservation(1, HERE, CARD, LATER, "FLEET"),),
    "there": (Reservation(2, THERE, CARD, LATER),),
    "any": (Reservation(3, ANY, CARD, LATER),),
    "any, with group": (Reservation(3, ANY, CARD, LATER, "FLEET"),),
    "here and any": (
        Reservation(1, HERE, "04000000", LATER),
        Reservation(3, ANY, CARD, LATER),
    ),
}
OTHERS: Final[Mapping[str, Session]] = {
    "free": Session(THERE),
    "plugged in": Session(THERE, Phase.PLUGGED),
    "in use": Session(THERE, Phase.ENERGIZED, key="key-2"),
    "claimed": Session(THERE, Phase.AUTHORIZED, reservation=3),
    "out of order": Session(THERE, barred=True),
}
_WORDS: Final = {
    Claim.OWN: "yes, by reservation {}",
    Claim.OPEN: "yes",
    Claim.PERHAPS: "ask the CSMS for the group",
    Claim.CLOSED: "no",
}
_LINE: Final = "{:18}{:30}{:36}{}"
_HEAD: Final = """\
Who may use connector 1 of two; connector 1 itself is free.

kept        what is reserved: connector 1 (here), 2 (there), or connector 0 (any)
connector 2 how it stands there; claimed: a driver was accepted there by the
            reservation of any
"""


def table() -> str:
    """Return the table."""
    lines = [
        _LINE.format("kept", "driver", "connector 2", "may use connector 1"),
        *_rows(),
    ]
    return "\n".join([_HEAD, *lines]) + "\n"


def _rows() -> Iterator[str]:
    for kept, reservations in KEPT.items():
        for driver, who in DRIVERS.items():
            told: dict[str, list[str]] = {}
            for other, session in OTHERS.items():
                sessions = (Session(HERE), session)
                claim, id_ = Reservations(reservations).claim(HERE, sessions, *who)
                told.setdefault(_WORDS[claim].format(id_), []).append(other)
            for words, others in told.items():
                yield _LINE.format(kept, driver, _named(others), words)


def _named(others: Sequence[str]) -> str:
    return "whatever" if len(others) == len(OTHERS) else ", ".join(others)


if __name__ == "__main__":
    FILE.write_text(table())
