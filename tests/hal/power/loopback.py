"""A bus without a wire, for twins alone, in virtual time."""

import asyncio
from collections.abc import Callable

from hal.mock.simulation import Simulation
from hal.wire.frame import Frame
from hal.world.outlet import Outlet
from hal.world.site import World


def world_of_one() -> tuple[World, Outlet]:
    """Return a world with one connector."""
    world = World(asyncio.get_running_loop().time)
    return world, world.outlet(1)


class Loopback:
    """Asks a twin and hears its answers."""

    def __init__(self, world: World, outlet: Outlet) -> None:
        self.heard: list[Frame] = []
        self._world = world
        self._outlet = outlet
        self._devices: list[Callable[[Frame], None]] = []

    def attach(self, take: Callable[[Frame], None]) -> None:
        self._devices.append(take)

    def detach(self, take: Callable[[Frame], None]) -> None:
        self._devices.remove(take)

    def send(self, frame: Frame) -> None:
        self.heard.append(frame)

    def asks(self, frame: Frame) -> list[Frame]:
        """Return what is answered at once."""
        self.heard.clear()
        for take in self._devices:
            take(frame)
        return list(self.heard)

    def breaks(self, fault: str, on: bool = True) -> None:
        """Break something, or mend it."""
        Simulation(self._world).set_fault(fault, on, self._outlet.number)
