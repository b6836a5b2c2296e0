"""Reservation profile: connectors that are kept for a driver."""

from collections.abc import Mapping
from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import CancelReservationStatus, ReservationStatus

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import (
    WHOLE_STATION,
    Reservation,
    ReservationCancelled,
    ReservationWanted,
)
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.wire import moment

_STATUSES: Final[Mapping[Why, ReservationStatus]] = {
    Why.CONNECTOR_FAULTED: ReservationStatus.faulted,
    Why.CONNECTOR_UNAVAILABLE: ReservationStatus.unavailable,
    Why.CONNECTOR_HELD: ReservationStatus.unavailable,
    Why.CONNECTOR_OCCUPIED: ReservationStatus.occupied,
    Why.CONNECTOR_RESERVED: ReservationStatus.occupied,
}
"""OCPP's word for why not; what is not here is Rejected."""


def reserve_now(picture: Picture, request: call.ReserveNow, now: Instant) -> Answer:
    """Keep a connector for a driver, or say why not (OCPP 1.6 section 5.13)."""
    wanted = Reservation(
        request.reservation_id,
        request.connector_id,
        request.id_tag,
        moment(request.expiry_date),
        request.parent_id_tag,
    )
    why = _unwelcome(picture, wanted, now) or picture.station.booking.objection(wanted)
    if why is None:
        return Answer(
            call_result.ReserveNow(ReservationStatus.accepted),
            events=(ReservationWanted(wanted.connector, wanted),),
        )
    status = _STATUSES.get(why, ReservationStatus.rejected)
    return Answer(
        call_result.ReserveNow(status),
        refused=Refused(wanted.connector, "ReserveNow", why, str(status)),
    )


def _unwelcome(picture: Picture, wanted: Reservation, now: Instant) -> Why | None:
    policy = picture.station.policy
    anywhere = wanted.connector == WHOLE_STATION
    unknown = not anywhere and wanted.connector not in picture.station.sessions
    over = wanted.expires <= now.utc and not policy.accept_expired_reservation
    reasons = (
        (not policy.reservation_enabled, Why.NOT_SUPPORTED),
        (anywhere and not policy.reserve_connector_zero, Why.NOT_SUPPORTED),
        (unknown, Why.NO_SUCH_CONNECTOR),
        (over, Why.BAD_VALUE),
    )
    return next((why for holds, why in reasons if holds), None)


def cancel_reservation(
    picture: Picture, request: call.CancelReservation, _now: Instant
) -> Answer:
    """Give a reservation up (OCPP 1.6 section 5.1)."""
    id_ = request.reservation_id
    held = picture.station.booking.reservations.find(id_)
    if held is not None:
        return Answer(
            call_result.CancelReservation(CancelReservationStatus.accepted),
            events=(ReservationCancelled(held.connector, id_),),
        )
    detail = f"reservation {id_}"
    return Answer(
        call_result.CancelReservation(CancelReservationStatus.rejected),
        refused=Refused(
            WHOLE_STATION, "CancelReservation", Why.NO_SUCH_RESERVATION, detail
        ),
    )


HANDLERS: Final[Handlers] = {
    "CancelReservation": cancel_reservation,
    "ReserveNow": reserve_now,
}
