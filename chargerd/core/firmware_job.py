"""One firmware job: where it stands, and what OCPP calls that.

``core.firmware`` says how it moves on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, Self

from chargerd.clock import EARLIEST

Cell = str | int | float | None
"""What one column of a store can keep."""


class State(Enum):
    """Where a firmware job stands."""

    NONE = "none"  # there is no job, and never was
    WANTED = "wanted"  # passes at once
    SCHEDULED = "scheduled"  # until ``retrieve_at``
    DOWNLOADING = "downloading"
    PAUSED = "paused"  # between two attempts
    VERIFYING = "verifying"
    VERIFIED = "verified"  # passes at once
    INSTALL_SCHEDULED = "install scheduled"  # until ``install_at``
    WAITING_FOR_IDLE = "waiting for idle"  # until the last transaction has ended
    INSTALLING = "installing"
    REBOOTING = "rebooting"
    CONFIRMING = "confirming"  # the new version runs, its health gate is open
    ROLLING_BACK = "rolling back"  # the gate failed; the version before returns
    INSTALLED = "installed"
    DOWNLOAD_FAILED = "download failed"
    SIGNATURE_BAD = "signature bad"
    VERIFICATION_FAILED = "verification failed"  # the updater's own check
    INSTALLATION_FAILED = "installation failed"


class Status(StrEnum):
    """The statuses of OCPP (security whitepaper section 6.8)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOAD_PAUSED = "DownloadPaused"
    IDLE = "Idle"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"
    INVALID_SIGNATURE = "InvalidSignature"
    SIGNATURE_VERIFIED = "SignatureVerified"


class Origin(StrEnum):
    """Who wanted a job."""

    CSMS = "csms"
    FILE = "file"
    USB = "usb"


# fmt: off
ENDS: Final = frozenset({
    State.INSTALLED, State.DOWNLOAD_FAILED, State.SIGNATURE_BAD,
    State.VERIFICATION_FAILED, State.INSTALLATION_FAILED,
})
AT_REST: Final = ENDS | {State.NONE}
"""Where nothing is left to do."""
COMMITTED: Final = frozenset({
    State.INSTALLING, State.REBOOTING, State.CONFIRMING, State.ROLLING_BACK,
})
"""Where a job can be neither superseded nor cancelled."""

SIGNED: Final[Mapping[State, Status]] = {
    State.SCHEDULED:           Status.DOWNLOAD_SCHEDULED,
    State.DOWNLOADING:         Status.DOWNLOADING,
    State.PAUSED:              Status.DOWNLOAD_PAUSED,
    State.VERIFYING:           Status.DOWNLOADED,
    State.VERIFIED:            Status.SIGNATURE_VERIFIED,
    State.INSTALL_SCHEDULED:   Status.INSTALL_SCHEDULED,
    State.WAITING_FOR_IDLE:    Status.INSTALL_SCHEDULED,
    State.INSTALLING:          Status.INSTALLING,
    State.REBOOTING:           Status.INSTALL_REBOOTING,
    State.INSTALLED:           Status.INSTALLED,
    State.DOWNLOAD_FAILED:     Status.DOWNLOAD_FAILED,
    State.SIGNATURE_BAD:       Status.INVALID_SIGNATURE,
    State.VERIFICATION_FAILED: Status.INSTALL_VERIFICATION_FAILED,
    State.INSTALLATION_FAILED: Status.INSTALLATION_FAILED,
}
PLAIN: Final[Mapping[State, Status]] = {
    State.DOWNLOADING:         Status.DOWNLOADING,
    State.VERIFYING:           Status.DOWNLOADED,
    State.INSTALLING:          Status.INSTALLING,
    State.INSTALLED:           Status.INSTALLED,
    State.DOWNLOAD_FAILED:     Status.DOWNLOAD_FAILED,
    State.SIGNATURE_BAD:       Status.INSTALLATION_FAILED,
    State.VERIFICATION_FAILED: Status.INSTALLATION_FAILED,
    State.INSTALLATION_FAILED: Status.INSTALLATION_FAILED,
}
# fmt: on
"""What a state is called; one without a word goes by that of the state before."""


def cell(value: Cell | datetime | Enum) -> Cell:
    """Return a value as a column keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        word: Cell = value.value
        return word
    return int(value) if isinstance(value, bool) else value


@dataclass(frozen=True, slots=True)
class Job:
    """A wish for another firmware, and how far it has come; one row of a store.

    Everything in it outlives a restart. What does not is in ``Update``.
    """

    id: str
    location: str = field(repr=False)  # may hold a password (OCPP 1.6 section 8)
    retrieve_at: datetime
    version_before: str
    origin: Origin = Origin.CSMS
    signed: bool = False
    request_id: int | None = None  # of a signed job of the CSMS
    install_at: datetime | None = None  # ``None``: as soon as it can be
    retries: int | None = None  # after the first try; ``None``: the policy's
    retry_interval_s: float | None = None  # ``None``: the policy's, growing
    certificate_pem: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)  # base64
    state: State = State.WANTED
    attempts: int = 0
    size_bytes: int | None = None
    expected_version: str | None = None  # ``None``: any but ``version_before``
    told: Status | None = None
    why: str = ""  # why the last attempt, or the job, failed

    @property
    def status(self) -> Status | None:
        """OCPP's name of the state; ``None``: it has none of its own."""
        return (SIGNED if self.signed else PLAIN).get(self.state)

    def row(self) -> dict[str, Cell]:
        """Return the columns that keep the job; ``from_row`` reads them."""
        return {f.name: cell(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_row(cls, row: Mapping[str, Cell]) -> Self:
        """Read what ``row`` wrote; columns of a newer version are passed over.

        Raises:
            ValueError: A column holds what no version ever wrote there.
        """
        known = {f.name for f in fields(cls)} & row.keys()
        values: dict[str, Any] = {name: _value(name, row[name]) for name in known}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class FirmwarePolicy:
    """What the operator chooses of firmware jobs."""

    retries: int = 3
    """If the request names none."""
    retry_interval_s: float = 60.0
    """The first, if the request names none; each is twice the one before."""
    longest_retry_interval_s: float = 3_600.0
    idle_within_s: float = 86_400.0
    install_within_s: float = 3_600.0
    reboot_within_s: float = 600.0
    confirm_within_s: float = 1_200.0
    """Longer than the health gate itself takes."""
    roll_back_within_s: float = 600.0
    stop_transactions: bool = False
    """Whether an install ends transactions instead of waiting for them."""


NO_JOB: Final = Job("", "", EARLIEST, "", state=State.NONE)


@dataclass(frozen=True, slots=True)
class Update:
    """The job there is, and what of it ends with the daemon."""

    job: Job = NO_JOB
    since_s: float = 0.0  # monotonic; when its state began
    busy: bool = True  # a transaction may run; so it is until the station says no


_READ: Final[Mapping[str, Callable[[Any], object]]] = {
    "retrieve_at": datetime.fromisoformat,
    "install_at": datetime.fromisoformat,
    "origin": Origin,
    "signed": bool,
    "state": State,
    "told": Status,
}


def _value(name: str, cell: Cell) -> object:
    read = _READ.get(name)
    if read is None or cell is None:
        return cell
    try:
        return read(cell)
    except (TypeError, ValueError):
        raise ValueError(
            f"firmware job.{name}: {cell!r} is no {name}; remove the job's row"
        ) from None
