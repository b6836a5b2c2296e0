"""What is committed comes back, whole or not at all, in bounds."""

import json
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from chargerd.core import effects
from chargerd.core.effects import FaultClosed, FaultOpened
from chargerd.core.events import Standing, TagInfo
from chargerd.core.reasons import ORDINARY, Cause
from chargerd.ocpp16 import records
from chargerd.ocpp16.records import Record, Snapshot
from chargerd.store import rows
from chargerd.store.database import RESERVE_BYTES, Store, StoreFailed
from chargerd.store.opening import schema
from chargerd.store.packing import unpacked
from chargerd.store.reader import Reader
from chargerd.store.rows import WRITERS
from tests.store.golden import GOLDEN, content
from tests.store.samples import (
    EARLY,
    HISTORY,
    LATE,
    REMEMBERED,
    T0,
    at,
    ended,
    queued,
    remembered,
    started,
)


@contextmanager
def reopened(path: Path) -> Iterator[Store]:
    store = Store(path)
    try:
        yield store
    finally:
        store.close()


def legible(dump: str) -> str:
    """Inflate what is deflated: two deflaters need not agree on the bytes."""

    def inflated(blob: re.Match[str]) -> str:
        return json.dumps(unpacked(bytes.fromhex(blob[1])))

    return re.sub(r"X'([0-9A-F]+)'", inflated, dump)


def test_every_record_has_a_writer_and_a_sample() -> None:
    every = set(get_args(Record))
    assert set(WRITERS) == every
    assert {type(record) for record in HISTORY} == every


def test_an_empty_store_remembers_nothing(store: Store) -> None:
    assert store.restore(T0) == Snapshot()


def test_what_was_committed_is_remembered_by_the_next_process(path: Path) -> None:
    with reopened(path) as store:
        store.commit(HISTORY)
    with reopened(path) as store:
        assert store.restore(T0) == REMEMBERED


def test_one_record_at_a_time_is_as_good_as_all_at_once(path: Path) -> None:
    with reopened(path) as store:
        for record in HISTORY:
            store.commit((record,))
        assert store.restore(T0) == REMEMBERED


@pytest.mark.parametrize("index", range(len(HISTORY)))
def test_every_record_changes_what_is_kept(
    store: Store, path: Path, index: int
) -> None:
    store.commit(HISTORY[:index])
    before = content(path)

    store.commit((HISTORY[index],))

    assert content(path) != before


def test_a_batch_with_one_wrong_record_leaves_no_trace(
    store: Store, path: Path
) -> None:
    store.commit(HISTORY)
    before = content(path)

    with pytest.raises(StoreFailed, match="UNIQUE constraint failed: message.id"):
        store.commit((queued(7), ended(), queued(5)))

    assert content(path) == before
    store.commit((queued(7),))
    assert [entry.id for entry in store.load(5, 100)] == [7]


@pytest.mark.requirement("LIST-17")
def test_an_attempt_that_fails_leaves_no_trace_and_costs_no_reserve(
    store: Store, path: Path
) -> None:
    store.commit(HISTORY)
    before = content(path)
    bad = (("04X", TagInfo(Standing.ACCEPTED)), (None, TagInfo(Standing.ACCEPTED)))
    broken = effects.ListKept(5, True, bad)  # type: ignore[arg-type]
    with pytest.raises(StoreFailed, match="NOT NULL constraint failed"):
        store.attempt(broken)
    assert content(path) == before
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        store._db.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(StoreFailed, match="locked"):
            store.attempt(effects.ListKept(5, True))
    assert path.with_suffix(".reserve").exists()


def test_messages_are_loaded_in_order_after_an_id_and_up_to_a_limit(
    store: Store,
) -> None:
    store.commit(queued(number) for number in range(1, 11))
    assert [entry.id for entry in store.load(3, 4)] == [4, 5, 6, 7]
    assert len(store.restore(T0).entries) == 10


def test_an_id_is_not_given_twice_while_its_message_is_kept(store: Store) -> None:
    given_up = records.MessageQuarantined(2, 3, "InternalError")
    store.commit((queued(1), queued(2), given_up, records.MessageSettled(1)))
    assert store.restore(T0).last_message_id == 2


