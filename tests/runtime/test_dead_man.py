"""Whoever of hand and guard is left takes the energy away: the fault control-late."""

import asyncio
from pathlib import Path

import pytest

from chargerd.core.events import CommandFailed, DeviceLost, GuardCut
from chargerd.core.session import Phase
from chargerd.core.supervision import LATE
from chargerd.runtime.actuators import GUARD_WITHIN_S, ROUND_S
from chargerd.runtime.guard import HAND_WITHIN_S, TICK_S, Guard
from chargerd.runtime.senses import LOST_AFTER, PACES, READ_WITHIN_S
from hal.values import SafetyReading
from tests.hal.virtual_time import instantly
from tests.runtime.rig import Faulty, rig, until

OPENS_WITHIN_S = 0.1


@instantly
async def test_a_hand_that_hangs_in_a_driver_is_cut_by_the_guard(
    tmp_path: Path,
) -> None:
    module = Faulty("power_module")
    async with rig(tmp_path, module.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        module.command, module.times = "supply", 1
        took_s = await until(lambda: bool(station.of(GuardCut)), 1.0)
        assert HAND_WITHIN_S - ROUND_S < took_s <= HAND_WITHIN_S + ROUND_S + 2 * TICK_S
        (cut,) = station.of(GuardCut)
        assert cut.faults == (LATE,)
        assert cut.value == "hand 0.4 s of 0.4 s"
        await until(lambda: station.dead, OPENS_WITHIN_S)
        assert station.hands.late_s() == 0.0


@instantly
async def test_hands_without_a_guard_leave_nothing_live(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.tasks["guard"].cancel()
        took_s = await until(lambda: bool(station.of(GuardCut)), 1.0)
        assert took_s <= GUARD_WITHIN_S + ROUND_S + 2 * TICK_S
        (cut,) = station.of(GuardCut)
        assert cut.faults == (LATE,)
        assert cut.value.startswith("guard 0.")
        await until(lambda: station.dead, OPENS_WITHIN_S)
        await asyncio.sleep(5.0)
        assert station.dead


@instantly
async def test_nothing_becomes_live_without_a_guard(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.HANDSHAKE)
        station.tasks["guard"].cancel()
        station.aim(Phase.CABLE_CHECK)
        await until(lambda: bool(station.of(GuardCut)), 2.0)
        await until(lambda: station.dead, OPENS_WITHIN_S)


@instantly
async def test_the_guard_wakes_when_something_becomes_live(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.HANDSHAKE)
        station.aim(Phase.CABLE_CHECK)
        await until(lambda: station.hand.live, 2.0)
        for _ in range(100):
            await asyncio.sleep(0.01)
            assert station.world.monotonic() - station.guard.ticked_s <= TICK_S + 0.01
        assert station.of(GuardCut) == []


@instantly
async def test_a_slow_lock_of_a_dead_connector_is_not_late(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        station.simulation.plug(1)
        station.simulation.set_fault("lock-stuck", True, 1)
        station.aim(Phase.LOCKING)
        await asyncio.sleep(2.5)
        assert station.hands.beat_s(1) < station.world.monotonic() - 1.0
        assert station.hands.late_s() == 0.0
        assert station.of(GuardCut) == []


@pytest.mark.parametrize("kind", ["meter", "temperature", "lock"])
@instantly
async def test_a_driver_that_never_returns_makes_its_device_lost(
    tmp_path: Path, kind: str
) -> None:
    device = Faulty(kind)
    device.command = "read"
    async with rig(tmp_path, device.fitted) as station:
        await until(lambda: bool(station.of(DeviceLost)))
        (lost,) = station.of(DeviceLost)
        assert (lost.connector, lost.kind) == (1, kind)
        assert "has not returned within 2.0 s" in lost.loss.words
        began_s = 1000.0
        most_s = LOST_AFTER * (READ_WITHIN_S + PACES[kind].idle_s)
        assert station.world.monotonic() - began_s <= most_s
        device.times = 0


@instantly
async def test_a_contactor_that_does_not_open_is_no_hand_that_hangs(
    tmp_path: Path,
) -> None:
    module = Faulty("power_module")
    async with rig(tmp_path, module.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        station.simulation.set_fault("contactor-weld", True, 1)
        station.aim(Phase.RAMP_DOWN)
        await until(lambda: station.outlet.rectifiers.current_a < 1.0, 2.0)
        await asyncio.sleep(0.2)
        module.command = "supply"  # and the modules take all the time there is
        station.aim(Phase.OPENING)
        took_s = await until(lambda: not station.hand.live, 1.0)
        assert took_s > HAND_WITHIN_S
        assert all(LATE not in cut.faults for cut in station.of(GuardCut))
        assert [failed.kind for failed in station.of(CommandFailed)] == ["contactor"]


class Hanging:
    """Hands that are live and have not gone on since the beginning."""

    def __init__(self) -> None:
        self.cut: list[int] = []

    def live(self, connector: int) -> bool:
        return True

    def beat_s(self, connector: int) -> float:
        return 1000.0

    def cut_now(self, connector: int) -> None:
        self.cut.append(connector)


@instantly
async def test_a_loop_that_stood_still_is_no_hand_that_hangs() -> None:
    now_s = 1000.0
    told: list[GuardCut] = []
    hands = Hanging()
    guard = Guard({1: frozenset({"safety"})}, lambda: now_s, told.append)
    guard.hold(hands)

    now_s = 1005.0  # nothing had its turn meanwhile; the senses have it first
    guard.learn(1, SafetyReading(at_s=now_s))
    assert hands.cut == []
    running = asyncio.create_task(guard.run())
    await asyncio.sleep(0.0)
    assert hands.cut == []

    now_s = 1005.0 + HAND_WITHIN_S
    guard.ticked_s = now_s
    guard.learn(1, SafetyReading(at_s=now_s))
    assert hands.cut == []
    now_s += 0.01
    guard.learn(1, SafetyReading(at_s=now_s))
    assert hands.cut == [1]
    assert told[0].faults == (LATE,)
    running.cancel()
    await asyncio.wait({running})
