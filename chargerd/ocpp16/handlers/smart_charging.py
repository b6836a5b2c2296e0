"""Smart Charging profile: limits on the power of transactions and of the station."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.datatypes import ChargingSchedule
from ocpp.v16.enums import (
    ChargingProfileStatus,
    ChargingRateUnitType,
    ClearChargingProfileStatus,
    GetCompositeScheduleStatus,
)

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION, ProfilesCleared, ProfileSet
from chargerd.core.forecast import merged
from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.reasons import Objection, Why
from chargerd.core.session import BILLED
from chargerd.ocpp16 import charging
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.errors import PropertyConstraintViolation
from chargerd.ocpp16.wire import timestamp

LONGEST_S: Final = 86_400
MOST_PERIODS: Final = 300
"""Longer schedules than these are told up to here, with their true duration."""


def set_charging_profile(
    picture: Picture, request: call.SetChargingProfile, now: Instant
) -> Answer:
    """Install a profile, or say why not (OCPP 1.6 section 5.16)."""
    connector, sent = request.connector_id, request.cs_charging_profiles
    station = picture.station
    if connector not in (WHOLE_STATION, *station.sessions):
        raise PropertyConstraintViolation(f"connectorId: there is no {connector}")
    wanted, objection = charging.examined(sent, connector, station, now.utc)
    if objection is None:
        wanted, objection = _bound(picture, wanted, sent.transaction_id)
    if objection is None:
        return Answer(
            call_result.SetChargingProfile(ChargingProfileStatus.accepted),
            events=(ProfileSet(connector, wanted),),
        )
    return Answer(
        call_result.SetChargingProfile(ChargingProfileStatus.rejected),
        refused=Refused(
            connector, "SetChargingProfile", objection.why, objection.detail
        ),
    )


def _bound(
    picture: Picture, wanted: Profile, number: int | None
) -> tuple[Profile, Objection | None]:
    """Return a profile with its transaction, or why there is none for it."""
    if wanted.purpose is not Purpose.TRANSACTION:
        if picture.station.storage_failing:
            detail = "the disk takes no records; see the storage fault"
            return wanted, Objection(Why.STORAGE_FAILING, detail)
        return wanted, None
    session = picture.station.sessions.get(wanted.connector)
    if session is None or session.phase not in BILLED:
        detail = f"connectorId: no transaction runs at {wanted.connector}"
        return wanted, Objection(Why.NO_SUCH_TRANSACTION, detail)
    if number is not None and picture.numbers.get(session.key) != number:
        detail = f"transactionId: {number} does not run at {wanted.connector}"
        return wanted, Objection(Why.NO_SUCH_TRANSACTION, detail)
    return replace(wanted, key=session.key), None


def clear_charging_profile(
    picture: Picture, request: call.ClearChargingProfile, _now: Instant
) -> Answer:
    """Remove the profiles that are meant (OCPP 1.6 section 5.5)."""
    meant = _meant(request)
    held = picture.station.installation.all
    found = tuple(profile.id for profile in held if meant(profile))
    all_of_none = request == call.ClearChargingProfile() and not held
    if found:
        return Answer(
            call_result.ClearChargingProfile(ClearChargingProfileStatus.accepted),
            events=(ProfilesCleared(WHOLE_STATION, found),),
        )
    if all_of_none and picture.station.policy.nothing_cleared_accepted:
        return Answer(
            call_result.ClearChargingProfile(ClearChargingProfileStatus.accepted)
        )
    return Answer(
        call_result.ClearChargingProfile(ClearChargingProfileStatus.unknown),
        refused=Refused(
            request.connector_id or WHOLE_STATION,
            "ClearChargingProfile",
            Why.NO_SUCH_PROFILE,
            f"none of the {len(held)} installed ones is meant",
        ),
    )


def _meant(request: call.ClearChargingProfile) -> Callable[[Profile], bool]:
    if request.id is not None:
        # Whatever else is told does not count (errata 3.26).
        return lambda profile: profile.id == request.id
    wanted = (
        request.connector_id,
        request.charging_profile_purpose,
        request.stack_level,
    )

    def meant(profile: Profile) -> bool:
        has = (profile.connector, profile.purpose.value, profile.stack_level)
        return all(w in (None, h) for w, h in zip(wanted, has, strict=True))

    return meant


def get_composite_schedule(
    picture: Picture, request: call.GetCompositeSchedule, now: Instant
) -> Answer:
    """Tell the limits that are to be expected (OCPP 1.6 section 5.7)."""
    station, connector = picture.station, request.connector_id
    unit = charging.unit_of(request.charging_rate_unit, station.policy)
    if connector not in (WHOLE_STATION, *station.sessions):
        return _untold(Why.NO_SUCH_CONNECTOR, f"connectorId: there is no {connector}")
    if request.duration <= 0:
        detail = f"duration: {request.duration} is not above 0"
        return _untold(Why.BAD_VALUE, detail)
    if unit is None:
        detail = f"chargingRateUnit: {request.charging_rate_unit} is not offered"
        return _untold(Why.BAD_VALUE, detail)
    # It is told in whole seconds, and what holds now holds from the first of them on.
    ago_s = now.utc.microsecond / 1_000_000
    duration_s = min(request.duration, LONGEST_S)
    found = station.limits.composite(connector, duration_s - ago_s, now)
    schedule = _schedule(found, ago_s, duration_s, unit, station.policy)
    start = timestamp(now.utc.replace(microsecond=0))
    accepted = GetCompositeScheduleStatus.accepted
    return Answer(
        call_result.GetCompositeSchedule(accepted, connector, start, schedule)
    )


def _schedule(
    found: Iterable[tuple[float, float]],
    ago_s: float,
    duration_s: int,
    unit: ChargingRateUnitType,
    policy: Policy,
) -> ChargingSchedule:
    whole = (
        (round(at_s + ago_s) if at_s > 0.0 else 0, charging.told(limit_w, unit, policy))
        for at_s, limit_w in found
    )
    periods = merged(part for part in whole if part[0] < duration_s)
    if len(periods) > MOST_PERIODS:
        periods, duration_s = periods[:MOST_PERIODS], periods[MOST_PERIODS][0]
    return charging.composite(periods, duration_s, unit, policy)


def _untold(why: Why, detail: str) -> Answer:
    return Answer(
        call_result.GetCompositeSchedule(GetCompositeScheduleStatus.rejected),
        refused=Refused(WHOLE_STATION, "GetCompositeSchedule", why, detail),
    )


HANDLERS: Final[Handlers] = {
    "ClearChargingProfile": clear_charging_profile,
    "GetCompositeSchedule": get_composite_schedule,
    "SetChargingProfile": set_charging_profile,
}
