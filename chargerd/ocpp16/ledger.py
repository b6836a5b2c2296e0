"""Transactions as the CSMS sees them: messages, numbers, meter values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ocpp.v16.enums import AuthorizationStatus

from chargerd.clock import Instant
from chargerd.core.effects import (
    Context,
    Effect,
    Noted,
    Sample,
    Sampled,
    Signed,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    Standing,
    TagAnswered,
    TagInfo,
    TransactionNumbered,
)
from chargerd.core.policy import Policy
from chargerd.ocpp16 import requests, thinning
from chargerd.ocpp16.keys import MAX_STOP_VALUES
from chargerd.ocpp16.measurands import meter_value, signed_value
from chargerd.ocpp16.outbox import Outbox
from chargerd.ocpp16.records import (
    Entry,
    MessageQueued,
    Record,
    StopDataKept,
    StopToldBlind,
    TransactionNumberKept,
)
from chargerd.ocpp16.rpc import Failed, FailureKind
from chargerd.ocpp16.upkeep import UpkeepEvent
from chargerd.ocpp16.wire import Json, decode_answer, moment, moved

GIVEN_UP: Final = -1
"""The number of a transaction whose StartTransaction never arrived (errata 3.18)."""

START: Final = "StartTransaction"
STOP: Final = "StopTransaction"
METER_VALUES: Final = "MeterValues"

MOST_BLIND: Final = 32
"""How many StopTransactions that were told without a number are kept in memory."""


@dataclass(frozen=True, slots=True)
class RetryWanted:
    """People want a message of the quarantine to be tried again."""

    entry: Entry
    number: int | None
    """The transactionId that the disk knows of."""
    blind_stop: Entry | None = None
    """For a StartTransaction: its stop, if that was told without a number."""


@dataclass(frozen=True, slots=True)
class DropWanted:
    """People want to see a message of the quarantine no more."""

    id: int


@dataclass(frozen=True, slots=True)
class MessagesThinned:
    """The disk ran short and has let go of meter values, as it saw them."""

    waiting: tuple[int, ...] = ()
    quarantined: int = 0


ByHand = RetryWanted | DropWanted | MessagesThinned


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from something that the CSMS said, or from what was decided."""

    events: tuple[Event, ...] = ()
    records: tuple[Record, ...] = ()
    later: tuple[Record, ...] = ()
    """Records that can wait for the next commit: losing them loses nothing."""
    upkeep: tuple[UpkeepEvent, ...] = ()
    """What happens to the station's own upkeep."""


