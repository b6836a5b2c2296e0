"""Limits that the CSMS sets, now and later (SmartCharging)."""

from datetime import datetime
from typing import Any, Final

import pytest

from tests.conformance.order import Json, Wanted, status
from tests.conformance.stage import SINGLE, Stage
from tests.conformance.states import (
    ACCEPTED,
    REJECTED,
    until_begun,
    until_charging,
    until_occupied,
    until_remotely_started,
)

Periods = list[tuple[int, int]]
"""From which second on how many kilowatts."""

MAX: Final = "ChargePointMaxProfile"
DEFAULT: Final = "TxDefaultProfile"
OF_TRANSACTION: Final = "TxProfile"
STANDING: Final[Periods] = [(0, 6)]
REFUSED: Final = (REJECTED, {"code": "PropertyConstraintViolation"})

_WATTS: Final = 1000


def profile(
    purpose: str,
    periods: Periods,
    *,
    id: int = 1,
    stack: int = 0,
    schedule: Json | None = None,
    **more: Any,
) -> Json:
    """Write a profile; ``schedule`` and ``more`` are fields of its two objects."""
    steps = [{"startPeriod": from_s, "limit": kw * _WATTS} for from_s, kw in periods]
    return {
        "chargingProfileId": id,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": steps,
            **(schedule or {}),
        },
        **more,
    }


async def sets(stage: Stage, connector: int, wanted: Json) -> Json:
    return await stage.asks(
        "SetChargingProfile", connectorId=connector, csChargingProfiles=wanted
    )


async def composite(stage: Stage, seconds: int, connector: int = 1) -> Json:
    answer = await stage.asks(
        "GetCompositeSchedule",
        connectorId=connector,
        duration=seconds,
        chargingRateUnit="W",
    )
    schedule = answer["chargingSchedule"]
    assert answer["status"] == "Accepted"
    assert answer["connectorId"] == connector
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["duration"] == seconds
    return answer


async def foreseen(
    stage: Stage, seconds: int, began: datetime | None = None
) -> list[tuple[float, float]]:
    """Return when a limit changes, in seconds from the profile's start, and to what."""
    answer = await composite(stage, seconds)
    asked = datetime.fromisoformat(answer["scheduleStart"])
    since_s = (asked - (began or asked)).total_seconds()
    told = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert told[0]["startPeriod"] == 0
    return [
        (period["startPeriod"] + since_s, period["limit"] / _WATTS) for period in told
    ]


def assert_agree(told: list[tuple[float, float]], wanted: Periods) -> None:
    """Find the limits that are wanted, to the second."""
    assert [limit for _, limit in told] == [limit for _, limit in wanted]
    for (from_s, _), (wanted_s, _) in zip(told[1:], wanted[1:], strict=True):
        assert abs(from_s - wanted_s) <= 1.0


async def installed(stage: Stage, profiles: dict[int, list[Json]]) -> datetime:
    """Install profiles that all start now; return when that is."""
    start = stage.utc()
    for connector, several in profiles.items():
        for wanted in several:
            wanted["chargingSchedule"]["startSchedule"] = start.isoformat()
            assert await sets(stage, connector, wanted) == ACCEPTED
    return start


@pytest.mark.requirement("SMART-02", "SMART-60", "SMART-65")
async def test_tc_056_default_profile(stage: Stage) -> None:
    assert await sets(stage, 1, profile(DEFAULT, STANDING)) == ACCEPTED
    assert_agree(await foreseen(stage, 300), STANDING)


@pytest.mark.requirement("SMART-03", "SMART-35", "SMART-60")
async def test_tc_057_profile_of_the_transaction(stage: Stage) -> None:
    await until_charging(stage)
    number = await stage.transaction()
    wanted = profile(OF_TRANSACTION, STANDING, transactionId=number)
    assert await sets(stage, 1, wanted) == ACCEPTED
    assert_agree(await foreseen(stage, 300), STANDING)


@pytest.mark.requirement("SMART-03")
async def test_tc_058_1_profile_of_no_transaction(stage: Stage) -> None:
    wanted = profile(OF_TRANSACTION, STANDING)
    assert await sets(stage, 1, wanted) in REFUSED


