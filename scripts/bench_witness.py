"""The real daemon, put together as ``chargerd`` does, with one more task in it.

Some figures no program outside can see in time: the control socket tells of changes
ten times a second.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from chargerd import config
from chargerd.app import Daemon, daemon_of
from chargerd.assembly import opened, plan
from chargerd.runtime import journal
from chargerd.runtime.journal import Journal
from chargerd.runtime.system_clock import SystemClock
from chargerd.store.database import Store
from hal.resources import Resources

Witness = Callable[[Daemon, Resources], Awaitable[None]]


def serve(witness: Witness) -> None:
    """Run the daemon of the command line, and let a witness look at it."""
    file = Path(sys.argv[sys.argv.index("--config") + 1])
    asyncio.run(_serve(file, witness))


async def _serve(file: Path, witness: Witness) -> None:
    settings = config.load(file)
    clock = SystemClock()
    log = Journal(journal.sink(), journal.LEVELS[settings.log.level], clock)
    shared = Resources(clock.monotonic)
    disk = Store(settings.state_directory / "chargerd.db")
    try:
        async with opened(plan(settings), shared) as devices:
            daemon = await daemon_of(settings, clock, log, disk, devices)
            looking = asyncio.ensure_future(witness(daemon, shared))
            await daemon.run()
            looking.cancel()
    finally:
        disk.close()
