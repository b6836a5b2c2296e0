"""What can happen to a firmware job.

An event of a worker names its job: what a job that is no more has started may still
come to its end.
"""

from dataclasses import dataclass

from chargerd.core.firmware_job import Job


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants another firmware; ``firmware.answer`` says what to reply."""

    job: Job


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A technician does not want the job any more."""


@dataclass(frozen=True, slots=True)
class DownloadDone:
    """The whole file is on the disk."""

    job: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """One attempt has failed; ``why`` repeats no password of the location."""

    job: str
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The file is what its maker has signed."""

    job: str
    version: str | None
    """What will run once it is installed; ``None``: the file does not say."""


@dataclass(frozen=True, slots=True)
class SignatureBad:
    """The file cannot be trusted."""

    job: str
    why: str
    certificate: bool = False
    """It is the signing certificate that cannot be."""


@dataclass(frozen=True, slots=True)
class InstallDone:
    """The updater has installed the file."""

    job: str
    needs_reboot: bool


@dataclass(frozen=True, slots=True)
class InstallFailed:
    """The updater has not installed the file."""

    job: str
    why: str
    verification: bool = False
    """It did not trust the file."""


@dataclass(frozen=True, slots=True)
class Rebooted:
    """The daemon has started; what it was doing before is not known."""

    version: str
    slot_marked: bool
    """The boot loader was told before that what runs is good."""


@dataclass(frozen=True, slots=True)
class GatePassed:
    """What runs has proven to be sound."""

    job: str


@dataclass(frozen=True, slots=True)
class GateFailed:
    """What runs is not sound."""

    job: str
    why: str


@dataclass(frozen=True, slots=True)
class StationIdle:
    """No transaction runs."""


@dataclass(frozen=True, slots=True)
class StationBusy:
    """A transaction runs."""


@dataclass(frozen=True, slots=True)
class TimeLimitPassed:
    """A state has lasted too long; ``firmware.expire`` says so itself."""


OfWorker = (
    DownloadDone
    | DownloadFailed
    | Verified
    | SignatureBad
    | InstallDone
    | InstallFailed
    | GatePassed
    | GateFailed
)
"""What the worker of one job reports."""

FirmwareEvent = (
    OfWorker
    | Wanted
    | Cancelled
    | Rebooted
    | StationIdle
    | StationBusy
    | TimeLimitPassed
)
