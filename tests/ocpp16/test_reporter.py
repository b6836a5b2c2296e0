from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.ocpp16.reporter import MINUTE_S, Pace, Reporter
from chargerd.ocpp16.status import Report
from tests.scenarios.edges import EDGES

WORDS = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)


def drained(reporter: Reporter) -> list[str]:
    told = []
    while (report := reporter.next()) is not None:
        told.append(report.status)
        reporter.acknowledged(report)
    return told


def test_nothing_is_told_before_somebody_listens() -> None:
    reporter = Reporter()
    reporter.update([Report(1, "Available")], 0.0)
    assert reporter.next() is None
    assert reporter.next_deadline_s(Pace()) is None
    assert reporter.current == (Report(1, "Available"),)
    reporter.listen(anew=True)
    reporter.update([Report(1, "Available")], 1.0)
    assert drained(reporter) == ["Available"]
    assert reporter.next_deadline_s(Pace()) is None


@pytest.mark.requirement("STAT-40", "STAT-42")
def test_a_new_link_hears_what_differs_from_what_was_acknowledged() -> None:
    reporter = Reporter()
    reporter.listen(anew=True)
    reporter.update([Report(0, "Available"), Report(1, "Available")], 0.0)
    told = reporter.next()
    assert told is not None
    reporter.acknowledged(told)
    reporter.mute()
    reporter.update([Report(1, "Preparing")], 1.0)
    reporter.update([Report(1, "Available")], 2.0)
    assert reporter.next() is None
    reporter.listen(anew=False)
    reporter.update([], 3.0)
    assert reporter.next() == Report(1, "Available")
    assert reporter.next() is None


@pytest.mark.requirement("STAT-07")
def test_an_error_that_ends_is_told_although_the_status_is_the_same() -> None:
    reporter = Reporter()
    reporter.listen(anew=True)
    warning = Report(1, "Available", "OtherError", "light", "light-silent")
    for report in (Report(1, "Available"), warning, Report(1, "Available")):
        reporter.update([report], 0.0)
    assert drained(reporter) == ["Available"] * 3


def test_what_is_shown_on_demand_is_not_told_twice() -> None:
    reporter = Reporter()
    reporter.listen(anew=True)
    reporter.update([Report(1, "Preparing")], 0.0, Pace(60.0))
    reporter.show(1)
    reporter.show(1)
    assert drained(reporter) == ["Preparing"]
    reporter.update([], 60.0, Pace(60.0))
    assert drained(reporter) == []
    reporter.show(1)
    assert drained(reporter) == ["Preparing"]


@pytest.mark.requirement("STAT-44")
def test_a_report_that_failed_is_repeated_with_what_is_true_by_then() -> None:
    reporter = Reporter()
    reporter.listen(anew=True)
    reporter.update([Report(1, "Preparing")], 0.0, Pace(20.0))
    reporter.show(1)
    told = reporter.next()
    assert told is not None
    reporter.failed(told, 10.0)
    reporter.update([Report(1, "Charging")], 35.0, Pace(20.0))
    assert reporter.next_deadline_s(Pace(20.0)) == 40.0
    reporter.update([], 40.0, Pace(20.0))
    assert drained(reporter) == ["Charging"]
    assert reporter.next_deadline_s(Pace(20.0)) is None


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, float]]:
    """Draw statuses that follow each other legally, and how long each one lasts."""
    word = draw(st.sampled_from(WORDS))
    history = []
    for _ in range(draw(st.integers(1, 25))):
        history.append((word, draw(st.sampled_from((0.0, 1.0, 9.0, 10.0, 50.0)))))
        nexts = (to for at, to in sorted(EDGES) if at == word != to)
        word = draw(st.sampled_from([to for to in nexts if to in WORDS]))
    return history


@pytest.mark.requirement("STAT-21", "STAT-32")
@given(histories(), st.sampled_from((0.0, 10.0)))
def test_what_is_told_is_legal_whatever_is_left_out(
    history: list[tuple[str, float]], least_s: float
) -> None:
    reporter, now_s, told = Reporter(), 0.0, list[str]()
    reporter.listen(anew=True)
    for word, lasts_s in history:
        reporter.update([Report(1, word)], now_s, Pace(least_s))
        now_s += lasts_s
        reporter.update([], now_s, Pace(least_s))
        told += drained(reporter)
    reporter.update([], now_s + least_s, Pace(least_s))
    told += drained(reporter)
    edges = set(zip(told, told[1:], strict=False))
    assert edges <= EDGES
    assert told[-1] == history[-1][0]
    if least_s == 0.0:
        assert told == [word for word, _ in history]


def test_reports_are_equal_that_say_the_same_at_different_times() -> None:
    report = Report(1, "Available")
    assert replace(report, at=report.at.replace(year=2026)) == report


def storm(reporter: Reporter, word: str, other: str, pace: Pace) -> list[Report]:
    """Change to and fro once a second, for three minutes; return what is told."""
    told = []
    for second in range(180):
        report = Report(1, (word, other)[second % 2], "NoError")
        reporter.update([report], float(second), pace)
        while (each := reporter.next()) is not None:
            told.append(each)
            reporter.acknowledged(each)
    return told


def test_a_storm_is_summed_up() -> None:
    reporter, pace = Reporter(), Pace(most=10)
    reporter.listen(anew=True)
    told = storm(reporter, "Charging", "SuspendedEV", pace)
    # Ten at once, then as many each minute, each when the budget has room again.
    assert len(told) == 30
    assert [each.left_out for each in told[:12]] == [0] * 10 + [50, 0]
    assert sum(each.left_out + 1 for each in told) == 130
    assert reporter.next_deadline_s(pace) == 180.0
    reporter.update([], 180.0, pace)
    last = reporter.next()
    assert last is not None
    # It is as it was last told, but it was otherwise in between.
    assert (last.status, last.left_out) == (told[-1].status, 50)
    assert reporter.next_deadline_s(pace) is None


def test_a_fault_is_told_at_once_whatever_was_told_before() -> None:
    reporter, pace = Reporter(), Pace(most=10)
    reporter.listen(anew=True)
    told = storm(reporter, "Available", "Faulted", pace)
    # The end of a fault waits for its turn; so there is no storm of beginnings.
    assert 30 <= len(told) <= 33
    assert [each.status for each in told[:4]] == ["Available", "Faulted"] * 2
    assert all(a.status != b.status for a, b in zip(told, told[1:], strict=False))


def test_a_new_link_hears_all_whatever_was_told_before() -> None:
    reporter, pace = Reporter(), Pace(most=1)
    reporter.listen(anew=True)
    reporter.update([Report(1, "Available")], 0.0, pace)
    assert drained(reporter) == ["Available"]
    reporter.update([Report(1, "Preparing")], 1.0, pace)
    assert drained(reporter) == []
    assert reporter.next_deadline_s(pace) == MINUTE_S
    reporter.listen(anew=True)
    reporter.update([], 2.0, pace)
    assert drained(reporter) == ["Preparing"]


def test_a_budget_of_none_is_no_limit() -> None:
    reporter = Reporter()
    reporter.listen(anew=True)
    assert len(storm(reporter, "Charging", "SuspendedEV", Pace())) == 180
