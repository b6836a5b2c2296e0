"""Polls and subscribes; turns readings and failures into events.

The only place that retries a device: a device is lost after three failures in a
row and back with its first answer. Facts go to the guard first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chargerd.core.events import (
    WHOLE_STATION,
    DeviceBack,
    DeviceLost,
    Event,
    Sensed,
    TokenPresented,
)
from chargerd.core.permissive import FIELDS, Loss
from chargerd.runtime.beat import rest_s
from chargerd.runtime.devices import Devices
from chargerd.runtime.guard import Guard
from chargerd.runtime.waiting import came
from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.values import Reading, Token

LOST_AFTER: Final = 3
"""So many failures in a row make a device lost."""


READ_WITHIN_S: Final = 2.0
"""A driver answers within a second, or says that it has no answer."""

_HANGS: Final = NoAnswer(
    f"the driver has not returned within {READ_WITHIN_S} s; it has a defect"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a kind of device is read."""

    busy_s: float
    """While its connector is in use."""
    idle_s: float
    steady: bool = False
    """Each reading is an event, even one that says nothing new."""
    level: bool = False
    """When it was read means nothing to a session: only another reading is an event."""


# fmt: off
PACES: Final[dict[str, Pace]] = {
    # Busy paces are a third of the ages in core.permissive.MAX_AGE_S or less, and
    # whole beats.
    "vehicle":      Pace(0.15, 1.0),
    "contactor":    Pace(0.15, 1.0),
    "power_module": Pace(0.15, 1.0),
    "safety":       Pace(0.15, 1.0, level=True),
    "isolation":    Pace(0.5,  1.0),
    "meter":        Pace(0.25, 1.0, steady=True),
    "lock":         Pace(0.5,  1.0),
    "temperature":  Pace(1.0,  2.0),
    "supply":       Pace(0.15, 1.0, level=True),
    "reader":       Pace(2.0,  2.0),
    "bridge":       Pace(0.15, 1.0),
}
# fmt: on

_BESIDE: Final = frozenset({"contactor", "power_module", "meter"})
"""What the safety of a connector rests on beyond a bridge."""


@dataclass(slots=True)
class Health:
    """How one device has been answering."""

    failures: int = 0
    error: str | None = None
    seen_s: float | None = None

    @property
    def alive(self) -> bool:
        """Whether it can be relied on."""
        return self.failures < LOST_AFTER


