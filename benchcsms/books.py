"""What the bench knows of a station, from what the station told it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from benchcsms.settings import Json


@dataclass(slots=True)
class Transaction:
    """One bill; what the station has not told yet is ``None``."""

    id: int
    connector: int | None = None
    id_tag: str | None = None
    meter_start: int | None = None
    start_timestamp: str | None = None
    start_status: str | None = None
    """Of the id tag, as the StartTransaction was answered."""
    meter_stop: int | None = None
    stop_timestamp: str | None = None
    reason: str | None = None
    stop_status: str | None = None
    """Of the id tag, as the StopTransaction was answered."""
    meter_value_count: int = 0
    payloads: list[Json] = field(default_factory=list)
    """Every message about it, as it came: ``action`` and ``payload``."""

    def as_json(self) -> Json:
        """Return it as the control socket tells it."""
        return asdict(self)


class Books:
    """The books of one identity; they outlive its connections."""

    def __init__(self, identity: str, transaction_ids: Iterator[int]) -> None:
        self.identity = identity
        self.boot: Json | None = None
        self.statuses: dict[int, Json] = {}
        self.transactions: list[Transaction] = []
        self.violations: list[str] = []
        self._transaction_ids = transaction_ids
        self._starts: dict[tuple[Any, ...], Transaction] = {}
        self._calls: dict[str, int] = {}

    def is_new(self, id: str, action: str, payload: Json) -> bool:
        """Whether a CALL may have this id; a retransmission may, word for word."""
        words = hash((action, repr(payload)))
        return self._calls.setdefault(id, words) == words

    def receive(self, action: str, payload: Json) -> None:
        """Write down what a CALL tells, however it will be answered."""
        if entry := _RECEIVED.get(action):
            entry(self, payload)

    def answered(self, action: str, asked: Json, payload: Json) -> None:
        """Write down what a CALL was answered."""
        if entry := _ANSWERED.get(action):
            entry(self, asked, payload)

    def started(self, payload: Json) -> Transaction:
        """Return the transaction of a StartTransaction; a resend opens no second."""
        fields = ("connectorId", "idTag", "meterStart", "timestamp")
        start = tuple(payload[name] for name in fields)
        if start not in self._starts:
            transaction = Transaction(next(self._transaction_ids), *start)
            self._starts[start] = transaction
            self.transactions.append(transaction)
        return self._starts[start]

    def transaction(self, id: int) -> Transaction:
        """Return a transaction; one that was not started here begins now."""
        for transaction in reversed(self.transactions):
            if transaction.id == id:
                return transaction
        self.transactions.append(Transaction(id))
        return self.transactions[-1]


def _boot(books: Books, payload: Json) -> None:
    books.boot = payload


def _status(books: Books, payload: Json) -> None:
    books.statuses[payload["connectorId"]] = payload


def _start(books: Books, payload: Json) -> None:
    _keep(books.started(payload), "StartTransaction", payload)


def _stop(books: Books, payload: Json) -> None:
    transaction = books.transaction(payload["transactionId"])
    transaction.meter_stop = payload["meterStop"]
    transaction.stop_timestamp = payload["timestamp"]
    transaction.reason = payload.get("reason")
    _keep(transaction, "StopTransaction", payload)


def _meter_values(books: Books, payload: Json) -> None:
    if "transactionId" in payload:
        transaction = books.transaction(payload["transactionId"])
        transaction.meter_value_count += len(payload["meterValue"])
        _keep(transaction, "MeterValues", payload)


def _keep(transaction: Transaction, action: str, payload: Json) -> None:
    transaction.payloads.append({"action": action, "payload": payload})


def _start_answered(books: Books, asked: Json, payload: Json) -> None:
    transaction = books.started(asked)
    transaction.start_status = _tag_status(payload)
    match payload:
        case {"transactionId": int(id)}:  # a script may give another number
            transaction.id = id


def _stop_answered(books: Books, asked: Json, payload: Json) -> None:
    transaction = books.transaction(asked["transactionId"])
    # without an idTag there is no status to tell
    transaction.stop_status = _tag_status(payload) or "Accepted"


def _tag_status(payload: Json) -> str | None:
    match payload:
        case {"idTagInfo": {"status": str(status)}}:
            return status
    return None


_RECEIVED: Final[Mapping[str, Callable[[Books, Json], None]]] = {
    "BootNotification": _boot,
    "StatusNotification": _status,
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter_values,
}
_ANSWERED: Final[Mapping[str, Callable[[Books, Json, Json], None]]] = {
    "StartTransaction": _start_answered,
    "StopTransaction": _stop_answered,
}
