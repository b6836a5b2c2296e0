"""What can happen to an upload, and to the security log.

An event of the worker names its upload: what one that is no more has begun may still
come to its end.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chargerd.ocpp16.jobs import LogKind


class Failing(StrEnum):
    """Why an attempt has failed, in OCPP's words (whitepaper section 6.19)."""

    UPLOAD_FAILURE = "UploadFailure"
    BAD_MESSAGE = "BadMessage"
    PERMISSION_DENIED = "PermissionDenied"
    NOT_SUPPORTED = "NotSupportedOperation"


@dataclass(frozen=True, slots=True)
class UploadWanted:
    """The CSMS wants a file of ours; whatever was under way before is not wanted."""

    kind: LogKind
    location: str = field(repr=False)  # may hold a password (OCPP 1.6 section 8)
    file_name: str
    since: datetime | None = None
    until: datetime | None = None
    request_id: int | None = None
    """Of GetLog; GetDiagnostics has none."""
    retries: int | None = None
    """After the first try; ``None``: our choice."""
    retry_interval_s: int | None = None
    """``None``: our choice, growing."""


@dataclass(frozen=True, slots=True)
class UploadDone:
    """The file is where it was wanted."""

    id: str


@dataclass(frozen=True, slots=True)
class UploadFailed:
    """One attempt has failed; ``text`` repeats no password of the location."""

    id: str
    why: Failing
    text: str


@dataclass(frozen=True, slots=True)
class LogClearWanted:
    """Somebody on the spot clears the security log."""

    by: str


UploadEvent = UploadWanted | UploadDone | UploadFailed | LogClearWanted