class Senses:
    """Every sensor of the station, read for ever."""

    def __init__(
        self,
        devices: Devices,
        guard: Guard,
        report: Callable[[Event], None],
        monotonic: Callable[[], float],
        joins: Sequence[int] = (),
    ) -> None:
        """Take all devices; ``joins`` are the two connectors at a bridge."""
        self.health: dict[tuple[int, str], Health] = {}
        self._devices = devices
        self._guard = guard
        self._report = report
        self._monotonic = monotonic
        self._busy = {number: asyncio.Event() for number in devices.connectors}
        self._beside = {number: asyncio.Event() for number in devices.connectors}
        """Set while a connector, or its neighbor at a bridge, is in use."""
        self._any_busy = asyncio.Event()
        self._used: set[int] = set()
        self._charging: set[int] = set()
        self._joins = frozenset(joins)

    def set_busy(self, connector: int, busy: bool, *, charging: bool = False) -> None:
        """Read a connector's devices at the pace of its use.

        Some of its neighbor's at a bridge keep up: its safety rests on them.
        """
        (self._charging.add if charging else self._charging.discard)(connector)
        if busy is (connector in self._used):
            return
        self._used ^= {connector}
        _put(self._busy[connector], busy)
        for number, event in self._beside.items():
            beyond = self._joins if number in self._joins else frozenset()
            _put(event, not self._used.isdisjoint({number, *beyond}))
        _put(self._any_busy, bool(self._used))

    def sensed(self, connector: int, reading: Reading) -> None:
        """Take a reading from wherever it comes: guard first, then the inbox."""
        news = self._guard.learn(connector, reading)
        if news or self._matters(connector, FIELDS[type(reading)]):
            self._report(Sensed(connector, reading))

    def _matters(self, connector: int, kind: str) -> bool:
        """Tell whether a reading is an event even if it says the same again."""
        if kind == "contactor":
            # When they were seen open is asked only where they shall be.
            return connector in self._used and connector not in self._charging
        return self._event(connector, kind).is_set() and not PACES[kind].level

    async def run(self) -> None:
        """Read everything, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for connector, kind, device in self._all():
                read = self._poll(connector, kind, device.read)
                tasks.create_task(read, name=f"read {kind} {connector}")
                if hasattr(device, "changes"):
                    follow = self._follow(connector, kind, device.changes)
                    tasks.create_task(follow, name=f"follow {kind} {connector}")
                if hasattr(device, "tokens"):
                    present = self._tokens(connector, device.tokens)
                    tasks.create_task(present, name=f"tokens {connector}")

    def _all(self) -> list[tuple[int, str, Any]]:
        found = [(WHOLE_STATION, kind, self._devices.station) for kind in PACES]
        for number, connector in self._devices.connectors.items():
            found += [(number, kind, connector) for kind in PACES]  # type: ignore[misc]
        return [
            (number, kind, device)
            for number, kind, owner in found
            if (device := getattr(owner, kind, None)) is not None
        ]

    async def _poll(
        self, connector: int, kind: str, read: Callable[[], Awaitable[Reading | None]]
    ) -> None:
        pace = PACES[kind]
        health = self.health.setdefault((connector, kind), Health())
        busy = self._event(connector, kind)
        while True:
            try:
                async with asyncio.timeout(READ_WITHIN_S):
                    reading = await read()
            except HardwareError as error:
                self._failed(connector, kind, health, error)
            except TimeoutError:
                self._failed(connector, kind, health, _HANGS)
            else:
                self._answered(connector, kind, health)
                if reading is not None:
                    self._take(connector, reading, pace)
            if busy.is_set():
                await asyncio.sleep(rest_s(pace.busy_s))
            else:
                await came(busy, rest_s(pace.idle_s))

    def _take(self, connector: int, reading: Reading, pace: Pace) -> None:
        if pace.steady:
            self._guard.learn(connector, reading)
            self._report(Sensed(connector, reading))
        else:
            self.sensed(connector, reading)

    async def _follow(
        self, connector: int, kind: str, changes: Callable[[], AsyncIterator[Reading]]
    ) -> None:
        while True:
            try:
                async for reading in changes():
                    self.sensed(connector, reading)
            except HardwareError:
                # The poll of the same device finds out whether it is lost.
                await asyncio.sleep(PACES[kind].idle_s)

    async def _tokens(
        self, connector: int, tokens: Callable[[], AsyncIterator[Token]]
    ) -> None:
        while True:
            try:
                async for token in tokens():
                    self._report(TokenPresented(connector, token))
            except HardwareError:
                await asyncio.sleep(PACES["reader"].idle_s)

    def _failed(
        self, connector: int, kind: str, health: Health, error: HardwareError
    ) -> None:
        health.failures += 1
        health.error = str(error)
        if health.failures == LOST_AFTER:
            loss = Loss(str(error), implausible=isinstance(error, BadAnswer))
            self._report(DeviceLost(connector, kind, loss))

    def _answered(self, connector: int, kind: str, health: Health) -> None:
        was_alive = health.alive
        health.failures, health.error = 0, None
        health.seen_s = self._monotonic()
        if not was_alive:
            self._report(DeviceBack(connector, kind))

    def _event(self, connector: int, kind: str) -> asyncio.Event:
        if connector == WHOLE_STATION:
            return self._any_busy
        return (self._beside if kind in _BESIDE else self._busy)[connector]


def _put(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
