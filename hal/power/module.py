"""What the rack knows of one module: only what the module itself has said."""

from math import inf
from typing import Final

from hal.power.family import BOUNDS, Condition, Quantity, Said

LOST_AFTER: Final = 3
"""So many questions in a row that were not answered make a module lost."""
_FRESH_S: Final = 0.5
_SPREAD_S: Final = 1.0
_TAKEN_S: Final = 5.0
"""How long an address is called taken after two answers to one question."""
_MEASURED: Final = frozenset(
    {Quantity.VOLTAGE_V, Quantity.CURRENT_A, Quantity.TEMPERATURE_C}
)


class Module:
    """One module of a rack."""

    def __init__(self, number: int, address: int, now_s: float) -> None:
        self.number = number
        """From 1, in the order of the station file."""
        self.address = address
        self.values: dict[Quantity, float] = {}
        self.output_s = -inf
        """When the older of voltage and current was said."""
        self.condition: Condition | None = None
        self.state_s = -inf
        self.heard_s = now_s
        """When it was heard last. Before we came, somebody else may have run it."""
        self.missed_questions = 0
        """How many in a row it has not answered, or not with sense."""
        self.missed_orders = 0
        self.told_off_s = -inf
        """When it was told to stop last."""
        self.waited: dict[int, int] = {}
        """How many answers of each code may still come."""
        self._nonsense: dict[int, str] = {}
        self._stamps = {Quantity.VOLTAGE_V: -inf, Quantity.CURRENT_A: -inf}
        self._unasked_s = -inf
        self._taken_s = -inf

    @property
    def lost(self) -> bool:
        """Whether it is silent, or cannot be believed."""
        return max(self.missed_questions, self.missed_orders) >= LOST_AFTER

    @property
    def healthy(self) -> bool:
        """Whether it can supply something."""
        condition = self.condition
        return not self.lost and not (condition is not None and condition.failed)

    @property
    def running(self) -> bool:
        """Whether its output is on, as far as is known."""
        return self.condition is not None and self.condition.running

    @property
    def needs_on(self) -> bool:
        """Whether it has not said that it runs since it was told to stop."""
        return not self.running or self.state_s < self.told_off_s

    @property
    def voltage_v(self) -> float:
        """What it said last."""
        return self.values.get(Quantity.VOLTAGE_V, 0.0)

    @property
    def current_a(self) -> float:
        """What it said last."""
        return self.values.get(Quantity.CURRENT_A, 0.0)

    @property
    def nonsense(self) -> str:
        """What it says that cannot be true; empty: nothing."""
        return next(iter(self._nonsense.values()), "")

    @property
    def known(self) -> bool:
        """Whether it has said, at some time, all that a reading is made of."""
        return self.condition is not None and self.values.keys() >= _MEASURED

    @property
    def ailment(self) -> str:
        """What is wrong with it."""
        if self.lost or self.condition is None:
            return "silent"
        return self.condition.words

    def __str__(self) -> str:
        """Name it for technicians."""
        return f"module {self.number} (address {self.address})"

    def surely_off(self, now_s: float, watchdog_s: float) -> bool:
        """Whether its own watchdog must have switched it off by now."""
        return self.lost and now_s - self.heard_s > watchdog_s

    def address_taken(self, now_s: float) -> bool:
        """Whether two modules answer to its address, or it says so itself."""
        told = self.condition is not None and self.condition.address_taken
        return told or now_s - self._taken_s < _TAKEN_S

    def hear(self, said: Said, now_s: float) -> bool:
        """Take what it says; return whether it can be believed."""
        self._count(said.code, now_s)
        for quantity, value in said.values.items():
            low, high = BOUNDS[quantity]
            if not low <= value <= high:
                name = quantity.name.lower()
                self._nonsense[said.code] = f"{self} says {name} = {value:g}"
                return False
        self._nonsense.pop(said.code, None)
        self.heard_s = now_s
        self.values.update(said.values)
        self._stamp(said, now_s)
        if said.condition is not None:
            self.condition = said.condition
            self.state_s = now_s
        if self.lost and now_s - min(self.output_s, self.state_s) < _FRESH_S:
            # It is back, and all of it is known.
            self.missed_questions = self.missed_orders = 0
        return True

    def _stamp(self, said: Said, now_s: float) -> None:
        for quantity in self._stamps.keys() & said.values.keys():
            self._stamps[quantity] = now_s
            self.output_s = min(self._stamps.values())

    def _count(self, code: int, now_s: float) -> None:
        waited = self.waited.get(code, 0)
        if waited:
            self.waited[code] = waited - 1
            return
        # One may be a leftover of whoever used the bus before us.
        if now_s - self._unasked_s < _SPREAD_S:
            self._taken_s = now_s
        self._unasked_s = now_s
