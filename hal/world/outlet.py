"""One connector of the simulated station: all that hangs on it, and its time."""

from collections.abc import Callable
from math import exp, inf
from random import Random
from typing import Final

from hal.values import Position, VehiclePhase
from hal.world.car import Battery
from hal.world.controller import Controller
from hal.world.faults import failed_modules
from hal.world.rectifiers import Rectifiers
from hal.world.register import Register, Shown
from hal.world.signing import Notary
from hal.world.travel import Bolt, Contacts

_BLOCKING: Final = frozenset(
    {"emergency-stop", "under-voltage", "module-over-temperature"}
)
_RISE_AT_500_A_K = 55.0
"""An uncooled CCS plug at the highest current of its standard."""
_WARMING_S = 600.0
_PLUG_VOLTS_PER_S_DOWN = 500.0
"""The resistor across the plug empties the cable within a second or two."""
_CHARGED_VOLTS_PER_S_DOWN = 2.0
"""What is left of that when the resistor is broken."""
_SURGES_V: Final = {"over-voltage": 400.0, "vehicle-over-voltage": 150.0}
"""Above the battery: what endangers any vehicle, and what none wants."""
_FRAME_S = 0.1
"""How often a controller tells a charging car's wishes."""


class Outlet:
    """Integrates from one look to the next, in long steps where little changes.

    All methods but ``advance`` act at ``now_s``, to which it was advanced last. An
    outlet with a neighbor beyond a bridge goes through time together with it.
    """

    def __init__(self, number: int, now_s: float, changed: Callable[[], None]) -> None:
        self.number = number
        self.now_s = now_s
        self.rate = 1.0
        self.dice = Random(number)
        self.rectifiers = Rectifiers()
        self.contacts = Contacts()
        self.register = Register()
        self.notary = Notary()
        self.controller = Controller(changed)
        self.bolt = Bolt()
        self.plug_warmth_k = 0.0
        self.plug_v = 0.0
        """Between the pins of the plug, on the vehicle's side of the contactors."""
        self.short_circuit = False
        self.surge_v = 0.0
        """How much the output is above the battery."""
        self._plug_volts_per_s_down = _PLUG_VOLTS_PER_S_DOWN
        self.bridge: Contacts | None = None
        self.neighbor: Outlet | None = None
        self._interlocked = True
        self._stopped = False

    def advance(self, to_s: float) -> None:
        """Let happen what happens until ``to_s``, on the process's own clock."""
        while self.now_s < to_s:
            until_s = min(to_s, *(outlet._stops_s() for outlet in self.wired))
            for outlet in self.wired:
                outlet._run((until_s - outlet.now_s) * outlet.rate)
            for outlet in self.wired:
                outlet.now_s = until_s
            self.settle()

    def settle(self) -> None:
        """Let follow what follows at once from what was just done."""
        for outlet in self.wired:
            outlet.rectifiers.expire(outlet.now_s)
            outlet.controller.look(outlet.now_s, outlet.position is Position.OPEN)
        for outlet in self.wired:
            outlet._level()
            outlet._level_plug()

    def _level(self) -> None:
        """Let the bus have one voltage, whoever feeds it."""
        consumer = self._consumer()
        battery = consumer._battery() if consumer else None
        if consumer is not None and battery is not None:
            voltage_v = battery.voltage_at_v(consumer.current_a)
            self.rectifiers.voltage_v = voltage_v + self.surge_v
            self.rectifiers.shorted = False
            return
        self.rectifiers.shorted = self.short_circuit and self._conducts
        if self.rectifiers.shorted:
            self.rectifiers.run(0.0, None)
            return
        self.rectifiers.current_a = 0.0
        if self._beyond is not None:
            # The group that is set higher makes the voltage.
            voltage_v = max(o.rectifiers.voltage_v for o in self.wired)
            self.rectifiers.voltage_v = voltage_v

    def _level_plug(self) -> None:
        """Let the plug have the voltage of what it is connected to."""
        car = self.controller.car
        if self._conducts:
            self.plug_v = self.rectifiers.voltage_v
        elif car is not None and car.closed:
            self.plug_v = car.battery.open_voltage_v

    def set_rate(self, rate: float) -> None:
        """Run ``rate`` times as fast from here on."""
        self.rate = rate
        self.controller.set_rate(rate, self.now_s)

    def interlock(self, closed: bool) -> None:
        """Give or take the supply of the coils, as a CCS controller's relay does."""
        if closed is not self._interlocked:
            self._interlocked = closed
            self._power_coils()

    def suffer(self, faults: frozenset[str]) -> None:
        """Be broken in these ways and in no others."""
        self.contacts.welded = "contactor-weld" in faults
        self.contacts.welded_unseen = "contactor-weld-hidden" in faults
        self.contacts.stuck_open = "contactor-open" in faults
        self._stopped = "emergency-stop" in faults
        self._power_coils()
        if self.bridge is not None:
            self.bridge.welded = "bridge-weld" in faults
            self.bridge.stuck_open = "bridge-open" in faults
            self.bridge.power("emergency-stop" not in faults, self.now_s)
        self.bolt.stuck = "lock-stuck" in faults
        modules = range(1, self.rectifiers.modules + 1)
        self.rectifiers.failed = failed_modules(faults).intersection(modules)
        self.rectifiers.blocked = not _BLOCKING.isdisjoint(faults)
        self.rectifiers.weak = "module-weak" in faults
        self.rectifiers.unruly = "over-current" in faults
        self.rectifiers.stuck = "current-stuck" in faults
        self.short_circuit = "short-circuit" in faults
        self.surge_v = sum(_SURGES_V.get(name, 0.0) for name in faults)
        charged = "plug-charged" in faults
        self._plug_volts_per_s_down = (
            _CHARGED_VOLTS_PER_S_DOWN if charged else _PLUG_VOLTS_PER_S_DOWN
        )
        self.register.skewed = "meter-spread" in faults
        self.register.flatters = "limit-exceeded" in faults
        self.register.freeze("meter-frozen" in faults, self.plug_v, self.current_a)
        self.settle()

    @property
    def wired(self) -> "tuple[Outlet, ...]":
        """The outlets that this one may share a bus with, itself first."""
        return (self,) if self.neighbor is None else (self, self.neighbor)

    @property
    def current_a(self) -> float:
        """What flows through the plug, from the groups at both ends of a bridge."""
        if self._battery() is None:
            return 0.0
        return self.rectifiers.current_a + self._beside_a

    @property
    def position(self) -> Position:
        """What the mirror contacts say."""
        return self.contacts.position(self.now_s)

    @property
    def shown(self) -> Shown:
        """What the billing meter shows."""
        return self.register.shows(self.plug_v, self.current_a)

    def vehicle_changes_s(self) -> float:
        """Return when the controller may have news, if nothing is done to it."""
        if self.controller.phase is VehiclePhase.CHARGING:
            return min(self._next_s(), self.now_s + _FRAME_S)
        return self._next_s()

    def _power_coils(self) -> None:
        self.contacts.power(self._interlocked and not self._stopped, self.now_s)

    def _next_s(self) -> float:
        moving = (
            [self.contacts] if self.bridge is None else [self.contacts, self.bridge]
        )
        arrives_s = [contacts.arrives_s for contacts in moving]
        return min(
            *(at_s if at_s > self.now_s else inf for at_s in arrives_s),
            self.rectifiers.lease_ends_s,
            self.controller.next_s(),
        )

    @property
    def _conducts(self) -> bool:
        return self.contacts.conduct(self.now_s)

    def _battery(self) -> Battery | None:
        car = self.controller.car
        if car and car.closed and self._conducts:
            return car.battery
        return None

    @property
    def _beyond(self) -> "Outlet | None":
        """The neighbor, while the bridge makes one bus of two."""
        if (
            self.bridge is None
            or self.bridge.position(self.now_s) is not Position.CLOSED
        ):
            return None
        return self.neighbor

    @property
    def _beside_a(self) -> float:
        return self._beyond.rectifiers.current_a if self._beyond else 0.0

    def _consumer(self) -> "Outlet | None":
        """Return the outlet whose battery this one's rectifiers feed."""
        if self._battery() is not None:
            return self
        beyond = self._beyond
        return beyond if beyond is not None and beyond._battery() is not None else None

    def _stops_s(self) -> float:
        """Return how far this outlet may go through time at once."""
        consumer = self._consumer()
        battery = consumer._battery() if consumer else None
        step_s = self.rectifiers.longest_step_s(battery, self._beside_a) / self.rate
        return min(self._next_s(), self.now_s + step_s)

    def _run(self, dt_s: float) -> None:
        consumer = self._consumer()
        battery = consumer._battery() if consumer else None
        energy_wh = self.rectifiers.run(dt_s, battery, self._beside_a)
        self.register.run(0.0, dt_s)
        # What another group feeds through a plug, that plug's meter counts.
        (consumer or self).register.run(energy_wh, 0.0)
        self.plug_v = max(self.plug_v - self._plug_volts_per_s_down * dt_s, 0.0)
        goal_k = _RISE_AT_500_A_K * (self.current_a / 500.0) ** 2
        fade = exp(-dt_s / _WARMING_S)
        self.plug_warmth_k = goal_k + (self.plug_warmth_k - goal_k) * fade
