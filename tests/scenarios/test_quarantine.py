"""What was given up is kept for people, who may have it tried again or dropped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.ocpp16.ledger import MOST_BLIND, DropWanted, RetryWanted
from chargerd.ocpp16.outbox import WINDOW
from chargerd.store.database import Store
from chargerd.store.reader import Reader
from tests.scenarios.bench import Bench
from tests.scenarios.csms import SILENCE, Json, Refusal
from tests.store.golden import rows as stored

QUIET = {"MeterValueSampleInterval": "0", "AllowOfflineTxForUnknownId": "true"}
ONCE = {**QUIET, "TransactionMessageAttempts": "1"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def numbered(number: int) -> Json:
    return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}


def session(bench: Bench, register_wh: int = 121_000) -> None:
    bench.charges()
    bench.presents()
    bench.finishes(register_wh)
    bench.unplugs()


def retry(bench: Bench, id: int) -> None:
    """Do as ``chargerctl queue retry`` does."""
    assert bench.store is not None
    reader = Reader(bench.store.path)
    found = reader.quarantined(id)
    reader.close()
    assert found is not None
    bench.happens(RetryWanted(*found))


def counts(bench: Bench) -> tuple[int, int]:
    outbox = bench.charge_point.dialogue.ledger.outbox
    return outbox.waiting, outbox.quarantined


def rows(bench: Bench) -> list[tuple[int, int]]:
    """Return the messages on the disk: id and state."""
    assert bench.store is not None
    return stored(bench.store.path, "SELECT id, state FROM message ORDER BY id")


@pytest.mark.requirement("OFFL-06", "OFFL-12")
def test_what_is_retried_is_word_for_word_what_was_given_up(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StopTransaction", Refusal())
    session(bench)
    assert counts(bench) == (0, 1)
    bench.waits(5000)
    retry(bench, 2)
    first, again = bench.told("StopTransaction")
    assert first == again
    assert again["transactionId"] == 7
    assert counts(bench) == (0, 0)
    assert rows(bench) == []


@pytest.mark.requirement("OFFL-05", "TXN-08", "TXN-09")
def test_a_retried_start_goes_first_and_its_stop_takes_the_number(
    store: Store,
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", Refusal())
    bench.csms.will("StopTransaction", Refusal())
    session(bench)
    assert bench.told("StopTransaction")[0]["transactionId"] == -1
    assert counts(bench) == (0, 2)
    bench.disconnects()
    retry(bench, 2)
    retry(bench, 1)
    assert counts(bench) == (2, 0)
    bench.connects()
    assert bench.messages()[-2:] == ["StartTransaction", "StopTransaction"]
    assert bench.told("StopTransaction")[-1]["transactionId"] == 7
    assert rows(bench) == []


@pytest.mark.requirement("TXN-09")
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("waits_over_a_restart", [False, True])
def test_a_stop_that_was_told_without_a_number_is_told_again_with_it(
    store: Store, restart: bool, waits_over_a_restart: bool
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", Refusal())
    session(bench)
    assert bench.told("StopTransaction")[0]["transactionId"] == -1
    assert rows(bench) == [(1, 1), (2, 2)]
    if restart:
        bench.restarts()
    bench.disconnects()
    retry(bench, 1)
    if waits_over_a_restart:
        bench.restarts(online=False)
    assert counts(bench) == (1, 0)
    bench.connects()
    blind, stop = bench.told("StopTransaction")
    assert stop == {**blind, "transactionId": 7}
    assert (counts(bench), rows(bench)) == ((0, 0), [])
    assert bench.charge_point.dialogue.ledger.numbers == {}


@pytest.mark.requirement("RPC-03")
@pytest.mark.parametrize(
    ("start_is", "left"), [("kept", [(1, 1), (2, 2)]), ("dropped", [])]
)
def test_a_stop_that_is_answered_after_it_was_given_up_leaves_the_quarantine(
    store: Store, start_is: str, left: list[tuple[int, int]]
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", Refusal())
    bench.csms.will("StopTransaction", SILENCE)
    session(bench)
    bench.waits(31)
    assert rows(bench) == [(1, 1), (2, 1)]
    if start_is == "dropped":
        bench.happens(DropWanted(1))
    bench.answers_late("StopTransaction", {})
    assert rows(bench) == left
    assert counts(bench) == (0, sum(state == 1 for _, state in left))


@pytest.mark.requirement("RPC-03", "TXN-09")
def test_a_start_that_is_answered_after_it_was_given_up_leaves_the_quarantine(
    store: Store,
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", SILENCE)
    session(bench)
    bench.waits(31)
    assert bench.told("StopTransaction")[0]["transactionId"] == -1
    bench.answers_late("StartTransaction", numbered(99))
    assert bench.told("StopTransaction")[-1]["transactionId"] == 99
    assert len(bench.told("StartTransaction")) == 1
    assert (counts(bench), rows(bench)) == ((0, 0), [])


def test_a_start_that_fails_again_goes_back_to_the_quarantine(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", Refusal(), Refusal())
    session(bench)
    retry(bench, 1)
    assert (counts(bench), rows(bench)) == ((0, 1), [(1, 1), (2, 2)])
    assert len(bench.told("StopTransaction")) == 1
    retry(bench, 1)
    assert bench.told("StopTransaction")[-1]["transactionId"] == 7
    assert rows(bench) == []


@pytest.mark.requirement("OFFL-02", "OFFL-03")
def test_a_retried_message_waits_at_the_place_of_its_creation(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StopTransaction", Refusal())
    session(bench)
    bench.csms.will("StartTransaction", Refusal())
    session(bench)
    bench.disconnects()
    session(bench, 122_000)
    retry(bench, 3)
    retry(bench, 2)
    ids = [entry.id for entry in bench.charge_point.dialogue.ledger.outbox.entries]
    assert ids == [2, 3, 5, 6]
    bench.connects()
    assert bench.messages()[-5:] == [
        "StopTransaction",  # of the first
        "StartTransaction",  # of the second
        "StopTransaction",  # of the second, told before without a number
        "StartTransaction",
        "StopTransaction",
    ]
    assert rows(bench) == []


def test_what_is_retried_is_held_once_however_often_it_is_wanted(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StopTransaction", Refusal())
    session(bench)
    bench.disconnects()
    reader = Reader(store.path)
    found = reader.quarantined(2)
    reader.close()
    assert found is not None
    for _ in range(2):
        bench.happens(RetryWanted(*found))
    bench.happens(DropWanted(2))
    assert (counts(bench), rows(bench)) == ((1, 0), [(2, 0)])
    bench.connects()
    assert len(bench.told("StopTransaction")) == 2
    assert (counts(bench), rows(bench)) == ((0, 0), [])


def test_what_was_dropped_is_gone_and_with_a_start_what_waited_for_it(
    store: Store,
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", SILENCE)
    session(bench)
    bench.waits(31)
    reader = Reader(store.path)
    found = reader.quarantined(1)
    reader.close()
    assert found is not None
    bench.happens(DropWanted(1))
    bench.happens(DropWanted(1))
    bench.happens(RetryWanted(*found))
    assert (counts(bench), rows(bench)) == ((0, 0), [])
    bench.answers_late("StartTransaction", numbered(99))
    assert len(bench.told("StopTransaction")) == 1


def test_a_stop_that_outlives_its_dropped_start_is_settled_like_any_other(
    store: Store,
) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", Refusal())
    bench.charges()
    bench.happens(DropWanted(1))
    bench.presents()
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["transactionId"] == -1
    assert rows(bench) == []


def test_a_retry_finds_its_place_however_much_waits(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StopTransaction", Refusal())
    session(bench)
    bench.disconnects()
    for _ in range(WINDOW):
        session(bench, 122_000)
    retry(bench, 2)
    outbox = bench.charge_point.dialogue.ledger.outbox
    assert len(outbox.entries) == WINDOW
    assert outbox.entries[0].id == 2
    bench.connects()
    stops = bench.told("StopTransaction")
    assert stops[0] == stops[1]
    assert [stop["transactionId"] for stop in stops[1:]] == list(range(7, 108))
    assert (counts(bench), rows(bench)) == ((0, 0), [])


def test_of_very_many_stops_without_a_number_the_disk_knows_all(store: Store) -> None:
    bench = Bench(keys=ONCE, store=store)
    bench.csms.will("StartTransaction", *[Refusal()] * (MOST_BLIND + 1))
    for _ in range(MOST_BLIND + 1):
        session(bench, 122_000)
    assert counts(bench) == (0, MOST_BLIND + 1)
    retry(bench, 1)
    first, again = bench.told("StopTransaction")[0], bench.told("StopTransaction")[-1]
    assert again == {**first, "transactionId": 7}
    assert len(rows(bench)) == 2 * MOST_BLIND


def test_a_message_of_no_transaction_needs_no_number(store: Store) -> None:
    keys = {**ONCE, "ClockAlignedDataInterval": "60"}
    bench = Bench(keys=keys, store=store)
    bench.csms.will("MeterValues", Refusal())
    bench.waits(60)
    assert counts(bench) == (0, 1)
    retry(bench, 1)
    first, again = bench.told("MeterValues")
    assert first == again
    assert "transactionId" not in again
    assert bench.charge_point.dialogue.ledger.numbers == {}
