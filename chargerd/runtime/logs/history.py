"""What the store remembers, as the parts of a bundle: one JSON object a line."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from chargerd.ocpp16.wire import moment
from chargerd.runtime.logs import security_log
from chargerd.runtime.logs.redaction import Redactor
from chargerd.runtime.logs.security_log import within
from chargerd.store.packing import unpacked
from chargerd.store.reader import Reader

MOST_ROWS: Final = 2_000
"""Of each kind; the newest."""

Row = Mapping[str, Any]


class History:
    """Reads the store for one bundle."""

    def __init__(
        self,
        reader: Reader,
        redactor: Redactor,
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        """Take what to read, and the time that is wanted."""
        self._reader = reader
        self._redactor = redactor
        self._since = since
        self._until = until

    def parts(self) -> Mapping[str, Callable[[], Iterator[str]]]:
        """Return what makes the lines of each file."""
        return {
            "sessions.jsonl": self._sessions,
            "messages.jsonl": self._messages,
            "faults.jsonl": self._faults,
            "security-log.jsonl": lambda: security_log.lines(
                self._reader, self._redactor, self._since, self._until
            ),
        }

    def _sessions(self) -> Iterator[str]:
        for row in self._reader.charges(MOST_ROWS):
            if self._overlaps(row["start_at"], row["stop_at"]):
                notes = self._reader.notes(row["key"])
                yield self._line({**row, "story": notes})

    def _messages(self) -> Iterator[str]:
        for row in self._reader.messages(MOST_ROWS):
            if within(moment(row["at"]), self._since, self._until):
                yield self._line({**row, "payload": unpacked(row["payload"])})

    def _faults(self) -> Iterator[str]:
        for row in self._reader.faults(MOST_ROWS):
            if self._overlaps(row["since"], row["until"]):
                yield self._line(row)

    def _overlaps(self, began: str, ended: str | None) -> bool:
        """Tell whether something went on in the time that is wanted."""
        late = self._until is not None and moment(began) > self._until
        if late or ended is None:
            return not late
        return self._since is None or moment(ended) >= self._since

    def _line(self, row: Row) -> str:
        told = self._redactor.value(row)
        return json.dumps(told, ensure_ascii=False, default=str) + "\n"
