"""All that looks again and again does so on one beat, and never later than its pace."""

import asyncio
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.permissive import MAX_AGE_S
from chargerd.runtime.beat import BEAT_S, rest_s
from chargerd.runtime.senses import PACES
from tests.hal.virtual_time import run


def on_the_beat(moment_s: float) -> bool:
    return isclose(moment_s / BEAT_S, round(moment_s / BEAT_S), abs_tol=1e-3)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.0, 1e6), st.sampled_from((BEAT_S, 0.08, 0.1, 0.15, 0.25, 1.0)))
def test_the_next_look_is_on_the_beat_and_no_later_than_its_pace(
    late_s: float, pace_s: float
) -> None:
    async def looks() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(late_s)
        before_s = loop.time()
        await asyncio.sleep(rest_s(pace_s))
        passed_s = loop.time() - before_s
        assert passed_s <= pace_s + 1e-6
        assert passed_s > pace_s - BEAT_S - 1e-6 or pace_s == BEAT_S
        assert passed_s >= BEAT_S / 2 - 1e-6

    run(looks())


async def awakenings(paces_s: list[float], within_s: float) -> set[int]:
    """Return the microseconds in which any of some tasks has woken up."""
    loop = asyncio.get_running_loop()
    woken: set[int] = set()

    async def look(pace_s: float) -> None:
        await asyncio.sleep(pace_s / 3)  # they do not begin together
        while True:
            await asyncio.sleep(rest_s(pace_s))
            woken.add(round(loop.time() * 1e6))

    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(look(pace_s)) for pace_s in paces_s]
        await asyncio.sleep(within_s)
        for task in looking:
            task.cancel()
    return woken


def test_whoever_looks_wakes_up_with_the_others() -> None:
    paces_s = [pace.busy_s for pace in PACES.values()]
    woken = run(awakenings(paces_s, 10.0))
    assert all(on_the_beat(moment / 1e6) for moment in woken)
    assert len(woken) <= 10.0 / BEAT_S


@pytest.mark.parametrize("kind", MAX_AGE_S)
def test_a_pace_of_the_senses_is_whole_beats(kind: str) -> None:
    assert on_the_beat(PACES[kind].busy_s)
