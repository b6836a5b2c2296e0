"""Which connectors are kept from drivers: out of service, or kept for somebody."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.availability import Availability, in_use
from chargerd.core.effects import AvailabilityKept, Effect, Noted, TransactionStarted
from chargerd.core.events import Reservation
from chargerd.core.holds import Holds
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from chargerd.core.reservation import Claim, End, Reservations
from chargerd.core.session import STARTABLE, Phase, Session

Effects = tuple[Effect, ...]


class Floor(Protocol):
    """What the booking sees of the station."""

    policy: Policy
    sessions: dict[int, Session]

    def bar(self, connector: int) -> Why | None:
        """Return why nothing may begin at a connector."""

    def faulted(self, connector: int) -> bool:
        """Tell whether a fault keeps a connector (or 0: the station) from working."""


class Booking:
    """Holds wishes and reservations against what happens at the connectors."""

    def __init__(
        self,
        floor: Floor,
        wishes: Iterable[AvailabilityKept],
        reservations: Iterable[Reservation],
    ) -> None:
        """Take what the disk remembers of the connectors that there are."""
        known = (events.WHOLE_STATION, *floor.sessions)
        self.availability = Availability(w for w in wishes if w.connector in known)
        self.holds = Holds()
        self.reservations = Reservations(
            r for r in reservations if r.connector in known
        )
        self._floor = floor

    def withheld(self, connector: int) -> bool:
        """Tell whether a connector takes no new driver because somebody wants so."""
        # A driver who was accepted before is not sent away.
        startable = self._floor.sessions[connector].phase in STARTABLE
        return startable and self.availability.against(connector) is not None

    def held(self, connector: int) -> bool:
        """Tell whether the station itself keeps a connector from new drivers."""
        startable = self._floor.sessions[connector].phase in STARTABLE
        return startable and bool(self.holds.owners)

    def out(self, connector: int) -> bool:
        """Tell whether a connector (0: the station) is not there for new drivers."""
        return bool(self.holds.owners) or self.availability.out(connector)

    def reserved(self, connector: int) -> bool:
        """Tell whether a connector is to be shown as kept, while nobody uses it."""
        if self._floor.policy.report_zero_reservation:
            return connector in self.reservations.held(self._floor.sessions.values())
        return bool(self.reservations.of(connector))

    def objection(self, wanted: Reservation) -> Why | None:
        """Return why a reservation cannot be kept, in OCPP's order of reasons."""
        floor = self._floor
        return self.reservations.objection(wanted, floor.sessions, floor.bar)

    def claim(
        self, connector: int, id_tag: str, parent: str | None
    ) -> tuple[Claim, int | None]:
        """Return what a driver may make of a connector, and by which reservation."""
        sessions = self._floor.sessions.values()
        return self.reservations.claim(connector, sessions, id_tag, parent)

    def claim_of(self, authorized: Session, connector: int) -> tuple[Claim, int | None]:
        """Return the same for a driver who was accepted and comes from elsewhere."""
        gone = replace(authorized, phase=Phase.IDLE)
        sessions = {**self._floor.sessions, gone.connector: gone}.values()
        id_tag, parent = authorized.id_tag, authorized.parent
        return self.reservations.claim(connector, sessions, id_tag, parent)

    def waits(self, wanted: events.AvailabilityWanted) -> bool:
        """Tell whether a wish comes true only when a driver is done."""
        if wanted.operative:
            return False
        used = in_use(self._floor.sessions)
        return wanted.connector in used or (
            wanted.connector == events.WHOLE_STATION and bool(used)
        )

    def wanted(self, event: events.AvailabilityWanted, now: Instant) -> Effects:
        """Take a wish of the CSMS, or of somebody on the spot."""
        what = "in service" if event.operative else "out of service"
        kept = self.availability.take(event, self._floor.sessions, now.utc)
        told = (Noted(w.connector, f"{what} by {w.origin}") for w in kept)
        return (*kept, *told)

    def hold(
        self, event: events.HoldWanted | events.HoldEnded, now: Instant
    ) -> Effects:
        """Take it that a part of the station wants, or wants no more, to be alone."""
        before = set(self.holds.owners)
        self.holds.take(event)
        after = set(self.holds.owners)
        begun = (f"held for {owner}" for owner in sorted(after - before))
        ended = (f"held no more for {owner}" for owner in sorted(before - after))
        return tuple(Noted(events.WHOLE_STATION, what) for what in (*begun, *ended))

    def reserve(self, event: events.ReservationWanted, now: Instant) -> Effects:
        """Keep a reservation that nothing was found against."""
        reservation = event.reservation
        self._disclaim(reservation.id)
        what = f"reservation {reservation.id} until {reservation.expires:%F %T} UTC"
        told = Noted(reservation.connector, what)
        return (self.reservations.keep(reservation), told)

    def cancel(self, event: events.ReservationCancelled, now: Instant) -> Effects:
        """Let go of a reservation."""
        self._disclaim(event.id)
        return self.reservations.end(event.id, End.CANCELLED)

    def follow(self, effects: Effects, now: Instant) -> Effects:
        """Let wishes and reservations take what has just become true."""
        ended: Effects = ()
        self.holds.expire(now)
        for effect in effects:
            if (
                isinstance(effect, TransactionStarted)
                and effect.reservation is not None
            ):
                ended += self.reservations.end(effect.reservation, End.USED)
        ended += self.availability.follow(self._floor.sessions)
        return ended + self.reservations.follow(self._out_of_order, now)

    def _out_of_order(self, connector: int) -> bool:
        return self._floor.faulted(connector) or self.availability.out(connector)

    def _disclaim(self, reservation: int) -> None:
        """Let no driver who was accepted for a reservation make use of it."""
        for number, session in self._floor.sessions.items():
            if session.reservation == reservation:
                self._floor.sessions[number] = replace(session, reservation=None)
