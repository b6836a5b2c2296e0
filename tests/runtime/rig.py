"""Hands, guard and senses of a simulated station, on time that jumps.

The test plays the engine: it gives the outputs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from chargerd import config
from chargerd.assembly import opened, plan
from chargerd.core.course import OUTPUTS, Output
from chargerd.core.events import Event
from chargerd.core.permissive import Facts
from chargerd.core.power import Supply
from chargerd.core.session import Phase
from chargerd.runtime.actuators import Hand, Hands
from chargerd.runtime.devices import ConnectorDevices, Devices
from chargerd.runtime.guard import Guard
from chargerd.runtime.senses import Senses
from hal.interfaces import Simulation
from hal.resources import Place, Resources
from hal.values import (
    Position,
    PowerReading,
    Setpoint,
    StationReport,
    VehiclePhase,
)
from hal.world.outlet import Outlet
from hal.world.site import World, world_of

STATION: Final = """
[station]
identity = "DC-1"
vendor = "v"
model = "m"
[csms]
url = "ws://127.0.0.1:1/ocpp"
[simulation]
driver = "mock"
[safety]
driver = "mock"
[supply]
driver = "mock"
[reader]
driver = "mock"
[[connector]]
driver = "mock"
cable = "socket"
"""
LIMIT_W: Final = 60_000.0


class LoggedModule:
    """A power module that writes down what it is told, and when."""

    def __init__(self, module: Any) -> None:
        self.setpoints: list[tuple[float, Setpoint]] = []
        self.rating = module.rating
        self.shut_off: Any = module.shut_off
        self._module = module

    async def supply(self, setpoint: Setpoint) -> None:
        self.setpoints.append((asyncio.get_running_loop().time(), setpoint))
        await self._module.supply(setpoint)

    async def read(self) -> PowerReading:
        reading: PowerReading = await self._module.read()
        return reading


class LoggedVehicle:
    """A CCS controller that writes down what the station reports in each phase."""

    def __init__(self) -> None:
        self.reports: dict[VehiclePhase, list[StationReport]] = {}
        self._device: Any = None

    def fitted(self, devices: ConnectorDevices) -> ConnectorDevices:
        """Stand in for the controller."""
        self._device = devices.vehicle
        vehicle: Any = self
        return replace(devices, vehicle=vehicle)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    async def report(self, report: StationReport) -> None:
        phase = (await self._device.read()).phase
        self.reports.setdefault(phase, []).append(report)
        await self._device.report(report)


class Faulty:
    """A device of which one command hangs or fails, while the test wants it so."""

    def __init__(self, kind: str) -> None:
        self.command = ""
        self.times = 1_000_000
        self.error: Exception | None = None
        """What the command raises; ``None``: it hangs."""
        self._kind = kind
        self._device: Any = None

    def fitted(self, devices: ConnectorDevices) -> ConnectorDevices:
        """Stand in for the device."""
        self._device = getattr(devices, self._kind)
        changed: dict[str, Any] = {self._kind: self}
        return replace(devices, **changed)

    def __getattr__(self, name: str) -> Any:
        return self._told if name == self.command else getattr(self._device, name)

    async def _told(self, *given: object) -> Any:
        self.times -= 1
        if self.times < 0:
            return await getattr(self._device, self.command)(*given)
        if self.error is not None:
            raise self.error
        await asyncio.get_running_loop().create_future()


Change = Callable[[ConnectorDevices], ConnectorDevices]


@dataclass
class Rig:
    """One connector with a socket, a lock and a card reader."""

    world: World
    simulation: Simulation
    devices: Devices
    module: LoggedModule
    guard: Guard
    senses: Senses
    hand: Hand
    hands: Hands
    told: list[Event]
    tasks: dict[str, asyncio.Task[None]]

    @property
    def outlet(self) -> Outlet:
        outlet = self.world.outlet(1)
        self.world.catch_up(outlet)
        return outlet

    @property
    def facts(self) -> Facts:
        return self.guard.facts[1]

    @property
    def dead(self) -> bool:
        """Whether the contactors are open and the modules were told to stop."""
        told = self.module.setpoints
        stopped = not told or told[-1][1].voltage_v == 0.0
        return self.outlet.position is Position.OPEN and stopped

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def aim(self, phase: Phase) -> None:
        """Give the output of a phase, as the engine does."""
        output = OUTPUTS[phase]
        if output.supply is Supply.CHARGE:
            output = replace(output, limit_w=LIMIT_W)
        self.senses.set_busy(1, output != Output())
        self.hands.cut({1: output})
        self.hands.aim({1: output})

    async def walk(self, to: Phase) -> None:
        """Plug in and go as far as a phase, and until the vehicle has done its part."""
        self.simulation.plug(1)
        for phase, arrived in PATH:
            self.aim(phase)
            await until(lambda arrived=arrived: arrived(self))  # type: ignore[misc]
            if phase is to:
                return


async def until(holds: Callable[[], bool], within_s: float = 30.0) -> float:
    """Let virtual time pass until something holds; return how long it took."""
    time = asyncio.get_running_loop().time
    began_s = time()
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)
    return time() - began_s


def _vehicle_at(*phases: VehiclePhase) -> Callable[[Rig], bool]:
    return lambda rig: rig.outlet.controller.phase in phases


PATH: Final = (
    (Phase.LOCKING, lambda rig: rig.facts.lock is not None and rig.facts.lock.engaged),
    (Phase.HANDSHAKE, _vehicle_at(VehiclePhase.CABLE_CHECK)),
    (Phase.CABLE_CHECK, _vehicle_at(VehiclePhase.PRECHARGE)),
    (Phase.PRECHARGE, _vehicle_at(VehiclePhase.READY, VehiclePhase.CHARGING)),
    (Phase.ENERGIZED, lambda rig: rig.outlet.rectifiers.current_a > 20.0),
)


@asynccontextmanager
async def rig(folder: Path, change: Change = lambda own: own) -> AsyncIterator[Rig]:
    """Open a station, and let its guard, hands and senses run."""
    file = folder / "station.toml"
    file.write_text(STATION)
    settings = config.load(file)
    monotonic = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        shared = Resources(monotonic)
        devices = await stack.enter_async_context(opened(plan(settings), shared))
        module = LoggedModule(devices.connectors[1].power_module)
        own = change(replace(devices.connectors[1], power_module=module))
        devices = replace(devices, connectors={1: own})
        told: list[Event] = []
        fitted = {1: frozenset(kind for _, kind in devices.drivers)}
        guard = Guard(fitted, monotonic, told.append)
        senses = Senses(devices, guard, told.append, monotonic)
        hand = Hand(1, own, guard, told.append, senses.sensed)
        hands = Hands({1: hand})
        guard.hold(hands)
        world = await world_of(Place(0, shared))
        parts: dict[str, Any] = {"guard": guard, "hands": hands, "senses": senses}
        tasks = {name: asyncio.create_task(part.run()) for name, part in parts.items()}
        try:
            yield Rig(
                world,
                devices.simulation,
                devices,
                module,
                guard,
                senses,
                hand,
                hands,
                told,
                tasks,
            )
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.wait(tasks.values())
