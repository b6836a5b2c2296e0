"""Temperatures out of the kernel's files: the hottest counts, nothing blocks."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.drivers import sysfs_temperature
from hal.drivers.sysfs_temperature import Config, TemperatureSensor
from hal.errors import BadAnswer, NoAnswer
from hal.resources import Place, Resources


@asynccontextmanager
async def sensor(**settings: Any) -> AsyncIterator[TemperatureSensor]:
    async with Resources(asyncio.get_running_loop().time) as resources:
        place = Place(1, resources)
        async with sysfs_temperature.connect(Config(**settings), place) as device:
            yield device


def hwmon(place: Path, **files: str) -> str:
    (place / "hwmon7").mkdir()
    for name, text in files.items():
        (place / "hwmon7" / name).write_text(text)
    return f"{place}/hwmon*/temp*_input"


async def test_the_hottest_of_all_sensors_counts(tmp_path: Path) -> None:
    files = hwmon(tmp_path, temp1_input="41000", temp2_input="63500")
    async with sensor(files=(files,), offset_k=-1.5) as device:
        assert (await device.read()).temperature_c == 62.0


async def test_one_sensor_that_fails_is_not_outvoted(tmp_path: Path) -> None:
    files = hwmon(tmp_path, temp1_input="41000", temp2_input="?")
    async with sensor(files=(files,)) as device:
        with pytest.raises(BadAnswer, match=r"temp2_input: '\?' is no temperature"):
            await device.read()


async def test_a_sensor_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    files = hwmon(tmp_path, temp1_input="41000")
    async with sensor(files=(files, f"{tmp_path}/28-*/w1_slave")) as device:
        with pytest.raises(NoAnswer, match="w1_slave: no such file; check the sensor"):
            await device.read()


async def test_a_sensor_that_the_kernel_cannot_read_does_not_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "temp1_input").mkdir()  # reading it is an error of the kernel's
    async with sensor(files=(f"{tmp_path}/temp1_input",)) as device:
        with pytest.raises(NoAnswer, match="temp1_input: .*; check the sensor's wires"):
            await device.read()


async def test_a_sensor_that_hangs_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "temp1_input"
    os.mkfifo(path)
    async with sensor(files=(str(path),)) as device:
        reading = asyncio.ensure_future(device.read())
        turns = 0
        while not reading.done():
            turns += 1
            await asyncio.sleep(0.01)
        assert turns > 5
        with pytest.raises(NoAnswer, match="temp1_input: no answer in 1.0 s"):
            reading.result()
        again = asyncio.ensure_future(device.read())
        # the read that hung ends, and is the answer to the second question
        await asyncio.to_thread(path.write_text, "30000\n")
        assert (await again).temperature_c == 30.0


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"files": ()}, r"files: \[\] names no files; write them like"),
        ({"files": ("temp1_input",)}, r"files: \['temp1_input'\] names no files"),
        ({"files": ("/a",), "offset_k": 99.0}, "offset_k: 99.0 is out of bounds"),
    ],
)
def test_a_table_that_measures_nothing_is_refused(
    settings: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        Config(**settings)
