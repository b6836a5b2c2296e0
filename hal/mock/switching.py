"""How the mock drivers switch contactors: coils at once, contacts by and by."""

from hal.errors import Unconfirmed
from hal.values import Position
from hal.world.outlet import Outlet
from hal.world.site import World
from hal.world.travel import Contacts

_CONFIRMED_WITHIN_S = 0.3


class Switch:
    """Moves one set of contacts and waits for their mirrors."""

    def __init__(
        self, world: World, outlet: Outlet, contacts: Contacts, name: str
    ) -> None:
        self._world = world
        self._outlet = outlet
        self._contacts = contacts
        self._name = name

    async def close(self) -> None:
        """Return once the mirrors report closed; else the coils are off again."""
        try:
            await self._switch(True, Position.CLOSED)
        except BaseException:
            # not proven closed, even if only because the caller gave up
            self.energize(False)
            raise

    async def open(self) -> None:
        """Return once the mirrors report open."""
        await self._switch(False, Position.OPEN)

    def look(self) -> tuple[float, Position]:
        """Return the time, and what the mirrors say."""
        now_s = self._world.catch_up(self._outlet)
        return now_s, self._contacts.position(now_s)

    def energize(self, coils: bool) -> None:
        """Switch the coils, without waiting for the contacts."""
        self._contacts.energize(coils, self._world.catch_up(self._outlet))
        self._world.change(self._outlet)

    async def _switch(self, coils: bool, wanted: Position) -> None:
        self.energize(coils)
        if not await self._world.until(
            self._outlet, lambda: self.look()[1] is wanted, _CONFIRMED_WITHIN_S
        ):
            raise Unconfirmed(
                f"{self._name}: {self.look()[1].value}, not {wanted.value}, after "
                f"{_CONFIRMED_WITHIN_S} s; check the contacts and the coil supply"
            )
