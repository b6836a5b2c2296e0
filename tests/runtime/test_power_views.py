"""Who may take how much, and why: every limit in one line."""

from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from chargerd import control
from chargerd.core import events
from chargerd.core.events import ProfileSet
from chargerd.core.permissive import Loss
from chargerd.core.schedules import Kind
from chargerd.core.session import Phase
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime import power_views, profile_views, varlink, why
from hal.values import BridgeReading, Position
from tests.core.bench import Bench, modules
from tests.core.power_site import DEFAULT, OWN, STATION, daily, profile
from tests.core.test_lending import Joined

DESCRIPTION = varlink.parse(varlink.shipped(control.STATION))
NAMES = {1: "ccs1", 2: "ccs2"}


def limits(bench: Bench) -> dict[str, Any]:
    """Return what the control socket tells; it is as its description says."""
    told = power_views.limits(bench.station, NAMES, bench.clock.now())
    DESCRIPTION.check(DESCRIPTION.methods["GetPowerLimits"].gives, told)
    return told


def groups(bench: Bench) -> dict[str, Any]:
    told = power_views.groups(bench.station)
    DESCRIPTION.check(DESCRIPTION.methods["GetPower"].gives, told)
    return told


def profiles(bench: Bench) -> list[dict[str, Any]]:
    told = profile_views.profiles(bench.station, bench.clock.now())
    DESCRIPTION.check(DESCRIPTION.methods["ListProfiles"].gives, told)
    listed: list[dict[str, Any]] = told["profiles"]
    return listed


def lines(told: dict[str, Any]) -> list[str]:
    return [cap["what"] for cap in told["caps"]]


def sets(bench: Bench, *profiles: Any) -> None:
    bench.happens(*(ProfileSet(each.connector, each) for each in profiles))


def test_without_any_limit_the_modules_are_the_limit() -> None:
    told = limits(Bench())
    assert told["station"] == {"taking_w": 0.0, "caps": [], "waiting": []}
    (hardware,) = told["connectors"][1]["caps"]
    assert hardware == {
        "set_by": "hardware",
        "power_w": 100_000.0,
        "what": "what the modules of ccs2 can do",
        "rules": True,
    }


def test_every_limit_stands_in_one_line_and_one_of_them_rules() -> None:
    bench = Bench(limit_w=80_000.0, site_w=150_000.0)
    now = bench.clock.now().utc
    sets(
        bench,
        profile(8, STATION, {0: 60_000}, start=now),
        profile(91, DEFAULT, {0: 50_000, 60: 70_000}, stack_level=3, **daily(now)),
    )
    bench.comes_to(Phase.ENERGIZED)
    bench.waits(61.0)
    bench.senses(1, modules(bench.tick(), 100.0))
    told = limits(bench)
    assert lines(told["station"]) == [
        "ChargePointMaxProfile 8, stack level 0, period 1",
        "the station file ([power] max_power_w)",
    ]
    assert told["station"]["power_w"] == 60_000.0
    assert told["station"]["taking_w"] == 40_000.0
    first = told["connectors"][0]
    assert lines(first) == [
        "its share of the 60 kW of the station",
        "TxDefaultProfile 91, stack level 3, period 2",
        "the station file (max_power_w)",
        "what the modules of ccs1 can do",
    ]
    assert [cap["rules"] for cap in first["caps"]] == [True, False, False, False]
    assert [cap["set_by"] for cap in first["caps"]][:2] == ["sharing", "profile"]
    of_profile = first["caps"][1]
    assert (of_profile["profile"], of_profile["period"]) == (91, 2)
    assert of_profile["until"].startswith("2026")


def test_who_waits_is_told_so() -> None:
    bench = Bench(site_w=2_500.0)
    bench.comes_to(Phase.ENERGIZED)
    bench.waits(1.0)
    bench.comes_to(Phase.ENERGIZED, 2)
    told = limits(bench)
    assert told["station"]["waiting"] == [2]
    waiting = told["connectors"][1]
    assert (waiting["power_w"], lines(waiting)[0]) == (
        0.0,
        "too little is left for it by those who came before",
    )


@pytest.mark.parametrize(
    ("choices", "what"),
    [
        (
            {"offline_limit_w": 40_000, "offline_delay_s": 0},
            "OfflineFallbackLimit: the CSMS is away",
        ),
    ],
)
def test_the_fallback_is_named(choices: dict[str, int], what: str) -> None:
    bench = Bench()
    bench.allows(**choices)
    assert lines(limits(bench)["station"]) == [what]


