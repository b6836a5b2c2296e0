"""chargerd, and a witness who sees when an emergency stop has made the plug dead.

No program outside can see that in time: the control socket tells of changes ten
times a second. So this is the real daemon, put together as ``chargerd`` does, with
one more task that looks into the simulated world once a millisecond while the
button is pressed. It prints ``dead SECOND`` (monotonic, the same for all processes)
when no current flows, the contactors are open, and the daemon itself has let go of
both: the simulated button cuts the coils as a real one does, and would hide a
daemon that does nothing.
"""

import asyncio
import sys
from math import inf
from pathlib import Path
from typing import Final

from chargerd import config
from chargerd.app import Daemon
from chargerd.assembly import opened, plan
from chargerd.runtime import journal
from chargerd.runtime.journal import Journal
from chargerd.runtime.system_clock import SystemClock
from chargerd.store.database import Store
from hal.mock.site import World, world_of
from hal.resources import Place, Resources
from hal.values import SAFE_TO_OPEN_A, Position

_CONNECTOR: Final = 1
_GLANCE_S: Final = 0.001


async def _serve(file: Path) -> None:
    settings = config.load(file)
    clock = SystemClock()
    log = Journal(journal.sink(), journal.LEVELS[settings.log.level], clock)
    shared = Resources(clock.monotonic)
    disk = Store(settings.state_directory / "chargerd.db")
    try:
        async with opened(plan(settings), shared) as devices:
            daemon = Daemon(settings, clock, log, disk, devices)
            world = await world_of(Place(_CONNECTOR, shared))
            witness = asyncio.create_task(_witness(world, daemon))
            await daemon.run()
            witness.cancel()
    finally:
        disk.close()


async def _witness(world: World, daemon: Daemon) -> None:
    while True:
        while not _pressed(world):
            await world.news(inf)
        while not _dead(world, daemon):
            await asyncio.sleep(_GLANCE_S)
        print(f"dead {world.monotonic()}", flush=True)
        while _pressed(world):
            await world.news(inf)


def _pressed(world: World) -> bool:
    return world.faults.has("emergency-stop")


def _dead(world: World, daemon: Daemon) -> bool:
    outlet = world.outlet(_CONNECTOR)
    world.catch_up(outlet)
    return (
        outlet.position is Position.OPEN
        and outlet.rectifiers.current_a < SAFE_TO_OPEN_A
        and not daemon.hands.live(_CONNECTOR)
    )


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[sys.argv.index("--config") + 1])))
