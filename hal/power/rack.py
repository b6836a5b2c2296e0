"""A rack: the power modules of one connector on a CAN bus, whatever their make.

The set-point is divided among the modules that can supply. One that has failed, or
that is silent, is switched off and its part goes to the others. A silent one may
still supply until its own watchdog has surely expired: for so long its last current
counts as its part. While nothing is wanted, whoever runs is told to stop.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Final

from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.power.dialogue import Dialogue
from hal.power.family import Family, Quantity, Request
from hal.power.lease import Lease
from hal.power.module import Module
from hal.transport.line import Rank
from hal.values import SAFE_TO_OPEN_A, PowerRating, PowerReading, Setpoint

_SHUT_OFF_WITHIN_S: Final = 2.0
_GLANCE_S: Final = 0.03
_STATE_EVERY_S: Final = 0.25
"""Conditions and temperatures are asked for this often; volt and ampere always."""


class Rack:
    """Implements :class:`hal.interfaces.PowerModule`."""

    def __init__(
        self,
        dialogue: Dialogue,
        family: Family,
        where: str,
        watchdog_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.rating = PowerRating(0.0, 0.0, 0.0, 0.0)
        self._dialogue = dialogue
        self._family = family
        self._modules = tuple(dialogue.modules.values())
        self._addresses = tuple(dialogue.modules)
        self._where = where
        self._watchdog_s = watchdog_s
        self._monotonic = monotonic
        self._lease = Lease(monotonic, self._expire)
        self._wanted = False
        self._asked_s = -inf

    async def supply(self, setpoint: Setpoint) -> None:
        """See :class:`hal.interfaces.PowerModule`."""
        voltage_v = min(setpoint.voltage_v, self.rating.max_voltage_v)
        if not 0.0 < voltage_v >= self.rating.min_voltage_v:
            await self.switch_off()
            return
        self._check_addresses()
        self._wanted = True
        self._lease.renew(setpoint.valid_for_s)
        self._exclude()
        healthy = [module for module in self._modules if module.healthy]
        requests: list[Request] = []
        share_a = self._share_a(setpoint.current_a, len(healthy))
        for module in healthy:
            requests += self._aimed(module, voltage_v, share_a)
        await self._order(healthy, requests)

    async def shut_off(self) -> None:
        """See :class:`hal.interfaces.PowerModule`."""
        limit_s = self._monotonic() + _SHUT_OFF_WITHIN_S
        while True:
            try:
                await self.switch_off()
                why = self._runs(await self._poll(with_states=True))
            except HardwareError as error:
                why = str(error)
            if not why:
                return
            if self._monotonic() >= limit_s:
                raise Unconfirmed(
                    f"{self._where}: not off after {_SHUT_OFF_WITHIN_S:.0f} s ({why}); "
                    "open the contactors"
                )
            await asyncio.sleep(_GLANCE_S)

    async def read(self) -> PowerReading:
        """See :class:`hal.interfaces.PowerModule`."""
        due = self._monotonic() - self._asked_s >= _STATE_EVERY_S
        answered = await self._poll(with_states=due)
        self._stop_strays()
        self._check_addresses()
        known = [module for module in answered if module.known]
        if not known:
            raise self._silence()
        return self._reading(known)

    async def switch_off(self) -> None:
        """Tell every module to stop; return once those that answer have taken it.

        Raises:
            Unconfirmed: One has not, and may be running.
            NoAnswer: The bus takes no frame.
        """
        requests = self._off()
        outcome = await self._dialogue.order(requests, Rank.SAFETY, self._addresses)
        for module in self._modules:
            if module.address in outcome.refusals:
                reason = outcome.refusals[module.address]
                raise Unconfirmed(f"{self._where}: {module} does not stop: {reason}")
            if module.address in outcome.silent and not module.lost:
                raise Unconfirmed(
                    f"{self._where}: {module} has not answered its stop; it stops by "
                    "itself when its watchdog misses us"
                )
        now_s = self._monotonic()
        lost = [m for m in self._modules if not m.surely_off(now_s, self._watchdog_s)]
        if all(module.lost for module in lost):
            raise Unconfirmed(
                f"{self._where}: no module answers and one may be running"
            )

    def stop(self) -> bool:
        """Send every module its stop at once; return whether the bus took all."""
        return self._dialogue.tell(self._off())

    async def command(self, requests: Sequence[Request]) -> None:
        """Let healthy modules do something while they are off.

        Raises:
            Unconfirmed: One has not taken it.
            BadAnswer: One refuses.
        """
        healthy = [module for module in self._modules if module.healthy]
        await self._order(healthy, requests)

    async def look(self) -> bool:
        """Ask all modules for all that they measure; return whether each answered."""
        return len(await self._poll(with_states=True)) == len(self._modules)

    def values(self, quantity: Quantity) -> Mapping[int, float]:
        """Return what healthy modules said last of a quantity, by their addresses."""
        return {
            module.address: module.values[quantity]
            for module in self._modules
            if module.healthy and quantity in module.values
        }

    def _off(self) -> Sequence[Request]:
        """Want nothing from now on; return what says so to every module."""
        self._wanted = False
        self._lease.end()
        self._dialogue.outdate()
        return self._stopped(self._modules)

    def _stopped(self, modules: Sequence[Module]) -> Sequence[Request]:
        now_s = self._monotonic()
        for module in modules:
            module.told_off_s = now_s
        return self._family.off(_addresses(modules)) if modules else ()

    def _expire(self) -> None:
        self.stop()

    def _share_a(self, total_a: float, modules: int) -> float:
        """Return one module's part of what silent ones may not be giving already."""
        now_s = self._monotonic()
        lost_a = sum(
            module.current_a
            for module in self._modules
            if module.lost and not module.surely_off(now_s, self._watchdog_s)
        )
        return max(total_a - lost_a, 0.0) / max(modules, 1)

    def _aimed(
        self, module: Module, voltage_v: float, share_a: float
    ) -> Sequence[Request]:
        most_a = module.values.get(Quantity.MAX_CURRENT_A, inf)
        aim = self._family.aim(module.address, voltage_v, min(share_a, most_a))
        return (*aim, *(self._family.on(module.address) if module.needs_on else ()))

    def _exclude(self) -> None:
        """Stop whoever has no part in the set-point; nobody waits for that."""
        excluded = [
            module
            for module in self._modules
            if module.lost or (module.running and not module.healthy)
        ]
        self._dialogue.tell(self._stopped(excluded))

    async def _order(
        self, asked: Collection[Module], requests: Sequence[Request]
    ) -> None:
        addresses = {module.address for module in asked}
        outcome = await self._dialogue.order(requests, Rank.ROUTINE, addresses)
        for module in asked:
            if module.address in outcome.refusals:
                reason = outcome.refusals[module.address]
                raise BadAnswer(f"{self._where}: {module} refuses: {reason}")
        if all(module.address in outcome.silent for module in asked):
            raise Unconfirmed(
                f"{self._where}: no module has taken the set-point; {self._health()}"
            )

    def _check_addresses(self) -> None:
        now_s = self._monotonic()
        for module in self._modules:
            if module.address_taken(now_s):
                self.stop()
                raise BadAnswer(
                    f"{self._where}: two modules answer as {module}; give each an "
                    "address of its own"
                )

    async def _poll(self, *, with_states: bool) -> list[Module]:
        """Ask; return the modules that have answered all."""
        present = [module for module in self._modules if not module.lost]
        with_states = with_states or not present
        # The lost are asked now and then, but nobody waits for them.
        asked = self._addresses if with_states else _addresses(present)
        requests = [*self._family.outputs(asked)]
        if with_states:
            self._asked_s = self._monotonic()
            requests += self._family.states(asked)
        expected = _addresses(present or self._modules)
        outcome = await self._dialogue.ask(requests, expected)
        return [
            module
            for module in self._modules
            if module.address in expected and module.address not in outcome.silent
        ]

    def _stop_strays(self) -> None:
        if not self._wanted:
            strays = [m for m in self._modules if m.running and not m.lost]
            self._dialogue.tell(self._stopped(strays))

    def _runs(self, answered: Sequence[Module]) -> str:
        """Return what speaks against all being off; empty: nothing."""
        for module in self._modules:
            if not module.lost and module not in answered:
                return f"{module} is silent"
        now_s = self._monotonic()
        live = [
            module
            for module in self._modules
            if not module.surely_off(now_s, self._watchdog_s)
        ]
        current_a = sum(module.current_a for module in live)
        if current_a >= SAFE_TO_OPEN_A:
            most = max(live, key=lambda module: module.current_a)
            return f"still {current_a:.0f} A, most of it from {most}"
        running = [str(module) for module in live if module.running]
        return f"{', '.join(running)} does not stop" if running else ""

    def _reading(self, answered: Sequence[Module]) -> PowerReading:
        now_s = self._monotonic()
        healthy = any(module.healthy for module in self._modules)
        conditions = [m.condition for m in self._modules if m.condition and not m.lost]
        return PowerReading(
            # One that falls silent must not make the others too old to be believed.
            at_s=min(m.output_s for m in answered),
            voltage_v=max(m.voltage_v for m in answered),
            current_a=sum(
                module.current_a
                for module in self._modules
                if not module.surely_off(now_s, self._watchdog_s)
            ),
            temperature_c=max(m.values[Quantity.TEMPERATURE_C] for m in answered),
            failed_modules=tuple(m.number for m in self._modules if not m.healthy),
            over_temperature=not healthy
            and any(c.over_temperature for c in conditions),
            under_voltage=not healthy and any(c.under_voltage for c in conditions),
        )

    def _silence(self) -> HardwareError:
        nonsense = [module.nonsense for module in self._modules if module.nonsense]
        if nonsense:
            return BadAnswer(
                f"{self._where}: {nonsense[0]}; check its model and its firmware"
            )
        return NoAnswer(
            f"{self._where}: no module answers; check their mains, the bus's cable "
            "and termination, and their addresses"
        )

    def _health(self) -> str:
        words = [
            f"{module}: {module.nonsense or _words(module)}"
            for module in self._modules
            if not module.healthy
        ]
        return "; ".join(words) or "check the bus's cable and termination"


def _addresses(modules: Sequence[Module]) -> tuple[int, ...]:
    return tuple(module.address for module in modules)


def _words(module: Module) -> str:
    if module.lost or module.condition is None:
        return "silent"
    return module.condition.words
