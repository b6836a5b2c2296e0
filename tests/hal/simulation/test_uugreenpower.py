"""The twin of UUGreenPower modules does and refuses what real ones do and refuse."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hal.simulation.uugreenpower import UuGreenPowerModules
from hal.wire import uugreenpower as wire
from hal.wire.frame import Frame
from hal.wire.uugreenpower import All, Command, Head, Message, Range, State, Type
from tests.hal.power.loopback import Loopback, world_of_one
from tests.hal.virtual_time import instantly

ONE = Head(1, 1)
EVERY = Head(1, 0)


@contextmanager
def bench() -> Iterator[tuple[Loopback, UuGreenPowerModules]]:
    world, outlet = world_of_one()
    bus = Loopback(world, outlet)
    twin = UuGreenPowerModules(world, outlet, bus, (1, 2), group=2)
    yield bus, twin
    twin.close()


def told(bus: Loopback, command: Command, value: int, to: Head = ONE) -> list[int]:
    frame = wire.frame(to, Message(2, Type.SET, command, value))
    return _values(bus, frame, Type.SET_ANSWER)


def read(bus: Loopback, command: Command, to: Head = ONE, group: int = 2) -> list[int]:
    frame = wire.frame(to, Message(group, Type.READ, command, 0))
    return _values(bus, frame, Type.READ_ANSWER)


def _values(bus: Loopback, frame: Frame, kind: Type) -> list[int]:
    messages = [m for f in bus.asks(frame) if (m := wire.message(f.data)) is not None]
    assert all(message.type == kind for message in messages)
    return [message.value for message in messages]


@instantly
async def test_it_tells_the_value_that_it_keeps() -> None:
    with bench() as (bus, _):
        assert told(bus, Command.VOLTAGE_REFERENCE, 400_000) == [400_000]
        assert told(bus, Command.VOLTAGE_REFERENCE, 149_000) == [400_000]
        assert told(bus, Command.VOLTAGE_REFERENCE, 1_001_000) == [400_000]
        assert told(bus, Command.CURRENT_LIMIT, 20_000) == [20_000]
        assert told(bus, Command.CURRENT_LIMIT, -1) == [20_000]


@instantly
async def test_its_answers_carry_its_address_and_its_number() -> None:
    with bench() as (bus, _):
        (frame,) = bus.asks(
            wire.frame(Head(1, 2), Message(2, Type.READ, Command.VOLTAGE, 0))
        )
        assert wire.head(frame.identifier) == Head(1, 2, 0x0144)


@instantly
async def test_a_group_tells_what_it_is_asked_and_obeys_in_silence() -> None:
    with bench() as (bus, twin):
        assert read(bus, Command.VOLTAGE, EVERY) == [0, 0]
        assert read(bus, Command.VOLTAGE, EVERY, group=3) == []
        assert read(bus, Command.VOLTAGE, EVERY, group=0) == [0, 0]
        assert told(bus, Command.VOLTAGE_REFERENCE, 400_000, EVERY) == []
        assert [module.voltage_v for module in twin.rack.modules] == [400.0, 400.0]


@instantly
async def test_it_is_silent_when_others_are_meant_or_it_does_not_know() -> None:
    with bench() as (bus, _):
        assert read(bus, Command.VOLTAGE, Head(1, 3)) == []
        assert read(bus, Command.VOLTAGE, Head(2, 1)) == []
        assert read(bus, Command.SERIAL) == []
        assert told(bus, Command.GROUP, 3) == []
        assert bus.asks(Frame(wire.identifier(ONE), b"\x12\x00")) == []


@instantly
async def test_it_ramps_up_and_says_how_it_is() -> None:
    with bench() as (bus, _):

        def state() -> State:
            (value,) = read(bus, Command.STATE)
            return State(value & 0xFFFFFFFF)

        assert state() == State.OFF
        told(bus, Command.VOLTAGE_REFERENCE, 400_000)
        assert told(bus, Command.SWITCH, wire.ON) == [wire.ON]
        assert state() == State(0)
        await asyncio.sleep(1.0)
        (millivolt,) = read(bus, Command.VOLTAGE_FAST)
        assert millivolt == pytest.approx(200_000, rel=0.001)
        bus.breaks("module-1")
        assert state() == State.OFF | State.DC_FAILED
        assert read(bus, Command.INLET_TEMPERATURE) == [20_000]


@instantly
async def test_its_range_changes_only_while_it_is_off_and_has_rested() -> None:
    with bench() as (bus, _):
        assert told(bus, Command.SELECT_RANGE, Range.LOW) == [Range.LOW]
        assert told(bus, Command.SWITCH, wire.ON) == [wire.OFF]
        await asyncio.sleep(2.0)
        assert told(bus, Command.VOLTAGE_REFERENCE, 600_000) == [0]
        told(bus, Command.VOLTAGE_REFERENCE, 400_000)
        assert told(bus, Command.SWITCH, wire.ON) == [wire.ON]
        assert told(bus, Command.SELECT_RANGE, Range.HIGH) == [Range.LOW]
        told(bus, Command.SWITCH, wire.OFF)
        assert told(bus, Command.SELECT_RANGE, Range.HIGH) == [Range.LOW]
        await asyncio.sleep(2.0)
        assert told(bus, Command.SELECT_RANGE, Range.HIGH) == [Range.HIGH]
        assert told(bus, Command.SELECT_RANGE, 9) == [Range.HIGH]
        assert read(bus, Command.SELECTED_RANGE) == [Range.HIGH]


@instantly
async def test_everything_can_be_told_at_once() -> None:
    with bench() as (bus, twin):
        (frame,) = bus.asks(wire.set_all(ONE, 2, All(True, 475.5, 10.5, 470.5)))
        assert frame.data == bytes.fromhex("2C 00 00 69 12 61 12 93")
        module = twin.rack.modules[0]
        assert (module.on, module.voltage_v, module.current_a) == (True, 475.5, 10.5)
        bus.asks(wire.set_all(ONE, 2, All(False, 0.0, 0.0, 0.0)))
        assert not module.on


@instantly
async def test_ten_seconds_of_silence_switch_it_off() -> None:
    with bench() as (bus, twin):
        told(bus, Command.VOLTAGE_REFERENCE, 400_000)
        told(bus, Command.SWITCH, wire.ON)
        await asyncio.sleep(10.3)
        assert not twin.rack.modules[0].on
