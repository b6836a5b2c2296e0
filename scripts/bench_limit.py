"""chargerd, and a witness who sees what the power modules are told.

One more task in the daemon looks into the simulated world once a millisecond. It
prints ``told SECOND WATTS`` (monotonic, the same for all processes) when the set-point
of the modules has come to another power.
"""

import asyncio
from typing import Final

from bench_witness import serve
from chargerd.app import Daemon
from hal.resources import Place, Resources
from hal.world.site import world_of

_CONNECTOR: Final = 1
_GLANCE_S: Final = 0.001
_CHANGE_W: Final = 1_000.0
"""Less is the voltage of the battery, which rises, and no new limit."""


async def _witness(_daemon: Daemon, shared: Resources) -> None:
    world = await world_of(Place(_CONNECTOR, shared))
    rectifiers = world.outlet(_CONNECTOR).rectifiers
    told_w = 0.0
    while True:
        power_w = rectifiers.setpoint.current_a * rectifiers.voltage_v
        if abs(power_w - told_w) > _CHANGE_W:
            told_w = power_w
            print(f"told {world.monotonic()} {power_w:.0f}", flush=True)
        await asyncio.sleep(_GLANCE_S)


if __name__ == "__main__":
    serve(_witness)
