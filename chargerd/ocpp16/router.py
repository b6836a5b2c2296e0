"""From the name of an action to its handler. The list of profiles is here."""

from collections.abc import Mapping, Sequence
from typing import Final

from chargerd.clock import Instant
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.errors import NotImplementedHere, NotSupportedHere
from chargerd.ocpp16.handlers import (
    certificates,
    core,
    data_transfer,
    diagnostics,
    extended_trigger,
    firmware,
    local_auth,
    logs,
    remote_trigger,
    reservation,
    smart_charging,
)
from chargerd.ocpp16.rpc import Question
from chargerd.ocpp16.wire import (
    ACTIONS_FROM_CSMS,
    ACTIONS_FROM_STATION,
    decode_request,
)

PROFILES: Final[Mapping[str, Handlers]] = {
    "Core": {**core.HANDLERS, **data_transfer.HANDLERS},
    "FirmwareManagement": {**diagnostics.HANDLERS, **firmware.HANDLERS},
    "LocalAuthListManagement": local_auth.HANDLERS,
    "RemoteTrigger": remote_trigger.HANDLERS,
    "Reservation": reservation.HANDLERS,
    "SmartCharging": smart_charging.HANDLERS,
    "Security": {
        **certificates.HANDLERS,
        **extended_trigger.HANDLERS,
        **firmware.SIGNED_HANDLERS,
        **logs.HANDLERS,
    },
}
EXTENSIONS: Final = frozenset({"Security"})
"""Those that OCPP 1.6 does not list among its feature profiles (section 3.3)."""
SUPPORTED_FEATURE_PROFILES: Final = ",".join(
    profile for profile in PROFILES if profile not in EXTENSIONS
)


def facts(connectors: Sequence[int]) -> dict[str, str]:
    """Return the configuration keys that tell what this station is."""
    rotation = (f"{number}.NotApplicable" for number in (0, *connectors))
    return {
        "NumberOfConnectors": str(len(connectors)),
        "SupportedFeatureProfiles": SUPPORTED_FEATURE_PROFILES,
        "ConnectorPhaseRotation": ",".join(rotation),
        "ConnectorPhaseRotationMaxLength": str(len(connectors) + 1),
    }


_HANDLERS: Final = {
    action: handle
    for handlers in PROFILES.values()
    for action, handle in handlers.items()
}


def dispatch(picture: Picture, question: Question, now: Instant) -> Answer:
    """Answer one question of the CSMS.

    Raises:
        CallFailed: It becomes the CALLERROR.
    """
    handle = _HANDLERS.get(question.action)
    if handle is None:
        if question.action in ACTIONS_FROM_CSMS | ACTIONS_FROM_STATION:
            raise NotSupportedHere(f"{question.action} is not offered by this station")
        raise NotImplementedHere("no such action in OCPP 1.6")
    request = decode_request(question.action, question.payload)
    return handle(picture, request, now)
