"""How each record is written: one function a record, and the table of them."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from chargerd.core import effects
from chargerd.core.events import TagInfo
from chargerd.core.faults import KEPT
from chargerd.ocpp16 import records
from chargerd.ocpp16.records import Entry, Record
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import moved
from chargerd.store import profiles
from chargerd.store.packing import packed, unpacked
from chargerd.store.times import maybe_text, time_text

KEPT_SESSIONS: Final = 5_000
KEPT_FAULTS: Final = 2_000
KEPT_SECURITY_EVENTS: Final = 2_000


ENTRY: Final = "id, key, action, payload, at"
"""The columns of ``entry``."""


def entry(row: Sequence[Any]) -> Entry:
    """Return a message of the file."""
    id_, key, action, payload, at = row
    return Entry(id_, key, action, unpacked(payload), datetime.fromisoformat(at))


def _started(db: sqlite3.Connection, r: effects.TransactionStarted) -> None:
    db.execute(
        "INSERT INTO charge (key, connector, id_tag, parent, start_at, start_wh,"
        " last_at, last_wh, reservation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            r.key,
            r.connector,
            r.id_tag,
            r.parent,
            time_text(r.at),
            r.meter_wh,
            time_text(r.at),
            r.meter_wh,
            r.reservation,
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


def _register(db: sqlite3.Connection, r: effects.RegisterKept) -> None:
    kept = r.register
    db.execute(
        "INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            kept.connector,
            kept.raw_wh,
            kept.offset_wh,
            time_text(kept.at),
            kept.serial,
            kept.export_wh,
            kept.export_offset_wh,
        ),
    )


def _exchanged(db: sqlite3.Connection, r: effects.MeterExchanged) -> None:
    before, after = r.before, r.after
    db.execute(
        "INSERT INTO exchange (connector, at, why, old_serial, new_serial, old_wh,"
        " new_wh, offset_wh) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            after.connector,
            time_text(r.at),
            str(r.why),
            before.serial,
            after.serial,
            before.raw_wh,
            after.raw_wh,
            after.offset_wh,
        ),
    )


def _learned(db: sqlite3.Connection, r: effects.TagLearned) -> None:
    db.execute(
        "INSERT OR REPLACE INTO tag (id_tag, standing, parent, expires, at)"
        " VALUES (?, ?, ?, ?, ?)",
        (*_tag(r.id_tag, r.info), time_text(r.at)),
    )


def _forgotten(db: sqlite3.Connection, r: effects.TagsForgotten) -> None:
    _delete_tags(db, "tag", r.id_tags)


def _list(db: sqlite3.Connection, r: effects.ListKept) -> None:
    if r.whole:
        db.execute("DELETE FROM listed")
    _delete_tags(db, "listed", r.gone)
    db.executemany(
        "INSERT OR REPLACE INTO listed (id_tag, standing, parent, expires)"
        " VALUES (?, ?, ?, ?)",
        (_tag(id_tag, info) for id_tag, info in r.put),
    )
    _delete_tags(db, "tag", r.uncached)
    db.execute("INSERT OR REPLACE INTO list_version VALUES (1, ?)", (r.version,))


def _tag(id_tag: str, info: TagInfo) -> tuple[str | None, ...]:
    return id_tag, str(info.standing), info.parent, maybe_text(info.expires)


def _delete_tags(db: sqlite3.Connection, table: str, id_tags: Sequence[str]) -> None:
    rows = ((id_tag,) for id_tag in id_tags)
    db.executemany(f"DELETE FROM {table} WHERE id_tag = ?", rows)


def _availability(db: sqlite3.Connection, r: effects.AvailabilityKept) -> None:
    db.execute(
        "INSERT OR REPLACE INTO availability VALUES (?, ?, ?, ?, ?)",
        (r.connector, r.operative, r.scheduled, r.origin, time_text(r.at)),
    )


def _reserved(db: sqlite3.Connection, r: effects.ReservationKept) -> None:
    kept = r.reservation
    db.execute(
        "INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?, ?)",
        (kept.id, kept.connector, kept.id_tag, time_text(kept.expires), kept.parent),
    )


def _unreserved(db: sqlite3.Connection, r: effects.ReservationEnded) -> None:
    db.execute("DELETE FROM reservation WHERE id = ?", (r.id,))


def _profile(db: sqlite3.Connection, r: effects.ProfileKept) -> None:
    kept = r.profile
    db.execute(
        "INSERT OR REPLACE INTO profile VALUES (?, ?, ?)",
        (kept.id, kept.connector, profiles.written(kept)),
    )


def _profiles_dropped(db: sqlite3.Connection, r: effects.ProfilesDropped) -> None:
    db.executemany("DELETE FROM profile WHERE id = ?", ((id_,) for id_ in r.ids))


def _fault_opened(db: sqlite3.Connection, r: effects.FaultOpened) -> None:
    db.execute(
        "INSERT INTO fault (id, connector, name, since, value) VALUES (?, ?, ?, ?, ?)",
        (r.id, r.connector, r.name, time_text(r.at), r.value),
    )
    held = f"until IS NULL AND name IN ({', '.join('?' * len(KEPT))})"
    old = f"DELETE FROM fault WHERE id <= ? AND NOT ({held})"
    db.execute(old, (r.id - KEPT_FAULTS, *KEPT))


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


def _retried(db: sqlite3.Connection, r: records.MessageRetried) -> None:
    db.execute("UPDATE message SET state = 0, attempts = 0 WHERE id = ?", (r.id,))


def _dropped(db: sqlite3.Connection, r: records.MessageDropped) -> None:
    # Without its start, a stop that was told blindly has nothing to wait for.
    db.execute(
        "DELETE FROM message WHERE state = 2 AND key = (SELECT key FROM message"
        " WHERE id = ? AND action = 'StartTransaction')",
        (r.id,),
    )
    db.execute("DELETE FROM message WHERE id = ?", (r.id,))


def _told_blind(db: sqlite3.Connection, r: records.StopToldBlind) -> None:
    db.execute(
        "UPDATE message SET state = 2 WHERE id = ? AND EXISTS (SELECT 1"
        " FROM message AS start WHERE start.key = message.key"
        " AND start.action = 'StartTransaction')",
        (r.id,),
    )
    # It may have been given up before it was answered.
    db.execute("DELETE FROM message WHERE id = ? AND state <> 2", (r.id,))


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


def _security_cleared(db: sqlite3.Connection, _r: records.SecurityLogCleared) -> None:
    # that it was cleared before stays in it too
    db.execute(
        "DELETE FROM security_event WHERE NOT waiting AND type != ?",
        (str(SecurityEventType.LOG_CLEARED),),
    )


def _sheet(db: sqlite3.Connection, r: records.SheetKept) -> None:
    db.execute(
        "INSERT INTO sheet (drawer, name, sheet) VALUES (?, ?, ?)"
        " ON CONFLICT (drawer, name) DO UPDATE SET sheet = excluded.sheet",
        (str(r.drawer), r.name, json.dumps(dict(r.sheet))),
    )


def _no_sheet(db: sqlite3.Connection, r: records.SheetDropped) -> None:
    db.execute(
        "DELETE FROM sheet WHERE drawer = ? AND name = ?", (str(r.drawer), r.name)
    )


def _clock(db: sqlite3.Connection, r: records.ClockCorrected) -> None:
    by = timedelta(seconds=r.step_s)
    for id_, key, payload, at in db.execute(
        "SELECT id, key, payload, at FROM message WHERE id > ?", (r.messages_after,)
    ).fetchall():
        if key in ("", *r.keys):
            told = packed(moved(unpacked(payload), by))
            update = "UPDATE message SET payload = ?, at = ? WHERE id = ?"
            db.execute(update, (told, _later(at, by), id_))
    for id_, at in db.execute(
        "SELECT id, at FROM security_event WHERE id > ?", (r.security_events_after,)
    ).fetchall():
        update = "UPDATE security_event SET at = ? WHERE id = ?"
        db.execute(update, (_later(at, by), id_))
    for key in r.keys:
        _move_charge(db, key, by)


def _move_charge(db: sqlite3.Connection, key: str, by: timedelta) -> None:
    found = "SELECT start_at, last_at, stop_at FROM charge WHERE key = ?"
    for times in db.execute(found, (key,)).fetchall():
        update = (
            "UPDATE charge SET start_at = ?, last_at = ?, stop_at = ? WHERE key = ?"
        )
        db.execute(update, (*(at and _later(at, by) for at in times), key))
    found = "SELECT seq, value FROM stop_value WHERE key = ?"
    for seq, value in db.execute(found, (key,)).fetchall():
        told = packed(moved(unpacked(value), by))
        update = "UPDATE stop_value SET value = ? WHERE key = ? AND seq = ?"
        db.execute(update, (told, key, seq))


def _later(at: str, by: timedelta) -> str:
    return time_text(datetime.fromisoformat(at) + by)


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
    """Forget a few of the oldest transactions whose messages are all told."""
    (count,) = db.execute("SELECT count(*) FROM charge").fetchone()
    if count <= KEPT_SESSIONS:
        return
    old = db.execute(
        "SELECT key FROM (SELECT key, stop_at FROM charge ORDER BY start_at LIMIT ?)"
        " AS oldest WHERE stop_at IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM message WHERE message.key = oldest.key) LIMIT ?",
        (_LOOKED_AT, min(count - KEPT_SESSIONS, _FORGOTTEN_AT_ONCE)),
    ).fetchall()
    for table in ("note", "charge"):
        db.executemany(f"DELETE FROM {table} WHERE key = ?", old)


_FORGOTTEN_AT_ONCE: Final = 20
_LOOKED_AT: Final = 500
"""So many of the oldest; after long without a CSMS all of them may have messages."""


WRITERS: Final[Mapping[type[Record], Callable[[sqlite3.Connection, Any], None]]] = {
    effects.TransactionStarted: _started,
    effects.TransactionCheckpoint: _checkpoint,
    effects.TransactionEnded: _ended,
    effects.RegisterKept: _register,
    effects.MeterExchanged: _exchanged,
    effects.TagLearned: _learned,
    effects.TagsForgotten: _forgotten,
    effects.AvailabilityKept: _availability,
    effects.ReservationKept: _reserved,
    effects.ReservationEnded: _unreserved,
    effects.ListKept: _list,
    effects.ProfileKept: _profile,
    effects.ProfilesDropped: _profiles_dropped,
    effects.FaultOpened: _fault_opened,
    effects.FaultClosed: _fault_closed,
    records.MessageQueued: _queued,
    records.MessageSettled: _settled,
    records.MessageQuarantined: _quarantined,
    records.MessageRetried: _retried,
    records.MessageDropped: _dropped,
    records.StopToldBlind: _told_blind,
    records.TransactionNumberKept: _numbered,
    records.StopDataKept: _stop_value,
    records.KeyKept: _setting,
    records.NoteKept: _note,
    records.AcceptedOnce: _accepted,
    records.SecurityEventKept: _security_event,
    records.SecurityEventSettled: _security_settled,
    records.SecurityLogCleared: _security_cleared,
    records.ClockCorrected: _clock,
    records.SheetKept: _sheet,
    records.SheetDropped: _no_sheet,
}
