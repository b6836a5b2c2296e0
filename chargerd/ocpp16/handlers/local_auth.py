"""LocalAuthListManagement profile: the drivers that the CSMS lists beforehand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import UpdateStatus, UpdateType

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION, ListReplaced, Standing, TagInfo
from chargerd.core.locallist import Declined, Outcome, Sent, updated, version
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture, Provided
from chargerd.ocpp16.wire import moment


def get_local_list_version(
    picture: Picture, _request: call.GetLocalListVersion, _now: Instant
) -> Answer:
    """Tell which list is here (OCPP 1.6 section 5.10)."""
    station = picture.station
    told = version(station.desk.drivers.listed, station.policy)
    return Answer(call_result.GetLocalListVersion(told))


def send_local_list(
    picture: Picture, request: call.SendLocalList, _now: Instant
) -> Answer:
    """Take a list, or a change of the present one (OCPP 1.6 section 5.15)."""
    station = picture.station
    if station.storage_failing:
        return _not_stored()
    drivers = station.desk.drivers
    sent = Sent(
        request.list_version,
        request.update_type is UpdateType.full,
        [(entry["idTag"], _tag_info(entry)) for entry in _entries(request)],
    )
    after = updated(drivers.listed, sent, station.policy)
    if isinstance(after, Declined):
        return _refused(after)
    listed, kept = after
    kept = replace(kept, uncached=drivers.tags.among(key for key, _ in kept.put))
    news = ListReplaced(WHOLE_STATION, listed.version, listed.entries, kept.uncached)
    return Answer(
        call_result.SendLocalList(UpdateStatus.accepted),
        events=(news,),
        provided=Provided(kept, _not_stored()),
    )


def _entries(request: call.SendLocalList) -> list[dict[str, Any]]:
    return request.local_authorization_list or []


def _tag_info(entry: Mapping[str, Any]) -> TagInfo | None:
    told = entry.get("idTagInfo")
    if told is None:
        return None
    expires = moment(told["expiryDate"]) if "expiryDate" in told else None
    return TagInfo(Standing(told["status"]), told.get("parentIdTag") or None, expires)


def _not_stored() -> Answer:
    detail = "the disk did not take it; the old list is in force"
    return _refused(Declined(Outcome.FAILED, Why.STORAGE_FAILING, detail))


def _refused(declined: Declined) -> Answer:
    return Answer(
        call_result.SendLocalList(UpdateStatus(declined.outcome.value)),
        refused=Refused(WHOLE_STATION, "SendLocalList", declined.why, declined.detail),
    )


HANDLERS: Final[Handlers] = {
    "GetLocalListVersion": get_local_list_version,
    "SendLocalList": send_local_list,
}
