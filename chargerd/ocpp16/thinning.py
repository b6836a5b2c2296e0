"""What may be left out of meter values when there is no room for all of them."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from chargerd.ocpp16.wire import Json

_SPARE_CONTEXTS: Final = frozenset({"Sample.Periodic", "Sample.Clock"})
_DEFAULT_CONTEXT: Final = "Sample.Periodic"


def spare(meter_value: Json) -> bool:
    """Tell whether a bill can do without a meter value: it neither opens nor closes.

    A signed value never is: only the driver can say whether it is needed.
    """
    return all(
        sampled.get("context", _DEFAULT_CONTEXT) in _SPARE_CONTEXTS
        and sampled.get("format") != "SignedData"
        for sampled in meter_value["sampledValue"]
    )


def spare_message(payload: Json) -> bool:
    """Tell whether a bill can do without a MeterValues."""
    return all(spare(value) for value in payload["meterValue"])


def fitted(
    values: Sequence[Json], most: int, room_bytes: int | None = None
) -> list[Json]:
    """Return as many meter values as fit, in their order.

    The 1st, 3rd, 5th … of those that may go are left out first, then again of what
    remains (errata 3.91). The ends and what is not spare always stay.

    Args:
        values: All meter values of a transaction.
        most: How many there may be.
        room_bytes: How long they may be as JSON; ``None``: as long as they are.
    """
    going = _order([n for n in range(1, len(values) - 1) if spare(values[n])])
    gone = set(islice(going, max(len(values) - most, 0)))
    if room_bytes is not None:
        sizes = [size_bytes(value) + 1 for value in values]
        left = sum(size for n, size in enumerate(sizes) if n not in gone) - room_bytes
        while left > 0 and (n := next(going, None)) is not None:
            gone.add(n)
            left -= sizes[n]
    return [value for n, value in enumerate(values) if n not in gone]


def size_bytes(value: Any) -> int:
    """Return how long something is as it is sent."""
    return len(json.dumps(value, separators=(",", ":")))


def _order(inner: list[int]) -> Iterator[int]:
    while inner:
        yield from inner[::2]
        inner = inner[1::2]
