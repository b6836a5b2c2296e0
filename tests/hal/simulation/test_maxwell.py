"""The twin of Maxwell modules does and refuses what real ones do and refuse."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hal.simulation.maxwell import MaxwellModules
from hal.wire import maxwell as wire
from hal.wire.frame import Frame
from hal.wire.maxwell import Error, Message, Register, State
from tests.hal.power.loopback import Loopback, world_of_one
from tests.hal.virtual_time import instantly

ONE = wire.to_module(1)


@contextmanager
def bench(group: int = 2) -> Iterator[tuple[Loopback, MaxwellModules]]:
    world, outlet = world_of_one()
    bus = Loopback(world, outlet)
    twin = MaxwellModules(world, outlet, bus, (1, 2), group=group)
    yield bus, twin
    twin.close()


def answers(bus: Loopback, frame: Frame) -> list[Message]:
    return [m for f in bus.asks(frame) if (m := wire.message(f.data)) is not None]


def answer(bus: Loopback, frame: Frame) -> Message:
    (message,) = answers(bus, frame)
    return message


@instantly
async def test_it_answers_with_its_address_and_its_group() -> None:
    with bench() as (bus, _):
        (frame,) = bus.asks(wire.read(ONE, Register.VOLTAGE))
        assert frame == wire.answer(1, 2, Register.VOLTAGE, 0.0, Error.NONE)
        place = answer(bus, wire.read(ONE, Register.GROUP_AND_ADDRESS))
        assert place.whole == 2 << 16 | 1


@pytest.mark.parametrize("voltage_v", [0.0, 79.0, 1001.0, float("nan")])
@instantly
async def test_it_refuses_voltages_that_it_cannot_make(voltage_v: float) -> None:
    with bench() as (bus, twin):
        told = wire.set_float(ONE, Register.SET_VOLTAGE, voltage_v)
        assert answer(bus, told).error == Error.REFUSED
        assert twin.rack.modules[0].voltage_v == 0.0


@instantly
async def test_it_refuses_what_it_does_not_know() -> None:
    with bench() as (bus, _):
        assert answer(bus, wire.read(ONE, Register.INPUT_POWER)).error == Error.REFUSED
        odd = wire.set_whole(ONE, Register.SWITCH, 7)
        assert answer(bus, odd).error == Error.REFUSED
        below = wire.set_float(ONE, Register.SET_CURRENT_LIMIT, -1.0)
        assert answer(bus, below).error == Error.REFUSED


@instantly
async def test_it_is_silent_when_others_are_meant() -> None:
    with bench() as (bus, _):
        assert bus.asks(wire.read(wire.to_module(3), Register.VOLTAGE)) == []
        assert bus.asks(wire.read(wire.to_group(3), Register.VOLTAGE)) == []
        assert bus.asks(Frame(ONE, b"\x10")) == []
        assert bus.asks(Frame(0x0289F001, bytes(8))) == []


@pytest.mark.parametrize("group", [2, 12])
@instantly
async def test_a_group_tells_what_it_is_asked_and_obeys_in_silence(group: int) -> None:
    with bench(group) as (bus, twin):
        to = wire.to_group(group)
        assert len(answers(bus, wire.read(to, Register.VOLTAGE))) == 2
        assert bus.asks(wire.set_float(to, Register.SET_VOLTAGE, 400.0)) == []
        assert [module.voltage_v for module in twin.rack.modules] == [400.0, 400.0]


@instantly
async def test_its_current_is_told_as_a_fraction_or_in_amperes() -> None:
    with bench() as (bus, twin):
        module = twin.rack.modules[0]
        bus.asks(wire.set_float(ONE, Register.SET_CURRENT_LIMIT, 0.5))
        assert module.current_a == 50.0
        bus.asks(wire.set_whole(ONE, Register.SET_CURRENT, wire.current(10.0)))
        assert module.current_a == 10.0
        limit = answer(bus, wire.read(ONE, Register.CURRENT_LIMIT))
        assert limit.number == pytest.approx(0.1)


@instantly
async def test_it_ramps_up_and_says_how_it_is() -> None:
    with bench() as (bus, _):
        state = wire.read(ONE, Register.STATE)
        assert State(answer(bus, state).whole) == State.OFF
        bus.asks(wire.set_float(ONE, Register.SET_VOLTAGE, 400.0))
        bus.asks(wire.set_whole(ONE, Register.SWITCH, wire.ON))
        assert State(answer(bus, state).whole) == State(0)
        await asyncio.sleep(1.0)
        rising = answer(bus, wire.read(ONE, Register.VOLTAGE))
        assert rising.number == pytest.approx(200.0)
        bus.breaks("module-over-temperature")
        hot = State.OFF | State.FAULT | State.PROTECTION | State.OVER_TEMPERATURE
        assert State(answer(bus, state).whole) == hot
        assert answer(bus, wire.read(ONE, Register.DC_TEMPERATURE)).number == 95.0


@instantly
async def test_ten_seconds_of_silence_switch_it_off() -> None:
    with bench() as (bus, twin):
        bus.asks(wire.set_float(ONE, Register.SET_VOLTAGE, 400.0))
        bus.asks(wire.set_whole(ONE, Register.SWITCH, wire.ON))
        await asyncio.sleep(9.9)
        assert twin.rack.modules[0].on
        await asyncio.sleep(0.3)
        assert not twin.rack.modules[0].on
