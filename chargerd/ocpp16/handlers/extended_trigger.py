"""Messages of the security extension that the CSMS wants to see now."""

from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import MessageTrigger, TriggerMessageStatus

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture, Trigger
from chargerd.ocpp16.keyring_events import Origin, SigningWanted
from chargerd.ocpp16.pki.values import BadCertificate
from chargerd.ocpp16.promises import promised


def extended_trigger_message(
    picture: Picture, request: call.ExtendedTriggerMessage, _now: Instant
) -> Answer:
    """Promise a message, or say why not (whitepaper, section 6.16)."""
    wanted = MessageTrigger(request.requested_message)
    if wanted is MessageTrigger.sign_charge_point_certificate:
        return _certificate(picture)
    if wanted is MessageTrigger.firmware_status_notification:
        return _accepted(Trigger("SignedFirmwareStatusNotification"))
    found = promised(picture, wanted, request.connector_id)
    if isinstance(found, Why):
        return _rejected(found, str(wanted))
    return _accepted(*found)


def _certificate(picture: Picture) -> Answer:
    try:
        picture.upkeep.keyring.certification.subject()
    except BadCertificate as error:  # whitepaper, A02.FR.13
        return _rejected(Why.NO_SUBJECT, str(error))
    response = call_result.ExtendedTriggerMessage(TriggerMessageStatus.accepted)
    return Answer(response, upkeep=(SigningWanted(Origin.CSMS),))


def _accepted(*triggers: Trigger) -> Answer:
    response = call_result.ExtendedTriggerMessage(TriggerMessageStatus.accepted)
    return Answer(response, triggers=triggers)


def _rejected(why: Why, detail: str) -> Answer:
    return Answer(
        call_result.ExtendedTriggerMessage(TriggerMessageStatus.rejected),
        refused=Refused(WHOLE_STATION, "ExtendedTriggerMessage", why, detail),
    )


HANDLERS: Final[Handlers] = {"ExtendedTriggerMessage": extended_trigger_message}
