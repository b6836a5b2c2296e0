"""Lets go of meter values when room runs short, in an order that costs no bill.

First what the clock asked for without a transaction; then every second value of each
transaction, the oldest first; then what is left of those that have ended. What opens
or closes a bill, and what is signed, always stays.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chargerd.ocpp16.ledger import MessagesThinned
from chargerd.ocpp16.thinning import spare_message
from chargerd.store.packing import unpacked

PIECE: Final = 200
"""How many messages are looked at in one commit: the next record waits no longer."""
_LOOKS: Final = 20
"""How often one commit looks on when there was nothing to let go of."""

_HALVED: Final = -1
_EMPTIED: Final = -2
"""What ``charge.thinned`` says besides how far the halving has come."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one commit let go of."""

    gone: MessagesThinned
    done: bool = False
    """There is nothing left that may go."""


def thin(db: sqlite3.Connection) -> Piece:
    """Let go of a piece."""
    for _ in range(_LOOKS):
        for look in _LOOK:
            found = look(db)
            if found is not None:
                break
        else:
            return Piece(MessagesThinned(), done=True)
        if found:
            return Piece(_delete(db, found))
    return Piece(MessagesThinned())


Rows = list[Any]
"""Messages that may go: their ids and states."""


def _of_the_clock(db: sqlite3.Connection) -> Rows | None:
    sql = (
        "SELECT id, state FROM message WHERE key = '' AND action = 'MeterValues'"
        " ORDER BY id LIMIT ?"
    )
    return db.execute(sql, (PIECE,)).fetchall() or None


def _every_second(db: sqlite3.Connection) -> Rows | None:
    found = db.execute(_HALVABLE.format("IS NOT NULL")).fetchone()
    found = found or db.execute(_HALVABLE.format("IS NULL")).fetchone()
    if found is None:
        return None
    key, after, running = found
    rows = _meter_values(db, key, after)
    more = running or len(rows) == PIECE
    _mark(db, key, rows[-1][0] if more else _HALVED)
    return _spare(rows)[::2]


def _the_rest(db: sqlite3.Connection) -> Rows | None:
    found = db.execute(_EMPTIABLE).fetchone()
    if found is None:
        return None
    (key,) = found
    spare = _spare(_meter_values(db, key, 0))
    if not spare:
        _mark(db, key, _EMPTIED)
    return spare


_LOOK: Final[tuple[Callable[[sqlite3.Connection], Rows | None], ...]] = (
    _of_the_clock,
    _every_second,
    _the_rest,
)
"""Each returns what goes next: nothing this time, or ``None``: nothing ever."""

_HALVABLE: Final = (
    "SELECT key, thinned, stop_at IS NULL FROM charge WHERE stop_at {} AND thinned >= 0"
    " AND EXISTS (SELECT 1 FROM message WHERE message.key = charge.key"
    " AND action = 'MeterValues' AND id > thinned) ORDER BY start_at LIMIT 1"
)
_EMPTIABLE: Final = (
    "SELECT key FROM charge WHERE stop_at IS NOT NULL AND thinned <> -2"
    " AND EXISTS (SELECT 1 FROM message WHERE message.key = charge.key"
    " AND action = 'MeterValues') ORDER BY start_at LIMIT 1"
)


def _meter_values(db: sqlite3.Connection, key: str, after: int) -> Rows:
    sql = (
        "SELECT id, state, payload FROM message WHERE key = ? AND id > ?"
        " AND action = 'MeterValues' ORDER BY id LIMIT ?"
    )
    return db.execute(sql, (key, after, PIECE)).fetchall()


def _spare(rows: Rows) -> Rows:
    return [(id_, state) for id_, state, blob in rows if spare_message(unpacked(blob))]


def _mark(db: sqlite3.Connection, key: str, reached: int) -> None:
    db.execute("UPDATE charge SET thinned = ? WHERE key = ?", (reached, key))


def _delete(db: sqlite3.Connection, rows: Rows) -> MessagesThinned:
    db.executemany("DELETE FROM message WHERE id = ?", ((id_,) for id_, _ in rows))
    waiting = tuple(id_ for id_, state in rows if state == 0)
    return MessagesThinned(waiting, len(rows) - len(waiting))
