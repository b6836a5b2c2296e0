"""What the file tells a process that starts."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from chargerd.core.effects import AvailabilityKept, FaultOpened
from chargerd.core.events import Reservation, Standing, TagInfo
from chargerd.core.locallist import LocalList
from chargerd.core.recovery import Interrupted
from chargerd.core.register import Register
from chargerd.ocpp16.ledger import MOST_BLIND
from chargerd.ocpp16.records import (
    Drawer,
    Entry,
    SecurityEventKept,
    Sheet,
    Snapshot,
)
from chargerd.ocpp16.security import SecurityEvent, SecurityEventType
from chargerd.ocpp16.wire import Json
from chargerd.store import profiles
from chargerd.store.packing import unpacked
from chargerd.store.rows import ENTRY, entry
from chargerd.store.times import maybe_moment

_FIRST_ENTRIES: Final = 100
_TIMES: Final = (
    ("charge", "last_at"),
    ("charge", "stop_at"),
    ("message", "at"),
    ("fault", "since"),
    ("security_event", "at"),
)


def snapshot(db: sqlite3.Connection) -> Snapshot:
    """Return everything that a new process must know."""
    return Snapshot(
        values={n: (v, o) for n, v, o in db.execute("SELECT * FROM setting")},
        tags=tuple(_tags(db, "tag ORDER BY at")),
        listed=LocalList(
            number(db, "SELECT version FROM list_version"),
            MappingProxyType(dict(_tags(db, "listed"))),
        ),
        entries=entries(db, 0, _FIRST_ENTRIES),
        waiting=number(db, "SELECT count(*) FROM message WHERE state = 0"),
        quarantined=number(db, "SELECT count(*) FROM message WHERE state = 1"),
        last_message_id=number(db, "SELECT max(id) FROM message"),
        last_fault_id=number(db, "SELECT max(id) FROM fault"),
        kept_faults=tuple(_kept_faults(db)),
        interrupted=_interrupted(db),
        numbers=_numbers(db),
        blind_stops=_blind_stops(db),
        stop_data=_stop_data(db),
        accepted_by=frozenset(c for (c,) in db.execute("SELECT * FROM accepted_by")),
        security_events=_security_events(db),
        last_security_event_id=number(db, "SELECT max(id) FROM security_event"),
        availability=_availability(db),
        reservations=_reservations(db),
        profiles=tuple(
            profiles.read(*row)
            for row in db.execute("SELECT * FROM profile ORDER BY id")
        ),
        registers=tuple(_registers(db)),
        drawers=_drawers(db),
    )


def _kept_faults(db: sqlite3.Connection) -> Iterator[FaultOpened]:
    sql = "SELECT id, connector, name, since, value FROM fault WHERE until IS NULL"
    for id_, connector, name, since, value in db.execute(f"{sql} ORDER BY id"):
        at = datetime.fromisoformat(since)
        yield FaultOpened(id_, connector, name, at, value)


def entries(db: sqlite3.Connection, after: int, limit: int) -> tuple[Entry, ...]:
    """Return the messages that wait for delivery, oldest first."""
    return _entries(db, "state = 0 AND id > ? ORDER BY id LIMIT ?", (after, limit))


def last_moment(db: sqlite3.Connection) -> datetime | None:
    """Return the latest time that stands in the file."""
    queries = (f"SELECT max({column}) AS at FROM {table}" for table, column in _TIMES)
    latest = f"SELECT max(at) FROM ({' UNION ALL '.join(queries)})"
    (text,) = db.execute(latest).fetchone()
    return maybe_moment(text)


def number(db: sqlite3.Connection, sql: str) -> int:
    """Return the one number of a query; nothing counts as zero."""
    row = db.execute(sql).fetchone()
    return int(row[0] or 0) if row else 0


def _interrupted(db: sqlite3.Connection) -> tuple[Interrupted, ...]:
    return tuple(
        Interrupted(key, connector, datetime.fromisoformat(at), meter_wh)
        for key, connector, at, meter_wh in db.execute(
            "SELECT key, connector, last_at, last_wh FROM charge"
            " WHERE stop_at IS NULL ORDER BY start_at"
        )
    )


def _numbers(db: sqlite3.Connection) -> Mapping[str, int | None]:
    return dict(
        db.execute(
            "SELECT key, number FROM charge WHERE stop_at IS NULL"
            " OR (number IS NOT NULL AND EXISTS (SELECT 1 FROM message"
            " WHERE message.key = charge.key AND state = 0))"
        ).fetchall()
    )


def _blind_stops(db: sqlite3.Connection) -> tuple[Entry, ...]:
    return _entries(
        db,
        "state = 2 AND EXISTS (SELECT 1 FROM message AS start WHERE"
        " start.key = message.key AND start.action = 'StartTransaction'"
        " AND start.state = 0) ORDER BY id LIMIT ?",
        (MOST_BLIND,),
    )


def _stop_data(db: sqlite3.Connection) -> Mapping[str, tuple[Json, ...]]:
    kept: dict[str, list[Json]] = {}
    for key, value in db.execute(
        "SELECT key, value FROM stop_value WHERE key IN"
        " (SELECT key FROM charge WHERE stop_at IS NULL) ORDER BY key, seq"
    ):
        kept.setdefault(key, []).append(unpacked(value))
    return {key: tuple(values) for key, values in kept.items()}


def _security_events(db: sqlite3.Connection) -> tuple[SecurityEventKept, ...]:
    return tuple(
        SecurityEventKept(
            id_,
            SecurityEvent(SecurityEventType(type_), datetime.fromisoformat(at), info),
        )
        for id_, type_, at, info in db.execute(
            "SELECT id, type, at, info FROM security_event WHERE waiting ORDER BY id"
        )
    )


def _availability(db: sqlite3.Connection) -> tuple[AvailabilityKept, ...]:
    return tuple(
        AvailabilityKept(n, bool(on), bool(later), origin, datetime.fromisoformat(at))
        for n, on, later, origin, at in db.execute(
            "SELECT * FROM availability ORDER BY connector"
        )
    )


def _reservations(db: sqlite3.Connection) -> tuple[Reservation, ...]:
    return tuple(
        Reservation(id_, n, id_tag, datetime.fromisoformat(expires), parent)
        for id_, n, id_tag, expires, parent in db.execute(
            "SELECT * FROM reservation ORDER BY id"
        )
    )


def _drawers(db: sqlite3.Connection) -> Mapping[Drawer, Mapping[str, Sheet]]:
    drawers: dict[Drawer, dict[str, Sheet]] = {}
    sql = "SELECT drawer, name, sheet FROM sheet ORDER BY seq"
    for drawer, name, sheet in db.execute(sql):
        drawers.setdefault(Drawer(drawer), {})[name] = json.loads(sheet)
    return drawers


def _registers(db: sqlite3.Connection) -> Iterator[Register]:
    """Yield the meters, each as far as its last transaction knows it to have come."""
    for row in db.execute("SELECT * FROM register ORDER BY connector").fetchall():
        number_, raw_wh, offset_wh, at, *rest = row
        kept = Register(number_, raw_wh, offset_wh, datetime.fromisoformat(at), *rest)
        billed = db.execute(
            "SELECT coalesce(stop_wh, last_wh), last_at FROM charge"
            " WHERE connector = ? ORDER BY start_at DESC LIMIT 1",
            (number_,),
        ).fetchone()
        if billed is not None and billed[0] > kept.public_wh:
            came_wh, at = billed[0] - offset_wh, datetime.fromisoformat(billed[1])
            kept = replace(kept, raw_wh=came_wh, at=at)
        yield kept


def _tags(db: sqlite3.Connection, table: str) -> Iterator[tuple[str, TagInfo]]:
    columns = "SELECT id_tag, standing, parent, expires FROM"
    for id_tag, standing, parent, expires in db.execute(f"{columns} {table}"):
        yield id_tag, TagInfo(Standing(standing), parent, maybe_moment(expires))


def _entries(
    db: sqlite3.Connection, where: str, values: Sequence[Any]
) -> tuple[Entry, ...]:
    sql = f"SELECT {ENTRY} FROM message WHERE {where}"
    return tuple(entry(row) for row in db.execute(sql, values))
