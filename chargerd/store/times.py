"""Times as they stand in the file."""

from datetime import datetime


def time_text(at: datetime) -> str:
    """Return a time as it stands in the file."""
    return at.isoformat()


def maybe_text(at: datetime | None) -> str | None:
    """Return the same for a time that may not be there."""
    return None if at is None else time_text(at)


def maybe_moment(text: str | None) -> datetime | None:
    """Return what such a text says."""
    return None if text is None else datetime.fromisoformat(text)
