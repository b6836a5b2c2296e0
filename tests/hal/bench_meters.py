"""Benches of meters and insulation monitors: the twin of each on a line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from hal.drivers import acrel_djsf1352, bender_isocha, dlt645, lem_dcbm, modbus_map
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.bender_isocha import BenderIsocha
from hal.simulation.dlt645_meter import Dlt645Meter
from hal.simulation.lem_dcbm import LemDcbm
from hal.simulation.mapped_meter import MappedMeter
from hal.world.site import World
from tests.hal.lines import BAUDRATE, CONNECTOR, line

_PATIENCE_S = 0.5


@asynccontextmanager
async def acrel() -> AsyncIterator[acrel_djsf1352.Config]:
    async with line() as (laid, world):
        AcrelDjsf1352(world, CONNECTOR).attach(laid)
        yield acrel_djsf1352.Config(
            port=str(laid.terminal.path), baudrate=BAUDRATE, timeout_s=_PATIENCE_S
        )


@asynccontextmanager
async def isocha() -> AsyncIterator[bender_isocha.Config]:
    async with line() as (laid, world):
        BenderIsocha(world, CONNECTOR, self_test_s=0.3).attach(laid)
        yield bender_isocha.Config(
            port=str(laid.terminal.path), baudrate=BAUDRATE, timeout_s=_PATIENCE_S
        )


@asynccontextmanager
async def mapped() -> AsyncIterator[modbus_map.Config]:
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
        yield modbus_map.Config(str(laid.terminal.path), **parts)


@asynccontextmanager
async def by_address() -> AsyncIterator[dlt645.Config]:
    async with line() as (laid, world):
        Dlt645Meter(world, CONNECTOR, "000000000161").attach(laid)
        yield dlt645.Config(
            port=str(laid.terminal.path),
            address="161",
            baudrate=BAUDRATE,
            timeout_s=_PATIENCE_S,
        )


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
