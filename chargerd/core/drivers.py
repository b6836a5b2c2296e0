"""Whom the station knows by itself: the local list, and the cache beneath it."""

from collections.abc import Mapping
from datetime import datetime

from chargerd.core.authorization import Known, folded, masked, standing, valid
from chargerd.core.effects import Effect, Noted
from chargerd.core.events import WHOLE_STATION, ListReplaced, Source, TagInfo
from chargerd.core.locallist import LocalList
from chargerd.core.policy import Policy
from chargerd.core.tags import Tags


class Drivers:
    """Holds both, and sees where the CSMS contradicts its own list."""

    def __init__(self, listed: LocalList, tags: Tags) -> None:
        """Take what the disk remembers."""
        self.listed = listed
        self.tags = tags
        self._conflicts: dict[str, TagInfo] = {}
        self._told: str | None = None

    @property
    def conflict(self) -> str | None:
        """The id tag of the last contradiction, until none is left.

        A contradiction ends when the CSMS agrees with the entry again, or when
        the entry changes.
        """
        return self._told if self._conflicts else None

    def contradicted(self, id_tag: str) -> bool:
        """Tell whether the CSMS has last contradicted the entry of an id tag."""
        return folded(id_tag) in self._conflicts

    def find(self, id_tag: str) -> Known:
        """Return what is known of an id tag."""
        return Known(self.listed.find(id_tag), self.tags.find(id_tag))

    def parent(self, id_tag: str, policy: Policy) -> str | None:
        """Return the group of an id tag, by the list or else the cache."""
        known = self.find(id_tag)
        if policy.list_enabled and known.listed is not None:
            return known.listed.parent
        cached = known.cached if policy.cache_enabled else None
        return cached.parent if cached else None

    def learn(
        self, id_tag: str, info: TagInfo, policy: Policy, now: datetime
    ) -> tuple[Effect, ...]:
        """Take the CSMS's word on an id tag; what is listed is not cached."""
        entry = self.listed.find(id_tag) if policy.list_enabled else None
        if entry is not None:
            return self._compare(id_tag, entry, info, now)
        if not policy.cache_enabled:
            return ()
        return self.tags.learn(id_tag, info, now)

    def replace(self, event: ListReplaced) -> tuple[Effect, ...]:
        """Take a list that is on the disk; what it holds has left the cache there."""
        self.tags.drop(event.uncached)
        self.listed = LocalList(event.version, event.entries)
        self._conflicts = _unchanged(self._conflicts, event.entries)
        count = len(event.entries)
        told = f"the local list has version {event.version} and {count} id tags"
        return (Noted(WHOLE_STATION, told),)

    def _compare(
        self, id_tag: str, entry: TagInfo, info: TagInfo, now: datetime
    ) -> tuple[Effect, ...]:
        key = folded(id_tag)
        if valid(entry, now) is valid(info, now):
            self._conflicts.pop(key, None)
            return ()
        if self._conflicts.get(key) == entry:
            return ()
        self._conflicts[key], self._told = entry, id_tag
        words = f"{standing(info, now)}, {Source.LIST} {standing(entry, now)}"
        told = f"{masked(id_tag)}: the CSMS says {words}"
        return (Noted(WHOLE_STATION, told),)


def _unchanged(
    conflicts: Mapping[str, TagInfo], entries: Mapping[str, TagInfo]
) -> dict[str, TagInfo]:
    """Return the contradictions to entries that stand as they stood."""
    return {key: entry for key, entry in conflicts.items() if entries.get(key) == entry}
