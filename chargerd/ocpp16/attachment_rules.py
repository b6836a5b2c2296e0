"""Which change of the link to the CSMS is taken, as one table.

Facts: OCPP 1.6 security whitepaper edition 3, A00, A01 and A05.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from chargerd.clock import Instant
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.attachment_values import (
    Attachment,
    AttachmentWanted,
    Origin,
    Trust,
    is_websocket,
)

LONGEST_IDENTITY: Final = 48
"""As the station file allows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that somebody wants."""

    wish: AttachmentWanted
    old: Attachment
    new: Attachment
    trust: Trust
    now: Instant


def objection(asked: Asked) -> Objection | None:
    """Return what speaks against a change first, if anything does."""
    for rule in _RULES:
        detail = rule(asked)
        if detail is not None:
            return Objection(Why.BAD_VALUE, detail)
    return None


def _plain_url(asked: Asked) -> str | None:
    # A password in it would be shown wherever the URL is.
    if asked.wish.url is not None and "@" in asked.wish.url:
        return "url: must hold no name and no password; the key has a place of its own"
    return None


def _usable_url(asked: Asked) -> str | None:
    url = asked.wish.url
    if url is None or (is_websocket(url) and not urlsplit(url).fragment):
        return None
    return f"url: {url!r} is no WebSocket; write wss://host/path"


def _usable_identity(asked: Asked) -> str | None:
    identity = asked.wish.identity
    if identity is None:
        return None
    if not (0 < len(identity) <= LONGEST_IDENTITY and identity.isprintable()):
        return f"identity: must be 1 to {LONGEST_IDENTITY} printable characters"
    return None


def _known_profile(asked: Asked) -> str | None:
    if asked.wish.profile in (None, 0, 1, 2, 3):
        return None
    return "SecurityProfile: must be a whole number from 0 to 3"


def _climbing(asked: Asked) -> str | None:
    # Lowered by somebody on the spot alone (A00.FR.005).
    wish, present = asked.wish, asked.old.profile
    if wish.origin is not Origin.CSMS or wish.profile is None:
        return None
    if wish.profile > present:
        return None
    return f"SecurityProfile: it is {present} and can only be raised"


def _no_colon(asked: Asked) -> str | None:
    # HTTP parts the name from the password by a colon.
    if asked.new.secret and ":" in asked.new.identity:
        return f"identity: has a colon; profile {asked.new.profile} allows none"
    return None


def _with_key(asked: Asked) -> str | None:
    if asked.new.secret and not asked.new.key:
        profile = asked.new.profile
        return f"SecurityProfile: {profile} needs an AuthorizationKey; set that first"
    return None


def _with_root(asked: Asked) -> str | None:
    if asked.wish.profile in (2, 3) and not asked.trust.has_root():
        profile = asked.wish.profile
        return f"SecurityProfile: {profile} needs a root of the CSMS; install it first"
    return None


def _with_own(asked: Asked) -> str | None:
    if asked.wish.profile == 3 and not asked.trust.has_own(asked.now):
        return (
            "SecurityProfile: 3 needs a valid certificate of the station; "
            "install it first"
        )
    return None


_RULES: Final[tuple[Callable[[Asked], str | None], ...]] = (
    _plain_url,
    _usable_url,
    _usable_identity,
    _known_profile,
    _climbing,
    _no_colon,
    _with_key,
    _with_root,
    _with_own,
)
