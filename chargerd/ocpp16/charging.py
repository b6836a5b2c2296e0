"""Charging profiles and schedules, between OCPP's words and watts.

A limit in W is power at the outlet. A limit in A is what each phase of the mains
carries, not the direct current of the vehicle: it becomes A x NominalMainsVoltage x
numberPhases, three of which are meant where none are told (errata 3.69, 3.34).
"""

from collections.abc import Sequence
from datetime import datetime
from math import floor
from typing import Final

from ocpp.v16.datatypes import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from ocpp.v16.enums import ChargingRateUnitType

from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.reasons import Objection, Why
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from chargerd.core.station import Station
from chargerd.ocpp16.wire import moment

PHASES: Final = 3
"""What the mains of a DC station has."""

_KEY_WORDS: Final = {
    ChargingRateUnitType.amps: "Current",
    ChargingRateUnitType.watts: "Power",
}
"""How ChargingScheduleAllowedChargingRateUnit calls the units."""


def unit_of(
    asked: ChargingRateUnitType | None, policy: Policy
) -> ChargingRateUnitType | None:
    """Return the unit to answer in, ours if none is asked for; ``None``: not here."""
    wished = tuple(ChargingRateUnitType) if asked is None else (asked,)
    return next((unit for unit in wished if offered(unit, policy)), None)


def offered(unit: ChargingRateUnitType, policy: Policy) -> bool:
    """Tell whether schedules in a unit are taken and told here."""
    return _KEY_WORDS[unit] in policy.rate_units


def examined(
    sent: ChargingProfile, connector: int, station: Station, now: datetime
) -> tuple[Profile, Objection | None]:
    """Return what a profile means to the core, and what speaks against it."""
    wanted = profile(sent, connector, station.policy)
    if wrong := _misfit(sent, station.policy):
        return wanted, Objection(Why.BAD_VALUE, wrong)
    return wanted, station.installation.objection(wanted, now)


def _misfit(sent: ChargingProfile, policy: Policy) -> str | None:
    """Return what is wrong with a profile that no longer shows once it is in watts."""
    schedule = sent.charging_schedule
    unit = ChargingRateUnitType(schedule.charging_rate_unit)
    if not offered(unit, policy):
        return f"chargingRateUnit: {unit} is not offered; use {_others(unit)}"
    for period in schedule.charging_schedule_period:
        if period.number_phases not in (None, 1, 2, 3):
            return f"numberPhases: {period.number_phases} is not from 1 to 3"
    if sent.transaction_id is not None and _purpose(sent) is not Purpose.TRANSACTION:
        return f"transactionId: a {_purpose(sent)} has none; leave it out"
    return None


def profile(sent: ChargingProfile, connector: int, policy: Policy) -> Profile:
    """Return what a profile means to the core."""
    schedule, kind = sent.charging_schedule, Kind(sent.charging_profile_kind)
    recurrency = sent.recurrency_kind
    amperes = schedule.charging_rate_unit == ChargingRateUnitType.amps
    volt = policy.mains_voltage_v if amperes else None
    return Profile(
        sent.charging_profile_id,
        connector,
        _purpose(sent),
        sent.stack_level,
        Schedule(
            kind,
            tuple(
                Period(float(p.start_period), _watt(p.limit, p.number_phases, volt))
                for p in schedule.charging_schedule_period
            ),
            None if kind is Kind.RELATIVE else _moment(schedule.start_schedule),
            schedule.duration,
            Recurrency(recurrency) if recurrency else None,
            _watt(schedule.min_charging_rate or 0.0, None, volt),
        ),
        _moment(sent.valid_from),
        _moment(sent.valid_to),
    )


def told(limit_w: float, unit: ChargingRateUnitType, policy: Policy) -> float:
    """Return a limit in a unit, rounded down to the one decimal that OCPP allows."""
    if unit is ChargingRateUnitType.amps:
        limit_w /= policy.mains_voltage_v * (policy.reported_phases or PHASES)
    # 16.1 A is to come back as such, and not as 16.099….
    return floor(round(limit_w * 10, 6)) / 10


def composite(
    periods: Sequence[tuple[int, float]],
    duration_s: int,
    unit: ChargingRateUnitType,
    policy: Policy,
) -> ChargingSchedule:
    """Return periods (start, limit) as GetCompositeSchedule tells them."""
    phases = policy.reported_phases or None
    return ChargingSchedule(
        unit,
        [ChargingSchedulePeriod(start_s, limit, phases) for start_s, limit in periods],
        duration=duration_s,
    )


def _watt(limit: float, phases: int | None, mains_voltage_v: int | None) -> float:
    if mains_voltage_v is None:
        return float(limit)
    return float(limit) * mains_voltage_v * (phases or PHASES)


def _purpose(sent: ChargingProfile) -> Purpose:
    return Purpose(sent.charging_profile_purpose)


def _others(unit: ChargingRateUnitType) -> ChargingRateUnitType:
    return next(other for other in ChargingRateUnitType if other is not unit)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)
