"""A profile that is not as it must be is refused with the field and the remedy."""

from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest

from chargerd.core.installation import MAX_PROFILES
from chargerd.core.policy import Policy
from chargerd.core.profile_rules import MAX_PERIODS, MAX_STACK_LEVEL
from chargerd.core.profiles import Purpose
from chargerd.core.reasons import Why
from chargerd.core.schedules import Kind, Recurrency
from tests.clock import FakeClock
from tests.core.power_site import DEFAULT, OWN, STATION, Periods, Site, profile

NOW = FakeClock().now().utc
SOON = NOW + timedelta(hours=1)
RELATIVE, RECURRING = Kind.RELATIVE, Kind.RECURRING
DAILY = Recurrency.DAILY
MANY: Periods = {second: 1.0 for second in range(MAX_PERIODS + 1)}


def case(
    told: str, purpose: Purpose, periods: Periods, connector: int = 0, **more: Any
) -> Any:
    return pytest.param(told, profile(1, purpose, periods, connector, **more), id=told)


@pytest.mark.requirement("SMART-01")
@pytest.mark.requirement("SMART-06", "SMART-07", "SMART-10", "SMART-12", "SMART-13")
@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        case("connectorId: 1 takes no ChargePointMaxProfile", STATION, {0: 1.0}, 1),
        case("connectorId: 0 has no transaction", OWN, {0: 1.0}),
        case("stackLevel: -1 is not", DEFAULT, {0: 1.0}, stack_level=-1),
        case("stackLevel: 100 is not from 0 to 99", DEFAULT, {0: 1.0}, stack_level=100),
        case("chargingSchedulePeriod: must have 1 to", DEFAULT, {}),
        case(f"chargingSchedulePeriod: must have 1 to {MAX_PERIODS}", DEFAULT, MANY),
        case("startPeriod: the first is 5.0", DEFAULT, {5: 1.0}),
        case("startPeriod: each", DEFAULT, {0: 1.0, 9: 1.0, 8: 1.0}),
        case("limit: must be", DEFAULT, {0: -0.1}),
        case("limit: must be a", DEFAULT, {0: 1.0, 1: inf}),
        case("limit: must be a number", DEFAULT, {0: nan}),
        case("minChargingRate: must", DEFAULT, {0: 1.0}, least_w=-1.0),
        case("duration: 0 is not above 0", DEFAULT, {0: 1.0}, duration_s=0),
        case("recurrencyKind: goes", DEFAULT, {0: 1.0}, kind=RECURRING, start=NOW),
        case("recurrencyKind: goes with", DEFAULT, {0: 1.0}, recurrency=DAILY),
        case(
            "startSchedule: missing; a Recurring",
            DEFAULT,
            {0: 1.0},
            kind=RECURRING,
            recurrency=DAILY,
        ),
        case("chargingProfileKind: the station", STATION, {0: 1.0}, kind=RELATIVE),
        case(
            "validTo: must be later",
            DEFAULT,
            {0: 1.0},
            valid_from=SOON,
            valid_to=SOON,
        ),
        case("validTo: 2026-03-02T08:00:00Z is past", DEFAULT, {0: 1.0}, valid_to=NOW),
    ],
)
def test_what_is_wrong_is_told(told: str, wanted: Any) -> None:
    objection = Site().installation.objection(wanted, NOW)
    assert objection is not None
    assert objection.why is Why.BAD_VALUE
    assert objection.detail.startswith(told)


@pytest.mark.requirement("SMART-06", "SMART-07", "SMART-13", "SMART-14")
@pytest.mark.parametrize(
    "wanted",
    [
        profile(1, DEFAULT, {0: 0.0}, stack_level=MAX_STACK_LEVEL),
        profile(1, DEFAULT, dict(list(MANY.items())[:MAX_PERIODS])),
        profile(1, OWN, {0: 1.0}, 1, kind=RELATIVE, valid_from=NOW, valid_to=SOON),
        profile(-1, STATION, {0: 1e12}, duration_s=2**62, start=NOW),
    ],
)
def test_the_edges_of_what_is_right_are_right(wanted: Any) -> None:
    assert Site().installation.objection(wanted, NOW) is None


@pytest.mark.key("AcceptAbsoluteWithoutStart")
@pytest.mark.requirement("SMART-11")
def test_an_absolute_profile_may_have_to_say_when_it_starts() -> None:
    strict = Site(policy=Policy(absolute_without_start=False))
    without = profile(1, DEFAULT, {0: 1.0})
    objection = strict.installation.objection(without, NOW)
    assert objection is not None
    assert objection.detail.startswith("startSchedule: missing; an Absolute")
    with_start = profile(1, DEFAULT, {0: 1.0}, start=NOW)
    assert strict.installation.objection(with_start, NOW) is None


@pytest.mark.requirement("SMART-09")
def test_there_is_room_for_a_hundred_profiles_and_replacing_needs_none() -> None:
    site = Site()
    for number in range(MAX_PROFILES):
        level, connector = number % 50, number // 50
        each = profile(number, DEFAULT, {0: 1.0}, connector, stack_level=level)
        assert site.installation.objection(each, NOW) is None
        site.sets(each)
    another = profile(1000, STATION, {0: 1.0})
    objection = site.installation.objection(another, NOW)
    assert objection is not None
    assert objection.why is Why.TOO_MANY_PROFILES
    same_id = replace(another, id=7)
    same_level = profile(1000, DEFAULT, {0: 2.0}, stack_level=3)
    assert site.installation.objection(same_id, NOW) is None
    assert site.installation.objection(same_level, NOW) is None
