"""The part of ``org.chargerd.Station`` on what is kept from drivers, and for whom."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.core.authorization import masked
from chargerd.core.effects import AvailabilityKept
from chargerd.core.events import (
    WHOLE_STATION,
    AvailabilityWanted,
    Reservation,
    ReservationCancelled,
)
from chargerd.core.reasons import Why
from chargerd.runtime.control_server import ControlFailed, Method, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.views import Json, known, time
from chargerd.steps import Happening


class BookingInterface:
    """Tells wishes and reservations, and takes them as the CSMS's are taken."""

    def __init__(
        self, charge_point: ChargePoint, soon: Callable[[Happening], None]
    ) -> None:
        self._station = charge_point.station
        self._soon = soon

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods for the control server."""
        return {
            "ListAvailability": self._list,
            "SetAvailability": self._set,
            "ListReservations": self._reservations,
            "CancelReservation": self._cancel,
        }

    def _list(self, _: Mapping[str, Any], __: Peer) -> Json:
        wishes = self._station.booking.availability.wishes
        numbers = (WHOLE_STATION, *self._station.sessions)
        return {"availability": [_availability(n, wishes.get(n)) for n in numbers]}

    def _set(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        number, operative = parameters["connector"], parameters["operative"]
        if number not in (WHOLE_STATION, *self._station.sessions):
            raise _failed("NoSuchConnector", connector=number)
        if self._station.storage_failing:
            raise _refused(Why.STORAGE_FAILING, "the disk takes no records")
        wanted = AvailabilityWanted(number, operative, "cli")
        waits = self._station.booking.waits(wanted)
        if waits and not parameters.get("until_idle"):
            detail = "a driver is there; add --until-idle to wait for the end of that"
            raise _refused(Why.CONNECTOR_OCCUPIED, detail)
        self._soon(wanted)
        return {"outcome": "Scheduled" if waits else "Accepted"}

    def _reservations(self, _: Mapping[str, Any], __: Peer) -> Json:
        kept = self._station.booking.reservations.all
        return {"reservations": [_reservation(each) for each in kept]}

    def _cancel(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        id_ = parameters["id"]
        kept = self._station.booking.reservations.find(id_)
        if kept is None:
            raise _failed("NoSuchReservation", id=id_)
        self._soon(ReservationCancelled(kept.connector, id_))
        return {}


def _availability(connector: int, wish: AvailabilityKept | None) -> Json:
    return known(
        connector=connector,
        operative=wish is None or wish.operative,
        scheduled=wish is not None and wish.scheduled,
        by=wish.origin if wish else None,
        since=time(wish.at) if wish else None,
    )


def _reservation(kept: Reservation) -> Json:
    return known(
        id=kept.id,
        connector=kept.connector,
        tag=masked(kept.id_tag),
        group=masked(kept.parent) if kept.parent else None,
        expires=time(kept.expires),
    )


def _refused(why: Why, detail: str) -> ControlFailed:
    return _failed("Refused", reason=str(why), detail=detail)


_failed = partial(failed, control.STATION)
