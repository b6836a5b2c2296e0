"""What any simulated billing meter shows of its outlet, whatever it speaks."""

from dataclasses import replace
from typing import Final

from hal.world.register import Shown
from hal.world.site import World

_STEP_BACK_WH: Final = 1000


def shown(world: World, connector: int) -> Shown:
    """Return what the meter of a connector shows now, its faults included."""
    outlet = world.outlet(connector)
    world.catch_up(outlet)
    now = outlet.shown
    if world.faults.has("meter-backwards", connector):
        return replace(now, energy_wh=max(now.energy_wh - _STEP_BACK_WH, 0))
    return now
