"""How each record is written: one function a record, and the table of them."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chargerd.core import effects
from chargerd.ocpp16 import records
from chargerd.ocpp16.records import Record
from chargerd.ocpp16.wire import Json

KEPT_SESSIONS: Final = 5_000
KEPT_FAULTS: Final = 2_000
KEPT_SECURITY_EVENTS: Final = 2_000


def time_text(at: datetime) -> str:
    """Return a time as it stands in the file."""
    return at.isoformat()


def packed(message: Json) -> bytes:
    """Return a message as it stands in the file: meter values shrink to a third."""
    return zlib.compress(json.dumps(message, separators=(",", ":")).encode())


def unpacked(blob: bytes) -> Json:
    """Return a message of the file."""
    message: Json = json.loads(zlib.decompress(blob))
    return message


def _started(db: sqlite3.Connection, r: effects.TransactionStarted) -> None:
    db.execute(
        "INSERT INTO charge (key, connector, id_tag, parent, start_at, start_wh,"
        " last_at, last_wh) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            r.key,
            r.connector,
            r.id_tag,
            r.parent,
            time_text(r.at),
            r.meter_wh,
            time_text(r.at),
            r.meter_wh,
        ),
    )
    _forget_old(db)


def _checkpoint(db: sqlite3.Connection, r: effects.TransactionCheckpoint) -> None:
    db.execute(
        "UPDATE charge SET last_at = ?, last_wh = ? WHERE key = ?",
        (time_text(r.at), r.meter_wh, r.key),
    )


def _ended(db: sqlite3.Connection, r: effects.TransactionEnded) -> None:
    db.execute(
        "UPDATE charge SET stop_at = ?, stop_wh = ?, cause = ?, stop_tag = ?"
        " WHERE key = ?",
        (time_text(r.at), r.meter_wh, str(r.cause), r.id_tag, r.key),
    )
    db.execute("DELETE FROM stop_value WHERE key = ?", (r.key,))


def _learned(db: sqlite3.Connection, r: effects.TagLearned) -> None:
    expires = time_text(r.info.expires) if r.info.expires else None
    db.execute(
        "INSERT OR REPLACE INTO tag (id_tag, standing, parent, expires, at)"
        " VALUES (?, ?, ?, ?, ?)",
        (r.id_tag, str(r.info.standing), r.info.parent, expires, time_text(r.at)),
    )


def _forgotten(db: sqlite3.Connection, r: effects.TagsForgotten) -> None:
    rows = ((tag,) for tag in r.id_tags)
    db.executemany("DELETE FROM tag WHERE id_tag = ?", rows)


def _fault_opened(db: sqlite3.Connection, r: effects.FaultOpened) -> None:
    db.execute(
        "INSERT INTO fault (id, connector, name, since, value) VALUES (?, ?, ?, ?, ?)",
        (r.id, r.connector, r.name, time_text(r.at), r.value),
    )
    db.execute("DELETE FROM fault WHERE id <= ?", (r.id - KEPT_FAULTS,))


def _fault_closed(db: sqlite3.Connection, r: effects.FaultClosed) -> None:
    db.execute("UPDATE fault SET until = ? WHERE id = ?", (time_text(r.at), r.id))


def _queued(db: sqlite3.Connection, r: records.MessageQueued) -> None:
    payload = packed(r.payload)
    db.execute(
        "INSERT INTO message (id, key, action, payload, at) VALUES (?, ?, ?, ?, ?)",
        (r.id, r.key, r.action, payload, time_text(r.at)),
    )


def _settled(db: sqlite3.Connection, r: records.MessageSettled) -> None:
    db.execute("DELETE FROM message WHERE id = ?", (r.id,))


def _quarantined(db: sqlite3.Connection, r: records.MessageQuarantined) -> None:
    db.execute(
        "UPDATE message SET state = 1, attempts = ?, error = ? WHERE id = ?",
        (r.attempts, r.error, r.id),
    )


def _numbered(db: sqlite3.Connection, r: records.TransactionNumberKept) -> None:
    db.execute("UPDATE charge SET number = ? WHERE key = ?", (r.number, r.key))


def _stop_value(db: sqlite3.Connection, r: records.StopDataKept) -> None:
    value = packed(r.meter_value)
    _append(db, "stop_value", r.key, "value", (value,))


def _setting(db: sqlite3.Connection, r: records.KeyKept) -> None:
    db.execute(
        "INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", (r.name, r.value, r.origin)
    )


def _note(db: sqlite3.Connection, r: records.NoteKept) -> None:
    _append(db, "note", r.key, "at, what", (time_text(r.at), r.what))


def _accepted(db: sqlite3.Connection, r: records.AcceptedOnce) -> None:
    db.execute("INSERT OR IGNORE INTO accepted_by VALUES (?)", (r.where,))


def _security_event(db: sqlite3.Connection, r: records.SecurityEventKept) -> None:
    event = r.event
    db.execute(
        "INSERT INTO security_event VALUES (?, ?, ?, ?, ?)",
        (r.id, str(event.type), time_text(event.at), event.info, r.waiting),
    )
    db.execute(
        "DELETE FROM security_event WHERE id <= ? AND NOT waiting",
        (r.id - KEPT_SECURITY_EVENTS,),
    )


def _security_settled(db: sqlite3.Connection, r: records.SecurityEventSettled) -> None:
    db.execute("UPDATE security_event SET waiting = 0 WHERE id = ?", (r.id,))


def _append(
    db: sqlite3.Connection, table: str, key: str, columns: str, values: Sequence[Any]
) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(
        f"INSERT INTO {table} (key, seq, {columns}) VALUES (?1, (SELECT"
        f" coalesce(max(seq), 0) + 1 FROM {table} WHERE key = ?1), {marks})",
        (key, *values),
    )


def _forget_old(db: sqlite3.Connection) -> None:
    old = db.execute(
        "SELECT key FROM charge WHERE stop_at IS NOT NULL"
        " AND key NOT IN (SELECT key FROM message WHERE state = 0)"
        " ORDER BY start_at DESC LIMIT -1 OFFSET ?",
        (KEPT_SESSIONS,),
    ).fetchall()
    for table in ("note", "charge"):
        db.executemany(f"DELETE FROM {table} WHERE key = ?", old)


WRITERS: Final[Mapping[type[Record], Callable[[sqlite3.Connection, Any], None]]] = {
    effects.TransactionStarted: _started,
    effects.TransactionCheckpoint: _checkpoint,
    effects.TransactionEnded: _ended,
    effects.TagLearned: _learned,
    effects.TagsForgotten: _forgotten,
    effects.FaultOpened: _fault_opened,
    effects.FaultClosed: _fault_closed,
    records.MessageQueued: _queued,
    records.MessageSettled: _settled,
    records.MessageQuarantined: _quarantined,
    records.TransactionNumberKept: _numbered,
    records.StopDataKept: _stop_value,
    records.KeyKept: _setting,
    records.NoteKept: _note,
    records.AcceptedOnce: _accepted,
    records.SecurityEventKept: _security_event,
    records.SecurityEventSettled: _security_settled,
}
