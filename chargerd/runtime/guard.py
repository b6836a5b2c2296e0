"""The second, shorter path: it can only take energy away.

Facts come here straight from the senses, before the inbox, and are put to
``core.permissive`` on every edge and every tick. Where it says no, the hands cut
at once, without the inbox, the disk or the CSMS.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from chargerd.core.events import WHOLE_STATION, GuardCut
from chargerd.core.permissive import (
    FIELDS,
    Facts,
    Junction,
    Switch,
    learned,
    refusals,
    surely_open,
)
from chargerd.core.supervision import LATE, Broken, Tolerances, Watch
from chargerd.runtime.beat import BEAT_S, rest_s
from chargerd.runtime.waiting import came
from hal.values import (
    BridgeReading,
    ContactorReading,
    MeterReading,
    PowerReading,
    Reading,
    Setpoint,
    VehicleReading,
)

TICK_S: Final = BEAT_S
"""While anything is live: how often the ages of all facts are looked at."""
IDLE_TICK_S: Final = 0.25
"""While nothing is live there is nothing to cut; the tick only proves life."""

HAND_WITHIN_S: Final = 0.4
"""A hand that has not gone on for longer hangs in a driver. The slowest command of a
live connector takes 0.3 s; after 0.5 s the CCS controller breaks off by itself, and the
true reason would be lost."""

STALL_S: Final = 0.1
"""A tick that is later means that nothing at all had its turn."""

_WATCHED: Final = (MeterReading, PowerReading, VehicleReading)
"""The readings that the rules of ``core.supervision`` are about."""


class Cutter(Protocol):
    """What the guard can do."""

    def live(self, connector: int) -> bool:
        """Tell whether anything there can put voltage on the plug."""

    def beat_s(self, connector: int) -> float:
        """Return when the hand there last went on."""

    def cut_now(self, connector: int) -> None:
        """Take all energy away, without waiting for anything."""


class Guard:
    """Holds the latest facts of every connector and judges them."""

    def __init__(
        self,
        fitted: Mapping[int, frozenset[str]],
        monotonic: Callable[[], float],
        report: Callable[[GuardCut], None],
        joins: Sequence[int] = (),
        tolerances: Tolerances = Tolerances(),  # noqa: B008 -- it is frozen
    ) -> None:
        """Begin with nothing known.

        Args:
            fitted: The kinds of device that each connector depends on.
            monotonic: The clock that stamps the readings.
            report: Takes what was cut.
            joins: The two connectors at a bridge; empty: there is none.
            tolerances: How far measurements may be apart.
        """
        self.facts = {number: Facts(kinds) for number, kinds in fitted.items()}
        self._beyond = dict(zip(joins, reversed(joins), strict=True))
        self._watches = {number: Watch(tolerances) for number in fitted}
        self._switches = dict.fromkeys((WHOLE_STATION, *fitted), Switch())
        self.ticked_s = monotonic()
        self._monotonic = monotonic
        self._report = report
        self._cutter: Cutter | None = None
        self._cut: set[int] = set()
        self._wake = asyncio.Event()
        self._stalled_s = monotonic()
        """When the loop last went on after it had stood still."""

    def hold(self, cutter: Cutter) -> None:
        """Take the hands that cut."""
        self._cutter = cutter

    def learn(self, connector: int, reading: Reading) -> bool:
        """Take a reading, judge it at once, and return whether it says anything new."""
        numbers = tuple(self.facts) if connector == WHOLE_STATION else (connector,)
        before = getattr(self.facts[numbers[0]], FIELDS[type(reading)])
        news = before is None or replace(before, at_s=reading.at_s) != reading
        if isinstance(reading, ContactorReading | BridgeReading):
            known = self._switches[connector]
            self._switches[connector] = replace(known, reading=reading)
        for number in numbers:
            self.facts[number] = learned(self.facts[number], reading)
            if isinstance(reading, _WATCHED):
                self._follow(number)
        for number in self._meant(connector, reading):
            self._judge(number)
        return news

    def _meant(self, connector: int, reading: Reading) -> tuple[int, ...]:
        """Return the connectors whose safety may rest on a reading."""
        if connector == WHOLE_STATION:
            return tuple(self.facts)
        beyond = self._beyond.get(connector)
        if beyond is None or not isinstance(reading, ContactorReading):
            return (connector,)
        return connector, beyond

    def closing(self, connector: int) -> None:
        """Take note that contactors, or the bridge as 0, are about to close."""
        known = self._switches[connector]
        self._switches[connector] = replace(known, told_closed=True)
        self._wake.set()

    def settled(self, connector: int, *, closed: bool) -> None:
        """Take note of how a command to contactors, or to the bridge as 0, ended."""
        self._switches[connector] = replace(
            self._switches[connector], told_closed=closed, moved_s=self._monotonic()
        )

    def testing(self, connector: int, *, on: bool) -> None:
        """Take note that an insulation monitor tests itself: its doubts are none."""
        self.facts[connector] = replace(self.facts[connector], testing=on)

    def supplied(self, connector: int, setpoint: Setpoint) -> None:
        """Take note of what power modules are about to be told."""
        self._watches[connector].tell(setpoint, self._monotonic())

    def switch(self, connector: int) -> Switch:
        """Return contactors, or the bridge as 0, as they were told and read."""
        return self._switches[connector]

    def now_s(self) -> float:
        """Return the time on the clock that stamps the readings."""
        return self._monotonic()

    def refusals(self, connector: int) -> tuple[str, ...]:
        """Return why energy may not flow at a connector; nothing: it may."""
        junction = None
        if connector in self._beyond:
            neighbor = self.switch(self._beyond[connector])
            junction = Junction(self.switch(WHOLE_STATION), neighbor)
        return refusals(self.facts[connector], self._monotonic(), junction)

    async def run(self) -> None:
        """Look at the ages of all facts, for ever."""
        while True:
            self._tick()
            live = [number for number in self.facts if self._live(number)]
            for number in live:
                self._judge(number)
            if live:
                await asyncio.sleep(rest_s(TICK_S))
            else:
                self._wake.clear()
                await came(self._wake, rest_s(IDLE_TICK_S))

    def _tick(self) -> None:
        now_s = self._monotonic()
        if now_s - self.ticked_s > STALL_S:
            self._stalled_s = now_s
        self.ticked_s = now_s

    def _judge(self, connector: int) -> None:
        if not self._live(connector):
            self._cut.discard(connector)
            self._watches[connector].rest()
            return
        now_s = self._monotonic()
        lasting = self._watches[connector].lasting(now_s) + self._late(connector)
        refused = (*(each.fault for each in lasting), *self.refusals(connector))
        if refused and self._cutter is not None and connector not in self._cut:
            self._cut.add(connector)
            self._cutter.cut_now(connector)
            value = lasting[0].value if lasting else ""
            self._report(GuardCut(connector, refused, value, now_s))

    def _late(self, connector: int) -> tuple[Broken, ...]:
        """Return the fault that a hand is that hangs."""
        assert self._cutter is not None
        now_s = self._monotonic()
        # Where the whole loop stood still, a hand had no turn either.
        stalls = now_s - self.ticked_s > STALL_S
        age_s = now_s - max(self._cutter.beat_s(connector), self._stalled_s)
        if age_s <= HAND_WITHIN_S or stalls:
            return ()
        return (Broken(LATE, f"hand {age_s:.1f} s of {HAND_WITHIN_S} s"),)

    def _follow(self, connector: int) -> None:
        facts, now_s = self.facts[connector], self._monotonic()
        self._watches[connector].follow(facts, now_s, self._beside_a(connector))

    def _beside_a(self, connector: int) -> float:
        """Return what the modules beyond a bridge give to a connector."""
        beyond = self._beyond.get(connector)
        if beyond is None or surely_open(self.switch(WHOLE_STATION), self._monotonic()):
            return 0.0
        module = self.facts[beyond].power_module
        lent = surely_open(self.switch(beyond), self._monotonic())
        return module.current_a if module is not None and lent else 0.0

    def _live(self, connector: int) -> bool:
        return self._cutter is not None and self._cutter.live(connector)
