"""What becomes of a transaction that was running when the power went."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Context, Signed, TransactionEnded
from chargerd.core.events import MeterClosed, Sensed
from chargerd.core.reasons import Cause
from chargerd.core.sealing import Sealing
from hal.values import MeterReading

METER_WITHIN_S: Final = 5.0
"""An interrupted transaction waits so long for the meter; then the disk must do."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A transaction that began and was never ended, as the disk knows it."""

    key: str
    connector: int
    at: datetime
    """When it was last written down."""
    meter_wh: int
    """The register at that moment."""


def settle(
    interrupted: Interrupted,
    register_wh: int | None,
    max_power_w: float,
    cause: Cause,
    now: Instant,
) -> TransactionEnded:
    """Close the bill of an interrupted transaction.

    The meter counted on until the contactors fell, so its present register is the
    truth; unless it went back, or says more than the connector could have given.

    Args:
        interrupted: The transaction.
        register_wh: The meter's register now; ``None`` if it does not answer.
        max_power_w: What the connector can give at the most.
        cause: Why it was interrupted.
        now: The present moment.
    """
    hours = max((now.utc - interrupted.at).total_seconds(), 60.0) / 3600
    plausible = range(
        interrupted.meter_wh, interrupted.meter_wh + int(max_power_w * hours) + 2
    )
    if register_wh is None or register_wh not in plausible:
        register_wh = interrupted.meter_wh
    return TransactionEnded(interrupted.key, interrupted.at, register_wh, cause, None)


@dataclass(frozen=True, slots=True)
class Closed:
    """The bill of an interrupted transaction, and what the meter signed of it."""

    connector: int
    ended: TransactionEnded
    signed: Signed | None
    unsigned: bool
    """The meter ought to have signed it."""


class Recovery:
    """The transactions that still wait for their meter, or for the end of its time."""

    def __init__(
        self,
        interrupted: Iterable[Interrupted],
        cause: Cause,
        signing: Container[int] = (),
    ) -> None:
        """Take them; ``signing`` are the connectors whose meter signs transactions."""
        self._waiting = list(interrupted)
        self._cause = cause
        self._signing = signing
        self._woken_s: float | None = None
        self._read: dict[int, MeterReading] = {}
        self._records: dict[str, bytes | None] = {}

    @property
    def waits(self) -> bool:
        """Whether there is any left."""
        return bool(self._waiting)

    def follow(
        self,
        events: Iterable[object],
        max_power_w: Mapping[int, float],
        now: Instant,
    ) -> tuple[Closed, ...]:
        """Return the bills that can be closed now: all is known, or time is up."""
        if self._woken_s is None:
            self._woken_s = now.monotonic_s
        for event in events:
            self._learn(event)
        overdue = now.monotonic_s - self._woken_s >= METER_WITHIN_S
        due = [i for i in self._waiting if overdue or self._known(i)]
        self._waiting = [i for i in self._waiting if i not in due]
        return tuple(
            self._close(each, max_power_w.get(each.connector, 0.0), now) for each in due
        )

    def sealing(self) -> Mapping[int, Sealing]:
        """Return what the meters' own transactions shall be, by connector."""
        if not self._waiting:
            return {}
        return {
            each.connector: Sealing(each.key, "", open=False)
            for each in reversed(self._waiting)
            if each.connector in self._signing and each.key not in self._records
        }

    def next_deadline_s(self) -> float | None:
        """Return when the time of the meters is up."""
        if not self._waiting or self._woken_s is None:
            return None
        return self._woken_s + METER_WITHIN_S

    def _learn(self, event: object) -> None:
        match event:
            case Sensed(connector, MeterReading() as reading):
                self._read[connector] = reading
            case MeterClosed(key=key, record=record):
                self._records[key] = record

    def _known(self, interrupted: Interrupted) -> bool:
        signed = interrupted.key in self._records
        read = interrupted.connector in self._read
        return read and (signed or interrupted.connector not in self._signing)

    def _close(
        self, interrupted: Interrupted, max_power_w: float, now: Instant
    ) -> Closed:
        number, key = interrupted.connector, interrupted.key
        reading = self._read.get(number)
        register_wh = reading.energy_wh if reading else None
        ended = settle(interrupted, register_wh, max_power_w, self._cause, now)
        record = self._records.get(key) or (reading.signed if reading else None)
        signed = record and Signed(key, number, now.utc, Context.END, record)
        unsigned = not record and number in self._signing
        return Closed(number, ended, signed or None, unsigned)
