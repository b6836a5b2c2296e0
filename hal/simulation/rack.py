"""The modules of one connector, simulated one by one, whatever language they speak.

Together they are the world's rectifiers. Each enforces what real ones do: it refuses
voltages that it cannot make, ramps as the world does, and switches itself off when it
has heard no controller for a while.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final, NamedTuple, Protocol

from hal.values import PowerRating, Setpoint
from hal.wire.frame import Frame
from hal.world.outlet import Outlet
from hal.world.site import World

LATE_S: Final = 0.15
"""Longer than a driver waits for a module."""
_SWITCHED_OFF_AT_C: Final = 95.0
FLOOD: Final = "module-flood"
"""The world's fault of a module whose transceiver talks all the time."""
_FLOOD_S: Final = 0.005
_NOISE: Final = (Frame(0x0757F800, bytes(8)),) * 4
"""Together a bus of 125 kbit/s that is never silent; nobody here is meant."""
_UNEARTHLY_A: Final = 1_000_000.0
_LEAST_WATCH_S: Final = 0.1


class Kind(StrEnum):
    """How one module can misbehave; the world's fault is ``module-NUMBER-KIND``."""

    SILENT = "silent"  # its cable is out: it neither hears nor answers
    LATE = "late"
    FROZEN = "frozen"  # measures what it measured when this began
    WRONG_ADDRESS = "wrong-address"
    DOUBLE = "double"  # another module answers at the same address
    REPEATED = "address-repeated"  # it has noticed another one, and says so
    STUCK_ON = "stuck-on"  # takes every order to stop, and does not stop
    REFUSES = "refuses"
    NONSENSE = "nonsense"  # measures what cannot be


