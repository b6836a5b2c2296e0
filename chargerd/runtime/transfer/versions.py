"""Which file a part is of, by what a server says of it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """What tells a file from another one, and from itself after a change."""

    url_sha256: str
    size_bytes: int | None = None
    stamp: str | None = None
    """An ETag, or when the file was changed, in the server's words."""


def whole_number(text: str) -> int | None:
    """Return the number in a header, or ``None`` if there is none."""
    return int(text) if text.isascii() and text.isdecimal() else None


def span(content_range: str) -> tuple[int | None, int | None]:
    """Return start and whole size of ``bytes START-END/SIZE``."""
    given, _, size = content_range.removeprefix("bytes ").partition("/")
    return whole_number(given.partition("-")[0]), whole_number(size)


def stamp(headers: Mapping[str, str]) -> str | None:
    """Return what tells versions apart; a weak ETag says nothing about bytes."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified")
