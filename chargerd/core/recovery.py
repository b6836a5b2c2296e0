"""What becomes of a transaction that was running when the power went."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import TransactionEnded
from chargerd.core.events import Sensed
from chargerd.core.reasons import Cause
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


class Recovery:
    """The transactions that still wait for their meter, or for the end of its time."""

    def __init__(self, interrupted: Iterable[Interrupted], cause: Cause) -> None:
        self._waiting = list(interrupted)
        self._cause = cause
        self._woken_s: float | None = None

    def follow(
        self,
        events: Iterable[object],
        max_power_w: Mapping[int, float],
        now: Instant,
    ) -> tuple[TransactionEnded, ...]:
        """Return the bills that can be closed now: a meter was read, or time is up."""
        if self._woken_s is None:
            self._woken_s = now.monotonic_s
        overdue = now.monotonic_s - self._woken_s >= METER_WITHIN_S
        read = _metered(events)
        due = [i for i in self._waiting if overdue or i.connector in read]
        self._waiting = [i for i in self._waiting if i not in due]
        return tuple(
            settle(
                each,
                read.get(each.connector),
                max_power_w.get(each.connector, 0.0),
                self._cause,
                now,
            )
            for each in due
        )

    def next_deadline_s(self) -> float | None:
        """Return when the time of the meters is up."""
        if not self._waiting or self._woken_s is None:
            return None
        return self._woken_s + METER_WITHIN_S


def _metered(events: Iterable[object]) -> Mapping[int, int]:
    """Return the public registers that were read, by connector."""
    return {
        event.connector: event.reading.energy_wh
        for event in events
        if isinstance(event, Sensed) and isinstance(event.reading, MeterReading)
    }