class Bus(Protocol):
    """What modules are on; :class:`hal.simulation.can_adapter.CanAdapter` is one."""

    def attach(self, take: Callable[[Frame], None]) -> None:
        """Put a device on the bus."""

    def detach(self, take: Callable[[Frame], None]) -> None:
        """Take a device off the bus."""

    def send(self, frame: Frame) -> None:
        """Let the controller hear a device."""


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What one module can do."""

    min_voltage_v: float = 150.0
    max_voltage_v: float = 1000.0
    max_current_a: float = 100.0
    max_power_w: float = 30_000.0

    def times(self, count: int) -> PowerRating:
        """Return what so many of them can do together."""
        return PowerRating(
            self.min_voltage_v,
            self.max_voltage_v,
            self.max_current_a * count,
            self.max_power_w * count,
        )


class Sight(NamedTuple):
    """What a module measures and says of itself."""

    voltage_v: float
    current_a: float
    temperature_c: float
    running: bool
    failed: bool
    over_temperature: bool
    under_voltage: bool
    address_repeated: bool


class Module:
    """One simulated module."""

    def __init__(self, number: int, address: int) -> None:
        self.number = number
        self.address = address
        self.on = False
        self.voltage_v = 0.0
        """What it was told, as is the current."""
        self.current_a = 0.0
        self.heard_s = -inf
        self.part = 0.0
        """Its share of what the rack gives."""
        self.frozen: Sight | None = None


class Rack:
    """The modules of one connector on one bus."""

    def __init__(
        self,
        world: World,
        outlet: Outlet,
        bus: Bus,
        addresses: Sequence[int],
        nameplate: Nameplate,
        watchdog_s: float,
    ) -> None:
        count = len(addresses)
        self.nameplate = nameplate
        self.modules = tuple(
            Module(number, address) for number, address in enumerate(addresses, 1)
        )
        self._world = world
        self._outlet = outlet
        self._bus = bus
        self._watchdog_s = watchdog_s
        self._loop = asyncio.get_running_loop()
        self._take: Callable[[Frame], None] | None = None
        self._bite: asyncio.TimerHandle | None = None
        self._flood: asyncio.TimerHandle | None = None
        outlet.rectifiers.modules = count
        outlet.rectifiers.rating = nameplate.times(count)
        world.faults.offer([FLOOD])
        world.faults.offer(
            f"module-{number}-{kind}" for number in range(1, count + 1) for kind in Kind
        )

    def does(self, module: Module, kind: Kind) -> bool:
        """Return whether a module misbehaves in this way now."""
        name = f"module-{module.number}-{kind}"
        return self._world.faults.has(name, self._outlet.number)

    def hears(self, module: Module) -> bool:
        """Return whether a frame reaches a module; its watchdog begins anew."""
        silent = self._world.faults.has("module-silent", self._outlet.number)
        if silent or self.does(module, Kind.SILENT):
            return False
        module.heard_s = self._world.monotonic()
        if self._flood is None:
            self._babble()
        return True

    def aim(self, module: Module, voltage_v: float, current_a: float) -> bool:
        """Take a set-point; return false if the module cannot make that voltage."""
        plate = self.nameplate
        if not plate.min_voltage_v <= voltage_v <= plate.max_voltage_v:
            return False
        module.voltage_v = voltage_v
        self.limit(module, current_a)
        return True

    def limit(self, module: Module, current_a: float) -> None:
        """Take a current; more than the module can give is what it can give."""
        module.current_a = min(current_a, self.nameplate.max_current_a)
        self._apply()

    def switch(self, module: Module, on: bool) -> None:
        """Switch the output of a module; off, it forgets what it was told."""
        if not on and self.does(module, Kind.STUCK_ON):
            return
        module.on = on
        if not on:
            module.voltage_v = module.current_a = 0.0
        self._apply()
        if on and self._bite is None:
            self._watch()

    def sight(self, module: Module) -> Sight:
        """Return what a module measures and says of itself at this moment."""
        self._world.catch_up(self._outlet)
        seen = self._seen(module)
        if self.does(module, Kind.NONSENSE):
            seen = seen._replace(current_a=_UNEARTHLY_A)
        if not self.does(module, Kind.FROZEN):
            module.frozen = None
        elif module.frozen is None:
            module.frozen = seen
        return module.frozen or seen

    def say(self, module: Module, frame_of: Callable[[int], Frame]) -> None:
        """Let a module answer; ``frame_of`` makes the frame of an address."""
        address = module.address
        if self.does(module, Kind.WRONG_ADDRESS):
            address ^= 0x10
        frame = frame_of(address)
        for _ in range(2 if self.does(module, Kind.DOUBLE) else 1):
            if self.does(module, Kind.LATE):
                self._loop.call_later(LATE_S, self._bus.send, frame)
            else:
                self._bus.send(frame)

    def listen(self, take: Callable[[Frame], None]) -> None:
        """Let the modules hear what is said on the bus, until they are taken away."""
        self._bus.attach(take)
        self._take = take

    def close(self) -> None:
        """Take the modules off the bus."""
        if self._take is not None:
            self._bus.detach(self._take)
        for timer in (self._bite, self._flood):
            if timer is not None:
                timer.cancel()

    def _seen(self, module: Module) -> Sight:
        rectifiers, faults = self._outlet.rectifiers, self._world.faults
        number = self._outlet.number
        hot = faults.has("module-over-temperature", number)
        low = faults.has("under-voltage", number)
        dead = module.number in rectifiers.failed
        temperature_c = self._world.settings.ambient_c + rectifiers.warmth_k
        return Sight(
            voltage_v=rectifiers.voltage_v,
            current_a=rectifiers.current_a * module.part,
            temperature_c=max(temperature_c, _SWITCHED_OFF_AT_C * hot),
            running=module.on and not dead and not rectifiers.blocked,
            failed=dead or hot or low,
            over_temperature=hot,
            under_voltage=low,
            address_repeated=self.does(module, Kind.REPEATED),
        )

    def _apply(self) -> None:
        """Let the world's rectifiers do what the modules together do."""
        now_s = self._world.catch_up(self._outlet)
        rectifiers = self._outlet.rectifiers
        running = [
            m for m in self.modules if m.on and m.number not in rectifiers.failed
        ]
        if running:
            volts = max(rectifiers.voltage_v, self.nameplate.min_voltage_v)
            most_a = self.nameplate.max_power_w / volts
            parts = {m.number: min(m.current_a, most_a) for m in running}
            total_a = sum(parts.values())
            for module in self.modules:
                own_a = parts.get(module.number, 0.0)
                module.part = own_a / total_a if total_a else 1 / len(self.modules)
            voltage_v = max(module.voltage_v for module in running)
            rectifiers.supply(Setpoint(voltage_v, total_a, inf), now_s)
        else:
            rectifiers.cut()
        self._world.change(self._outlet)

    def _watch(self) -> None:
        """Switch off whoever has heard nobody for too long."""
        self._bite = None
        now_s = self._world.monotonic()
        for module in self.modules:
            if module.on and now_s - module.heard_s >= self._watchdog_s:
                self.switch(module, False)
        heard_s = [m.heard_s for m in self.modules if m.on]
        if heard_s:
            wait_s = max(min(heard_s) + self._watchdog_s - now_s, _LEAST_WATCH_S)
            self._bite = self._loop.call_later(wait_s, self._watch)

    def _babble(self) -> None:
        self._flood = None
        if self._world.faults.has(FLOOD, self._outlet.number):
            for frame in _NOISE:
                self._bus.send(frame)
            self._flood = self._loop.call_later(_FLOOD_S, self._babble)
