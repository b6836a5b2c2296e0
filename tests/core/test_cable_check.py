"""The cable check: what proves the insulation of a cable, and what does not."""

from dataclasses import replace
from math import inf

import pytest

from chargerd.core.cable_check import CableCheck, followed, wanted_v
from chargerd.core.permissive import Facts, learned
from hal.values import Position, Quality, Reading, VehiclePhase
from tests.core.bench import FITTED, contactor, isolation, modules, vehicle

SINCE_S = 100.0
MOST_V = 1000.0
TESTED = CableCheck(tested=True)


def read(
    check: CableCheck, *readings: Reading, own_v: float | None = 400.0
) -> CableCheck:
    """Let readings come one after the other."""
    facts = learned(
        Facts(FITTED),
        vehicle(SINCE_S, VehiclePhase.CABLE_CHECK, max_voltage_v=own_v),
    )
    for seconds, reading in enumerate(readings, start=1):
        facts = learned(facts, replace(reading, at_s=SINCE_S + seconds))
        check = followed(check, facts, SINCE_S, MOST_V)
    return check


CLOSED, OPEN = (
    contactor(0.0, position) for position in (Position.CLOSED, Position.OPEN)
)
HIGH, LOW, DOWN = (modules(0.0, voltage_v=v) for v in (380.0, 379.9, 59.9))
GOOD, BAD = isolation(0.0, 100_000.0), isolation(0.0, 99_999.0)
DOUBTFUL = isolation(0.0, quality=Quality.DOUBTFUL)


def test_a_check_is_passed_in_its_order() -> None:
    check = read(TESTED, CLOSED, HIGH, GOOD, DOWN)
    assert check.passed
    assert (check.closed_s, check.reached_s) == (SINCE_S + 1, SINCE_S + 2)


@pytest.mark.parametrize(
    "readings",
    [
        (CLOSED, LOW, GOOD, DOWN),
        (CLOSED, HIGH, BAD, DOWN),
        (CLOSED, HIGH, DOUBTFUL, DOWN),
        (CLOSED, GOOD, HIGH, DOWN),
        (CLOSED, HIGH, DOWN, GOOD),
        (CLOSED, HIGH, GOOD),
        (CLOSED, HIGH, GOOD, modules(0.0, voltage_v=60.0)),
        (OPEN, HIGH, GOOD, DOWN),
        (HIGH, GOOD, DOWN),
    ],
)
def test_a_check_that_lacks_something_is_not_passed(
    readings: tuple[Reading, ...],
) -> None:
    assert not read(TESTED, *readings).passed


def test_without_a_self_test_nothing_is_proven() -> None:
    assert not read(CableCheck(), CLOSED, HIGH, GOOD, DOWN).passed


def test_what_was_read_before_the_check_proves_nothing() -> None:
    facts = Facts(FITTED)
    car = vehicle(SINCE_S, VehiclePhase.CABLE_CHECK, max_voltage_v=400.0)
    for reading in (car, CLOSED, HIGH, GOOD):
        facts = learned(facts, replace(reading, at_s=SINCE_S))
    assert followed(TESTED, facts, SINCE_S, MOST_V) == TESTED


@pytest.mark.parametrize(
    ("own_v", "wish_v", "wanted"),
    [
        (400.0, 450.0, 400.0),
        (1500.0, 1500.0, 1000.0),
        (None, 450.0, 450.0),
        (None, 0.0, 1000.0),
    ],
)
def test_a_cable_is_tested_at_the_voltage_of_its_vehicle(
    own_v: float | None, wish_v: float, wanted: float
) -> None:
    car = vehicle(
        0.0, VehiclePhase.CABLE_CHECK, max_voltage_v=own_v, target_voltage_v=wish_v
    )
    assert wanted_v(learned(Facts(), car), MOST_V) == wanted
    assert wanted_v(Facts(), MOST_V) == inf
