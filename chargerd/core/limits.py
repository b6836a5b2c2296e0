"""The most power that each connector may give: the least of everybody's word.

The rating of the modules, the station file, a refused id tag, the charging profile of
the transaction, and the connector's share of what the station may take. A limit of
zero pauses and never ends anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core.events import WHOLE_STATION
from chargerd.core.fitting import Fitting
from chargerd.core.forecast import changes, portion_w
from chargerd.core.installation import Installation
from chargerd.core.lending import Lending
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Setter, offer
from chargerd.core.profiles import Ruling
from chargerd.core.session import LIVE, Session
from chargerd.core.sharing import Claim, Shares, share

_STEP_S: Final = 0.1
"""A wall clock that has moved by more against the monotonic one was stepped."""
_REST_S: Final = 0.001
"""No two changes are nearer to each other than this."""
_FAR_S: Final = 10 * 365 * 86_400.0
"""What is further away than this needs no date."""


class Floor(Protocol):
    """What limits depend on."""

    policy: Policy
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
        passed_s = now.monotonic_s - self.at.monotonic_s
        stepped_s = (now.utc - self.at.utc).total_seconds() - passed_s
        same = edition == self.edition and policy is self.policy
        return same and now.monotonic_s < self.until_s and abs(stepped_s) < _STEP_S


class Limits:
    """The limits in force. ``update`` renews them at the end of every step."""

    def __init__(self, floor: Floor) -> None:
        """Begin with what the hardware can do."""
        self._floor = floor
        self._rulings: _Rulings | None = None
        self._shares = Shares()
        self._limits = {
            number: offer(fitting.rating, fitting.limit_w)
            for number, fitting in floor.fittings.items()
        }
        self.may_w = {
            n: fitting.limit_w or inf for n, fitting in floor.fittings.items()
        }
        """What each connector may have, were its modules no limit."""

    def of(self, connector: int) -> Limit:
        """Return the most power that a connector may give, and who says so."""
        return self._limits[connector]

    def next_deadline_s(self) -> float | None:
        """Return when a profile next says something else."""
        until_s = inf if self._rulings is None else self._rulings.until_s
        return None if until_s == inf else until_s

    def update(self, now: Instant) -> None:
        """Work out every limit."""
        rulings = self._ruled(now)
        own = {n: self._own(n, rulings.of.get(n), rulings.at) for n in self._limits}
        of_station = rulings.of.get(WHOLE_STATION)
        available_w = inf if of_station is None else self._outlet_w(of_station.limit_w)
        self.may_w = {n: self._may_w(n, rulings.of.get(n), available_w) for n in own}
        claims = [self._claim(n, own[n], now) for n in own]
        self._shares = share(available_w, claims, self._shares)
        for number, limit in own.items():
            live = self._floor.sessions[number].phase in LIVE
            granted_w = self._shares.granted_w[number] if live else available_w
            if of_station is not None and granted_w < limit.power_w:
                limit = _by(of_station, granted_w, rulings.at)
            self._limits[number] = limit

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
            if connector == WHOLE_STATION:
                found.append((at_s, min(limits_w[0], self._drawn_w(most_w.values()))))
            else:
                available_w = self._outlet_w(limits_w[0])
                found.append((at_s, portion_w(available_w, most_w, connector)))
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

    def _own(self, connector: int, ruling: Ruling | None, at: Instant) -> Limit:
        paused = connector in self._floor.paused
        rating = self._floor.lending.rating(connector)
        limit = offer(rating, self._floor.fittings[connector].limit_w, paused)
        if ruling is None or ruling.limit_w >= limit.power_w:
            return limit
        return _by(ruling, ruling.limit_w, at)

    def _may_w(
        self, connector: int, ruling: Ruling | None, available_w: float
    ) -> float:
        if connector in self._floor.paused:
            return 0.0
        configured_w = self._floor.fittings[connector].limit_w or inf
        ruled_w = inf if ruling is None else ruling.limit_w
        return min(configured_w, ruled_w, available_w)

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
        return Claim(
            connector,
            most_w,
            # Modules that help the neighbor are measured there.
            0.0 if lending.lends(connector) else lending.taking_w(connector),
            self._floor.installation.began_s(session.key, now),
            min(hint_w, most_w),
        )


def _by(ruling: Ruling, power_w: float, at: Instant) -> Limit:
    until = None
    if ruling.end_s < _FAR_S:
        until = at.utc + timedelta(seconds=ruling.end_s)
    return Limit(power_w, Setter.PROFILE, ruling.profile, until)
