"""The security log as a file: one JSON object a line (security whitepaper, A01)."""

import json
from collections.abc import Iterator
from datetime import datetime

from chargerd.ocpp16.wire import moment, timestamp
from chargerd.runtime.logs.redaction import Redactor
from chargerd.store.reader import Reader


def lines(
    reader: Reader,
    redactor: Redactor,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[str]:
    """Yield the entries of a time, oldest first, both ends included."""
    for row in reader.security_log():
        at = moment(row["at"])
        if within(at, since, until):
            entry = {"time": timestamp(at), "type": row["type"]}
            if row["info"] is not None:
                entry["techInfo"] = redactor.text(row["info"])
            yield json.dumps(entry, ensure_ascii=False) + "\n"


def within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Tell whether a moment is in a time; ``None``: without an end."""
    return (since is None or at >= since) and (until is None or at <= until)
