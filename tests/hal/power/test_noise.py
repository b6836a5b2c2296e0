"""Whatever comes from the bus: a possible value, or an error that says so."""

import asyncio
import math
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import HardwareError
from hal.power.family import BOUNDS, Quantity
from hal.values import PowerReading, Setpoint
from tests.hal.bench_power import MAKES, Make, connected, stand
from tests.hal.power.noise import Bend, NoisyBus, bends

KNOWN = {
    "min_voltage_v": 150.0,
    "max_voltage_v": 1000.0,
    "max_current_a": 100.0,
    "max_power_w": 30_000.0,
}
WITHIN_S = 0.02


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
@settings(max_examples=10, deadline=None)
@given(script=st.lists(bends, min_size=1, max_size=12))
def test_noise_makes_no_value_that_cannot_be(make: Make, script: list[Bend]) -> None:
    asyncio.run(_survives(make, script))


async def _survives(make: Make, script: list[Bend]) -> None:
    async with stand() as one:
        twin = make.twin(one.world, one.outlet, NoisyBus(one.adapter, script), (1, 2))
        config = make.config(one, modules=(1, 2), answer_within_s=WITHIN_S, **KNOWN)
        async with connected(make.driver, config) as power:
            for _ in range(3):
                await _calls(power)
        twin.close()


async def _calls(power: Any) -> None:
    began_s = time.monotonic()
    with suppress(HardwareError):
        await power.supply(Setpoint(400.0, 20.0, 1.0))
    with suppress(HardwareError):
        _judge(await power.read())
    assert time.monotonic() - began_s < 1.0


def _judge(reading: PowerReading) -> None:
    low_v, high_v = BOUNDS[Quantity.VOLTAGE_V]
    low_a, high_a = BOUNDS[Quantity.CURRENT_A]
    assert low_v <= reading.voltage_v <= high_v
    assert 2 * low_a <= reading.current_a <= 2 * high_a
    assert reading.temperature_c is not None
    assert math.isfinite(reading.temperature_c)
    assert reading.at_s <= time.monotonic()
