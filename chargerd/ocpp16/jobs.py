"""What takes long and is done outside: files fetched and delivered, a link made anew.

Each is granted after the record that came with it is on the disk. It may come again
after a restart, so it does no harm the second time.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chargerd.core.firmware_effects import (
    Confirm,
    Discard,
    Download,
    Install,
    MarkGood,
    Reboot,
    RollBack,
    Verify,
)
from chargerd.ocpp16.pki.values import KeyKind


class LogKind(StrEnum):
    """What a file of the station is about, in OCPP's words (whitepaper section 6.4)."""

    DIAGNOSTICS = "DiagnosticsLog"
    SECURITY = "SecurityLog"


@dataclass(frozen=True, slots=True)
class Upload:
    """Make a file and deliver it; ``UploadDone`` or ``UploadFailed`` follows."""

    id: str
    kind: LogKind
    location: str = field(repr=False)  # may hold a password (OCPP 1.6 section 8)
    file_name: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StopUpload:
    """Stop an upload, if it goes on, and delete its file, which it may have kept."""

    id: str


@dataclass(frozen=True, slots=True)
class Redial:
    """Dial anew, by the settings as they are now, once what is queued is sent."""


@dataclass(frozen=True, slots=True)
class MakeKey:
    """Make a key pair, which takes seconds where it is RSA; ``KeyMade`` follows."""

    kind: KeyKind


FirmwareJob = (
    Download | Verify | Install | Reboot | Confirm | MarkGood | RollBack | Discard
)

Job = FirmwareJob | Upload | StopUpload | Redial | MakeKey
