"""Firmware Management profile, its diagnostics: a file about the whole station."""

from typing import Final

from ocpp.v16 import call, call_result

from chargerd.clock import Instant
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.log_requests import Window, file_name, objection
from chargerd.ocpp16.upload_events import UploadWanted


def get_diagnostics(
    picture: Picture, request: call.GetDiagnostics, now: Instant
) -> Answer:
    """Name the file that will come, or none (OCPP 1.6 section 5.9)."""
    window = Window.of(request.start_time, request.stop_time)
    refused = objection("GetDiagnostics", request.location, window, now)
    if refused is not None:
        return Answer(call_result.GetDiagnostics(), refused=refused)
    name = file_name(picture.upkeep.uploads.identity, LogKind.DIAGNOSTICS, now)
    wanted = UploadWanted(
        LogKind.DIAGNOSTICS,
        request.location,
        name,
        window.since,
        window.until,
        None,
        request.retries,
        request.retry_interval,
    )
    return Answer(call_result.GetDiagnostics(name), upkeep=(wanted,))


HANDLERS: Final[Handlers] = {"GetDiagnostics": get_diagnostics}
