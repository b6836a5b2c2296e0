"""Which limit applies: worked examples, rules, and a slow reference (section 3.13)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargerd.core.effects import Noted, ProfileKept, ProfilesDropped
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Setter
from chargerd.core.profiles import Profile
from chargerd.core.schedules import Kind, Recurrency
from tests.core.power_site import (
    DEFAULT,
    FULL_W,
    OWN,
    STATION,
    Periods,
    Site,
    daily,
    profile,
)

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return Site()


def x1(site: Site) -> None:
    """Install what the first worked examples have in common."""
    start, key = site.now.utc, site.charges()
    of_station = profile(1, STATION, {0: 10_000}, start=start, duration_s=86_400)
    default: Periods = {0: 6_000, 60: 10_000, 120: 8_000, 180: 15_000, 260: 8_000}
    own: Periods = {0: 8_000, 50: 11_000, 140: 16_000, 200: 6_000, 240: 12_000}
    site.sets(
        of_station,
        profile(2, DEFAULT, default, start=start, duration_s=300),
        profile(3, OWN, own, 1, start=start, duration_s=260, key=key),
    )


STRICT = {0: 8_000, 50: 10_000, 200: 6_000, 240: 10_000}
FALLING_BACK = {**STRICT, 260: 8_000, 300: 10_000}


@pytest.mark.requirement("SMART-31", "SMART-35", "SMART-36", "SMART-37", "SMART-60")
@pytest.mark.parametrize(
    ("falls_back", "expected"), [(False, STRICT), (True, FALLING_BACK)]
)
def test_x1_the_own_profile_of_a_transaction_replaces_the_default_one(
    falls_back: bool, expected: Periods
) -> None:
    site = Site(policy=Policy(default_after_own_profile=falls_back))
    x1(site)
    assert site.composite(400) == expected


@pytest.mark.requirement("SMART-31", "SMART-60")
def test_x2_a_schedule_counts_from_its_start_and_not_from_the_question(
    site: Site,
) -> None:
    x1(site)
    site.waits(7)
    assert site.composite(400) == {0: 8_000, 43: 10_000, 193: 6_000, 233: 10_000}


def x3(site: Site) -> None:
    start = site.now.utc
    low: Periods = {0: 6_000, 100: 8_000, 200: 10_000}
    high: Periods = {0: 7_000, 100: 9_000}
    site.sets(
        profile(1, DEFAULT, low, start=start, duration_s=400),
        profile(2, DEFAULT, high, start=start, duration_s=150, stack_level=1),
    )


@pytest.mark.requirement("SMART-30", "SMART-33")
def test_x3_the_next_level_takes_over_where_the_highest_has_ended(site: Site) -> None:
    x3(site)
    expected = {0: 7_000, 100: 9_000, 150: 8_000, 200: 10_000}
    assert site.composite(350) == expected


@pytest.mark.requirement("SMART-31", "SMART-67")
def test_x4_beyond_all_schedules_the_station_gives_what_it_can(site: Site) -> None:
    x3(site)
    assert site.composite(450) == {
        0: 7_000,
        100: 9_000,
        150: 8_000,
        200: 10_000,
        400: FULL_W,
    }


@pytest.mark.requirement("SMART-33", "SMART-67", "SMART-84")
def test_x5_a_cleared_profile_leaves_its_place_to_what_is_below(site: Site) -> None:
    start = site.now.utc
    of_default: Periods = {0: 6_000, 60: 8_000, 200: 10_000}
    site.sets(
        profile(1, DEFAULT, of_default, start=start, duration_s=400, stack_level=1),
        profile(2, DEFAULT, {0: 7_000, 100: 9_000}, start=start, duration_s=400),
        profile(3, STATION, {0: 11_000, 200: 12_000}, start=start),
    )
    site.clears(1)
    assert site.composite(350) == {0: 7_000, 100: 9_000}
    site.clears(2)
    assert site.composite(350) == {0: 11_000, 200: 12_000}
    site.clears(3)
    assert site.composite(350) == {0: FULL_W}


@pytest.mark.requirement("SMART-32")
@pytest.mark.parametrize(
    ("hours", "minutes", "seconds", "expected"),
    [
        pytest.param(7, 59, 120, {0: 11_000, 60: 6_000}, id="x6"),
        pytest.param(19, 0, 7_200, {0: 6_000, 3_600: 11_000}, id="x7"),
    ],
)
def test_x6_x7_a_day_repeats_itself(
    site: Site, hours: int, minutes: int, seconds: int, expected: Periods
) -> None:
    periods: Periods = {0: 11_000, 28_800: 6_000, 72_000: 11_000}
    site.sets(profile(1, DEFAULT, periods, **daily(MIDNIGHT, duration_s=86_400)))
    site.at(MIDNIGHT + timedelta(days=9, hours=hours, minutes=minutes))
    assert site.composite(seconds) == expected


EVENING: dict[str, Any] = {
    "start": MIDNIGHT.replace(hour=17),
    "duration_s": 14_400,
    "stack_level": 1,
}


@pytest.mark.requirement("SMART-32", "SMART-33")
def test_x8_x9_outside_its_hours_a_recurring_profile_is_silent(site: Site) -> None:
    site.sets(profile(1, DEFAULT, {0: 20_000}, **daily(**EVENING)))
    site.at(MIDNIGHT + timedelta(days=5, hours=16))
    six_hours = 6 * 3_600
    assert site.composite(six_hours) == {0: FULL_W, 3_600: 20_000, 18_000: FULL_W}
    site.sets(profile(2, DEFAULT, {0: 60_000}, start=MIDNIGHT))
    assert site.composite(six_hours) == {0: 60_000, 3_600: 20_000, 18_000: 60_000}


@pytest.mark.requirement("SMART-12", "SMART-31")
def test_x10_what_is_relative_counts_from_the_start_of_the_transaction(
    site: Site,
) -> None:
    periods: Periods = {0: 50_000, 600: 30_000, 1_800: 80_000}
    relative: dict[str, Any] = {"kind": Kind.RELATIVE, "duration_s": 3_600}
    key = site.charges()
    site.sets(profile(1, OWN, periods, 1, **relative, key=key))
    site.waits(500)
    site.clock.correct(3_600.0)  # a corrected wall clock moves no charging
    site.limits.update(site.now)
    assert site.limit_w() == 50_000
    assert site.composite(3_700) == {
        0: 50_000,
        100: 30_000,
        1_300: 80_000,
        3_100: FULL_W,
    }


@pytest.mark.requirement("SMART-14", "SMART-30", "SMART-33", "SMART-37")
def test_x11_a_profile_is_silent_outside_its_validity(site: Site) -> None:
    valid: dict[str, Any] = {"valid_from": site.later(100), "valid_to": site.later(200)}
    start = site.now.utc
    site.sets(
        profile(1, STATION, {0: 30_000}, start=start, stack_level=1, **valid),
        profile(2, STATION, {0: 60_000}, start=start),
    )
    assert site.composite(300) == {0: 60_000, 100: 30_000, 200: 60_000}


@pytest.mark.requirement("SMART-62")
def test_x12_the_station_takes_no_more_than_its_profile_allows(site: Site) -> None:
    start = site.now.utc
    site.sets(
        profile(1, STATION, {0: 100_000}, start=start),
        profile(2, DEFAULT, {0: 80_000}, start=start),
    )
    assert site.composite(300, connector=0) == {0: 100_000}
    site.clears(1)
    assert site.composite(300, connector=0) == {0: 160_000}


# What replaces what


def ids(site: Site) -> list[int]:
    return [each.id for each in site.installation.all]


@pytest.mark.requirement("SMART-15", "SMART-16", "SMART-19")
def test_a_profile_replaces_its_id_and_its_level_of_the_same_purpose_and_place(
    site: Site,
) -> None:
    start: dict[str, Any] = {"start": site.now.utc}
    site.sets(profile(1, STATION, {0: 50_000}, **start))
    told = site.sets(profile(2, STATION, {0: 40_000}, **start))
    dropped, kept, noted = told
    assert (dropped, isinstance(kept, ProfileKept)) == (ProfilesDropped((1,)), True)
    assert isinstance(noted, Noted)
    assert noted.what == "profile 2 (ChargePointMaxProfile, stack level 0) set"
    site.sets(profile(2, DEFAULT, {0: 30_000}, **start, stack_level=3))
    assert ids(site) == [2]
    site.sets(
        profile(3, DEFAULT, {0: 30_000}, **start, stack_level=4),
        profile(4, DEFAULT, {0: 30_000}, 1, **start, stack_level=4),
        profile(5, STATION, {0: 30_000}, **start, stack_level=4),
    )
    assert ids(site) == [2, 3, 4, 5]
    site.sets(profile(6, DEFAULT, {0: 20_000}, 1, **start, stack_level=4))
    assert ids(site) == [2, 3, 5, 6]


def test_the_same_profile_once_more_is_not_written_again(site: Site) -> None:
    same = profile(1, STATION, {0: 50_000}, start=site.now.utc)
    assert site.sets(same)
    assert site.sets(same) == []


@pytest.mark.requirement("SMART-02", "SMART-16", "SMART-17")
@pytest.mark.parametrize(("overrules", "expected_w"), [(False, 20_000), (True, 30_000)])
def test_a_default_for_one_connector_goes_before_the_one_for_all(
    overrules: bool, expected_w: float
) -> None:
    site = Site(policy=Policy(default_for_all_overrules=overrules))
    start: dict[str, Any] = {"start": site.now.utc}
    site.sets(profile(1, DEFAULT, {0: 40_000}, **start))
    site.sets(profile(2, DEFAULT, {0: 20_000}, 1, **start))
    assert (site.limit_w(1), site.limit_w(2)) == (20_000, 40_000)
    site.sets(profile(3, DEFAULT, {0: 30_000}, **start))
    assert (site.limit_w(1), site.limit_w(2)) == (expected_w, 30_000)


@pytest.mark.requirement("SMART-18")
def test_what_was_replaced_is_gone_although_its_successor_is_not_valid_yet(
    site: Site,
) -> None:
    start, key = site.now.utc, site.charges()
    site.sets(profile(1, DEFAULT, {0: 60_000}, start=start))
    site.sets(profile(2, OWN, {0: 20_000}, 1, start=start, key=key))
    assert site.limit_w() == 20_000
    later = site.later(600)
    site.sets(profile(3, OWN, {0: 30_000}, 1, start=start, key=key, valid_from=later))
    assert site.limit_w() == 60_000
    assert site.composite(900) == {0: 60_000, 600: 30_000}
    site.waits(600)
    assert site.limit_w() == 30_000


@pytest.mark.requirement("SMART-34")
def test_a_profile_without_an_end_never_gives_way(site: Site) -> None:
    start = site.now.utc
    site.sets(
        profile(1, DEFAULT, {0: 60_000}, start=start),
        profile(2, DEFAULT, {0: 70_000}, start=start, stack_level=1),
    )
    site.waits(400 * 86_400)
    assert site.limit_w() == 70_000
    assert site.limits.next_deadline_s() is None


@pytest.mark.requirement("SMART-22", "SMART-35")
def test_own_profiles_die_with_their_transaction_and_leave_no_trace(
    site: Site,
) -> None:
    key = site.charges()
    told = site.sets(profile(1, OWN, {0: 20_000}, 1, kind=Kind.RELATIVE, key=key))
    assert [type(each) for each in told] == [Noted]
    assert site.limit_w() == 20_000
    assert site.stops() == []
    assert ids(site) == []
    site.charges()
    assert site.limit_w() == FULL_W


def test_a_vehicle_that_is_regulated_all_the_time_has_a_short_story(
    site: Site,
) -> None:
    key = site.charges()
    told = [
        site.sets(profile(id, OWN, {0: 1_000 * id}, 1, kind=Kind.RELATIVE, key=key))
        for id in range(1, 4)
    ]
    notes = [each for effects in told for each in effects if isinstance(each, Noted)]
    assert [note.key for note in notes] == [key, None, None]
    assert [len(effects) for effects in told] == [1, 1, 1]  # and nothing for the disk


def test_an_own_profile_that_takes_a_kept_ones_id_takes_it_off_the_disk(
    site: Site,
) -> None:
    key = site.charges()
    site.sets(profile(1, DEFAULT, {0: 20_000}, start=site.now.utc))
    own = profile(1, OWN, {0: 30_000}, 1, kind=Kind.RELATIVE, key=key)
    assert site.sets(own)[0] == ProfilesDropped((1,))
    assert site.limit_w() == 30_000


@pytest.mark.requirement("REM-10")
def test_what_came_with_the_driver_binds_the_transaction_and_no_other(
    site: Site,
) -> None:
    promised = profile(9, OWN, {0: 25_000}, kind=Kind.RELATIVE)
    site.charges(2, profile=promised)
    assert (site.limit_w(1), site.limit_w(2)) == (FULL_W, 25_000)
    site.charges(1)
    assert (site.limit_w(1), site.limit_w(2)) == (FULL_W, 25_000)


# When the limits of this moment change


@pytest.mark.requirement("SMART-24", "SMART-40")
def test_a_default_profile_acts_on_a_running_transaction_at_once(site: Site) -> None:
    site.charges()
    site.takes(FULL_W)
    site.sets(profile(1, DEFAULT, {0: 40_000}, start=site.now.utc))
    assert site.limit_w() == 40_000
    site.clears(1)
    assert site.limit_w() == FULL_W


def test_a_limit_says_which_profile_sets_it_and_until_when(site: Site) -> None:
    default = profile(7, DEFAULT, {0: 40_000, 60: 50_000}, start=site.now.utc)
    site.sets(default)
    assert site.limits.of(1) == Limit(40_000, Setter.PROFILE, default, site.later(60.0))
    site.waits(60)
    assert site.limits.of(1) == Limit(50_000, Setter.PROFILE, default, None)


@pytest.mark.requirement("SMART-30", "SMART-31")
def test_limits_change_at_their_moment_and_not_between(site: Site) -> None:
    start = site.later(120.0)
    site.sets(profile(1, DEFAULT, {0: 10_000, 30: 20_000}, start=start, duration_s=60))
    seen = []
    for _ in range(200):
        seen.append(site.limit_w())
        site.waits(1)
    assert seen == [FULL_W] * 120 + [10_000] * 30 + [20_000] * 30 + [FULL_W] * 20


@pytest.mark.parametrize("step_s", [-90.0, 90.0])
def test_a_step_of_the_wall_clock_moves_the_schedules_of_the_calendar(
    site: Site, step_s: float
) -> None:
    start = site.later(-60)
    site.sets(profile(1, DEFAULT, {0: 10_000, 120: 20_000}, start=start))
    assert site.limit_w() == 10_000
    site.clock.correct(step_s)
    site.limits.update(site.now)
    assert site.limit_w() == (20_000 if step_s > 0 else FULL_W)


@pytest.mark.requirement("SMART-11")
@pytest.mark.parametrize(("purpose", "from_s"), [(STATION, 0), (DEFAULT, 100)])
def test_an_absolute_profile_without_a_start_starts_now_or_with_charging(
    site: Site, purpose: Any, from_s: int
) -> None:
    site.sets(profile(1, purpose, {0: 10_000, 60: 20_000}))
    site.waits(100)
    site.charges()
    expected = {0: 20_000} if from_s == 0 else {0: 10_000, 60: 20_000}
    assert site.composite(200) == expected


def test_a_schedule_that_begins_a_moment_later_counts_as_begun(site: Site) -> None:
    soon = site.later(60)
    periods: Periods = {0: 10_000, 100: 20_000}
    site.sets(
        profile(
            1, DEFAULT, periods, start=soon, duration_s=200, valid_from=site.later(5)
        )
    )
    assert site.composite(400) == {0: 10_000, 160: 20_000, 260: FULL_W}
    site.sets(profile(2, DEFAULT, {0: 5_000}, start=site.later(61)))
    assert site.composite(100) == {0: FULL_W, 61: 5_000}
    recurring = daily(site.later(30))
    site.sets(profile(3, DEFAULT, {0: 5_000}, **recurring))
    assert site.composite(100) == {0: FULL_W, 30: 5_000}


# The station's limit and its parts


@pytest.mark.requirement("SMART-01", "SMART-38")
def test_two_vehicles_share_what_the_station_may_take(site: Site) -> None:
    of_station = profile(1, STATION, {0: 100_000}, start=site.now.utc)
    site.charges(1)
    site.sets(of_station)
    site.takes(100_000, 1)
    assert site.limit_w(1) == 100_000
    site.charges(2)
    assert site.limit_w(1) == 50_000
    assert site.limit_w(2) == 0  # the other one has not let go yet
    site.takes(50_000, 1)
    assert site.limits.of(2) == Limit(
        50_000, Setter.PROFILE, of_station, None, of_station=True
    )
    assert site.composite(60, 1) == site.composite(60, 2) == {0: 50_000}
    site.stops(1)
    site.takes(0.0, 1)
    assert site.limit_w(2) == 100_000


@pytest.mark.requirement("SMART-55")
def test_the_stations_limit_may_count_at_the_grid(site: Site) -> None:
    site.policy = Policy(efficiency=95)
    site.sets(profile(1, STATION, {0: 100_000}, start=site.now.utc))
    site.charges()
    assert site.limit_w() == 95_000
    assert site.composite(60) == {0: 95_000}
    assert site.composite(60, connector=0) == {0: 100_000}
    site.clears(1)
    assert site.composite(60, connector=0) == {0: 2 * FULL_W * 100 / 95}


@pytest.mark.requirement("SMART-70")
def test_a_paused_connector_stays_paused_whatever_profiles_say(site: Site) -> None:
    site.charges()
    site.paused = frozenset({1})
    site.sets(profile(1, DEFAULT, {0: 40_000}, start=site.now.utc))
    assert site.limits.of(1) == Limit(0.0, Setter.AUTHORIZATION)
    # What is of this moment only is not foreseen.
    assert site.composite(60) == {0: 40_000}


def test_a_hint_of_the_least_useful_power_is_given_to_who_shares(site: Site) -> None:
    site.charges(1)
    site.charges(2)
    least: dict[str, Any] = {"start": site.now.utc, "least_w": 30_000.0}
    site.sets(
        profile(1, DEFAULT, {0: 80_000}, **least),
        profile(2, STATION, {0: 50_000}, start=site.now.utc),
    )
    assert sorted((site.limit_w(1), site.limit_w(2))) == [0.0, 50_000.0]


# Recurrence


@pytest.mark.requirement("SMART-32")
def test_a_week_repeats_itself_and_a_longer_schedule_is_cut(site: Site) -> None:
    start = site.later(-8 * 86_400)
    weekly: dict[str, Any] = {"kind": Kind.RECURRING, "recurrency": Recurrency.WEEKLY}
    day: Periods = {0: 10_000, 2 * 86_400: 20_000, 7 * 86_400: 5_000}
    long = profile(1, DEFAULT, day, start=start, duration_s=9 * 86_400, **weekly)
    site.sets(long)
    found = site.composite(8 * 86_400)
    assert found == {0: 10_000, 86_400: 20_000, 6 * 86_400: 10_000}


@pytest.mark.requirement("SMART-32")
@pytest.mark.parametrize(
    "day",
    ["2026-03-29", "2026-10-25", "2028-02-29", "2028-12-31", "2027-01-01"],
    ids=["summer time", "winter time", "leap day", "leap year's end", "new year"],
)
def test_no_day_is_special(site: Site, day: str) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    noon_to_one = daily(MIDNIGHT.replace(hour=12), duration_s=3_600)
    site.sets(profile(1, DEFAULT, {0: 10_000}, **noon_to_one))
    site.at(noon - timedelta(seconds=1))
    assert site.composite(3_700) == {0: FULL_W, 1: 10_000, 3_601: FULL_W}


def test_profiles_of_connectors_that_are_gone_are_forgotten() -> None:
    from_disk: list[Profile] = [
        profile(1, DEFAULT, {0: 1_000}, 1),
        profile(2, DEFAULT, {0: 1_000}, 3),
        profile(3, STATION, {0: 1_000}),
    ]
    site = Site()
    site.installation = type(site.installation)(site, from_disk)
    assert ids(site) == [1, 3]
