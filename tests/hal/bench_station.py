"""A mock station with a little station controller that does what the car asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from hal import discovery
from hal.interfaces import (
    Contactor,
    IsolationMonitor,
    Lock,
    Meter,
    PowerModule,
    SafetyInputs,
    Simulation,
    SupplyMonitor,
    TemperatureSensor,
    TokenReader,
    Vehicle,
)
from hal.mock.simulation import Config
from hal.resources import Place, Resources
from hal.values import (
    IsolationReading,
    MeterReading,
    Position,
    PowerReading,
    Setpoint,
    StationReport,
    VehiclePhase,
    VehicleReading,
)
from hal.world.site import World, world_of

TICK_S = 0.05
ALLOWED = StationReport(True, 0.0, 0.0, 0.0, 1000.0, 400.0, 150_000.0)


@dataclass
class Trace:
    """What was seen, in order."""

    vehicle: list[VehicleReading] = field(default_factory=list)
    meter: list[MeterReading] = field(default_factory=list)
    isolation: list[IsolationReading] = field(default_factory=list)

    @property
    def phases(self) -> list[VehiclePhase]:
        """Each phase once, in order."""
        phases = [reading.phase for reading in self.vehicle]
        return [phase for phase, _ in groupby(phases)]

    @property
    def integral_wh(self) -> float:
        """The integral of the meter's power over all readings."""
        pairs = pairwise(self.meter)
        joules = sum((b.at_s - a.at_s) * (a.power_w + b.power_w) / 2 for a, b in pairs)
        return joules / 3600


@dataclass
class Station:
    """One connector with all of its devices."""

    resources: Resources
    world: World
    simulation: Simulation
    power: PowerModule
    contactor: Contactor
    meter: Meter
    isolation: IsolationMonitor
    vehicle: Vehicle
    lock: Lock
    temperature: TemperatureSensor
    safety: SafetyInputs
    supply: SupplyMonitor
    reader: TokenReader
    trace: Trace = field(default_factory=Trace)
    report: StationReport = ALLOWED
    tick_s: float = TICK_S

    async def tick(self) -> VehicleReading:
        """Do once what the car asks for, and report it."""
        wish = await self.vehicle.read()
        self.trace.vehicle.append(wish)
        await self._switch(wish)
        await self.power.supply(
            Setpoint(wish.target_voltage_v, wish.target_current_a, 1.0)
        )
        self.trace.meter.append(await self.meter.read())
        await self._tell(await self.power.read())
        await asyncio.sleep(self.tick_s)
        return wish

    async def serve(self, until: VehiclePhase, within_s: float = 60.0) -> None:
        """Do what the car asks for until it is in a phase."""
        async with asyncio.timeout(within_s):
            while (await self.tick()).phase is not until:
                pass

    async def charge(self, **car: Any) -> None:
        """Plug in a car and serve it until it charges."""
        self.simulation.plug(1, **car)
        await self.vehicle.authorize(True)
        await self.serve(VehiclePhase.CHARGING)

    async def _switch(self, wish: VehicleReading) -> None:
        position = (await self.contactor.read()).position
        if wish.wants_contactors and position is not Position.CLOSED:
            await self.contactor.close()
        if not wish.wants_contactors and position is not Position.OPEN:
            await self.power.shut_off()
            await self.contactor.open()

    async def _tell(self, present: PowerReading) -> None:
        measured = await self.isolation.read()
        self.trace.isolation.append(measured)
        report = StationReport(
            enabled=self.report.enabled,
            present_voltage_v=present.voltage_v,
            present_current_a=present.current_a,
            resistance_ohm=measured.resistance_ohm,
            max_voltage_v=self.report.max_voltage_v,
            max_current_a=self.report.max_current_a,
            max_power_w=self.report.max_power_w,
        )
        await self.vehicle.report(report)


@asynccontextmanager
async def station(config: Config | None = None) -> AsyncIterator[Station]:
    """Open a station of one connector on the running loop's time."""
    async with AsyncExitStack() as stack:
        clock = asyncio.get_running_loop().time
        resources = await stack.enter_async_context(Resources(clock))

        async def open_one(kind: str, connector: int, settings: Any = None) -> Any:
            driver = discovery.load(kind, "mock")
            return await stack.enter_async_context(
                driver.connect(settings or driver.Config(), Place(connector, resources))
            )

        yield Station(
            resources=resources,
            simulation=await open_one("simulation", 0, config),
            world=await world_of(Place(0, resources)),
            power=await open_one("power_module", 1),
            contactor=await open_one("contactor", 1),
            meter=await open_one("meter", 1),
            isolation=await open_one("isolation", 1),
            vehicle=await open_one("vehicle", 1),
            lock=await open_one("lock", 1),
            temperature=await open_one("temperature", 1),
            safety=await open_one("safety", 0),
            supply=await open_one("supply", 0),
            reader=await open_one("reader", 0),
        )
