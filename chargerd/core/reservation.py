"""Whom a connector is kept for: facts with a deadline, evaluated whenever asked."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Final

from chargerd.clock import Instant
from chargerd.core.authorization import same
from chargerd.core.effects import Effect, Noted, ReservationEnded, ReservationKept
from chargerd.core.events import WHOLE_STATION, Reservation
from chargerd.core.reasons import Why
from chargerd.core.session import STARTABLE, Phase, Session


class Claim(Enum):
    """What a driver may make of a connector, as far as reservations go."""

    OWN = auto()  # it is kept for this driver
    OPEN = auto()  # it is kept for nobody
    PERHAPS = auto()  # it is kept for a group; this driver's is not known
    CLOSED = auto()  # it is kept for somebody else


WELCOME: Final = frozenset({Claim.OWN, Claim.OPEN})


class End(StrEnum):
    """How a reservation ends (OCPP 1.6 section 5.13)."""

    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OUT_OF_ORDER = "out of order"  # a fault, or out of service


class Reservations:
    """The reservations that hold.

    One for connector 0 names no connector: it wants that one stays free. Connectors
    are held for such reservations only once no others are left.
    """

    def __init__(self, kept: Iterable[Reservation] = ()) -> None:
        """Take what the disk remembers."""
        self._held = {reservation.id: reservation for reservation in kept}

    @property
    def all(self) -> tuple[Reservation, ...]:
        """Every reservation, in the order of their ids."""
        return tuple(self._held[id_] for id_ in sorted(self._held))

    def find(self, id_: int) -> Reservation | None:
        """Return the reservation of an id."""
        return self._held.get(id_)

    def of(self, connector: int, but: int | None = None) -> tuple[Reservation, ...]:
        """Return the reservations of a connector; ``but``: except for one id."""
        return tuple(r for r in self.all if r.connector == connector and r.id != but)

    def keep(self, reservation: Reservation) -> ReservationKept:
        """Keep a reservation, in the place of one of the same id."""
        self._held[reservation.id] = reservation
        return ReservationKept(reservation)

    def end(self, id_: int, how: End) -> tuple[Effect, ...]:
        """Let go of a reservation, if it holds."""
        ended = self._held.pop(id_, None)
        if ended is None:
            return ()
        told = Noted(ended.connector, f"reservation {id_} ends: {how}")
        return ReservationEnded(id_), told

    def follow(
        self, out_of_order: Callable[[int], bool], now: Instant
    ) -> tuple[Effect, ...]:
        """End what has expired, and what is kept where nobody can charge."""
        ended: tuple[Effect, ...] = ()
        for reservation in self.all:
            if reservation.expires <= now.utc:
                ended += self.end(reservation.id, End.EXPIRED)
            elif out_of_order(reservation.connector):
                ended += self.end(reservation.id, End.OUT_OF_ORDER)
        return ended

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when the next one expires, by the wall clock as it is now."""
        ends = [r.expires for r in self._held.values()]
        return now.monotonic_s + _seconds(now.utc, min(ends)) if ends else None

    def objection(
        self,
        wanted: Reservation,
        sessions: Mapping[int, Session],
        bar: Callable[[int], Why | None],
    ) -> Why | None:
        """Return why a reservation cannot be kept, in OCPP's order of reasons."""
        number = wanted.connector
        scope = sessions if number == WHOLE_STATION else (number,)
        bars = {bar(each) for each in scope}
        if len(bars) == 1 and (why := bars.pop()) is not None:
            return why
        if number != WHOLE_STATION and self.of(number, wanted.id):
            return Why.CONNECTOR_RESERVED
        free = self._free(sessions.values(), wanted.id)
        if number not in (WHOLE_STATION, *free):
            return Why.CONNECTOR_OCCUPIED
        # What is kept for no connector in particular needs one that stays free.
        enough = len(self._anywhere(sessions.values(), wanted.id)) < len(free)
        return None if enough else Why.CONNECTOR_OCCUPIED

    def held(self, sessions: Collection[Session]) -> frozenset[int]:
        """Return the connectors that are kept for somebody."""
        own = {r.connector for r in self.all} - {WHOLE_STATION}
        wanted = len(self._anywhere(sessions))
        if wanted < len(self._free(sessions)):
            return frozenset(own)
        left = [s for s in sessions if s.connector not in own and _unclaimed(s)]
        # The vehicle that has waited longest is the last to be sent away.
        left.sort(key=lambda s: (_RANKS.index(s.phase), -s.since_s))
        return frozenset(own) | {s.connector for s in left[:wanted]}

    def claim(
        self,
        connector: int,
        sessions: Collection[Session],
        id_tag: str,
        parent: str | None,
    ) -> tuple[Claim, int | None]:
        """Return what a driver may make of a connector, and by which reservation."""
        others = [s for s in sessions if s.connector != connector]
        own = self.of(connector)
        wanted = own or self._anywhere(others)
        mine = next((r for r in wanted if _fits(r, id_tag, parent)), None)
        if mine is not None:
            return Claim.OWN, mine.id
        if connector not in self.held(sessions):
            return Claim.OPEN, None
        of_groups = parent is None and any(r.parent for r in wanted)
        return (Claim.PERHAPS if of_groups else Claim.CLOSED), None

    def _anywhere(
        self, sessions: Iterable[Session], but: int | None = None
    ) -> tuple[Reservation, ...]:
        """Return those for no connector in particular that no driver uses yet."""
        used = {session.reservation for session in sessions}
        return tuple(r for r in self.of(WHOLE_STATION, but) if r.id not in used)

    def _free(
        self, sessions: Iterable[Session], but: int | None = None
    ) -> frozenset[int]:
        """Return where anybody could plug in and charge."""
        return frozenset(
            s.connector
            for s in sessions
            if s.phase is Phase.IDLE and not s.barred and not self.of(s.connector, but)
        )


_RANKS: Final = (Phase.IDLE, Phase.PLUGGED, Phase.FINISHED)


def _unclaimed(session: Session) -> bool:
    """Tell whether nobody was accepted at a connector since it was last plugged in."""
    return session.phase in STARTABLE and not session.barred and not session.key


def _fits(reservation: Reservation, id_tag: str, parent: str | None) -> bool:
    return same(reservation.id_tag, id_tag) or same(reservation.parent, parent)


def _seconds(now: datetime, until: datetime) -> float:
    return max((until - now).total_seconds(), 0.0)
