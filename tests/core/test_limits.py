"""Every limit that a connector has, who set it, and which of them holds."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from chargerd.core.demand import SETTLE_S
from chargerd.core.limits import Limits
from chargerd.core.power import Setter
from chargerd.core.session import Phase
from tests.core.power_site import DEFAULT, FULL_W, STATION, Site, profile


@pytest.fixture
def site() -> Site:
    return Site()


def limited(site: Site, site_w: float = inf, **policy: Any) -> Site:
    """Return a site with a limit of its own, or other choices of the operator."""
    site.policy = replace(site.policy, **policy)
    site.limits = Limits(site, site_w)
    site.limits.update(site.now)
    return site


def who(site: Site, connector: int = 1) -> list[tuple[float, Setter]]:
    caps = site.limits.caps(connector)
    return [(cap.power_w, cap.set_by) for cap in caps]


@pytest.mark.requirement("SMART-37")
def test_the_tightest_of_all_limits_holds_and_all_can_be_seen(site: Site) -> None:
    limited(site, 110_000.0)
    site.sets(
        profile(1, STATION, {0: 90_000}, start=site.now.utc),
        profile(2, DEFAULT, {0: 60_000}, start=site.now.utc),
    )
    site.fittings = {n: replace(f, limit_w=80_000.0) for n, f in site.fittings.items()}
    site.charges(1)
    site.charges(2)
    assert who(site) == [
        (45_000.0, Setter.PROFILE),
        (60_000.0, Setter.PROFILE),
        (80_000.0, Setter.CONFIGURATION),
        (FULL_W, Setter.HARDWARE),
    ]
    assert site.limits.caps(1)[0].of_station
    assert [(cap.power_w, cap.set_by) for cap in site.limits.of_station] == [
        (90_000.0, Setter.PROFILE),
        (110_000.0, Setter.CONFIGURATION),
    ]


@pytest.mark.requirement("SMART-38")
def test_the_station_file_limits_all_connectors_together(site: Site) -> None:
    limited(site, 100_000.0, efficiency=90)
    site.charges(1)
    assert site.limit_w(1) == 90_000.0
    assert site.limits.of(1).set_by is Setter.CONFIGURATION
    site.charges(2)
    site.takes(45_000.0, 1)
    assert (site.limit_w(1), site.limit_w(2)) == (45_000.0, 45_000.0)
    assert site.composite(60) == {0: 45_000}
    assert site.composite(60, connector=0) == {0: 100_000}


@pytest.mark.requirement("SMART-43")
@pytest.mark.key("MinimumChargingPower")
def test_too_little_to_charge_with_is_nothing(site: Site) -> None:
    limited(site, minimum_power_w=2_000)
    site.sets(profile(1, DEFAULT, {0: 2_000, 60: 1_999}, start=site.now.utc))
    site.charges(1)
    assert site.limit_w(1) == 2_000.0
    site.waits(60.0)
    assert who(site)[:2] == [(0.0, Setter.MINIMUM), (1_999.0, Setter.PROFILE)]
    assert site.composite(60) == {0: 0}


@pytest.mark.requirement("SMART-39")
def test_the_latest_comer_waits_where_there_is_too_little_for_two(site: Site) -> None:
    limited(site, 3_500.0, minimum_power_w=2_000)
    site.charges(1)
    site.waits(1.0)
    site.charges(2)
    site.takes(3_500.0, 1)
    assert (site.limit_w(1), site.limit_w(2)) == (3_500.0, 0.0)
    assert site.limits.shares.waiting == {2}
    site.stops(1)
    site.takes(0.0, 1)
    assert site.limit_w(2) == 3_500.0


def test_what_a_vehicle_does_not_use_is_lent_to_the_other_one(site: Site) -> None:
    limited(site, 100_000.0)
    site.charges(1)
    site.charges(2)
    for _ in range(int(SETTLE_S) + 2):
        site.takes(20_000.0, 1)
        site.takes(50_000.0, 2)
        site.waits(1.0)
    assert site.limit_w(1) == 22_000.0
    assert site.limit_w(2) == 78_000.0
    # It takes all that it may again, and gets its share back as the other one falls.
    site.takes(78_000.0, 2)
    site.takes(22_000.0, 1)
    assert (site.limit_w(1), site.limit_w(2)) == (22_000.0, 50_000.0)
    site.takes(50_000.0, 2)
    assert (site.limit_w(1), site.limit_w(2)) == (50_000.0, 50_000.0)


def test_a_new_session_is_not_judged_by_the_last_one(site: Site) -> None:
    limited(site, 100_000.0)
    site.charges(1)
    for _ in range(int(SETTLE_S) + 2):
        site.takes(0.0, 1)
        site.waits(1.0)
    site.stops(1)
    site.takes(0.0, 1)
    site.charges(1)
    site.charges(2)
    site.takes(0.0, 2)
    assert (site.limit_w(1), site.limit_w(2)) == (50_000.0, 50_000.0)


def test_what_ramps_down_is_counted_until_it_is_gone(site: Site) -> None:
    limited(site, 100_000.0)
    site.charges(1)
    site.takes(100_000.0, 1)
    site.charges(2)
    session = site.sessions[1]
    site.sessions[1] = replace(session, phase=Phase.RAMP_DOWN)
    site.limits.update(site.now)
    assert site.limit_w(2) == 0.0
    site.takes(30_000.0, 1)
    assert site.limit_w(2) == 70_000.0


@pytest.mark.key("OfflineFallbackLimit", "OfflineFallbackDelay")
def test_without_the_csms_the_station_takes_no_more_than_its_fallback(
    site: Site,
) -> None:
    limited(site, offline_limit_w=40_000, offline_delay_s=120)
    site.charges(1)
    site.waits(500.0)
    assert site.limit_w(1) == FULL_W
    site.online = False
    site.limits.update(site.now)
    assert site.limits.next_deadline_s() == site.now.monotonic_s + 120.0
    site.waits(119.9)
    assert site.limit_w(1) == FULL_W
    site.waits(0.2)
    assert who(site)[0] == (40_000.0, Setter.OFFLINE)
    site.takes(40_000.0, 1)
    site.charges(2)
    site.takes(20_000.0, 1)
    assert (site.limit_w(1), site.limit_w(2)) == (20_000.0, 20_000.0)
    site.online = True
    site.limits.update(site.now)
    assert site.limit_w(2) == FULL_W


def test_a_station_that_starts_without_the_csms_falls_back_too(site: Site) -> None:
    site.online = False
    limited(site, offline_limit_w=40_000, offline_delay_s=0)
    site.charges(1)
    assert site.limit_w(1) == 40_000.0


def test_a_fallback_above_all_other_limits_changes_nothing(site: Site) -> None:
    site.online = False
    limited(site, offline_limit_w=400_000, offline_delay_s=0)
    site.charges(1)
    assert who(site) == [(FULL_W, Setter.HARDWARE)]


def test_no_fallback_is_wanted_by_default(site: Site) -> None:
    site.online = False
    limited(site)
    site.waits(10_000.0)
    assert site.limits.of_station == ()
    assert site.limits.next_deadline_s() is None
