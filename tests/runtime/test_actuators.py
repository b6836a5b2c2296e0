"""The hands on the simulated station: levels become deeds, and cuts come first."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from chargerd.core.course import OUTPUTS
from chargerd.core.events import CommandFailed, GuardCut
from chargerd.core.power import LEASE_S
from chargerd.core.session import Phase
from hal.errors import NoAnswer
from hal.values import Position, VehiclePhase
from tests.hal.virtual_time import instantly
from tests.runtime.rig import LIMIT_W, Faulty, LoggedVehicle, Rig, rig, until

CUT_WITHIN_S = 0.1


@instantly
async def test_a_whole_session_follows_from_the_outputs_alone(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        await asyncio.sleep(20)
        outlet = station.outlet
        assert outlet.controller.phase is VehiclePhase.CHARGING
        assert outlet.rectifiers.power_w == pytest.approx(LIMIT_W, rel=0.001)
        before_wh = outlet.register.energy_wh

        station.aim(Phase.RAMP_DOWN)
        await until(lambda: station.outlet.rectifiers.current_a < 1.0, 1.0)
        assert station.outlet.position is Position.CLOSED
        station.aim(Phase.OPENING)
        await until(lambda: station.dead, CUT_WITHIN_S)
        station.aim(Phase.WELDING_CHECK)
        vehicle = station.outlet.controller
        await until(lambda: vehicle.phase is VehiclePhase.FINISHED, 5.0)
        assert station.facts.lock is not None
        assert station.facts.lock.engaged

        station.aim(Phase.FINISHED)
        await until(lambda: not station.outlet.bolt.engaged(station.outlet.now_s), 4.0)
        assert station.outlet.plug_v < 60.0
        assert station.outlet.register.energy_wh - before_wh < 100
        assert station.of(CommandFailed) == []
        assert station.of(GuardCut) == []


@instantly
async def test_a_vehicle_that_looks_for_welds_hears_the_voltage_at_the_plug(
    tmp_path: Path,
) -> None:
    vehicle = LoggedVehicle()
    async with rig(tmp_path, vehicle.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        station.simulation.set_fault("plug-charged", True, 1)
        station.aim(Phase.RAMP_DOWN)
        await until(lambda: station.outlet.rectifiers.current_a < 1.0, 1.0)
        station.aim(Phase.OPENING)
        controller = station.outlet.controller
        await until(lambda: controller.phase is VehiclePhase.FINISHED, 5.0)
        assert station.outlet.rectifiers.voltage_v < 500.0

    told = vehicle.reports[VehiclePhase.WELDING_CHECK]
    assert len(told) > 2
    assert told[-1].present_voltage_v > 600.0
    assert told[-1].module_temperature_c is not None


def contactors_travel(station: Rig) -> bool:
    return station.outlet.position is Position.BETWEEN


def voltage_is_up(station: Rig) -> bool:
    return station.outlet.rectifiers.voltage_v > 200.0


def at_once(_: Rig) -> bool:
    return True


MOMENTS = [
    (Phase.CABLE_CHECK, contactors_travel),
    (Phase.CABLE_CHECK, voltage_is_up),
    (Phase.PRECHARGE, at_once),
    (Phase.PRECHARGE, voltage_is_up),
    (Phase.ENERGIZED, at_once),
    (Phase.RAMP_DOWN, at_once),
]


async def arrive(station: Rig, phase: Phase, moment: Callable[[Rig], bool]) -> None:
    phases = list(Phase)
    before = phases[phases.index(phase) - 1]
    await station.walk(before)
    station.aim(phase)
    await until(lambda: moment(station))
    assert station.hand.live or moment is at_once


def open_the_door(station: Rig) -> None:
    station.simulation.set_fault("door-open", True)


def level(station: Rig) -> None:
    station.aim(Phase.OPENING)


@pytest.mark.parametrize("cause", [open_the_door, level])
@pytest.mark.parametrize(("phase", "moment"), MOMENTS)
@instantly
async def test_in_every_phase_a_cut_leaves_nothing_live(
    tmp_path: Path,
    cause: Callable[[Rig], None],
    phase: Phase,
    moment: Callable[[Rig], bool],
) -> None:
    async with rig(tmp_path) as station:
        await arrive(station, phase, moment)

        cause(station)

        await until(lambda: station.dead, CUT_WITHIN_S)
        await asyncio.sleep(1.0)
        assert station.dead
        assert not station.hand.live


@pytest.mark.parametrize("command", ["report", "stop"])
@instantly
async def test_a_cut_does_not_wait_for_a_vehicle_that_hangs(
    tmp_path: Path, command: str
) -> None:
    vehicle = Faulty("vehicle")
    async with rig(tmp_path, vehicle.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        vehicle.command = command
        station.aim(Phase.RAMP_DOWN)
        await asyncio.sleep(0.1)
        assert station.outlet.position is Position.CLOSED

        station.aim(Phase.OPENING)

        await until(lambda: station.dead, CUT_WITHIN_S)


@pytest.mark.parametrize("command", ["supply", "shut_off"])
@instantly
async def test_a_cut_does_not_wait_for_power_modules_that_hang(
    tmp_path: Path, command: str
) -> None:
    module = Faulty("power_module")
    async with rig(tmp_path, module.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        module.command = command
        station.aim(Phase.OPENING)
        await until(lambda: station.outlet.position is Position.OPEN, CUT_WITHIN_S)


@instantly
async def test_a_lock_that_is_under_way_delays_no_cut(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.hand._locked = False  # as after a restart: the lock is driven again
        station.simulation.set_fault("lock-stuck", True)
        station.outlet.bolt._engaged = False
        await asyncio.sleep(0.2)

        station.hands.cut_now(1)

        await until(lambda: station.dead, CUT_WITHIN_S)


@instantly
async def test_after_a_cut_nothing_is_live_again_before_a_dead_level_was_given(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.CABLE_CHECK)
        station.hands.cut_now(1)
        await until(lambda: station.dead, CUT_WITHIN_S)
        for _ in range(10):
            station.aim(Phase.CABLE_CHECK)
            station.aim(Phase.PRECHARGE)
            await asyncio.sleep(0.1)
            assert station.dead

        station.aim(Phase.FINISHED)
        station.simulation.unplug(1)
        await station.walk(Phase.PRECHARGE)
        assert station.outlet.position is Position.CLOSED


@instantly
async def test_contactors_close_only_when_the_vehicle_wants_them(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        station.simulation.plug(1)
        station.aim(Phase.CABLE_CHECK)  # the level allows it long before the vehicle
        while station.outlet.controller.phase is not VehiclePhase.CABLE_CHECK:
            assert station.outlet.position is Position.OPEN
            assert station.module.setpoints == []
            await asyncio.sleep(0.01)
        await until(lambda: station.outlet.position is Position.CLOSED, 1.0)


@instantly
async def test_contactors_stay_open_while_a_fact_forbids_energy(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.HANDSHAKE)
        station.simulation.set_fault("insulation", True, 1)
        await asyncio.sleep(1.0)
        station.aim(Phase.CABLE_CHECK)
        await asyncio.sleep(1.0)
        assert station.dead
        assert station.of(GuardCut) == []

        station.simulation.set_fault("insulation", False, 1)
        await until(lambda: station.outlet.position is Position.CLOSED, 2.0)


@instantly
async def test_the_lease_of_the_power_modules_is_renewed_in_time(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.module.setpoints.clear()
        await asyncio.sleep(10)
        times = [at_s for at_s, _ in station.module.setpoints]
        assert max(b - a for a, b in pairwise(times)) < LEASE_S / 3
        assert {setpoint.valid_for_s for _, setpoint in station.module.setpoints} == {
            LEASE_S
        }


@instantly
async def test_a_lower_limit_does_not_wait_for_the_disk_and_a_higher_one_does(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        await until(lambda: station.outlet.rectifiers.power_w > 0.9 * LIMIT_W)
        charging = replace(OUTPUTS[Phase.ENERGIZED], limit_w=LIMIT_W)

        def told_w() -> float:
            told = station.module.setpoints[-1][1]
            return told.current_a * station.outlet.rectifiers.voltage_v

        # The engine has the disk between ``cut`` and ``aim``.
        station.hands.cut({1: replace(charging, limit_w=2 * LIMIT_W)})
        await asyncio.sleep(1.0)
        assert told_w() < 1.1 * LIMIT_W
        station.hands.cut({1: replace(charging, limit_w=LIMIT_W / 2)})
        await asyncio.sleep(0.05)
        assert told_w() < 0.51 * LIMIT_W
        assert station.outlet.position is Position.CLOSED


@instantly
async def test_nothing_is_live_when_the_hands_are_gone(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
    assert station.dead


@instantly
async def test_nothing_is_live_when_the_hands_go_in_the_middle_of_a_cut(
    tmp_path: Path,
) -> None:
    for after_s in (0.0, 0.01, 0.035, 0.05, 0.07):
        async with rig(tmp_path) as station:
            await station.walk(Phase.ENERGIZED)
            station.hands.cut_now(1)
            await asyncio.sleep(after_s)
        assert station.dead


KINDS = [
    ("lock", "engage", Phase.LOCKING),
    ("vehicle", "authorize", Phase.HANDSHAKE),
    ("contactor", "close", Phase.CABLE_CHECK),
    ("power_module", "supply", Phase.CABLE_CHECK),
    ("vehicle", "report", Phase.ENERGIZED),
    ("power_module", "supply", Phase.ENERGIZED),
]


@pytest.mark.parametrize(("kind", "command", "phase"), KINDS)
@instantly
async def test_a_command_that_fails_is_told_and_given_again(
    tmp_path: Path, kind: str, command: str, phase: Phase
) -> None:
    device = Faulty(kind)
    device.command, device.times, device.error = command, 2, NoAnswer("gone")
    async with rig(tmp_path, device.fitted) as station:
        await station.walk(phase)
        await asyncio.sleep(2)
        assert station.of(CommandFailed) == [CommandFailed(1, kind, "gone")] * 2
        assert station.of(GuardCut) == []


@instantly
async def test_a_plug_that_stays_locked_is_tried_again_and_in_the_end_free(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.LOCKING)
        station.simulation.set_fault("lock-stuck", True, 1)
        station.aim(Phase.FINISHED)
        await asyncio.sleep(8)
        failed = station.of(CommandFailed)
        assert len(failed) == 2
        assert "still locked after 3.0 s" in failed[0].error

        station.simulation.set_fault("lock-stuck", False, 1)
        await until(lambda: not station.outlet.bolt.engaged(station.outlet.now_s), 6.0)


@instantly
async def test_a_level_that_changes_while_the_lock_moves_is_obeyed_too(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        station.simulation.plug(1)
        station.aim(Phase.LOCKING)
        await asyncio.sleep(0.1)  # the bolt takes 0.3 s
        station.aim(Phase.FINISHED)
        await asyncio.sleep(2)
        assert not station.outlet.bolt.engaged(station.outlet.now_s)


@instantly
async def test_a_welded_contactor_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.simulation.set_fault("contactor-weld", True, 1)
        station.aim(Phase.OPENING)
        await asyncio.sleep(1)
        (failed,) = station.of(CommandFailed)
        assert failed.kind == "contactor"
        assert "closed, not open" in failed.error
        assert not station.hand.live


@instantly
async def test_a_defect_in_a_driver_ends_the_hands_and_leaves_nothing_live(
    tmp_path: Path,
) -> None:
    vehicle = Faulty("vehicle")
    vehicle.error = KeyError("a defect")
    async with rig(tmp_path, vehicle.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        vehicle.command = "report"
        with pytest.raises(ExceptionGroup) as raised:
            await station.tasks["hands"]
        assert raised.value.exceptions == (vehicle.error,)
        assert station.dead


@instantly
async def test_idle_hands_rest(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        station.aim(Phase.IDLE)
        await asyncio.sleep(600)
        assert station.module.setpoints == []
        assert not station.hand.live


def test_the_cuts_are_tried_in_every_live_phase() -> None:
    live = {phase for phase, output in OUTPUTS.items() if output.live}
    assert {phase for phase, _ in MOMENTS} == live
