"""What is peculiar to Maxwell modules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hal.drivers import maxwell
from hal.simulation.maxwell import MaxwellModules
from hal.values import PowerRating, Setpoint
from hal.wire import maxwell as wire
from hal.wire.maxwell import Error, Register, State
from tests.hal.bench_power import MAXWELL, Stand, connected, stand

SET = Setpoint(400.0, 60.0, 5.0)


@asynccontextmanager
async def rack(**settings: Any) -> AsyncIterator[tuple[Any, MaxwellModules, Stand]]:
    async with stand() as one:
        twin = MAXWELL.set_up(one)
        async with connected(maxwell, MAXWELL.config(one, **settings)) as power:
            yield power, twin, one
        twin.close()


def registers(one: Stand) -> set[int]:
    messages = [wire.message(frame.data) for frame in one.sent]
    return {message.register for message in messages if message}


async def test_what_a_module_does_not_say_is_in_the_station_file() -> None:
    async with rack() as (power, _, _):
        assert power.rating == PowerRating(150.0, 1000.0, 300.0, 90_000.0, 3)


async def test_the_current_is_a_fraction_of_the_modules_own_rating() -> None:
    async with rack(max_current_a=50.0) as (power, twin, one):
        await power.supply(SET)
        assert [m.current_a for m in twin.rack.modules] == pytest.approx([20.0] * 3)
        assert Register.SET_CURRENT_LIMIT in registers(one)
        assert Register.SET_CURRENT not in registers(one)


async def test_or_it_is_told_in_amperes_and_never_both() -> None:
    async with rack(current="ampere") as (power, twin, one):
        await power.supply(SET)
        assert [m.current_a for m in twin.rack.modules] == [20.0] * 3
        assert Register.SET_CURRENT in registers(one)
        assert Register.SET_CURRENT_LIMIT not in registers(one)


async def test_a_module_whose_rating_came_late_is_told_the_right_fraction() -> None:
    async with stand() as one:
        twin = MAXWELL.set_up(one)
        one.world.faults.put("module-2-silent", True, 1)
        async with connected(maxwell, MAXWELL.config(one)) as power:
            one.world.faults.put("module-2-silent", False, 1)
            reading = await power.read()
            while reading.failed_modules:
                reading = await power.read()
            await power.supply(SET)
            told = [module.current_a for module in twin.rack.modules]
            assert told == pytest.approx([20.0] * 3)
        twin.close()


@pytest.mark.parametrize(
    ("state", "failed", "running"),
    [
        (State(0), False, True),
        (State.OFF, False, False),
        (State.OFF | State.FAULT, True, False),
        (State.PROTECTION, True, True),
        (State.TEMPERATURE_DERATING | State.FAN_FAULT, False, True),
        (State.OFF | State.INPUT_UNDER_VOLTAGE, True, False),
        (State.INPUT_UNDER_VOLTAGE, False, True),
        (State.OFF | State.INPUT_MODE_MISMATCH, True, False),
    ],
)
def test_a_state_tells_whether_a_module_can_supply(
    state: State, failed: bool, running: bool
) -> None:
    family = maxwell.Maxwell(maxwell.Config(channel="can0", modules=(1,)))
    octets = wire.whole(state)
    said = family.hear(wire.answer(1, 0, Register.STATE, octets, Error.NONE))
    assert said is not None
    assert said.condition is not None
    assert (said.condition.failed, said.condition.running) == (failed, running)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"modules": (64,)}, "modules: 64 is out of bounds; write 0 to 63"),
        ({"current": "percent"}, 'current: "percent" is unknown; write "fraction" or'),
        ({"group": 61}, "group: 61 is out of bounds; write 0 to 60"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], words: str) -> None:
    settings = {"channel": "can0", "modules": (1,), **wrong}
    with pytest.raises(ValueError, match=words):
        maxwell.Config(**settings)  # type: ignore[arg-type]