@pytest.mark.requirement("SMART-03")
async def test_tc_058_2_profile_of_another_transaction(stage: Stage) -> None:
    await until_charging(stage)
    number = await stage.transaction() + 1
    wanted = profile(OF_TRANSACTION, STANDING, transactionId=number)
    assert await sets(stage, 1, wanted) == REJECTED


@pytest.mark.requirement("REM-10")
async def test_tc_059_remote_start_with_a_profile(stage: Stage) -> None:
    await until_occupied(stage)
    limited = profile(OF_TRANSACTION, STANDING)
    await until_remotely_started(stage, chargingProfile=limited)
    await until_begun(stage)
    assert_agree(await foreseen(stage, 300), STANDING)


@pytest.mark.requirement("REM-09")
async def test_tc_060_remote_start_with_a_wrong_profile(stage: Stage) -> None:
    await until_occupied(stage)
    limited = profile(DEFAULT, STANDING)
    payload = {"connectorId": 1, "idTag": SINGLE, "chargingProfile": limited}
    assert await stage.asks("RemoteStartTransaction", **payload) in REFUSED
    await stage.expects_nothing(Wanted("StartTransaction"), status("Charging"))


@pytest.mark.requirement("SMART-30", "SMART-31", "SMART-35", "SMART-37", "SMART-66")
async def test_tc_066_composite_schedule(stage: Stage) -> None:
    await until_charging(stage)
    number = await stage.transaction()
    default: Periods = [(0, 6), (60, 10), (120, 8), (180, 15), (260, 8)]
    own: Periods = [(0, 8), (50, 11), (140, 16), (200, 6), (240, 12)]
    of_default = profile(DEFAULT, default, id=2, schedule={"duration": 300})
    of_own = profile(
        OF_TRANSACTION, own, id=3, schedule={"duration": 260}, transactionId=number
    )
    profiles = {0: [profile(MAX, [(0, 10)])], 1: [of_default, of_own]}
    began = await installed(stage, profiles)
    wanted: Periods = [(0, 8), (50, 10), (200, 6), (240, 10)]
    assert_agree(await foreseen(stage, 400, began), wanted)


@pytest.mark.requirement("SMART-67", "SMART-80", "SMART-81", "SMART-82", "SMART-83")
async def test_tc_067_clear_profiles(stage: Stage) -> None:
    ((_, unlimited),) = await foreseen(stage, 350)
    upper = profile(
        DEFAULT, [(0, 6), (60, 8), (200, 10)], id=2, stack=1, schedule={"duration": 400}
    )
    lower = profile(DEFAULT, [(0, 7), (100, 9)], id=3)
    most = profile(MAX, [(0, 11), (200, 12)], id=4)
    began = await installed(stage, {0: [most], 1: [upper, lower]})

    assert await stage.asks("ClearChargingProfile", id=2) == ACCEPTED
    assert_agree(await foreseen(stage, 350, began), [(0, 7), (100, 9)])

    some = {"chargingProfilePurpose": DEFAULT, "stackLevel": 0}
    assert await stage.asks("ClearChargingProfile", **some) == ACCEPTED
    assert_agree(await foreseen(stage, 350, began), [(0, 11), (200, 12)])

    assert await stage.asks("ClearChargingProfile") == ACCEPTED
    assert await foreseen(stage, 350) == [(0.0, unlimited)]


@pytest.mark.requirement("SMART-30", "SMART-31", "SMART-33")
async def test_tc_072_stacked_profiles(stage: Stage) -> None:
    lower = profile(
        DEFAULT, [(0, 6), (100, 8), (200, 10)], id=1, schedule={"duration": 400}
    )
    upper = profile(
        DEFAULT, [(0, 7), (100, 9)], id=2, stack=1, schedule={"duration": 150}
    )
    began = await installed(stage, {1: [lower, upper]})
    wanted: Periods = [(0, 7), (100, 9), (150, 8), (200, 10)]
    assert_agree(await foreseen(stage, 350, began), wanted)


@pytest.mark.requirement("SMART-40")
async def test_tc_082_default_profile_in_a_transaction(stage: Stage) -> None:
    await until_charging(stage)
    assert await sets(stage, 1, profile(DEFAULT, STANDING)) == ACCEPTED
    assert_agree(await foreseen(stage, 300), STANDING)
