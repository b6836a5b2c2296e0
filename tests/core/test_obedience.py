"""A limit that is not followed is found out."""

from dataclasses import replace

import pytest

from chargerd.core.obedience import PATIENCE_S, Obedience
from chargerd.core.session import Phase
from hal.values import MeterReading
from tests.core.bench import REGISTER_WH, Bench

LIMIT_W = 50_000.0


def reading(at_s: float, power_w: float) -> MeterReading:
    return MeterReading(
        at_s=at_s, energy_wh=0, power_w=power_w, voltage_v=400.0, current_a=0.0
    )


@pytest.mark.requirement("SMART-37")
def test_power_above_the_limit_is_told_once_it_has_lasted() -> None:
    watch = Obedience()
    told = [
        watch.excess(1, LIMIT_W, reading(at_s, 60_000.0))
        for at_s in (100.0, 105.0, 100.0 + PATIENCE_S, 120.0)
    ]
    assert told == ["", "", "60.0 kW > 50.0 kW", "60.0 kW > 50.0 kW"]


@pytest.mark.parametrize(
    ("limit_w", "power_w"),
    [(LIMIT_W, 52_500.0), (0.0, 1_000.0), (10_000.0, 11_000.0)],
)
def test_a_little_more_is_no_disobedience(limit_w: float, power_w: float) -> None:
    watch = Obedience()
    for at_s in (0.0, 20.0):
        assert watch.excess(1, limit_w, reading(at_s, power_w)) == ""


def test_each_return_below_the_limit_begins_anew() -> None:
    watch = Obedience()
    watch.excess(1, LIMIT_W, reading(0.0, 60_000.0))
    watch.excess(1, LIMIT_W, reading(9.0, 50_000.0))
    assert watch.excess(1, LIMIT_W, reading(11.0, 60_000.0)) == ""
    assert watch.excess(2, LIMIT_W, reading(11.0, 60_000.0)) == ""


def test_a_fault_tells_of_it_and_goes_when_the_limit_is_followed() -> None:
    bench = Bench(limit_w=LIMIT_W)
    bench.comes_to(Phase.ENERGIZED)

    def measures(power_w: float) -> list[str]:
        at_s = bench.tick()
        bench.senses(1, replace(reading(at_s, power_w), energy_wh=REGISTER_WH))
        bench.waits(0.5)
        return [active.fault.name for active in bench.station.health.at(1)]

    for _ in range(int(2 * PATIENCE_S)):
        assert measures(60_000.0) == []
    assert measures(60_000.0) == ["limit-exceeded"]
    assert bench.phase() is Phase.ENERGIZED
    gone = [measures(50_000.0) == [] for _ in range(11)]
    assert (gone[0], gone[-1]) == (False, True)
