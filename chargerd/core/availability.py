"""Who wants which connector out of service, and from when on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from chargerd.core.effects import AvailabilityKept
from chargerd.core.events import WHOLE_STATION, AvailabilityWanted
from chargerd.core.session import STARTABLE, Phase, Session

_OVER = frozenset({Phase.IDLE, Phase.PLUGGED})
"""Where nothing is left to do for the driver who used a connector."""


class Availability:
    """The wishes of CSMS and technician (OCPP 1.6 section 5.2).

    A wish holds until somebody has another. Whether a connector *is* out of service
    follows from its own wish, the station's, and whether it is in use.
    """

    def __init__(self, kept: Iterable[AvailabilityKept] = ()) -> None:
        """Take what the disk remembers."""
        self._wishes = {wish.connector: wish for wish in kept}

    @property
    def wishes(self) -> Mapping[int, AvailabilityKept]:
        """The last wish for each connector that somebody ever had one for."""
        return self._wishes

    def against(self, connector: int) -> AvailabilityKept | None:
        """Return the wish that keeps a connector (0: the station) from new drivers."""
        wishes = (self._wishes.get(number) for number in (connector, WHOLE_STATION))
        return next((w for w in wishes if w is not None and not w.operative), None)

    def scheduled(self, connector: int) -> bool:
        """Tell whether a wish waits for the present use of a connector to end."""
        wish = self._wishes.get(connector)
        return wish is not None and wish.scheduled

    def out(self, connector: int) -> bool:
        """Tell whether a connector (0: the station) is out of service but for its use.

        A connector that is in use shows its use all the same.
        """
        return self.against(connector) is not None and not self.scheduled(connector)

    def take(
        self, event: AvailabilityWanted, sessions: Mapping[int, Session], at: datetime
    ) -> tuple[AvailabilityKept, ...]:
        """Take a wish; one for the station is one for each of its connectors."""
        numbers: tuple[int, ...] = (event.connector,)
        if event.connector == WHOLE_STATION:
            numbers = (WHOLE_STATION, *sessions)
        wishes = tuple(
            AvailabilityKept(
                number,
                event.operative,
                not event.operative and number in in_use(sessions),
                event.origin,
                at,
            )
            for number in numbers
        )
        self._wishes |= {wish.connector: wish for wish in wishes}
        return wishes

    def follow(self, sessions: Mapping[int, Session]) -> tuple[AvailabilityKept, ...]:
        """Let the scheduled wishes come true whose connectors are not used any more."""
        due = tuple(
            replace(wish, scheduled=False)
            for number, wish in self._wishes.items()
            if wish.scheduled and sessions[number].phase in _OVER
        )
        self._wishes |= {wish.connector: wish for wish in due}
        return due


def in_use(sessions: Mapping[int, Session]) -> frozenset[int]:
    """Return the connectors where a driver was accepted and is not done."""
    return frozenset(n for n, s in sessions.items() if s.phase not in STARTABLE)
