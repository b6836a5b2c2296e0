"""Firmware jobs, as stories and at random."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.core import firmware_effects as effects
from chargerd.core import firmware_events as events
from chargerd.core.firmware import Answer, answer, next_deadline_s, present_status
from chargerd.core.firmware_effects import Alarm
from chargerd.core.firmware_job import (
    ENDS,
    FirmwarePolicy,
    Job,
    Origin,
    State,
    Status,
    Update,
)
from chargerd.core.firmware_job import (
    PLAIN as PLAIN_WORDS,
)
from chargerd.core.firmware_job import (
    SIGNED as SIGNED_WORDS,
)
from chargerd.core.firmware_table import AT_ONCE, LIMITS, ON_EVENT
from chargerd.core.reasons import Why
from tests.clock import FakeClock
from tests.core.firmware_bench import (
    FINAL,
    LEGAL,
    NEW,
    OLD,
    PLAIN,
    SIGNED,
    START,
    Bench,
    Plot,
    TwoSlots,
    wishes,
)
from tests.core.firmware_matrix import EVENTS, FILE, SENSED, matrix

ID = SIGNED.id
DONE = events.DownloadDone(ID, 1_000)
FAILED = events.DownloadFailed(ID, "no route")
VERIFIED = events.Verified(ID, NEW)
INSTALLED = events.InstallDone(ID, needs_reboot=True)
PASSED = events.GatePassed(ID)
HOUR_S = 3_600.0

LASTING = {
    State.NONE: "nothing is to be done",
    State.WANTED: "passes at once",
    State.VERIFIED: "passes at once",
    State.SCHEDULED: "its time is the CSMS's",
    State.INSTALL_SCHEDULED: "its time is the CSMS's",
    State.PAUSED: "ends by itself",
    State.DOWNLOADING: "who fetches sees whether it goes on; nothing is held for it",
    State.VERIFYING: "who reads the file comes to its end; nothing is held for it",
}
"""States without a limit, and why they need none."""


def wanted(job: Job = SIGNED, **changes: Any) -> events.Wanted:
    return events.Wanted(replace(job, **changes))


# What can be said of the tables without walking them.


def test_the_printed_matrix_is_current() -> None:
    assert FILE.read_text() == matrix(), (
        "write it anew with: python -m tests.core.firmware_matrix"
    )


def test_every_state_has_its_rows_and_every_event_a_place() -> None:
    assert set(ON_EVENT) == set(State)
    listed = {row.event for rows in ON_EVENT.values() for row in rows}
    assert listed == set(EVENTS)
    assert listed | SENSED >= set(get_args(events.OfWorker))


def test_every_state_can_be_reached() -> None:
    ways = {(s, row.target) for s, rows in ON_EVENT.items() for row in rows}
    ways |= {(rule.state, rule.target) for rule in AT_ONCE}
    reached = {State.NONE}
    while more := {to for start, to in ways if to and start in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_every_state_has_an_end_in_time_or_a_reason_to_last() -> None:
    assert set(State) - set(LASTING) - ENDS == set(LIMITS)
    obeying = {
        s
        for s, rows in ON_EVENT.items()
        for r in rows
        if r.event is events.TimeLimitPassed
    }
    assert obeying == set(LIMITS)


@pytest.mark.requirement("SFW-08")
def test_every_status_of_ocpp_is_the_word_for_some_state() -> None:
    assert {*SIGNED_WORDS.values(), Status.IDLE} == set(Status)
    assert len(Status) == 14
    assert len({*PLAIN_WORDS.values(), Status.IDLE}) == 7


# Stories.


@pytest.mark.requirement("SFW-06", "SFW-14")
def test_a_signed_update_tells_every_status_once_and_in_order() -> None:
    bench = Bench()
    assert wishes(bench.happens(wanted())) == ["Download"]
    assert wishes(bench.happens(DONE)) == ["Verify"]
    assert wishes(bench.happens(VERIFIED)) == ["Hold", "Install"]
    assert wishes(bench.happens(INSTALLED)) == ["Hold", "Reboot"]
    assert wishes(bench.restarts(NEW, slot_marked=False)) == ["Hold", "Confirm"]
    said = bench.happens(PASSED)
    assert isinstance(said[0], effects.JobKept)
    assert wishes(said) == ["Release", "MarkGood", "Discard"]
    assert bench.statuses() == [
        Status.DOWNLOADING,
        Status.DOWNLOADED,
        Status.SIGNATURE_VERIFIED,
        Status.INSTALLING,
        Status.INSTALL_REBOOTING,
        Status.INSTALLED,
    ]
    changes = [e for e in bench.said if isinstance(e, effects.StatusChanged)]
    assert {change.job.request_id for change in changes} == {SIGNED.request_id}
    (alarm,) = (e for e in said if isinstance(e, effects.Alarmed))
    assert (alarm.alarm, alarm.detail) == (Alarm.UPDATED, "2.0.0 after 1.0.0")
    assert bench.held_until_s is None


@pytest.mark.requirement("FW-04")
def test_a_plain_update_tells_only_what_the_plain_message_knows() -> None:
    bench = Bench()
    later = START + timedelta(hours=1)
    bench.happens(wanted(PLAIN, retrieve_at=later, retries=1))
    assert bench.state is State.SCHEDULED
    bench.waits_until_due()
    bench.happens(FAILED)
    bench.waits_until_due()
    bench.happens(DONE, VERIFIED, INSTALLED)
    bench.restarts(NEW, slot_marked=False)
    bench.happens(PASSED)
    assert bench.statuses() == [
        Status.DOWNLOADING,
        Status.DOWNLOADED,
        Status.INSTALLING,
        Status.INSTALLED,
    ]


@pytest.mark.requirement("SFW-09", "FW-03")
@pytest.mark.parametrize("set_by_s", [-7_200.0, 0.0, 1_800.0])
def test_a_download_begins_at_its_time_by_the_wall_clock(set_by_s: float) -> None:
    bench = Bench()
    bench.happens(wanted(retrieve_at=START + timedelta(hours=1)))
    assert bench.statuses() == [Status.DOWNLOAD_SCHEDULED]
    assert bench.due_in_s() == HOUR_S
    bench.clock.correct(set_by_s)
    assert bench.due_in_s() == HOUR_S - set_by_s
    assert bench.waits(HOUR_S - set_by_s - 1) == ()
    assert wishes(bench.waits(1)) == ["Download"]
    bench.clock.correct(-7_200.0)
    assert bench.waits(1) == ()
    assert bench.statuses() == [Status.DOWNLOAD_SCHEDULED, Status.DOWNLOADING]


@pytest.mark.requirement("FW-05", "SFW-19")
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_only_the_last_attempt_that_fails_is_told(retries: int) -> None:
    bench = Bench()
    bench.happens(wanted(retries=retries, retry_interval_s=7.0))
    for _ in range(retries):
        bench.happens(FAILED)
        assert Status.DOWNLOAD_FAILED not in bench.statuses()
        bench.waits(6)
        assert bench.state is State.PAUSED
        (download,) = (e for e in bench.waits(1) if isinstance(e, effects.Download))
        assert download.resume
    assert wishes(bench.happens(FAILED)) == ["Discard"]
    assert bench.statuses().count(Status.DOWNLOADING) == retries + 1
    assert bench.statuses()[-1] is Status.DOWNLOAD_FAILED
    assert (bench.job.attempts, bench.job.why) == (retries + 1, "no route")


def test_the_wait_that_is_our_own_choice_grows_up_to_a_bound() -> None:
    bench = Bench(FirmwarePolicy(retries=40, longest_retry_interval_s=200.0))
    bench.happens(wanted())
    waits_s = []
    for _ in range(40):
        bench.happens(FAILED)
        waits_s.append(bench.due_in_s())
        bench.waits_until_due()
    assert waits_s == [60.0, 120.0] + [200.0] * 38


@pytest.mark.requirement("SFW-12")
def test_an_install_waits_for_its_time() -> None:
    bench = Bench()
    bench.happens(wanted(install_at=START + timedelta(hours=2)), DONE, VERIFIED)
    assert bench.statuses()[-2:] == [
        Status.SIGNATURE_VERIFIED,
        Status.INSTALL_SCHEDULED,
    ]
    assert bench.held_until_s is None
    assert bench.due_in_s() == 2 * HOUR_S
    bench.waits_until_due()
    assert bench.state is State.INSTALLING


@pytest.mark.parametrize("at_a_time", [False, True])
@pytest.mark.parametrize("stops", [False, True])
def test_an_install_waits_for_transactions_and_lets_none_begin(
    stops: bool, at_a_time: bool
) -> None:
    bench = Bench(FirmwarePolicy(stop_transactions=stops))
    later = START + timedelta(hours=2) if at_a_time else None
    bench.happens(events.StationBusy(), wanted(install_at=later), DONE)
    said = bench.happens(VERIFIED)
    if at_a_time:
        said = bench.waits_until_due()
    assert bench.state is State.WAITING_FOR_IDLE
    assert wishes(said) == ["Hold", *["StopTransactions"] * stops]
    assert bench.statuses().count(Status.INSTALL_SCHEDULED) == 1
    assert wishes(bench.happens(events.StationIdle())) == ["Hold", "Install"]


def test_a_hold_ends_at_its_deadline_and_the_job_with_it() -> None:
    bench = Bench(FirmwarePolicy(idle_within_s=500))
    bench.happens(events.StationBusy(), wanted(), DONE, VERIFIED)
    assert bench.held_until_s == bench.clock.now().monotonic_s + 500
    bench.clock.correct(-86_400)
    bench.waits(499)
    assert bench.held_until_s is not None
    assert wishes(bench.waits(1)) == ["Release", "Discard"]
    assert bench.statuses()[-1] is Status.INSTALLATION_FAILED
    assert (
        bench.job.why
        == "waiting for idle: lasted too long; look at the journal for why"
    )


@pytest.mark.parametrize(
    "happened", [(), (INSTALLED,)], ids=["installing", "rebooting"]
)
def test_an_install_that_never_ends_is_undone(
    happened: tuple[events.FirmwareEvent, ...],
) -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED, *happened)
    assert wishes(bench.waits_until_due()) == ["RollBack", "Release", "Discard"]
    assert bench.statuses()[-1] is Status.INSTALLATION_FAILED
    assert bench.happens(INSTALLED) == ()


def test_what_comes_after_the_limit_comes_too_late() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED)
    bench.clock.advance(bench.due_in_s())
    bench.happens(INSTALLED)
    assert bench.state is State.INSTALLATION_FAILED


def test_nobody_can_say_that_a_limit_has_passed_but_the_clock() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED)
    assert bench.happens(events.TimeLimitPassed()) == ()


@pytest.mark.requirement("SFW-07")
@pytest.mark.parametrize("certificate", [False, True])
@pytest.mark.parametrize("job", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_a_file_that_cannot_be_trusted_raises_an_alarm(
    job: Job, certificate: bool
) -> None:
    bench = Bench()
    bench.happens(events.Wanted(job), DONE)
    said = bench.happens(events.SignatureBad(ID, "another key", certificate))
    (alarm,) = (e for e in said if isinstance(e, effects.Alarmed))
    assert alarm.alarm is (
        Alarm.BAD_CERTIFICATE if certificate else Alarm.BAD_SIGNATURE
    )
    assert wishes(said) == ["Discard"]
    failed = Status.INVALID_SIGNATURE if job.signed else Status.INSTALLATION_FAILED
    assert bench.statuses()[-1] is failed


@pytest.mark.requirement("SFW-07")
@pytest.mark.parametrize("verification", [False, True])
def test_an_install_that_fails_says_whether_the_file_was_to_blame(
    verification: bool,
) -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED)
    bench.happens(events.InstallFailed(ID, "no space", verification))
    assert bench.statuses()[-1] is (
        Status.INSTALL_VERIFICATION_FAILED
        if verification
        else Status.INSTALLATION_FAILED
    )
    assert (bench.held_until_s, bench.job.why) == (None, "no space")


@pytest.mark.requirement("SFW-20")
@pytest.mark.parametrize("late", [False, True])
def test_a_version_that_is_not_sound_is_rolled_back_and_told_after_that(
    late: bool,
) -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED, INSTALLED)
    bench.restarts(NEW, slot_marked=False)
    gate = events.GateFailed(ID, "no meter")
    said = bench.waits_until_due() if late else bench.happens(gate)
    assert wishes(said) == ["Hold", "RollBack"]
    assert bench.statuses()[-1] is Status.INSTALL_REBOOTING
    bench.restarts(OLD)
    assert bench.statuses()[-1] is Status.INSTALLATION_FAILED
    assert late or bench.job.why == "no meter"
    assert bench.held_until_s is None


def test_a_roll_back_that_never_comes_is_an_end_too() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED, events.InstallDone(ID, needs_reboot=False))
    bench.happens(events.GateFailed(ID, "no meter"))
    assert wishes(bench.waits_until_due()) == ["Release", "Discard"]
    assert (bench.state, bench.job.why) == (State.INSTALLATION_FAILED, "no meter")


@pytest.mark.requirement("FW-11", "SFW-05")
def test_a_new_request_takes_the_place_of_one_that_is_not_installing_yet() -> None:
    bench = Bench()
    assert answer(bench.update) is Answer.ACCEPTED
    bench.happens(events.StationBusy(), wanted(), DONE, VERIFIED)
    assert answer(bench.update) is Answer.ACCEPTED_CANCELED
    said = bench.happens(wanted(id="job-2", request_id=43))
    assert wishes(said) == ["Discard", "Release", "Download"]
    assert [e.job.id for e in said if isinstance(e, effects.Discard)] == [ID]
    assert bench.happens(DONE, VERIFIED) == (), "the first job's worker is passed over"
    assert bench.state is State.DOWNLOADING
    assert bench.statuses()[-1] is Status.INSTALL_SCHEDULED
    assert bench.statuses("job-2") == [Status.DOWNLOADING]


@pytest.mark.requirement("FW-11", "SFW-05")
def test_a_new_request_is_refused_from_the_install_on() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED)
    before = bench.update
    assert answer(bench.update) is Answer.REJECTED
    (declined,) = bench.happens(wanted(id="job-2"))
    assert isinstance(declined, effects.Declined)
    assert declined.why is Why.INSTALLING
    assert declined.detail == "firmware job job-1: it is installing; wait for its end"
    assert bench.update == before


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        ((), Status.DOWNLOAD_FAILED),
        ((DONE,), Status.INSTALLATION_FAILED),
        ((events.StationBusy(), DONE, VERIFIED), Status.INSTALLATION_FAILED),
    ],
    ids=["downloading", "verifying", "waiting"],
)
def test_a_technician_can_cancel_until_the_install(
    happened: tuple[events.FirmwareEvent, ...], status: Status
) -> None:
    bench = Bench()
    bench.happens(wanted(), *happened)
    bench.happens(events.Cancelled())
    assert bench.statuses()[-1] is status
    assert bench.job.why == "cancelled by a technician"
    assert bench.held_until_s is None
    (declined,) = bench.happens(events.Cancelled())
    assert declined == effects.Declined(Why.NO_JOB, "firmware: there is no job")


def test_a_technician_cannot_cancel_an_install() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED)
    (declined,) = bench.happens(events.Cancelled())
    assert isinstance(declined, effects.Declined)
    assert declined.why is Why.INSTALLING


def test_whoever_asks_hears_the_last_status_and_idle_only_if_nothing_goes_on() -> None:
    bench = Bench()
    assert present_status(bench.update) is Status.IDLE
    bench.happens(wanted())
    assert present_status(bench.update) is Status.DOWNLOADING
    bench.happens(DONE, VERIFIED, INSTALLED)
    bench.restarts(NEW, slot_marked=False)
    assert present_status(bench.update) is Status.INSTALL_REBOOTING
    bench.happens(PASSED)
    assert present_status(bench.update) is Status.IDLE
    assert Status.IDLE not in bench.statuses()


# Restarts.


def test_a_download_goes_on_after_a_power_cut_and_is_no_attempt_of_its_own() -> None:
    bench = Bench()
    bench.happens(wanted(retries=0))
    (download,) = bench.restarts()
    assert isinstance(download, effects.Download)
    assert (download.resume, download.job.attempts) == (True, 1)
    assert bench.statuses() == [Status.DOWNLOADING]


def test_a_verification_is_done_again_after_a_power_cut() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE)
    assert wishes(bench.restarts()) == ["Verify"]


def test_a_job_that_waits_for_a_clock_waits_on_after_a_power_cut() -> None:
    bench = Bench()
    bench.happens(wanted(retrieve_at=START + timedelta(hours=1)))
    bench.restarts()
    assert (bench.state, bench.due_in_s()) == (State.SCHEDULED, HOUR_S)
    bench.waits_until_due()
    bench.happens(FAILED)
    bench.restarts()
    assert (bench.state, bench.due_in_s()) == (State.PAUSED, 60.0)


def test_connectors_are_held_again_after_a_power_cut() -> None:
    bench = Bench()
    bench.happens(events.StationBusy(), wanted(), DONE, VERIFIED)
    assert wishes(bench.restarts()) == ["Hold"]
    assert wishes(bench.happens(events.StationIdle())) == ["Hold", "Install"]


@pytest.mark.parametrize(
    ("before", "expected", "running", "marked", "state"),
    [
        (OLD, NEW, NEW, False, State.CONFIRMING),
        (OLD, NEW, NEW, True, State.CONFIRMING),
        (OLD, NEW, OLD, True, State.INSTALLATION_FAILED),
        (OLD, None, NEW, False, State.CONFIRMING),
        (OLD, None, OLD, True, State.INSTALLATION_FAILED),
        (NEW, NEW, NEW, False, State.CONFIRMING),
        (NEW, NEW, NEW, True, State.INSTALLATION_FAILED),
    ],
)
def test_an_install_without_an_outcome_is_judged_by_what_runs(
    before: str, expected: str | None, running: str, marked: bool, state: State
) -> None:
    bench = Bench()
    bench.happens(wanted(version_before=before), DONE, events.Verified(ID, expected))
    said = bench.restarts(running, marked)
    assert bench.state is state
    assert ("RollBack" in wishes(said)) is (state is State.INSTALLATION_FAILED)


def test_the_boot_loader_that_fell_back_is_believed() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED, INSTALLED)
    bench.restarts(OLD)
    assert bench.statuses()[-1] is Status.INSTALLATION_FAILED
    assert bench.job.why == "rebooting: 1.0.0 runs after the restart"


def test_a_version_without_a_name_is_told_all_the_same() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, events.Verified(ID, None), INSTALLED)
    bench.restarts(NEW, slot_marked=False)
    (alarm,) = (e for e in bench.happens(PASSED) if isinstance(e, effects.Alarmed))
    assert alarm.detail == "a version that does not name itself after 1.0.0"


@pytest.mark.parametrize(
    "job",
    [
        replace(SIGNED, install_at=START, retries=2, told=Status.DOWNLOADING),
        replace(PLAIN, origin=Origin.USB, state=State.PAUSED, why="no route"),
    ],
    ids=["signed", "plain"],
)
def test_a_job_comes_back_from_its_row(job: Job) -> None:
    row = job.row()
    assert {type(cell) for cell in row.values()} <= {str, int, float, type(None)}
    assert Job.from_row({**row, "of_a_newer_version": 1}) == job


@pytest.mark.parametrize(
    ("column", "cell"), [("state", "resting"), ("retrieve_at", 5), ("told", "Bored")]
)
def test_a_row_that_nobody_wrote_is_refused(column: str, cell: str | int) -> None:
    row = {**SIGNED.row(), column: cell}
    with pytest.raises(ValueError, match=rf"firmware job\.{column}: {cell!r} is no"):
        Job.from_row(row)


def test_a_job_does_not_show_its_password() -> None:
    job = replace(SIGNED, location="ftp://me:secret@example.org/fw", signature="c2ln")
    bench = Bench()
    bench.happens(events.Wanted(job), FAILED)
    assert "secret" not in repr(bench.update) + repr(bench.said)


# At random.

plots = st.builds(
    Plot,
    signed=st.booleans(),
    failures=st.integers(0, 2),
    retries=st.integers(0, 2),
    late_s=st.sampled_from([0.0, HOUR_S]),
    busy=st.booleans(),
    genuine=st.sampled_from([True, True, False]),
    installs=st.sampled_from([True, True, False]),
    distrusts=st.booleans(),
    boots=st.sampled_from([True, True, False]),
    sound=st.booleans(),
)


@given(plots, st.integers(0, 12), st.booleans())
def test_a_power_cut_after_any_record_leads_to_the_same_end(
    plot: Plot, cut_after: int, installs_on: bool
) -> None:
    calm = TwoSlots(plot, cut_after=-1, installs_on=False)
    rough = TwoSlots(plot, cut_after, installs_on)
    status, same = rough.run(), calm.run()
    # Only the updater itself cannot go on where it was.
    broken_off = rough.cut_state is State.INSTALLING
    if broken_off and not (installs_on and plot.installs):
        same = Status.INSTALLATION_FAILED
    assert status is same
    assert (rough.running is NEW) is (status is Status.INSTALLED)
    assert rough.marked
    assert sum(s in FINAL for s in rough.bench.statuses()) == 1
    _judge(rough.bench.statuses(), plot.signed)


def _judge(statuses: list[Status], signed: bool) -> None:
    before: Status | None = None
    for status in statuses:
        assert status in LEGAL[signed].get(before, ()), f"{before} → {status}"
        before = status


GOOD = (wanted(), DONE, VERIFIED, INSTALLED, events.Rebooted(NEW, False), PASSED)
ANY = st.sampled_from(
    [
        *GOOD,
        wanted(PLAIN, id="job-2", retries=1),
        wanted(id="job-3", retrieve_at=START + timedelta(hours=1)),
        wanted(id="job-4", install_at=START + timedelta(hours=2), retries=0),
        events.Rebooted(OLD, slot_marked=True),
        events.StationBusy(),
        events.StationIdle(),
        events.Cancelled(),
        events.TimeLimitPassed(),
        FAILED,
        events.SignatureBad(ID, "another key"),
        events.InstallFailed(ID, "no space"),
        events.InstallDone(ID, needs_reboot=False),
        events.GateFailed(ID, "no meter"),
    ]
)
STEPS = st.tuples(ANY, st.sampled_from([0.0, 1.0, 60.0, 600.0, HOUR_S, 86_400.0]))
HISTORIES = st.builds(
    lambda busy, stretch, rest: [
        *([(events.StationBusy(), 0.0)] if busy else []),
        *((event, 1.0) for event in GOOD[:stretch]),
        *rest,
    ],
    st.booleans(),
    st.integers(0, len(GOOD)),
    st.lists(STEPS, max_size=25),
)
"""Part of the good path, then anything: pure chance would seldom get to an install."""


def _own(event: events.FirmwareEvent, id_: str) -> events.FirmwareEvent:
    return replace(event, job=id_) if isinstance(event, events.OfWorker) else event


@given(HISTORIES, st.sampled_from([-86_400.0, 0.0, 86_400.0]))
def test_whatever_happens_holds_end_and_statuses_come_in_order(
    history: list[tuple[events.FirmwareEvent, float]], set_by_s: float
) -> None:
    bench, count, plain = Bench(), 0, set()
    for event, pause_s in history:
        bench.waits(pause_s)
        bench.clock.correct(set_by_s)
        if isinstance(event, events.Wanted):
            count += 1
            event = wanted(event.job, id=f"job-{count}")
            plain |= set() if event.job.signed else {event.job.id}
        if isinstance(event, events.Rebooted):
            bench.restarts(event.version, event.slot_marked)
        else:
            bench.happens(_own(event, bench.job.id))
        _is_sane(bench)
    for number in range(1, count + 1):
        statuses = bench.statuses(f"job-{number}")
        _judge(statuses, f"job-{number}" not in plain)
    final = sum(s in FINAL for s in bench.statuses(bench.job.id))
    assert final == (bench.state in ENDS)


def _is_sane(bench: Bench) -> None:
    now = bench.clock.now()
    assert (bench.held_until_s is not None) is (bench.state in LIMITS)
    assert bench.held_until_s is None or now.monotonic_s < bench.held_until_s
    if bench.held_until_s is not None:
        due_s = next_deadline_s(bench.update, now, bench.policy)
        assert due_s == bench.held_until_s
    assert bench.job.state not in (State.WANTED, State.VERIFIED)


def test_nothing_happens_to_a_station_without_a_job() -> None:
    clock = FakeClock()
    assert next_deadline_s(Update(), clock.now(), FirmwarePolicy()) is None
    bench = Bench()
    assert bench.happens(DONE, FAILED, VERIFIED, INSTALLED, PASSED) == ()
    assert bench.restarts() == ()


def test_a_version_is_marked_good_even_if_the_power_fails_before_the_mark() -> None:
    bench = Bench()
    bench.happens(wanted(), DONE, VERIFIED, INSTALLED)
    bench.restarts(NEW, slot_marked=False)
    bench.happens(PASSED)
    assert wishes(bench.restarts(NEW, slot_marked=False)) == ["MarkGood"]
    assert bench.restarts(NEW, slot_marked=True) == ()
    assert Counter(bench.statuses())[Status.INSTALLED] == 1
