"""A rack of three Infypower modules, for what all makes have in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hal.drivers import infypower
from hal.power.rack import Rack
from hal.simulation.infypower import InfypowerModules
from hal.wire import infypower as wire
from hal.wire.frame import Frame
from hal.wire.infypower import Command
from tests.hal.bench_power import ADDRESSES, Stand, connected, stand

PATIENCE_S = 0.2
"""A busy machine answers late; a module is lost after three times as long."""


@dataclass
class Rig:
    """The driver, its device, and what goes between them."""

    power: Any
    stand: Stand
    twin: InfypowerModules

    def sent(self, *commands: Command) -> list[Frame]:
        """Return the frames of some commands that the driver has sent."""
        return [f for f in self.stand.sent if command(f) in commands]

    def told_a(self) -> list[float]:
        """Return the current that each module is set to."""
        return [module.current_a for module in self.twin.rack.modules]

    def on(self) -> list[bool]:
        """Return which modules are on."""
        return [module.on for module in self.twin.rack.modules]


def command(frame: Frame) -> int:
    return wire.head(frame.identifier).command


def is_off(frame: Frame) -> bool:
    return command(frame) == Command.SWITCH and frame.data == wire.switch(False)


@asynccontextmanager
async def rig(
    twin: dict[str, Any] | None = None, haste: float = 1.0, **settings: Any
) -> AsyncIterator[Rig]:
    """Connect the driver to three modules; its clock may be in haste."""
    async with stand() as one, connected_to(one, twin or {}, haste, **settings) as rig:
        yield rig


@asynccontextmanager
async def connected_to(
    one: Stand, twin: dict[str, Any], haste: float = 1.0, **settings: Any
) -> AsyncIterator[Rig]:
    """Put three modules on a bus, and connect the driver to them."""
    modules = InfypowerModules(one.world, one.outlet, one.adapter, ADDRESSES, **twin)
    chosen = {"modules": ADDRESSES, "answer_within_s": PATIENCE_S, **settings}
    config = infypower.Config(channel=one.channel, interface="slcan", **chosen)
    try:
        async with connected(infypower, config, haste=haste) as power:
            assert isinstance(power, Rack)
            yield Rig(power, one, modules)
    finally:
        modules.close()
