"""Racks of simulated modules on a bus behind a real pseudo-terminal."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hal.conformance.subject import Reached, Trouble
from hal.drivers import ea, infypower, maxwell, uugreenpower
from hal.interfaces import PowerModule
from hal.mock.simulation import Simulation
from hal.resources import Place, Resources
from hal.simulation.can_adapter import CanAdapter
from hal.simulation.ea import EaSupply
from hal.simulation.infypower import InfypowerModules
from hal.simulation.maxwell import MaxwellModules
from hal.simulation.ports import PseudoTerminal
from hal.simulation.uugreenpower import UuGreenPowerModules
from hal.values import PowerReading
from hal.wire.frame import Frame
from hal.world.outlet import Outlet
from hal.world.site import World
from tests.hal.lines import CONNECTOR, line

RATE = 20.0
"""The physics run so many times as fast: nobody waits for a ramp."""


ADDRESSES = (1, 2, 3)
PATIENT_S = 0.3
"""A machine that is busy with other tests answers late."""


@dataclass
class Stand:
    """One connector's modules, and the bus that they are on."""

    world: World
    outlet: Outlet
    adapter: CanAdapter
    sent: list[Frame] = field(default_factory=list)
    """What the driver has sent, in order."""

    @property
    def hands(self) -> Simulation:
        return Simulation(self.world)

    @property
    def channel(self) -> str:
        return str(self.adapter.terminal.path)

    def loads(self) -> None:
        """Take whatever current the modules are set to."""
        self.breaks("contactor-weld-hidden")
        self.breaks("short-circuit")

    def breaks(self, fault: str, on: bool = True) -> None:
        self.hands.set_fault(fault, on, self.outlet.number)


@asynccontextmanager
async def stand(connector: int = 1) -> AsyncIterator[Stand]:
    """Set up a world and a bus without modules."""
    with TemporaryDirectory() as folder:
        world = World(time.monotonic)
        world.set_rate(RATE)
        outlet = world.outlet(connector)
        adapter = CanAdapter(Path(folder) / "can")
        one = Stand(world, outlet, adapter)
        adapter.attach(one.sent.append)
        try:
            yield one
        finally:
            adapter.close()


@asynccontextmanager
async def connected(
    driver: Any, config: Any, connector: int = 1, haste: float = 1.0
) -> AsyncIterator[PowerModule]:
    """Open a driver as the daemon would, on a clock that may be in haste."""
    async with (
        Resources(lambda: haste * time.monotonic()) as resources,
        driver.connect(config, Place(connector, resources)) as power,
    ):
        yield power


async def comes(
    read: Callable[[], Any], wanted: Callable[[Any], bool], within_s: float = 5.0
) -> Any:
    """Read until it is as wanted, and return it."""
    async with asyncio.timeout(within_s):
        while not wanted(value := await read()):
            await asyncio.sleep(0.01)
    return value


async def raised(power: PowerModule, voltage_v: float) -> PowerReading:
    """Return once the output has come up to a voltage."""
    reading: PowerReading = await comes(
        power.read, lambda now: abs(now.voltage_v - voltage_v) < 1.0
    )
    return reading


def pull(terminal: PseudoTerminal, out: bool) -> None:
    """Pull a cable, or put it back."""
    if out:
        terminal.pull()
    else:
        terminal.put_back()


@asynccontextmanager
async def supply_bench() -> AsyncIterator[Reached]:
    """Set up an EA supply; yield what reaches and troubles it."""
    async with line() as (laid, world):
        outlet = world.outlet(CONNECTOR)
        world.set_rate(RATE)
        EaSupply(world, outlet).attach(laid)

        def breaks(fault: str, on: bool) -> None:
            world.faults.put(fault, on, CONNECTOR)

        troubles = {
            Trouble.SILENT: lambda on: breaks("module-silent", on),
            Trouble.GARBLED: lambda on: breaks("module-garbled", on),
            Trouble.PULLED: lambda on: pull(laid.terminal, on),
        }
        config = ea.Config(str(laid.terminal.path), timeout_s=PATIENT_S)
        yield Reached(config, troubles)


@dataclass(frozen=True)
class Make:
    """A make of modules: its driver and its twin."""

    name: str
    driver: Any
    twin: Callable[..., Any]
    quickly: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the driver that keep a test from waiting, as are the next."""
    briefly: Mapping[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def bench(self) -> AsyncIterator[Reached]:
        """Set up three modules of a group; yield what reaches and troubles them."""
        async with stand() as one:
            twin = self.set_up(one, group=2)

            def garble(on: bool) -> None:
                for number in range(1, len(ADDRESSES) + 1):
                    one.breaks(f"module-{number}-nonsense", on)

            troubles = {
                Trouble.SILENT: lambda on: one.breaks("module-silent", on),
                Trouble.GARBLED: garble,
                Trouble.PULLED: lambda on: pull(one.adapter.terminal, on),
            }
            try:
                config = self.config(one, group=2, answer_within_s=PATIENT_S)
                yield Reached(config, troubles)
            finally:
                twin.close()

    def set_up(self, one: Stand, **settings: Any) -> Any:
        """Put three modules on a bus."""
        return self.twin(
            one.world, one.outlet, one.adapter, ADDRESSES, **self.briefly, **settings
        )

    def config(self, one: Stand, **settings: Any) -> Any:
        """Return what connects to them."""
        return self.driver.Config(
            channel=one.channel,
            interface="slcan",
            **{"modules": ADDRESSES, **self.quickly, **settings},
        )


INFYPOWER = Make("infypower", infypower, InfypowerModules)
MAXWELL = Make("maxwell", maxwell, MaxwellModules)
UUGREENPOWER = Make(
    "uugreenpower",
    uugreenpower,
    UuGreenPowerModules,
    {"range_pause_s": 0.06},
    {"settles_s": 0.05},
)
MAKES = (INFYPOWER, MAXWELL, UUGREENPOWER)
DEVICES: Mapping[tuple[str, str], Any] = {
    **{("power_module", make.name): make.bench for make in MAKES},
    ("power_module", "ea"): supply_bench,
}
