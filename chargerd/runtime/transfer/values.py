"""What a transfer may take, whom it trusts, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What a transfer may take."""

    max_bytes: int = 4_294_967_296
    reserve_bytes: int = 67_108_864
    """A download leaves so much of the disk free."""
    answer_within_s: int = 30
    """To connect, and for each answer of an FTP server."""
    stall_s: int = 60
    """Slower than ``least_bytes_s`` for so long is given up."""
    least_bytes_s: int = 100
    most_bytes_s: int = 0
    """On average over some seconds, to leave the link to others; zero: no limit."""

    def __post_init__(self) -> None:
        """Refuse a speed limit that would be taken for a stall."""
        if 0 < self.most_bytes_s <= self.least_bytes_s:
            raise ValueError(
                f"most_bytes_s: {self.most_bytes_s} is not above least_bytes_s"
                f" {self.least_bytes_s}; write more, or 0 for no limit"
            )


@dataclass(frozen=True, slots=True)
class Access:
    """Whom we trust, and how we go about it."""

    roots_pem: str | None = field(default=None, repr=False)
    """Roots for https and ftps; ``None``: those of the system."""
    own_pem: str | None = field(default=None, repr=False)
    """Our certificate, whoever issued it and its private key, for servers that ask."""
    known_hosts: Path | None = None
    """Host keys for sftp, in the form of OpenSSH."""
    host_key_sha256: str | None = None
    """The one host key for sftp, in base64; it goes before ``known_hosts``."""
    any_host_key: bool = False
    """Take whatever host key an sftp server shows."""
    ftp_tls: bool = False
    """Ask for TLS on ``ftp://`` too, and go no further without it."""
    post: bool = False
    """Upload by POST, as the field ``file`` of a form, in place of PUT."""
    environment_proxies: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer has come; ``size_bytes`` is ``None`` if nobody knows it."""

    done_bytes: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """A file that is wholly on the disk."""

    size_bytes: int
    sha256: str
    """In lower-case hex."""


Report = Callable[[Progress], None]
