"""What the link tells the station's upkeep of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkTrusted:
    """A link is open, and this vouches for it; told before ``LinkUp``."""

    fingerprints: tuple[str, ...]
    """SHA-256, in hex, of every root on the way; none without TLS."""
