"""chargerd, and a witness who sees when an emergency stop has made the plug dead.

One more task in the daemon looks into the simulated world once a millisecond while the
button is pressed. It prints ``dead SECOND`` (monotonic, the same for all processes)
when no current flows, the contactors are open, and the daemon itself has let go of
both: the simulated button cuts the coils as a real one does, and would hide a
daemon that does nothing.
"""

import asyncio
from math import inf
from typing import Final

from bench_witness import serve
from chargerd.app import Daemon
from hal.resources import Place, Resources
from hal.values import SAFE_TO_OPEN_A, Position
from hal.world.site import World, world_of

_CONNECTOR: Final = 1
_GLANCE_S: Final = 0.001


async def _witness(daemon: Daemon, shared: Resources) -> None:
    world = await world_of(Place(_CONNECTOR, shared))
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
    serve(_witness)
