"""The twin of what is wired to a GPIO chip: contactors, locks, contacts and lamps.

Each follows the one world: a coil moves the world's contacts, a mirror shows where
they are, an emergency stop that was pressed opens its loop. A contact bounces when
it moves, as contacts do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from typing import Final

from hal.simulation.gpio_chip import GpioChip
from hal.transport.pins import split
from hal.values import Position
from hal.world.outlet import Outlet
from hal.world.site import World
from hal.world.travel import Contacts

_BOUNCES_S: Final = (0.001, 0.0025)
"""When after a change a contact is back where it came from, and there again."""


class Board:
    """The wires between one chip and the world; lines are named as drivers do."""

    def __init__(self, chip: GpioChip, world: World) -> None:
        self._chip = chip
        self._world = world
        self._shows: list[tuple[str, Callable[[], bool]]] = []
        self._arrivals: list[Callable[[], float]] = []
        self._shown: dict[str, bool] = {}
        self._bouncing: dict[str, list[asyncio.TimerHandle]] = {}
        self.lamps: dict[int, set[str]] = {}
        """The colors that are lit at each connector."""

    def contactor(
        self,
        connector: int,
        coils: tuple[str, ...],
        mirrors: tuple[str, ...],
        *,
        normally_closed: bool = True,
    ) -> None:
        """Wire the pair of a connector."""
        outlet = self._world.outlet(connector)
        self._contacts(outlet, outlet.contacts, coils, mirrors, normally_closed)

    def bridge(
        self,
        joins: tuple[int, int],
        coils: tuple[str, ...],
        mirrors: tuple[str, ...],
        *,
        normally_closed: bool = True,
    ) -> None:
        """Wire the contactor between two connectors."""
        one, other = (self._world.outlet(number) for number in joins)
        contacts = self._world.bridge(one, other)
        self._contacts(one, contacts, coils, mirrors, normally_closed)

    def lock(self, connector: int, engage: str, release: str, feedback: str) -> None:
        """Wire the lock of a socket; without ``release`` it is held, not driven."""
        outlet = self._world.outlet(connector)

        def drive(engaged: bool) -> None:
            outlet.bolt.drive(engaged, self._world.catch_up(outlet))
            self._world.change(outlet)

        def run(engaged: bool, on: bool) -> None:
            if on:
                drive(engaged)

        if release:
            self._feel(engage, partial(run, True))
            self._feel(release, partial(run, False))
        else:
            self._feel(engage, drive)
        self._arrivals.append(lambda: outlet.bolt.arrives_s)
        self._show(feedback, lambda: outlet.bolt.engaged(self._world.catch_up(outlet)))

    def alarm(
        self, fault: str, line: str, *, connector: int = 0, normally_open: bool = False
    ) -> None:
        """Wire a contact that tells of a fault of the world."""
        has = self._world.faults.has
        self._show(line, lambda: has(fault, connector) is normally_open)

    def light(self, connector: int, lamps: Mapping[str, str]) -> None:
        """Wire lamps, a line for each color."""
        lit = self.lamps.setdefault(connector, set())

        def light(color: str, on: bool) -> None:
            (lit.add if on else lit.discard)(color)

        for color, line in lamps.items():
            self._feel(line, partial(light, color))

    async def follow(self) -> None:
        """Let the inputs of the chip show the world, for ever."""
        while True:
            for line, state in self._shows:
                self._drive(line, state())
            now_s = self._world.monotonic()
            coming = (arrives_s() for arrives_s in self._arrivals)
            await self._world.news(min((s for s in coming if s > now_s), default=inf))

    def rest(self) -> None:
        """Let no contact bounce any more."""
        for timers in self._bouncing.values():
            for timer in timers:
                timer.cancel()

    def _contacts(
        self,
        outlet: Outlet,
        contacts: Contacts,
        coils: tuple[str, ...],
        mirrors: tuple[str, ...],
        normally_closed: bool,
    ) -> None:
        on: dict[str, bool] = {}

        def switch(coil: str, energized: bool) -> None:
            on[coil] = energized
            both = len(on) == len(coils) and all(on.values())
            contacts.energize(both, self._world.catch_up(outlet))
            self._world.change(outlet)

        is_open = self._resting_open(outlet, contacts)
        for coil in coils:
            self._feel(coil, partial(switch, coil))
        self._arrivals.append(lambda: contacts.arrives_s)
        for mirror in mirrors[:-1]:
            self._show(mirror, lambda: is_open() is normally_closed)
        # One that no longer follows, so that the two poles disagree.
        fault = "bridge-mirror" if contacts is outlet.bridge else "contactor-mirror"
        self._world.faults.offer((fault,))
        stuck = self._stuck(fault, outlet.number, is_open)
        self._show(mirrors[-1], lambda: stuck() is normally_closed)

    def _resting_open(self, outlet: Outlet, contacts: Contacts) -> Callable[[], bool]:
        """Return whether contacts are open; while they travel, whether they were."""
        rests = Position.OPEN

        def is_open() -> bool:
            nonlocal rests
            position = contacts.position(self._world.catch_up(outlet))
            # A mirror goes over as the armature arrives.
            rests = rests if position is Position.BETWEEN else position
            return rests is Position.OPEN

        return is_open

    def _stuck(
        self, fault: str, connector: int, state: Callable[[], bool]
    ) -> Callable[[], bool]:
        """Return a contact that stays where it was while it is broken."""
        stood = state()

        def shown() -> bool:
            nonlocal stood
            if not self._world.faults.has(fault, connector):
                stood = state()
            return stood

        return shown

    def _feel(self, line: str, take: Callable[[bool], None]) -> None:
        name, low_is_on = split(line)
        self._chip.drive(name, low_is_on)  # a resistor holds what nobody drives
        self._chip.feel(name, lambda high: take(high is not low_is_on))

    def _show(self, line: str, state: Callable[[], bool]) -> None:
        name, low_is_on = split(line)
        self._shown[name] = state() is not low_is_on
        self._chip.drive(name, self._shown[name])
        self._shows.append((line, state))

    def _drive(self, line: str, on: bool) -> None:
        name, low_is_on = split(line)
        high = on is not low_is_on
        if self._shown[name] is high:
            return
        self._shown[name] = high
        for timer in self._bouncing.get(name, ()):
            timer.cancel()
        self._chip.drive(name, high)
        loop = asyncio.get_running_loop()
        self._bouncing[name] = [
            loop.call_later(after_s, self._chip.drive, name, back)
            for after_s, back in zip(_BOUNCES_S, (not high, high), strict=True)
        ]


@asynccontextmanager
async def live_board(chip: GpioChip, world: World) -> AsyncIterator[Board]:
    """Keep a board on the world; wire it inside the block."""
    board = Board(chip, world)
    task = asyncio.create_task(board.follow(), name="board")
    try:
        yield board
    finally:
        task.cancel()
        await asyncio.wait({task})
        board.rest()