class Ledger:
    """Turns what the core decided into messages, and answers into numbers."""

    def __init__(
        self,
        outbox: Outbox,
        numbers: Mapping[str, int | None],
        stop_data: Mapping[str, tuple[Json, ...]],
        blind_stops: Iterable[Entry] = (),
    ) -> None:
        """Go on with what the disk knows."""
        self.outbox = outbox
        self.numbers = dict(numbers)
        self._begun: dict[str, datetime] = {}
        self._stop_data = {key: list(values) for key, values in stop_data.items()}
        self._blind_stops = {entry.key: entry for entry in blind_stops}

    def tell(self, effect: Effect, policy: Policy) -> tuple[Record | Noted, ...]:
        """Queue the messages that follow from one effect; return their records."""
        match effect:
            case TransactionStarted(key=key):
                self.numbers[key] = None
                self._begun[key] = effect.at
                payload = requests.start_transaction(effect)
                return (self._queue(key, START, payload, effect.at),)
            case TransactionEnded():
                return self._ended(effect, policy)
            case Sampled(sample):
                return self._sampled(sample, policy)
            case Signed(key=key):
                value = signed_value(effect.context, effect.signed, effect.at)
                self._stop_data.setdefault(key, []).append(value)
                return (StopDataKept(key, value),)
        return ()

    def move(self, after: int, by: timedelta) -> tuple[str, ...]:
        """Move the times of the messages after an id, and of what will be in some.

        Returns:
            The transactions that they belong to: those that began in this process.
        """
        keys = tuple(self._begun)
        self.outbox.move(after, ("", *keys), by)
        for key, at in self._begun.items():
            self._begun[key] = at + by
            if key in self._stop_data:
                self._stop_data[key] = moved(self._stop_data[key], by)
        return keys

    def outgoing(self, now: Instant, policy: Policy) -> tuple[Entry, Json] | None:
        """Return the message whose turn it is, complete, if it may be sent now."""
        entry = self.outbox.head(now.monotonic_s, policy)
        if entry is None:
            return None
        entry.failed_s = None
        if entry.action == START or not entry.key:
            return entry, entry.payload
        number = self.numbers.get(entry.key)
        entry.blind = number is None or number == GIVEN_UP
        number = GIVEN_UP if number is None else number
        return entry, {**entry.payload, "transactionId": number}

    def delivered(self, entry: Entry, payload: Json) -> Heard:
        """Take the answer to a message.

        Raises:
            CallFailed: The answer is not one; this counts as a failed attempt.
        """
        answer = decode_answer(entry.action, payload)
        settled = self.outbox.settle(entry)
        if not settled:
            return Heard()  # two attempts were answered; the first counts
        match entry.action:
            case "StartTransaction":
                return self._numbered(entry, answer, settled)
            case "StopTransaction":
                return self._told(entry, answer, settled)
        # A meter value that is told twice, word for word, harms nobody.
        return Heard(later=settled)

    def failed(
        self, entry: Entry, failure: Failed, now: Instant, policy: Policy
    ) -> tuple[Record, ...]:
        """Take the failure of a message; a lost link counts for nothing."""
        entry.tried = True
        if failure.kind is FailureKind.LINK:
            return ()
        error = failure.code or failure.kind.name.lower()
        if failure.description:
            error = f"{error}: {failure.description}"
        given_up = self.outbox.fail(entry, error, now.monotonic_s, policy)
        return given_up + self._go_without(entry) if given_up else ()

    def obey(self, policy: Policy) -> tuple[Record, ...]:
        """Take new rules of retrying; they hold for what is queued already."""
        records: tuple[Record, ...] = ()
        for entry, given_up in self.outbox.review(policy):
            records += (given_up, *self._go_without(entry))
        return records

    def take(self, news: ByHand) -> tuple[Record, ...]:
        """Take what people or a short disk do to the queue."""
        if isinstance(news, RetryWanted):
            return self._retry(news)
        if isinstance(news, DropWanted):
            return self.outbox.drop(news.id)
        self.outbox.thinned(news.waiting, news.quarantined)
        return ()

    def _retry(self, wanted: RetryWanted) -> tuple[Record, ...]:
        entry, key = wanted.entry, wanted.entry.key
        entry.tried = True
        records = self.outbox.retry(entry)
        if entry.action != START and key and wanted.number is not None:
            self.numbers.setdefault(key, wanted.number)
        if wanted.blind_stop is not None:
            self._blind_stops[key] = wanted.blind_stop
        return records

    def _go_without(self, entry: Entry) -> tuple[Record, ...]:
        """Let a transaction go on without a message that was given up."""
        if entry.action == START:
            self.numbers[entry.key] = GIVEN_UP
            return (TransactionNumberKept(entry.key, GIVEN_UP),)
        if entry.action == STOP:
            self._forget(entry.key)
        return ()

    def _forget(self, key: str) -> None:
        self.numbers.pop(key, None)
        self._begun.pop(key, None)

    def _numbered(
        self, entry: Entry, answer: Any, settled: tuple[Record, ...]
    ) -> Heard:
        number = int(answer.transaction_id)
        self.numbers[entry.key] = number
        info = tag_info(answer.id_tag_info)
        if entry.tried and info.standing is Standing.CONCURRENT_TX:
            # The CSMS took an earlier attempt; the transaction it means is this one.
            info = TagInfo(Standing.ACCEPTED, info.parent, info.expires)
        connector, id_tag = entry.payload["connectorId"], entry.payload["idTag"]
        event = TransactionNumbered(connector, entry.key, number, id_tag, info)
        records: list[Record] = [TransactionNumberKept(entry.key, number), *settled]
        stop = self._blind_stops.pop(entry.key, None)
        if stop is not None:
            # Without it the transaction would stay open at the CSMS for ever.
            records.append(self.outbox.tell_again(stop))
        return Heard((event,), tuple(records))

    def _told(self, entry: Entry, answer: Any, settled: tuple[Record, ...]) -> Heard:
        self._forget(entry.key)
        if entry.blind:
            self._blind_stops[entry.key] = entry
            if len(self._blind_stops) > MOST_BLIND:
                del self._blind_stops[next(iter(self._blind_stops))]
            settled = (StopToldBlind(entry.id),)
        id_tag = entry.payload.get("idTag")
        if answer.id_tag_info is None or id_tag is None:
            return Heard(records=settled)
        info = tag_info(answer.id_tag_info)
        return Heard((TagAnswered(WHOLE_STATION, id_tag, info),), settled)

    def _ended(
        self, ended: TransactionEnded, policy: Policy
    ) -> tuple[Record | Noted, ...]:
        key = ended.key
        if self.numbers.get(key) is None:
            self.numbers.pop(key, None)  # its start is told before it is asked for
        # A clock that was set back ends nothing before its beginning.
        ended = replace(ended, at=max(ended.at, self._begun.get(key, ended.at)))
        values = self._stop_data.pop(key, [])
        bare = requests.stop_transaction(ended, ())
        kept = thinning.fitted(values, MAX_STOP_VALUES, _room_bytes(bare, policy))
        payload = requests.stop_transaction(ended, kept)
        queued = self._queue(key, STOP, payload, ended.at)
        if len(kept) == len(values):
            return (queued,)
        out = len(values) - len(kept)
        what = f"transactionData: {out} of {len(values)} meter values left out"
        return queued, Noted(WHOLE_STATION, what, key)

    def _sampled(self, sample: Sample, policy: Policy) -> tuple[Record, ...]:
        records: list[Record] = []
        told = _TOLD.get(sample.context)
        if told and (value := meter_value(sample, getattr(policy, told))):
            payload = requests.meter_values(sample.connector, value)
            records.append(
                self._queue(sample.key or "", METER_VALUES, payload, sample.at)
            )
        if sample.key and (value := meter_value(sample, _kept(sample, policy))):
            self._stop_data.setdefault(sample.key, []).append(value)
            records.append(StopDataKept(sample.key, value))
        return tuple(records)

    def _queue(self, key: str, action: str, payload: Json, at: Any) -> MessageQueued:
        entry = self.outbox.append(key, action, payload, at)
        return MessageQueued(entry.id, key, action, payload, at)


