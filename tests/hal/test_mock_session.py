"""Whole charging sessions on the mock station."""

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from hal.mock.simulation import Config
from hal.values import Position, StationReport, VehiclePhase
from tests.hal.bench_station import Station, Trace, station
from tests.hal.virtual_time import instantly, run

USUAL = [
    VehiclePhase.NEGOTIATING,
    VehiclePhase.AUTHORIZING,
    VehiclePhase.CABLE_CHECK,
    VehiclePhase.PRECHARGE,
    VehiclePhase.READY,
    VehiclePhase.CHARGING,
    VehiclePhase.ENDING,
    VehiclePhase.WELDING_CHECK,
    VehiclePhase.FINISHED,
]


async def whole_session(rate: float = 1.0, seed: int = 1) -> Trace:
    async with station(Config(seed=seed, rate=rate)) as one:
        # rare ticks would miss the ramps of a fast world
        one.tick_s = 0.05 / rate
        # full in a few minutes
        one.simulation.plug(
            1, capacity_wh=10_000.0, max_power_w=30_000.0, soc_percent=70.0
        )
        await one.serve(VehiclePhase.AUTHORIZING)
        await one.vehicle.authorize(True)
        await one.serve(VehiclePhase.FINISHED, 3600.0)
        return one.trace


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_a_session_is_physically_right(rate: float) -> None:
    trace = run(whole_session(rate))
    first, last = trace.meter[0], trace.meter[-1]
    energy_wh = last.energy_wh - first.energy_wh

    assert trace.phases == USUAL
    assert energy_wh == pytest.approx(trace.integral_wh * rate, abs=1.0)
    # 30 % of the battery, and its heat
    assert 3_000.0 < energy_wh < 3_250.0
    assert 5.0 < (last.at_s - first.at_s) * rate / 60 < 15.0
    assert max(m.power_w for m in trace.meter) == pytest.approx(30_000.0, rel=0.01)
    assert trace.vehicle[-1].soc_percent == 100.0
    assert all(b.energy_wh >= a.energy_wh for a, b in pairwise(trace.meter))
    assert all(
        m.power_w == pytest.approx(m.voltage_v * m.current_a) for m in trace.meter
    )


async def beginning(seed: int) -> Trace:
    async with station(Config(seed=seed)) as one:
        await one.charge()
        return one.trace


def test_the_same_seed_gives_the_same_session() -> None:
    assert run(beginning(seed=7)) == run(beginning(seed=7))


def test_another_seed_gives_another_car_and_another_register() -> None:
    one, other = run(beginning(seed=7)), run(beginning(seed=8))
    assert one.vehicle[-1].evccid != other.vehicle[-1].evccid
    assert one.meter[0].energy_wh != other.meter[0].energy_wh


@instantly
async def test_values_of_the_car_are_told_when_a_car_tells_them() -> None:
    async with station() as one:
        one.simulation.plug(1)
        await one.serve(VehiclePhase.AUTHORIZING)
        await one.vehicle.authorize(True)
        await one.serve(VehiclePhase.CABLE_CHECK)
        trace = one.trace
    first = {reading.phase: reading for reading in reversed(trace.vehicle)}

    assert first[VehiclePhase.NEGOTIATING].evccid is None
    assert first[VehiclePhase.AUTHORIZING].evccid is not None
    assert first[VehiclePhase.AUTHORIZING].soc_percent is None
    assert first[VehiclePhase.CABLE_CHECK].soc_percent == 20.0
    assert first[VehiclePhase.CABLE_CHECK].capacity_wh == 77_000.0


@instantly
async def test_stop_ends_a_session_in_good_order() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(100):
            await one.tick()

        await one.vehicle.stop()
        await one.serve(VehiclePhase.FINISHED)

        assert one.trace.phases[-4:] == USUAL[-4:]
        assert (await one.contactor.read()).position is Position.OPEN
        assert (await one.power.read()).current_a == 0.0


@instantly
async def test_a_pause_holds_the_session_and_its_register() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(60):
            await one.tick()

        one.simulation.pause(1)
        await one.serve(VehiclePhase.PAUSED)
        for _ in range(20):
            await one.tick()
        held = await one.meter.read()
        for _ in range(60):
            await one.tick()

        assert (await one.power.read()).current_a == 0.0
        assert (await one.meter.read()).energy_wh == held.energy_wh
        one.simulation.resume(1)
        await one.serve(VehiclePhase.CHARGING)
        for _ in range(60):
            await one.tick()
        assert (await one.meter.read()).energy_wh > held.energy_wh


@instantly
async def test_the_car_asks_for_no_more_than_the_station_reports() -> None:
    async with station() as one:
        await one.charge()
        one.report = StationReport(True, 0.0, 0.0, 0.0, 1000.0, 400.0, 11_000.0)
        for _ in range(60):
            wish = await one.tick()

        assert wish.phase is VehiclePhase.CHARGING
        assert (await one.meter.read()).power_w == pytest.approx(11_000.0, rel=0.01)


async def refused(one: Station) -> None:
    await one.vehicle.authorize(False)


async def stopped(one: Station) -> None:
    await one.vehicle.stop()


@pytest.mark.parametrize("ends", [refused, stopped])
@instantly
async def test_a_session_that_is_not_authorized_ends_without_voltage(
    ends: Callable[[Station], Awaitable[None]],
) -> None:
    async with station() as one:
        one.simulation.plug(1)
        await one.serve(VehiclePhase.AUTHORIZING)

        await ends(one)

        assert (await one.tick()).phase is VehiclePhase.FINISHED
        assert VehiclePhase.CABLE_CHECK not in one.trace.phases
