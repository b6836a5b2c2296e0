"""What survives a power cut. This package alone speaks SQL.

One SQLite file in WAL mode with ``synchronous=FULL``: what ``commit`` has returned
for is on the disk. One writer; readers have a connection of their own.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from chargerd.core.events import Standing, TagInfo
from chargerd.core.recovery import Interrupted
from chargerd.ocpp16.records import Entry, Record, Snapshot
from chargerd.ocpp16.wire import Json
from chargerd.store.rows import WRITERS, time_text

PAGE_BYTES: Final = 1024
"""Small pages: a commit writes whole pages, and flash wears by what is written."""
RESERVE_BYTES: Final = 512 * 1024
"""Kept free for the records of running transactions when the disk is full."""

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
        self.path = path
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
                raise StoreFailed(f"{self.path}: {error}; {_remedy(error)}") from error
            self._reserve.unlink()
            try:
                self._write(rows)
            except sqlite3.Error as again:
                text = f"{self.path}: {again}; {_remedy(again)}"
                raise StoreFailed(text) from again
        except sqlite3.Error as error:
            raise StoreFailed(f"{self.path}: {error}; {_remedy(error)}") from error

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
                "UPDATE fault SET until = ? WHERE until IS NULL", (time_text(now),)
            )
        return Snapshot(
            values={n: (v, o) for n, v, o in self._all("SELECT * FROM setting")},
            tags=tuple(
                (id_tag, TagInfo(Standing(standing), parent, _moment(expires)))
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
                Interrupted(key, connector, datetime.fromisoformat(at), meter_wh)
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
            Entry(id_, key, action, json.loads(payload), datetime.fromisoformat(at))
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

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, batch: Sequence[Record]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for record in batch:
                WRITERS[type(record)](self._db, record)
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
    folder = resources.files("chargerd.store") / "schema"
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


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
