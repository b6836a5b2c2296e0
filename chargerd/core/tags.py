"""The authorization cache: what the CSMS last said of each id tag."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from chargerd.core.authorization import Verdict, folded, judged
from chargerd.core.effects import Effect, TagLearned, TagsForgotten
from chargerd.core.events import Source, TagInfo

CAPACITY: Final = 5_000


class Tags:
    """Remembers id tags, valid and not, up to a bound (OCPP 1.6 section 3.5.1)."""

    def __init__(self, known: Iterable[tuple[str, TagInfo]] = ()) -> None:
        """Take what the disk remembers, oldest first."""
        self._known = {folded(id_tag): info for id_tag, info in known}

    @property
    def all(self) -> Mapping[str, TagInfo]:
        """Every id tag (folded) that is remembered, oldest first."""
        return MappingProxyType(self._known)

    def find(self, id_tag: str) -> TagInfo | None:
        """Return what is known of an id tag."""
        return self._known.get(folded(id_tag))

    def learn(self, id_tag: str, info: TagInfo, now: datetime) -> tuple[Effect, ...]:
        """Remember an answer of the CSMS; return what the disk must know of it."""
        key = folded(id_tag)
        if self._known.get(key) == info:
            return ()
        self._known.pop(key, None)
        self._known[key] = info
        learned = TagLearned(key, info, now)
        if len(self._known) <= CAPACITY:
            return (learned,)
        return (learned, TagsForgotten((self._drop(now),)))

    def among(self, id_tags: Iterable[str]) -> tuple[str, ...]:
        """Return those of some folded id tags that are known."""
        return tuple(key for key in id_tags if key in self._known)

    def drop(self, id_tags: Iterable[str]) -> None:
        """Forget folded id tags that the disk has forgotten already."""
        for key in id_tags:
            self._known.pop(key, None)

    def clear(self) -> tuple[Effect, ...]:
        """Forget every id tag."""
        forgotten = TagsForgotten(tuple(self._known))
        self._known.clear()
        return (forgotten,) if forgotten.id_tags else ()

    def _drop(self, now: datetime) -> str:
        useless = (
            key
            for key, info in self._known.items()
            if judged(info, Source.CACHE, now).verdict is not Verdict.ACCEPT
        )
        key = next(useless, None) or next(iter(self._known))
        del self._known[key]
        return key
