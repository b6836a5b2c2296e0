"""What survives a power cut. The only module that speaks SQL.

One SQLite file in WAL mode with ``synchronous=FULL``: what ``commit`` has returned
for is on the disk. One writer; readers have a connection of their own.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from chargerd.core import effects
from chargerd.core.events import Standing, TagInfo
from chargerd.core.recovery import Interrupted
from chargerd.ocpp16 import records
from chargerd.ocpp16.records import Entry, Record, Snapshot
from chargerd.ocpp16.wire import Json

PAGE_BYTES: Final = 1024
"""Small pages: a commit writes whole pages, and flash wears by what is written."""
RESERVE_BYTES: Final = 512 * 1024
"""Kept free for the records of running transactions when the disk is full."""
KEPT_SESSIONS: Final = 5_000
KEPT_FAULTS: Final = 2_000

_PRAGMAS: Final = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 2000",
    "PRAGMA journal_size_limit = 4194304",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -512",
)


class StoreFailed(Exception):
    """The disk did not take a commit, or the file is damaged. The text says it."""


class Store:
    """One SQLite file, one connection, one writer."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; migrate it to the present schema.

        Raises:
            StoreFailed: The file cannot be opened or is damaged.
        """
        self._path = path
        self._reserve = path.with_suffix(".reserve")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._db = _connect(path)
            _migrate(self._db, path)
            path.chmod(0o600)
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"{path}: {error}; {_remedy(error)}") from error
        self.refill_reserve()

    def commit(self, batch: Iterable[Record]) -> None:
        """Write all records, or none. They are on the disk when this returns.

        Raises:
            StoreFailed: The disk is full or broken; nothing of the batch is written.
        """
        rows = tuple(batch)
        try:
            self._write(rows)
        except sqlite3.OperationalError as error:
            if not self._reserve.exists():
                raise StoreFailed(f"{self._path}: {error}; {_remedy(error)}") from error
            self._reserve.unlink()
            try:
                self._write(rows)
            except sqlite3.Error as again:
                text = f"{self._path}: {again}; {_remedy(again)}"
                raise StoreFailed(text) from again
        except sqlite3.Error as error:
            raise StoreFailed(f"{self._path}: {error}; {_remedy(error)}") from error

    def refill_reserve(self) -> bool:
        """Put the reserve back if there is room; tell whether it is there."""
        if self._reserve.exists():
            return True
        try:
            with self._reserve.open("xb") as file:
                file.write(bytes(RESERVE_BYTES))
        except OSError:
            self._reserve.unlink(missing_ok=True)
            return False
        return True

    def restore(self, now: datetime) -> Snapshot:
        """Return what a new process must know; close what the old one left open."""
        with self._db:
            self._db.execute(
                "UPDATE fault SET until = ? WHERE until IS NULL", (_t(now),)
            )
        return Snapshot(
            values={n: (v, o) for n, v, o in self._all("SELECT * FROM setting")},
            tags=tuple(
                (id_tag, TagInfo(Standing(standing), parent, _maybe(expires)))
                for id_tag, standing, parent, expires in self._all(
                    "SELECT id_tag, standing, parent, expires FROM tag ORDER BY at"
                )
            ),
            entries=self.load(0, 100),
            waiting=self._one("SELECT count(*) FROM message WHERE state = 0"),
            quarantined=self._one("SELECT count(*) FROM message WHERE state = 1"),
            last_message_id=self._one("SELECT max(value) FROM counter"),
            last_fault_id=self._one("SELECT max(id) FROM fault"),
            interrupted=tuple(
                Interrupted(key, connector, _m(at), meter_wh)
                for key, connector, at, meter_wh in self._all(
                    "SELECT key, connector, last_at, last_wh FROM charge"
                    " WHERE stop_at IS NULL ORDER BY start_at"
                )
            ),
            numbers=dict(
                self._all(
                    "SELECT key, number FROM charge WHERE stop_at IS NULL"
                    " OR key IN (SELECT key FROM message WHERE state = 0)"
                )
            ),
            stop_data=self._stop_data(),
            accepted_by=frozenset(c for (c,) in self._all("SELECT * FROM accepted_by")),
        )

    def load(self, after: int, limit: int) -> tuple[Entry, ...]:
        """Return the messages that wait for delivery, oldest first."""
        return tuple(
            Entry(id_, key, action, json.loads(payload), _m(at))
            for id_, key, action, payload, at in self._all(
                "SELECT id, key, action, payload, at FROM message"
                " WHERE state = 0 AND id > ? ORDER BY id LIMIT ?",
                (after, limit),
            )
        )

    def boot(self, id_: str) -> str | None:
        """Remember the id of this boot of the board; return the last one's."""
        with self._db:
            last = self._db.execute("SELECT id FROM boot").fetchone()
            if last != (id_,):
                self._db.execute("INSERT OR REPLACE INTO boot VALUES (1, ?)", (id_,))
        return last[0] if last else None

    def salvage(self, damaged: Path) -> int:
        """Copy every row that can still be read from a damaged file; count them."""
        saved = 0
        with closing(sqlite3.connect(damaged)) as old, self._db:
            tables = [
                t
                for (t,) in self._all(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                )
            ]
            for table in tables:
                # A damaged page ends the reading of its table, and of no other.
                with suppress(sqlite3.Error):
                    for row in old.execute(f"SELECT * FROM {table}"):
                        marks = ", ".join("?" * len(row))
                        insert = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"
                        self._db.execute(insert, row)
                        saved += 1
        return saved

    def reader(self) -> "Reader":
        """Return a connection for those who only look."""
        return Reader(self._path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, batch: Sequence[Record]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for record in batch:
                _WRITERS[type(record)](self._db, record)
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _stop_data(self) -> Mapping[str, tuple[Json, ...]]:
        kept: dict[str, list[Json]] = {}
        for key, value in self._all(
            "SELECT key, value FROM stop_value WHERE key IN"
            " (SELECT key FROM charge WHERE stop_at IS NULL) ORDER BY key, seq"
        ):
            kept.setdefault(key, []).append(json.loads(value))
        return {key: tuple(values) for key, values in kept.items()}

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0] or 0)


