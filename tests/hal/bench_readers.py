"""Readers of cards, each with the ``Config`` that reaches it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from hal.conformance.subject import Reached, Trouble
from hal.drivers import em4100, pcsc_reader, pn532
from hal.simulation.em4100 import Em4100
from hal.simulation.pn532 import Pn532
from hal.simulation.ports import PseudoTerminal
from tests.hal.lines import CONNECTOR, line
from tests.hal.pcscd import READER, Pcscd


@asynccontextmanager
async def pcsc() -> AsyncIterator[Reached]:
    with Pcscd() as pcscd:

        def pull(out: bool) -> None:
            (pcscd.kill if out else pcscd.start)()

        config = pcsc_reader.Config(reader=READER)
        yield Reached(config, {Trouble.PULLED: pull})


@asynccontextmanager
async def a_pn532() -> AsyncIterator[Reached]:
    async with line() as (laid, world):
        Pn532(world, CONNECTOR, laid)

        def trouble(fault: str, on: bool) -> None:
            world.faults.put(fault, on, CONNECTOR)

        yield Reached(
            pn532.Config(port=str(laid.terminal.path), timeout_s=0.5),
            {
                Trouble.SILENT: partial(trouble, "reader-silent"),
                Trouble.GARBLED: partial(trouble, "reader-garbled"),
                Trouble.PULLED: lambda out: _pull(laid.terminal, out),
            },
        )


@asynccontextmanager
async def an_em4100() -> AsyncIterator[Reached]:
    async with line() as (laid, world):
        Em4100(world, CONNECTOR, laid)
        yield Reached(
            em4100.Config(port=str(laid.terminal.path)),
            {Trouble.PULLED: lambda out: _pull(laid.terminal, out)},
        )


def _pull(terminal: PseudoTerminal, out: bool) -> None:
    (terminal.pull if out else terminal.put_back)()


DEVICES: Final = {
    ("reader", "pcsc"): pcsc,
    ("reader", "pn532"): a_pn532,
    ("reader", "em4100"): an_em4100,
}
