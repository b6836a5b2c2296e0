"""The limits of any moment, against a reference that is slow and plainly right."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.profiles import Profile, Purpose
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from tests.core.power_site import DEFAULT, FULL_W, OWN, STATION, Site, profile

BASE = datetime(2026, 3, 2, 8, tzinfo=UTC)
WINDOW_S = 120
LENGTHS = {Recurrency.DAILY: 86_400, Recurrency.WEEKLY: 604_800}


@dataclass(frozen=True)
class Reference:
    """Asks each profile for each second, in the words of section 3.13."""

    profiles: tuple[Profile, ...]
    began: datetime
    key: str
    falls_back: bool

    def limit_w(self, at: datetime) -> float:
        own = [p for p in self.profiles if p.key == self.key]
        defaults = [p for p in self.profiles if p.purpose is DEFAULT]
        limits = [self.of_stack([p for p in self.profiles if p.purpose is STATION], at)]
        of_own = self.of_stack(own, at)
        if of_own is None and (self.falls_back or not self.any_has_begun(own, at)):
            of_own = self.of_stack(defaults, at)
        return min(FULL_W, *(w for w in (*limits, of_own) if w is not None), FULL_W)

    def of_stack(self, profiles: list[Profile], at: datetime) -> float | None:
        by_level = sorted(profiles, key=lambda p: (-p.stack_level, -p.connector))
        said = (self.said(each, at) for each in by_level)
        return next((w for w in said if w is not None), None)

    def said(self, profile: Profile, at: datetime) -> float | None:
        if profile.valid_from and at < profile.valid_from:
            return None
        if profile.valid_to and at >= profile.valid_to:
            return None
        schedule = profile.schedule
        offset_s = (at - (schedule.start or self.began)).total_seconds()
        if offset_s < 0:
            return None
        if schedule.recurrency:
            offset_s %= LENGTHS[schedule.recurrency]
        if schedule.duration_s is not None and offset_s >= schedule.duration_s:
            return None
        return [p.limit_w for p in schedule.periods if p.start_s <= offset_s][-1]

    def any_has_begun(self, profiles: list[Profile], at: datetime) -> bool:
        return any(
            at >= (p.schedule.start or self.began)
            and (p.valid_from is None or at >= p.valid_from)
            for p in profiles
        )


SECONDS = st.integers(-WINDOW_S, 2 * WINDOW_S)
MOMENTS = SECONDS.map(lambda s: BASE + timedelta(seconds=s))
PERIODS = st.builds(
    lambda first_w, more: {0: float(first_w), **{s: float(w) for s, w in more}},
    st.integers(0, 200).map(lambda kw: kw * 1000),
    st.lists(
        st.tuples(st.integers(1, 100), st.integers(0, 200).map(lambda kw: kw * 1000)),
        max_size=4,
        unique_by=lambda pair: pair[0],
    ).map(sorted),
)
DURATIONS = st.none() | st.integers(1, 150) | st.integers(86_000, 700_000)


@st.composite
def profiles(draw: Any, id: int) -> Profile:
    purpose = draw(st.sampled_from(Purpose))
    kind = draw(st.sampled_from(Kind))
    if purpose is STATION and kind is Kind.RELATIVE:
        kind = Kind.ABSOLUTE
    start: datetime | None = draw(MOMENTS)
    recurrency = None
    if kind is Kind.RELATIVE:
        start = None
    if kind is Kind.RECURRING:
        recurrency = draw(st.sampled_from(Recurrency))
        assert start is not None
        start -= draw(st.integers(-1, 20)) * timedelta(days=1)
    return profile(
        id,
        purpose,
        draw(PERIODS),
        connector=1
        if purpose is OWN
        else draw(st.sampled_from((0, 1)))
        if purpose is DEFAULT
        else 0,
        kind=kind,
        start=start,
        recurrency=recurrency,
        duration_s=draw(DURATIONS),
        stack_level=draw(st.integers(0, 3)),
        valid_from=draw(st.none() | MOMENTS),
        valid_to=draw(st.none() | MOMENTS),
    )


INSTALLED = st.integers(0, 6).flatmap(
    lambda count: st.tuples(*(profiles(number) for number in range(count)))
)


def reached(asked: tuple[Profile, ...], running_s: int, falls_back: bool) -> Any:
    """Return a site with a transaction and these profiles, and their reference."""
    site = Site((1,))
    site.policy = replace(
        site.policy, profile_skew_s=0, default_after_own_profile=falls_back
    )
    site.at(BASE - timedelta(seconds=running_s))
    began, key = site.now.utc, site.charges()
    site.at(BASE)
    site.sets(*(replace(p, key=key) if p.purpose is OWN else p for p in asked))
    installed = site.installation.all
    return site, Reference(installed, began, key, falls_back)


@settings(max_examples=100, deadline=None)
@given(INSTALLED, st.integers(0, 100), st.booleans())
def test_the_composite_schedule_is_the_limit_of_every_second(
    asked: tuple[Profile, ...], running_s: int, falls_back: bool
) -> None:
    site, reference = reached(asked, running_s, falls_back)
    found = site.composite(WINDOW_S)
    for second in range(WINDOW_S):
        held_w = found[max(start_s for start_s in found if start_s <= second)]
        assert held_w == reference.limit_w(site.later(second)), second


@settings(max_examples=100, deadline=None)
@given(INSTALLED, st.integers(0, 100), st.booleans())
def test_the_limit_in_force_changes_when_the_schedules_say_so(
    asked: tuple[Profile, ...], running_s: int, falls_back: bool
) -> None:
    site, reference = reached(asked, running_s, falls_back)
    for _ in range(WINDOW_S):
        expected_w = reference.limit_w(site.now.utc)
        assert site.limit_w() == expected_w
        assert site.composite(1)[0] == expected_w
        site.waits(1)


def test_a_period_can_be_named_by_its_number() -> None:
    periods = tuple(Period(float(at_s), 1.0) for at_s in (0, 60, 120))
    once = Schedule(Kind.ABSOLUTE, periods)
    assert [once.number(-at_s) for at_s in (0.0, 59.9, 60.0, 1e6)] == [1, 1, 2, 3]
    daily_ = Schedule(Kind.RECURRING, periods, recurrency=Recurrency.DAILY)
    assert daily_.number(-86_400.0 - 61.0) == 2
