from datetime import UTC, datetime

import pytest

from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.events import Standing, TransactionNumbered
from chargerd.core.policy import Policy
from chargerd.core.reasons import Cause
from chargerd.ocpp16.ledger import GIVEN_UP, Heard, Ledger
from chargerd.ocpp16.outbox import Outbox
from chargerd.ocpp16.records import Entry, Snapshot, TransactionNumberKept
from chargerd.ocpp16.rpc import Asked, Failed, FailureKind
from tests.clock import FakeClock

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
STARTED = TransactionStarted("key", 1, "TAG", None, AT, 1000)
ENDED = TransactionEnded("key", AT, 2000, Cause.TOKEN, "TAG")
ONCE = Policy(message_attempts=1)


def ledger() -> Ledger:
    return Ledger(Outbox.of(Snapshot()), {}, {})


def due(ledger: Ledger) -> Entry:
    found = ledger.outgoing(FakeClock().now(), Policy())
    assert found is not None
    return found[0]


def payload(ledger: Ledger) -> dict[str, object]:
    found = ledger.outgoing(FakeClock().now(), Policy())
    assert found is not None
    return found[1]


def refused(entry: Entry) -> Failed:
    asked = Asked(entry.action, entry.payload, entry)
    return Failed(asked, FailureKind.ERROR, "InternalError", "")


def test_an_empty_ledger_has_nothing_to_send() -> None:
    assert ledger().outgoing(FakeClock().now(), Policy()) is None


def test_the_answer_to_a_start_numbers_the_transaction() -> None:
    book = ledger()
    book.tell(STARTED, Policy())
    book.tell(ENDED, Policy())
    entry = due(book)
    info = {
        "status": "Accepted",
        "parentIdTag": "FLEET",
        "expiryDate": "2026-03-03T00:00:00Z",
    }
    heard = book.delivered(entry, {"transactionId": 0, "idTagInfo": info})

    (event,) = heard.events
    assert isinstance(event, TransactionNumbered)
    assert (event.number, event.info.parent) == (0, "FLEET")
    assert event.info.expires == datetime(2026, 3, 3, tzinfo=UTC)
    assert TransactionNumberKept("key", 0) in heard.records
    assert payload(book)["transactionId"] == 0


def test_a_second_answer_to_a_start_changes_nothing() -> None:
    book = ledger()
    book.tell(STARTED, Policy())
    entry = due(book)
    accepted = {"status": "Accepted"}
    book.delivered(entry, {"transactionId": 5, "idTagInfo": accepted})
    again = book.delivered(entry, {"transactionId": 6, "idTagInfo": accepted})
    assert again == Heard()
    assert book.numbers == {"key": 5}


@pytest.mark.requirement("TXN-09")
def test_after_a_start_that_was_given_up_the_rest_goes_on_without_a_number() -> None:
    book = ledger()
    book.tell(STARTED, Policy())
    book.tell(ENDED, Policy())
    entry = due(book)
    records = book.failed(entry, refused(entry), FakeClock().now(), ONCE)
    assert TransactionNumberKept("key", GIVEN_UP) in records
    assert payload(book)["transactionId"] == -1


def test_a_bill_whose_start_nobody_remembers_goes_out_all_the_same() -> None:
    book = ledger()
    book.tell(ENDED, Policy())
    assert payload(book)["transactionId"] == GIVEN_UP


def test_a_stop_that_was_given_up_is_forgotten_with_its_transaction() -> None:
    book = Ledger(Outbox.of(Snapshot()), {"key": 7}, {})
    book.tell(ENDED, Policy())
    entry = due(book)
    assert book.failed(entry, refused(entry), FakeClock().now(), ONCE) != ()
    assert book.numbers == {}


def test_a_standing_of_a_tag_is_ocpps_word() -> None:
    book = ledger()
    book.tell(STARTED, Policy())
    info = {"status": "ConcurrentTx"}
    heard = book.delivered(due(book), {"transactionId": 1, "idTagInfo": info})
    (event,) = heard.events
    assert isinstance(event, TransactionNumbered)
    assert event.info.standing is Standing.CONCURRENT_TX
