"""Moves the bridge between two DC buses, and what is lent over it.

The lender's modules are raised to the voltage of the bus that they join, then the
bridge closes and both groups share the set-point. To part, the lent group goes to
zero first. From the first use of a lent group until the bridge is read open again,
the guard takes the bridge for closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from chargerd.core.allocation import served
from chargerd.core.course import Output
from chargerd.core.events import WHOLE_STATION, CommandFailed, Event
from chargerd.core.permissive import surely_open
from chargerd.core.power import LEASE_S, SMALL_CURRENT_A
from chargerd.runtime.beat import rest_s
from chargerd.runtime.guard import Guard
from chargerd.runtime.waiting import came
from hal.errors import HardwareError
from hal.interfaces import Bridge, PowerModule
from hal.values import Position, PowerRating, PowerReading, Reading, Setpoint

ROUND_S: Final = 0.08
"""How often a lent group is looked after."""

RETRY_S: Final = 1.0
"""A bridge that failed is told again after this."""

MATCHED_WITHIN_V: Final = 10.0
"""The bridge closes between buses that differ by no more."""


class Pool:
    """The power modules of one connector: its own, and those lent to it.

    To whoever drives the connector it is one power module.
    """

    def __init__(self, own: PowerModule, max_current_a: float | None) -> None:
        self.lent: PowerModule | None = None
        self.returning_a: Callable[[], float] = lambda: 0.0
        """What a lent group still gives while it is taken back."""
        self.failed: HardwareError | None = None
        """Why the lent group did not follow."""
        self._own = own
        self._max_current_a = max_current_a

    @property
    def rating(self) -> PowerRating:
        """What the connector can give with the modules that serve it now."""
        lent = self.lent.rating if self.lent is not None else None
        return served(self._own.rating, lent, self._max_current_a)

    async def supply(self, setpoint: Setpoint) -> None:
        """Let every group give its part of the set-point."""
        own_a = max(setpoint.current_a - self.returning_a(), 0.0)
        lent = self.lent
        if lent is not None:
            lent_a = self._lent_a(lent.rating, setpoint.current_a)
            own_a = setpoint.current_a - lent_a
            try:
                await lent.supply(replace(setpoint, current_a=lent_a))
            except HardwareError as error:
                self.failed = error
        await self._own.supply(replace(setpoint, current_a=own_a))

    async def shut_off(self) -> None:
        """Return once nothing flows from the own group; a lent one is told as well."""
        if self.lent is not None:
            with suppress(HardwareError):
                await self.lent.supply(_ZERO)
        await self._own.shut_off()

    async def read(self) -> PowerReading:
        """Return what the own group does."""
        return await self._own.read()

    def _lent_a(self, lent: PowerRating, current_a: float) -> float:
        own = self._own.rating
        part = lent.max_power_w / (own.max_power_w + lent.max_power_w)
        return min(current_a * part, lent.max_current_a)


_ZERO: Final = Setpoint(0.0, 0.0, LEASE_S)


class BridgeHand:
    """Moves one bridge. What it shall be follows from who lends."""

    def __init__(
        self,
        bridge: Bridge,
        modules: Mapping[int, PowerModule],
        most_a: Mapping[int, float | None],
        guard: Guard,
        report: Callable[[Event], None],
        sensed: Callable[[int, Reading], None],
    ) -> None:
        """Begin with the bridge untouched.

        Args:
            bridge: What it moves.
            modules: The groups at its two ends, by connector.
            most_a: What cable and contactors of a connector carry.
            guard: Says what is safe.
            report: Takes what failed.
            sensed: Takes what was read.
        """
        self.pools = {n: Pool(each, most_a[n]) for n, each in modules.items()}
        self.joined = False
        """The bridge is closed, and the lent group follows the borrower."""
        self._beyond = dict(zip(modules, reversed(tuple(modules)), strict=True))
        self._bridge = bridge
        self._modules = modules
        self._guard = guard
        self._report = report
        self._sensed = sensed
        self._wanted: int | None = None
        self._lender: int | None = None
        self._rests_until_s = 0.0
        self._told = ""
        self._wake = asyncio.Event()

    def aim(self, outputs: Mapping[int, Output]) -> None:
        """Take the new levels."""
        wanted = next((n for n in self._beyond if outputs[n].lends), None)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    async def run(self) -> None:
        """Follow the level, for ever; leave the bridge open."""
        try:
            while True:
                self._wake.clear()
                await self._one_round()
                busy = self._wanted is not None or self._lender is not None
                await came(self._wake, rest_s(ROUND_S) if busy else None)
        finally:
            # In a task of its own: this one was cancelled and shall not wait.
            last = asyncio.create_task(self._part(), name="last parting")
            await asyncio.wait({last})
            last.result()

    async def _one_round(self) -> None:
        if asyncio.get_running_loop().time() < self._rests_until_s:
            return
        if self._lender is not None and not self._holds(self._lender):
            await self._part()
        elif self._wanted is not None and not self.joined:
            await self._join(self._wanted)

    def _holds(self, lender: int) -> bool:
        """Tell whether the present loan may go on."""
        failed = self.pools[self._beyond[lender]].failed
        if failed is not None:
            self._report(CommandFailed(lender, "power_module", str(failed)))
        elif self.joined and self._position() is not Position.CLOSED:
            self._report(CommandFailed(WHOLE_STATION, "bridge", "opened by itself"))
        else:
            return self._wanted == lender and self._may_join(lender)
        return False

    def _may_join(self, lender: int) -> bool:
        alone = surely_open(self._guard.switch(lender), self._guard.now_s())
        return alone and not self._guard.refusals(self._beyond[lender])

    async def _join(self, lender: int) -> None:
        """Do the next step towards a closed bridge."""
        if self._lender is None:
            if not self._may_join(lender):
                return
            self._lender = lender
            self._guard.closing(WHOLE_STATION)
        bus = self._guard.facts[self._beyond[lender]].power_module
        own = self._guard.facts[lender].power_module
        if bus is None or own is None:
            return
        match_v = Setpoint(bus.voltage_v, SMALL_CURRENT_A, LEASE_S)
        if not await self._confirmed(
            lender, "power_module", self._modules[lender].supply(match_v)
        ):
            return
        if abs(own.voltage_v - bus.voltage_v) > MATCHED_WITHIN_V or not self._holds(
            lender
        ):
            return
        if await self._confirmed(WHOLE_STATION, "bridge", self._bridge.close()):
            await self._look()
            pool = self.pools[self._beyond[lender]]
            pool.failed, pool.lent = None, self._modules[lender]
            self.joined = True

    async def _part(self) -> None:
        """Take a lent group back: first its current, then the bridge."""
        lender = self._lender
        if lender is None:
            return
        pool, module = self.pools[self._beyond[lender]], self._modules[lender]
        self.joined, pool.lent, pool.failed = False, None, None
        pool.returning_a = lambda: self._given_a(lender)
        with suppress(HardwareError):
            # A bridge wears when it opens under load, but it does open.
            await module.supply(_ZERO)
            await module.shut_off()
        if await self._confirmed(WHOLE_STATION, "bridge", self._bridge.open()):
            self._guard.settled(WHOLE_STATION, closed=False)
            self._lender = None
            pool.returning_a = lambda: 0.0
        await self._look()

    def _given_a(self, lender: int) -> float:
        module = self._guard.facts[lender].power_module
        return module.current_a if module else 0.0

    def _position(self) -> Position | None:
        reading = self._guard.switch(WHOLE_STATION).reading
        return reading.position if reading else None

    async def _look(self) -> None:
        with suppress(HardwareError):
            self._sensed(WHOLE_STATION, await self._bridge.read())

    async def _confirmed(
        self, connector: int, kind: str, command: Awaitable[None]
    ) -> bool:
        try:
            await command
        except HardwareError as error:
            self._rests_until_s = asyncio.get_running_loop().time() + RETRY_S
            if str(error) != self._told:
                # A welded bridge is tried again for ever, and told of once.
                self._told = str(error)
                self._report(CommandFailed(connector, kind, self._told))
            return False
        self._told = ""
        return True
