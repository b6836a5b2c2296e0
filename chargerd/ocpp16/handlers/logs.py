"""Logs of the security whitepaper: the security log, or diagnostics, as a file."""

from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import LogStatus

from chargerd.clock import Instant
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.log_requests import Window, file_name, objection
from chargerd.ocpp16.upload_events import UploadWanted


def get_log(picture: Picture, request: call.GetLog, now: Instant) -> Answer:
    """Promise a file, or say why there is none (whitepaper section 5.9)."""
    asked = request.log
    location = asked["remoteLocation"]
    window = Window.of(asked.get("oldestTimestamp"), asked.get("latestTimestamp"))
    refused = objection("GetLog", location, window, now)
    if refused is not None:
        return Answer(call_result.GetLog(LogStatus.rejected), refused=refused)
    kind = LogKind(request.log_type)
    uploads = picture.upkeep.uploads
    name = file_name(uploads.identity, kind, now)
    status = LogStatus.accepted_canceled if uploads.busy else LogStatus.accepted
    wanted = UploadWanted(
        kind,
        location,
        name,
        window.since,
        window.until,
        request.request_id,
        request.retries,
        request.retry_interval,
    )
    return Answer(call_result.GetLog(status, name), upkeep=(wanted,))


HANDLERS: Final[Handlers] = {"GetLog": get_log}