def test_a_fault_that_was_open_when_the_process_ended_is_closed_by_the_next(
    store: Store, path: Path
) -> None:
    store.commit((FaultOpened(1, 1, "insulation", at(0), None),))
    store.restore(at(5))
    with closing(Reader(path)) as reader:
        assert reader.faults(1)[0]["until"] == at(5).isoformat()


def test_a_weld_outlives_the_process_until_it_is_cleared(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_FAULTS", 3)
    weld = FaultOpened(1, 2, "contactor-weld", at(0), "mirrors closed")
    store.commit((weld, FaultOpened(2, 1, "insulation", at(1), None)))
    assert store.restore(at(5)).kept_faults == (weld,)
    store.commit(FaultOpened(n, 1, "door-open", at(n), None) for n in range(3, 9))
    assert store.restore(at(9)).kept_faults == (weld,)
    store.commit((FaultClosed(1, 2, "contactor-weld", at(9)),))
    assert store.restore(at(10)).kept_faults == ()


def test_sessions_that_failed_are_counted_by_connector_and_cause(
    store: Store, path: Path
) -> None:
    causes = (Cause.FAULT, Cause.TOKEN, Cause.FAULT, Cause.PRECHARGE_TIMEOUT)
    for number, cause in enumerate(causes):
        key = f"key-{number}"
        over = replace(ended(key, number), cause=cause)
        store.commit((started(key, number), over))
    store.commit((started("running", 9),))
    with closing(Reader(path)) as reader:
        failures = reader.failures([str(cause) for cause in ORDINARY])
    assert [(row["connector"], row["cause"], row["count"]) for row in failures] == [
        (1, "FAULT", 2),
        (1, "PRECHARGE_TIMEOUT", 1),
    ]


def test_the_boot_of_the_board_is_known_again(path: Path) -> None:
    with reopened(path) as store:
        assert store.boot("first") is None
    with reopened(path) as store:
        assert store.boot("first") == "first"
        assert store.boot("second") == "first"
        assert store.boot("second") == "second"


def test_only_the_newest_transactions_and_their_stories_are_kept(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_SESSIONS", 4)
    for number in range(6):
        key = f"key-{number}"
        note = records.NoteKept(key, at(number), "locking")
        store.commit((started(key, number), note, ended(key, number)))
    store.commit((started("key-6", 6),))

    with closing(Reader(path)) as reader:
        kept = [row["key"] for row in reader.charges(100)]
        assert kept == ["key-6", "key-5", "key-4", "key-3"]
        assert [len(reader.notes(f"key-{n}")) for n in range(6)] == [0, 0, 0, 1, 1, 1]


def test_a_transaction_is_kept_while_it_runs_or_has_messages_to_deliver(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_SESSIONS", 0)
    waiting = (started(EARLY, 1), queued(1, EARLY), ended(EARLY, 2))
    store.commit((started(LATE, 0), *waiting, started("gone", 3), ended("gone", 4)))
    store.commit((records.TransactionNumberKept(EARLY, 9), started("new", 5)))

    assert store.restore(T0).numbers == {LATE: None, EARLY: 9, "new": None}


def test_only_the_newest_faults_are_kept(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_FAULTS", 3)
    store.commit(FaultOpened(n, 1, "door-open", at(n), None) for n in range(1, 9))
    with closing(Reader(path)) as reader:
        assert [row["id"] for row in reader.faults(100)] == [8, 7, 6]


def test_a_commit_writes_few_bytes(store: Store, path: Path) -> None:
    wal = Path(f"{path}-wal")
    store.commit(HISTORY)
    before = wal.stat().st_size
    store.commit((effects.TransactionCheckpoint(LATE, at(11), 122_000),))
    assert wal.stat().st_size - before <= 5 * 1024


def test_the_file_is_for_the_daemon_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            with closing(Store(path)) as store:
                store.boot("one")
                files = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
                modes = [stat.S_IMODE(each.stat().st_mode) for each in files]
                assert modes == [0o600] * 3
                # As an older version has left it.
                for each in files:
                    each.chmod(0o644)
    finally:
        os.umask(before)


def test_room_is_reserved(store: Store, path: Path) -> None:
    assert path.with_suffix(".reserve").stat().st_size == RESERVE_BYTES


def test_a_directory_that_cannot_be_made_is_named_with_a_remedy(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="move the file that is in the way"):
        Store(tmp_path / "file" / "chargerd.db")


def test_a_directory_that_cannot_be_written_to_is_named_with_a_remedy() -> None:
    # /proc refuses root as well, who may write to any other directory
    with pytest.raises(StoreFailed) as raised:
        Store(Path("/proc/chargerd.db"))
    assert str(raised.value) == (
        "/proc/chargerd.db: unable to open database file; "
        "make the directory writable for the user of chargerd"
    )


# migrations


@pytest.mark.parametrize("version", range(1, len(schema()) + 1))
def test_a_store_of_every_version_is_still_understood(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.executescript((GOLDEN / f"{version:04}.sql").read_text())
        db.execute(f"PRAGMA user_version = {version}")

    with reopened(path) as store:
        assert store.restore(T0) == remembered(version)
        store.commit((queued(7),))
        assert [entry.id for entry in store.load(5, 1)] == [7]


def test_the_newest_golden_store_is_what_is_written_today(
    store: Store, path: Path
) -> None:
    store.commit(HISTORY)
    golden = (GOLDEN / f"{len(schema()):04}.sql").read_text()
    assert legible("\n".join(content(path)) + "\n") == legible(golden)


def test_a_store_that_a_newer_chargerd_only_added_to_is_used_after_a_roll_back(
    path: Path,
) -> None:
    with reopened(path) as store:
        store.commit(HISTORY)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE to_come (name TEXT) STRICT")
        db.execute("PRAGMA user_version = 99")

    with reopened(path) as store:
        assert store.restore(T0) == REMEMBERED
        store.commit((queued(7),))

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_store_of_a_newer_chargerd_is_left_alone(path: Path) -> None:
    with reopened(path) as store:
        store.commit(HISTORY)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA application_id = 98")
    before = content(path)

    with pytest.raises(StoreFailed) as raised:
        Store(path)

    assert str(raised.value) == (
        f"{path}: schema 99 is of a newer chargerd; this one knows {len(schema())}; "
        "install that version, or move the file away"
    )
    assert content(path) == before


def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reopened(path) as store:
        store.commit(HISTORY)
    before = content(path)
    wrong = "CREATE TABLE new (x TEXT); INSERT INTO missing VALUES (1)"
    monkeypatch.setattr(
        "chargerd.store.opening.schema", lambda: (*schema(), wrong), raising=True
    )

    with pytest.raises(StoreFailed, match="no such table: missing"):
        Store(path)

    assert content(path) == before


# readers


def test_a_reader_sees_what_is_committed_while_the_writer_writes(
    store: Store, path: Path
) -> None:
    store.commit(HISTORY)
    with closing(Reader(path)) as reader:
        assert [row["id"] for row in reader.messages(10)] == [2, 3, 4, 5]
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM message")
            assert [row["id"] for row in reader.messages(10)] == [2, 3, 4, 5]
            other.execute("ROLLBACK")
        store.commit((queued(7),))
        assert [row["id"] for row in reader.messages(10)] == [2, 3, 4, 5, 7]


def test_a_reader_knows_what_each_transaction_still_waits_for(
    store: Store, path: Path
) -> None:
    store.commit(HISTORY)
    with closing(Reader(path)) as reader:
        late, early = reader.charges(10)
        assert (late["key"], late["waiting"]) == (LATE, 2)
        assert (early["key"], early["waiting"]) == (EARLY, 1)
        assert (early["stop_wh"], early["cause"]) == (136_600, "TOKEN")
        assert [row["key"] for row in reader.charges_like("bb")] == [LATE]
        assert reader.charges_like("%") == []
        assert [row["id"] for row in reader.messages(10, EARLY)] == [2]
        assert [row["what"] for row in reader.notes(LATE)] == ["locking"]
        assert [row["name"] for row in reader.faults(10)] == ["door-open", "insulation"]


def test_a_reader_cannot_write(store: Store, path: Path) -> None:
    with (
        closing(Reader(path)) as reader,
        pytest.raises(StoreFailed, match="readonly"),
    ):
        reader._rows("DELETE FROM message", ())


def test_the_bill_of_a_running_transaction_follows_its_checkpoints(
    store: Store,
) -> None:
    store.commit((started(), effects.TransactionCheckpoint(LATE, at(3), 125_000)))
    (interrupted,) = store.restore(T0).interrupted
    assert interrupted == replace(REMEMBERED.interrupted[0], at=at(3), meter_wh=125_000)
