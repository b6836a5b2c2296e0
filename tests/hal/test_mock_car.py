"""How the simulated car and its controller react to a bad station."""

import asyncio
from dataclasses import replace

import pytest

from hal.errors import HardwareError
from hal.mock.simulation import Config
from hal.values import Setpoint, StationReport, VehiclePhase, VehicleReading
from tests.hal.bench_station import ALLOWED, station
from tests.hal.virtual_time import instantly

BEFORE_AUTHORIZATION = {VehiclePhase.NEGOTIATING, VehiclePhase.AUTHORIZING}


@instantly
async def test_a_silent_station_is_an_emergency_after_half_a_second() -> None:
    async with station() as one:
        await one.charge()
        charging = await one.vehicle.read()

        await asyncio.sleep(0.4)
        assert (await one.vehicle.read()).phase is VehiclePhase.CHARGING
        await asyncio.sleep(0.2)

        reading = await one.vehicle.read()
        assert reading.phase is VehiclePhase.EMERGENCY
        assert reading.error == "the station has not reported for 500 ms"
        assert reading.soc_percent == charging.soc_percent
        assert (await one.power.read()).current_a == 0.0


@instantly
async def test_a_silent_station_is_an_emergency_even_if_nobody_looks() -> None:
    async with station() as one:
        await one.charge()
        await one.power.supply(Setpoint(800.0, 100.0, 3600.0))
        before_wh = (await one.meter.read()).energy_wh

        await asyncio.sleep(600.0)

        assert (await one.meter.read()).energy_wh - before_wh < 20


@instantly
async def test_before_the_cable_check_nobody_needs_to_report() -> None:
    async with station() as one:
        one.simulation.plug(1)
        await asyncio.sleep(600.0)
        assert (await one.vehicle.read()).phase is VehiclePhase.AUTHORIZING


@instantly
async def test_a_station_that_shuts_down_in_mid_charge_is_an_emergency() -> None:
    async with station() as one:
        await one.charge()
        one.report = replace(ALLOWED, enabled=False)

        await one.serve(VehiclePhase.EMERGENCY)

        reading = await one.vehicle.read()
        assert reading.error == "the station shut down"
        assert not reading.wants_contactors


@instantly
async def test_a_station_that_is_not_enabled_yet_is_waited_for() -> None:
    async with station() as one:
        one.simulation.plug(1)
        await one.vehicle.authorize(True)
        one.report = replace(ALLOWED, enabled=False)
        for _ in range(300):
            await one.tick()
        assert one.trace.phases[-1] is VehiclePhase.CABLE_CHECK

        one.report = ALLOWED
        await one.serve(VehiclePhase.CHARGING)


@instantly
async def test_a_cable_check_without_insulation_ends_after_forty_seconds() -> None:
    async with station() as one:
        one.simulation.set_fault("insulation", True)
        one.simulation.plug(1)
        await one.vehicle.authorize(True)
        await one.serve(VehiclePhase.CABLE_CHECK)
        began_s = one.trace.vehicle[-1].at_s

        await one.serve(VehiclePhase.EMERGENCY)

        ended = one.trace.vehicle[-1]
        assert ended.at_s - began_s == pytest.approx(40.0, abs=0.1)
        assert ended.error == "cable check took longer than 40 s"


@instantly
async def test_insulation_lost_in_the_cable_check_begins_it_anew() -> None:
    async with station(Config(cable_check_s=5.0)) as one:
        one.simulation.plug(1)
        await one.vehicle.authorize(True)
        while (await one.power.read()).voltage_v < 880.0:
            await one.tick()
        for broken in (True, False):
            one.simulation.set_fault("insulation", broken)
            for _ in range(40):
                await one.tick()
        mended_s = one.trace.vehicle[-1].at_s

        await one.serve(VehiclePhase.PRECHARGE)

        assert one.trace.vehicle[-1].at_s - mended_s > 3.0


@instantly
async def test_a_voltage_that_is_never_matched_ends_the_pre_charge() -> None:
    async with station() as one:
        one.simulation.plug(1)
        await one.vehicle.authorize(True)
        await one.serve(VehiclePhase.PRECHARGE)
        began_s = one.trace.vehicle[-1].at_s

        reading = await one.vehicle.read()
        while reading.phase is VehiclePhase.PRECHARGE:
            await one.vehicle.report(ALLOWED)
            await asyncio.sleep(0.05)
            reading = await one.vehicle.read()

        assert reading.error == "pre-charge took longer than 7 s"
        assert reading.at_s - began_s == pytest.approx(7.0, abs=0.2)


