"""A cabinet has the twin of whatever card reader its station file names."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from hal import discovery
from hal.drivers import cabinet as hands
from hal.interfaces import TokenReader
from hal.mock.simulation import Config
from hal.resources import Place, Resources
from hal.simulation.cabinet import SOCKET, cabinet
from hal.values import Token

UIDS = {"pn532": "04A1B2C3D4E5F6", "em4100": "0A00432B17"}


async def first(reader: TokenReader) -> Token:
    async with asyncio.timeout(5):
        return await anext(reader.tokens())


@pytest.mark.parametrize("name", UIDS)
async def test_a_card_of_the_world_reaches_the_driver(
    name: str, tmp_path: Path
) -> None:
    station = tmp_path / "station.toml"
    station.write_text(f'[reader]\ndriver = "{name}"\nport = "/dev/ttyS9"\n')
    clock = asyncio.get_running_loop().time
    async with (
        cabinet(station, tmp_path / "cabinet", Config()) as fitting,
        Resources(clock) as resources,
    ):
        port = tomllib.loads(fitting.read_text())["reader"]["port"]
        driver = discovery.load("reader", name)
        place = Place(0, resources)
        async with (
            driver.connect(driver.Config(port=port), place) as reader,
            hands.connect(
                hands.Config(str(tmp_path / "cabinet" / SOCKET)), place
            ) as hand,
        ):
            waiting = asyncio.ensure_future(first(reader))
            await asyncio.to_thread(hand.present, UIDS[name])
            assert await waiting == Token(UIDS[name])
