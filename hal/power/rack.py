"""A rack: the power modules of one connector on a CAN bus, whatever their make.

The set-point is divided among the modules that can supply. One that has failed, or
that is silent, is switched off and its part goes to the others. A silent one may
still supply until its own watchdog has surely expired: for so long its last current
counts as its part. While nothing is wanted, whoever runs is told to stop.

A set-point that says nothing new is told again only now and then: a module that has
forgotten it, as after a loss of its mains, hears of it soon enough.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final

from hal.errors import BadAnswer, Unconfirmed
from hal.power.crew import Crew
from hal.power.dialogue import Dialogue
from hal.power.family import Family, Quantity, Request
from hal.power.lease import Lease
from hal.power.module import Module
from hal.power.stopping import until_off
from hal.transport.rank import Rank
from hal.values import PowerRating, PowerReading, Setpoint

_STATE_EVERY_S: Final = 0.25
"""Conditions and temperatures are asked for this often; volt and ampere always."""
_AIM_EVERY_S: Final = 0.5
"""How often modules are told the same again."""


class Rack:
    """Implements :class:`hal.interfaces.PowerModule`."""

    def __init__(
        self,
        dialogue: Dialogue,
        family: Family,
        crew: Crew,
        where: str,
        monotonic: Callable[[], float],
    ) -> None:
        self.rating = PowerRating(0.0, 0.0, 0.0, 0.0)
        self._dialogue = dialogue
        self._family = family
        self._crew = crew
        self._where = where
        self._monotonic = monotonic
        self._lease = Lease(monotonic, self.stop)
        self._wanted = False
        self._asked_s = -inf
        self._aim: Sequence[Request] = ()
        """What all have taken, and what each of them follows."""
        self._aimed_s = -inf

    async def supply(self, setpoint: Setpoint) -> None:
        voltage_v = min(setpoint.voltage_v, self.rating.max_voltage_v)
        if not 0.0 < voltage_v >= self.rating.min_voltage_v:
            await self.switch_off()
            return
        self._check_addresses()
        self._wanted = True
        self._lease.renew(setpoint.valid_for_s)
        self._dialogue.tell(self._stopped(self._crew.excluded))
        now_s = self._monotonic()
        requests: list[Request] = []
        for module in self._crew.healthy:
            share_a = self._crew.share_a(setpoint.current_a, module, now_s)
            requests += self._family.aim(module.address, voltage_v, share_a)
            if module.needs_on:
                requests += self._family.on(module.address)
        known = requests == self._aim and now_s - self._aimed_s < _AIM_EVERY_S
        if known and not any(module.needs_on for module in self._crew.healthy):
            return
        self._aim = ()
        if await self.command(requests):
            self._aim, self._aimed_s = requests, now_s

    async def shut_off(self) -> None:
        async def stop() -> str:
            await self.switch_off()
            answered = await self._poll(with_states=True)
            return self._crew.still_runs(answered, self._monotonic())

        await until_off(stop, self._where, self._monotonic)

    async def read(self) -> PowerReading:
        due = self._monotonic() - self._asked_s >= _STATE_EVERY_S
        answered = await self._poll(with_states=due)
        if not self._wanted:
            strays = [module for module in self._crew.present if module.running]
            self._dialogue.tell(self._stopped(strays))
        self._check_addresses()
        known = [module for module in answered if module.known]
        if not known:
            raise self._crew.silence(self._where)
        return self._crew.reading(known, self._monotonic())

    async def switch_off(self) -> None:
        """Tell every module to stop; return once those that answer have taken it.

        Raises:
            Unconfirmed: One has not, and may be running.
            NoAnswer: The bus takes no frame.
        """
        crew = self._crew
        requests = self._off()
        refusals, silent = await self._dialogue.order(
            requests, Rank.SAFETY, crew.addresses
        )
        for module in crew.modules:
            if module.address in refusals:
                reason = refusals[module.address]
                raise Unconfirmed(f"{self._where}: {module} does not stop: {reason}")
            if module.address in silent and not module.lost:
                raise Unconfirmed(
                    f"{self._where}: {module} has not answered its stop; it stops by "
                    "itself when its watchdog misses us"
                )
        if not crew.present and crew.live(self._monotonic()):
            raise Unconfirmed(
                f"{self._where}: no module answers and one may be running"
            )

    def stop(self) -> None:
        """Send every module its stop at once; ``read`` repeats what was not taken."""
        self._dialogue.tell(self._off())

    async def command(self, requests: Sequence[Request]) -> bool:
        """Let healthy modules do something; return whether all of them have taken it.

        Raises:
            Unconfirmed: None of them has taken it.
            BadAnswer: One refuses.
        """
        asked = self._crew.healthy
        refusals, silent = await self._dialogue.order(
            requests, Rank.ROUTINE, {module.address for module in asked}
        )
        for module in asked:
            if module.address in refusals:
                reason = refusals[module.address]
                raise BadAnswer(f"{self._where}: {module} refuses: {reason}")
        if all(module.address in silent for module in asked):
            raise Unconfirmed(
                f"{self._where}: no module has taken the set-point; "
                f"{self._crew.ailments}"
            )
        return not silent

    async def look(self) -> bool:
        """Ask all modules for all that they measure; return whether each answered."""
        return len(await self._poll(with_states=True)) == len(self._crew.modules)

    def values(self, quantity: Quantity) -> Mapping[int, float]:
        """Return what healthy modules said last of a quantity, by their addresses."""
        return self._crew.values(quantity)

    def _off(self) -> Sequence[Request]:
        """Want nothing from now on; return what says so to every module."""
        self._wanted, self._aim = False, ()
        self._lease.end()
        self._dialogue.outdate()
        return self._stopped(self._crew.modules)

    def _stopped(self, modules: Sequence[Module]) -> Sequence[Request]:
        now_s = self._monotonic()
        for module in modules:
            module.told_off_s = now_s
        return self._family.off(_addresses(modules)) if modules else ()

    def _check_addresses(self) -> None:
        twice = self._crew.twice(self._monotonic())
        if twice is not None:
            self.stop()
            raise BadAnswer(
                f"{self._where}: two modules answer as {twice}; give each an address "
                "of its own"
            )

    async def _poll(self, *, with_states: bool) -> list[Module]:
        """Ask; return the modules that have answered all."""
        crew = self._crew
        awaited = crew.present or crew.modules
        with_states = with_states or not crew.present
        # The lost are asked now and then, but nobody waits for them.
        asked = _addresses(crew.modules if with_states else awaited)
        requests = [*self._family.outputs(asked)]
        if with_states:
            self._asked_s = self._monotonic()
            requests += self._family.states(asked)
        expected = {module.address for module in awaited}
        _, silent = await self._dialogue.ask(requests, expected)
        return [module for module in awaited if module.address not in silent]


def _addresses(modules: Sequence[Module]) -> tuple[int, ...]:
    return tuple(module.address for module in modules)
