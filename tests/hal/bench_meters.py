"""Benches of meters and insulation monitors: the twin of each on a line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from hal.conformance.subject import Reached, Trouble, Troubles
from hal.drivers import acrel_djsf1352, bender_isocha, dlt645, lem_dcbm, modbus_map
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.bender_isocha import BenderIsocha
from hal.simulation.dlt645_meter import Dlt645Meter
from hal.simulation.lem_dcbm import LemDcbm
from hal.simulation.mapped_meter import MappedMeter
from hal.simulation.serial_line import SerialLine
from hal.world.site import World
from tests.hal.lines import BAUDRATE, CONNECTOR, line

_PATIENCE_S = 0.5


def troubles(laid: SerialLine, world: World, device: str) -> Troubles:
    """Return what can be done to a device on a line, and to the line."""

    def pull(out: bool) -> None:
        (laid.terminal.pull if out else laid.terminal.put_back)()

    return {
        Trouble.SILENT: lambda on: world.faults.put(f"{device}-silent", on, CONNECTOR),
        Trouble.GARBLED: lambda on: world.faults.put(
            f"{device}-garbled", on, CONNECTOR
        ),
        Trouble.PULLED: pull,
    }


@asynccontextmanager
async def acrel() -> AsyncIterator[Reached]:
    async with line() as (laid, world):
        AcrelDjsf1352(world, CONNECTOR).attach(laid)
        config = acrel_djsf1352.Config(
            port=str(laid.terminal.path), baudrate=BAUDRATE, timeout_s=_PATIENCE_S
        )
        yield Reached(config, troubles(laid, world, "meter"))


@asynccontextmanager
async def isocha() -> AsyncIterator[Reached]:
    async with line() as (laid, world):
        BenderIsocha(world, CONNECTOR, self_test_s=0.3).attach(laid)
        config = bender_isocha.Config(
            port=str(laid.terminal.path), baudrate=BAUDRATE, timeout_s=_PATIENCE_S
        )
        yield Reached(config, troubles(laid, world, "isolation"))


@asynccontextmanager
async def mapped() -> AsyncIterator[Reached]:
    layout = {
        "energy_wh": "input 0x0048 f32 *1000",
        "voltage_v": "input 0x0000 f32",
        "current_a": "input 0x0006 f32",
        "serial": "holding 0xFC00 u32",
    }
    async with line() as (laid, world):
        MappedMeter(world, CONNECTOR, layout, serial="123456").attach(laid)
        line_only = {"baudrate": BAUDRATE, "timeout_s": _PATIENCE_S}
        parts: dict[str, Any] = {**line_only, **layout}
        config = modbus_map.Config(str(laid.terminal.path), **parts)
        yield Reached(config, troubles(laid, world, "meter"))


@asynccontextmanager
async def by_address() -> AsyncIterator[Reached]:
    async with line() as (laid, world):
        Dlt645Meter(world, CONNECTOR, "000000000161").attach(laid)
        config = dlt645.Config(
            port=str(laid.terminal.path),
            address="161",
            baudrate=BAUDRATE,
            timeout_s=_PATIENCE_S,
        )
        yield Reached(config, troubles(laid, world, "meter"))


@asynccontextmanager
async def signing() -> AsyncIterator[lem_dcbm.Config]:
    world = World(asyncio.get_running_loop().time)
    synchronized = datetime(2026, 11, 21, tzinfo=UTC)
    twin = LemDcbm(world, CONNECTOR, shortest_s=0.0, utc=synchronized)
    port = await twin.start()
    try:
        yield lem_dcbm.Config("127.0.0.1", port, timeout_s=_PATIENCE_S)
    finally:
        await twin.server.stop()


DEVICES: Final = {
    ("meter", "lem_dcbm"): signing,
    ("meter", "dlt645"): by_address,
    ("meter", "modbus_map"): mapped,
    ("meter", "acrel_djsf1352"): acrel,
    ("isolation", "bender_isocha"): isocha,
}
