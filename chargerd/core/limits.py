"""The most power that each connector may give: the least of everybody's word.

The rating of the modules, the station file, a refused id tag, the charging profile of
the transaction, and the connector's share of what the station may take. A limit of
zero pauses and never ends anything. What binds the station as a whole is measured at
the grid, what binds a connector at its outlet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core.demand import Demand, seen
from chargerd.core.derating import Group, derated
from chargerd.core.events import WHOLE_STATION
from chargerd.core.fallback import Fallback
from chargerd.core.fitting import Fitting
from chargerd.core.forecast import changes, portion_w
from chargerd.core.installation import Installation
from chargerd.core.lending import Lending
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Setter, offer
from chargerd.core.profiles import Ruling, dated
from chargerd.core.session import LIVE, Phase, Session
from chargerd.core.sharing import Claim, Shares, share

_STEP_S: Final = 0.1
"""A wall clock that has moved by more against the monotonic one was stepped."""
_REST_S: Final = 0.001
"""No two changes are nearer to each other than this."""


class Floor(Protocol):
    """What limits depend on."""

    policy: Policy
    online: bool
    paused: frozenset[int]
    installation: Installation
    lending: Lending

    @property
    def fittings(self) -> Mapping[int, Fitting]:
        """What each connector is made of."""

    @property
    def sessions(self) -> Mapping[int, Session]:
        """Every connector's session."""


@dataclass(frozen=True, slots=True)
class _Rulings:
    """What profiles say now; it is true until something of it changes."""

    edition: int
    policy: Policy
    at: Instant
    until_s: float
    """On the monotonic clock."""
    of: Mapping[int, Ruling]

    def hold(self, edition: int, policy: Policy, now: Instant) -> bool:
        same = edition == self.edition and policy is self.policy
        stepped = abs(now.set_since_s(self.at)) >= _STEP_S
        return same and now.monotonic_s < self.until_s and not stepped