class Reader:
    """Looks into the store without disturbing its writer."""

    def __init__(self, path: Path) -> None:
        uri = f"file:{path}?mode=ro"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._db.row_factory = sqlite3.Row

    def charges(self, limit: int) -> list[dict[str, Any]]:
        """Return transactions, newest first, with the messages they still wait for."""
        return self._rows(
            "SELECT *, (SELECT count(*) FROM message m WHERE m.key = charge.key"
            " AND m.state = 0) AS waiting FROM charge ORDER BY start_at DESC LIMIT ?",
            (limit,),
        )

    def charges_like(self, beginning: str) -> list[dict[str, Any]]:
        """Return the transactions whose key begins so."""
        return self._rows(
            "SELECT *, (SELECT count(*) FROM message m WHERE m.key = charge.key"
            " AND m.state = 0) AS waiting FROM charge"
            " WHERE substr(key, 1, length(?1)) = ?1 ORDER BY start_at DESC LIMIT 20",
            (beginning,),
        )

    def notes(self, key: str) -> list[dict[str, Any]]:
        """Return the story of a transaction."""
        return self._rows(
            "SELECT at, what FROM note WHERE key = ? ORDER BY seq", (key,)
        )

    def messages(self, limit: int, key: str | None = None) -> list[dict[str, Any]]:
        """Return undelivered messages, oldest first; of one transaction or of all."""
        return self._rows(
            "SELECT * FROM message WHERE ?1 IS NULL OR key = ?1 ORDER BY id LIMIT ?2",
            (key, limit),
        )

    def faults(self, limit: int) -> list[dict[str, Any]]:
        """Return faults, newest first."""
        return self._rows("SELECT * FROM fault ORDER BY id DESC LIMIT ?", (limit,))

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _rows(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(sql, values).fetchall()]


def open_or_replace(path: Path, now: datetime) -> tuple[Store, str | None]:
    """Open the store; if it is damaged, set it aside and save what can be saved.

    Returns:
        The store, and what happened to the old one in words, if anything did.

    Raises:
        StoreFailed: Not even an empty store can be made there.
    """
    try:
        return Store(path), None
    except StoreFailed as error:
        if not path.exists() or not isinstance(error.__cause__, sqlite3.DatabaseError):
            raise
        if isinstance(error.__cause__, sqlite3.OperationalError):
            raise
        reason = str(error.__cause__)
    aside = path.with_suffix(f".damaged-{now:%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    path.rename(aside)
    store = Store(path)
    saved = store.salvage(aside)
    told = (
        f"the store was damaged ({reason}); it is kept as {aside}; saved {saved} rows"
    )
    return store, told


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        db.execute(pragma)
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    ((check,),) = db.execute("PRAGMA quick_check(1)").fetchall()
    if check != "ok":
        raise sqlite3.DatabaseError(check)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    steps = schema()
    if version > len(steps):
        raise sqlite3.NotSupportedError(
            f"schema {version} is of a newer chargerd; this one knows {len(steps)}"
        )
    for number, sql in enumerate(steps[version:], start=version + 1):
        db.executescript(f"BEGIN; {sql}; PRAGMA user_version = {number}; COMMIT;")


def schema() -> tuple[str, ...]:
    """Return the migrations, first to last."""
    folder = resources.files("chargerd") / "schema"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=str)
    return tuple(file.read_text("utf-8") for file in files)