_TOLD: Final[Mapping[Context, str]] = {
    Context.PERIODIC: "sampled_measurands",
    Context.CLOCK: "aligned_measurands",
}


def _kept(sample: Sample, policy: Policy) -> tuple[str, ...]:
    if sample.context is Context.PERIODIC:
        return policy.stop_sampled_measurands
    if sample.context is Context.CLOCK:
        return policy.stop_aligned_measurands
    return policy.stop_sampled_measurands + policy.stop_aligned_measurands


def _room_bytes(stop: Json, policy: Policy) -> int | None:
    """Return how much room MaxMessageSize leaves for meter values; ``None``: any."""
    if not policy.max_message_bytes:
        return None
    payload = {**stop, "transactionId": _LONGEST_NUMBER, "transactionData": []}
    frame = [2, "x" * _LONGEST_ID, STOP, payload]
    # each value brings a comma, the last one does not
    return policy.max_message_bytes - thinning.size_bytes(frame) + 1


_LONGEST_ID: Final = 36
_LONGEST_NUMBER: Final = -(2**31)


def tag_info(info: Any) -> TagInfo:
    """Return what an IdTagInfo of the CSMS says."""
    expires = moment(info.expiry_date) if info.expiry_date else None
    standing = Standing(str(AuthorizationStatus(info.status)))
    return TagInfo(standing, info.parent_id_tag or None, expires)
