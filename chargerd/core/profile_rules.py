"""What a charging profile must be like: OCPP 1.6 sections 3.13, 5.16 and 9.4."""

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Final

from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.schedules import Kind

MAX_STACK_LEVEL: Final = 99
MAX_PERIODS: Final = 200


def fault(profile: Profile, policy: Policy, now: datetime) -> str | None:
    """Return what is wrong with a profile: the field, and what to write instead."""
    for broken, told in _RULES:
        if broken(profile):
            return told.format(p=profile, s=profile.schedule)
    if _unstarted(profile) and not policy.absolute_without_start:
        return "startSchedule: missing; an Absolute profile needs it here"
    if profile.valid_to is not None and profile.valid_to <= now:
        return f"validTo: {profile.valid_to:%FT%TZ} is past; set a later one, or none"
    return None


def _misplaced(profile: Profile) -> bool:
    return profile.purpose is Purpose.STATION and profile.connector != 0


def _nowhere(profile: Profile) -> bool:
    return profile.purpose is Purpose.TRANSACTION and profile.connector == 0


def _too_high(profile: Profile) -> bool:
    return not 0 <= profile.stack_level <= MAX_STACK_LEVEL


def _miscounted(profile: Profile) -> bool:
    return not 1 <= len(profile.schedule.periods) <= MAX_PERIODS


def _late(profile: Profile) -> bool:
    return profile.schedule.periods[0].start_s != 0


def _unordered(profile: Profile) -> bool:
    starts_s = [period.start_s for period in profile.schedule.periods]
    return starts_s != sorted(set(starts_s))


def _unlimited(profile: Profile) -> bool:
    limits_w = [period.limit_w for period in profile.schedule.periods]
    return not all(isfinite(limit_w) and limit_w >= 0 for limit_w in limits_w)


def _negative(profile: Profile) -> bool:
    return not profile.schedule.least_w >= 0


def _over(profile: Profile) -> bool:
    duration_s = profile.schedule.duration_s
    return duration_s is not None and duration_s <= 0


def _unclear(profile: Profile) -> bool:
    schedule = profile.schedule
    return (schedule.kind is Kind.RECURRING) != (schedule.recurrency is not None)


def _unanchored(profile: Profile) -> bool:
    return profile.schedule.kind is Kind.RECURRING and profile.schedule.start is None


def _to_nothing(profile: Profile) -> bool:
    relative = profile.schedule.kind is Kind.RELATIVE
    return relative and profile.purpose is Purpose.STATION


def _never(profile: Profile) -> bool:
    begin, end = profile.valid_from, profile.valid_to
    return begin is not None and end is not None and end <= begin


def _unstarted(profile: Profile) -> bool:
    return profile.schedule.kind is Kind.ABSOLUTE and profile.schedule.start is None


# fmt: off
_RULES: Final[tuple[tuple[Callable[[Profile], bool], str], ...]] = (
    (_misplaced,  "connectorId: {p.connector} takes no {p.purpose}; set it for 0"),
    (_nowhere,    "connectorId: 0 has no transaction; name the connector that has"),
    (_too_high,   f"stackLevel: {{p.stack_level}} is not from 0 to {MAX_STACK_LEVEL}"),
    (_miscounted, f"chargingSchedulePeriod: must have 1 to {MAX_PERIODS} periods"),
    (_late,       "startPeriod: the first is {s.periods[0].start_s}; it must be 0"),
    (_unordered,  "startPeriod: each must be later than the one before"),
    (_unlimited,  "limit: must be a number from 0 on; 0 is a pause"),
    (_negative,   "minChargingRate: must be a number from 0 on"),
    (_over,       "duration: {s.duration_s} is not above 0; leave it out for no end"),
    (_unclear,    "recurrencyKind: goes with a Recurring profile, and only with one"),
    (_unanchored, "startSchedule: missing; a Recurring profile needs it"),
    (_to_nothing, "chargingProfileKind: the station itself has no start; use Absolute"),
    (_never,      "validTo: must be later than validFrom"),
)
# fmt: on
