"""A station that hangs or dies in mid-charge: the controller opens the contactors."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from hal.values import Position, VehiclePhase
from tests.hal.bench_vehicle import OnBus, on_bus

ROOT = Path(__file__).parents[3]


async def opened(rig: OnBus) -> None:
    while rig.outlet.contacts.position(rig.world.catch_up(rig.outlet)) != Position.OPEN:
        await asyncio.sleep(0.01)


def phase(rig: OnBus) -> VehiclePhase:
    return rig.outlet.controller.phase


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_the_contactors_open_without_the_station(how: signal.Signals) -> None:
    async with on_bus() as rig:
        rig.plug()
        station = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.hal.drivers.advantics_station"),
            str(rig.adapter.terminal.path),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert station.stdout is not None
            async with asyncio.timeout(20):
                assert await station.stdout.readline() == b"charging\n"
            rig.outlet.contacts.energize(True, rig.world.catch_up(rig.outlet))
            assert phase(rig) is VehiclePhase.CHARGING

            station.send_signal(how)
            lost_s = time.monotonic()
            await asyncio.wait_for(opened(rig), 2.0)

            assert phase(rig) is VehiclePhase.EMERGENCY
            assert 0.3 < time.monotonic() - lost_s < 1.0
        finally:
            if station.returncode is None:
                station.kill()
            await station.wait()
