"""What every rack of modules does, whatever its make."""

import asyncio
import time

import pytest

from hal.errors import BadAnswer, NoAnswer, Unconfirmed
from hal.values import PowerRating, Setpoint
from hal.wire.frame import Frame
from hal.wire.infypower import Command
from tests.hal.bench_power import comes, raised
from tests.hal.power.rigs import command, is_off, rig

ZERO = Setpoint(0.0, 0.0, 1.0)
_TRIES = 5
"""The quickest counts: a busy machine has its pauses."""


def at(current_a: float, voltage_v: float = 400.0, for_s: float = 5.0) -> Setpoint:
    return Setpoint(voltage_v, current_a, for_s)


async def test_the_set_point_is_divided_among_the_modules() -> None:
    async with rig() as one:
        await one.power.supply(at(90.0))
        assert one.told_a() == [30.0, 30.0, 30.0]
        assert one.on() == [True, True, True]
        assert (await raised(one.power, 400.0)).failed_modules == ()


async def test_the_rating_is_that_of_all_modules_together() -> None:
    async with rig() as one:
        assert one.power.rating == PowerRating(150.0, 1000.0, 300.0, 90_000.0, 3)


async def test_the_station_file_may_know_better_what_a_module_can_do() -> None:
    async with rig(max_current_a=50.0, min_voltage_v=200.0) as one:
        assert one.power.rating == PowerRating(200.0, 1000.0, 150.0, 90_000.0, 3)
        await one.power.supply(at(300.0))
        assert one.told_a() == [50.0, 50.0, 50.0]


async def test_currents_add_up_and_the_voltage_is_that_of_the_bus() -> None:
    async with rig() as one:
        one.stand.loads()
        await one.power.supply(at(60.0))
        reading = await comes(one.power.read, lambda now: now.current_a > 0.0)
        assert reading.current_a == pytest.approx(60.0)
        assert reading.voltage_v == 0.0
        assert reading.temperature_c == pytest.approx(20.0, abs=2.0)


async def test_a_reading_is_of_this_moment() -> None:
    async with rig() as one:
        asked_s = time.monotonic()
        reading = await one.power.read()
        assert asked_s < reading.at_s <= time.monotonic()


async def test_each_module_is_set_anew_with_every_set_point() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        await raised(one.power, 400.0)
        for module in one.twin.rack.modules:
            one.twin.rack.switch(module, False)  # and has forgotten all of it
        await asyncio.sleep(0.3)
        await one.power.read()
        await one.power.supply(at(30.0))
        assert one.on() == [True, True, True]
        assert one.told_a() == [10.0, 10.0, 10.0]


async def test_the_same_again_is_told_only_now_and_then() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        await comes(one.power.read, lambda now: now.voltage_v > 100.0)
        await asyncio.sleep(0.3)
        await one.power.read()
        await one.power.supply(at(30.0))

        one.stand.sent.clear()
        await one.power.supply(at(30.0))
        assert one.stand.sent == []
        await one.power.supply(at(31.5))
        assert one.told_a() == [10.5, 10.5, 10.5]

        one.twin.rack.modules[0].current_a = 0.0  # it has forgotten that
        await asyncio.sleep(0.5)
        await one.power.supply(at(31.5))
        assert one.told_a() == [10.5, 10.5, 10.5]


async def test_a_module_that_runs_is_not_switched_on_again() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        await comes(one.power.read, lambda now: now.voltage_v > 100.0)
        await asyncio.sleep(0.3)
        await one.power.read()
        one.stand.sent.clear()
        await one.power.supply(at(30.0))
        assert {command(frame) for frame in one.stand.sent} == {Command.AIM_MODULE}


async def test_zero_switches_off_before_anything_else() -> None:
    async with rig() as one:
        one.stand.sent.clear()
        supplying = asyncio.ensure_future(one.power.supply(at(30.0)))
        reading = asyncio.ensure_future(one.power.read())
        await asyncio.sleep(0)
        supplying.cancel()
        before = len(one.stand.sent)
        await one.power.supply(ZERO)
        await reading
        # What was on its way already comes before the stop.
        told = one.stand.sent[before:]
        stopped = next(at for at, frame in enumerate(told) if is_off(frame))
        after = [frame for frame in told[stopped:] if not is_off(frame)]
        assert one.on() == [False, False, False]
        # Nothing that was told before comes after the stop.
        assert {command(frame) for frame in after} <= {
            Command.AIM_MODULE,
            Command.READ_MODULE,
            Command.READ_STATE,
        }
        stops = [n for n, frame in enumerate(one.stand.sent) if is_off(frame)]
        orders = [
            n
            for n, frame in enumerate(one.stand.sent)
            if command(frame) in (Command.AIM_MODULE, Command.SWITCH)
        ]
        assert orders[-3:] == stops[-3:]


