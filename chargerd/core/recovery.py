"""What becomes of a transaction that was running when the power went."""

from dataclasses import dataclass
from datetime import datetime

from chargerd.clock import Instant
from chargerd.core.effects import TransactionEnded
from chargerd.core.reasons import Cause


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
    known = register_wh is not None and register_wh in plausible
    meter_wh = (
        register_wh if known and register_wh is not None else interrupted.meter_wh
    )
    return TransactionEnded(interrupted.key, interrupted.at, meter_wh, cause, None)
