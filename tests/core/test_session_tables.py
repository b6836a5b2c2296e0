"""What can be said of the tables without walking them, and the pictures of them."""

from collections import Counter

from chargerd.core.course import AT_ONCE, ON_EVENT, OUTPUTS, TIME_LIMITS_S
from chargerd.core.events import TimeLimitPassed
from chargerd.core.sequence import LIMITS
from chargerd.core.session import Phase

LASTING = {
    Phase.IDLE: "nothing waits for anything",
    Phase.ENERGIZED: "a vehicle charges as long as it likes",
    Phase.WELDING_CHECK: "no bill is open, and only open contactors free a plug",
    Phase.HELD: "the cable is its driver's",
    Phase.FINISHED: "the plug may stay",
}
"""Phases without a time limit, and why they need none."""

LIMITED = {*TIME_LIMITS_S, *(row.phase for row in LIMITS if not row.fault)}


def test_every_phase_can_be_reached() -> None:
    ways = {(row.phase, row.target) for row in ON_EVENT}
    ways |= {(rule.phase, rule.target) for rule in AT_ONCE}
    reached = {Phase.IDLE}
    while more := {to for start, to in ways if start in reached} - reached:
        reached |= more
    assert reached == set(Phase)


def test_every_phase_has_an_end_in_time_or_a_reason_to_last() -> None:
    assert set(Phase) - set(LASTING) == LIMITED


def test_a_phase_obeys_a_time_limit_if_and_only_if_it_has_one() -> None:
    obeying = {row.phase for row in ON_EVENT if row.event is TimeLimitPassed}
    assert obeying == LIMITED


def test_every_phase_has_its_outputs() -> None:
    assert set(OUTPUTS) == set(Phase)


def test_an_event_means_one_thing_in_a_phase() -> None:
    twice = Counter((row.phase, row.event) for row in ON_EVENT).most_common(1)
    assert twice[0][1] == 1
