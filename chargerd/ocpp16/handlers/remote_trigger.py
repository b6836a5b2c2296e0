"""Remote Trigger profile: messages that the CSMS wants to see now."""

from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import MessageTrigger, TriggerMessageStatus

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.promises import promised


def trigger_message(
    picture: Picture, request: call.TriggerMessage, _now: Instant
) -> Answer:
    """Promise a message, or say why not (OCPP 1.6 section 5.17)."""
    wanted = MessageTrigger(request.requested_message)
    found = promised(picture, wanted, request.connector_id)
    if isinstance(found, Why):
        return Answer(
            call_result.TriggerMessage(TriggerMessageStatus.rejected),
            refused=Refused(WHOLE_STATION, "TriggerMessage", found, str(wanted)),
        )
    response = call_result.TriggerMessage(TriggerMessageStatus.accepted)
    return Answer(response, triggers=found)


HANDLERS: Final[Handlers] = {"TriggerMessage": trigger_message}
