"""Benches of meters and insulation monitors: the twin of each on a line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from hal.drivers import acrel_djsf1352, bender_isocha
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.bender_isocha import BenderIsocha
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


DEVICES: Final = {
    ("meter", "acrel_djsf1352"): acrel,
    ("isolation", "bender_isocha"): isocha,
}
