"""What the power modules are told, and that no limit is ever passed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.core.permissive import hard_limit_v
from chargerd.core.power import (
    LEASE_S,
    SMALL_CURRENT_A,
    Limit,
    Setter,
    Supply,
    offer,
    offered_current_a,
    setpoint,
)
from hal.values import PowerRating, Setpoint, VehiclePhase
from tests.core.bench import RATING, vehicle

FULL = offer(RATING, None)
OFF = Setpoint(0.0, 0.0, LEASE_S)


def supplied(supply: Supply, phase: VehiclePhase, **wishes: Any) -> Setpoint:
    car = vehicle(0.0, phase, **wishes)
    return setpoint(supply, FULL, RATING, car, car.target_voltage_v)


def test_the_modules_rating_is_the_usual_limit() -> None:
    assert offer(RATING, None) == Limit(100_000.0, Setter.HARDWARE)
    assert offer(RATING, 200_000.0) == Limit(100_000.0, Setter.HARDWARE)


def test_the_station_file_may_allow_less() -> None:
    assert offer(RATING, 50_000.0) == Limit(50_000.0, Setter.CONFIGURATION)


def test_a_pause_is_zero_power() -> None:
    paused = offer(RATING, 50_000.0, paused=True)
    assert paused == Limit(0.0, Setter.AUTHORIZATION)
    assert offered_current_a(paused, RATING, 400.0) == 0.0
    charging = vehicle(0.0, VehiclePhase.CHARGING)
    assert setpoint(Supply.CHARGE, paused, RATING, charging, 400.0).current_a == 0.0


def test_an_offer_in_ampere_depends_on_the_voltage() -> None:
    assert offered_current_a(FULL, RATING, 800.0) == 125.0
    assert offered_current_a(FULL, RATING, 400.0) == 250.0
    # Below what the modules can give, their lowest voltage counts.
    assert offered_current_a(Limit(15_000.0, Setter.HARDWARE), RATING, 0.0) == 100.0


@pytest.mark.parametrize(
    ("supply", "phases"),
    [
        (Supply.OFF, set()),
        (Supply.TEST_VOLTAGE, {"CABLE_CHECK"}),
        (Supply.MATCH_BATTERY, {"PRECHARGE", "READY", "CHARGING", "PAUSED"}),
        (Supply.CHARGE, {"READY", "CHARGING", "PAUSED"}),
    ],
)
def test_there_is_voltage_only_where_the_vehicle_stands_for_it(
    supply: Supply, phases: set[str]
) -> None:
    given_at = {p.name for p in VehiclePhase if supplied(supply, p) != OFF}
    assert given_at == phases


def test_there_is_no_voltage_that_nobody_asked_for() -> None:
    charging = VehiclePhase.CHARGING
    assert supplied(Supply.CHARGE, charging, target_voltage_v=0.0) == OFF
    assert supplied(Supply.CHARGE, charging, max_voltage_v=0.0) == OFF


@pytest.mark.parametrize(
    ("supply", "phase"),
    [
        (Supply.TEST_VOLTAGE, VehiclePhase.CABLE_CHECK),
        (Supply.MATCH_BATTERY, VehiclePhase.PRECHARGE),
    ],
)
def test_cable_check_and_precharge_get_a_small_current(
    supply: Supply, phase: VehiclePhase
) -> None:
    assert supplied(supply, phase) == Setpoint(400.0, SMALL_CURRENT_A, LEASE_S)


@pytest.mark.parametrize(
    ("wish_v", "own_v", "test_v"),
    [
        # IEC 61851-23:2023 CC.4.1.2, never above the wish or the modules
        (1000.0, 400.0, 450.0),
        (1000.0, 480.0, 500.0),
        (1000.0, 500.0, 500.0),
        (1000.0, 501.0, 551.1),
        (1000.0, 800.0, 880.0),
        (2000.0, 950.0, 1000.0),
        (420.0, 400.0, 420.0),
        (420.0, None, 420.0),
        (2000.0, None, 1000.0),
    ],
)
def test_the_cable_check_has_the_voltage_of_its_standard(
    wish_v: float, own_v: float | None, test_v: float
) -> None:
    wishes = {"target_voltage_v": wish_v, "max_voltage_v": own_v}
    told = supplied(Supply.TEST_VOLTAGE, VehiclePhase.CABLE_CHECK, **wishes)
    assert told.voltage_v == pytest.approx(test_v)
    if own_v is not None:
        match = supplied(Supply.MATCH_BATTERY, VehiclePhase.PRECHARGE, **wishes)
        charge = supplied(Supply.CHARGE, VehiclePhase.CHARGING, **wishes)
        assert match.voltage_v == charge.voltage_v == min(wish_v, own_v)


def test_the_vehicle_gets_what_it_asks_for() -> None:
    charge = supplied(Supply.CHARGE, VehiclePhase.CHARGING)
    assert charge == Setpoint(400.0, 125.0, LEASE_S)


@pytest.mark.parametrize(
    ("wishes", "current_a"),
    [
        ({"target_current_a": 300.0}, 250.0),
        ({"target_current_a": 300.0, "max_current_a": 200.0}, 200.0),
        ({"max_current_a": 0.0}, 0.0),
        ({"max_power_w": 20_000.0}, 50.0),
        ({"target_current_a": 300.0, "target_voltage_v": 800.0}, 125.0),
        ({"target_current_a": -1.0}, 0.0),
    ],
)
def test_the_least_of_all_limits_holds(
    wishes: dict[str, float], current_a: float
) -> None:
    assert (
        supplied(Supply.CHARGE, VehiclePhase.CHARGING, **wishes).current_a == current_a
    )


volts = st.floats(0.0, 1500.0)
amperes = st.floats(-10.0, 1000.0)
watts = st.floats(0.0, 500_000.0)


@given(
    st.sampled_from(Supply),
    st.builds(PowerRating, st.floats(50, 200), volts, st.floats(5.0, 500.0), watts),
    st.none() | watts,
    st.builds(
        vehicle,
        st.just(0.0),
        st.sampled_from(VehiclePhase),
        target_voltage_v=volts,
        target_current_a=amperes,
        max_voltage_v=st.none() | volts,
        max_current_a=st.none() | st.floats(0.0, 1000.0),
        max_power_w=st.none() | watts,
    ),
    st.booleans(),
    volts,
)
def test_no_limit_is_ever_passed(
    supply: Supply,
    rating: PowerRating,
    configured_w: float | None,
    car: Any,
    paused: bool,
    output_v: float,
) -> None:
    limit = offer(rating, configured_w, paused)
    told = setpoint(supply, limit, rating, car, output_v)
    assert 0.0 <= told.voltage_v <= min(rating.max_voltage_v, car.target_voltage_v)
    assert told.valid_for_s == LEASE_S
    if supply is Supply.CHARGE:
        power_w = output_v * told.current_a
        assert power_w <= limit.power_w * (1 + 1e-9)
        assert 0.0 <= told.current_a <= max(car.target_current_a, 0.0)
        assert told.current_a <= rating.max_current_a
        assert car.max_current_a is None or told.current_a <= car.max_current_a
        assert car.max_power_w is None or power_w <= car.max_power_w * (1 + 1e-9)
    else:
        assert told.current_a <= SMALL_CURRENT_A
    if car.max_voltage_v is not None:
        test = supply is Supply.TEST_VOLTAGE
        most_v = hard_limit_v(car.max_voltage_v) if test else car.max_voltage_v
        assert told.voltage_v <= most_v
