"""How warm plugs and the cabinet of the simulated station are."""

from typing import Final

from hal.world.site import World

_WARM_C: Final = 80.0
_TOO_HOT_C: Final = 95.0
_CABINET_SHARE: Final = 0.4
"""How much of its hottest group's warmth stays in the cabinet."""


def temperature_c(world: World, connector: int) -> float:
    """Return the temperature of a connector's plug, or of the cabinet as 0."""
    if world.faults.has("plug-over-temperature", connector):
        return _TOO_HOT_C
    if world.faults.has("plug-warm", connector):
        return _WARM_C
    if connector:
        outlet = world.outlet(connector)
        world.catch_up(outlet)
        return world.settings.ambient_c + outlet.plug_warmth_k
    for outlet in world.outlets.values():
        world.catch_up(outlet)
    warmths_k = (outlet.rectifiers.warmth_k for outlet in world.outlets.values())
    return world.settings.ambient_c + _CABINET_SHARE * max(warmths_k, default=0.0)
