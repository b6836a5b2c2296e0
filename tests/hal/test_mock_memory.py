"""What the mock station keeps when its daemon is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hal.errors import HardwareError
from hal.mock.simulation import Config
from hal.values import VehiclePhase
from tests.hal.bench_station import station
from tests.hal.virtual_time import instantly, run

PLACE = bytes(512)
"""Up to the line of connector 1."""

KILLED = """
import os, signal, sys
from hal.mock.simulation import Config
from tests.hal.bench_station import station
from tests.hal.virtual_time import run

async def main():
    async with station(Config(state=sys.argv[1])) as one:
        await one.charge(evccid="007DFA069F4E")
        for _ in range(200):
            await one.tick()
        reading = await one.meter.read()
        soc_percent = one.world.outlets[1].controller.car.battery.soc * 100
        print(reading.energy_wh, soc_percent, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

run(main())
"""


def test_registers_and_cars_outlive_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "world"
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(state)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    energy_wh, soc_percent = killed.stdout.split()

    async def after() -> None:
        async with station(Config(state=str(state))) as one:
            assert (await one.meter.read()).energy_wh == int(energy_wh)
            car = one.world.outlets[1].controller.car
            assert car is not None
            assert car.battery.soc * 100 == pytest.approx(float(soc_percent), abs=0.01)
            assert (await one.vehicle.read()).phase is VehiclePhase.NEGOTIATING
            assert (await one.power.read()).voltage_v == 0.0

            await one.vehicle.authorize(True)
            await one.serve(VehiclePhase.CHARGING)
            assert one.trace.vehicle[-1].evccid == "007DFA069F4E"

    run(after())


@instantly
async def test_an_unplugged_car_is_forgotten(tmp_path: Path) -> None:
    config = Config(state=str(tmp_path / "world"))
    async with station(config) as one:
        one.simulation.plug(1)
        one.simulation.unplug(1)
    async with station(config) as one:
        assert (await one.vehicle.read()).phase is VehiclePhase.UNPLUGGED


@instantly
async def test_a_set_register_is_kept_whatever_the_seed(tmp_path: Path) -> None:
    state = str(tmp_path / "world")
    async with station(Config(seed=1, state=state)) as one:
        one.simulation.set_register(1, 4711)
    async with station(Config(seed=2, state=state)) as one:
        assert (await one.meter.read()).energy_wh == 4711


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"nonsense",
        os.urandom(2048),
        PLACE + b"[1]".ljust(512),
        PLACE + b'{"register_wh": "much", "car": null}'.ljust(512),
        PLACE + b'{"register_wh": NaN, "car": null}'.ljust(512),
        PLACE + b'{"register_wh": 1, "car": {"evccid": "02"}}'.ljust(512),
    ],
    ids=["empty", "short", "random", "list", "text", "not a number", "half a car"],
)
@instantly
async def test_a_broken_file_is_ignored_and_replaced(
    tmp_path: Path, broken: bytes
) -> None:
    async with station() as untouched:
        expected = await untouched.meter.read()
    path = tmp_path / "world"
    path.write_bytes(broken)
    for _ in range(2):
        async with station(Config(state=str(path))) as one:
            assert (await one.meter.read()).energy_wh == expected.energy_wh
            assert (await one.vehicle.read()).phase is VehiclePhase.UNPLUGGED
    assert path.read_bytes()[512:1024].rstrip().endswith(b'"car": null}')


@instantly
async def test_a_line_never_outgrows_its_place(tmp_path: Path) -> None:
    path = tmp_path / "world"
    async with station(Config(state=str(path))) as one:
        one.simulation.set_register(1, 10**12)
        one.simulation.plug(1, capacity_wh=999_999.123456789, soc_percent=100 / 3)
    assert len(path.read_bytes()) == 2 * 512


@instantly
async def test_a_file_that_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "world"
    with pytest.raises(HardwareError, match="name a file in a directory that can be"):
        async with station(Config(state=str(path))):
            pass
