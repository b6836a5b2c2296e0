"""One connector of the simulated station: all that hangs on it, and its time."""

from collections.abc import Callable
from math import exp, inf
from random import Random
from typing import Final

from hal.mock.car import Battery
from hal.mock.controller import Controller
from hal.mock.faults import failed_modules
from hal.mock.rectifiers import Rectifiers
from hal.mock.register import Register, Shown
from hal.mock.travel import Bolt, Contacts
from hal.values import Position, VehiclePhase

_BLOCKING: Final = frozenset(
    {"emergency-stop", "under-voltage", "module-over-temperature"}
)
_RISE_AT_500_A_K = 55.0
"""An uncooled CCS plug at the highest current of its standard."""
_WARMING_S = 600.0
_FRAME_S = 0.1
"""How often a controller tells a charging car's wishes."""


class Outlet:
    """Integrates from one look to the next, in long steps where little changes.

    All methods but ``advance`` act at ``now_s``, to which it was advanced last.
    """

    def __init__(self, number: int, now_s: float, changed: Callable[[], None]) -> None:
        self.number = number
        self.now_s = now_s
        self.rate = 1.0
        self.dice = Random(number)
        self.rectifiers = Rectifiers()
        self.contacts = Contacts()
        self.register = Register()
        self.controller = Controller(changed)
        self.bolt = Bolt()
        self.plug_warmth_k = 0.0

    def advance(self, to_s: float) -> None:
        """Let happen what happens until ``to_s``, on the process's own clock."""
        while self.now_s < to_s:
            step_s = self.rectifiers.longest_step_s(self._battery()) / self.rate
            until_s = min(to_s, self._next_s(), self.now_s + step_s)
            self._run((until_s - self.now_s) * self.rate)
            self.now_s = until_s
            self.settle()

    def settle(self) -> None:
        """Let follow what follows at once from what was just done."""
        self.rectifiers.expire(self.now_s)
        self.controller.look(self.now_s, self.position is Position.OPEN)
        if self._battery() is None:
            self.rectifiers.current_a = 0.0

    def set_rate(self, rate: float) -> None:
        """Run ``rate`` times as fast from here on."""
        self.rate = rate
        self.controller.set_rate(rate, self.now_s)

    def suffer(self, faults: frozenset[str]) -> None:
        """Be broken in these ways and in no others."""
        self.contacts.welded = "contactor-weld" in faults
        self.contacts.stuck_open = "contactor-open" in faults
        self.contacts.power("emergency-stop" not in faults, self.now_s)
        self.bolt.stuck = "lock-stuck" in faults
        modules = range(1, self.rectifiers.modules + 1)
        self.rectifiers.failed = failed_modules(faults).intersection(modules)
        self.rectifiers.blocked = not _BLOCKING.isdisjoint(faults)
        self.register.freeze(
            "meter-frozen" in faults,
            self.rectifiers.voltage_v,
            self.rectifiers.current_a,
        )
        self.settle()

    @property
    def position(self) -> Position:
        """What the mirror contacts say."""
        return self.contacts.position(self.now_s)

    @property
    def shown(self) -> Shown:
        """What the billing meter shows."""
        return self.register.shows(self.rectifiers.voltage_v, self.rectifiers.current_a)

    def vehicle_changes_s(self) -> float:
        """Return when the controller may have news, if nothing is done to it."""
        if self.controller.phase is VehiclePhase.CHARGING:
            return min(self._next_s(), self.now_s + _FRAME_S)
        return self._next_s()

    def _next_s(self) -> float:
        arrives_s = self.contacts.arrives_s
        return min(
            arrives_s if arrives_s > self.now_s else inf,
            self.rectifiers.lease_ends_s,
            self.controller.next_s(),
        )

    def _battery(self) -> Battery | None:
        car = self.controller.car
        if car and car.closed and self.position is Position.CLOSED:
            return car.battery
        return None

    def _run(self, dt_s: float) -> None:
        energy_wh = self.rectifiers.run(dt_s, self._battery())
        self.register.run(energy_wh, dt_s)
        goal_k = _RISE_AT_500_A_K * (self.rectifiers.current_a / 500.0) ** 2
        fade = exp(-dt_s / _WARMING_S)
        self.plug_warmth_k = goal_k + (self.plug_warmth_k - goal_k) * fade
