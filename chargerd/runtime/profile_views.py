"""The charging profiles that are installed, and what each says now, for people."""

from datetime import timedelta
from typing import Any, Final

from chargerd.clock import Instant
from chargerd.core.profiles import Profile
from chargerd.core.station import Station
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime.views import known

Json = dict[str, Any]

_FAR_S: Final = 10 * 365 * 86_400.0
"""What is further away than this needs no date."""


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
    told = profile.rulings(now.utc, began_s - now.monotonic_s, 0.0, _FAR_S)
    first = next(told, None)
    speaks = first is not None and first.begin_s <= 0.0
    next_s = None
    if first is not None:
        next_s = first.end_s if speaks else first.begin_s
    return known(
        id=profile.id,
        connector=profile.connector,
        purpose=str(profile.purpose),
        stack_level=profile.stack_level,
        kind=str(profile.schedule.kind),
        session=profile.key,
        power_w=first.limit_w if first is not None and speaks else None,
        rules=rules,
        until=timestamp(now.utc + timedelta(seconds=next_s))
        if next_s is not None and next_s < _FAR_S
        else None,
    )
