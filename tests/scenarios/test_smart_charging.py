"""What the CSMS allows a vehicle, from the frame to the set-point and back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from chargerd.core.events import StorageChanged
from chargerd.core.fitting import Fitting
from chargerd.ocpp16.wire import moment, timestamp
from chargerd.store.database import Store
from hal.values import PowerRating, VehiclePhase
from tests.scenarios.bench import CARD, FITTED, OTHER_CARD, RATING, Bench
from tests.scenarios.csms import ACCEPTED, Json

REJECTED: Final[Json] = {"status": "Rejected"}
VIOLATION: Final[Json] = {"code": "PropertyConstraintViolation"}
FULL_W: Final = RATING.max_power_w
STATION, DEFAULT, OWN = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"
Limits = dict[int, float]


def profile(purpose: str, limits: Limits, id: int = 1, **more: Any) -> Json:
    """Return a profile in W; ``more`` is of its schedule where that has such fields."""
    schedule: Json = {
        "chargingRateUnit": more.pop("unit", "W"),
        "chargingSchedulePeriod": [
            {"startPeriod": at, "limit": limit} for at, limit in limits.items()
        ],
    }
    for name in ("duration", "startSchedule", "minChargingRate"):
        if name in more:
            schedule[name] = more.pop(name)
    return {
        "chargingProfileId": id,
        "stackLevel": more.pop("stackLevel", 0),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": more.pop("kind", "Absolute"),
        "chargingSchedule": schedule,
        **more,
    }


def sets(bench: Bench, connector: int, *args: Any, **more: Any) -> Json:
    sent = profile(*args, **more)
    return bench.asks(
        "SetChargingProfile", connectorId=connector, csChargingProfiles=sent
    )


def clears(bench: Bench, **which: Any) -> str:
    return str(bench.asks("ClearChargingProfile", **which)["status"])


def composite(bench: Bench, connector: int = 1, seconds: int = 300, **m: Any) -> Limits:
    answer = bench.asks(
        "GetCompositeSchedule", connectorId=connector, duration=seconds, **m
    )
    assert answer["status"] == "Accepted", answer
    assert answer["connectorId"] == connector
    assert answer["chargingSchedule"]["duration"] == seconds
    assert answer["chargingSchedule"]["chargingRateUnit"] == m.get(
        "chargingRateUnit", "W"
    )
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    return {period["startPeriod"]: period["limit"] for period in periods}


def why(bench: Bench) -> tuple[str, str]:
    refused = bench.charge_point.station.refusals[-1][1]
    return str(refused.why), refused.detail


def ids(bench: Bench) -> list[int]:
    return [p.id for p in bench.charge_point.station.installation.all]


# What is set acts, in the same step


@pytest.mark.requirement("SMART-03", "SMART-23", "SMART-24", "SMART-37", "SMART-50")
def test_a_profile_for_the_transaction_limits_it_before_it_is_acknowledged() -> None:
    bench = Bench()
    bench.charges()
    assert bench.output.limit_w == FULL_W
    answer = sets(bench, 1, OWN, {0: 25_000.5}, transactionId=7, kind="Relative")
    assert answer == ACCEPTED
    answering = next(step for step in reversed(bench.steps) if step.frames)
    assert '{"status":"Accepted"}' in answering.frames[0]
    assert answering.outputs[1].limit_w == 25_000.5
    assert composite(bench) == {0: 25_000.5}
    assert sets(bench, 1, OWN, {0: 2 * FULL_W}, kind="Relative") == ACCEPTED
    assert bench.output.limit_w == FULL_W


@pytest.mark.requirement("SMART-42")
def test_a_limit_of_zero_pauses_and_the_session_comes_back_by_itself() -> None:
    bench = Bench()
    bench.charges()
    assert sets(bench, 1, OWN, {0: 0, 60: 20_000}, kind="Relative") == ACCEPTED
    assert bench.output.limit_w == 0.0
    assert bench.output.closed
    assert bench.statuses()[-1] == "SuspendedEVSE"
    bench.waits(61)
    assert bench.output.limit_w == 20_000.0
    assert bench.statuses()[-1] == "Charging"
    sets(bench, 1, OWN, {0: 0}, kind="Relative")
    bench.vehicle(VehiclePhase.PAUSED)
    assert bench.statuses()[-1] == "SuspendedEVSE"
    clears(bench)
    assert bench.statuses()[-1] == "SuspendedEV"
    assert bench.told("StopTransaction") == []


@pytest.mark.requirement("SMART-02", "SMART-40", "SMART-41", "SMART-84")
def test_a_default_profile_acts_on_running_and_later_transactions_offline_too() -> None:
    bench = Bench(connectors=2)
    bench.charges()
    assert sets(bench, 0, DEFAULT, {0: 30_000}) == ACCEPTED
    assert bench.output.limit_w == 30_000
    bench.disconnects()
    assert bench.output.limit_w == 30_000
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()
    bench.charges()
    assert bench.output.limit_w == 30_000
    bench.connects()
    assert clears(bench, id=1) == "Accepted"
    assert bench.output.limit_w == FULL_W


@pytest.mark.requirement("SMART-22", "SMART-35")
def test_the_profile_of_a_transaction_ends_with_it() -> None:
    bench = Bench()
    bench.charges()
    sets(bench, 1, OWN, {0: 25_000}, transactionId=7, kind="Relative")
    assert ids(bench) == [1]
    bench.presents()
    bench.finishes(121_000)
    assert ids(bench) == []


@pytest.mark.requirement("SMART-38", "SMART-62")
def test_two_vehicles_take_no_more_than_the_station_may() -> None:
    bench = Bench(connectors=2)
    bench.charges()
    assert sets(bench, 0, STATION, {0: 80_000, 60: 40_000}) == ACCEPTED
    bench.charges(OTHER_CARD, 2)
    limits_w = [output.limit_w for output in bench.steps[-1].outputs.values()]
    assert limits_w == [40_000, 40_000]
    bench.waits(61)
    limits_w = [output.limit_w for output in bench.steps[-1].outputs.values()]
    assert limits_w == [20_000, 20_000]
    assert composite(bench, 1) == composite(bench, 2) == {0: 20_000}


# What is refused, and why


@pytest.mark.requirement("SMART-05", "RPC-19", "RPC-20")
def test_a_profile_for_an_unknown_connector_or_of_no_kind_is_an_error() -> None:
    bench = Bench()
    assert sets(bench, 2, DEFAULT, {0: 1_000}) == VIOLATION
    assert sets(bench, -1, DEFAULT, {0: 1_000}) == VIOLATION
    assert sets(bench, 1, DEFAULT, {0: 1_000}, unit="VA") == VIOLATION
    assert sets(bench, 1, DEFAULT, {0: 1_000}, kind="Hourly") == VIOLATION
    assert sets(bench, 1, "TxMaxProfile", {0: 1_000}) == VIOLATION
    asked = bench.asks(
        "GetCompositeSchedule", connectorId=1, duration=60, chargingRateUnit="VA"
    )
    assert asked == VIOLATION
    wrong = profile(OWN, {0: 1_000}, unit="VA")
    start = bench.asks("RemoteStartTransaction", idTag=CARD, chargingProfile=wrong)
    assert start == VIOLATION
    assert ids(bench) == []


@pytest.mark.requirement("RPC-31", "SMART-13")
@pytest.mark.parametrize("limit", [1000.05, 0.123, float("nan"), float("inf"), 1e400])
def test_a_limit_that_is_no_number_of_one_decimal_is_an_error(limit: float) -> None:
    bench = Bench()
    assert "code" in sets(bench, 1, DEFAULT, {0: limit})
    assert ids(bench) == []
    assert sets(bench, 1, DEFAULT, {0: 2000.1}) == ACCEPTED
    assert composite(bench) == {0: 2000.1}


@pytest.mark.requirement("SMART-03", "SMART-04")
def test_a_profile_for_a_transaction_needs_that_transaction() -> None:
    bench = Bench(connectors=2)
    assert sets(bench, 1, OWN, {0: 1_000}) == REJECTED
    assert why(bench) == (
        "NO_SUCH_TRANSACTION",
        "connectorId: no transaction runs at 1",
    )
    bench.charges()
    assert sets(bench, 1, OWN, {0: 1_000}, transactionId=8) == REJECTED
    assert why(bench)[1] == "transactionId: 8 does not run at 1"
    assert sets(bench, 2, OWN, {0: 1_000}, transactionId=7) == REJECTED
    assert sets(bench, 0, OWN, {0: 1_000}, transactionId=7) == REJECTED
    assert sets(bench, 1, OWN, {0: 1_000}) == ACCEPTED


@pytest.mark.requirement("SMART-14", "SMART-20")
@pytest.mark.parametrize(
    ("connector", "purpose", "more", "told"),
    [
        (1, STATION, {}, "connectorId: 1 takes no ChargePointMaxProfile; set it for 0"),
        (
            0,
            DEFAULT,
            {"transactionId": 7},
            "transactionId: a TxDefaultProfile has",
        ),
        (0, DEFAULT, {"stackLevel": 100}, "stackLevel: 100 is not from 0 to 99"),
        (0, DEFAULT, {"limits": {}}, "chargingSchedulePeriod: must have 1 to"),
        (0, DEFAULT, {"duration": -1}, "duration: -1 is not above 0"),
        (0, DEFAULT, {"phases": 4}, "numberPhases: 4 is not from 1 to 3"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(
    connector: int, purpose: str, more: Any, told: str
) -> None:
    bench = Bench()
    bench.charges()
    phases = more.pop("phases", None) if "phases" in more else None
    sent = profile(purpose, more.pop("limits", {0: 1_000}), **more)
    if phases:
        sent["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = phases
    answer = bench.asks(
        "SetChargingProfile", connectorId=connector, csChargingProfiles=sent
    )
    assert answer == REJECTED
    assert why(bench)[0] == "BAD_VALUE"
    assert why(bench)[1].startswith(told)
    assert bench.output.limit_w == FULL_W


def test_what_cannot_be_kept_is_not_promised() -> None:
    bench = Bench()
    bench.charges()
    bench.happens(StorageChanged(0, failing=True))
    assert sets(bench, 0, DEFAULT, {0: 1_000}) == REJECTED
    assert why(bench)[0] == "STORAGE_FAILING"
    assert sets(bench, 1, OWN, {0: 1_000}) == ACCEPTED


# Units


@pytest.mark.key("NominalMainsVoltage")
@pytest.mark.requirement("SMART-51", "SMART-52", "SMART-53", "SMART-64")
def test_amperes_are_those_of_each_phase_of_the_mains() -> None:
    bench = Bench()
    assert sets(bench, 0, DEFAULT, {0: 32}, unit="A") == ACCEPTED
    assert composite(bench) == {0: 22_080}
    assert composite(bench, chargingRateUnit="A") == {0: 32}
    one_phase = profile(DEFAULT, {0: 16.1}, unit="A")
    one_phase["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = 1
    bench.asks("SetChargingProfile", connectorId=0, csChargingProfiles=one_phase)
    assert composite(bench) == {0: 3_703}
    bench.sets(NominalMainsVoltage=277)
    sets(bench, 0, DEFAULT, {0: 16.1}, unit="A")
    assert composite(bench) == {0: 13_379.1}
    assert composite(bench, chargingRateUnit="A") == {0: 16.1}


@pytest.mark.key("ChargingScheduleAllowedChargingRateUnit")
@pytest.mark.requirement("SMART-08", "SMART-64")
def test_a_unit_that_is_not_offered_is_neither_taken_nor_told() -> None:
    bench = Bench(keys={"ChargingScheduleAllowedChargingRateUnit": "Power"})
    assert sets(bench, 0, DEFAULT, {0: 32}, unit="A") == REJECTED
    assert why(bench)[1] == "chargingRateUnit: A is not offered; use W"
    asked = {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}
    assert bench.asks("GetCompositeSchedule", **asked) == REJECTED
    bench = Bench(keys={"ChargingScheduleAllowedChargingRateUnit": "Current"})
    answer = bench.asks("GetCompositeSchedule", connectorId=1, duration=60)
    (period,) = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert period == {"startPeriod": 0, "limit": 86.9}


@pytest.mark.key("CompositeScheduleNumberPhases")
@pytest.mark.requirement("SMART-69")
def test_phases_are_told_where_the_operator_wants_it() -> None:
    bench = Bench()
    asked = {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}
    bench.sets(CompositeScheduleNumberPhases=1)
    answer = bench.asks("GetCompositeSchedule", **asked)
    (period,) = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert period == {"startPeriod": 0, "limit": 260.8, "numberPhases": 1}
    bench.sets(CompositeScheduleNumberPhases=0)
    answer = bench.asks("GetCompositeSchedule", **asked)
    (period,) = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert period == {"startPeriod": 0, "limit": 86.9}


@pytest.mark.key("ChargeProfileMaxStackLevel")
@pytest.mark.key("ChargingScheduleMaxPeriods")
@pytest.mark.key("MaxChargingProfilesInstalled")
def test_what_the_keys_promise_is_taken_and_not_one_more() -> None:
    bench = Bench()
    names = [
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    ]
    found = bench.asks("GetConfiguration", key=names)["configurationKey"]
    level, periods, most = (int(key["value"]) for key in found)
    long = {60 * n: 1_000 + n for n in range(periods + 1)}
    assert sets(bench, 0, STATION, long) == REJECTED
    del long[60 * periods]
    for n in range(most):
        stack = {"stackLevel": level - n, "chargingProfileId": n}
        assert sets(bench, 0, STATION, long, **stack) == ACCEPTED
    over = {"stackLevel": level + 1, "chargingProfileId": 0}
    assert sets(bench, 0, STATION, long, **over) == REJECTED
    assert sets(bench, 0, DEFAULT, {0: 1_000}, chargingProfileId=most) == REJECTED


@pytest.mark.key("ConnectorSwitch3to1PhaseSupported")
@pytest.mark.requirement("SMART-54", "SMART-06", "SMART-07", "SMART-09")
def test_the_keys_tell_what_is_possible_and_the_csms_cannot_change_them() -> None:
    bench = Bench()
    told = {
        "ChargeProfileMaxStackLevel": "99",
        "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
        "ChargingScheduleMaxPeriods": "200",
        "ConnectorSwitch3to1PhaseSupported": "false",
        "MaxChargingProfilesInstalled": "100",
    }
    answer = bench.asks("GetConfiguration", key=list(told))
    found = {key["key"]: key["value"] for key in answer["configurationKey"]}
    assert found == told
    assert all(key["readonly"] for key in answer["configurationKey"])


# The composite schedule


@pytest.mark.requirement("SMART-60", "SMART-61", "SMART-65", "SMART-66", "SMART-67")
def test_the_composite_schedule_begins_with_the_question() -> None:
    bench = Bench()
    bench.clock.advance(0.4)
    now = bench.clock.now().utc
    start = timestamp(now.replace(microsecond=0) - timedelta(seconds=7))
    limits = {0: 8_000.0, 50: 11_000.0, 80: 11_000.0, 140: 16_000.0}
    sets(bench, 0, DEFAULT, limits, startSchedule=start, duration=200)
    answer = bench.asks("GetCompositeSchedule", connectorId=1, duration=300)
    assert moment(answer["scheduleStart"]) == now.replace(microsecond=0)
    assert answer["chargingSchedule"] == {
        "duration": 300,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 8_000},
            {"startPeriod": 43, "limit": 11_000},
            {"startPeriod": 133, "limit": 16_000},
            {"startPeriod": 193, "limit": 60_000},
        ],
    }


@pytest.mark.requirement("SMART-66")
def test_of_two_limits_within_one_second_the_later_one_is_told() -> None:
    bench = Bench()
    now = bench.clock.now().utc.replace(microsecond=0)
    for id, after_s in ((1, 100.3), (2, 100.4)):
        start = timestamp(now + timedelta(seconds=after_s))
        more: Any = {"id": id, "stackLevel": id, "startSchedule": start}
        sets(bench, 0, DEFAULT, {0: id * 10_000}, **more)
    assert composite(bench) == {0: FULL_W, 100: 20_000}


@pytest.mark.requirement("SMART-63", "SMART-68")
def test_a_composite_schedule_that_makes_no_sense_is_rejected() -> None:
    bench = Bench()
    for connector, seconds in ((2, 60), (-1, 60), (1, 0), (1, -60)):
        asked = {"connectorId": connector, "duration": seconds}
        assert bench.asks("GetCompositeSchedule", **asked) == REJECTED
    assert why(bench) == ("BAD_VALUE", "duration: -60 is not above 0")
    answer = bench.asks("GetCompositeSchedule", connectorId=0, duration=10**9)
    assert answer["chargingSchedule"]["duration"] == 86_400


@pytest.mark.requirement("SMART-68")
def test_a_composite_schedule_has_a_bounded_number_of_periods() -> None:
    bench = Bench()
    start = timestamp(bench.clock.now().utc)
    for level in range(2):
        begin = level * 200
        limits = {s: float(2_000 + (s + begin) % 7) for s in range(200)}
        sets(
            bench,
            0,
            DEFAULT,
            limits,
            id=level,
            stackLevel=level,
            duration=200,
            startSchedule=timestamp(moment(start) + timedelta(seconds=begin)),
        )
    answer = bench.asks("GetCompositeSchedule", connectorId=1, duration=400)
    assert len(answer["chargingSchedule"]["chargingSchedulePeriod"]) == 300
    assert answer["chargingSchedule"]["duration"] == 300


# Clearing


@pytest.mark.key("AcceptClearingNothing")
@pytest.mark.requirement("SMART-80", "SMART-81", "SMART-82", "SMART-83", "SMART-84")
def test_what_is_cleared_is_what_all_given_fields_mean() -> None:
    bench = Bench(connectors=2)
    assert clears(bench) == "Unknown"
    assert why(bench)[0] == "NO_SUCH_PROFILE"

    def fill() -> None:
        sets(bench, 0, STATION, {0: 50_000}, id=1)
        sets(bench, 0, DEFAULT, {0: 50_000}, id=2)
        sets(bench, 1, DEFAULT, {0: 50_000}, id=3)
        sets(bench, 0, DEFAULT, {0: 50_000}, id=4, stackLevel=1)

    fill()
    assert clears(bench, id=9, stackLevel=0) == "Unknown"
    assert clears(bench, id=3, stackLevel=5, connectorId=0) == "Accepted"
    assert ids(bench) == [1, 2, 4]
    fill()
    assert clears(bench, connectorId=0) == "Accepted"
    assert ids(bench) == [3]
    fill()
    assert clears(bench, chargingProfilePurpose=DEFAULT, stackLevel=0) == "Accepted"
    assert ids(bench) == [1, 4]
    assert clears(bench, connectorId=1, chargingProfilePurpose=DEFAULT) == "Unknown"
    fill()
    assert clears(bench) == "Accepted"
    assert ids(bench) == []
    bench.sets(AcceptClearingNothing="true")
    assert clears(bench) == "Accepted"
    assert clears(bench, id=1) == "Unknown"


# A remote start that brings a profile


def starts(bench: Bench, connector: int, **more: Any) -> Json:
    return bench.asks(
        "RemoteStartTransaction",
        idTag=CARD,
        connectorId=connector,
        chargingProfile=profile(
            more.pop("purpose", OWN), {0: 20_000}, kind="Relative", **more
        ),
    )


@pytest.mark.requirement("REM-09", "REM-10")
@pytest.mark.parametrize("authorized", ["false", "true"])
def test_the_profile_of_a_remote_start_binds_the_transaction_that_comes_of_it(
    authorized: str,
) -> None:
    bench = Bench(connectors=2, keys={"AuthorizeRemoteTxRequests": authorized})
    assert starts(bench, 2) == ACCEPTED
    assert ids(bench) == []
    bench.plugs(2)
    bench.energizes(2)
    assert bench.steps[-1].outputs[2].limit_w == 20_000
    assert composite(bench, 2) == {0: 20_000}
    assert composite(bench, 1) == {0: FULL_W}
    more = {"transactionId": 7, "kind": "Relative"}
    assert sets(bench, 2, OWN, {0: 15_000}, id=5, stackLevel=1, **more) == ACCEPTED
    assert ids(bench) == [1, 5]
    assert bench.steps[-1].outputs[2].limit_w == 15_000
    assert sets(bench, 2, OWN, {0: 18_000}, id=6, **more) == ACCEPTED
    assert ids(bench) == [5, 6]
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000, 2)
    assert ids(bench) == []


@pytest.mark.requirement("REM-10")
def test_a_remote_start_without_a_transaction_leaves_no_profile() -> None:
    bench = Bench()
    bench.sets(ConnectionTimeOut=20, AuthorizeRemoteTxRequests="true")
    assert starts(bench, 1) == ACCEPTED
    bench.waits(21)
    bench.charges()
    assert bench.output.limit_w == FULL_W
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000)
    bench.unplugs()
    bench.csms.will("Authorize", {"idTagInfo": {"status": "Invalid"}})
    assert starts(bench, 1) == ACCEPTED
    bench.charges(OTHER_CARD)
    assert bench.output.limit_w == FULL_W


@pytest.mark.requirement("REM-09", "REM-11")
@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"purpose": DEFAULT}, "chargingProfilePurpose: TxDefaultProfile; use TxPr"),
        ({"transactionId": 7}, "transactionId: the transaction has none yet"),
        ({"stackLevel": -1}, "stackLevel: -1 is not from 0 to 99"),
    ],
)
def test_a_remote_start_with_a_wrong_profile_starts_nothing(
    more: Any, told: str
) -> None:
    bench = Bench()
    bench.plugs()
    assert starts(bench, 1, **more) == REJECTED
    assert why(bench)[0] == "BAD_VALUE"
    assert why(bench)[1].startswith(told)
    assert bench.phase() == "plugged"


# Restarts, skew, and the doubts of the standard


@pytest.mark.requirement("SMART-21", "PERS-05")
def test_profiles_outlive_a_power_cut_but_for_those_of_its_transactions(
    tmp_path: Path,
) -> None:
    bench = Bench(store=Store(tmp_path / "chargerd.db"))
    bench.charges()
    weekly = {
        "kind": "Recurring",
        "recurrencyKind": "Weekly",
        "startSchedule": "2026-03-02T07:00:00Z",
        "validTo": "2026-04-01T00:00:00+02:00",
    }
    sets(bench, 0, DEFAULT, {0: 30_000, 7_200: 20_000.5}, id=1, **weekly)
    sets(bench, 0, STATION, {0: 50_000}, id=2)
    sets(bench, 1, OWN, {0: 10_000}, id=3, kind="Relative")
    sets(bench, 1, DEFAULT, {0: 10_000}, id=4)
    clears(bench, id=4)
    held = bench.charge_point.station.installation.all
    assert composite(bench) == {0: 10_000}
    bench.restarts()
    assert bench.charge_point.station.installation.all == held[:2]
    assert list(composite(bench, 0, 7_200).values()) == [30_000, 20_000.5]
    bench.charges(OTHER_CARD)
    assert bench.output.limit_w == 30_000


@pytest.mark.key("ChargingProfileSkew")
def test_a_schedule_that_starts_a_little_late_has_started() -> None:
    bench = Bench()
    bench.charges()
    soon = timestamp(bench.clock.now().utc + timedelta(seconds=3))
    assert sets(bench, 0, DEFAULT, {0: 10_000}, startSchedule=soon) == ACCEPTED
    assert bench.output.limit_w == 10_000
    bench.sets(ChargingProfileSkew=0)
    assert sets(bench, 0, DEFAULT, {0: 20_000}, startSchedule=soon) == ACCEPTED
    assert bench.output.limit_w == FULL_W
    bench.waits(4)
    assert bench.output.limit_w == 20_000


@pytest.mark.key("TxDefaultAfterTxProfile")
@pytest.mark.requirement("SMART-36")
def test_whether_the_default_steps_in_after_the_own_profile_is_a_choice() -> None:
    bench = Bench()
    bench.charges()
    sets(bench, 0, DEFAULT, {0: 30_000})
    sets(bench, 1, OWN, {0: 10_000}, id=2, kind="Relative", duration=30)
    assert bench.output.limit_w == 10_000
    bench.waits(30)
    assert bench.output.limit_w == FULL_W
    bench.sets(TxDefaultAfterTxProfile="true")
    assert bench.output.limit_w == 30_000


@pytest.mark.key("TxDefaultForAllOverrules")
@pytest.mark.requirement("SMART-17")
def test_whether_a_default_for_all_overrules_single_ones_is_a_choice() -> None:
    bench = Bench()
    sets(bench, 1, DEFAULT, {0: 10_000}, id=1)
    sets(bench, 0, DEFAULT, {0: 30_000}, id=2)
    assert composite(bench) == {0: 10_000}
    bench.sets(TxDefaultForAllOverrules="true")
    sets(bench, 0, DEFAULT, {0: 20_000}, id=3)
    assert composite(bench) == {0: 20_000}
    assert ids(bench) == [3]


@pytest.mark.key("ConversionEfficiency")
@pytest.mark.requirement("SMART-55")
def test_whether_the_stations_limit_counts_the_losses_is_a_choice() -> None:
    bench = Bench()
    bench.charges()
    sets(bench, 0, STATION, {0: 40_000})
    assert bench.output.limit_w == 40_000
    bench.sets(ConversionEfficiency=95)
    assert bench.output.limit_w == 38_000
    assert composite(bench, 0) == {0: 40_000}


@pytest.mark.key("AcceptAbsoluteWithoutStart")
@pytest.mark.requirement("SMART-11")
def test_whether_an_absolute_profile_needs_a_start_is_a_choice() -> None:
    bench = Bench()
    assert sets(bench, 0, DEFAULT, {0: 30_000}) == ACCEPTED
    bench.sets(AcceptAbsoluteWithoutStart="false")
    assert sets(bench, 0, DEFAULT, {0: 30_000}) == REJECTED


SMALL: Final = Fitting(PowerRating(150.0, 1000.0, 200.0, 60_000.0), FITTED, 50_000.0)


def test_what_people_are_told_names_the_profile() -> None:
    bench = Bench(fitting=SMALL)
    bench.charges()
    until = datetime(2026, 3, 2, 9, tzinfo=UTC)
    start = timestamp(until - timedelta(hours=2))
    sets(bench, 0, STATION, {0: 30_000}, id=12, startSchedule=start, duration=7_200)
    limit = bench.charge_point.station.limit(1)
    assert (limit.power_w, limit.until) == (30_000, until)
    assert limit.profile is not None
    assert limit.profile.id == 12
