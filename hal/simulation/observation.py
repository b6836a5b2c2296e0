"""What an onlooker sees of a simulated cabinet, whatever its devices say."""

from typing import Any

from hal.world.outlet import Outlet
from hal.world.site import World


def observed(world: World) -> dict[str, Any]:
    """Return what every connector truly does at this moment."""
    return {str(number): _seen(world, each) for number, each in world.outlets.items()}


def _seen(world: World, outlet: Outlet) -> dict[str, Any]:
    world.catch_up(outlet)
    return {
        "supplying": outlet.rectifiers.setpoint.current_a > 0,
        "voltage_v": outlet.rectifiers.voltage_v,
        "current_a": outlet.current_a,
        "contacts": outlet.position.value,
        "phase": outlet.controller.phase.value,
        "energy_wh": int(outlet.register.energy_wh),
    }
