"""The hands on the mock station: arguments, readers, registers, the rate, lights."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from hal import discovery
from hal.interfaces import Simulation
from hal.mock.power_module import Config as PowerConfig
from hal.mock.simulation import Config
from hal.resources import Place, Resources
from hal.values import PowerRating, Setpoint, Signal, Token, VehiclePhase
from tests.hal.bench_station import station
from tests.hal.effort import effort
from tests.hal.virtual_time import VirtualLoop, instantly

NONSENSE: list[tuple[Callable[[Simulation], None], str]] = [
    (lambda s: s.plug(2), "connector: no connector 2; known: 1"),
    (
        lambda s: s.plug(1, soc_percent=101.0),
        "soc_percent: 101.0 is out of bounds; write 0",
    ),
    (
        lambda s: s.plug(1, capacity_wh=0.0),
        "capacity_wh: 0.0 is out of bounds; write 100",
    ),
    (
        lambda s: s.plug(1, max_power_w=-1.0),
        "max_power_w: -1.0 is out of bounds; write 100",
    ),
    (
        lambda s: s.plug(1, max_voltage_v=1500.0),
        "max_voltage_v: 1500.0 is out of bounds; write",
    ),
    (lambda s: s.plug(1, max_voltage_v=float("nan")), "max_voltage_v: nan is out"),
    (lambda s: s.plug(1, evccid="02ABCD"), "evccid: '02ABCD' is not a MAC address"),
    (lambda s: s.unplug(0), "connector: no connector 0"),
    (lambda s: s.pause(1), "connector: 1 has no car; plug one in first"),
    (lambda s: s.resume(1), "connector: 1 has no car"),
    (lambda s: s.present("CAFE"), "uid: 'CAFE' is not 8, 10, 14 or 20 hex digits"),
    (
        lambda s: s.present("04A224B2", 7),
        "connector 7 has no reader; readers are at: 0",
    ),
    (lambda s: s.set_fault("flood", True), "name: no fault 'flood'; known: emergency"),
    (lambda s: s.set_fault("door-open", True, 1), "door-open is the station's; leave"),
    (lambda s: s.set_fault("insulation", True, 3), "3 cannot have insulation; these"),
    (lambda s: s.set_rate(0.0), "factor: 0.0 is out of bounds; write"),
    (lambda s: s.set_rate(float("inf")), "factor: inf is out of bounds; write"),
    (lambda s: s.set_register(1, -1), "energy_wh: -1 is out of bounds; write"),
    (lambda s: s.set_power(1, -1.0), "power_w: -1.0 is out of bounds; write"),
]


@pytest.mark.parametrize(("act", "text"), NONSENSE, ids=[t for _, t in NONSENSE])
@instantly
async def test_nonsense_is_refused_with_a_reason(
    act: Callable[[Simulation], None], text: str
) -> None:
    async with station() as one:
        with pytest.raises(ValueError, match=text.replace("(", r"\(")):
            act(one.simulation)


@instantly
async def test_a_second_car_does_not_fit_on_the_plug() -> None:
    async with station() as one:
        one.simulation.plug(1)
        with pytest.raises(
            ValueError, match="1 has a car on the plug; unplug it first"
        ):
            one.simulation.plug(1)


@instantly
async def test_a_car_has_the_mac_address_that_it_was_given() -> None:
    async with station() as one:
        one.simulation.plug(1, evccid="00:7d:fa:06:9f:4e")
        await one.serve(VehiclePhase.AUTHORIZING)
        assert (await one.vehicle.read()).evccid == "007DFA069F4E"


@instantly
async def test_a_card_is_told_once_to_whoever_waits_for_it() -> None:
    async with station() as one:
        tokens = one.reader.tokens()
        first = asyncio.ensure_future(anext(tokens))
        await asyncio.sleep(60.0)
        one.simulation.present("04a224b2")
        assert await first == Token("04A224B2")
        again = asyncio.ensure_future(anext(tokens))
        await asyncio.sleep(60.0)
        assert not again.done()
        again.cancel()


@instantly
async def test_a_card_that_nobody_read_is_gone_after_a_moment() -> None:
    async with station() as one:
        one.simulation.present("04A224B2")
        await asyncio.sleep(3.0)
        one.simulation.present("04A224B3")
        assert await anext(one.reader.tokens()) == Token("04A224B3")


@instantly
async def test_with_several_readers_the_card_needs_a_connector() -> None:
    async with station() as one:
        driver = discovery.load("reader", "mock")
        async with driver.connect(driver.Config(), Place(1, one.resources)) as second:
            with pytest.raises(
                ValueError, match="no single reader; readers are at: 0, 1"
            ):
                one.simulation.present("04A224B2")
            one.simulation.present("04A224B2", 1)
            assert await anext(second.tokens()) == Token("04A224B2")


@instantly
async def test_a_register_shows_what_it_was_set_to() -> None:
    async with station() as one:
        one.simulation.set_register(1, 4711)
        assert (await one.meter.read()).energy_wh == 4711


@instantly
async def test_a_forced_power_is_what_the_register_counts() -> None:
    async with station() as one:
        one.simulation.set_register(1, 0)
        one.simulation.set_power(1, 36_000.0)
        await asyncio.sleep(100.0)
        forced = await one.meter.read()
        one.simulation.set_power(1, None)
        await asyncio.sleep(100.0)

        assert forced.energy_wh == 1000
        assert forced.power_w == pytest.approx(forced.voltage_v * forced.current_a)
        assert forced.power_w == pytest.approx(36_000.0)
        after = await one.meter.read()
        assert (after.energy_wh, after.power_w) == (1000, 0.0)


@instantly
async def test_a_forced_power_of_zero_holds_the_register_of_a_charging_car() -> None:
    async with station() as one:
        await one.charge()
        one.simulation.set_power(1, 0.0)
        before_wh = (await one.meter.read()).energy_wh
        for _ in range(100):
            await one.tick()
        assert (await one.meter.read()).energy_wh == before_wh
        assert (await one.meter.read()).power_w == 0.0
        assert (await one.power.read()).current_a > 100.0


@instantly
async def test_the_rate_hurries_a_running_session() -> None:
    async with station() as one:
        await one.charge()
        for _ in range(100):
            await one.tick()
        before_wh = (await one.meter.read()).energy_wh
        one.simulation.set_rate(60.0)
        for _ in range(20):
            await one.tick()
        # one second at 150 kW
        gained_wh = (await one.meter.read()).energy_wh - before_wh
        assert gained_wh == pytest.approx(60 * 150_000 / 3600, rel=0.02)


@instantly
async def test_numbered_modules_are_those_of_the_group() -> None:
    async with station() as one:
        driver = discovery.load("power_module", "mock")
        config = PowerConfig(modules=2, max_current_a=100.0, max_power_w=40_000.0)
        assert "module-5" in one.simulation.faults()
        async with driver.connect(config, Place(1, one.resources)) as power:
            assert power.rating == PowerRating(150.0, 1000.0, 100.0, 40_000.0, 2)
            assert "module-2" in one.simulation.faults()
            assert "module-3" not in one.simulation.faults()


@instantly
async def test_a_light_shows_what_it_was_told_and_is_off_when_left() -> None:
    async with station() as one:
        driver = discovery.load("light", "mock")
        async with driver.connect(driver.Config(), Place(1, one.resources)) as light:
            assert one.world.lights == {1: Signal.OFF}
            await light.show(Signal.CHARGING)
            assert one.world.lights == {1: Signal.CHARGING}
        assert one.world.lights == {1: Signal.OFF}


@instantly
async def test_the_cabinet_warms_with_its_modules() -> None:
    async with station() as one:
        driver = discovery.load("temperature", "mock")
        async with driver.connect(driver.Config(), Place(0, one.resources)) as cabinet:
            assert (await cabinet.read()).temperature_c == 20.0
            await one.charge()
            one.simulation.set_rate(60.0)
            for _ in range(100):
                await one.tick()
            assert 22.0 < (await cabinet.read()).temperature_c < 40.0


@instantly
async def test_mock_devices_need_no_simulation() -> None:
    driver = discovery.load("power_module", "mock")
    async with (
        Resources(asyncio.get_running_loop().time) as resources,
        driver.connect(driver.Config(), Place(1, resources)) as power,
    ):
        await power.supply(Setpoint(400.0, 1.0, 10.0))
        await asyncio.sleep(5.0)
        assert (await power.read()).voltage_v == 400.0


@instantly
async def test_an_idle_station_sleeps_while_everybody_watches_it() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    async with station() as one:
        streams = (
            one.vehicle.changes(),
            one.safety.changes(),
            one.supply.changes(),
            one.reader.tokens(),
        )
        watchers = [asyncio.ensure_future(drained(stream)) for stream in streams]
        await asyncio.sleep(1.0)
        before = loop.turns

        await asyncio.sleep(86_400.0)

        assert loop.turns - before <= 3  # the loop itself wakes once a day
        for watcher in watchers:
            watcher.cancel()


async def drained(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


@instantly
async def test_a_look_at_an_idle_device_costs_next_to_nothing() -> None:
    async with station() as one:
        devices = (one.power, one.contactor, one.meter, one.isolation, one.vehicle)
        for device in devices:
            with effort() as spent:
                for _ in range(1000):
                    await device.read()
            assert spent.calls / 1000 < 50


@instantly
async def test_a_world_can_be_set_up_after_its_devices() -> None:
    meters, simulations = (discovery.load(k, "mock") for k in ("meter", "simulation"))
    async with station(Config(seed=5)) as usual:
        expected = await usual.meter.read()
    async with (
        Resources(asyncio.get_running_loop().time) as resources,
        meters.connect(meters.Config(), Place(1, resources)) as meter,
        simulations.connect(Config(seed=5), Place(0, resources)),
    ):
        assert (await meter.read()).energy_wh == expected.energy_wh


def test_settings_that_stop_the_world_are_refused() -> None:
    with pytest.raises(ValueError, match="rate: 0"):
        Config(rate=0.0)
    with pytest.raises(ValueError, match="modules: 0 is too few"):
        PowerConfig(modules=0)
