"""The charging profiles that are installed, and what each says now, for people."""

from chargerd.clock import Instant
from chargerd.core.profiles import FAR_S, Profile, dated
from chargerd.core.station import Station
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime.views import Json, known


def profiles(station: Station, now: Instant) -> Json:
    """Return what ``ListProfiles`` answers."""
    ruling = {
        cap.profile.id
        for number in station.sessions
        for cap in (station.limit(number), *station.limits.of_station[:1])
        if cap.profile is not None
    }
    installed = station.installation.all
    return {"profiles": [_profile(station, p, p.id in ruling, now) for p in installed]}


def _profile(station: Station, profile: Profile, rules: bool, now: Instant) -> Json:
    began_s = station.installation.began_s(profile.key or "", now)
    told = profile.rulings(now.utc, began_s - now.monotonic_s, 0.0, FAR_S)
    first = next(told, None)
    speaks = first is not None and first.begin_s <= 0.0
    until = None
    if first is not None:
        until = dated(first.end_s if speaks else first.begin_s, now.utc)
    return known(
        id=profile.id,
        connector=profile.connector,
        purpose=str(profile.purpose),
        stack_level=profile.stack_level,
        kind=str(profile.schedule.kind),
        session=profile.key,
        power_w=first.limit_w if first is not None and speaks else None,
        rules=rules,
        until=timestamp(until) if until else None,
    )
