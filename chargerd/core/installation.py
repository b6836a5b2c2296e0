"""The charging profiles that are installed: which replace which, and which are kept.

A TxProfile is not written to the disk: its transaction is closed at the next start of
the process at the latest, and a CSMS that regulates by TxProfiles would wear the flash.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import inf
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.effects import (
    Effect,
    Noted,
    ProfileKept,
    ProfilesDropped,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.policy import Policy
from chargerd.core.profile_rules import fault
from chargerd.core.profiles import (
    Profile,
    Purpose,
    Ruling,
    overlaid,
    station_layers,
    transaction_layers,
)
from chargerd.core.reasons import Objection, Why
from chargerd.core.schedules import begun
from chargerd.core.session import Session

Effects = tuple[Effect, ...]

MAX_PROFILES: Final = 100


class Floor(Protocol):
    """What the installation sees of the station."""

    policy: Policy

    @property
    def sessions(self) -> Mapping[int, Session]:
        """Every connector's session."""


class Installation:
    """Holds the profiles; each id once."""

    def __init__(self, floor: Floor, kept: Iterable[Profile] = ()) -> None:
        """Take what the disk remembers of the connectors that there are."""
        known = (events.WHOLE_STATION, *floor.sessions)
        self._held = {p.id: p for p in kept if p.connector in known}
        self._floor = floor
        self._began_s: dict[str, float] = {}
        self.edition = 0
        """Another one whenever something else may rule."""

    @property
    def all(self) -> tuple[Profile, ...]:
        """Every profile, in the order of their ids."""
        return tuple(self._held[id_] for id_ in sorted(self._held))

    def objection(self, profile: Profile, now: datetime) -> Objection | None:
        """Return why a profile cannot be installed, with the remedy."""
        wrong = fault(profile, self._floor.policy, now)
        if wrong is not None:
            return Objection(Why.BAD_VALUE, wrong)
        after = len(self._held) - len(self._replaced(profile)) + 1
        if after > MAX_PROFILES:
            detail = f"{MAX_PROFILES} profiles are installed; clear some first"
            return Objection(Why.TOO_MANY_PROFILES, detail)
        return None

    def track(
        self, connector: int, now: Instant, to_s: float = inf
    ) -> Iterator[Ruling]:
        """Yield what rules at a connector (0: the station) from now on.

        Where no transaction runs, it is what would rule one that begins now.
        """
        profiles = self.all
        if connector == events.WHOLE_STATION:
            return overlaid(station_layers(profiles, now.utc), 0.0, to_s)
        key = self._floor.sessions[connector].key
        layers = transaction_layers(
            profiles,
            connector,
            now.utc,
            key=key,
            transaction_s=self.began_s(key, now) - now.monotonic_s,
            fall_back=self._floor.policy.default_after_own_profile,
        )
        return overlaid(layers, 0.0, to_s)

    def began_s(self, key: str, now: Instant) -> float:
        """Return when a transaction began; now, if it does not run."""
        return self._began_s.get(key, now.monotonic_s)

    def install(self, event: events.ProfileSet, now: Instant) -> Effects:
        """Put a profile in the place of those that it replaces."""
        profile = self._ready(event.profile, now.utc)
        replaced = self._replaced(profile)
        if replaced == [profile]:
            return ()
        # Of a vehicle that is regulated all the time, the story tells the beginning.
        story = None if replaced else profile.key
        told = Noted(event.connector, f"profile {named(profile)} set", story)
        own_row = profile.id if _lasts(profile) else None
        dropped = self._drop(p for p in replaced if p.id != own_row)
        self._held[profile.id] = profile
        self.edition += 1
        kept = (ProfileKept(profile),) if _lasts(profile) else ()
        return (*dropped, *kept, told)

    def clear(self, event: events.ProfilesCleared, now: Instant) -> Effects:
        """Remove profiles."""
        gone = [self._held[id_] for id_ in event.ids if id_ in self._held]
        told = (Noted(p.connector, f"profile {named(p)} cleared", p.key) for p in gone)
        return (*self._drop(gone), *told)

    def follow(self, effects: Effects, now: Instant) -> Effects:
        """Let profiles come and go with their transactions."""
        followed: Effects = ()
        for effect in effects:
            match effect:
                case TransactionStarted(key=key, connector=connector):
                    followed += self._begin(key, connector, now)
                case TransactionEnded(key=key):
                    self._began_s.pop(key, None)
                    followed += self._drop(p for p in self.all if p.key == key)
        return followed

    def _begin(self, key: str, connector: int, now: Instant) -> Effects:
        self._began_s[key] = now.monotonic_s
        self.edition += 1
        promised = self._floor.sessions[connector].profile
        if promised is None:
            return ()
        bound = replace(promised, key=key, connector=connector)
        return self.install(events.ProfileSet(connector, bound), now)

    def _ready(self, profile: Profile, now: datetime) -> Profile:
        schedule, skew_s = profile.schedule, self._floor.policy.profile_skew_s
        if schedule.start is None and profile.purpose is Purpose.STATION:
            schedule = replace(schedule, start=now)
        valid_from = profile.valid_from
        if valid_from and 0.0 < (valid_from - now).total_seconds() <= skew_s:
            valid_from = now
        return replace(
            profile, schedule=begun(schedule, now, skew_s), valid_from=valid_from
        )

    def _replaced(self, profile: Profile) -> list[Profile]:
        return [
            p for p in self.all if p.id == profile.id or self._displaced(p, profile)
        ]

    def _displaced(self, held: Profile, profile: Profile) -> bool:
        if (held.purpose, held.stack_level) != (profile.purpose, profile.stack_level):
            return False
        general = profile.purpose is Purpose.DEFAULT and not profile.connector
        overruled = general and self._floor.policy.default_for_all_overrules
        return held.connector == profile.connector or overruled

    def _drop(self, profiles: Iterable[Profile]) -> Effects:
        gone = tuple(profiles)
        for profile in gone:
            del self._held[profile.id]
        self.edition += 1
        ids = tuple(profile.id for profile in gone if _lasts(profile))
        return (ProfilesDropped(ids),) if ids else ()


def named(profile: Profile) -> str:
    """Return a profile as people call it."""
    return f"{profile.id} ({profile.purpose}, stack level {profile.stack_level})"


def _lasts(profile: Profile) -> bool:
    return profile.purpose is not Purpose.TRANSACTION
