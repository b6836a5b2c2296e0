"""The clock: two clocks apart, each moved by the test."""

import math
import time
from datetime import UTC, datetime, timedelta

import pytest

from chargerd.clock import EARLIEST
from chargerd.runtime.system_clock import STEPPED_S, SystemClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Machine:
    """The clocks of a machine."""

    def __init__(self) -> None:
        self.monotonic_s = 50.0
        self.wall = NOON
        self.clock = SystemClock(lambda: self.monotonic_s, lambda: self.wall)

    def run(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.wall += timedelta(seconds=seconds)

    def utc(self) -> datetime:
        return self.clock.now().utc


def test_both_clocks_go_together() -> None:
    machine = Machine()
    machine.run(90.5)
    now = machine.clock.now()
    assert now.monotonic_s == 140.5
    assert now.utc == NOON + timedelta(seconds=90.5)


def test_the_csms_corrects_the_time_from_then_on() -> None:
    machine = Machine()
    machine.clock.step(-7200.0)
    machine.clock.step(0.5)
    machine.run(10)
    assert machine.utc() == NOON + timedelta(seconds=10 - 7200 + 0.5)
    assert machine.clock.now().monotonic_s == 60.0


def test_a_clock_that_is_set_is_believed_more_than_the_csms() -> None:
    machine = Machine()
    machine.clock.step(500.0)
    machine.wall += timedelta(hours=5)
    assert machine.utc() == NOON + timedelta(hours=5)
    machine.run(1)
    assert machine.utc() == NOON + timedelta(hours=5, seconds=1)
    machine.wall -= timedelta(days=40)
    assert machine.utc() == machine.wall


@pytest.mark.requirement("TIME-04")
def test_a_board_without_a_battery_goes_on_where_it_was_last_seen() -> None:
    machine = Machine()
    machine.wall = datetime(1970, 1, 1, tzinfo=UTC)
    machine.clock = SystemClock(lambda: machine.monotonic_s, lambda: machine.wall)
    machine.clock.not_before(EARLIEST)
    assert machine.utc() == EARLIEST
    machine.clock.not_before(NOON)
    machine.run(5)
    assert machine.utc() == NOON + timedelta(seconds=5)
    machine.clock.step(60.0)
    assert machine.utc() == NOON + timedelta(seconds=65)
    # set, but to what cannot be: still no time before the last that was known
    machine.wall = datetime(2000, 1, 1, tzinfo=UTC)
    assert machine.utc() == NOON
    machine.wall = NOON + timedelta(days=3)
    assert machine.utc() == machine.wall


@pytest.mark.requirement("TIME-04")
def test_a_clock_with_a_battery_is_believed() -> None:
    machine = Machine()
    machine.clock.not_before(NOON - timedelta(days=30))
    assert machine.utc() == NOON


def test_a_clock_that_is_slewed_moves_no_time() -> None:
    machine = Machine()
    machine.wall += timedelta(seconds=STEPPED_S * 0.9)
    machine.run(1)
    assert machine.utc() == NOON + timedelta(seconds=1)


def test_it_tells_the_time_of_the_machine() -> None:
    clock = SystemClock()
    before_s = time.monotonic()
    now = clock.now()
    assert before_s <= now.monotonic_s <= time.monotonic()
    assert clock.monotonic is time.monotonic
    assert now.utc.tzinfo is UTC
    assert math.isclose(now.utc.timestamp(), time.time(), abs_tol=1.0)
