"""The hands of whoever plays with the simulated station, and its settings."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from string import hexdigits

from hal.bounds import check
from hal.resources import Place
from hal.values import Token
from hal.world import faults
from hal.world.car import Battery, Car
from hal.world.controller import Pace
from hal.world.memory import opened
from hal.world.outlet import Outlet
from hal.world.site import Settings, World, world_of

_MODULES = 5  # in a group whose driver has not been connected
_FASTEST = 10_000.0
_FULL_REGISTER_WH = 10**12
_AT_READERS = "reader-silent"
_EVCCID_DIGITS = 12
_UID_DIGITS = (8, 10, 14, 20)
"""ISO 14443 knows identifiers of four, seven and ten bytes, EM4100 tags have five."""


@dataclass(frozen=True, slots=True)
class Config:
    """The world: times in seconds of its own time."""

    seed: int = 1
    """Of all that is left to chance."""
    rate: float = 1.0
    """How many seconds pass in one second of the daemon."""
    state: str = ""
    """The file that registers and plugged cars are kept in; empty: none."""
    ambient_c: float = 20.0
    """How warm it is outside."""
    handshake_s: float = 1.5
    """From the plug to the question who pays."""
    cable_check_s: float = 2.0
    """How long a car waits under the voltage of the cable check."""
    ready_s: float = 0.5
    """From the pre-charge to the first current."""
    welding_check_s: float = 0.5
    """How long a car looks for welds."""

    def __post_init__(self) -> None:
        """Refuse a rate at which time would stand still or run away."""
        check("rate", self.rate, 1 / _FASTEST, _FASTEST)


class Simulation:
    """Implements :class:`hal.interfaces.Simulation` on the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cars = 0

    def plug(
        self,
        connector: int,
        *,
        soc_percent: float = 20.0,
        capacity_wh: float = 77_000.0,
        max_power_w: float = 150_000.0,
        max_voltage_v: float = 800.0,
        evccid: str | None = None,
    ) -> None:
        outlet = self._at(connector)
        if outlet.controller.car:
            raise ValueError(
                f"connector: {connector} has a car on the plug; unplug it first"
            )
        check("soc_percent", soc_percent, 0.0, 100.0)
        check("capacity_wh", capacity_wh, 100.0, 10_000_000.0)
        check("max_power_w", max_power_w, 100.0, 10_000_000.0)
        check("max_voltage_v", max_voltage_v, 200.0, 1000.0)
        battery = Battery(
            capacity_wh=capacity_wh,
            energy_wh=capacity_wh * soc_percent / 100,
            max_power_w=max_power_w,
            max_voltage_v=max_voltage_v,
        )
        name = self._new_evccid() if evccid is None else _evccid(evccid)
        outlet.controller.plug(Car(battery, name), outlet.now_s)
        self._world.change(outlet)

    def unplug(self, connector: int) -> None:
        outlet = self._at(connector)
        outlet.controller.plug(None, outlet.now_s)
        self._world.change(outlet)

    def present(self, uid: str, connector: int | None = None) -> None:
        digits = uid.upper()
        if len(digits) not in _UID_DIGITS or not set(digits) <= set(hexdigits):
            raise ValueError(f"uid: {uid!r} is not 8, 10, 14 or 20 hex digits")
        reader = self._reader(connector)
        if not self._world.faults.has("reader-silent", reader):
            field = self._world.readers[reader]
            field.append((self._world.monotonic(), Token(digits)))
            self._world.ring()

    def pause(self, connector: int) -> None:
        self._ask(connector, False)

    def resume(self, connector: int) -> None:
        self._ask(connector, True)

    def set_fault(self, name: str, on: bool, connector: int | None = None) -> None:
        known = self.faults()
        if name not in known:
            raise ValueError(f"name: no fault {name!r}; known: {', '.join(known)}")
        for number in self._afflicted(name, connector):
            self._world.faults.put(name, on, number)
        for number in self._world.outlets:
            outlet = self._at(number)
            outlet.suffer(self._world.faults.at(number))
            self._world.change(outlet)
        self._world.ring()

    def faults(self) -> tuple[str, ...]:
        groups = (o.rectifiers.modules for o in self._world.outlets.values())
        known = faults.names(max(groups, default=_MODULES))
        return tuple(dict.fromkeys((*known, *self._world.faults.offered)))

    def set_rate(self, factor: float) -> None:
        check("factor", factor, 1 / _FASTEST, _FASTEST)
        self._world.set_rate(factor)

    def set_register(self, connector: int, energy_wh: int) -> None:
        check("energy_wh", energy_wh, 0, _FULL_REGISTER_WH)
        outlet = self._at(connector)
        outlet.register.energy_wh = float(energy_wh)
        self._world.change(outlet)

    def set_power(self, connector: int, power_w: float | None) -> None:
        if power_w is not None:
            check("power_w", power_w, 0.0, 10_000_000.0)
        outlet = self._at(connector)
        outlet.register.forced_w = power_w
        self._world.change(outlet)

    def _ask(self, connector: int, asks: bool) -> None:
        outlet = self._at(connector)
        if outlet.controller.car is None:
            raise ValueError(f"connector: {connector} has no car; plug one in first")
        outlet.controller.car.asks = asks
        self._world.change(outlet)

    def _at(self, connector: int) -> Outlet:
        known = self._world.outlets
        if connector not in known:
            raise ValueError(
                f"connector: no connector {connector}; known: {_list(known)}"
            )
        self._world.catch_up(known[connector])
        return known[connector]

    def _reader(self, connector: int | None) -> int:
        readers = self._world.readers
        if connector is None and len(readers) == 1:
            return next(iter(readers))
        if connector is not None and connector in readers:
            return connector
        place = "the station has no single reader"
        if connector is not None:
            place = f"connector {connector} has no reader"
        raise ValueError(f"connector: {place}; readers are at: {_list(readers)}")

    def _afflicted(self, name: str, connector: int | None) -> Iterable[int]:
        if name in faults.STATION:
            if connector:
                raise ValueError(
                    f"connector: {name} is the station's; leave the connector out"
                )
            return (0,)
        places = self._world.readers if name == _AT_READERS else self._world.outlets
        if connector is None:
            return tuple(places)
        if connector not in places:
            raise ValueError(
                f"connector: {connector} cannot have {name}; these can: {_list(places)}"
            )
        return (connector,)

    def _new_evccid(self) -> str:
        self._cars += 1
        dice = Random(f"{self._world.settings.seed} car {self._cars}")
        return f"02{dice.getrandbits(40):010X}"


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Simulation]:
    """Set the world up; a mock device works without it, on the defaults.

    Raises:
        HardwareError: The state file cannot be opened.
    """
    world = await world_of(place)
    pace = Pace(
        handshake_s=config.handshake_s,
        cable_check_s=config.cable_check_s,
        ready_s=config.ready_s,
        welding_check_s=config.welding_check_s,
    )
    settings = Settings(config.seed, config.rate, config.ambient_c, pace)
    with opened(config.state) as memory:
        world.configure(settings, memory)
        try:
            yield Simulation(world)
        finally:
            world.forget()


def _evccid(text: str) -> str:
    digits = text.replace(":", "").upper()
    if len(digits) != _EVCCID_DIGITS or not set(digits) <= set(hexdigits):
        raise ValueError(f"evccid: {text!r} is not a MAC address of 12 hex digits")
    return digits


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)) or "none"
