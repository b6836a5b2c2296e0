"""Who may take how much and why, and which modules serve whom, for people."""

from collections.abc import Mapping, Sequence
from typing import Final

from chargerd.clock import Instant
from chargerd.core.events import WHOLE_STATION
from chargerd.core.power import Limit, Setter
from chargerd.core.profiles import Profile
from chargerd.core.station import Station
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime.views import Json, known

Names = Mapping[int, str]

_WORDS: Final[Mapping[Setter, str]] = {
    Setter.AUTHORIZATION: "the CSMS has refused the id tag",
    Setter.OFFLINE: "OfflineFallbackLimit: the CSMS is away",
    Setter.MINIMUM: "less than MinimumChargingPower is of no use",
    Setter.PLUG_TEMPERATURE: "the plug is hot",
    Setter.MODULE_TEMPERATURE: "the power modules are hot",
    Setter.LOST_MODULES: "power modules have dropped out",
}


def limits(station: Station, names: Names, now: Instant) -> Json:
    """Return what ``GetPowerLimits`` answers."""
    taking_w = {n: station.lending.taking_w(n) for n in station.fittings}
    of_station = station.limits.of_station
    whole = known(
        power_w=of_station[0].power_w if of_station else None,
        taking_w=sum(taking_w.values()),
        caps=_caps(station, WHOLE_STATION, of_station, names, now),
        waiting=sorted(station.limits.shares.waiting),
    )
    connectors = [
        {
            "connector": number,
            "power_w": station.limit(number).power_w,
            "taking_w": taking_w[number],
            "caps": _caps(station, number, station.limits.caps(number), names, now),
        }
        for number in station.fittings
    ]
    return {"station": whole, "connectors": connectors}


def groups(station: Station) -> Json:
    """Return what ``GetPower`` answers."""
    joins = [n for n, fitting in station.fittings.items() if fitting.neighbor]
    return known(
        groups=[_group(station, number) for number in station.fittings],
        bridge=_bridge(station, joins) if joins else None,
    )


def words(
    station: Station, connector: int, cap: Limit, names: Names, now: Instant
) -> str:
    """Return in one line whose word a limit of a connector (0: the station) is."""
    if cap.of_station and connector:
        return _share(station, connector)
    if cap.profile is not None:
        profile = cap.profile
        said = f"{profile.purpose} {profile.id}, stack level {profile.stack_level}"
        return f"{said}, period {_period(station, connector, profile, now)}"
    if cap.set_by is Setter.CONFIGURATION:
        where = "max_power_w" if connector else "[power] max_power_w"
        return f"the station file ({where})"
    if cap.set_by is Setter.HARDWARE:
        serving = [names[n] for n in station.lending.serving(connector)]
        return f"what the modules of {' and '.join(serving)} can do"
    return _WORDS[cap.set_by]


def _share(station: Station, connector: int) -> str:
    if connector in station.limits.shares.waiting:
        return "too little is left for it by those who came before"
    return f"its share of the {station.limits.available_w() / 1000:g} kW of the station"


def _period(station: Station, connector: int, profile: Profile, now: Instant) -> int:
    session = station.sessions.get(connector)
    began_s = station.installation.began_s(session.key if session else "", now)
    begins_s = profile.schedule.begins_s(now.utc, began_s - now.monotonic_s)
    return profile.schedule.number(begins_s)


def _caps(
    station: Station,
    connector: int,
    caps: Sequence[Limit],
    names: Names,
    now: Instant,
) -> list[Json]:
    found = []
    for at, cap in enumerate(caps):
        shared = cap.of_station and connector != WHOLE_STATION
        profile = None if shared else cap.profile
        found.append(
            known(
                set_by="sharing" if shared else str(cap.set_by),
                power_w=cap.power_w,
                what=words(station, connector, cap, names, now),
                until=timestamp(cap.until) if cap.until else None,
                rules=at == 0,
                profile=profile.id if profile else None,
                purpose=str(profile.purpose) if profile else None,
                stack_level=profile.stack_level if profile else None,
                period=_period(station, connector, profile, now) if profile else None,
            )
        )
    return found


def _group(station: Station, connector: int) -> Json:
    facts, rating = (
        station.sessions[connector].facts,
        station.fittings[connector].rating,
    )
    module = facts.power_module
    return known(
        connector=connector,
        serves=station.lending.serves(connector),
        answers=module is not None and "power_module" not in facts.lost,
        max_power_w=rating.max_power_w,
        max_current_a=rating.max_current_a,
        power_w=module.voltage_v * module.current_a if module else None,
        voltage_v=module.voltage_v if module else None,
        current_a=module.current_a if module else None,
        temperature_c=module.temperature_c if module else None,
        failed_modules=list(module.failed_modules) if module else [],
    )


def _bridge(station: Station, joins: Sequence[int]) -> Json:
    facts, loan = station.sessions[joins[0]].facts, station.lending.allocation.loan
    silent = facts.bridge is None or "bridge" in facts.lost
    return known(
        joins=list(joins),
        position=facts.bridge.position.value
        if facts.bridge and not silent
        else "unknown",
        lender=loan.lender if loan else None,
        borrower=loan.borrower if loan else None,
    )
