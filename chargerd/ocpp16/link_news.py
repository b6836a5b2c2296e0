"""What the link itself has to tell of each dial."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkTried:
    """The CSMS was dialed. Told of every dial; ``LinkUp`` follows one that is ok."""

    ok: bool
    turn: int
    """Which settings were dialed: ``Attachments.turn`` at that time."""
    layer: str = ""
    """Where it failed, as ``chargerctl link`` says it."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class LinkTrusted:
    """A link is open, and this vouches for it; told before ``LinkUp``."""

    fingerprints: tuple[str, ...]
    """SHA-256, in hex, of every installed certificate on the way; none without TLS."""
