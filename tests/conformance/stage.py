"""What a case can do to a station and hear of it, whatever the station is made of."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tests.conformance.order import Ear, Heard, Json, OutOfOrder, Wanted, find

CONNECTORS: Final = (1, 2)
EVERYWHERE: Final = (0, *CONNECTORS)

SINGLE: Final = "04A1B2C3"
ANOTHER: Final = "04B7C8D9"
FLEET: Final = "FLEET"
FLEET_CARD: Final = "04C3D4E5"
FELLOW_CARD: Final = "04D4E5F6"
REFUSED: Final = {
    "Invalid": "0BAD0001",
    "Blocked": "0BAD0002",
    "Expired": "0BAD0003",
}
TAGS: Final[dict[str, Json]] = {
    FLEET_CARD: {"status": "Accepted", "parentIdTag": FLEET},
    FELLOW_CARD: {"status": "Accepted", "parentIdTag": FLEET},
    **{id_tag: {"status": word} for word, id_tag in REFUSED.items()},
}
"""What the CSMS says of cards; those not named are accepted."""


@dataclass(frozen=True, slots=True)
class Times:
    """The durations of the cases [s]; a stage that takes real time has short ones."""

    heartbeat_s: int
    boot_retry_s: int
    connection_timeout_s: int
    sample_s: int
    aligned_s: int
    reservation_s: int
    minimum_status_s: int
    quiet_s: float
    """For so long nothing must be heard, where a case wants it."""
    patience_s: float
    """For so long a case waits for what should come at once."""
    tolerance_s: float
    """So exact is the moment at which a message comes."""
    exactness_s: float
    """So exact is the time that a message tells."""


class Stage(ABC):
    """A station in the start state of the cases, its cars, cards, cable and CSMS."""

    def __init__(self, times: Times, ear: Ear) -> None:
        self.times = times
        self.ear = ear

    # --- hands ------------------------------------------------------------------

    @abstractmethod
    async def plug(self, connector: int = 1) -> None:
        """Connect a car."""

    @abstractmethod
    async def unplug(self, connector: int = 1) -> None:
        """Pull the plug at the vehicle."""

    @abstractmethod
    async def card(self, id_tag: str) -> None:
        """Hold a card to the reader."""

    @abstractmethod
    async def breaks(self, connector: int) -> None:
        """Break a connector, or as 0 the station."""

    @abstractmethod
    async def mends(self, connector: int) -> None:
        """Mend it."""

    @abstractmethod
    async def power_cycle(self) -> None:
        """Take the power away without a warning, and give it back."""

    @abstractmethod
    async def cuts_network(self) -> None:
        """Cut the line to the CSMS; return when the station has noticed."""

    @abstractmethod
    async def restores_network(self) -> None:
        """Mend the line."""

    @abstractmethod
    async def expects_seen(self, word: str, connector: int = 1) -> None:
        """Wait until the station itself shows a status, whoever hears it."""

    # --- the CSMS ---------------------------------------------------------------

    @abstractmethod
    async def asks(self, action: str, **payload: Any) -> Json:
        """Ask the station; return its answer, of an error the ``code``."""

    @abstractmethod
    async def transaction(self, connector: int = 1) -> int:
        """Return the number of the running transaction, once the station knows it."""

    @abstractmethod
    def utc(self) -> datetime:
        """Return the present time."""

    @abstractmethod
    def will(self, action: str, *changes: Json) -> None:
        """Answer the next messages of a kind with what differs from friendliness."""

    def later(self, seconds: float) -> str:
        """Return a time to come, as a CSMS writes it."""
        return (self.utc() + timedelta(seconds=seconds)).isoformat()

    async def sets(self, **keys: Any) -> None:
        """Change configuration keys."""
        for key, value in keys.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            answer = await self.asks("ChangeConfiguration", key=key, value=text)
            assert answer == {"status": "Accepted"}, key

    # --- what is heard ----------------------------------------------------------

    @property
    @abstractmethod
    def now_s(self) -> float:
        """The time on the clock of the stage."""

    @abstractmethod
    async def more(self, until_s: float) -> bool:
        """Let time pass until more is heard; false: nothing came before ``until_s``."""

    async def expects(
        self,
        wanted: Wanted,
        *,
        perhaps: Iterable[Wanted] = (),
        within_s: float | None = None,
    ) -> Heard:
        """Return the next message, which must be the wanted one.

        Args:
            wanted: See ``order.find`` for what may stand before it.
            perhaps: What may come before it too, and is then passed over.
            within_s: How long to wait; ``None``: the patience of the stage.
        """
        (heard,) = await self.expects_each(wanted, perhaps=perhaps, within_s=within_s)
        return heard

    async def expects_each(
        self,
        *wanted: Wanted,
        perhaps: Iterable[Wanted] = (),
        within_s: float | None = None,
    ) -> list[Heard]:
        """Return several messages, which may come in any order, as they are wanted."""
        until_s = self.now_s + (self.times.patience_s if within_s is None else within_s)
        perhaps, missing = tuple(perhaps), list(wanted)
        found: dict[int, Heard] = {}
        while missing:
            place = find(self.ear.unheard, (*missing, *perhaps))
            if place is None:
                if not await self.more(until_s):
                    raise OutOfOrder(f"never heard: {', '.join(map(str, missing))}")
                continue
            index, which = place
            heard = self.ear.unheard.pop(index)
            if which in missing:
                missing.remove(which)
                found[id(which)] = heard
        return [found[id(which)] for which in wanted]

    async def expects_nothing(
        self, *unwanted: Wanted, for_s: float | None = None
    ) -> None:
        """Let time pass in which none of these is heard; none named: nothing at all."""
        until_s = self.now_s + (self.times.quiet_s if for_s is None else for_s)
        while True:
            heard = [
                message
                for message in self.ear.unheard
                if not unwanted or any(each.fits(message) for each in unwanted)
            ]
            assert not heard, f"heard what must not be: {', '.join(map(str, heard))}"
            if not await self.more(until_s):
                return

    def heard(self, wanted: Wanted) -> list[Heard]:
        """Return all such messages since the start, whether waited for or not."""
        return [message for message in self.ear.every if wanted.fits(message)]

    def expects_spaced(self, earlier: Heard, later: Heard, seconds: float) -> None:
        """Find two messages so far apart as the CSMS's answers allow to tell."""
        apart_s = later.at_s - earlier.at_s
        assert abs(apart_s - seconds) <= self.times.tolerance_s, apart_s

    async def passes(self, seconds: float) -> None:
        """Let time pass."""
        until_s = self.now_s + seconds
        while await self.more(until_s):
            pass
