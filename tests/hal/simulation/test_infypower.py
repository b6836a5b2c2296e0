"""The twin of Infypower modules does and refuses what real ones do and refuse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from hal.simulation.infypower import InfypowerModules
from hal.wire import infypower as wire
from hal.wire.frame import Frame
from hal.wire.infypower import Command, Device, Error, State
from tests.hal.power.loopback import Loopback, world_of_one
from tests.hal.virtual_time import instantly


@dataclass
class Bench:
    bus: Loopback
    twin: InfypowerModules

    def asks(
        self,
        command: Command,
        to: int = 1,
        data: bytes = bytes(8),
        device: Device = Device.MODULE,
    ) -> list[Frame]:
        return self.bus.asks(wire.order(command, to, data, device))


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    world, outlet = world_of_one()
    bus = Loopback(world, outlet)
    twin = InfypowerModules(world, outlet, bus, (1, 2), group=2)
    yield Bench(bus, twin)
    twin.close()


def error(frames: list[Frame]) -> int:
    (frame,) = frames
    return wire.head(frame.identifier).error


@instantly
async def test_it_answers_as_the_protocol_says() -> None:
    async with bench() as one:
        (answer,) = one.asks(Command.READ_MODULE)
        assert answer == Frame(0x0289F001, bytes(8))
        (answer,) = one.asks(Command.AIM_MODULE, 1, wire.pair(400.0, 20.0))
        assert answer == Frame(0x029CF001, wire.pair(400.0, 20.0))


@pytest.mark.parametrize("voltage_v", [0.0, 149.0, 1001.0])
@instantly
async def test_it_refuses_voltages_that_it_cannot_make(voltage_v: float) -> None:
    async with bench() as one:
        answers = one.asks(Command.AIM_MODULE, 1, wire.pair(voltage_v, 20.0))
        assert error(answers) == Error.DATA_INVALID
        assert one.twin.rack.modules[0].voltage_v == 0.0


@instantly
async def test_it_refuses_what_it_does_not_know() -> None:
    async with bench() as one:
        assert error(one.asks(Command.ADDRESS_MODE)) == Error.COMMAND_INVALID
        assert error(one.asks(Command.SWITCH, 1, wire.choice(7))) == Error.DATA_INVALID
        assert error(one.asks(Command.WALK_IN, 1, wire.choice(7))) == Error.DATA_INVALID


@instantly
async def test_it_is_silent_when_others_are_meant() -> None:
    async with bench() as one:
        assert one.asks(Command.READ_MODULE, 3) == []
        assert one.bus.asks(Frame(0x02890155, bytes(8))) == []
        assert one.bus.asks(Frame(0x028901F0, b"")) == []


@instantly
async def test_a_group_obeys_in_silence_and_tells_its_states() -> None:
    async with bench() as one:
        group = Device.GROUP
        assert one.asks(Command.AIM_TOTAL, 2, wire.pair(400.0, 40.0), group) == []
        assert one.asks(Command.SWITCH, 2, wire.switch(True), group) == []
        assert [module.current_a for module in one.twin.rack.modules] == [20.0, 20.0]
        states = one.asks(Command.READ_STATE, 2, device=group)
        assert [wire.head(frame.identifier).source for frame in states] == [1, 2]
        assert one.asks(Command.READ_STATE, 3, device=group) == []


@instantly
async def test_it_forgets_its_set_point_when_it_is_switched_off() -> None:
    async with bench() as one:
        one.asks(Command.AIM_MODULE, 1, wire.pair(400.0, 20.0))
        one.asks(Command.SWITCH, 1, wire.switch(True))
        one.asks(Command.SWITCH, 1, wire.switch(False))
        one.asks(Command.SWITCH, 1, wire.switch(True))
        await asyncio.sleep(5.0)
        assert one.asks(Command.READ_MODULE)[0].data == bytes(8)


@instantly
async def test_its_output_ramps_up_to_what_it_was_told() -> None:
    async with bench() as one:
        one.asks(Command.AIM_MODULE, 1, wire.pair(400.0, 20.0))
        one.asks(Command.SWITCH, 1, wire.switch(True))
        await asyncio.sleep(1.0)
        (rising,) = one.asks(Command.READ_MODULE)
        assert wire.read_pair(rising.data)[0] == pytest.approx(200.0)
        await asyncio.sleep(2.0)
        (floats,) = one.asks(Command.READ_MODULE_FLOATS)
        assert floats.data == wire.floats(400.0, 0.0)


@instantly
async def test_it_says_how_it_is() -> None:
    async with bench() as one:

        def state() -> State:
            return wire.read_status(one.asks(Command.READ_STATE)[0].data).state

        assert state() == State.OFF | State.WALK_IN
        one.asks(Command.WALK_IN, 1, wire.choice(0))
        one.asks(Command.AIM_MODULE, 1, wire.pair(400.0, 20.0))
        one.asks(Command.SWITCH, 1, wire.switch(True))
        assert state() == State(0)
        one.bus.breaks("module-1")
        assert state() == State.OFF | State.FAULT
        one.bus.breaks("module-1", False)
        one.bus.breaks("under-voltage")
        low = State.OFF | State.PROTECTION | State.INPUT_UNDER_VOLTAGE
        assert state() == low


@instantly
async def test_its_nameplate_and_its_number_can_be_read() -> None:
    async with bench() as one:
        (rating,) = one.asks(Command.READ_RATING)
        assert wire.read_rating(rating.data) == wire.Rating(
            1000.0, 150.0, 100.0, 30_000.0
        )
        (code,) = one.asks(Command.READ_BAR_CODE, 2)
        assert code.data == wire.bar_code("081800000002V0001")


@instantly
async def test_silence_switches_it_off_and_any_frame_keeps_it_on() -> None:
    async with bench() as one:
        modules = one.twin.rack.modules
        for number in (1, 2):
            one.asks(Command.AIM_MODULE, number, wire.pair(400.0, 20.0))
            one.asks(Command.SWITCH, number, wire.switch(True))
        for _ in range(3):
            await asyncio.sleep(3.0)
            one.asks(Command.READ_MODULE, 1)
        assert [module.on for module in modules] == [True, True]
        await asyncio.sleep(3.0)
        assert [module.on for module in modules] == [True, False]
