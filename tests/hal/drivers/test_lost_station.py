"""A station that hangs or dies in mid-charge: its devices open the contactors."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hal.values import Position, VehiclePhase
from tests.hal.bench_vehicle import Rig, on_bus, on_port

ROOT = Path(__file__).parents[3]
WAYS = [signal.SIGSTOP, signal.SIGKILL]


@asynccontextmanager
async def station(
    name: str, device: str, ready: bytes
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a station until it says that it is where the test wants it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"tests.hal.drivers.{name}", device),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == ready
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def opening_takes_s(rig: Rig) -> float:
    began_s = time.monotonic()
    async with asyncio.timeout(3.0):
        while position(rig) is not Position.OPEN:
            await asyncio.sleep(0.01)
    return time.monotonic() - began_s


def position(rig: Rig) -> Position:
    return rig.outlet.contacts.position(rig.world.catch_up(rig.outlet))


def phase(rig: Rig) -> VehiclePhase:
    return rig.outlet.controller.phase


@pytest.mark.parametrize("how", WAYS)
async def test_the_advantics_controller_opens_its_interlock(
    how: signal.Signals,
) -> None:
    async with on_bus() as rig:
        rig.plug()
        bus = str(rig.adapter.terminal.path)
        async with station("advantics_station", bus, b"charging\n") as process:
            rig.outlet.contacts.energize(True, rig.world.catch_up(rig.outlet))
            assert phase(rig) is VehiclePhase.CHARGING
            process.send_signal(how)
            assert 0.3 < await opening_takes_s(rig) < 1.5
            assert phase(rig) is VehiclePhase.EMERGENCY


@pytest.mark.parametrize("how", WAYS)
async def test_the_chargebyte_board_drops_its_coils(how: signal.Signals) -> None:
    async with (
        on_port("C") as rig,
        station("chargebyte_station", rig.port, b"closed\n") as process,
    ):
        assert position(rig) is Position.CLOSED
        process.send_signal(how)
        assert 0.3 < await opening_takes_s(rig) < 1.5
        assert rig.board.safe
