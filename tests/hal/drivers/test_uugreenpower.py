"""What is peculiar to UUGreenPower modules: their ranges, and all at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hal.drivers import uugreenpower
from hal.simulation.uugreenpower import UuGreenPowerModules
from hal.values import Setpoint
from hal.wire import uugreenpower as wire
from hal.wire.uugreenpower import Command, Head, Message, Range, State, Type
from tests.hal.bench_power import UUGREENPOWER, Stand, comes, connected, stand


@dataclass
class Rig:
    power: Any
    twin: UuGreenPowerModules
    stand: Stand

    async def rises(self, voltage_v: float) -> None:
        """Supply until the output is there."""

        async def renewed() -> float:
            await self.power.supply(Setpoint(voltage_v, 60.0, 5.0))
            reached_v: float = (await self.power.read()).voltage_v
            return reached_v

        await comes(renewed, lambda volts: abs(volts - voltage_v) < 1.0)

    @property
    def ranges(self) -> set[Range]:
        return set(self.twin.ranges.values())


@asynccontextmanager
async def rack(**settings: Any) -> AsyncIterator[Rig]:
    async with stand() as one:
        twin = UUGREENPOWER.set_up(one)
        config = UUGREENPOWER.config(one, **settings)
        async with connected(uugreenpower, config) as power:
            yield Rig(power, twin, one)
        twin.close()


async def test_modules_are_put_into_the_high_range_first() -> None:
    async with rack() as one:
        await one.rises(400.0)
        assert one.ranges == {Range.HIGH}


async def test_the_low_range_ends_at_its_own_voltage() -> None:
    async with rack(range="low") as one:
        assert one.power.rating.max_voltage_v == 500.0
        await one.power.supply(Setpoint(800.0, 60.0, 5.0))
        await one.rises(500.0)
        assert one.ranges == {Range.LOW}


async def test_the_range_follows_the_voltage_but_not_within_a_session() -> None:
    async with rack(range="by voltage") as one:
        await one.rises(400.0)
        assert one.ranges == {Range.LOW}
        await one.rises(800.0)
        assert one.ranges == {Range.HIGH}
        await one.power.supply(Setpoint(0.0, 0.0, 1.0))
        await one.rises(400.0)
        assert one.ranges == {Range.HIGH}


async def test_a_range_is_changed_only_while_the_modules_are_off() -> None:
    async with rack(range="by voltage") as one:
        await one.rises(400.0)
        one.stand.sent.clear()
        await one.rises(800.0)
        told = [
            (message.command, message.value)
            for frame in one.stand.sent
            if (message := wire.message(frame.data)) and message.type == Type.SET
        ]
        off = told.index((Command.SWITCH, wire.OFF))
        select = told.index((Command.SELECT_RANGE, Range.HIGH))
        on = told.index((Command.SWITCH, wire.ON))
        assert off < select < on


async def test_a_module_that_forgot_its_range_is_put_into_it_again() -> None:
    async with rack() as one:
        await one.rises(400.0)
        await one.power.shut_off()
        one.twin.ranges[2] = Range.AUTOMATIC  # its mains were gone
        await asyncio.sleep(0.26)
        await one.power.read()
        await one.rises(400.0)
        assert one.ranges == {Range.HIGH}


async def test_ranges_may_be_left_as_they_are() -> None:
    async with rack(range="as it is") as one:
        await one.rises(400.0)
        assert one.ranges == {Range.AUTOMATIC}
        messages = [wire.message(frame.data) for frame in one.stand.sent]
        commands = {message.command for message in messages if message}
        assert commands.isdisjoint({Command.SELECT_RANGE, Command.SELECTED_RANGE})


async def test_a_set_point_may_be_one_frame() -> None:
    async with rack(all_at_once=True) as one:
        await one.rises(400.0)
        one.stand.sent.clear()
        await one.power.supply(Setpoint(400.0, 60.0, 5.0))
        assert len(one.stand.sent) == 3
        assert [m.current_a for m in one.twin.rack.modules] == [20.0] * 3


def hear(*messages: Message) -> Any:
    family = uugreenpower.UuGreenPower(
        uugreenpower.Config(channel="can0", modules=(1,))
    )
    family.aim(1, 400.0, 100.0)
    return [family.hear(wire.frame(Head(1, 1, 0x144), each)) for each in messages]


def test_what_a_module_took_is_held_against_what_it_was_told() -> None:
    taken, other = hear(
        Message(1, Type.SET_ANSWER, Command.VOLTAGE_REFERENCE, 400_000),
        Message(1, Type.SET_ANSWER, Command.VOLTAGE_REFERENCE, 300_000),
    )
    assert taken.refusal == ""
    assert other.refusal == "told 400000, it took 300000"


def test_a_module_may_take_less_current_but_not_more() -> None:
    less, more = hear(
        Message(1, Type.SET_ANSWER, Command.CURRENT_LIMIT, 60_000),
        Message(1, Type.SET_ANSWER, Command.CURRENT_LIMIT, 110_000),
    )
    assert less.refusal == ""
    assert more.refusal == "told 100000, it took 110000"


@pytest.mark.parametrize(
    ("state", "failed", "hot"),
    [
        (State(0), False, False),
        (State.OFF, False, False),
        (State.OFF | State.DC_FAILED, True, False),
        (State.OFF | State.PFC_OVER_TEMPERATURE, True, True),
        (State.TEMPERATURE_DERATING | State.AMBIENT_OVER_TEMPERATURE, False, True),
        (State.SHORT_SHUTDOWN, True, False),
    ],
)
def test_a_state_tells_whether_a_module_can_supply(
    state: State, failed: bool, hot: bool
) -> None:
    value = wire.signed(state)
    (said,) = hear(Message(1, Type.READ_ANSWER, Command.STATE, value))
    condition = said.condition
    assert (condition.failed, condition.over_temperature) == (failed, hot)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"modules": (0,)}, "modules: 0 is out of bounds; write 1 to 127"),
        ({"group": 16}, "group: 16 is out of bounds; write 1 to 15"),
        ({"range": "middle"}, 'range: "middle" is unknown; write "as it is" or'),
        ({"range_pause_s": -1.0}, "range_pause_s: -1.0 is out of bounds"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], words: str) -> None:
    settings = {"channel": "can0", "modules": (1,), **wrong}
    with pytest.raises(ValueError, match=words):
        uugreenpower.Config(**settings)  # type: ignore[arg-type]
