"""Switches one connector on and off: walks the orders of ``core.switching``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from chargerd.core.course import Output
from chargerd.core.power import LEASE_S, Limit, Setter, Supply, setpoint
from chargerd.core.switching import (
    CURRENT_GONE,
    EMERGENCY_OFF,
    SWITCH_OFF,
    SWITCH_ON,
    Deed,
    Scene,
    Step,
)
from chargerd.runtime.commands import Commands
from chargerd.runtime.devices import ConnectorDevices
from chargerd.runtime.guard import Guard
from chargerd.runtime.self_test import SelfTest
from hal.errors import HardwareError
from hal.values import Setpoint

_ZERO: Final = Setpoint(0.0, 0.0, LEASE_S)


class Switchgear:
    """The only one that closes the contactors of a connector or sets its modules."""

    def __init__(
        self,
        devices: ConnectorDevices,
        guard: Guard,
        commands: Commands,
        self_test: SelfTest,
    ) -> None:
        self.closed = False
        """The contactors were told to close, and have not been opened since."""
        self.supplying = False
        """The last set-point was more than nothing."""
        self._devices = devices
        self._guard = guard
        self._commands = commands
        self._self_test = self_test
        self._number = commands.number
        self._on: Mapping[Deed, Callable[[Step, Scene, Output], Awaitable[None]]] = {
            Deed.SELF_TEST: self._test,
            Deed.CLOSE: self._close,
            Deed.SUPPLY: self._supply,
        }
        self._off: Mapping[Deed, Callable[[Step], Awaitable[None]]] = {
            Deed.ZERO: self._zero,
            Deed.SHUT_OFF: self._shut_off,
            Deed.OPEN: self._open,
        }

    @property
    def live(self) -> bool:
        """Whether anything here can put voltage on the plug."""
        return self.closed or self.supplying

    def scene(self, target: Output, *, barred: bool) -> Scene:
        """Return what the steps are decided by at this moment."""
        return Scene(
            self._guard.facts[self._number],
            self._guard.now_s(),
            self._guard.refusals(self._number),
            barred,
            target.supply is not Supply.OFF,
            self._self_test.passed,
            self.closed,
            self.live,
        )

    async def switch_on(self, target: Output, barred: Callable[[], bool]) -> None:
        """Do of the order whatever a level asks for and the facts allow now."""
        if not target.closed:
            self._self_test.forget()
        for step in SWITCH_ON:
            scene = self.scene(target, barred=barred())
            await self._on[step.deed](step, scene, target)

    async def switch_off(self, *, urgent: bool) -> None:
        """Take all energy away: in good order, or at once if a current flows."""
        self._self_test.forget()
        if self.live:
            gone = CURRENT_GONE.holds(self.scene(Output(), barred=True))
            for step in SWITCH_OFF if gone and not urgent else EMERGENCY_OFF:
                if step.deed in self._off:
                    await self._off[step.deed](step)

    def limit(self, target: Output) -> Limit:
        """Return the most power that a level allows."""
        if target.supply is Supply.CHARGE:
            return Limit(target.limit_w, Setter.HARDWARE)
        return Limit(self._devices.power_module.rating.max_power_w, Setter.HARDWARE)

    async def _test(self, step: Step, scene: Scene, target: Output) -> None:
        if target.supply is Supply.TEST_VOLTAGE and step.may(scene):
            self._self_test.begin(step.gets_s)

    async def _close(self, step: Step, scene: Scene, _: Output) -> None:
        if self.closed or not step.may(scene) or self._commands.resting("contactor"):
            return
        self.closed = True
        self._guard.closing(self._number)
        contactor = self._devices.contactor
        if await self._commands.give("contactor", contactor.close()):
            await self._commands.look(contactor.read)
        else:
            self.closed = False
            self._guard.settled(self._number, closed=False)

    async def _supply(self, step: Step, scene: Scene, target: Output) -> None:
        module, facts = self._devices.power_module, scene.facts
        wanted = _ZERO
        if facts.vehicle is not None and step.may(scene):
            output_v = facts.power_module.voltage_v if facts.power_module else 0.0
            limit = self.limit(target)
            wanted = setpoint(
                target.supply, limit, module.rating, facts.vehicle, output_v
            )
        if wanted == _ZERO and not self.supplying:
            return
        self.supplying = wanted != _ZERO or self.supplying
        self._guard.supplied(self._number, wanted)
        if await self._commands.give("power_module", module.supply(wanted)):
            self.supplying = wanted != _ZERO

    async def _zero(self, step: Step) -> None:
        with suppress(HardwareError, TimeoutError):
            async with asyncio.timeout(step.gets_s):
                await self._devices.power_module.supply(_ZERO)

    async def _shut_off(self, step: Step) -> None:
        with suppress(HardwareError, TimeoutError):
            async with asyncio.timeout(step.gets_s):
                await self._devices.power_module.supply(_ZERO)
                await self._devices.power_module.shut_off()
        self.supplying = False
        self._guard.supplied(self._number, _ZERO)

    async def _open(self, step: Step) -> None:
        contactor, module = self._devices.contactor, self._devices.power_module
        if not self.closed:
            return
        await self._commands.give("contactor", contactor.open(), step.gets_s)
        self.closed = False
        self._guard.settled(self._number, closed=False)
        await self._commands.look(contactor.read)
        await self._commands.look(module.read)
