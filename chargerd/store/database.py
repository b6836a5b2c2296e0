"""What survives a power cut. This package alone speaks SQL.

One SQLite file in WAL mode with ``synchronous=FULL``: what ``commit`` has returned
for is on the disk. One writer; readers have a connection of their own.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from chargerd.core.faults import KEPT
from chargerd.ocpp16.records import Entry, Record, Snapshot
from chargerd.store import memory
from chargerd.store.memory import number
from chargerd.store.opening import opened, space
from chargerd.store.rows import WRITERS
from chargerd.store.thinning import Piece, thin
from chargerd.store.times import time_text

T = TypeVar("T")

MOST_BYTES: Final = 192 * 1024 * 1024
"""Room for thirty days without a CSMS: two connectors, 48 transactions a day on each,
and 70 000 bytes for one, which is the most that scripts/bench allows to be written."""
MARGIN_BYTES: Final = 1024 * 1024
"""A disk with less than this, or than a twentieth of itself, is nearly full."""
RESERVE_BYTES: Final = 512 * 1024
"""Kept free for the records of running transactions when the disk is full."""


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
            _make_private(path)
            self._db = opened(path)
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
        marks = ", ".join("?" * len(KEPT))
        close = "UPDATE fault SET until = ? WHERE until IS NULL"
        stale = f"{close} AND name NOT IN ({marks})"
        self._change(lambda: self._db.execute(stale, (time_text(now), *KEPT)))
        return self._read(memory.snapshot)

    def load(self, after: int, limit: int) -> tuple[Entry, ...]:
        """Return the messages that wait for delivery, oldest first.

        Raises:
            StoreFailed: The disk is broken.
        """
        return self._read(lambda db: memory.entries(db, after, limit))

    def last_moment(self) -> datetime | None:
        """Return the latest time that stands in the file.

        Raises:
            StoreFailed: The disk is broken.
        """
        return self._read(memory.last_moment)

    def left_bytes(self) -> int:
        """Return how much room is left before meter values have to go.

        The file may grow so far, and the disk may fill up so far; what the file has
        free inside counts for both.

        Raises:
            StoreFailed: The disk is broken.
        """
        used_bytes, free_bytes = self._read(space)
        disk = shutil.disk_usage(self.path.parent)
        margin = min(MARGIN_BYTES, disk.total // 20)
        return min(
            self.most_bytes - used_bytes,
            disk.free + free_bytes - margin,
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
        last = self._read(lambda db: db.execute("SELECT id FROM boot").fetchall())
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
        return self._read(
            lambda db: sum(number(db, f"SELECT count(*) FROM {t}") for t in _tables(db))
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, records: Sequence[Record]) -> None:
        for record in records:
            WRITERS[type(record)](self._db, record)

    def _copy(self, old: sqlite3.Connection) -> None:
        for table in _tables(self._db):
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

    def _read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return look(self._db)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreFailed:
        return StoreFailed(f"{self.path}: {error}; {_remedy(error)}")


def _tables(db: sqlite3.Connection) -> list[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return [name for (name,) in db.execute(sql)]


def _readable(db: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    # A damaged page ends the reading of its table, and of no other.
    with suppress(sqlite3.Error):
        yield from db.execute(f"SELECT * FROM {table}")


def _make_private(path: Path) -> None:
    """Let the daemon alone read the file, in which keys are; make it if need be.

    SQLite gives what it puts beside a file the mode that the file has then.
    """
    with suppress(OSError):  # which SQLite tells better
        path.touch(0o600)
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if each.is_file():
            each.chmod(0o600)


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
