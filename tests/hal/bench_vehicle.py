"""Twins of what speaks with the vehicle, each with the ``Config`` that reaches it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hal.conformance.subject import Reached, Trouble
from hal.drivers import (
    advantics,
    chargebyte_contactor,
    chargebyte_safety,
    chargebyte_temperature,
)
from hal.simulation.advantics import AdvanticsTwin
from hal.simulation.can_adapter import CanAdapter
from hal.simulation.chargebyte import FIRMWARE, ChargebyteTwin
from hal.values import Setpoint, StationReport, VehicleReading
from hal.wire.chargebyte import Version
from hal.world.car import Battery, Car
from hal.world.outlet import Outlet
from hal.world.site import World

EVCCID = "02AABBCCDDEE"
RATE = 20.0
"""How fast the cars on these benches are; what watches over silence keeps real time."""


@dataclass
class Rig:
    """A connector with its car, its power and its contactors, all but the driver."""

    world: World
    outlet: Outlet
    resistance_ohm: float = 1_000_000.0
    enabled: bool = True

    def plug(self, on: bool = True, **changes: float) -> None:
        """Put a car on the plug, or take it away."""
        battery = Battery(
            **{
                "capacity_wh": 77_000.0,
                "energy_wh": 26_600.0,
                "max_power_w": 150_000.0,
                "max_voltage_v": 420.0,
                **changes,
            }
        )
        now_s = self.world.catch_up(self.outlet)
        self.outlet.controller.plug(Car(battery, EVCCID) if on else None, now_s)
        self.world.change(self.outlet)

    def fault(self, name: str, on: bool) -> None:
        """Break or mend something."""
        self.world.faults.put(name, on, self.outlet.number)
        self.outlet.suffer(self.world.faults.at(self.outlet.number))
        self.world.change(self.outlet)

    def follow(self, wish: VehicleReading) -> StationReport:
        """Do at once what the vehicle asks for; return what is measured then."""
        now_s = self.world.catch_up(self.outlet)
        rectifiers = self.outlet.rectifiers
        self.outlet.contacts.energize(wish.wants_contactors, now_s)
        rectifiers.supply(
            Setpoint(wish.target_voltage_v, wish.target_current_a, 1.0), now_s
        )
        self.world.change(self.outlet)
        return StationReport(
            enabled=self.enabled,
            present_voltage_v=rectifiers.voltage_v,
            present_current_a=rectifiers.current_a,
            resistance_ohm=self.resistance_ohm,
            max_voltage_v=1000.0,
            max_current_a=200.0,
            max_power_w=50_000.0,
            module_temperature_c=45.0,
        )


@dataclass
class OnBus(Rig):
    """A connector whose controller is an ADVANTICS on a CAN bus."""

    adapter: CanAdapter = field(kw_only=True)

    @property
    def config(self) -> advantics.Config:
        """What reaches the controller."""
        path = str(self.adapter.terminal.path)
        # The default would take a busy test machine for a silent controller.
        return advantics.Config(path, "slcan", silent_after_s=0.6)

    def pull(self, out: bool) -> None:
        """Pull the adapter out, or put it back."""
        (self.adapter.terminal.pull if out else self.adapter.terminal.put_back)()


@asynccontextmanager
async def on_bus(
    rate: float = RATE, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[OnBus]:
    """Start a bus with the twin of the first connector on it."""
    world = World(clock)
    world.set_rate(rate)
    outlet = world.outlet(1)
    with TemporaryDirectory() as directory:
        adapter = CanAdapter(Path(directory) / "can")
        twin = asyncio.create_task(AdvanticsTwin(world, outlet, adapter, 1).run())
        try:
            yield OnBus(world, outlet, adapter=adapter)
        finally:
            twin.cancel()
            await asyncio.wait({twin})
            adapter.close()


@asynccontextmanager
async def advantics_controller() -> AsyncIterator[Reached]:
    """Yield a controller that can be troubled, with a car for its plug."""
    async with on_bus() as rig:
        troubles = {
            Trouble.SILENT: lambda on: rig.fault("vehicle-silent", on),
            Trouble.GARBLED: lambda on: rig.fault("vehicle-cut", on),
            Trouble.PULLED: rig.pull,
        }
        yield Reached(rig.config, troubles, rig)


@dataclass
class OnPort(Rig):
    """A connector whose contactors hang on a safety controller of chargebyte."""

    board: ChargebyteTwin = field(kw_only=True)

    @property
    def port(self) -> str:
        """Where the board is."""
        return str(self.board.terminal.path)

    def pull(self, out: bool) -> None:
        """Pull the cable, or put it back."""
        (self.board.terminal.pull if out else self.board.terminal.put_back)()


@asynccontextmanager
async def on_port(
    letter: str | None = None, version: Version = FIRMWARE
) -> AsyncIterator[OnPort]:
    """Start a board; ``letter`` is a test plug that holds the pilot in one state."""
    world = World(time.monotonic)
    outlet = world.outlet(1)
    with TemporaryDirectory() as directory:
        board = ChargebyteTwin(
            world,
            outlet,
            Path(directory) / "uart",
            version=version,
            letter=(lambda: letter) if letter else None,
        )
        run = asyncio.create_task(board.run())
        try:
            yield OnPort(world, outlet, board=board)
        finally:
            run.cancel()
            await asyncio.wait({run})
            board.terminal.close()


def _hanging_on_it(
    config: Callable[[str], Any], *, survives_pulling: bool = True
) -> Callable[[], AbstractAsyncContextManager[Reached]]:
    @asynccontextmanager
    async def device() -> AsyncIterator[Reached]:
        async with on_port(letter="C") as rig:
            troubles = {
                Trouble.SILENT: lambda on: rig.fault("board-silent", on),
                Trouble.GARBLED: lambda on: rig.fault("board-garbled", on),
            }
            if survives_pulling:
                troubles[Trouble.PULLED] = rig.pull
            yield Reached(config(rig.port), troubles)

    return device


DEVICES = {
    ("vehicle", "advantics"): advantics_controller,
    ("contactor", "chargebyte"): _hanging_on_it(chargebyte_contactor.Config),
    ("temperature", "chargebyte"): _hanging_on_it(chargebyte_temperature.Config),
    # Without its host the board goes into its safe state, where it watches nothing.
    ("safety", "chargebyte"): _hanging_on_it(
        chargebyte_safety.Config, survives_pulling=False
    ),
}
