"""Readers of cards, each with the ``Config`` that reaches it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hal.conformance.subject import Reached, Trouble
from hal.drivers import pcsc_reader
from tests.hal.pcscd import READER, Pcscd


@asynccontextmanager
async def pcsc() -> AsyncIterator[Reached]:
    with Pcscd() as pcscd:

        def pull(out: bool) -> None:
            (pcscd.kill if out else pcscd.start)()

        config = pcsc_reader.Config(reader=READER)
        yield Reached(config, {Trouble.PULLED: pull})
