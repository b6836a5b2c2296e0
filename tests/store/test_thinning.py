"""What goes when room runs short, and what never does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.reasons import Cause
from chargerd.ocpp16.ledger import MessagesThinned
from chargerd.ocpp16.records import MessageQuarantined, MessageQueued, Record
from chargerd.store.database import Store
from chargerd.store.thinning import PIECE
from tests.store.golden import rows

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Disk:
    """A store that is filled with transactions."""

    def __init__(self, path: Path, most_bytes: int = 10**6) -> None:
        self.store = Store(path, most_bytes)
        self.last = 0

    def queue(self, key: str, action: str, **sampled: str) -> int:
        self.last += 1
        value = {"timestamp": "t", "sampledValue": [{"value": "1", **sampled}]}
        at = AT + timedelta(minutes=self.last)
        payload = {"connectorId": 1, "meterValue": [value]}
        self.commit(MessageQueued(self.last, key, action, payload, at))
        return self.last

    def commit(self, *records: Record) -> None:
        self.store.commit(records)

    def begin(self, key: str) -> None:
        at = AT + timedelta(minutes=self.last)
        self.commit(TransactionStarted(key, 1, "TAG", None, at, 1000))
        self.queue(key, "StartTransaction")

    def end(self, key: str) -> None:
        at = AT + timedelta(minutes=self.last)
        self.commit(TransactionEnded(key, at, 2000, Cause.TOKEN, "TAG"))
        self.queue(key, "StopTransaction")

    def transaction(self, key: str, count: int) -> list[int]:
        self.begin(key)
        ids = [self.queue(key, "MeterValues") for _ in range(count)]
        self.end(key)
        return ids

    def thin(self) -> list[int]:
        """Let go of one piece; return what went."""
        before = self.left()
        piece = self.store.thin()
        gone = sorted(set(before) - set(self.left()))
        assert gone == sorted(piece.gone.waiting)
        assert not (piece.done and gone)
        return gone

    def left(self) -> list[int]:
        return [id for (id,) in self.all("SELECT id FROM message ORDER BY id")]

    def all(self, sql: str) -> list[Any]:
        return rows(self.store.path, sql)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "chargerd.db")
    yield made
    made.store.close()


@pytest.mark.requirement("OFFL-20")
def test_the_order_in_which_meter_values_go_costs_no_bill(disk: Disk) -> None:
    old = disk.transaction("old", 5)
    clock = [disk.queue("", "MeterValues") for _ in range(3)]
    new = disk.transaction("new", 4)
    disk.begin("running")
    running = [disk.queue("running", "MeterValues") for _ in range(3)]

    assert disk.thin() == clock
    assert disk.thin() == old[::2]
    assert disk.thin() == new[::2]
    assert disk.thin() == running[::2]
    assert disk.thin() == old[1::2]
    assert disk.thin() == new[1::2]
    assert disk.store.thin().done
    kept = disk.all("SELECT action FROM message ORDER BY id")
    assert [action for (action,) in kept] == [
        "StartTransaction",
        "StopTransaction",
        "StartTransaction",
        "StopTransaction",
        "StartTransaction",
        "MeterValues",
    ]
    # what comes later is thinned like the rest, and the rest once its end has come
    more = [disk.queue("running", "MeterValues") for _ in range(2)]
    assert disk.thin() == more[:1]
    disk.end("running")
    assert disk.thin() == [running[1], more[1]]
    assert disk.store.thin().done


@pytest.mark.requirement("OFFL-20")
def test_what_opens_closes_or_proves_a_bill_never_goes(disk: Disk) -> None:
    disk.begin("key")
    spare: list[int] = []
    for _ in range(3):
        disk.queue("key", "MeterValues", context="Transaction.Begin")
        spare.append(disk.queue("key", "MeterValues", context="Sample.Clock"))
        disk.queue("key", "MeterValues", format="SignedData")
        spare.append(disk.queue("key", "MeterValues", context="Sample.Periodic"))
        disk.queue("key", "MeterValues", context="Transaction.End")
    disk.end("key")
    assert disk.thin() == spare[::2]
    assert disk.thin() == spare[1::2]
    assert disk.store.thin().done
    assert len(disk.left()) == 2 + 9


@pytest.mark.requirement("OFFL-20", "OFFL-25")
def test_a_long_transaction_goes_in_pieces_as_if_it_were_one(disk: Disk) -> None:
    ids = disk.transaction("key", 2 * PIECE + 50)
    gone: list[int] = []
    while len(gone) < len(ids) / 2:
        piece = disk.thin()
        assert 0 < len(piece) <= PIECE / 2
        gone += piece
    assert gone == ids[::2]
    assert disk.thin() == ids[1::2][:PIECE]


def test_what_is_in_quarantine_is_counted_apart(disk: Disk) -> None:
    first, _, third = disk.transaction("key", 3)
    disk.commit(MessageQuarantined(first, 3, "no"))
    assert disk.store.thin().gone == MessagesThinned((third,), 1)


def test_many_transactions_without_anything_spare_are_passed_over(disk: Disk) -> None:
    for n in range(30):
        disk.begin(f"key-{n}")
        disk.queue(f"key-{n}", "MeterValues", context="Transaction.End")
        disk.end(f"key-{n}")
    pieces = [disk.store.thin()]
    while not pieces[-1].done:
        pieces.append(disk.store.thin())
    assert len(pieces) == 4  # twice 30 looks, 20 at a time
    assert len(disk.left()) == 90


def test_room_is_what_the_file_may_still_grow_and_the_disk_still_has(
    tmp_path: Path,
) -> None:
    disk = Disk(tmp_path / "chargerd.db", most_bytes=200_000)
    before = disk.store.left_bytes()
    assert 100_000 < before < 200_000
    ids = disk.transaction("key", 100)
    assert disk.store.left_bytes() < before - 100 * 100
    disk.store.most_bytes = 0
    filled = disk.store.left_bytes()
    disk.thin()
    disk.thin()
    assert disk.store.left_bytes() >= filled + len(ids) * 100
    disk.store.most_bytes = 1 << 60
    assert disk.store.left_bytes() < 1 << 50  # the disk is smaller
    disk.store.close()


@given(
    counts=st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=4),
    pieces=st.integers(0, 12),
)
@settings(max_examples=30, deadline=None)
def test_no_thinning_takes_a_start_a_stop_or_the_order(
    counts: list[tuple[int, bool]], pieces: int, tmp_path_factory: Any
) -> None:
    disk = Disk(tmp_path_factory.mktemp("thin") / "chargerd.db")
    for n, (count, ends) in enumerate(counts):
        disk.begin(f"key-{n}")
        for _ in range(count):
            disk.queue(f"key-{n}", "MeterValues")
        if ends:
            disk.end(f"key-{n}")
    for _ in range(pieces):
        disk.thin()
    actions = disk.all("SELECT action FROM message WHERE action <> 'MeterValues'")
    assert len(actions) == sum(1 + ends for _, ends in counts)
    disk.store.close()
