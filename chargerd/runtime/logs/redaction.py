"""What must not leave the station in a file is taken out here, and only here.

Secrets go wholly: passwords, private keys, what a URL holds besides its address. Of an
id tag the ends stay (security whitepaper, A01.FR.12).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from chargerd.core.authorization import masked

HIDDEN: Final = "***"

_SHORTEST_SECRET: Final = 4
_SHORTEST_TAG: Final = 5

_WORDS: Final = (
    r"pass(?:word|wd|phrase)|secret|credential|psk|sim_?pin|pin_?code"
    r"|(?:authori[sz]ation|auth|private|api|access|shared|encryption)_?key"
    r"|(?:access|auth|bearer|api)_?token"
)
_SECRET_NAME: Final = re.compile(rf"(?:{_WORDS})s?(?:_pem|_hex)?$", re.IGNORECASE)
_TAG_NAMES: Final = frozenset(
    {"idtag", "parentidtag", "tag", "stoptag", "parent", "freevendidtag", "uid"}
)

_BEGIN: Final = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
_END: Final = r"-----END [A-Z0-9 ]*PRIVATE KEY-----"
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL), HIDDEN),
    (
        re.compile(r"\b(basic|bearer|digest)\s+[\w+/.~-]{12,}=*", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (
        re.compile(
            rf"((?:{_WORDS})[\"']?\s*[:=]\s*)"
            r"""(?:"[^"]*"|'[^']*'|[^\s"',;&]+)""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # an AuthorizationKey, wherever it comes from (OCPP 1.6 security whitepaper)
    (re.compile(r"\b[0-9A-Fa-f]{32,40}\b"), HIDDEN),
)
_URL: Final = re.compile(r"([A-Za-z][\w+.-]{0,20}://)([^\s\"'<>]*)")
_VALUES: Final = frozenset({"value", "default"})
_SIGNED: Final = "secret"
"""What a meter has signed names the id tag too, in a form of the meter's own."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9]{5,20}")


class Redactor:
    """Takes secrets out of texts and documents."""

    def __init__(
        self, secrets: Iterable[str] = (), id_tags: Iterable[str] = ()
    ) -> None:
        """Take what is known to be secret, beside what looks so.

        Args:
            secrets: Passwords and the like.
            id_tags: Those that may stand in the middle of a text.
        """
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._secrets = (
            re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
            if forms
            else None
        )
        long = (tag for tag in id_tags if len(tag) >= _SHORTEST_TAG)
        self._tags = frozenset(map(str.casefold, long))

    def text(self, text: str) -> str:
        """Return a text without what is secret."""
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        text = _URL.sub(_address, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _TOKEN.sub(self._known, text) if self._tags else text

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield the lines of a text without what is secret, one at a time.

        No line is long, so that a large text does not hold up other threads.
        """
        inside = False
        for line in lines:
            ends, begins = _last(_END, line), _last(_BEGIN, line)
            hidden, inside = inside, begins > ends or (inside and ends < 0)
            if hidden:
                # of a private key; what stands after its end comes again below
                line = line[ends:] if ends >= 0 else ""
            if line:
                yield self.text(line)

    def value(self, value: Any) -> Any:
        """Return a document without what is secret; names tell what a value is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            signed = value.get("format") == "SignedData"
            named = _SIGNED if signed else value.get("name")
            return {
                str(name): self._field(self._meaning(str(name), named), each)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def _field(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return self.value(value)
        if _SECRET_NAME.search(name):
            return HIDDEN
        is_tag = name.replace("_", "").casefold() in _TAG_NAMES
        return masked(value) if is_tag else self.text(value)

    @staticmethod
    def _meaning(name: str, named: Any) -> str:
        """Return what a field is: in name and value, the name says it."""
        return named if name in _VALUES and isinstance(named, str) else name

    def _known(self, found: re.Match[str]) -> str:
        word = found[0]
        return masked(word) if word.casefold() in self._tags else word


def _address(found: re.Match[str]) -> str:
    """Return a URL without user, password and query; a signed URL is a key.

    Whatever stands before the last ``@`` goes, be it escaped as it should or not.
    """
    scheme, rest = found.groups()
    _, at, rest = rest.rpartition("@")
    rest, query, _ = rest.partition("?")
    return f"{scheme}{HIDDEN + at if at else ''}{rest}{query + HIDDEN if query else ''}"


def _last(pattern: str, line: str) -> int:
    """Return where the last of a mark ends in a line; -1: there is none."""
    if "PRIVATE KEY" not in line:
        return -1
    return max((found.end() for found in re.finditer(pattern, line)), default=-1)


def _forms(secret: str) -> Iterable[str]:
    """Return how a secret may be written."""
    if len(secret) < _SHORTEST_SECRET:
        return ()
    raw = secret.encode()
    forms: tuple[Callable[[], str], ...] = (
        lambda: secret,
        lambda: quote(secret, safe=""),
        raw.hex,
    )
    return tuple(form() for form in forms)
