"""One upload: what was asked, how far it has come, and how it is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self

from chargerd.core.firmware_job import Cell, cell
from chargerd.core.patience import grown_s
from chargerd.ocpp16.jobs import LogKind, Upload
from chargerd.ocpp16.upload_events import Failing, UploadWanted
from chargerd.ocpp16.wire import Json

RETRIES: Final = 3
"""If the request names none."""
MOST_RETRIES: Final = 100
RETRY_INTERVAL_S: Final = 60.0
"""The first, if the request names none; each is twice the one before."""
LEAST_INTERVAL_S: Final = 1.0
LONGEST_INTERVAL_S: Final = 3_600.0
"""Of those that the request does not name."""


class State(Enum):
    """Where an upload stands."""

    UPLOADING = "uploading"
    PAUSED = "paused"  # between two attempts
    UPLOADED = "uploaded"
    FAILED = "failed"


ACTIVE: Final = frozenset({State.UPLOADING, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Task:
    """One row of a store; everything in it outlives a restart."""

    id: str
    kind: LogKind
    location: str = field(repr=False)  # may hold a password (OCPP 1.6 section 8)
    file_name: str
    since: datetime | None
    until: datetime | None
    request_id: int | None
    """``None``: GetDiagnostics asked for it."""
    retries: int
    retry_interval_s: int | None
    state: State = State.UPLOADING
    attempts: int = 1
    """Those that were begun."""
    text: str = ""
    """Why the last attempt has failed, for people."""

    @classmethod
    def of(cls, id_: str, wanted: UploadWanted) -> Self:
        """Begin what was asked for."""
        retries = RETRIES if wanted.retries is None else wanted.retries
        return cls(
            id_,
            wanted.kind,
            wanted.location,
            wanted.file_name,
            wanted.since,
            wanted.until,
            wanted.request_id,
            min(max(retries, 0), MOST_RETRIES),
            wanted.retry_interval_s,
        )

    @property
    def active(self) -> bool:
        """Whether there is something left to do."""
        return self.state in ACTIVE

    @property
    def repeatable(self) -> bool:
        """Whether another attempt is left (OCPP 1.6 section 6.25)."""
        return self.attempts <= self.retries

    @property
    def interval_s(self) -> float:
        """How long to wait before the next attempt.

        What the request names is kept to; what is our own choice grows.
        """
        if self.retry_interval_s is not None:
            return max(float(self.retry_interval_s), LEAST_INTERVAL_S)
        return grown_s(RETRY_INTERVAL_S, self.attempts, LONGEST_INTERVAL_S)

    @property
    def action(self) -> str:
        """Which message tells the CSMS of it."""
        asked_by_log = self.request_id is not None
        return (
            "LogStatusNotification" if asked_by_log else "DiagnosticsStatusNotification"
        )

    def job(self) -> Upload:
        """Return what is to be done outside."""
        return Upload(
            self.id, self.kind, self.location, self.file_name, self.since, self.until
        )

    def status(self, word: str) -> Json:
        """Return what the CSMS is told (whitepaper, N01.FR.12)."""
        if self.request_id is None:
            return {"status": word}
        return {"status": word, "requestId": self.request_id}

    def failure(self, why: Failing) -> Json:
        """Return the last word on one that failed; GetDiagnostics knows only one."""
        return self.status("UploadFailed" if self.request_id is None else str(why))

    def ended(self, state: State, text: str = "") -> Self:
        """Return it with nothing left to do, and without the location's password."""
        return replace(self, state=state, text=text, location="")

    def row(self) -> dict[str, Cell]:
        """Return the columns that keep it; ``from_row`` reads them."""
        return {f.name: cell(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_row(cls, row: Mapping[str, Cell]) -> Self:
        """Read what ``row`` wrote; columns of a newer version are passed over."""
        known = {f.name for f in fields(cls)} & row.keys()
        values: dict[str, Any] = {name: _value(name, row[name]) for name in known}
        return cls(**values)


_READ: Final[Mapping[str, Callable[[Any], object]]] = {
    "kind": LogKind,
    "since": datetime.fromisoformat,
    "until": datetime.fromisoformat,
    "state": State,
}


def _value(name: str, cell: Cell) -> object:
    read = _READ.get(name)
    return cell if read is None or cell is None else read(cell)
