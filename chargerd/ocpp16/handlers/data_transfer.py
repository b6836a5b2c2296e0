"""What a CSMS can ask beyond OCPP; docs/data-transfer.md is the manual."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import DataTransferStatus

from chargerd.clock import Instant
from chargerd.core.station import Station
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.status import VENDOR_ID

Function = Callable[[Picture], Any]
"""Reads the picture and returns what can be written as JSON. It can change nothing."""


def get_status(picture: Picture) -> Any:
    """Tell of each connector what a status of OCPP cannot: why it is so."""
    station = picture.station
    return [_told(station, connector) for connector in station.sessions]


def _told(station: Station, connector: int) -> dict[str, Any]:
    limit = station.limit(connector)
    return {
        "connectorId": connector,
        "phase": station.sessions[connector].phase.value,
        "barredBy": station.bar(connector),
        "limitW": round(limit.power_w),
        "limitSetBy": limit.set_by.value,
        "faults": [active.fault.name for active in station.health.at(connector)],
    }


VENDORS: Final[Mapping[str, Mapping[str, Function]]] = {
    VENDOR_ID: {"GetStatus": get_status},
}
"""The functions of each vendor, by messageId."""


def data_transfer(
    picture: Picture, request: call.DataTransfer, _now: Instant
) -> Answer:
    """Answer a vendor's question, if it is one of ours (OCPP 1.6 section 5.6)."""
    functions = VENDORS.get(request.vendor_id)
    if functions is None:
        return Answer(call_result.DataTransfer(DataTransferStatus.unknown_vendor_id))
    function = functions.get(request.message_id or "")
    if function is None:
        return Answer(call_result.DataTransfer(DataTransferStatus.unknown_message_id))
    told = json.dumps(function(picture), separators=(",", ":"))
    return Answer(call_result.DataTransfer(DataTransferStatus.accepted, told))


HANDLERS: Final[Handlers] = {"DataTransfer": data_transfer}
