"""Where a file is: a URL taken apart, and shown without its secrets."""

from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from chargerd.runtime.transfer.reasons import TransferFailed, Why

SCHEMES: Final = ("http", "https", "ftp", "ftps", "sftp")
WEB: Final = ("http", "https")


def redacted(url: str) -> str:
    """Return a URL for people: no user, no password, no query.

    Whatever stands before the last ``@`` goes, so that a password which was not
    percent-encoded goes too.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme.lower() not in SCHEMES:
        return "***"
    hidden, at, shown = rest.rpartition("@")
    shown = shown.partition("#")[0]
    shown, query, _ = shown.partition("?")
    return f"{scheme}://{'***@' if at else ''}{shown}{'?***' if query else ''}"


@dataclass(frozen=True, slots=True)
class Place:
    """A URL, taken apart."""

    scheme: str
    address: str = field(repr=False)
    """Without user and password; a query may be secret."""
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    shown: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart, or raise ``TransferFailed`` if it is none of ours."""
        shown = redacted(url)
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
            name = (host or "").encode("idna").decode("ascii")
        except ValueError:
            raise _bad_url(shown) from None
        if scheme and scheme not in SCHEMES:
            raise TransferFailed(
                Why.UNSUPPORTED_SCHEME,
                f"{shown}: {scheme!r} is no scheme for files;"
                f" write one of {', '.join(SCHEMES)}",
            )
        user, password = _plain(parts.username), _plain(parts.password)
        if not scheme or not name or "#" in url or _unsound(url, user, password):
            raise _bad_url(shown)
        netloc = f"[{name}]" if ":" in name else name
        netloc += "" if port is None else f":{port}"
        address = urlunsplit((scheme, netloc, _ascii(parts.path), parts.query, ""))
        return cls(scheme, address, user, password, shown)

    def holding(self, name: str) -> "Place":
        """Return the place of a file in this folder."""
        parts = urlsplit(self.address)
        if parts.query and not parts.path.endswith("/"):
            return self
        path = f"{parts.path.removesuffix('/')}/{quote(name, safe='')}"
        address = urlunsplit(parts._replace(path=path))
        return Place(self.scheme, address, self.user, self.password, self.shown)

    def clean(self, words: str) -> str:
        """Return somebody else's words without our secrets."""
        query = urlsplit(self.address).query
        for secret in (self.password or self.user, query):
            for form in (secret, quote(secret or "", safe="")):
                words = words.replace(form, "***") if form else words
        return words


def _plain(encoded: str | None) -> str | None:
    return None if encoded is None else unquote(encoded)


def _ascii(path: str) -> str:
    return quote(path, safe="%/:@!$&'()*+,;=~[]")


def _unsound(*texts: str | None) -> bool:
    """Say whether a line of a protocol could end within one of these."""
    return any(ord(c) < 32 or ord(c) == 127 for text in texts for c in text or "")


def _bad_url(shown: str) -> TransferFailed:
    return TransferFailed(
        Why.BAD_URL,
        f"{shown}: this is no URL; write scheme://user:password@host:port/path and"
        " percent-encode what is special in user and password",
    )
