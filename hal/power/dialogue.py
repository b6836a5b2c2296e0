"""Asks modules on a CAN bus and waits for their answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from hal.errors import NoAnswer
from hal.power.family import Family, Request
from hal.power.module import Module
from hal.transport.bus import Bus, Still
from hal.transport.rank import Rank
from hal.wire.frame import Frame

_LONGEST_S: Final = 0.5
"""However busy the bus is, nobody waits longer."""
_MOST_WAITED: Final = 32
"""Whoever was silent for long does not answer all of it later."""


class Outcome(NamedTuple):
    """How modules took what was sent to them, by their addresses."""

    refusals: Mapping[int, str]
    silent: AbstractSet[int]


class _Exchange:
    """Some requests, and who has not answered them yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, within_s: float) -> None:
        self.left: set[tuple[int, int]] = set()
        self.refusals: dict[int, str] = {}
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._within_s = within_s
        self._began_s = self._sent_s = loop.time()
        self._timer = loop.call_later(within_s, self._look)

    def take(self, address: int, code: int, refusal: str) -> None:
        if (address, code) not in self.left:
            return
        self.left.discard((address, code))
        if refusal:
            self.refusals[address] = refusal
        if not self.left:
            self.end()

    def sends(self) -> None:
        """Count from now: a frame has waited for its turn on the bus, and has it."""
        self._sent_s = self._loop.time()

    def end(self) -> None:
        self._timer.cancel()
        if not self.done.done():
            self.done.set_result(None)

    def _look(self) -> None:
        ends_s = min(self._sent_s + self._within_s, self._began_s + _LONGEST_S)
        wait_s = ends_s - self._loop.time()
        if wait_s <= 0:
            self.end()
        else:
            self._timer = self._loop.call_later(wait_s, self._look)


class Dialogue:
    """One rack's part of the traffic on its bus."""

    def __init__(
        self,
        bus: Bus,
        family: Family,
        monotonic: Callable[[], float],
        within_s: float,
    ) -> None:
        self.modules: dict[int, Module] = {}
        """By address; whoever else speaks is not listened to."""
        self._bus = bus
        self._family = family
        self._monotonic = monotonic
        self._within_s = within_s
        self._loop = asyncio.get_running_loop()
        self._open: set[_Exchange] = set()
        self._present = 0

    def hear(self, frame: Frame) -> None:
        """Take a frame from the bus."""
        said = self._family.hear(frame)
        module = self.modules.get(said.address) if said else None
        if said is None or module is None:
            return
        if not module.hear(said, self._monotonic()):
            return
        for exchange in tuple(self._open):
            exchange.take(said.address, said.code, said.refusal)

    def outdate(self) -> None:
        """Keep back every order that still waits for its turn on the bus."""
        self._present += 1

    async def order(
        self, requests: Sequence[Request], rank: Rank, expected: AbstractSet[int]
    ) -> Outcome:
        """Tell modules what to do; wait until those ``expected`` have taken it.

        What still waits for its turn on the bus is kept back if the caller gives up.

        Raises:
            NoAnswer: The bus takes no frame.
        """
        outcome = await self._exchange(requests, rank, expected)
        for module in self._addressed(requests, expected):
            silent = module.address in outcome.silent
            module.missed_orders = module.missed_orders + 1 if silent else 0
        return outcome

    async def ask(
        self, requests: Sequence[Request], expected: AbstractSet[int]
    ) -> Outcome:
        """Ask modules, and wait for those that are ``expected`` to answer.

        Raises:
            NoAnswer: The bus takes no frame.
        """
        refusals, unheard = await self._exchange(requests, None, expected)
        # Whoever refuses to tell has told nothing.
        outcome = Outcome(refusals, unheard | refusals.keys())
        for module in self._addressed(requests, expected):
            silent = module.address in outcome.silent
            module.missed_questions = module.missed_questions + 1 if silent else 0
        return outcome

    def tell(self, requests: Sequence[Request]) -> bool:
        """Send at once, wait for nobody; return whether the bus took all of it."""
        self._count(requests)
        try:
            self._bus.send_all([(each.frame, None) for each in requests], Rank.SAFETY)
        except NoAnswer:
            return False
        return True

    async def _exchange(
        self,
        requests: Sequence[Request],
        order: Rank | None,
        expected: AbstractSet[int],
    ) -> Outcome:
        exchange = _Exchange(self._loop, self._within_s)
        exchange.left = {
            (address, request.code)
            for request in requests
            for address in request.addresses
            if address in expected
        }
        self._open.add(exchange)
        try:
            self._count(requests)
            timed = self._timed(requests, order is not None, exchange, expected)
            self._bus.send_all(timed, Rank.ROUTINE if order is None else order)
            if exchange.left:
                await exchange.done
        finally:
            exchange.end()
            self._open.discard(exchange)
        return Outcome(exchange.refusals, {address for address, _ in exchange.left})

    def _timed(
        self,
        requests: Sequence[Request],
        orders: bool,
        exchange: _Exchange,
        expected: AbstractSet[int],
    ) -> list[tuple[Frame, Still]]:
        """Return the frames, each with what says whether it is still to be sent."""
        present = self._present

        def timely() -> bool:
            return not orders or self._present == present

        def awaited() -> bool:
            exchange.sends()
            return exchange in self._open and timely()

        # What is asked of the lost is asked although nobody waits for it.
        return [
            (frame, timely if expected.isdisjoint(whom) else awaited)
            for frame, _, whom in requests
        ]

    def _addressed(
        self, requests: Sequence[Request], expected: AbstractSet[int]
    ) -> list[Module]:
        addressed = {each for request in requests for each in request.addresses}
        return [self.modules[each] for each in addressed.intersection(expected)]

    def _count(self, requests: Sequence[Request]) -> None:
        """Note whose answers will come."""
        for _, code, addresses in requests:
            for address in addresses:
                waited = self.modules[address].waited
                waited[code] = min(waited.get(code, 0) + 1, _MOST_WAITED)
