"""The guard on the simulated station: whatever it learns, it cuts by itself."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from chargerd.core.events import GuardCut
from chargerd.core.permissive import MAX_AGE_S, RULES
from chargerd.core.session import Phase
from chargerd.runtime.guard import TICK_S, Guard
from chargerd.runtime.senses import PACES
from hal.values import PowerReading, SafetyReading, VehiclePhase, VehicleReading
from tests.hal.virtual_time import instantly
from tests.runtime.rig import Faulty, rig, until

OPENS_WITHIN_S = 0.1
FAULTS = {
    "emergency-stop": None,
    "door-open": None,
    "surge-protector": None,
    "power-fail": None,
    "insulation": 1,
    "plug-over-temperature": 1,
    "module-over-temperature": 1,
    "under-voltage": 1,
}
"""What can be broken in the world, each by itself, and where."""
SILENT = ("vehicle", "power_module", "isolation", "contactor", "safety", "temperature")


@pytest.mark.parametrize("name", FAULTS)
@instantly
async def test_every_broken_fact_cuts_within_the_pace_of_its_sensor(
    tmp_path: Path, name: str
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.simulation.set_fault(name, True, FAULTS[name])
        kind = next(rule.kind for rule in RULES if rule.fault == name)
        device = getattr(station.devices.station, kind, None)
        pace_s = 0.0 if hasattr(device, "changes") else PACES[kind].busy_s

        await until(lambda: bool(station.of(GuardCut)), pace_s + 0.02)
        await until(lambda: station.dead, OPENS_WITHIN_S)

        assert name in station.of(GuardCut)[0].faults


@instantly
async def test_a_plug_that_is_pulled_cuts_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.simulation.unplug(1)
        await until(lambda: station.dead, OPENS_WITHIN_S)
        assert station.of(GuardCut) == [GuardCut(1, ("plug-removed",))]


@instantly
async def test_a_vehicle_that_breaks_off_and_a_voltage_too_high_cut_at_once(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        now_s = station.world.monotonic()
        vehicle, module = station.facts.vehicle, station.facts.power_module
        assert isinstance(vehicle, VehicleReading)
        assert isinstance(module, PowerReading)
        station.guard.learn(1, replace(module, at_s=now_s, voltage_v=990.0))
        assert station.of(GuardCut) == [GuardCut(1, ("over-voltage",))]
        await until(lambda: station.dead, OPENS_WITHIN_S)

    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        now_s = station.world.monotonic()
        emergency = VehicleReading(at_s=now_s, phase=VehiclePhase.EMERGENCY)
        station.guard.learn(1, emergency)
        assert station.of(GuardCut) == [GuardCut(1, ("vehicle-emergency",))]
        await until(lambda: station.dead, OPENS_WITHIN_S)


@pytest.mark.parametrize("kind", SILENT)
@instantly
async def test_a_fact_that_grows_old_cuts_within_a_tick(
    tmp_path: Path, kind: str
) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        station.tasks["senses"].cancel()
        await asyncio.wait({station.tasks["senses"]})
        last_s = getattr(station.facts, kind).at_s
        limit_s = MAX_AGE_S[kind]
        others = {k for k in station.guard.facts[1].fitted if k in MAX_AGE_S} - {kind}
        while not station.of(GuardCut):
            now_s = station.world.monotonic()
            assert now_s - last_s <= limit_s + TICK_S
            for other in others:
                known = getattr(station.facts, other)
                station.guard.learn(1, replace(known, at_s=now_s))
            await asyncio.sleep(0.005)
        assert station.world.monotonic() - last_s > limit_s
        assert station.of(GuardCut) == [
            GuardCut(1, (f"{kind.removeprefix('power_')}-silent",))
        ]
        await until(lambda: station.dead, OPENS_WITHIN_S)


@instantly
async def test_a_device_that_hangs_is_a_device_that_is_silent(tmp_path: Path) -> None:
    contactor = Faulty("contactor")
    contactor.command, contactor.times = "read", 0
    async with rig(tmp_path, contactor.fitted) as station:
        await station.walk(Phase.ENERGIZED)
        contactor.times = 1_000
        within_s = MAX_AGE_S["contactor"] + TICK_S
        await until(lambda: bool(station.of(GuardCut)), within_s)
        await until(lambda: station.dead, OPENS_WITHIN_S)
        contactor.times = 0


@instantly
async def test_a_cut_is_told_once_however_many_facts_follow(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        for fault in FAULTS:
            station.simulation.set_fault(fault, True, FAULTS[fault])
            await asyncio.sleep(0.01)
        await asyncio.sleep(5)
        assert len(station.of(GuardCut)) == 1


@instantly
async def test_a_second_session_is_guarded_like_the_first(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        for count in (1, 2):
            await station.walk(Phase.ENERGIZED)
            station.simulation.set_fault("door-open", True)
            await until(lambda: station.dead, OPENS_WITHIN_S)
            assert len(station.of(GuardCut)) == count
            station.aim(Phase.FINISHED)
            station.simulation.set_fault("door-open", False)
            station.simulation.unplug(1)
            await asyncio.sleep(3)


@instantly
async def test_faults_at_a_dead_connector_cut_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        station.aim(Phase.IDLE)
        station.simulation.set_fault("emergency-stop", True)
        await asyncio.sleep(5)
        assert station.of(GuardCut) == []
        assert station.module.setpoints == []
        assert "emergency-stop" in station.guard.refusals(1)


def test_a_fact_of_the_station_is_a_fact_of_every_connector() -> None:
    told: list[GuardCut] = []
    fitted = {number: frozenset({"safety"}) for number in (1, 2, 3)}
    guard = Guard(fitted, lambda: 1000.0, told.append)
    cut: list[int] = []

    class Cutter:
        def live(self, connector: int) -> bool:
            return connector != 2

        def beat_s(self, connector: int) -> float:
            return 1000.0 - connector / 100

        def cut_now(self, connector: int) -> None:
            cut.append(connector)

    guard.hold(Cutter())
    guard.learn(0, SafetyReading(at_s=1000.0))
    assert cut == []

    guard.learn(0, SafetyReading(at_s=1000.0, emergency_stop=True))

    assert cut == [1, 3]
    assert told == [GuardCut(n, ("emergency-stop",)) for n in (1, 3)]
    assert guard.refusals(2) == ("emergency-stop",)


@instantly
async def test_the_tick_proves_that_the_guard_lives(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        for _ in range(20):
            await asyncio.sleep(0.5)
            assert station.world.monotonic() - station.guard.ticked_s <= 0.25