@instantly
async def test_a_station_that_never_lets_the_current_go_is_left_after_two_seconds() -> (
    None
):
    async with station() as one:
        await one.charge()
        await one.vehicle.stop()
        stuck = replace(ALLOWED, present_voltage_v=700.0, present_current_a=100.0)
        phases = []
        for _ in range(100):
            await one.vehicle.report(stuck)
            await asyncio.sleep(0.05)
            phases.append((await one.vehicle.read()).phase)

        assert set(phases) == {
            VehiclePhase.ENDING,
            VehiclePhase.WELDING_CHECK,
            VehiclePhase.FINISHED,
        }


@instantly
async def test_the_plug_can_be_pulled_in_every_phase() -> None:
    for phase in VehiclePhase:
        if phase in {VehiclePhase.PAUSED, VehiclePhase.EMERGENCY}:
            continue
        async with station() as one:
            if phase is not VehiclePhase.UNPLUGGED:
                one.simulation.plug(1, soc_percent=99.9)
                await one.serve(VehiclePhase.NEGOTIATING)
                if phase not in BEFORE_AUTHORIZATION:
                    await one.vehicle.authorize(True)
                await one.serve(phase, 600.0)

            one.simulation.unplug(1)

            reading = await one.vehicle.read()
            assert reading == VehicleReading(
                at_s=reading.at_s, phase=VehiclePhase.UNPLUGGED
            )
            assert (await one.power.read()).current_a == 0.0


@instantly
async def test_an_authorization_holds_until_the_plug_is_pulled() -> None:
    async with station() as one:
        one.simulation.plug(1)
        await one.vehicle.authorize(True)
        one.simulation.unplug(1)

        one.simulation.plug(1)
        await asyncio.sleep(10.0)

        assert (await one.vehicle.read()).phase is VehiclePhase.AUTHORIZING


@instantly
async def test_an_authorization_without_a_car_is_nothing() -> None:
    async with station() as one:
        await one.vehicle.authorize(True)
        await one.vehicle.stop()
        one.simulation.plug(1)
        await asyncio.sleep(10.0)
        assert (await one.vehicle.read()).phase is VehiclePhase.AUTHORIZING


@instantly
async def test_a_watcher_sees_each_change_of_phase_when_it_happens() -> None:
    async with station(Config(handshake_s=3.0)) as one:
        seen: list[VehicleReading] = []

        async def watch() -> None:
            async for reading in one.vehicle.changes():
                seen.append(reading)

        watcher = asyncio.ensure_future(watch())
        await asyncio.sleep(1.0)
        one.simulation.plug(1)
        plugged_s = asyncio.get_running_loop().time()
        await asyncio.sleep(10.0)
        watcher.cancel()

        assert [reading.phase for reading in seen] == [
            VehiclePhase.UNPLUGGED,
            VehiclePhase.NEGOTIATING,
            VehiclePhase.AUTHORIZING,
        ]
        assert seen[1].at_s == plugged_s
        assert seen[2].at_s == pytest.approx(plugged_s + 3.0, abs=0.001)


@instantly
async def test_a_watcher_follows_the_wishes_of_a_charging_car() -> None:
    async with station() as one:
        await one.charge(soc_percent=85.0)
        one.simulation.set_rate(20.0)
        seen: list[VehicleReading] = []

        async def watch() -> None:
            async for reading in one.vehicle.changes():
                seen.append(reading)

        watcher = asyncio.ensure_future(watch())
        for _ in range(200):
            await one.tick()
        watcher.cancel()

        assert len(seen) > 50
        assert seen[-1].target_current_a < seen[0].target_current_a


@instantly
async def test_the_report_of_one_connector_is_not_that_of_the_station() -> None:
    async with station() as one:
        report = StationReport(True, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
        await one.vehicle.report(report)
        assert (await one.vehicle.read()).phase is VehiclePhase.UNPLUGGED


@instantly
async def test_a_silent_controller_hears_nothing_and_says_nothing() -> None:
    async with station() as one:
        await one.charge()
        one.simulation.set_fault("vehicle-silent", True)

        for call in (
            one.vehicle.read(),
            one.vehicle.report(ALLOWED),
            one.vehicle.stop(),
            one.vehicle.authorize(False),
        ):
            with pytest.raises(HardwareError, match="connector 1 vehicle: no answer"):
                await call

        one.simulation.set_fault("vehicle-silent", False)
        assert (await one.vehicle.read()).phase is VehiclePhase.EMERGENCY
