"""Modules with two ranges of voltage: their halves in series, or side by side.

The range can only be changed while they are off, and takes its time. The high range
gives every voltage, the low one more current.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from math import inf
from typing import Final

from hal.power.family import Quantity, Request
from hal.power.rack import Rack
from hal.values import PowerRating, PowerReading, Setpoint

_REMEMBERED_S: Final = 30.0
"""A pause within a session is shorter: it does not change the range downwards."""


Select = Callable[[int, int], Request]
"""Makes what puts a module, by its address, into a range."""


class Plan(IntEnum):
    """Which range to be in."""

    HIGH = 1
    LOW = 2
    AUTOMATIC = 3
    BY_VOLTAGE = 0


class RangedRack:
    """A rack that is put into the right range before it supplies; a ``PowerModule``.

    While the range changes, ``supply`` returns and the output stays at zero.
    """

    def __init__(
        self,
        rack: Rack,
        select: Select,
        plan: Plan,
        low_max_v: float,
        pause_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._rack = rack
        self._select = select
        self._plan = plan
        self._low_max_v = low_max_v
        self._pause_s = pause_s
        self._monotonic = monotonic
        self._ran_s = -inf
        self._off_s: float | None = monotonic()
        self._selected_s = -inf

    @property
    def rating(self) -> PowerRating:
        rating = self._rack.rating
        if self._plan is not Plan.LOW:
            return rating
        low_v = min(rating.max_voltage_v, self._low_max_v)
        return replace(rating, max_voltage_v=low_v)

    async def supply(self, setpoint: Setpoint) -> None:
        voltage_v = min(setpoint.voltage_v, self.rating.max_voltage_v)
        if not 0.0 < voltage_v >= self.rating.min_voltage_v:
            await self.switch_off()
        elif self._is_in(self._wanted(voltage_v)):
            self._ran_s, self._off_s = self._monotonic(), None
            await self._rack.supply(replace(setpoint, voltage_v=voltage_v))
        else:
            await self._change(self._wanted(voltage_v))

    async def shut_off(self) -> None:
        self._note_off()
        await self._rack.shut_off()

    async def read(self) -> PowerReading:
        return await self._rack.read()

    async def switch_off(self) -> None:
        self._note_off()
        await self._rack.switch_off()

    def _note_off(self) -> None:
        if self._off_s is None:
            self._off_s = self._monotonic()

    def _wanted(self, voltage_v: float) -> int:
        if self._plan is not Plan.BY_VOLTAGE:
            return self._plan
        lately = self._monotonic() - self._ran_s < _REMEMBERED_S
        if voltage_v > self._low_max_v or (lately and self._is_in(Plan.HIGH)):
            return Plan.HIGH
        return Plan.LOW

    def _is_in(self, range_: int) -> bool:
        settled = self._monotonic() - self._selected_s >= self._pause_s
        ranges = self._rack.values(Quantity.RANGE).values()
        return settled and all(each == range_ for each in ranges)

    async def _change(self, range_: int) -> None:
        """Do the next step: off, a pause, the new range, another pause."""
        now_s = self._monotonic()
        if self._off_s is None:
            await self.switch_off()
        elif min(now_s - self._off_s, now_s - self._selected_s) >= self._pause_s:
            self._selected_s = now_s
            addresses = self._rack.values(Quantity.RANGE)
            await self._rack.command([self._select(each, range_) for each in addresses])
