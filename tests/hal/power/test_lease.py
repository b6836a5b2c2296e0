"""The dead-man's handle of a power source."""

import asyncio
from math import inf

from hal.power.lease import Lease
from tests.hal.virtual_time import VirtualLoop, instantly


class Bench:
    def __init__(self) -> None:
        self.now_s = asyncio.get_running_loop().time
        self.began_s = self.now_s()
        self.ended_s: list[float] = []
        self.lease = Lease(self.now_s, self._end)

    def _end(self) -> None:
        self.ended_s.append(round(self.now_s() - self.began_s, 3))


@instantly
async def test_it_ends_when_nobody_renews_it() -> None:
    bench = Bench()
    bench.lease.renew(1.0)
    await asyncio.sleep(5.0)
    assert bench.ended_s == [1.0]


@instantly
async def test_each_renewal_begins_anew() -> None:
    bench = Bench()
    for _ in range(10):
        bench.lease.renew(1.0)
        await asyncio.sleep(0.5)
    await asyncio.sleep(5.0)
    assert bench.ended_s == [5.5]


@instantly
async def test_a_shorter_renewal_counts_at_once() -> None:
    bench = Bench()
    bench.lease.renew(60.0)
    bench.lease.renew(1.0)
    await asyncio.sleep(100.0)
    assert bench.ended_s == [1.0]


@instantly
async def test_what_was_ended_does_not_end_again_but_can_begin_again() -> None:
    bench = Bench()
    bench.lease.renew(1.0)
    bench.lease.end()
    await asyncio.sleep(5.0)
    assert bench.ended_s == []
    bench.lease.renew(1.0)
    await asyncio.sleep(5.0)
    assert bench.ended_s == [6.0]


@instantly
async def test_a_lease_for_ever_never_ends() -> None:
    bench = Bench()
    bench.lease.renew(1.0)
    bench.lease.renew(inf)
    await asyncio.sleep(1000.0)
    assert bench.ended_s == []


@instantly
async def test_renewing_often_costs_no_timer_each() -> None:
    bench = Bench()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    for _ in range(100):
        bench.lease.renew(1.0)
    turns = loop.turns
    await asyncio.sleep(0.9)
    assert loop.turns - turns <= 3