async def test_a_stop_is_on_the_bus_within_milliseconds() -> None:
    async with rig() as one:
        took_s = []
        for _ in range(_TRIES):
            await one.power.supply(at(30.0))
            reading = asyncio.ensure_future(one.power.read())
            await asyncio.sleep(0)
            began_s = time.monotonic()
            await one.power.supply(ZERO)
            took_s.append(time.monotonic() - began_s)
            await reading
        assert min(took_s) < 0.03


async def test_a_set_point_that_nobody_renews_ends() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0, for_s=0.1))
        assert one.on() == [True, True, True]
        async with asyncio.timeout(0.5):
            while any(one.on()):
                await asyncio.sleep(0.005)


async def test_a_voltage_below_the_minimum_is_none() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        await one.power.supply(at(2.0, voltage_v=100.0))
        assert one.on() == [False, False, False]


async def test_a_voltage_above_the_maximum_is_the_maximum() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0, voltage_v=1100.0))
        assert {module.voltage_v for module in one.twin.rack.modules} == {1000.0}


async def test_leaving_the_driver_switches_off() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        modules = one.twin.rack.modules
        sent = one.stand.sent
    assert not any(module.on for module in modules)
    assert is_off(sent[-1])


async def test_connecting_switches_off_what_somebody_left_on() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        assert all(is_off(frame) for frame in one.stand.sent[:3])


async def test_modules_whose_state_says_that_they_run_unwanted_are_stopped() -> None:
    async with rig() as one:
        for module in one.twin.rack.modules:
            module.on = True
        await asyncio.sleep(0.26)
        await one.power.read()
        async with asyncio.timeout(1):
            while any(one.on()):
                await asyncio.sleep(0.005)


async def test_shut_off_returns_when_no_current_flows_and_all_are_off() -> None:
    async with rig() as one:
        one.stand.loads()
        await one.power.supply(at(60.0))
        await comes(one.power.read, lambda now: now.current_a > 0.0)
        await one.power.shut_off()
        assert (await one.power.read()).current_a < 1.0
        assert one.on() == [False, False, False]


async def test_a_module_that_does_not_stop_is_named() -> None:
    async with rig(haste=4.0) as one:
        await one.power.supply(at(60.0))
        one.stand.breaks("module-2-stuck-on")
        with pytest.raises(Unconfirmed, match=r"module 2 \(address 2\) does not stop"):
            await one.power.shut_off()


async def test_current_that_does_not_fall_is_named() -> None:
    async with rig(haste=4.0) as one:
        one.stand.loads()
        await one.power.supply(at(60.0))
        await comes(one.power.read, lambda now: now.current_a > 0.0)
        one.stand.breaks("module-3-frozen")
        await one.power.read()
        with pytest.raises(Unconfirmed, match="still 20 A, most of it from module 3"):
            await one.power.shut_off()


async def test_a_bus_that_is_gone_is_told_at_once() -> None:
    async with rig() as one:
        one.stand.adapter.terminal.pull()
        await asyncio.sleep(0.01)
        with pytest.raises(NoAnswer, match="port is gone"):
            await one.power.read()
        with pytest.raises(NoAnswer, match="port is gone"):
            await one.power.supply(at(30.0))


async def test_a_stop_that_the_bus_did_not_take_comes_when_it_is_back() -> None:
    async with rig() as one:
        await one.power.supply(at(30.0))
        one.stand.adapter.terminal.pull()
        await asyncio.sleep(0.01)
        with pytest.raises(NoAnswer):
            await one.power.supply(ZERO)
        one.stand.adapter.terminal.put_back()
        async with asyncio.timeout(3):
            while any(one.on()):
                try:
                    await one.power.read()
                except NoAnswer:
                    await asyncio.sleep(0.02)


async def test_a_bus_that_is_never_silent_does_not_drown_the_modules() -> None:
    async with rig() as one:
        one.stand.breaks("module-flood")
        await one.power.supply(at(30.0))
        assert (await raised(one.power, 400.0)).failed_modules == ()
        await one.power.supply(ZERO)
        assert one.on() == [False, False, False]


async def test_a_frame_of_the_wrong_length_is_no_answer() -> None:
    async with rig() as one:
        one.stand.adapter.send(Frame(0x0289F001, b"\x00\x00"))
        one.stand.adapter.send(Frame(0x0289F001, b""))
        assert (await one.power.read()).failed_modules == ()


async def test_a_refusal_names_the_module_and_its_reason() -> None:
    async with rig() as one:
        one.stand.breaks("module-2-refuses")
        with pytest.raises(BadAnswer, match="module 2 .* refuses: the value is beyond"):
            await one.power.supply(at(30.0))
