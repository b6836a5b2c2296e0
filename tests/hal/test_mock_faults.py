"""Each fault of the mock station has its effect, and ends when it is mended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from hal import discovery
from hal.errors import NoAnswer, Unconfirmed
from hal.resources import Place
from hal.values import Position, SafetyReading, Setpoint, SupplyReading
from tests.hal.bench_station import ALLOWED, Station, station
from tests.hal.virtual_time import instantly

SILENT: dict[str, tuple[Callable[[Station], Awaitable[object]], ...]] = {
    "meter-silent": (lambda s: s.meter.read(),),
    "isolation-silent": (
        lambda s: s.isolation.read(),
        lambda s: s.isolation.self_test(),
    ),
    "module-silent": (
        lambda s: s.power.read(),
        lambda s: s.power.supply(Setpoint(400.0, 1.0, 1.0)),
        lambda s: s.power.shut_off(),
    ),
    "vehicle-silent": (lambda s: s.vehicle.read(),),
    "contactor-silent": (
        lambda s: s.contactor.read(),
        lambda s: s.contactor.close(),
        lambda s: s.contactor.open(),
    ),
    "lock-silent": (lambda s: s.lock.read(), lambda s: s.lock.release()),
    "temperature-silent": (lambda s: s.temperature.read(),),
    "safety-silent": (lambda s: s.safety.read(),),
    "supply-silent": (lambda s: s.supply.read(),),
}


@pytest.mark.parametrize("name", SILENT)
@instantly
async def test_a_silent_device_does_not_answer_until_it_is_mended(name: str) -> None:
    async with station() as one:
        one.simulation.set_fault(name, True)
        for call in SILENT[name]:
            began_s = asyncio.get_running_loop().time()
            device = name.removesuffix("-silent")
            with pytest.raises(NoAnswer, match=f"{device}: no answer"):
                await call(one)
            assert asyncio.get_running_loop().time() - began_s <= 1.0

        one.simulation.set_fault(name, False)
        for call in SILENT[name]:
            await call(one)


@instantly
async def test_a_silent_reader_sees_no_card() -> None:
    async with station() as one:
        one.simulation.set_fault("reader-silent", True)
        with pytest.raises(NoAnswer):
            await one.reader.read()
        one.simulation.present("04A224B2")
        one.simulation.set_fault("reader-silent", False)
        await one.reader.read()
        one.simulation.present("04A224B3")

        assert (await anext(one.reader.tokens())).uid == "04A224B3"


@instantly
async def test_a_frozen_meter_stands_still_and_then_catches_up() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(100):
            await one.tick()
        one.simulation.set_fault("meter-frozen", True)
        frozen = await one.meter.read()
        for _ in range(100):
            await one.tick()
        later = await one.meter.read()
        one.simulation.set_fault("meter-frozen", False)

        assert later.at_s > frozen.at_s
        assert (later.energy_wh, later.power_w) == (frozen.energy_wh, frozen.power_w)
        assert (await one.meter.read()).energy_wh > frozen.energy_wh + 100


@instantly
async def test_a_meter_runs_backwards_as_long_as_it_is_broken() -> None:
    async with station() as one:
        before = await one.meter.read()
        one.simulation.set_fault("meter-backwards", True)
        broken = [(await one.meter.read()).energy_wh for _ in range(3)]
        one.simulation.set_fault("meter-backwards", False)

        assert before.energy_wh > broken[0] > broken[1] > broken[2]
        assert (await one.meter.read()).energy_wh == before.energy_wh


@instantly
async def test_broken_insulation_is_measured() -> None:
    async with station() as one:
        assert (await one.isolation.read()).resistance_ohm > 1_000_000.0
        one.simulation.set_fault("insulation", True)
        assert (await one.isolation.read()).resistance_ohm < 50_000.0


@instantly
async def test_the_emergency_stop_opens_contactors_without_us() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(100):
            await one.tick()
        assert (await one.power.read()).current_a > 100.0
        one.simulation.set_fault("emergency-stop", True)

        assert (await one.power.read()).current_a == 0.0
        await asyncio.sleep(0.06)
        assert (await one.contactor.read()).position is Position.OPEN
        with pytest.raises(
            Unconfirmed, match="connector 1 contactor: open, not closed"
        ):
            await one.contactor.close()
        await one.power.supply(Setpoint(400.0, 10.0, 60.0))

        one.simulation.set_fault("emergency-stop", False)
        await asyncio.sleep(1.0)
        assert (await one.contactor.read()).position is Position.OPEN
        assert (await one.power.read()).current_a == 0.0


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("emergency-stop", "emergency_stop"),
        ("door-open", "door_open"),
        ("surge-protector", "surge_protector_tripped"),
    ],
)
@instantly
async def test_a_safety_input_is_read_and_told_at_once(name: str, field: str) -> None:
    async with station() as one:
        changes = one.safety.changes()
        first = await anext(changes)
        assert first == SafetyReading(at_s=first.at_s)
        told = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(100.0)

        one.simulation.set_fault(name, True)
        edge_s = asyncio.get_running_loop().time()

        reading = await told
        assert reading.at_s == edge_s
        assert getattr(reading, field)
        assert reading != replace(first, at_s=edge_s)
        assert reading == await one.safety.read()


@instantly
async def test_a_failing_supply_is_told_at_once() -> None:
    async with station() as one:
        changes = one.supply.changes()
        assert not (await anext(changes)).failing
        one.simulation.set_fault("power-fail", True)
        now_s = asyncio.get_running_loop().time()
        assert await anext(changes) == SupplyReading(at_s=now_s, failing=True)
        assert (await one.supply.read()).failing


@instantly
async def test_a_welded_contactor_cannot_be_opened() -> None:
    async with station() as one:
        await one.contactor.close()
        one.simulation.set_fault("contactor-weld", True)
        with pytest.raises(
            Unconfirmed, match="connector 1 contactor: closed, not open"
        ):
            await one.contactor.open()
        assert (await one.contactor.read()).position is Position.CLOSED
        one.simulation.set_fault("contactor-weld", False)
        assert (await one.contactor.read()).position is Position.OPEN


@instantly
async def test_a_contactor_that_does_not_close_is_off_again() -> None:
    async with station() as one:
        one.simulation.set_fault("contactor-open", True)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(Unconfirmed):
            await one.contactor.close()
        took_s = asyncio.get_running_loop().time() - began_s
        assert took_s == pytest.approx(0.3, abs=0.02)
        one.simulation.set_fault("contactor-open", False)
        await asyncio.sleep(1.0)
        assert (await one.contactor.read()).position is Position.OPEN


@instantly
async def test_modules_that_drop_out_take_their_share_with_them() -> None:
    async with station() as one:
        await one.charge()
        one.simulation.set_fault("module-2", True)
        one.simulation.set_fault("module-5", True)
        for _ in range(100):
            await one.tick()

        reading = await one.power.read()
        assert reading.failed_modules == (2, 5)
        assert reading.voltage_v * reading.current_a == pytest.approx(90_000, rel=0.01)
        assert one.power.rating.max_power_w == 150_000.0


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("module-over-temperature", "over_temperature"),
        ("under-voltage", "under_voltage"),
    ],
)
@instantly
async def test_blocked_modules_give_nothing_and_say_why(name: str, field: str) -> None:
    async with station() as one:
        await one.charge()
        one.simulation.set_fault(name, True, 1)
        for _ in range(100):
            await one.tick()

        reading = await one.power.read()
        assert getattr(reading, field)
        assert reading.current_a == 0.0
        assert reading.temperature_c is not None
        assert (reading.temperature_c > 90.0) is reading.over_temperature

        one.simulation.set_fault(name, False, 1)
        for _ in range(100):
            await one.tick()
        assert (await one.power.read()).current_a > 100.0


@instantly
async def test_an_overheated_plug_is_felt_at_the_plug() -> None:
    async with station() as one:
        assert (await one.temperature.read()).temperature_c == 20.0
        one.simulation.set_fault("plug-over-temperature", True)
        assert (await one.temperature.read()).temperature_c == 95.0


@instantly
async def test_a_stuck_lock_is_reported_after_three_seconds() -> None:
    async with station() as one:
        one.simulation.set_fault("lock-stuck", True)
        with pytest.raises(Unconfirmed, match="connector 1 lock: still free after"):
            await one.lock.engage()
        assert not (await one.lock.read()).engaged
        one.simulation.set_fault("lock-stuck", False)
        await one.lock.engage()
        one.simulation.set_fault("lock-stuck", True)
        with pytest.raises(Unconfirmed, match="still locked"):
            await one.lock.release()


@instantly
async def test_output_that_does_not_fall_is_not_called_shut_off() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(100):
            await one.tick()
        one.simulation.set_rate(0.01)
        shut_off = asyncio.ensure_future(one.power.shut_off())
        for _ in range(30):
            await one.vehicle.report(ALLOWED)
            await asyncio.sleep(0.1)
        with pytest.raises(Unconfirmed, match="open the contactors"):
            await shut_off


@instantly
async def test_a_fault_of_one_connector_is_not_one_of_another() -> None:
    async with station() as one:
        driver = discovery.load("meter", "mock")
        resources = one.resources
        async with driver.connect(driver.Config(), Place(2, resources)) as other:
            one.simulation.set_fault("meter-silent", True, 2)
            await one.meter.read()
            with pytest.raises(NoAnswer, match="connector 2"):
                await other.read()

            one.simulation.set_fault("meter-silent", True)
            one.simulation.set_fault("meter-silent", False, 2)
            await other.read()
            with pytest.raises(NoAnswer, match="connector 1"):
                await one.meter.read()


@instantly
async def test_every_fault_can_be_set_and_mended_in_mid_charge() -> None:
    async with station() as one:
        await one.charge()
        for name in one.simulation.faults():
            one.simulation.set_fault(name, True)
        for name in one.simulation.faults():
            one.simulation.set_fault(name, False)

        one.simulation.unplug(1)
        await one.charge()
        for _ in range(100):
            await one.tick()
        assert (await one.meter.read()).power_w > 100_000.0


async def _charging(one: Station) -> None:
    await one.charge()
    for _ in range(100):
        await one.tick()


async def _reports(one: Station, seconds: float) -> None:
    """Wait, and keep the car from taking the station for lost."""
    for _ in range(int(seconds / 0.1)):
        await one.vehicle.report(ALLOWED)
        await asyncio.sleep(0.1)


async def _stops(one: Station) -> None:
    """Let the station do what a stop asks of it."""
    await one.power.shut_off()
    await one.contactor.open()


@instantly
async def test_a_plug_is_dead_soon_after_its_contactors_opened() -> None:
    async with station() as one:
        await _charging(one)
        assert (await one.meter.read()).voltage_v > 400.0
        await _stops(one)
        one.simulation.unplug(1)
        await asyncio.sleep(2.0)
        assert (await one.meter.read()).voltage_v == 0.0


@instantly
async def test_a_plug_whose_resistor_is_broken_stays_charged() -> None:
    async with station() as one:
        await _charging(one)
        one.simulation.set_fault("plug-charged", True)
        await _stops(one)
        one.simulation.unplug(1)
        await asyncio.sleep(10.0)
        assert (await one.power.read()).voltage_v == 0.0
        assert (await one.meter.read()).voltage_v > 400.0


@instantly
async def test_a_hidden_weld_shows_in_the_voltages_alone() -> None:
    async with station() as one:
        await _charging(one)
        one.simulation.set_fault("contactor-weld-hidden", True)
        await _stops(one)
        one.simulation.unplug(1)
        await asyncio.sleep(2.0)
        assert (await one.contactor.read()).position is Position.OPEN

        await one.power.supply(Setpoint(200.0, 1.0, 60.0))
        await asyncio.sleep(2.0)
        assert (await one.meter.read()).voltage_v == pytest.approx(200.0)

        one.simulation.set_fault("contactor-weld-hidden", False)
        await asyncio.sleep(2.0)
        assert (await one.power.read()).voltage_v == pytest.approx(200.0)
        assert (await one.meter.read()).voltage_v == 0.0


@instantly
async def test_a_short_circuit_draws_all_current_at_no_voltage() -> None:
    async with station() as one:
        one.simulation.set_fault("short-circuit", True)
        await one.power.supply(Setpoint(400.0, 2.0, 60.0))
        await asyncio.sleep(3.0)
        before = await one.power.read()
        assert (before.voltage_v, before.current_a) == (400.0, 0.0)

        await one.contactor.close()
        await asyncio.sleep(0.1)
        shorted = await one.power.read()
        assert (shorted.voltage_v, shorted.current_a) == (0.0, 2.0)

        await one.contactor.open()
        assert (await one.power.read()).current_a == 0.0


@instantly
async def test_modules_out_of_control_give_more_than_they_are_told() -> None:
    async with station() as one:
        await _charging(one)
        one.simulation.set_fault("over-current", True)
        await one.power.supply(Setpoint(800.0, 50.0, 60.0))
        await _reports(one, 2.0)
        assert (await one.power.read()).current_a == pytest.approx(90.0)


@instantly
async def test_a_stuck_current_does_not_fall_but_the_contactors_end_it() -> None:
    async with station() as one:
        await _charging(one)
        before_a = (await one.power.read()).current_a
        one.simulation.set_fault("current-stuck", True)
        shut_off = asyncio.ensure_future(one.power.shut_off())
        await _reports(one, 2.0)
        with pytest.raises(Unconfirmed, match="open the contactors"):
            await shut_off
        assert (await one.power.read()).current_a == pytest.approx(before_a)
        await one.contactor.open()
        assert (await one.power.read()).current_a == 0.0


@instantly
async def test_weak_modules_do_not_reach_their_voltage() -> None:
    async with station() as one:
        one.simulation.set_fault("module-weak", True)
        await one.power.supply(Setpoint(800.0, 2.0, 60.0))
        await asyncio.sleep(20.0)
        assert (await one.power.read()).voltage_v == 400.0


@instantly
async def test_a_surge_is_seen_by_modules_and_meter_and_skew_by_the_meter_alone() -> (
    None
):
    async with station() as one:
        await _charging(one)
        calm_v = (await one.power.read()).voltage_v
        for name, by_v in (("vehicle-over-voltage", 150.0), ("over-voltage", 400.0)):
            one.simulation.set_fault(name, True)
            surge_v = (await one.power.read()).voltage_v
            assert surge_v == pytest.approx(calm_v + by_v, abs=1.0)
            seen_v = (await one.meter.read()).voltage_v
            assert seen_v == pytest.approx(surge_v, abs=1.0)
            one.simulation.set_fault(name, False)

        one.simulation.set_fault("meter-spread", True)
        assert (await one.meter.read()).voltage_v == pytest.approx(
            1.1 * calm_v, rel=0.01
        )
        assert (await one.power.read()).voltage_v == pytest.approx(calm_v, rel=0.01)


@instantly
async def test_a_monitor_that_finds_no_test_resistor_says_so() -> None:
    async with station() as one:
        one.simulation.set_fault("isolation-self-test", True)
        with pytest.raises(Unconfirmed, match="test resistor was not found"):
            await one.isolation.self_test()
        one.simulation.set_fault("isolation-self-test", False)
        await one.isolation.self_test()


@instantly
async def test_inputs_that_cannot_be_read_tell_of_no_change() -> None:
    async with station() as one:
        changes = one.safety.changes()
        assert not (await anext(changes)).door_open
        one.simulation.set_fault("safety-silent", True)
        one.simulation.set_fault("door-open", True)
        told = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(100.0)
        assert not told.done()
        one.simulation.set_fault("safety-silent", False)
        assert (await told).door_open


@instantly
async def test_contactors_that_cannot_be_read_do_not_close_but_open() -> None:
    async with station() as one:
        await one.contactor.close()
        one.simulation.set_fault("contactor-silent", True)
        with pytest.raises(NoAnswer):
            await one.contactor.open()
        one.simulation.set_fault("contactor-silent", False)
        assert (await one.contactor.read()).position is Position.OPEN
        one.simulation.set_fault("contactor-silent", True)
        with pytest.raises(NoAnswer):
            await one.contactor.close()
        one.simulation.set_fault("contactor-silent", False)
        assert (await one.contactor.read()).position is Position.OPEN


@instantly
async def test_a_meter_can_show_more_than_flows() -> None:
    async with station() as one:
        await _charging(one)
        power_w = (await one.meter.read()).power_w
        one.simulation.set_fault("limit-exceeded", True)
        shown_w = (await one.meter.read()).power_w
        assert shown_w == pytest.approx(1.07 * power_w + 1_000.0, rel=0.02)
