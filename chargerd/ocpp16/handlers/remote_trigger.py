"""Remote Trigger profile: messages that the CSMS wants to see now."""

from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import MessageTrigger, TriggerMessageStatus

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture, Trigger
from chargerd.ocpp16.registration import Standing

_FOR_CONNECTORS: Final = frozenset(
    {MessageTrigger.status_notification, MessageTrigger.meter_values}
)


def trigger_message(
    picture: Picture, request: call.TriggerMessage, _now: Instant
) -> Answer:
    """Promise a message, or say why not (OCPP 1.6 section 5.17)."""
    wanted = MessageTrigger(request.requested_message)
    if wanted is MessageTrigger.boot_notification:
        # Once accepted, another boot could only unsettle the CSMS (errata 3.35).
        if picture.standing is Standing.ACCEPTED:
            return _rejected(wanted, Why.RESTART_NEEDED)
        return _accepted(Trigger(wanted))
    if wanted not in _FOR_CONNECTORS:
        return _accepted(Trigger(wanted))
    return _for_connectors(picture, wanted, request.connector_id)


def _for_connectors(
    picture: Picture, wanted: MessageTrigger, connector: int | None
) -> Answer:
    # The station itself has a status, but no meter of its own.
    everywhere = tuple(picture.station.sessions)
    if wanted is MessageTrigger.status_notification:
        everywhere = (WHOLE_STATION, *everywhere)
    if connector is None:
        return _accepted(*(Trigger(wanted, number) for number in everywhere))
    if connector not in everywhere:
        return _rejected(wanted, Why.NO_SUCH_CONNECTOR)
    return _accepted(Trigger(wanted, connector))


def _accepted(*triggers: Trigger) -> Answer:
    response = call_result.TriggerMessage(TriggerMessageStatus.accepted)
    return Answer(response, triggers=triggers)


def _rejected(wanted: MessageTrigger, why: Why) -> Answer:
    return Answer(
        call_result.TriggerMessage(TriggerMessageStatus.rejected),
        refused=Refused(WHOLE_STATION, "TriggerMessage", why, str(wanted)),
    )


HANDLERS: Final[Handlers] = {"TriggerMessage": trigger_message}
