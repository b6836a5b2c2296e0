"""What a plug shows whose contactors are open: a charge that stays, or a weld."""

from collections.abc import Iterator
from typing import Final

from chargerd.core.permissive import TOUCHABLE_V
from chargerd.core.session import Session
from hal.values import MeterReading, Position, PowerReading

DISCHARGED_WITHIN_S: Final = 5.0
"""A plug is below ``TOUCHABLE_V`` so long after its contactors opened."""

SETTLED_S: Final = 2.0
"""So long after that both sides of open contactors may still fall together."""

FOLLOWED_S: Final = 1.0
"""After that, a plug that has the voltage of the modules for so long is joined."""

RISEN_S: Final = 0.3
"""So is one that was dead and has risen with the modules, after so long."""

_ALIKE_V: Final = 50.0
"""While voltages rise, readings that follow each other differ."""
_TOGETHER_S: Final = 1.5
"""Measurements that are further apart in time are not compared."""


class DeadPlug:
    """Knows which plugs were dead, and since when each has followed the modules."""

    def __init__(self) -> None:
        self._dead: set[int] = set()
        self._since_s: dict[int, float] = {}

    def faults(self, session: Session) -> Iterator[tuple[str, str]]:
        """Yield the faults that the voltages of a connector show, and their values."""
        number, meter = session.connector, session.facts.meter
        if meter is None or not _open(session) or meter.at_s <= session.opened_s:
            self._dead.discard(number)
            self._since_s.pop(number, None)
            return
        if meter.voltage_v < TOUCHABLE_V:
            self._dead.add(number)
        if self._charged(number, meter, session.opened_s):
            limit = f"{TOUCHABLE_V:.0f} V after {DISCHARGED_WITHIN_S:.0f} s"
            yield "discharge", f"{meter.voltage_v:.0f} V of {limit}"
        if self._follows(session, meter):
            yield "contactor-weld", f"mirrors open, plug at {meter.voltage_v:.0f} V"

    def is_dead(self, connector: int) -> bool:
        """Tell whether a plug was measured dead since its contactors opened."""
        return connector in self._dead

    def _charged(self, number: int, meter: MeterReading, opened_s: float) -> bool:
        late = meter.at_s > opened_s + DISCHARGED_WITHIN_S
        return late and number not in self._dead

    def _follows(self, session: Session, meter: MeterReading) -> bool:
        number, module = session.connector, session.facts.power_module
        if module is None or not _alike(module, meter):
            self._since_s.pop(number, None)
            return False
        seen_s, lasting_s = max(module.at_s, meter.at_s), RISEN_S
        since_s = self._since_s.setdefault(number, seen_s)
        if number not in self._dead:
            since_s, lasting_s = max(since_s, session.opened_s + SETTLED_S), FOLLOWED_S
        return seen_s - since_s >= lasting_s


def _alike(module: PowerReading, meter: MeterReading) -> bool:
    return (
        abs(module.at_s - meter.at_s) <= _TOGETHER_S
        and min(module.voltage_v, meter.voltage_v) >= TOUCHABLE_V
        and abs(module.voltage_v - meter.voltage_v) <= _ALIKE_V
    )


def _open(session: Session) -> bool:
    contactor = session.facts.contactor
    return (
        session.contactors_open
        and contactor is not None
        and contactor.position is Position.OPEN
    )
