"""Faults as the control socket tells them, with what the catalogue knows of each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from chargerd.core.dialects import Dialect
from chargerd.core.faults import FAULTS
from chargerd.core.health import Active
from chargerd.ocpp16.wire import moment, timestamp

Json = dict[str, Any]
Counts = Mapping[tuple[int, str], int]
"""Connector and name → how often the log knows it."""

UNCOUNTED: Final[Counts] = {}


def active(
    faults: Iterable[Active], dialect: Dialect, counts: Counts = UNCOUNTED
) -> list[Json]:
    """Return the faults that are there."""
    return [
        _fault(
            each.fault.name,
            dialect,
            counts,
            id=each.id,
            connector=each.connector,
            since=timestamp(each.since),
            value=each.value,
        )
        for each in faults
    ]


def logged(
    rows: Iterable[Mapping[str, Any]], dialect: Dialect, counts: Counts
) -> list[Json]:
    """Return faults of the log; what the catalogue knows no more is left out."""
    return [
        _fault(
            row["name"],
            dialect,
            counts,
            id=row["id"],
            connector=row["connector"],
            since=timestamp(moment(row["since"])),
            until=timestamp(moment(row["until"])) if row["until"] else None,
            value=row["value"],
        )
        for row in rows
        if row["name"] in FAULTS
    ]


def _fault(name: str, dialect: Dialect, counts: Counts, **found: Any) -> Json:
    fault = FAULTS[name]
    vendor_id, vendor_code = fault.told(dialect)
    count = counts.get((found["connector"], name))
    return {key: value for key, value in found.items() if value is not None} | {
        "name": name,
        **({"count": count} if count else {}),
        "error_code": fault.error_code,
        "vendor_id": vendor_id,
        "vendor_code": vendor_code,
        "consequence": str(fault.consequence),
        "means": fault.means,
        "part": fault.part,
        "remedy": fault.remedy,
        "recovers": str(fault.recovers),
        "clears_after_s": fault.clears_after_s,
    }
