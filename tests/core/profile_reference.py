"""Random profiles, and a reference for them that is slow and plainly right."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from chargerd.core.profiles import Profile, Purpose
from chargerd.core.schedules import Kind, Recurrency
from tests.core.power_site import DEFAULT, FULL_W, OWN, STATION, profile

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