def _remedy(error: Exception) -> str:
    text = str(error)
    if "full" in text or "space" in text:
        return "free space on this disk"
    if isinstance(error, PermissionError) or "readonly" in text or "unable" in text:
        return "make the directory writable for the user of chargerd"
    if isinstance(error, sqlite3.NotSupportedError):
        return "install that version, or move the file away"
    return "check the disk"


def _t(at: datetime) -> str:
    return at.isoformat()


def _m(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _m(text)


def _started(db: sqlite3.Connection, r: effects.TransactionStarted) -> None:
    db.execute(
        "INSERT INTO charge (key, connector, id_tag, parent, start_at, start_wh,"
        " last_at, last_wh) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            r.key,
            r.connector,
            r.id_tag,
            r.parent,
            _t(r.at),
            r.meter_wh,
            _t(r.at),
            r.meter_wh,
        ),
    )
    _prune(db, "charge", "start_at", KEPT_SESSIONS, "stop_at IS NOT NULL")


def _checkpoint(db: sqlite3.Connection, r: effects.TransactionCheckpoint) -> None:
    db.execute(
        "UPDATE charge SET last_at = ?, last_wh = ? WHERE key = ?",
        (_t(r.at), r.meter_wh, r.key),
    )


def _ended(db: sqlite3.Connection, r: effects.TransactionEnded) -> None:
    db.execute(
        "UPDATE charge SET stop_at = ?, stop_wh = ?, cause = ?, stop_tag = ?"
        " WHERE key = ?",
        (_t(r.at), r.meter_wh, str(r.cause), r.id_tag, r.key),
    )
    db.execute("DELETE FROM stop_value WHERE key = ?", (r.key,))


def _learned(db: sqlite3.Connection, r: effects.TagLearned) -> None:
    expires = _t(r.info.expires) if r.info.expires else None
    db.execute(
        "INSERT OR REPLACE INTO tag (id_tag, standing, parent, expires, at)"
        " VALUES (?, ?, ?, ?, ?)",
        (r.id_tag, str(r.info.standing), r.info.parent, expires, _t(r.at)),
    )


def _forgotten(db: sqlite3.Connection, r: effects.TagsForgotten) -> None:
    rows = ((tag,) for tag in r.id_tags)
    db.executemany("DELETE FROM tag WHERE id_tag = ?", rows)


def _fault_opened(db: sqlite3.Connection, r: effects.FaultOpened) -> None:
    db.execute(
        "INSERT INTO fault (id, connector, name, since, value) VALUES (?, ?, ?, ?, ?)",
        (r.id, r.connector, r.name, _t(r.at), r.value),
    )
    db.execute("DELETE FROM fault WHERE id <= ?", (r.id - KEPT_FAULTS,))


def _fault_closed(db: sqlite3.Connection, r: effects.FaultClosed) -> None:
    db.execute("UPDATE fault SET until = ? WHERE id = ?", (_t(r.at), r.id))


def _queued(db: sqlite3.Connection, r: records.MessageQueued) -> None:
    payload = json.dumps(r.payload, separators=(",", ":"))
    db.execute(
        "INSERT INTO message (id, key, action, payload, at) VALUES (?, ?, ?, ?, ?)",
        (r.id, r.key, r.action, payload, _t(r.at)),
    )
    db.execute("INSERT OR REPLACE INTO counter VALUES ('message', ?)", (r.id,))


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
    value = json.dumps(r.meter_value, separators=(",", ":"))
    _append(db, "stop_value", r.key, "value", (value,))


def _setting(db: sqlite3.Connection, r: records.KeyKept) -> None:
    db.execute(
        "INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", (r.name, r.value, r.origin)
    )


def _note(db: sqlite3.Connection, r: records.NoteKept) -> None:
    _append(db, "note", r.key, "at, what", (_t(r.at), r.what))


def _accepted(db: sqlite3.Connection, r: records.AcceptedOnce) -> None:
    db.execute("INSERT OR IGNORE INTO accepted_by VALUES (?)", (r.where,))


def _append(
    db: sqlite3.Connection, table: str, key: str, columns: str, values: Sequence[str]
) -> None:
    marks = ", ".join("?" * len(values))
    db.execute(
        f"INSERT INTO {table} (key, seq, {columns}) VALUES (?1, (SELECT"
        f" coalesce(max(seq), 0) + 1 FROM {table} WHERE key = ?1), {marks})",
        (key, *values),
    )


def _prune(
    db: sqlite3.Connection, table: str, order: str, keep: int, only: str
) -> None:
    db.execute(
        f"DELETE FROM {table} WHERE {only} AND {order} < (SELECT {order} FROM {table}"
        f" ORDER BY {order} DESC LIMIT 1 OFFSET ?)",
        (keep,),
    )


_WRITERS: Final[Mapping[type[Record], Callable[[sqlite3.Connection, Any], None]]] = {
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
}
