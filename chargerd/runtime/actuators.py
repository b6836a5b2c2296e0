"""Drives each connector to its output; renews the leases; cuts at once.

Outputs are levels. Each round works out anew what the present one still asks for,
so nothing stale can be done; a cut gives up whatever was under way.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from chargerd.core.course import Output
from chargerd.core.events import Event, GuardCut
from chargerd.core.fitting import Fitting
from chargerd.core.permissive import Facts
from chargerd.core.power import Supply, offered_current_a
from chargerd.core.supervision import LATE
from chargerd.core.switching import SWITCH_OFF, Deed, step
from chargerd.runtime.beat import BEAT_S, rest_s
from chargerd.runtime.bridging import BridgeHand
from chargerd.runtime.commands import RETRY_S, Commands
from chargerd.runtime.devices import ConnectorDevices, Devices
from chargerd.runtime.guard import TICK_S, Guard
from chargerd.runtime.self_test import SelfTest
from chargerd.runtime.signing import Notary
from chargerd.runtime.switchgear import Switchgear
from chargerd.runtime.waiting import came
from hal.interfaces import SigningMeter
from hal.values import REPORTED, Reading, StationReport, VehiclePhase

ROUND_S: Final = 5 * BEAT_S
"""While a connector is in use: how often the controller hears of us and the leases
are renewed. Vehicle.report must come every 100 ms."""

GUARD_WITHIN_S: Final = 0.1
"""A hand without a guard that ticks so often leaves nothing live."""

_RELEASE: Final = step(SWITCH_OFF, Deed.RELEASE)
"""A plug is never freed while anything can be on it."""


class Hand:
    """Moves the hardware of one connector."""

    def __init__(
        self,
        number: int,
        devices: ConnectorDevices,
        guard: Guard,
        report: Callable[[Event], None],
        sensed: Callable[[int, Reading], None],
    ) -> None:
        self.number = number
        self._beat_s = guard.now_s()
        self._report = report
        self._devices = devices
        self._guard = guard
        self._commands = Commands(number, guard.now_s, report, sensed)
        self._target = Output()
        self._locked: bool | None = None
        self._authorized = False
        self._ending = False
        self._barred = False
        self._wake = asyncio.Event()
        monitor = devices.isolation
        test = SelfTest(number, monitor, guard, report, self._wake.set)
        self._gear = Switchgear(devices, guard, self._commands, test)
        self._round: asyncio.Task[None] | None = None
        self._cut: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """Whether anything here can put voltage on the plug."""
        return self._gear.live

    @property
    def beat_s(self) -> float:
        """When it last went on; a cut, of which every step has its limit, goes on."""
        cuts = self._cut is not None and not self._cut.done()
        return self._guard.now_s() if cuts else self._beat_s

    @property
    def age_s(self) -> float:
        """For how long it has not gone on."""
        return self._guard.now_s() - self.beat_s

    def aim(self, output: Output) -> None:
        """Take a new level."""
        self._barred = self._barred and output.live
        self._authorized = self._authorized and output.authorized
        if output != self._target:
            self._target = output
            self._wake.set()

    def cut(self, *, urgent: bool = True) -> None:
        """Take all energy away, beginning now; what was under way is given up.

        Nothing live is taken up again before a level without energy was given.
        """
        self._barred = True
        if self._cut is not None:
            return
        if self._round is not None:
            self._round.cancel()
        off = self._gear.switch_off(urgent=urgent)
        self._cut = asyncio.create_task(off, name=f"cut {self.number}")
        self._wake.set()

    def shut(self, output: Output) -> None:
        """Begin at once with what ``output`` takes away."""
        if self.live and not output.live:
            self.cut(urgent=False)
        elif self._gear.supplying and (
            output.supply is Supply.OFF or self._less(output)
        ):
            self.aim(output)

    def _less(self, output: Output) -> bool:
        """Tell whether a level differs from the present one in a lower limit alone."""
        lower = output.limit_w < self._target.limit_w
        return lower and replace(output, limit_w=self._target.limit_w) == self._target

    async def run(self) -> None:
        """Follow the level, for ever."""
        try:
            while True:
                self._wake.clear()
                await self._one_round()
                await self._pause()
        finally:
            if self._round is not None:
                self._round.cancel()
            await self._leave_dead()

    async def _leave_dead(self) -> None:
        # In a task of its own: before Python 3.11.3 a time limit in a task that was
        # cancelled ends that task, and the contactors would stay closed.
        if self._cut is not None:
            await asyncio.wait({self._cut})
        off = self._gear.switch_off(urgent=True)
        last = asyncio.create_task(off, name=f"last cut {self.number}")
        await asyncio.wait({last})
        last.result()

    async def _one_round(self) -> None:
        if self._cut is not None:
            await self._cut
            self._cut = None
        await self._look_at_guard()
        if self._cut is not None:
            return
        self._round = asyncio.create_task(self._work(), name=f"hand {self.number}")
        await asyncio.wait({self._round})
        if not self._round.cancelled():
            self._round.result()  # a bug in a driver ends the process
        self._round = None

    async def _look_at_guard(self) -> None:
        self._beat_s = now_s = self._guard.now_s()
        while self._unguarded():
            before_s = now_s
            await asyncio.sleep(TICK_S)
            self._beat_s = now_s = self._guard.now_s()
            # Where the whole loop stood still, the guard had no turn either.
            if self._unguarded() and now_s - before_s < 2 * TICK_S:
                self.cut()
                age_s = now_s - self._guard.ticked_s
                late = f"guard {age_s:.1f} s of {GUARD_WITHIN_S} s"
                self._report(GuardCut(self.number, (LATE,), late, now_s))
                return

    def _unguarded(self) -> bool:
        age_s = self._guard.now_s() - self._guard.ticked_s
        return self.live and age_s > GUARD_WITHIN_S

    async def _pause(self) -> None:
        within_s = None if self._commands.confirmed else RETRY_S
        if self._target != Output() or self.live:
            within_s = rest_s(ROUND_S)
        await came(self._wake, within_s)

    async def _work(self) -> None:
        """Do one round: whatever the level asks for and is not so yet."""
        self._commands.confirmed = True
        await self._lock()
        self._beat_s = self._guard.now_s()
        await self._tell_vehicle()
        self._beat_s = self._guard.now_s()
        await self._gear.switch_on(self._target, lambda: self._barred)

    async def _lock(self) -> None:
        lock, wanted = self._devices.lock, self._target.locked
        if lock is None or self._locked is wanted or self._commands.resting("lock"):
            return
        if not wanted and not _RELEASE.may(self._gear.scene(self._target, barred=True)):
            self._commands.confirmed = False
            return
        self._locked = None
        move = lock.engage if wanted else lock.release
        if await self._commands.give("lock", move()):
            self._locked = wanted
            await self._commands.look(lock.read)

    async def _tell_vehicle(self) -> None:
        vehicle, target = self._devices.vehicle, self._target
        if target.authorized and not self._authorized:
            self._authorized = True
            if not await self._commands.give("vehicle", vehicle.authorize(True)):
                self._authorized = False
        known = self._guard.facts[self.number].vehicle
        # A vehicle that is coming to its end must hear of the current's, and of the
        # voltage by which it looks for welds.
        if target.enabled or (known is not None and known.phase in REPORTED):
            await self._commands.give("vehicle", vehicle.report(self._state(target)))
        ending = target.closed and target.supply is Supply.OFF
        if ending and not self._ending:
            await self._commands.give("vehicle", vehicle.stop())
        self._ending = ending

    def _state(self, target: Output) -> StationReport:
        facts = self._guard.facts[self.number]
        rating = self._devices.power_module.rating
        module, isolation = facts.power_module, facts.isolation
        limit = self._gear.limit(target)
        voltage_v = self._output_v()
        return StationReport(
            enabled=target.enabled,
            present_voltage_v=self._told_v(facts, voltage_v),
            present_current_a=module.current_a if module else 0.0,
            resistance_ohm=isolation.resistance_ohm if isolation else 0.0,
            max_voltage_v=rating.max_voltage_v,
            max_current_a=offered_current_a(limit, rating, voltage_v),
            max_power_w=limit.power_w,
            module_temperature_c=module.temperature_c if module else None,
        )

    def _told_v(self, facts: Facts, output_v: float) -> float:
        """Return what is at the plug: once all is open, not what is at the modules."""
        checks = facts.vehicle and facts.vehicle.phase is VehiclePhase.WELDING_CHECK
        return facts.meter.voltage_v if checks and facts.meter else output_v

    def _output_v(self) -> float:
        module = self._guard.facts[self.number].power_module
        return module.voltage_v if module else 0.0


def hands_of(
    devices: Devices,
    fittings: Mapping[int, Fitting],
    guard: Guard,
    report: Callable[[Event], None],
    sensed: Callable[[int, Reading], None],
) -> "Hands":
    """Return a hand for every connector, and one for the bridge if there is one."""
    modules = {n: each.power_module for n, each in devices.connectors.items()}
    bridge = None
    if devices.station.bridge is not None:
        bridge = BridgeHand(
            devices.station.bridge,
            {n: modules[n] for n, f in fittings.items() if f.neighbor is not None},
            {n: fitting.max_current_a for n, fitting in fittings.items()},
            guard,
            report,
            sensed,
        )
        modules |= bridge.pools
    hands = {
        number: Hand(
            number,
            replace(each, power_module=modules[number]),
            guard,
            report,
            sensed,
        )
        for number, each in devices.connectors.items()
    }
    notaries = {
        number: Notary(number, each.meter, report)
        for number, each in devices.connectors.items()
        if isinstance(each.meter, SigningMeter)
    }
    return Hands(hands, bridge, notaries)


class Hands:
    """The hands of all connectors, of the bridge, and of the meters that sign."""

    def __init__(
        self,
        hands: Mapping[int, Hand],
        bridge: BridgeHand | None = None,
        notaries: Mapping[int, Notary] = MappingProxyType({}),
    ) -> None:
        self._hands = hands
        self._bridge = bridge
        self._notaries = notaries

    def cut(self, outputs: Mapping[int, Output]) -> None:
        """Begin at once to take away what ``outputs`` no longer allows."""
        for number, output in outputs.items():
            self._hands[number].shut(output)
        if self._bridge is not None and not any(o.lends for o in outputs.values()):
            self._bridge.aim(outputs)

    def aim(self, outputs: Mapping[int, Output]) -> None:
        """Take the new levels."""
        for number, output in outputs.items():
            self._hands[number].aim(output)
        for number, notary in self._notaries.items():
            notary.aim(outputs[number].sealing)
        if self._bridge is not None:
            self._bridge.aim(outputs)

    def live(self, connector: int) -> bool:
        """Tell whether anything there can put voltage on the plug."""
        return self._hands[connector].live

    def beat_s(self, connector: int) -> float:
        """Return when the hand there last went on."""
        return self._hands[connector].beat_s

    def late_s(self) -> float:
        """Return for how long the slowest hand of a live connector has stood still."""
        now = (hand for hand in self._hands.values() if hand.live)
        return max((hand.age_s for hand in now), default=0.0)

    def cut_now(self, connector: int) -> None:
        """Take all energy away, without waiting for anything."""
        self._hands[connector].cut()

    async def run(self) -> None:
        """Follow all levels, for ever; leave everything dead."""
        async with asyncio.TaskGroup() as tasks:
            for hand in self._hands.values():
                tasks.create_task(hand.run(), name=f"hand {hand.number}")
            for notary in self._notaries.values():
                tasks.create_task(notary.run(), name=f"sign {notary.number}")
            if self._bridge is not None:
                tasks.create_task(self._bridge.run(), name="bridge")
