"""Transactions as the CSMS sees them: messages, numbers, meter values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocpp.v16.enums import AuthorizationStatus

from chargerd.clock import Instant
from chargerd.core.effects import (
    Context,
    Effect,
    Sample,
    Sampled,
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
from chargerd.ocpp16 import requests
from chargerd.ocpp16.keys import MAX_STOP_VALUES
from chargerd.ocpp16.measurands import meter_value
from chargerd.ocpp16.outbox import Outbox
from chargerd.ocpp16.records import (
    Entry,
    MessageQueued,
    Record,
    StopDataKept,
    TransactionNumberKept,
)
from chargerd.ocpp16.rpc import Failed, FailureKind
from chargerd.ocpp16.wire import Json, decode_answer, moment

GIVEN_UP: Final = -1
"""The number of a transaction whose StartTransaction never arrived (errata 3.18)."""

START: Final = "StartTransaction"
STOP: Final = "StopTransaction"
METER_VALUES: Final = "MeterValues"


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from something that the CSMS said, or from what was decided."""

    events: tuple[Event, ...] = ()
    records: tuple[Record, ...] = ()
    later: tuple[Record, ...] = ()
    """Records that can wait for the next commit: losing them loses nothing."""


class Ledger:
    """Turns what the core decided into messages, and answers into numbers."""

    def __init__(
        self,
        outbox: Outbox,
        numbers: Mapping[str, int | None],
        stop_data: Mapping[str, tuple[Json, ...]],
    ) -> None:
        """Go on with what the disk knows."""
        self.outbox = outbox
        self.numbers = dict(numbers)
        self._stop_data = {key: list(values) for key, values in stop_data.items()}

    def tell(self, effect: Effect, policy: Policy) -> tuple[Record, ...]:
        """Queue the messages that follow from one effect; return their records."""
        match effect:
            case TransactionStarted(key=key):
                self.numbers[key] = None
                payload = requests.start_transaction(effect)
                return (self._queue(key, START, payload, effect.at),)
            case TransactionEnded(key=key):
                values = thinned(self._stop_data.pop(key, []), MAX_STOP_VALUES)
                payload = requests.stop_transaction(effect, values)
                return (self._queue(key, STOP, payload, effect.at),)
            case Sampled(sample):
                return self._sampled(sample, policy)
        return ()

    def outgoing(self, now: Instant) -> tuple[Entry, Json] | None:
        """Return the message whose turn it is, complete, if it may be sent now."""
        entry = self.outbox.head(now.monotonic_s)
        if entry is None:
            return None
        if entry.action == START or not entry.key:
            return entry, entry.payload
        number = self.numbers.get(entry.key)
        number = GIVEN_UP if number is None else number
        return entry, {**entry.payload, "transactionId": number}

    def delivered(self, entry: Entry, payload: Json) -> Heard:
        """Take the answer to a message.

        Raises:
            CallFailed: The answer is not one; this counts as a failed attempt.
        """
        answer = decode_answer(entry.action, payload)
        settled = self.outbox.settle(entry)
        match entry.action:
            case "StartTransaction":
                return self._numbered(entry, answer, settled)
            case "StopTransaction":
                self.numbers.pop(entry.key, None)
                id_tag = entry.payload.get("idTag")
                if answer.id_tag_info is None or id_tag is None:
                    return Heard(records=settled)
                info = tag_info(answer.id_tag_info)
                return Heard((TagAnswered(WHOLE_STATION, id_tag, info),), settled)
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
        if given_up and entry.action == START:
            self.numbers[entry.key] = GIVEN_UP
            return (*given_up, TransactionNumberKept(entry.key, GIVEN_UP))
        if given_up and entry.action == STOP:
            self.numbers.pop(entry.key, None)
        return given_up

    def _numbered(
        self, entry: Entry, answer: Any, settled: tuple[Record, ...]
    ) -> Heard:
        if self.numbers.get(entry.key, entry.id) not in (None, GIVEN_UP):
            return Heard(records=settled)  # two attempts were answered; one counts
        number = int(answer.transaction_id)
        self.numbers[entry.key] = number
        info = tag_info(answer.id_tag_info)
        if entry.tried and info.standing is Standing.CONCURRENT_TX:
            # The CSMS took an earlier attempt; the transaction it means is this one.
            info = TagInfo(Standing.ACCEPTED, info.parent, info.expires)
        connector, id_tag = entry.payload["connectorId"], entry.payload["idTag"]
        event = TransactionNumbered(connector, entry.key, number, id_tag, info)
        return Heard((event,), (TransactionNumberKept(entry.key, number), *settled))

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


def thinned(values: list[Json], most: int) -> list[Json]:
    """Return at most ``most`` values: every second one between the ends goes first."""
    while len(values) > most:
        inner = values[1:-1]
        kept = inner[1::2]
        excess = len(values) - most
        if len(inner) - len(kept) > excess:
            kept = inner[1 : 2 * excess : 2] + inner[2 * excess :]
        values = [values[0], *kept, values[-1]]
    return values


def tag_info(info: Any) -> TagInfo:
    """Return what an IdTagInfo of the CSMS says."""
    expires = moment(info.expiry_date) if info.expiry_date else None
    standing = Standing(str(AuthorizationStatus(info.status)))
    return TagInfo(standing, info.parent_id_tag or None, expires)
