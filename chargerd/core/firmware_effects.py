"""What a firmware job makes known, and what it wishes to be done.

A wish is granted after the record that came with it is on the disk. Each may come
again after a restart, so each does no harm the second time.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from chargerd.core.firmware_job import Job, Status
from chargerd.core.reasons import Why

OWNER: Final = "firmware"
"""In whose name the connectors are held."""


@dataclass(frozen=True, slots=True)
class JobKept:
    """The job as it stands now; it takes the place of whatever job was there."""

    job: Job


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """OCPP has another word for how a job stands; the CSMS is told of its own jobs."""

    job: Job
    status: Status
    at: datetime


class Alarm(StrEnum):
    """A security event, in OCPP's words (security whitepaper section 8)."""

    BAD_SIGNATURE = "InvalidFirmwareSignature"
    BAD_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    UPDATED = "FirmwareUpdated"


@dataclass(frozen=True, slots=True)
class Alarmed:
    """A security event is due."""

    alarm: Alarm
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Declined:
    """What somebody wanted is not done, and here is why."""

    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class Download:
    """Fetch the file; ``DownloadDone`` or ``DownloadFailed`` follows."""

    job: Job
    resume: bool
    """Go on with what is there already, if anything is."""


@dataclass(frozen=True, slots=True)
class Verify:
    """Check signature and integrity; ``Verified`` or ``SignatureBad`` follows.

    Without a signature a signed job's file is bad (whitepaper, L01).
    """

    job: Job


@dataclass(frozen=True, slots=True)
class Install:
    """Verify the file once more and install it; ``InstallDone`` or ``InstallFailed``.

    What it installs is started at the next restart, and not before.
    """

    job: Job


@dataclass(frozen=True, slots=True)
class Reboot:
    """Restart the station."""

    job: Job


@dataclass(frozen=True, slots=True)
class Confirm:
    """Judge what runs; ``GatePassed`` or ``GateFailed`` follows."""

    job: Job


@dataclass(frozen=True, slots=True)
class MarkGood:
    """Tell the boot loader that what runs is good."""

    job: Job


@dataclass(frozen=True, slots=True)
class RollBack:
    """Stop an install; make the version before start next.

    If the new one runs, restart.
    """

    job: Job


@dataclass(frozen=True, slots=True)
class Discard:
    """Stop whatever is done for a job, and delete its file."""

    job: Job


@dataclass(frozen=True, slots=True)
class Hold:
    """Let nobody begin at any connector; takes the place of an earlier hold."""

    deadline_s: float
    """Monotonic; the hold ends then by itself, and the job fails."""
    owner: str = OWNER


@dataclass(frozen=True, slots=True)
class Release:
    """Connectors are held no more; nothing, if they were not."""

    owner: str = OWNER


@dataclass(frozen=True, slots=True)
class StopTransactions:
    """End the transactions that an install waits for."""


Wish = (
    Download
    | Verify
    | Install
    | Reboot
    | Confirm
    | MarkGood
    | RollBack
    | Discard
    | Hold
    | Release
    | StopTransactions
)

FirmwareEffect = JobKept | StatusChanged | Alarmed | Declined | Wish
