"""The two grids of samples: without drift, and right at midnight."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.clock import Instant
from chargerd.core.metering import Aligned, Grid
from tests.clock import FakeClock

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_sample_is_due_an_interval_after_the_start() -> None:
    clock = FakeClock()
    start = clock.now()
    grid = Grid(start.monotonic_s, 60)
    assert grid.due_s == start.monotonic_s + 60
    assert grid.take(clock.advance(59.9)) == (grid, None)
    after, at = grid.take(clock.advance(0.1))
    assert at == start.utc + timedelta(seconds=60)
    assert after.due_s == start.monotonic_s + 120


@pytest.mark.requirement("METER-20")
def test_samples_that_come_late_stand_on_their_grid_without_drift() -> None:
    clock = FakeClock()
    start = clock.now()
    grid, stamps = Grid(start.monotonic_s, 60), []
    for late_s in (0.5, 3.0, 0.25, 10.0):
        assert grid.due_s is not None
        wait_s = grid.due_s + late_s - clock.now().monotonic_s
        grid, at = grid.take(clock.advance(wait_s))
        stamps.append(at)
    assert stamps == [start.utc + timedelta(minutes=n) for n in (1, 2, 3, 4)]


def test_points_that_were_missed_are_passed_over() -> None:
    clock = FakeClock()
    start = clock.now()
    grid, at = Grid(start.monotonic_s, 60).take(clock.advance(185))
    assert at == start.utc + timedelta(seconds=180)
    assert grid.due_s == start.monotonic_s + 240


@pytest.mark.requirement("TIME-03")
def test_a_corrected_wall_clock_moves_no_point_but_its_timestamp() -> None:
    clock = FakeClock()
    start = clock.now()
    grid = Grid(start.monotonic_s, 60)
    clock.correct(-3600)
    assert grid.take(clock.advance(59))[1] is None
    _, at = grid.take(clock.advance(1))
    assert at == start.utc + timedelta(seconds=60 - 3600)


@given(
    st.floats(0.0, 1e7),
    st.sampled_from([1, 7, 60, 900]),
    st.integers(0, 5000),
)
def test_rounding_takes_no_point_twice(
    start_s: float, interval_s: int, taken: int
) -> None:
    grid = Grid(start_s, interval_s, taken)
    assert grid.due_s is not None
    after, at = grid.take(Instant(grid.due_s, MIDNIGHT))
    assert after.taken == taken + 1
    assert at is not None
    assert timedelta(0) <= MIDNIGHT - at < timedelta(milliseconds=1)


def test_an_interval_of_zero_takes_nothing() -> None:
    clock = FakeClock()
    grid = Grid(clock.now().monotonic_s, 0)
    assert grid.due_s is None
    assert grid.take(clock.advance(1e6)) == (grid, None)


@pytest.mark.requirement("METER-26")
def test_another_interval_holds_from_its_next_point_on() -> None:
    clock = FakeClock()
    start_s = clock.now().monotonic_s
    grid = Grid(start_s, 60, taken=2)
    now = clock.advance(130)
    assert grid.every(60, now) is grid
    assert grid.every(50, now).due_s == start_s + 150
    assert grid.every(10, now).due_s == start_s + 140
    off = grid.every(0, now)
    assert off.due_s is None
    assert off.every(60, now).due_s == start_s + 180


@pytest.mark.requirement("METER-21")
@pytest.mark.parametrize(
    ("after", "interval_s", "point"),
    [
        ("00:00:00", 900, "00:15:00"),
        ("00:14:59", 900, "00:15:00"),
        ("00:15:00", 900, "00:30:00"),
        ("23:50:00", 900, "24:00:00"),
        ("23:00:00", 7 * 3600, "24:00:00"),  # does not divide the day
        ("20:59:00", 7 * 3600, "21:00:00"),
        ("12:00:00", 86_400, "24:00:00"),
        ("12:00:00", 200_000, "24:00:00"),
    ],
)
def test_the_clock_aligned_grid_begins_anew_at_midnight(
    after: str, interval_s: int, point: str
) -> None:
    def moment(text: str) -> datetime:
        hours, minutes, seconds = map(int, text.split(":"))
        return MIDNIGHT + timedelta(hours=hours, minutes=minutes, seconds=seconds)

    assert Aligned(interval_s).after(moment(after)) == moment(point)


@pytest.mark.requirement("METER-21")
@pytest.mark.parametrize(
    ("after", "point"),
    [
        # Nine hours do not divide the day, so its beginning can be seen.
        ("2026-01-10T22:59:59", "2026-01-10T23:00:00"),
        ("2026-01-10T23:00:00", "2026-01-11T08:00:00"),
        # The day on which summer time begins has 23 hours, and the last 5 are a rest.
        ("2026-03-29T16:59:00", "2026-03-29T17:00:00"),
        ("2026-03-29T17:00:00", "2026-03-29T22:00:00"),
    ],
)
def test_the_grid_may_begin_at_the_midnight_of_another_zone(
    after: str, point: str
) -> None:
    grid = Aligned(9 * 3600, ZoneInfo("Europe/Berlin"))
    before, then = (datetime.fromisoformat(f"{t}+00:00") for t in (after, point))
    assert grid.after(before) == then


@given(
    st.timedeltas(timedelta(0), timedelta(days=4000)),
    st.integers(1, 200_000),
)
def test_the_next_aligned_point_is_later_and_on_the_grid(
    days: timedelta, interval_s: int
) -> None:
    after = MIDNIGHT + days
    point = Aligned(interval_s).after(after)
    assert after < point <= after + timedelta(seconds=interval_s)
    midnight = point.replace(hour=0, minute=0, second=0, microsecond=0)
    assert (point - midnight).total_seconds() % interval_s == 0
