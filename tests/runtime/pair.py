"""Two connectors with a bridge: the whole daemon but its disk, on time that jumps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, Final

from chargerd import config
from chargerd.assembly import fittings_of, opened, plan
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Instant
from chargerd.core.course import Output
from chargerd.core.power import Supply
from chargerd.core.session import Phase
from chargerd.ocpp16.attachment_values import Attachment, Filed
from chargerd.ocpp16.records import Snapshot
from chargerd.ocpp16.requests import Nameplate
from chargerd.runtime.actuators import Hands, hands_of
from chargerd.runtime.guard import Guard
from chargerd.runtime.senses import Senses
from chargerd.steps import DeadlinePassed, Happening
from hal.interfaces import Simulation
from hal.resources import Place, Resources
from hal.values import Position
from hal.world.outlet import Outlet
from hal.world.site import World, world_of
from tests.runtime.rig import until

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
[bridge]
driver = "mock"
connectors = [1, 2]
[[connector]]
driver = "mock"
[connector.reader]
driver = "mock"
[[connector]]
driver = "mock"
[connector.reader]
driver = "mock"
"""
CARDS: Final = {1: "04A224B2", 2: "04FFEE22"}
FILED: Final = Filed(Attachment("ws://127.0.0.1:1/ocpp", "DC-1"))
GLANCE_S: Final = 0.02
"""Contacts travel for 50 ms."""


@dataclass
class Pair:
    """A station, its world, and what must never happen in it."""

    world: World
    simulation: Simulation
    guard: Guard
    senses: Senses
    hands: Hands
    charge_point: ChargePoint
    inbox: asyncio.Queue[Happening]
    told: list[Happening] = field(default_factory=list)
    danger: list[float] = field(default_factory=list)
    """When two vehicles could have been on one bus."""

    def outlet(self, number: int) -> Outlet:
        outlet = self.world.outlet(number)
        self.world.catch_up(outlet)
        return outlet

    def phase(self, number: int) -> Phase:
        return self.charge_point.station.sessions[number].phase

    @property
    def bridge(self) -> Position:
        outlet = self.outlet(1)
        assert outlet.bridge is not None
        return outlet.bridge.position(outlet.now_s)

    def bridged(self, position: Position) -> bool:
        return self.bridge is position

    @property
    def faults(self) -> set[str]:
        return {active.fault.name for active in self.charge_point.station.health.active}

    def power_w(self, number: int) -> float:
        """Return what flows through a plug."""
        return self.outlet(number).shown.power_w

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.told if isinstance(each, kind)]

    async def charges(self, number: int, power_w: float = 350_000.0) -> None:
        """Plug a car in, hold a card to the reader, and wait for the current."""
        self.arrives(number, power_w)
        await until(lambda: self.phase(number) is Phase.ENERGIZED, 60.0)

    def arrives(self, number: int, power_w: float = 350_000.0) -> None:
        self.simulation.plug(number, max_power_w=power_w, max_voltage_v=900.0)
        self.simulation.present(CARDS[number], number)

    async def borrows(self) -> None:
        """Let the first car charge with the modules of both connectors."""
        await self.charges(1)
        await until(lambda: self.power_w(1) > 250_000.0, 60.0)
        assert self.bridge is Position.CLOSED

    async def engine(self) -> None:
        """Let things happen one at a time, and every deadline when it is due."""
        while True:
            due_s = self.charge_point.next_deadline_s(self.now())
            timeout_s = None if due_s is None else due_s - self.now().monotonic_s
            try:
                async with asyncio.timeout(timeout_s):
                    happening = await self.inbox.get()
            except TimeoutError:
                happening = DeadlinePassed()
            self.told.append(happening)
            outputs = self.charge_point.apply(happening, self.now()).outputs
            self.hands.cut(outputs)
            self.hands.aim(outputs)
            for number, output in outputs.items():
                charging = output.supply is Supply.CHARGE
                self.senses.set_busy(number, output != Output(), charging=charging)

    async def watch(self) -> None:
        """Look out for two vehicles on one bus."""
        while True:
            positions = [self.bridge, *(self.outlet(n).position for n in (1, 2))]
            if Position.OPEN not in positions:
                self.danger.append(self.world.monotonic())
            await asyncio.sleep(GLANCE_S)

    def now(self) -> Instant:
        now_s = self.world.monotonic()
        return Instant(now_s, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(0, now_s))


@asynccontextmanager
async def pair(folder: Path, text: str = STATION) -> AsyncIterator[Pair]:
    """Open the station, let it run, and see that nothing dangerous happened."""
    file = folder / "station.toml"
    file.write_text(text)
    settings = config.load(file)
    monotonic = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        shared = Resources(monotonic)
        devices = await stack.enter_async_context(opened(plan(settings), shared))
        fittings = fittings_of(settings, devices)
        fitted = {number: fitting.fitted for number, fitting in fittings.items()}
        inbox: asyncio.Queue[Happening] = asyncio.Queue()
        guard = Guard(fitted, monotonic, inbox.put_nowait, settings.joins)
        senses = Senses(devices, guard, inbox.put_nowait, monotonic, settings.joins)
        hands = hands_of(devices, fittings, guard, inbox.put_nowait, senses.sensed)
        guard.hold(hands)
        charge_point = ChargePoint(
            fittings,
            Nameplate("v", "m"),
            map("id-{}".format, count(1)).__next__,
            filed=FILED,
            configured={"AllowOfflineTxForUnknownId": "true"},
            snapshot=Snapshot(accepted_by=frozenset({FILED.attachment.where})),
            site_w=settings.power.max_power_w or inf,
        )
        world = await world_of(Place(0, shared))
        both = Pair(
            world, devices.simulation, guard, senses, hands, charge_point, inbox
        )
        parts = (guard.run, hands.run, senses.run, both.engine, both.watch)
        tasks = [asyncio.create_task(part()) for part in parts]
        try:
            yield both
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert both.danger == []
