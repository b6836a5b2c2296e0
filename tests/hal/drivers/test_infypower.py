"""What is peculiar to Infypower modules."""

import time

import pytest

from hal.drivers import infypower
from hal.errors import NoAnswer
from hal.resources import Place, Resources
from hal.simulation.infypower import InfypowerModules
from hal.values import Setpoint
from hal.wire import infypower as wire
from hal.wire.infypower import Command, Device, State, Status
from tests.hal.bench_power import connected, raised, stand
from tests.hal.power.rigs import command, rig

SET = Setpoint(400.0, 60.0, 5.0)


async def test_the_soft_start_is_switched_off() -> None:
    async with rig() as one:
        assert not any(one.twin.walk_in.values())


async def test_a_group_finds_its_modules_by_itself() -> None:
    async with stand() as one:
        twin = InfypowerModules(one.world, one.outlet, one.adapter, (9, 4), group=2)
        others = InfypowerModules(
            one.world, one.world.outlet(2), one.adapter, (5, 6), group=3
        )
        config = infypower.Config(channel=one.channel, interface="slcan", group=2)
        async with connected(infypower, config) as power:
            await power.supply(SET)
            assert [module.on for module in twin.rack.modules] == [True, True]
            assert not any(module.on for module in others.rack.modules)
            assert power.rating.max_current_a == 200.0


async def test_a_group_without_modules_is_told_with_its_remedy() -> None:
    async with stand() as one:
        config = infypower.Config(channel=one.channel, interface="slcan", group=2)
        with pytest.raises(NoAnswer, match="nobody answers in the group"):
            async with connected(infypower, config):
                pass


async def test_a_group_is_asked_for_its_states_in_one_frame() -> None:
    async with rig(twin={"group": 2}, group=2) as one:
        await one.power.shut_off()
        asked = one.sent(Command.READ_STATE)
        heads = {wire.head(frame.identifier) for frame in asked}
        assert {(head.device, head.destination) for head in heads} == {
            (Device.GROUP, 2)
        }


async def test_modules_that_do_not_answer_writes_are_asked_how_they_are() -> None:
    async with rig(twin={"acknowledges": False}, acknowledges=False) as one:
        await one.power.supply(SET)
        assert one.told_a() == [20.0, 20.0, 20.0]
        await raised(one.power, 400.0)
        await one.power.shut_off()
        assert one.on() == [False, False, False]


async def test_the_controller_has_the_address_that_the_file_says() -> None:
    async with rig(controller=0xF1) as one:
        await one.power.supply(SET)
        sources = {wire.head(frame.identifier).source for frame in one.stand.sent}
        assert sources == {0xF1}
        assert one.on() == [True, True, True]


async def test_two_racks_on_one_bus_do_not_hear_each_other() -> None:
    async with stand() as one:
        own = InfypowerModules(one.world, one.outlet, one.adapter, (1, 2))
        other = one.world.outlet(2)
        beside = InfypowerModules(one.world, other, one.adapter, (3, 4))
        settings = [
            infypower.Config(channel=one.channel, interface="slcan", modules=modules)
            for modules in ((1, 2), (3, 4))
        ]
        async with (
            Resources(time.monotonic) as resources,
            infypower.connect(settings[0], Place(1, resources)) as power,
            infypower.connect(settings[1], Place(2, resources)) as neighbor,
        ):
            await power.supply(SET)
            one.world.faults.put("module-silent", True, 2)
            assert (await raised(power, 400.0)).failed_modules == ()
            with pytest.raises(NoAnswer, match="connector 2 power module"):
                await neighbor.read()
            assert [module.on for module in own.rack.modules] == [True, True]
            assert not any(module.on for module in beside.rack.modules)


@pytest.mark.parametrize(
    ("state", "failed", "running"),
    [
        (State(0), False, True),
        (State.OFF, False, False),
        (State.OFF | State.FAULT, True, False),
        (State.OFF | State.OVER_TEMPERATURE, True, False),
        (State.POWER_LIMITED | State.INPUT_UNDER_VOLTAGE, False, True),
        (State.OFF | State.PHASE_LOST, True, False),
        (State.OUTPUT_SHORT, True, True),
        (State.OFF | State.SLEEPING, True, False),
    ],
)
def test_a_state_tells_whether_a_module_can_supply(
    state: State, failed: bool, running: bool
) -> None:
    family = infypower.Infypower(infypower.Config(channel="can0", modules=(1,)))
    asked = wire.head(wire.order(Command.READ_STATE, 1).identifier)
    said = family.hear(wire.answer(asked, 1, wire.status(Status(0, 27, state))))
    assert said is not None
    assert said.condition is not None
    assert (said.condition.failed, said.condition.running) == (failed, running)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"modules": ()}, "modules: none is named; write their addresses, or a group"),
        ({"modules": (1, 1)}, "modules: .* names one twice"),
        ({"modules": (61,)}, "modules: 61 is out of bounds; write 0 to 60"),
        ({"group": 99}, "group: 99 is out of bounds"),
        ({"controller": 1}, "controller: 1 is out of bounds; write 240 to 248"),
        ({"answer_within_s": 2.0}, "answer_within_s: 2.0 is out of bounds"),
        ({"max_power_w": 0.0}, "max_power_w: 0.0 is not possible"),
        ({"interface": "pcan"}, 'interface: "pcan" is unknown'),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object], words: str) -> None:
    settings = {"channel": "can0", "modules": (1,), **wrong}
    with pytest.raises(ValueError, match=words):
        infypower.Config(**settings)  # type: ignore[arg-type]


def test_the_commands_of_a_set_point_are_the_aim_and_then_the_switch() -> None:
    family = infypower.Infypower(infypower.Config(channel="can0", modules=(1,)))
    requests = (*family.aim(1, 400.0, 100.0), *family.on(1))
    assert [command(request.frame) for request in requests] == [
        Command.AIM_MODULE,
        Command.SWITCH,
    ]