class Limits:
    """The limits in force. ``update`` renews them at the end of every step."""

    def __init__(self, floor: Floor, site_w: float = inf) -> None:
        """Begin with what the hardware can do.

        Args:
            floor: What limits depend on.
            site_w: What the station may take by the station file.
        """
        self.shares = Shares()
        self.of_station: tuple[Limit, ...] = ()
        """What all connectors may take together, at the grid; the tightest first."""
        self._floor = floor
        self._site_w = site_w
        self._fallback = Fallback()
        self._rulings: _Rulings | None = None
        self._demands: dict[int, Demand] = {}
        self._caps = {
            number: self._own(number, None, None) for number in floor.fittings
        }
        self.may_w = {n: caps[0].power_w for n, caps in self._caps.items()}
        """What each connector may have, were its modules no limit."""

    def of(self, connector: int) -> Limit:
        """Return the most power that a connector may give, and who says so."""
        return self._caps[connector][0]

    @property
    def all(self) -> Mapping[int, tuple[Limit, ...]]:
        """Every limit of every connector, the tightest first."""
        return self._caps

    def caps(self, connector: int) -> tuple[Limit, ...]:
        """Return every limit of a connector, the tightest first."""
        return self._caps[connector]

    def available_w(self) -> float:
        """Return what may come out of all connectors together; may be infinite."""
        grid_w = min((cap.power_w for cap in self.of_station), default=inf)
        return self._outlet_w(grid_w)

    def next_deadline_s(self) -> float | None:
        """Return when a limit next changes by time alone."""
        due_s = [inf if self._rulings is None else self._rulings.until_s]
        fallback_s = self._fallback.due_s(self._floor.policy)
        if fallback_s is not None and fallback_s > self._updated_s:
            due_s.append(fallback_s)
        return None if min(due_s) == inf else min(due_s)

    def update(self, now: Instant) -> None:
        """Work out every limit."""
        rulings = self._ruled(now)
        self._updated_s = now.monotonic_s
        self._fallback.follow(online=self._floor.online, now=now)
        self.of_station = self._binding(rulings, now)
        own = {n: self._own(n, rulings.of.get(n), rulings.at) for n in self._caps}
        claims = [self._claim(n, caps[0], now) for n, caps in own.items()]
        self.shares = share(self.available_w(), claims, self.shares)
        for number, caps in own.items():
            self._caps[number] = self._with_share(number, caps)
            self.may_w[number] = self._may_w(number, caps)

    def composite(
        self, connector: int, seconds: float, now: Instant
    ) -> list[tuple[float, float]]:
        """Return from when on which limit [W] is expected.

        Args:
            connector: Whose limit; 0: what the station takes from the grid.
            seconds: For how long from now on.
            now: The present moment.
        """
        numbers = [
            n
            for n, session in self._floor.sessions.items()
            if connector in (n, WHOLE_STATION) or session.phase in LIVE
        ]
        installation = self._floor.installation
        tracks = {n: installation.track(n, now, seconds) for n in (0, *numbers)}
        found: list[tuple[float, float]] = []
        for at_s, limits_w in changes(tracks, seconds):
            most_w = {n: min(limits_w[n], self._local_w(n)) for n in numbers}
            grid_w = min(limits_w[0], self._site_w)
            if connector == WHOLE_STATION:
                found.append((at_s, min(grid_w, self._drawn_w(most_w.values()))))
                continue
            limit_w = portion_w(self._outlet_w(grid_w), most_w, connector)
            useful = limit_w >= self._floor.policy.minimum_power_w
            found.append((at_s, limit_w if useful else 0.0))
        return found

    def _ruled(self, now: Instant) -> _Rulings:
        installation, policy = self._floor.installation, self._floor.policy
        known = self._rulings
        if known is None or not known.hold(installation.edition, policy, now):
            known = self._rulings = self._asked(now)
        return known

    def _asked(self, now: Instant) -> _Rulings:
        installation = self._floor.installation
        ruling: dict[int, Ruling] = {}
        until_s = inf
        for number in (WHOLE_STATION, *self._floor.sessions):
            first = next(installation.track(number, now), None)
            if first is None:
                continue
            if first.begin_s > 0.0:
                until_s = min(until_s, first.begin_s)
                continue
            ruling[number] = first
            until_s = min(until_s, first.end_s)
        return _Rulings(
            installation.edition,
            self._floor.policy,
            now,
            now.monotonic_s + max(until_s, _REST_S),
            ruling,
        )

    def _binding(self, rulings: _Rulings, now: Instant) -> tuple[Limit, ...]:
        """Return what binds the station as a whole."""
        ruling = rulings.of.get(WHOLE_STATION)
        offline_w = self._fallback.limit_w(self._floor.policy, now)
        found = [
            Limit(self._site_w, Setter.CONFIGURATION),
            Limit(offline_w, Setter.OFFLINE),
        ]
        if ruling is not None:
            found.append(_by(ruling, rulings.at))
        limits = [replace(each, of_station=True) for each in found]
        return _sorted(each for each in limits if each.power_w < inf)

    def _own(
        self, connector: int, ruling: Ruling | None, at: Instant | None
    ) -> tuple[Limit, ...]:
        """Return what binds one connector, the tightest first."""
        fitting = self._floor.fittings[connector]
        rating = self._floor.lending.rating(connector)
        found = [Limit(rating.max_power_w, Setter.HARDWARE)]
        if fitting.limit_w is not None:
            found.append(Limit(fitting.limit_w, Setter.CONFIGURATION))
        found += self._derated(connector, rating.max_power_w)
        if connector in self._floor.paused:
            found.append(Limit(0.0, Setter.AUTHORIZATION))
        if ruling is not None and at is not None:
            found.append(_by(ruling, at))
        lowest_w = min(each.power_w for each in found)
        if 0.0 < lowest_w < self._floor.policy.minimum_power_w:
            found.append(Limit(0.0, Setter.MINIMUM))
        return _sorted(found)

    def _derated(self, connector: int, most_w: float) -> Iterator[Limit]:
        sessions, fittings = self._floor.sessions, self._floor.fittings
        serving = self._floor.lending.serving(connector)
        groups = (Group(fittings[n].rating, sessions[n].facts) for n in serving)
        knees = fittings[connector].knees
        return derated(sessions[connector].facts, groups, most_w, knees)

    def _with_share(self, connector: int, own: tuple[Limit, ...]) -> tuple[Limit, ...]:
        if not self.of_station:
            return own
        live = self._floor.sessions[connector].phase in LIVE
        granted_w = self.shares.granted_w[connector] if live else self.available_w()
        if granted_w >= own[0].power_w:
            return own
        return (replace(self.of_station[0], power_w=granted_w), *own)

    def _may_w(self, connector: int, own: tuple[Limit, ...]) -> float:
        granted_w = self.shares.granted_w
        others_w = sum(w for number, w in granted_w.items() if number != connector)
        others = (each for each in own if each.set_by is not Setter.HARDWARE)
        own_w = min((each.power_w for each in others), default=inf)
        return min(own_w, self.available_w() - others_w)

    def _local_w(self, connector: int) -> float:
        fitting = self._floor.fittings[connector]
        return offer(self._floor.lending.rating(connector), fitting.limit_w).power_w

    def _outlet_w(self, grid_w: float) -> float:
        """Return what comes out of the station when so much goes in."""
        return grid_w * self._floor.policy.efficiency / 100

    def _drawn_w(self, outlets_w: Iterable[float]) -> float:
        """Return what goes into the station when so much may come out."""
        modules_w = sum(f.rating.max_power_w for f in self._floor.fittings.values())
        return min(sum(outlets_w), modules_w) * 100 / self._floor.policy.efficiency

    def _claim(self, connector: int, own: Limit, now: Instant) -> Claim:
        session, lending = self._floor.sessions[connector], self._floor.lending
        most_w = own.power_w if session.phase in LIVE else 0.0
        hint_w = own.profile.schedule.least_w if own.profile else 0.0
        taking_w = lending.taking_w(connector)
        return Claim(
            connector,
            most_w,
            taking_w,
            self._floor.installation.began_s(session.key, now),
            max(min(hint_w, most_w), self._floor.policy.minimum_power_w),
            self._wants_w(connector, taking_w, now),
        )

    def _wants_w(self, connector: int, taking_w: float, now: Instant) -> float:
        if self._floor.sessions[connector].phase is not Phase.ENERGIZED:
            self._demands[connector] = Demand(since_s=now.monotonic_s)
        known = self._demands.get(connector, Demand(since_s=now.monotonic_s))
        granted_w = self._caps[connector][0].power_w
        known = seen(known, granted_w, taking_w, now.monotonic_s)
        self._demands[connector] = known
        return known.wants_w


def _by(ruling: Ruling, at: Instant) -> Limit:
    until = dated(ruling.end_s, at.utc)
    return Limit(ruling.limit_w, Setter.PROFILE, ruling.profile, until)


def _sorted(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    return tuple(sorted(limits, key=lambda limit: limit.power_w))
