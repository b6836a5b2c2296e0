"""Less power instead of none: heat and lost modules, degree by degree."""

from dataclasses import replace

import pytest

from chargerd.core.derating import Deratings, Group, derated
from chargerd.core.effects import Noted
from chargerd.core.fitting import Fitting, Knees
from chargerd.core.permissive import Facts, learned
from chargerd.core.power import Limit, Setter
from chargerd.core.session import Phase
from hal.values import PowerRating
from tests.core.bench import FITTED, Bench, modules, of, temperature

RATING = PowerRating(150.0, 1000.0, 250.0, 100_000.0, modules=4)
FACTS = Facts(FITTED)


def at(plug_c: float, module_c: float = 40.0, failed: tuple[int, ...] = ()) -> Facts:
    known = learned(FACTS, temperature(0.0, plug_c))
    reading = modules(0.0, temperature_c=module_c, failed_modules=failed)
    return learned(known, reading)


def limits(facts: Facts, *groups: Group, knees: Knees = Knees()) -> list[Limit]:  # noqa: B008
    serving = groups or (Group(RATING, facts),)
    most_w = sum(group.rating.max_power_w for group in serving)
    return list(derated(facts, serving, most_w, knees))


@pytest.mark.parametrize(
    ("plug_c", "power_w"),
    [
        (71.0, 95_000.0),
        (71.9, 95_000.0),
        (80.0, 50_000.0),
        (89.0, 5_000.0),
        (90.0, 0.0),
        (120.0, 0.0),
    ],
)
def test_a_hot_plug_gives_less_degree_by_degree(plug_c: float, power_w: float) -> None:
    (limit,) = limits(at(plug_c))
    assert limit.set_by is Setter.PLUG_TEMPERATURE
    assert limit.power_w == pytest.approx(power_w)


@pytest.mark.parametrize("plug_c", [-20.0, 70.0])
def test_a_plug_that_is_not_hot_sets_no_limit(plug_c: float) -> None:
    assert limits(at(plug_c)) == []
    assert limits(FACTS) == []


def test_modules_that_look_after_themselves_are_left_alone() -> None:
    assert limits(at(20.0, module_c=90.0)) == []


@pytest.mark.parametrize(("module_c", "share"), [(81.0, 0.95), (90.0, 0.5), (110.0, 0)])
def test_other_modules_give_less_when_they_are_hot(
    module_c: float, share: float
) -> None:
    (limit,) = limits(at(20.0, module_c), knees=Knees(module_c=80.0))
    assert limit.set_by is Setter.MODULE_TEMPERATURE
    assert limit.power_w == pytest.approx(share * 100_000.0)
    assert limits(at(20.0, 80.0), knees=Knees(module_c=80.0)) == []


@pytest.mark.parametrize(
    ("failed", "power_w"),
    [((2,), 75_000.0), ((1, 3, 4), 25_000.0), ((1, 2, 3, 4), 0.0)],
)
def test_lost_modules_take_their_share_with_them(
    failed: tuple[int, ...], power_w: float
) -> None:
    (limit,) = limits(at(20.0, failed=failed))
    assert (limit.set_by, limit.power_w) == (Setter.LOST_MODULES, power_w)


def test_a_group_that_helps_loses_its_own_share_alone() -> None:
    own, lent = at(20.0), at(20.0, failed=(1,))
    (limit,) = limits(own, Group(RATING, own), Group(RATING, lent))
    assert limit.power_w == 175_000.0


def test_a_driver_that_counts_no_modules_loses_none() -> None:
    facts = at(20.0, failed=(1,))
    assert limits(facts, Group(replace(RATING, modules=0), facts)) == []


def test_a_derating_is_an_event_and_no_fault() -> None:
    fitting = Fitting(RATING, FITTED)
    bench = Bench(connectors=(1,), fittings={1: fitting})
    bench.comes_to(Phase.ENERGIZED)
    bench.told.clear()
    for plug_c in (75.0, 76.0, 80.0, 60.0):
        bench.clock.advance(0.2)
        bench.senses(1, temperature(bench.tick(), plug_c))
        bench.waits(0.5)
        if plug_c > 70.0:
            share = 1.0 - (plug_c - 70.0) / 20.0
            limit_w = bench.station.outputs()[1].limit_w
            assert limit_w == pytest.approx(share * 100_000.0)
    words = [noted.what for noted in of(Noted, bench.told)]
    assert words == ["derated to 75.0 kW: plug temperature", "derated no more"]
    assert bench.station.outputs()[1].limit_w == 100_000.0
    assert bench.station.health.active == ()
    assert bench.phase() is Phase.ENERGIZED


def test_another_reason_is_another_event() -> None:
    deratings = Deratings()
    hot = Limit(50_000.0, Setter.PLUG_TEMPERATURE)
    lost = Limit(25_000.0, Setter.LOST_MODULES)
    assert len(deratings.follow({1: (hot,)})) == 1
    assert deratings.follow({1: (hot, lost)}) == ()
    (noted,) = deratings.follow({1: (lost, hot)})
    assert noted.what == "derated to 25.0 kW: lost modules"
