from datetime import timedelta

import pytest

from chargerd.ocpp16.registration import DAY_S, Registration, Standing
from tests.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def accepted(clock: FakeClock) -> Registration:
    registration = Registration()
    registration.boot_sent()
    registration.answered("Accepted", 300, clock.now())
    return registration


@pytest.mark.requirement("BOOT-01")
def test_a_new_process_boots_at_once(clock: FakeClock) -> None:
    registration = Registration()
    assert registration.standing is Standing.UNKNOWN
    assert registration.boot_due(clock.now())
    assert not registration.heartbeat_due(clock.now(), 0)
    registration.boot_sent()
    assert not registration.boot_due(clock.now())
    assert registration.next_deadline_s(300) is None


@pytest.mark.requirement("BOOT-06", "BOOT-22")
def test_a_boot_is_repeated_when_its_interval_is_over_or_earlier_on_demand(
    clock: FakeClock,
) -> None:
    registration = Registration()
    registration.answered("Rejected", 30, clock.now())
    assert registration.standing is Standing.REJECTED
    assert registration.next_deadline_s(300) == clock.now().monotonic_s + 30
    assert not registration.boot_due(clock.advance(29))
    registration.boot_now(clock.now())
    assert registration.boot_due(clock.now())


@pytest.mark.requirement("BOOT-07")
def test_the_wait_starts_small_again_after_an_acceptance(clock: FakeClock) -> None:
    registration = Registration()
    waits = []
    for word in ("Pending", "Pending", "Accepted", "Pending"):
        registration.answered(word, -1, clock.now())
        waits.append((registration.next_deadline_s(0) or 0) - clock.now().monotonic_s)
    assert waits == [60, 120, 0, 60]


def test_a_boot_that_fails_after_an_acceptance_is_not_repeated(
    clock: FakeClock,
) -> None:
    registration = accepted(clock)
    registration.unanswered(clock.now(), link_lost=False)
    assert not registration.boot_due(clock.advance(1000))


@pytest.mark.requirement("HB-02", "HB-03")
def test_speaking_postpones_a_heartbeat_by_its_interval_but_never_beyond_a_day(
    clock: FakeClock,
) -> None:
    registration = accepted(clock)
    start_s = clock.now().monotonic_s
    registration.spoken("MeterValues", clock.advance(250))
    assert registration.next_deadline_s(300) == start_s + 550
    registration.spoken("MeterValues", clock.advance(DAY_S - 260))
    assert registration.next_deadline_s(300) == start_s + DAY_S
    registration.spoken("Heartbeat", clock.advance(10))
    assert registration.next_deadline_s(300) == start_s + DAY_S + 300


@pytest.mark.requirement("TIME-03")
def test_a_step_of_the_wall_clock_moves_no_deadline(clock: FakeClock) -> None:
    registration = accepted(clock)
    before_s = registration.next_deadline_s(300)
    clock.correct(-3600)
    assert registration.next_deadline_s(300) == before_s
    assert not registration.heartbeat_due(clock.now(), 300)


@pytest.mark.requirement("TIME-01")
@pytest.mark.parametrize(
    ("off_s", "step_s"), [(0, None), (2, None), (-2, None), (2.5, 2.5), (-60, -60)]
)
def test_small_differences_of_the_clock_are_noise(
    clock: FakeClock, off_s: float, step_s: float | None
) -> None:
    registration = accepted(clock)
    told = clock.now().utc + timedelta(seconds=off_s)
    assert registration.clock_step_s(told, clock.now()) == step_s
    assert registration.clock_offset_s == off_s
