"""How the CSMS is reached, as values: what is dialed, who wants it otherwise."""

from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Final, Protocol, Self
from urllib.parse import quote, urlsplit, urlunsplit

from chargerd.clock import Instant
from chargerd.ocpp16.keys import BadValue, secret_key
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.ocpp16.records import Drawer, Sheet, SheetKept

TRIAL: Final = "trial"
"""Under which name the sheet of a trial lies in its drawer."""


class Origin(StrEnum):
    """Whose wish it is."""

    FILE = "file"  # the station file
    CSMS = "csms"
    CLI = "cli"  # somebody on the spot

    @property
    def told(self) -> str:
        """As ``chargerctl config`` tells whence the value of a key is."""
        return "station file" if self is Origin.FILE else str(self)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where the CSMS is, and how we say who we are."""

    url: str = ""
    identity: str = ""
    profile: int = 0
    """The security profile (whitepaper, A00.FR.001)."""
    key: str = field(default="", repr=False)
    """The AuthorizationKey in hex; empty: none is known."""

    @property
    def where(self) -> str:
        """Which CSMS this is, and who we are there."""
        return address(self.url, self.identity)

    @property
    def peer(self) -> str:
        """The same, whether it is reached over TLS or not."""
        return self.where.partition("://")[2]

    def known(self, places: Collection[str]) -> bool:
        """Tell whether one of these CSMSs is this one, over TLS or not."""
        return self.peer in {where.partition("://")[2] for where in places}

    @property
    def secret(self) -> bool:
        """Whether a password says who we are."""
        return self.profile in (1, 2)

    @property
    def secured(self) -> Self:
        """The same, over TLS where the profile asks for it (A00.FR.003)."""
        scheme, colon, rest = self.url.partition(":")
        if self.profile < 2 or scheme.lower() != "ws":
            return self
        return replace(self, url=f"wss{colon}{rest}")

    def differing(self, other: Self) -> tuple[str, ...]:
        """Return the names of the fields that another one has otherwise."""
        names = (each.name for each in fields(self))
        return tuple(n for n in names if getattr(self, n) != getattr(other, n))


@dataclass(frozen=True, slots=True)
class Kept:
    """An attachment, and whose wish it was."""

    attachment: Attachment
    origin: Origin = Origin.FILE

    def record(self, name: str) -> SheetKept:
        """Return what must be on the disk of it."""
        of = self.attachment
        sheet: Sheet = {
            "url": of.url,
            "identity": of.identity,
            "profile": of.profile,
            "key": of.key,
            "origin": str(self.origin),
        }
        return SheetKept(Drawer.LINK, name, sheet)

    @classmethod
    def read(cls, sheet: Sheet) -> Self:
        """Return what ``record`` has written."""
        attachment = Attachment(
            str(sheet["url"]),
            str(sheet["identity"]),
            int(sheet["profile"] or 0),
            str(sheet["key"]),
        )
        return cls(attachment, Origin(str(sheet["origin"])))


class Trust(Protocol):
    """What certificates there are."""

    def has_root(self) -> bool:
        """Whether anybody is believed who may vouch for the CSMS."""

    def has_own(self, now: Instant) -> bool:
        """Whether we have a certificate of our own that is valid now."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What the station file says of the link; stands in for the keyring."""

    attachment: Attachment = field(default_factory=Attachment)
    roots: bool = False
    own: bool = False
    certificate: str = field(default="", repr=False)
    """Our certificate, in PEM, with what leads to its root; empty: none is named."""
    in_hardware: bool = False
    """Its private key is in a token, in which no other one can be made."""

    def has_root(self) -> bool:
        """Whether the file names roots."""
        return self.roots

    def has_own(self, _now: Instant) -> bool:
        """Whether the file names a certificate of ours, and its key."""
        return self.own


@dataclass(frozen=True, slots=True)
class AttachmentWanted:
    """Somebody wants the CSMS to be reached otherwise; ``None``: as it is."""

    origin: Origin
    url: str | None = None
    identity: str | None = None
    profile: int | None = None
    key: str | None = field(default=None, repr=False)

    def applied(self, to: Attachment) -> Attachment:
        """Return what is wanted in full."""
        names = (each.name for each in fields(to))
        wanted = {n: getattr(self, n) for n in names if getattr(self, n) is not None}
        return replace(to, **wanted).secured


@dataclass(frozen=True, slots=True)
class TrialBegun:
    """Something is to be tried, and is on the disk."""

    kept: Kept


@dataclass(frozen=True, slots=True)
class TrialRefused:
    """Nothing is tried, and here is why."""

    why: str


@dataclass(frozen=True, slots=True)
class TrialGivenUp:
    """Somebody does not want to wait for the end of the trial."""

    origin: Origin


AttachmentEvent = TrialBegun | TrialRefused | TrialGivenUp | LinkTried | LinkTrusted


def address(url: str, identity: str) -> str:
    """Return the URL with our name, percent-encoded (OCPP-J 1.6 section 3.1.1)."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{quote(identity, safe='')}"
    return urlunsplit(parts._replace(path=path))


def is_websocket(url: str) -> bool:
    """Tell whether this is the URL of a WebSocket."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        return False


def key_of(text: str) -> str:
    """Return an AuthorizationKey in hex; what is no hex means its own letters.

    Raises:
        BadValue: It is too short or too long (whitepaper A00.FR.205).
    """
    try:
        return secret_key(text).hex()
    except BadValue:
        letters = text.encode()
    if not (16 <= len(letters) <= 20 and text.isascii() and text.isprintable()):
        raise BadValue("must be 32 to 40 hex digits or 16 to 20 plain characters")
    return letters.hex()
