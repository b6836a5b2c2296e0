"""Whatever profile the CSMS sends, legal or odd: it is answered, and nothing breaks."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scenarios.bench import RATING, Bench
from tests.scenarios.csms import Json


def mostly(
    usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Draw what is odd seldom: one odd field is enough for a refusal."""
    return st.integers(0, 19).flatmap(lambda n: odd if n == 0 else usual)


EDGES = st.sampled_from((0, 1, -1, 2**31, 2**62, 2**63 - 1, -(2**63)))
COUNTS = mostly(st.integers(1, 100), EDGES)
LIMITS = mostly(
    st.integers(0, 10**6).map(lambda tenths: tenths / 10),
    EDGES | st.sampled_from((1e300, 1e22, -0.0, 0.05)),
)
MOMENTS = mostly(
    st.sampled_from(
        (
            "2026-03-02T08:00:00Z",
            "2026-03-02T08:00:30.123456Z",
            "2026-03-02T09:00:00+01:00",
            "2026-03-01T02:30:00",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
        )
    ),
    st.sampled_from(("9999-12-31T23:59:59Z", "2024-02-29T23:59:60Z", "not a time")),
)
ENDS = mostly(
    st.sampled_from(("2026-03-02T09:00:10Z", "9999-12-31T23:59:59Z")), MOMENTS
)
PERIOD = st.fixed_dictionaries(
    {"startPeriod": COUNTS, "limit": LIMITS},
    optional={"numberPhases": mostly(st.integers(1, 3), EDGES)},
)
ASCENDING = st.lists(PERIOD, min_size=1, max_size=5).map(
    lambda periods: [{**p, "startPeriod": 20 * at} for at, p in enumerate(periods)]
)
SCHEDULE = st.fixed_dictionaries(
    {
        "chargingRateUnit": st.sampled_from(("W", "A")),
        "chargingSchedulePeriod": mostly(ASCENDING, st.lists(PERIOD, max_size=5)),
        "startSchedule": MOMENTS,
    },
    optional={
        "duration": mostly(st.integers(1, 10_000), EDGES),
        "minChargingRate": LIMITS,
    },
)
KINDS: list[Json] = [
    {"chargingProfileKind": "Absolute"},
    {"chargingProfileKind": "Relative"},
    {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"},
    {"chargingProfileKind": "Recurring", "recurrencyKind": "Weekly"},
    {"chargingProfileKind": "Recurring"},
]
PLACES: list[tuple[int, str]] = [
    (0, "ChargePointMaxProfile"),
    (0, "TxDefaultProfile"),
    (1, "TxDefaultProfile"),
    (1, "TxProfile"),
    (2, "TxProfile"),
]
REST = st.fixed_dictionaries(
    {
        "chargingProfileId": COUNTS,
        "stackLevel": COUNTS,
        "chargingSchedule": SCHEDULE,
    },
    optional={"validFrom": MOMENTS, "validTo": ENDS},
)


def sent(place: tuple[int, str], kind: Json, rest: Json) -> tuple[int, Json]:
    connector, purpose = place
    return connector, {"chargingProfilePurpose": purpose, **kind, **rest}


SENT = st.builds(sent, st.sampled_from(PLACES), st.sampled_from(KINDS), REST)


def composite(bench: Bench, connector: int) -> dict[int, float]:
    answer = bench.asks("GetCompositeSchedule", connectorId=connector, duration=7_200)
    assert answer["status"] == "Accepted"
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert periods[0]["startPeriod"] == 0
    return {period["startPeriod"]: period["limit"] for period in periods}


@pytest.mark.no_cover
@settings(max_examples=80, deadline=None)
@given(st.lists(SENT, min_size=1, max_size=5), st.booleans())
def test_any_profile_is_answered_and_any_limit_is_one(
    asked: list[tuple[int, Json]], remotely: bool
) -> None:
    bench = Bench()
    if remotely:
        bench.plugs()
        _, first = asked[0]
        bench.asks("RemoteStartTransaction", idTag="APP", chargingProfile=first)
    else:
        bench.charges()
    for connector, profile in asked:
        answer = bench.asks(
            "SetChargingProfile", connectorId=connector, csChargingProfiles=profile
        )
        assert set(answer) in ({"status"}, {"code"}), json.dumps(profile)
        assert 0.0 <= bench.output.limit_w <= RATING.max_power_w
        told = composite(bench, 1)
        assert all(0.0 <= limit <= RATING.max_power_w for limit in told.values())
        composite(bench, 0)
        bench.waits(13)
    held = bench.charge_point.station.installation.all
    assert bench.asks("ClearChargingProfile") == {
        "status": "Accepted" if held else "Unknown"
    }
