"""Where files are fetched from and delivered to: URLs of the kinds we know."""

from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("ftp", "ftps", "http", "https", "sftp")


def misplaced(location: str) -> str | None:
    """Return why a location is of no use; the text repeats nothing of it."""
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the location is no URL; write scheme://host/path"
    if parts.scheme.lower() not in SCHEMES:
        return f"the location has no scheme of ours; write one of {', '.join(SCHEMES)}"
    if not host or port == 0:
        return "the location names no host; write scheme://host/path"
    return None
