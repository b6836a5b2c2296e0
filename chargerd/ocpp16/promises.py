"""Which messages the station promises to show when the CSMS wants to see them."""

from typing import Final

from ocpp.v16.enums import MessageTrigger

from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Picture, Trigger
from chargerd.ocpp16.registration import Standing

_FOR_CONNECTORS: Final = frozenset(
    {MessageTrigger.status_notification, MessageTrigger.meter_values}
)


def promised(
    picture: Picture, wanted: MessageTrigger, connector: int | None
) -> tuple[Trigger, ...] | Why:
    """Return the messages that will come, or why none will (OCPP 1.6 section 5.17)."""
    if wanted is MessageTrigger.boot_notification:
        # Once accepted, another boot could only unsettle the CSMS (errata 3.35).
        accepted = picture.standing is Standing.ACCEPTED
        return Why.RESTART_NEEDED if accepted else (Trigger(wanted),)
    if wanted not in _FOR_CONNECTORS:
        return (Trigger(wanted),)
    return _for_connectors(picture, wanted, connector)


def _for_connectors(
    picture: Picture, wanted: MessageTrigger, connector: int | None
) -> tuple[Trigger, ...] | Why:
    # The station itself has a status, but no meter of its own.
    everywhere = tuple(picture.station.sessions)
    if wanted is MessageTrigger.status_notification:
        everywhere = (WHOLE_STATION, *everywhere)
    if connector is None:
        return tuple(Trigger(wanted, number) for number in everywhere)
    if connector not in everywhere:
        return Why.NO_SUCH_CONNECTOR
    return (Trigger(wanted, connector),)
