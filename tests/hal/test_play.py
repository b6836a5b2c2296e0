"""Playing with a simulated cabinet over its socket."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hal.drivers import cabinet
from hal.errors import HardwareError
from hal.interfaces import Simulation
from hal.mock import simulation as mock
from hal.resources import Place, Resources
from hal.simulation.control import listening, verbs_of
from hal.values import VehiclePhase
from hal.wire import play
from hal.world.site import World, world_of

T = TypeVar("T")


async def apart(act: Callable[[], T]) -> T:
    """Act as another program would: the cabinet's loop goes on meanwhile."""
    return await asyncio.to_thread(act)


@asynccontextmanager
async def played(tmp_path: Path) -> AsyncIterator[tuple[Simulation, World]]:
    path = tmp_path / "cabinet.sock"
    async with Resources(time.monotonic) as resources:
        place = Place(0, resources)
        world = await world_of(place)
        world.outlet(1)
        async with (
            mock.connect(mock.Config(), place) as hands,
            listening(path, verbs_of(hands)),
            cabinet.connect(cabinet.Config(str(path)), place) as far,
        ):
            yield far, world


async def test_every_verb_reaches_the_world(tmp_path: Path) -> None:
    async with played(tmp_path) as (far, world):
        outlet = world.outlet(1)
        await apart(lambda: far.plug(1, soc_percent=42.0, evccid="02AABBCCDDEE"))
        assert outlet.controller.phase is VehiclePhase.NEGOTIATING
        car = outlet.controller.car
        assert car is not None
        assert (round(car.battery.soc * 100), car.evccid) == (42, "02AABBCCDDEE")
        await apart(lambda: far.pause(1))
        assert not car.asks
        await apart(lambda: far.resume(1))
        assert car.asks
        await apart(lambda: far.set_fault("insulation", True, 1))
        assert world.faults.has("insulation", 1)
        assert "insulation" in await apart(far.faults)
        await apart(lambda: far.set_rate(5.0))
        assert outlet.rate == 5.0
        await apart(lambda: far.set_register(1, 12_345))
        assert int(outlet.register.energy_wh) == 12_345
        await apart(lambda: far.set_power(1, 700.0))
        assert outlet.register.forced_w == 700.0
        await apart(lambda: far.unplug(1))
        assert outlet.controller.phase is VehiclePhase.UNPLUGGED
        with pytest.raises(ValueError, match="readers are at: none"):
            await apart(lambda: far.present("04A1B2C3"))


async def test_what_the_world_refuses_is_a_value_error(tmp_path: Path) -> None:
    async with played(tmp_path) as (far, _):
        with pytest.raises(ValueError, match="no connector 7; known: 1"):
            await apart(lambda: far.plug(7))


async def test_a_cabinet_that_ends_is_told_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "cabinet.sock"

    async def leaves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_unix_server(leaves, path)
    async with Resources(time.monotonic) as resources, server:
        config = cabinet.Config(str(path))
        async with cabinet.connect(config, Place(0, resources)) as far:
            with pytest.raises(ValueError, match="start it again"):
                await apart(lambda: far.plug(1))


async def test_no_cabinet_at_all_is_told_with_its_remedy(tmp_path: Path) -> None:
    config = cabinet.Config(str(tmp_path / "none"))
    async with Resources(time.monotonic) as resources:
        with pytest.raises(HardwareError, match="no cabinet listens there"):
            async with cabinet.connect(config, Place(0, resources)):
                pass


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense\n", "is no JSON object"),
        (b"[1]\n", "is no JSON object"),
        (b"{}\n", "has no verb"),
        (b'{"verb": "dance"}\n', "'dance' is unknown; known: plug"),
        (b'{"verb": "plug", "arguments": {"colour": 1}}\n', "colour"),
    ],
)
async def test_nonsense_is_refused_in_words(
    tmp_path: Path, line: bytes, words: str
) -> None:
    async with played(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "cabinet.sock")
        writer.write(line)
        with pytest.raises(play.Refused, match=words):
            play.result(await reader.readline())
        writer.close()
        await writer.wait_closed()


async def test_a_line_without_end_ends_the_connection(tmp_path: Path) -> None:
    async with played(tmp_path) as (far, _):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "cabinet.sock")
        writer.write(b"x" * (2 * play.LONGEST))
        assert await reader.read() == b""
        writer.close()
        assert await apart(far.faults)


def test_a_request_survives_the_wire() -> None:
    arguments: dict[str, Any] = {"uid": "04A1", "connector": None}
    assert play.asked(play.request("present", arguments)) == ("present", arguments)
