"""The simulated station: one world that all mock devices of a process share.

Nothing ticks in it. Whoever reads brings an outlet up to the present; whoever
waits sleeps until something is done or until the next thing that can be foreseen.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import inf, isfinite
from random import Random
from typing import Final, TypeVar

from hal.errors import NoAnswer
from hal.resources import Place
from hal.values import Reading, Signal, Token
from hal.world.controller import Pace
from hal.world.faults import Faults
from hal.world.memory import Memory
from hal.world.outlet import Outlet
from hal.world.travel import Contacts

R = TypeVar("R", bound=Reading)

SILENCE_S: Final = 0.3
"""How long the mock drivers wait for a device before they call it silent."""
_GLANCE_S = 0.01
"""How often a command looks whether its effect has come."""
_USED_REGISTER_WH = (100_000, 10_000_000)
"""What the meter of a station in use has counted; no program may count on zero."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the world can be told before it begins."""

    seed: int = 1
    rate: float = 1.0
    ambient_c: float = 20.0
    pace: Pace = Pace()


class World:
    """The connectors, what is broken, and who waits for news."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.settings = Settings()
        self.outlets: dict[int, Outlet] = {}
        self.faults = Faults()
        self.readers: dict[int, deque[tuple[float, Token]]] = {}
        self.lights: dict[int, Signal] = {}
        self._memory = Memory()
        self._waiting: set[asyncio.Future[None]] = set()

    def configure(self, settings: Settings, memory: Memory) -> None:
        """Begin anew with these settings and this memory."""
        self.settings = settings
        self._memory = memory
        for outlet in self.outlets.values():
            outlet.advance(self.monotonic())
            self._furnish(outlet)

    def forget(self) -> None:
        """Write down what the memory must know, and let go of it."""
        for outlet in self.outlets.values():
            self.catch_up(outlet)
            self._memory.keep(outlet)
        self._memory = Memory()

    def set_rate(self, rate: float) -> None:
        """Run the physics ``rate`` times as fast from now on."""
        self.settings = replace(self.settings, rate=rate)
        for outlet in self.outlets.values():
            self.catch_up(outlet)
            outlet.set_rate(rate)
        self.ring()

    def outlet(self, number: int) -> Outlet:
        """Return a connector; there are those that any device was connected to."""
        if number not in self.outlets:
            outlet = Outlet(number, self.monotonic(), self.ring)
            self.outlets[number] = outlet
            self._furnish(outlet)
        return self.outlets[number]

    def bridge(self, one: Outlet, other: Outlet) -> Contacts:
        """Return the contacts between the buses of two outlets; wire them up first."""
        if one.bridge is None:
            now_s = self.monotonic()
            one.advance(now_s)
            other.advance(now_s)
            one.bridge = other.bridge = Contacts()
            one.neighbor, other.neighbor = other, one
            one.suffer(self.faults.at(one.number))
        contacts = one.bridge
        assert contacts is not None
        return contacts

    def _furnish(self, outlet: Outlet) -> None:
        settings = self.settings
        outlet.controller.pace = settings.pace
        outlet.set_rate(settings.rate)
        outlet.dice = Random(f"{settings.seed} {outlet.number}")
        register_wh = outlet.dice.randrange(*_USED_REGISTER_WH)
        if not self._memory.recall(outlet):
            outlet.register.energy_wh = float(register_wh)
        outlet.suffer(self.faults.at(outlet.number))
        self._memory.keep(outlet)

    def catch_up(self, outlet: Outlet) -> float:
        """Bring an outlet up to the present, which is returned."""
        wired = outlet.wired
        before_wh = [int(each.register.energy_wh) for each in wired]
        now_s = self.monotonic()
        outlet.advance(now_s)
        for each, was_wh in zip(wired, before_wh, strict=True):
            if int(each.register.energy_wh) != was_wh:
                self._memory.keep(each)
        return now_s

    def change(self, outlet: Outlet) -> None:
        """Let follow what follows from something just done, and tell everybody."""
        outlet.settle()
        self._memory.keep(outlet)
        self.ring()

    def ring(self) -> None:
        """Wake everybody who waits for news."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def news(self, until_s: float) -> None:
        """Return when something was done, or at ``until_s``."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        timeout_s = until_s - self.monotonic() if isfinite(until_s) else None
        try:
            await asyncio.wait({future}, timeout=timeout_s)
        finally:
            self._waiting.discard(future)

    async def until(
        self, outlet: Outlet, done: Callable[[], bool], within_s: float
    ) -> bool:
        """Return true once ``done``, or false if it is not ``within_s``."""
        limit_s = self.monotonic() + within_s
        while True:
            now_s = self.catch_up(outlet)
            if done():
                return True
            if now_s >= limit_s:
                return False
            await self.news(min(limit_s, now_s + _GLANCE_S))

    async def watch(
        self, read: Callable[[], R], next_s: Callable[[], float] = lambda: inf
    ) -> AsyncIterator[R]:
        """Yield what ``read`` gives, at first and whenever it differs."""
        last = None
        while True:
            reading = read()
            if last is None or replace(reading, at_s=last.at_s) != last:
                last = reading
                yield reading
            else:
                await self.news(next_s())

    async def listen(self, device: str, connector: int) -> None:
        """Wait for a device's answer.

        Raises:
            NoAnswer: It is broken so that it says nothing.
        """
        if self.faults.has(f"{device}-silent", connector):
            await asyncio.sleep(SILENCE_S)
            where = f"connector {connector} {device}" if connector else device
            raise NoAnswer(
                f"{where}: no answer in {SILENCE_S} s; check its supply and its cable"
            )


async def world_of(place: Place) -> World:
    """Return the world of the process, made by the first device that asks."""
    clock = place.resources.monotonic
    return await place.resources.share(
        ("mock", "world"), lambda: nullcontext(World(clock))
    )