def test_a_pause_and_the_least_power_are_named() -> None:
    bench = Bench(limit_w=1_000.0)
    bench.station.paused = frozenset({1})
    bench.waits(1.0)
    bench.senses(1, modules(bench.tick()))
    assert lines(limits(bench)["connectors"][0])[0] == "the CSMS has refused the id tag"
    assert lines(limits(bench)["connectors"][1])[0] == (
        "less than MinimumChargingPower is of no use"
    )


def test_modules_are_shown_where_they_serve() -> None:
    bench = Joined()
    bench.joins()
    told = groups(bench)
    assert [group["serves"] for group in told["groups"]] == [1, 1]
    assert told["bridge"] == {
        "joins": [1, 2],
        "position": "closed",
        "lender": 2,
        "borrower": 1,
    }
    assert lines(limits(bench)["connectors"][0]) == [
        "what the modules of ccs1 and ccs2 can do"
    ]
    assert limits(bench)["connectors"][1]["taking_w"] == 0.0


def test_a_bridge_on_its_way_helps_nobody_yet() -> None:
    bench = Joined()
    bench.takes_all()
    reading = BridgeReading(at_s=bench.tick(), position=Position.BETWEEN)
    bench.senses(0, reading)
    told = groups(bench)
    assert [group["serves"] for group in told["groups"]] == [1, 2]
    assert (told["bridge"]["position"], told["bridge"]["lender"]) == ("between", 2)


def test_what_is_silent_is_told_as_unknown() -> None:
    bench = Joined()
    bench.happens(
        events.DeviceLost(0, "bridge", Loss("no answer")),
        events.DeviceLost(2, "power_module", Loss("no answer")),
    )
    told = groups(bench)
    assert told["bridge"] == {"joins": [1, 2], "position": "unknown"}
    assert [group["answers"] for group in told["groups"]] == [True, False]


def test_a_station_without_a_bridge_has_groups_alone() -> None:
    bench = Bench(read=False)
    told = groups(bench)
    assert "bridge" not in told
    assert told["groups"][0] == {
        "connector": 1,
        "serves": 1,
        "answers": False,
        "max_power_w": 100_000.0,
        "max_current_a": 250.0,
        "failed_modules": [],
    }


def test_failed_modules_are_named() -> None:
    bench = Bench()
    reading = modules(bench.tick())
    bench.senses(1, replace(reading, failed_modules=(2, 5)))
    assert groups(bench)["groups"][0]["failed_modules"] == [2, 5]
    assert bench.station.limits.available_w() == inf


def test_why_tells_the_rule_until_when_and_what_would_hold_without_it() -> None:
    bench = Bench(limit_w=80_000.0)
    now = bench.clock.now().utc
    sets(bench, profile(91, DEFAULT, {0: 0, 600: 50_000}, stack_level=3, start=now))
    bench.comes_to(Phase.ENERGIZED)
    rule, otherwise, _ = why.because(bench.station, 1)
    until = f"{now + timedelta(minutes=10):%F %T} UTC"
    assert rule == (
        f"profile 91 (TxDefaultProfile, stack level 3) allows no more until {until}"
    )
    assert otherwise == "otherwise 80 kW: the station file allows no more (max_power_w)"


def test_why_tells_what_all_connectors_share() -> None:
    bench = Bench(site_w=2_500.0)
    bench.comes_to(Phase.ENERGIZED)
    bench.waits(1.0)
    bench.comes_to(Phase.ENERGIZED, 2)
    reasons = [why.because(bench.station, number)[:2] for number in (1, 2)]
    rule = "the station file allows no more (max_power_w)"
    together = "all connectors together may take 2.5 kW"
    assert reasons == [
        (f"2.5 kW are offered: {rule}", together),
        (rule, f"{together}, too little for it beside those who came before"),
    ]


def test_every_profile_is_listed_with_what_it_says_now() -> None:
    bench = Bench()
    assert profiles(bench) == []
    now = bench.clock.now().utc
    bench.comes_to(Phase.ENERGIZED)
    key = bench.session().key
    later = now + timedelta(hours=1)
    own: dict[str, Any] = {"kind": Kind.RELATIVE, "key": key, "stack_level": 2}
    sets(
        bench,
        profile(8, STATION, {0: 60_000}, start=now),
        profile(9, DEFAULT, {0: 50_000}, start=later, duration_s=60),
        profile(10, OWN, {0: 40_000, 600: 30_000}, 1, **own),
    )
    of_station, default, of_transaction = profiles(bench)
    assert of_station == {
        "id": 8,
        "connector": 0,
        "purpose": "ChargePointMaxProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "power_w": 60_000.0,
        "rules": True,
    }
    assert "power_w" not in default
    assert default["until"] == timestamp(later)
    assert not default["rules"]
    assert (of_transaction["power_w"], of_transaction["rules"]) == (40_000, True)
    assert of_transaction["session"] == key
