"""The limits of any moment, against a reference."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.profiles import Profile
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from tests.core.power_site import OWN, Site
from tests.core.profile_reference import BASE, INSTALLED, WINDOW_S, Reference


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
