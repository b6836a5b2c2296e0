"""What survives a power cut. This package alone speaks SQL.

One SQLite file in WAL mode with ``synchronous=FULL``: what ``commit`` has returned
for is on the disk. One writer; readers have a connection of their own.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from chargerd.core.effects import AvailabilityKept
from chargerd.core.events import Reservation, Standing, TagInfo
from chargerd.core.locallist import LocalList
from chargerd.core.recovery import Interrupted
from chargerd.ocpp16.ledger import MOST_BLIND
from chargerd.ocpp16.records import Entry, Record, SecurityEventKept, Snapshot
from chargerd.ocpp16.security import SecurityEvent, SecurityEventType
from chargerd.ocpp16.wire import Json
from chargerd.store import profiles
from chargerd.store.rows import WRITERS, entry, time_text, unpacked
from chargerd.store.thinning import Piece, thin

PAGE_BYTES: Final = 512
"""Small pages: a commit writes whole pages, and flash wears by what is written."""
MOST_BYTES: Final = 192 * 1024 * 1024
"""Room for thirty days without a CSMS: two connectors, 48 transactions a day on each,
and 70 000 bytes for one, which is the most that scripts/bench allows to be written."""
MARGIN_BYTES: Final = 1024 * 1024
"""A disk with less than this, or than a twentieth of itself, is nearly full."""
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

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Open the file, or make it; migrate it to the present schema.

        Args:
            path: The file.
            most_bytes: How large it may grow before meter values have to go.

        Raises:
            StoreFailed: The file cannot be opened or is damaged.
        """
        self.path = path
        self.most_bytes = most_bytes
        self._reserve = path.with_suffix(".reserve")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._db = _opened(path)
            path.chmod(0o600)
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"{path}: {error}; {_remedy(error)}") from error
        self.refill_reserve()

    def commit(self, batch: Iterable[Record]) -> None:
        """Write all records, or none. They are on the disk when this returns.

        Raises:
            StoreFailed: The disk is full or broken; nothing of the batch is written.
        """
        records = tuple(batch)
        self._change(lambda: self._write(records))
        self.refill_reserve()

    def attempt(self, record: Record) -> None:
        """Write one record, or nothing; the reserve is not for what can be refused.

        Raises:
            StoreFailed: The disk is full or broken; nothing is written.
        """
        try:
            self._transact(lambda: self._write((record,)))
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def refill_reserve(self) -> bool:
        """Put the reserve back if there is ample room; tell whether it is there."""
        if self._reserve.exists():
            return True
        try:
            if shutil.disk_usage(self.path.parent).free < 2 * RESERVE_BYTES:
                return False
            with self._reserve.open("xb") as file:
                file.write(bytes(RESERVE_BYTES))
        except OSError:
            self._reserve.unlink(missing_ok=True)
            return False
        return True

    def restore(self, now: datetime) -> Snapshot:
        """Return what a new process must know; close what the old one left open.

        Raises:
            StoreFailed: The disk is full or broken.
        """
        close = "UPDATE fault SET until = ? WHERE until IS NULL"
        self._change(lambda: self._db.execute(close, (time_text(now),)))
        return Snapshot(
            values={n: (v, o) for n, v, o in self._all("SELECT * FROM setting")},
            tags=tuple(self._tags("tag ORDER BY at")),
            listed=LocalList(
                self._one("SELECT version FROM list_version"),
                MappingProxyType(dict(self._tags("listed"))),
            ),
            entries=self.load(0, 100),
            waiting=self._one("SELECT count(*) FROM message WHERE state = 0"),
            quarantined=self._one("SELECT count(*) FROM message WHERE state = 1"),
            last_message_id=self._one("SELECT max(id) FROM message"),
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
                    " OR (number IS NOT NULL AND EXISTS (SELECT 1 FROM message"
                    " WHERE message.key = charge.key AND state = 0))"
                )
            ),
            blind_stops=self._entries(
                "state = 2 AND EXISTS (SELECT 1 FROM message AS start WHERE"
                " start.key = message.key AND start.action = 'StartTransaction'"
                " AND start.state = 0) ORDER BY id LIMIT ?",
                (MOST_BLIND,),
            ),
            stop_data=self._stop_data(),
            accepted_by=frozenset(c for (c,) in self._all("SELECT * FROM accepted_by")),
            security_events=self._security_events(),
            last_security_event_id=self._one("SELECT max(id) FROM security_event"),
            availability=self._availability(),
            reservations=self._reservations(),
            profiles=tuple(
                profiles.read(*row)
                for row in self._all("SELECT * FROM profile ORDER BY id")
            ),
        )

    def load(self, after: int, limit: int) -> tuple[Entry, ...]:
        """Return the messages that wait for delivery, oldest first.

        Raises:
            StoreFailed: The disk is broken.
        """
        return self._entries("state = 0 AND id > ? ORDER BY id LIMIT ?", (after, limit))

    def last_moment(self) -> datetime | None:
        """Return the latest time that stands in the file.

        Raises:
            StoreFailed: The disk is broken.
        """
        columns = (
            ("charge", "last_at"),
            ("charge", "stop_at"),
            ("message", "at"),
            ("fault", "since"),
            ("security_event", "at"),
        )
        queries = (
            f"SELECT max({column}) AS at FROM {table}" for table, column in columns
        )
        latest = f"SELECT max(at) FROM ({' UNION ALL '.join(queries)})"
        return _moment(self._all(latest)[0][0])

    def left_bytes(self) -> int:
        """Return how much room is left before meter values have to go.

        The file may grow so far, and the disk may fill up so far; what the file has
        free inside counts for both.

        Raises:
            StoreFailed: The disk is broken.
        """
        pages, free = self._one("PRAGMA page_count"), self._one("PRAGMA freelist_count")
        disk = shutil.disk_usage(self.path.parent)
        margin = min(MARGIN_BYTES, disk.total // 20)
        return min(
            self.most_bytes - (pages - free) * PAGE_BYTES,
            disk.free + free * PAGE_BYTES - margin,
        )

    def thin(self) -> Piece:
        """Let go of some meter values, in the order that costs no bill.

        Raises:
            StoreFailed: The disk is full or broken; nothing is gone.
        """
        found: list[Piece] = []
        self._change(lambda: found.append(thin(self._db)))
        return found[-1]

    def boot(self, id_: str) -> str | None:
        """Remember the id of this boot of the board; return the last one's.

        Raises:
            StoreFailed: The disk is full or broken.
        """
        last = self._all("SELECT id FROM boot")
        if last != [(id_,)]:
            keep = "INSERT OR REPLACE INTO boot VALUES (1, ?)"
            self._change(lambda: self._db.execute(keep, (id_,)))
        return last[0][0] if last else None

    def salvage(self, damaged: Path) -> int:
        """Copy every row that can still be read from a damaged file; count them.

        Raises:
            StoreFailed: The disk is full or broken.
        """
        with closing(sqlite3.connect(damaged)) as old:
            old.row_factory = sqlite3.Row
            self._change(lambda: self._copy(old))
        tables = self._all(_TABLES)
        return sum(self._one(f"SELECT count(*) FROM {table}") for (table,) in tables)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, records: Sequence[Record]) -> None:
        for record in records:
            WRITERS[type(record)](self._db, record)

    def _copy(self, old: sqlite3.Connection) -> None:
        for (table,) in self._all(_TABLES):
            for row in _readable(old, table):
                names, marks = ", ".join(row.keys()), ", ".join("?" * len(row))
                insert = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"
                # What is damaged in itself is not of the type that its column wants.
                with suppress(sqlite3.IntegrityError):
                    self._db.execute(insert, tuple(row))

    def _change(self, work: Callable[[], object]) -> None:
        """Do ``work`` wholly or not at all; it may cost the reserve."""
        try:
            self._transact(work)
        except sqlite3.OperationalError as error:
            if not self._reserve.exists():
                raise self._failed(error) from error
            self._reserve.unlink()
            try:
                self._transact(work)
            except sqlite3.Error as again:
                raise self._failed(again) from again
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _transact(self, work: Callable[[], object]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _failed(self, error: Exception) -> StoreFailed:
        return StoreFailed(f"{self.path}: {error}; {_remedy(error)}")

    def _stop_data(self) -> Mapping[str, tuple[Json, ...]]:
        kept: dict[str, list[Json]] = {}
        for key, value in self._all(
            "SELECT key, value FROM stop_value WHERE key IN"
            " (SELECT key FROM charge WHERE stop_at IS NULL) ORDER BY key, seq"
        ):
            kept.setdefault(key, []).append(unpacked(value))
        return {key: tuple(values) for key, values in kept.items()}

    def _security_events(self) -> tuple[SecurityEventKept, ...]:
        return tuple(
            SecurityEventKept(
                id_,
                SecurityEvent(
                    SecurityEventType(type_), datetime.fromisoformat(at), info
                ),
            )
            for id_, type_, at, info in self._all(
                "SELECT id, type, at, info FROM security_event"
                " WHERE waiting ORDER BY id"
            )
        )

    def _entries(self, where: str, values: Sequence[Any]) -> tuple[Entry, ...]:
        sql = f"SELECT id, key, action, payload, at FROM message WHERE {where}"
        return tuple(entry(row) for row in self._all(sql, values))

    def _availability(self) -> tuple[AvailabilityKept, ...]:
        sql = "SELECT * FROM availability ORDER BY connector"
        return tuple(
            AvailabilityKept(
                n, bool(on), bool(later), origin, datetime.fromisoformat(at)
            )
            for n, on, later, origin, at in self._all(sql)
        )

    def _reservations(self) -> tuple[Reservation, ...]:
        return tuple(
            Reservation(id_, n, id_tag, datetime.fromisoformat(expires), parent)
            for id_, n, id_tag, expires, parent in self._all(
                "SELECT * FROM reservation ORDER BY id"
            )
        )

    def _tags(self, table: str) -> Iterator[tuple[str, TagInfo]]:
        columns = "SELECT id_tag, standing, parent, expires FROM"
        for id_tag, standing, parent, expires in self._all(f"{columns} {table}"):
            yield id_tag, TagInfo(Standing(standing), parent, _moment(expires))

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _one(self, sql: str) -> int:
        rows = self._all(sql)
        return int(rows[0][0] or 0) if rows else 0


_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _readable(db: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    # A damaged page ends the reading of its table, and of no other.
    with suppress(sqlite3.Error):
        yield from db.execute(f"SELECT * FROM {table}")


def _migrate(db: sqlite3.Connection) -> None:
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
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "move the file that is in the way of the directory"
    if isinstance(error, PermissionError) or "readonly" in text or "unable" in text:
        return "make the directory writable for the user of chargerd"
    if isinstance(error, sqlite3.NotSupportedError):
        return "install that version, or move the file away"
    return "check the disk"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
