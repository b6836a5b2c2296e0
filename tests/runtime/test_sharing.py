"""Two cars on a small grid: what is measured at the plugs never exceeds it."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from chargerd.core.events import GuardCut
from chargerd.core.session import Phase
from chargerd.core.sharing import Shares
from chargerd.steps import KeyWanted
from tests.hal.virtual_time import instantly
from tests.runtime.pair import STATION, Pair, pair
from tests.runtime.rig import until

SITE_W = 100_000.0
SMALL_GRID = f"{STATION}[power]\nmax_power_w = {SITE_W}\n"
GLANCE_S = 0.01
FOLLOWED_WITHIN_S = 1.0


class Meters:
    """Adds up what flows through both plugs, all the time."""

    def __init__(self, both: Pair) -> None:
        self.highest_w = 0.0
        self._both = both

    async def run(self) -> None:
        while True:
            total_w = sum(self._both.power_w(number) for number in (1, 2))
            self.highest_w = max(self.highest_w, total_w)
            await asyncio.sleep(GLANCE_S)


def offers(both: Pair) -> tuple[float, float]:
    station = both.charge_point.station
    return station.limit(1).power_w, station.limit(2).power_w


@pytest.mark.requirement("SMART-38")
@instantly
async def test_two_cars_come_and_go_within_what_the_grid_gives(tmp_path: Path) -> None:
    async with pair(tmp_path, SMALL_GRID) as both:
        meters = Meters(both)
        reading = asyncio.create_task(meters.run())
        await both.charges(1)
        await until(lambda: both.power_w(1) > 0.98 * SITE_W, 30.0)
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.49 * SITE_W, 30.0)
        assert list(offers(both)) == pytest.approx([SITE_W / 2] * 2, rel=0.02)

        both.simulation.unplug(1)
        await until(lambda: both.power_w(2) > 0.98 * SITE_W, 30.0)
        reading.cancel()
        assert meters.highest_w < 1.01 * SITE_W
        assert [cut.connector for cut in both.of(GuardCut)] == [1]


@pytest.mark.requirement("SMART-39")
@instantly
async def test_what_a_full_car_leaves_the_other_one_gets(tmp_path: Path) -> None:
    async with pair(tmp_path, SMALL_GRID) as both:
        await both.charges(1, power_w=20_000.0)
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.75 * SITE_W, 60.0)
        assert both.power_w(1) > 19_000.0
        # The car that pauses and comes back has to be given its share again.
        both.simulation.pause(1)
        await until(lambda: both.power_w(2) > 0.95 * SITE_W, 60.0)
        both.simulation.resume(1)
        await until(lambda: both.power_w(1) > 19_000.0, 30.0)
        assert both.power_w(1) + both.power_w(2) < 1.01 * SITE_W


@instantly
async def test_a_limit_that_changes_is_followed_within_a_second(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1, power_w=100_000.0)
        await until(lambda: both.power_w(1) > 90_000.0, 30.0)
        took_s = []
        for limit_w in (60_000, 30_000, 10_000):
            for name, value in (("Delay", 0), ("Limit", limit_w)):
                wanted = KeyWanted(f"OfflineFallback{name}", str(value), "cli")
                both.inbox.put_nowait(wanted)
            follows = until(lambda w=limit_w: both.power_w(1) < 1.01 * w, 5.0)  # type: ignore[misc]
            took_s.append(await follows)
        assert max(took_s) < FOLLOWED_WITHIN_S


@instantly
async def test_shares_come_to_rest_while_two_cars_charge(tmp_path: Path) -> None:
    async with pair(tmp_path, SMALL_GRID) as both:
        await both.charges(1)
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.49 * SITE_W, 30.0)
        await asyncio.sleep(25.0)
        seen: list[Shares] = []
        for _ in range(200):
            seen.append(both.charge_point.station.limits.shares)
            await asyncio.sleep(0.1)
        changes = sum(a != b for a, b in pairwise(seen))
        assert changes <= 2
        assert all(both.phase(n) is Phase.ENERGIZED for n in (1, 2))
