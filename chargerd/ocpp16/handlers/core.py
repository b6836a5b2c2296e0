"""Core profile: what the CSMS may ask of every station."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.datatypes import KeyValue
from ocpp.v16.enums import (
    AvailabilityStatus,
    AvailabilityType,
    ClearCacheStatus,
    ConfigurationStatus,
    RemoteStartStopStatus,
    ResetStatus,
    ResetType,
    UnlockStatus,
)

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.course import OUTPUTS
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.reasons import Cause, Objection, Why
from chargerd.core.station import Station
from chargerd.ocpp16 import charging
from chargerd.ocpp16.answer import Answer, Handlers, Later, Picture, Provided
from chargerd.ocpp16.attachment_values import (
    TRIAL,
    AttachmentWanted,
    Origin,
    TrialBegun,
    TrialRefused,
    key_of,
)
from chargerd.ocpp16.keys import (
    KEYS,
    LINK_KEYS,
    Access,
    Judged,
    Outcome,
    judge,
    readable,
)
from chargerd.ocpp16.measurands import MEASURANDS, unmeasured
from chargerd.ocpp16.registration import Standing


def get_configuration(
    picture: Picture, request: call.GetConfiguration, _now: Instant
) -> Answer:
    """List all readable keys, or those asked for (OCPP 1.6 section 5.8)."""
    values = picture.values
    if not request.key:
        known = [
            KeyValue(key.name, key.access is Access.READ_ONLY, value)
            for key, value in readable(values)
        ]
        return Answer(call_result.GetConfiguration(configuration_key=known))
    found: dict[str, KeyValue] = {}
    unknown: list[str] = []
    for name in request.key:
        key = KEYS.get(name.lower())
        if key is None:
            unknown.append(name)
            continue
        secret = key.access is Access.WRITE_ONLY
        value = None if secret else values.get(key.name, key.default)
        found[key.name] = KeyValue(key.name, key.access is Access.READ_ONLY, value)
    return Answer(
        call_result.GetConfiguration(
            configuration_key=list(found.values()) or None,
            unknown_key=list(dict.fromkeys(unknown)) or None,
        )
    )


def change_configuration(
    picture: Picture, request: call.ChangeConfiguration, now: Instant
) -> Answer:
    """Change one key, or say why not (OCPP 1.6 section 5.3)."""
    judged = consider(picture, request.key, request.value)
    if judged.outcome is Outcome.ACCEPTED and judged.name in LINK_KEYS:
        return attach(picture, _WISHES[judged.name](judged.value), now)
    response = call_result.ChangeConfiguration(
        ConfigurationStatus(judged.outcome.value)
    )
    if judged.outcome is Outcome.ACCEPTED:
        return Answer(response, change=judged)
    assert judged.why is not None
    refused = Refused(WHOLE_STATION, "ChangeConfiguration", judged.why, judged.detail)
    return Answer(response, refused=refused)


_WISHES: Final[Mapping[str, Callable[[str], AttachmentWanted]]] = {
    "AuthorizationKey": lambda value: AttachmentWanted(Origin.CSMS, key=key_of(value)),
    "SecurityProfile": lambda value: AttachmentWanted(Origin.CSMS, profile=int(value)),
}


def attach(picture: Picture, wish: AttachmentWanted, now: Instant) -> Answer:
    """Let the CSMS be reached otherwise, on trial, or say why not.

    What is to be tried is on the disk before anybody hears a yes (whitepaper A01, A05).
    """
    planned = picture.upkeep.attachments.planned(wish, now)
    if isinstance(planned, Objection):
        return _not_tried(wish, planned)
    full = Objection(Why.STORAGE_FAILING, "the disk takes no records")
    return Answer(
        call_result.ChangeConfiguration(ConfigurationStatus.accepted),
        upkeep=(TrialBegun(planned),),
        provided=Provided(planned.record(TRIAL), _not_tried(wish, full)),
    )


def _not_tried(wish: AttachmentWanted, against: Objection) -> Answer:
    here = wish.origin is Origin.CLI
    asked = "csms set" if here else "ChangeConfiguration"
    return Answer(
        call_result.ChangeConfiguration(ConfigurationStatus.rejected),
        upkeep=(TrialRefused(against.detail),) if here else (),
        refused=Refused(WHOLE_STATION, asked, against.why, against.detail),
    )


def consider_here(picture: Picture, name: str, text: str) -> Judged:
    """Return the same for somebody on the spot, who has other means for some keys."""
    judged = consider(picture, name, text)
    if judged.outcome is not Outcome.ACCEPTED or judged.name not in LINK_KEYS:
        return judged
    detail = f"{judged.name}: is changed with chargerctl csms set, or csms key"
    return Judged(Outcome.REJECTED, judged.name, why=Why.NOT_HERE, detail=detail)


def consider(picture: Picture, name: str, text: str) -> Judged:
    """Return what becomes of a wish to change a key, whoever has it."""
    judged = judge(name, text)
    if judged.outcome is not Outcome.ACCEPTED:
        return judged
    if picture.station.storage_failing:
        detail = "the disk takes no records; see the storage fault"
        why = Why.STORAGE_FAILING
        return Judged(Outcome.REJECTED, judged.name, why=why, detail=detail)
    check = _CHECKS.get(judged.name.lower())
    return check(picture, judged) if check else judged


def _measurable(picture: Picture, judged: Judged) -> Judged:
    wanted = KEYS[judged.name.lower()].parse(judged.value)
    facts = [session.facts for session in picture.station.sessions.values()]
    missing = unmeasured(wanted, facts)
    if missing is None:
        return judged
    able = [m for m in MEASURANDS if unmeasured((m,), facts) is None]
    return _bad(judged, f"{missing} is not measured here; choose of {', '.join(able)}")


def _wired(picture: Picture, judged: Judged) -> Judged:
    items = KEYS[judged.name.lower()].parse(judged.value)
    most = int(picture.values["ConnectorPhaseRotationMaxLength"])
    if len(items) > most:
        return _bad(judged, f"must have at most {most} items")
    for item in items:
        connector = int(item.partition(".")[0])
        if connector != WHOLE_STATION and connector not in picture.station.sessions:
            return _bad(judged, f"{item}: there is no connector {connector}")
    return judged


def _readable_apart(picture: Picture, judged: Judged) -> Judged:
    """A vehicle that waits for ever would keep the reader from its neighbors."""
    holds = KEYS[judged.name.lower()].parse(judged.value)
    if holds or len(picture.station.scope(WHOLE_STATION)) <= 1:
        return judged
    return _bad(judged, "one reader serves several connectors; only true works")


def _bad(judged: Judged, detail: str) -> Judged:
    detail = f"{judged.name}: {detail}"
    return Judged(Outcome.REJECTED, judged.name, why=Why.BAD_VALUE, detail=detail)


_CHECKS: Final[Mapping[str, Callable[[Picture, Judged], Judged]]] = {
    "connectiontimeoutplugfirst": _readable_apart,
    "connectorphaserotation": _wired,
    "metervaluesaligneddata": _measurable,
    "metervaluessampleddata": _measurable,
    "stoptxnaligneddata": _measurable,
    "stoptxnsampleddata": _measurable,
}
"""What of a value only this station can judge."""


def remote_start(
    picture: Picture, request: call.RemoteStartTransaction, now: Instant
) -> Answer:
    """Promise to try a transaction, or say why not (OCPP 1.6 section 5.11)."""
    station = picture.station
    if picture.standing is not Standing.ACCEPTED:
        return _no_start(request, Why.NOT_REGISTERED)
    connector, why = station.desk.place(request.connector_id, request.id_tag)
    if connector is None:
        return _no_start(request, why or Why.NO_FREE_CONNECTOR)
    profile, objection = None, None
    if request.charging_profile is not None:
        profile, objection = _promised(picture, request, connector, now)
    if objection is not None:
        return _no_start(request, objection.why, objection.detail)
    return Answer(
        call_result.RemoteStartTransaction(RemoteStartStopStatus.accepted),
        events=(events.StartRequested(connector, request.id_tag, profile),),
    )


def _promised(
    picture: Picture,
    request: call.RemoteStartTransaction,
    connector: int,
    now: Instant,
) -> tuple[Profile, Objection | None]:
    """Return the profile for the transaction to come, and what speaks against it."""
    sent = request.charging_profile
    profile, objection = charging.examined(sent, connector, picture.station, now.utc)
    if sent.transaction_id is not None:
        detail = "transactionId: the transaction has none yet; leave it out"
        return profile, Objection(Why.BAD_VALUE, detail)
    if profile.purpose is not Purpose.TRANSACTION:
        detail = f"chargingProfilePurpose: {profile.purpose}; use TxProfile"
        return profile, Objection(Why.BAD_VALUE, detail)
    return profile, objection


def _no_start(
    request: call.RemoteStartTransaction, why: Why, detail: str = "Rejected"
) -> Answer:
    connector = request.connector_id or WHOLE_STATION
    return Answer(
        call_result.RemoteStartTransaction(RemoteStartStopStatus.rejected),
        refused=Refused(connector, "RemoteStartTransaction", why, detail),
    )


def remote_stop(
    picture: Picture, request: call.RemoteStopTransaction, _now: Instant
) -> Answer:
    """Stop a running transaction, or say why not (OCPP 1.6 section 5.12)."""
    running = [
        session
        for session in picture.station.billed()
        if picture.numbers.get(session.key) == request.transaction_id
    ]
    accepted = picture.standing is Standing.ACCEPTED
    if accepted and len(running) == 1:
        stop = events.StopRequested(running[0].connector, Cause.REMOTE)
        return Answer(
            call_result.RemoteStopTransaction(RemoteStartStopStatus.accepted),
            events=(stop,),
        )
    why = Why.AMBIGUOUS_TRANSACTION if running else Why.NO_SUCH_TRANSACTION
    return Answer(
        call_result.RemoteStopTransaction(RemoteStartStopStatus.rejected),
        refused=Refused(
            WHOLE_STATION,
            "RemoteStopTransaction",
            why if accepted else Why.NOT_REGISTERED,
            f"transaction {request.transaction_id}",
        ),
    )


def change_availability(
    picture: Picture, request: call.ChangeAvailability, _now: Instant
) -> Answer:
    """Take a connector, or all, in or out of service (OCPP 1.6 section 5.2)."""
    number, sessions = request.connector_id, picture.station.sessions
    operative = AvailabilityType(request.type) is AvailabilityType.operative
    unknown = number not in (WHOLE_STATION, *sessions)
    if unknown or picture.station.storage_failing:
        why = Why.NO_SUCH_CONNECTOR if unknown else Why.STORAGE_FAILING
        return Answer(
            call_result.ChangeAvailability(AvailabilityStatus.rejected),
            refused=Refused(number, "ChangeAvailability", why, str(request.type)),
        )
    wanted = events.AvailabilityWanted(number, operative, "csms")
    waits = picture.station.booking.waits(wanted)
    status = AvailabilityStatus.scheduled if waits else AvailabilityStatus.accepted
    return Answer(call_result.ChangeAvailability(status), events=(wanted,))


_RESETS: Final[Mapping[ResetType, Cause]] = {
    ResetType.hard: Cause.HARD_RESET,
    ResetType.soft: Cause.SOFT_RESET,
}


def reset(_picture: Picture, request: call.Reset, _now: Instant) -> Answer:
    """End all transactions and restart (OCPP 1.6 section 5.14)."""
    cause = _RESETS[ResetType(request.type)]
    return Answer(
        call_result.Reset(ResetStatus.accepted),
        events=(events.RestartRequested(WHOLE_STATION, cause),),
    )


def clear_cache(_picture: Picture, _request: call.ClearCache, _now: Instant) -> Answer:
    """Empty the authorization cache (OCPP 1.6 section 5.4)."""
    return Answer(
        call_result.ClearCache(ClearCacheStatus.accepted),
        events=(events.TagsCleared(WHOLE_STATION),),
    )


UNLOCK_WITHIN_S: Final = 20.0
"""A session needs some seconds to end in good order before its lock may move."""


def unlock_connector(
    picture: Picture, request: call.UnlockConnector, _now: Instant
) -> Answer:
    """End the session and free a cable that is not fixed (OCPP 1.6 section 5.18)."""
    connector = request.connector_id
    session = picture.station.sessions.get(connector)
    if session is None or "lock" not in session.facts.fitted:
        why = Why.NO_SUCH_CONNECTOR if session is None else Why.CABLE_FIXED
        refused = Refused(connector, "UnlockConnector", why, "NotSupported")
        return Answer(_unlock(UnlockStatus.not_supported), refused=refused)
    failed = _unlock(UnlockStatus.unlock_failed)
    return Answer(
        Later(partial(_unlocked, connector=connector), UNLOCK_WITHIN_S, failed),
        events=(events.StopRequested(connector, Cause.UNLOCKED),),
    )


def _unlocked(station: Station, connector: int) -> call_result.UnlockConnector | None:
    session = station.sessions[connector]
    lock = session.facts.lock
    if OUTPUTS[session.phase].locked:
        return None
    if lock is not None and not lock.engaged and lock.at_s > session.since_s:
        return _unlock(UnlockStatus.unlocked)
    stuck = any(a.fault.name == "lock-stuck" for a in station.health.at(connector))
    return _unlock(UnlockStatus.unlock_failed) if stuck else None


def _unlock(status: UnlockStatus) -> call_result.UnlockConnector:
    return call_result.UnlockConnector(status)


HANDLERS: Final[Handlers] = {
    "ChangeAvailability": change_availability,
    "ChangeConfiguration": change_configuration,
    "ClearCache": clear_cache,
    "GetConfiguration": get_configuration,
    "RemoteStartTransaction": remote_start,
    "RemoteStopTransaction": remote_stop,
    "Reset": reset,
    "UnlockConnector": unlock_connector,
}
