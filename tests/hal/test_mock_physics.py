"""The mock station's physics, in pure time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.values import Position, Setpoint, StationReport, VehiclePhase
from hal.world.car import Battery, Car
from hal.world.outlet import Outlet
from hal.world.rectifiers import AMPERES_PER_S_UP, VOLTS_PER_S_UP
from hal.world.steps import AT_LEAST_S, Step
from hal.world.travel import Bolt, Contacts
from tests.hal.effort import effort

FULL_POWER = Setpoint(800.0, 400.0, 3600.0)
REPORT = StationReport(True, 0.0, 0.0, 2e6, 1000.0, 400.0, 150_000.0)


def battery(soc: float = 0.2, capacity_wh: float = 77_000.0) -> Battery:
    return Battery(
        capacity_wh=capacity_wh,
        energy_wh=capacity_wh * soc,
        max_power_w=150_000.0,
        max_voltage_v=800.0,
    )


def connected_outlet(soc: float = 0.2, capacity_wh: float = 77_000.0) -> Outlet:
    """A car of the test's own, that keeps its contactors closed, on closed contactors.

    Its controller stands still: only the physics moves.
    """
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.controller.car = Car(battery(soc, capacity_wh), "02ABCDEF0123", closed=True)
    outlet.contacts.energize(True, -1.0)
    outlet.settle()
    return outlet


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_fuller_battery_has_the_higher_voltage(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert battery(low).open_voltage_v <= battery(high).open_voltage_v <= 800.0


@given(st.floats(0.0, 0.99), st.floats(100.0, 150_000.0))
def test_the_current_at_a_power_gives_that_power(soc: float, power_w: float) -> None:
    pack = battery(soc)
    current_a = pack.current_at_power_a(power_w)
    assert pack.voltage_at_v(current_a) * current_a == pytest.approx(power_w)


def test_the_wish_falls_above_eighty_percent_and_ends_when_full() -> None:
    wishes = [battery(soc).wished_current_a for soc in (0.7, 0.8, 0.85, 0.9, 0.99, 1.0)]
    assert wishes == sorted(wishes, reverse=True)
    assert wishes[-2] < 0.25 * wishes[0]
    assert wishes[-1] == 0.0


def test_an_unloaded_output_rises_by_its_ramp_and_waits_at_the_set_point() -> None:
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.rectifiers.supply(Setpoint(500.0, 2.0, 60.0), 0.0)

    outlet.advance(1.0)
    assert outlet.rectifiers.voltage_v == pytest.approx(VOLTS_PER_S_UP)

    outlet.advance(10.0)
    assert outlet.rectifiers.voltage_v == 500.0
    assert outlet.rectifiers.current_a == 0.0
    assert outlet.register.energy_wh == 0.0


def test_a_set_point_below_the_lowest_voltage_of_the_modules_gives_nothing() -> None:
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.rectifiers.supply(Setpoint(149.0, 2.0, 60.0), 0.0)
    outlet.advance(10.0)
    assert outlet.rectifiers.voltage_v == 0.0


def test_current_rises_by_its_ramp_into_a_battery() -> None:
    outlet = connected_outlet()
    outlet.rectifiers.supply(FULL_POWER, 0.0)

    outlet.advance(1.0)

    assert outlet.rectifiers.current_a == pytest.approx(AMPERES_PER_S_UP)


@given(st.floats(0.0, 800.0), st.floats(0.0, 400.0))
def test_no_set_point_gets_more_than_it_says_or_the_rating_allows(
    voltage_v: float, current_a: float
) -> None:
    outlet = connected_outlet()
    outlet.rectifiers.supply(Setpoint(voltage_v, current_a, 60.0), 0.0)

    outlet.advance(10.0)

    group = outlet.rectifiers
    assert 0.0 <= group.current_a <= current_a
    assert group.power_w <= group.rating.max_power_w * 1.0001
    assert group.current_a == 0.0 or group.voltage_v <= voltage_v * 1.0001


def test_the_lease_ends_in_real_time_however_fast_the_world_runs() -> None:
    outlet = connected_outlet()
    outlet.set_rate(60.0)
    outlet.rectifiers.supply(Setpoint(800.0, 100.0, 2.0), 0.0)

    outlet.advance(1.99)
    assert outlet.rectifiers.current_a == pytest.approx(100.0)

    outlet.advance(2.02)
    assert outlet.rectifiers.current_a == 0.0


def test_a_renewed_lease_holds() -> None:
    outlet = connected_outlet()
    for tick in range(20):
        outlet.advance(tick * 0.5)
        outlet.rectifiers.supply(Setpoint(800.0, 100.0, 0.6), outlet.now_s)
    assert outlet.rectifiers.current_a == pytest.approx(100.0)


@pytest.mark.parametrize("pauses_s", [0.05, 0.7, 13.0])
def test_energy_does_not_depend_on_how_often_one_looks(pauses_s: float) -> None:
    outlet = connected_outlet()
    outlet.rectifiers.supply(FULL_POWER, 0.0)
    at_s = 0.0
    while at_s < 600.0:
        at_s = min(600.0, at_s + pauses_s)
        outlet.advance(at_s)

    rarely = connected_outlet()
    rarely.rectifiers.supply(FULL_POWER, 0.0)
    rarely.advance(600.0)

    assert outlet.register.energy_wh == pytest.approx(
        rarely.register.energy_wh, rel=0.0001
    )


def test_what_the_battery_gains_is_the_energy_less_its_own_heat() -> None:
    outlet = connected_outlet()
    car = outlet.controller.car
    assert car is not None
    before_wh = car.battery.energy_wh
    outlet.rectifiers.supply(Setpoint(800.0, 100.0, 3600.0), 0.0)

    outlet.advance(1800.0)

    lost_wh = 100.0**2 * car.battery.resistance_ohm / 2
    gained_wh = car.battery.energy_wh - before_wh
    assert gained_wh == pytest.approx(outlet.register.energy_wh - lost_wh, rel=0.001)


def test_opened_contactors_end_the_current_at_once_and_closed_ones_take_time() -> None:
    outlet = connected_outlet()
    outlet.rectifiers.supply(FULL_POWER, 0.0)
    outlet.advance(5.0)

    outlet.contacts.energize(False, 5.0)
    outlet.settle()
    assert outlet.rectifiers.current_a == 0.0
    assert outlet.position is Position.BETWEEN

    outlet.contacts.energize(True, 5.0)
    outlet.advance(5.04)
    assert outlet.rectifiers.current_a == 0.0
    outlet.advance(5.5)
    assert outlet.rectifiers.current_a == pytest.approx(45.0)


def test_modules_and_plug_warm_under_load_and_cool_without() -> None:
    outlet = connected_outlet(soc=0.0)
    outlet.rectifiers.supply(FULL_POWER, 0.0)
    outlet.advance(900.0)
    warm_k = outlet.rectifiers.warmth_k
    assert 20.0 < warm_k < 40.0
    assert 2.0 < outlet.plug_warmth_k < 30.0

    outlet.contacts.energize(False, 900.0)
    outlet.advance(1200.0)

    assert outlet.rectifiers.warmth_k == pytest.approx(warm_k / 2.718, rel=0.01)


def test_a_thousand_idle_days_cost_nothing() -> None:
    outlet = Outlet(1, 0.0, lambda: None)

    with effort() as spent:
        for day in range(1, 1001):
            outlet.advance(day * 86_400.0)

    # each day in steps of a second would take millions
    assert spent.calls / 1000 < 100


def test_an_hour_of_charging_is_reckoned_in_a_step_a_second() -> None:
    outlet = connected_outlet(soc=0.0, capacity_wh=500_000.0)
    outlet.rectifiers.supply(FULL_POWER, 0.0)

    with effort() as spent:
        outlet.advance(3600.0)

    # in steps of ten milliseconds, as while the current rises, it would take millions
    assert spent.calls / 3600 < 200
    assert outlet.register.energy_wh == pytest.approx(150_000.0, rel=0.001)


def test_a_pair_of_contactors_that_is_switched_on_its_way_turns_around() -> None:
    contacts = Contacts()
    contacts.energize(True, 0.0)
    contacts.energize(False, 0.02)
    assert contacts.position(0.05) is Position.BETWEEN
    assert contacts.position(0.08) is Position.OPEN


def test_coils_that_lost_their_supply_stay_off_when_it_returns() -> None:
    contacts = Contacts()
    contacts.energize(True, 0.0)
    contacts.power(False, 1.0)
    contacts.power(True, 2.0)
    assert contacts.position(3.0) is Position.OPEN


def test_a_stuck_bolt_stays_where_it_is() -> None:
    bolt = Bolt()
    bolt.drive(True, 0.0)
    assert not bolt.engaged(0.29)
    assert bolt.engaged(0.31)
    bolt.stuck = True
    bolt.drive(False, 1.0)
    assert bolt.engaged(5.0)


def test_a_changed_rate_keeps_the_part_of_a_dwell_that_is_over() -> None:
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.controller.plug(Car(battery(), "02ABCDEF0123"), 0.0)
    outlet.advance(0.75)
    outlet.set_rate(10.0)

    phases = []
    for at_s in (0.82, 0.83):
        outlet.advance(at_s)
        phases.append(outlet.controller.phase)

    assert phases == [VehiclePhase.NEGOTIATING, VehiclePhase.AUTHORIZING]


@pytest.mark.parametrize(
    ("car_v", "station_v", "test_v"),
    [(400.0, 1000.0, 450.0), (480.0, 1000.0, 500.0), (800.0, 1000.0, 880.0)]
    + [(920.0, 1000.0, 1000.0), (400.0, 420.0, 420.0), (400.0, 0.0, 450.0)],
)
def test_the_cable_is_checked_at_the_voltage_of_the_standard(
    car_v: float, station_v: float, test_v: float
) -> None:
    pack = Battery(
        capacity_wh=50_000.0, energy_wh=1e4, max_power_w=1e5, max_voltage_v=car_v
    )
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.controller.plug(Car(pack, "02ABCDEF0123"), 0.0)
    outlet.controller.accepted = True
    report = StationReport(True, 0.0, 0.0, 2e6, station_v, 400.0, 150_000.0)
    outlet.controller.hear(report, 1.4)

    outlet.advance(1.6)

    reading = outlet.controller.reading(1.6)
    assert reading.phase is VehiclePhase.CABLE_CHECK
    assert reading.target_voltage_v == test_v


@pytest.mark.parametrize(("hurried_at_s", "began_s"), [(0.0, 0.0015), (1.6, 1.5)])
def test_a_hurried_car_waits_for_the_insulation_to_be_measured(
    hurried_at_s: float, began_s: float
) -> None:
    pack = Battery(
        capacity_wh=50_000.0, energy_wh=1e4, max_power_w=1e5, max_voltage_v=400.0
    )
    proven = StationReport(True, 450.0, 0.0, 2e6, 1000.0, 400.0, 150_000.0)
    outlet = Outlet(1, 0.0, lambda: None)
    outlet.controller.plug(Car(pack, "02ABCDEF0123"), 0.0)
    outlet.controller.accepted = True
    outlet.controller.hear(proven, hurried_at_s)
    outlet.advance(hurried_at_s)
    outlet.set_rate(1000.0)
    ends_s = began_s + AT_LEAST_S[Step.MEASURING]
    wishes = []
    for at_s in (ends_s - 0.01, ends_s + 0.01):
        outlet.controller.hear(proven, at_s)
        outlet.advance(at_s)
        wishes.append(outlet.controller.reading(at_s).target_voltage_v)
    assert wishes == [450.0, 0.0]
