"""What a bench CSMS is told when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class NotDone(Exception):
    """What was asked for could not be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The files, all in PEM, of a bench that speaks TLS."""

    certificate: Path
    """Of the bench, and whoever issued it, but for the root."""
    key: Path
    clients: Path | None = None
    """The roots of stations' certificates: security profile 3; ``None``: none asked."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How stations get the certificates that they ask for."""

    folder: Path | None = None
    """Of an authority that ``benchcsms ca`` made; ``None`` refuses every request."""
    days: float = 365.0
    """The life of a certificate."""
    after_s: float = 0.0
    """From the promise until the certificate is sent."""


@dataclass(frozen=True, slots=True)
class Files:
    """A server of firmware, which takes logs too."""

    folder: Path
    """``firmware`` in it is read, ``uploads`` in it is written."""
    port: int = 0
    """0 picks a free one."""
    tls: bool = False
    """Whether it is HTTPS, with the certificate of the bench."""
    user: str | None = field(default=None, repr=False)
    """``name:password`` of whoever may use it; ``None``: everybody."""
    largest_bytes: int = 1 << 30
    """What is larger is not taken."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One bench; as it stands it welcomes every station on a free port."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 picks a free one."""
    stations: frozenset[str] = frozenset()
    """Who is welcome; nobody named means everybody."""
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The AuthorizationKey of some stations (security profile 1)."""
    key: bytes | None = field(default=None, repr=False)
    """The AuthorizationKey of all others; ``None`` asks them for none (profile 0)."""
    learns_keys: bool = True
    """Whether a key that a station was told is its key from then on."""
    tls: Tls | None = None
    """What makes the bench one of security profile 2, or 3; ``None``: plain."""
    tls_port: int | None = None
    """Where TLS is spoken beside a plain ``port``; ``None``: on ``port``, if at all."""
    common_names: Mapping[str, str] = field(default_factory=dict)
    """What the certificate of some stations must say; all others may say anything."""
    signing: Signing = Signing()
    files: Files | None = None
    """``None``: no files are served."""
    tags: Mapping[str, Json] = field(default_factory=dict)
    """The idTagInfo of some id tags; all others are Accepted."""
    heartbeat_interval_s: int = 300
    first_transaction_id: int = 1
    log_frames: int = 20_000
    """How many frames the log of the dialogue remembers."""


def utc_now() -> datetime:
    """Return the time that goes into messages."""
    return datetime.now(UTC)


def moment(at: datetime) -> str:
    """Return a time as OCPP writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
