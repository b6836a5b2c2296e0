"""One firmware job at most: what every event and the time make of it.

``core.firmware_table`` says what leads where; here it is walked.
"""

from dataclasses import replace
from enum import StrEnum

from chargerd.clock import Instant
from chargerd.core import firmware_events as events
from chargerd.core.firmware_actions import retry_interval_s
from chargerd.core.firmware_effects import (
    Download,
    FirmwareEffect,
    Hold,
    JobKept,
    Release,
    StatusChanged,
    StopTransactions,
)
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import (
    AT_REST,
    COMMITTED,
    FirmwarePolicy,
    Job,
    State,
    Status,
    Update,
)
from chargerd.core.firmware_table import AT_ONCE, LIMITS, ON_EVENT, WISHES, Row, Rule

Change = tuple[Update, tuple[FirmwareEffect, ...]]


class Answer(StrEnum):
    """What to reply to who wants another firmware, in OCPP's words."""

    ACCEPTED = "Accepted"
    ACCEPTED_CANCELED = "AcceptedCanceled"
    REJECTED = "Rejected"


def answer(update: Update) -> Answer:
    """Return what becomes of a job that is wanted now (whitepaper, L01.FR.26 and 27).

    The plain request has no words for it: it is ignored where this one is rejected.
    """
    if update.job.state in COMMITTED:
        return Answer.REJECTED
    rests = update.job.state in AT_REST
    return Answer.ACCEPTED if rests else Answer.ACCEPTED_CANCELED


def present_status(update: Update) -> Status:
    """Return what to say when the CSMS asks.

    The end of a signed job is repeated, unless all went well (whitepaper, L01.FR.28
    and 29); a plain one is over then (OCPP 1.6 section 7.25).
    """
    job = update.job
    over = job.told is Status.INSTALLED if job.signed else job.state in AT_REST
    return Status.IDLE if over or job.told is None else job.told


def advance(
    update: Update, event: FirmwareEvent, now: Instant, policy: FirmwarePolicy
) -> Change:
    """Apply one event, and whatever follows from it at once.

    What is overdue comes first: an event that comes too late finds the job ended.
    """
    if isinstance(event, events.TimeLimitPassed):
        return expire(update, now, policy)
    update, effects = expire(update, now, policy)
    update, more = _happened(update, event, now, policy)
    return update, effects + more


def expire(update: Update, now: Instant, policy: FirmwarePolicy) -> Change:
    """Let the time do what it does: begin what is due, end what lasted too long."""
    limit = LIMITS.get(update.job.state)
    over = limit is not None and now.monotonic_s >= update.since_s + limit(policy)
    if over:
        return _happened(update, events.TimeLimitPassed(), now, policy)
    return _followed(update, None, events.TimeLimitPassed(), now, policy)


def restored(
    job: Job, started: events.Rebooted, now: Instant, policy: FirmwarePolicy
) -> Change:
    """Go on after a restart, wanted or not, with the job that the disk remembers.

    An attempt that the power cut broke off counts, and is resumed without another.
    Waiting between attempts, and every hold with its limit, begins anew. Until the
    station has said that it is idle, nothing is installed.
    """
    return _happened(Update(job, now.monotonic_s), started, now, policy)


def next_deadline_s(
    update: Update, now: Instant, policy: FirmwarePolicy
) -> float | None:
    """Return when ``expire`` is due, by the wall clock as it is now; monotonic.

    Ask again when the wall clock was set.
    """
    job = update.job
    match job.state:
        case State.SCHEDULED:
            due = job.retrieve_at
        case State.INSTALL_SCHEDULED if job.install_at is not None:
            due = job.install_at
        case State.PAUSED:
            return update.since_s + retry_interval_s(job, policy)
        case _:
            limit = LIMITS.get(job.state)
            return None if limit is None else update.since_s + limit(policy)
    return now.monotonic_s + max((due - now.utc).total_seconds(), 0.0)


def _happened(
    update: Update, event: FirmwareEvent, now: Instant, policy: FirmwarePolicy
) -> Change:
    if isinstance(event, events.OfWorker) and event.job != update.job.id:
        return update, ()
    if isinstance(event, events.StationBusy | events.StationIdle):
        update = replace(update, busy=isinstance(event, events.StationBusy))
    row = _row(update.job, event, policy)
    return _followed(update, row, event, now, policy)


def _row(job: Job, event: FirmwareEvent, policy: FirmwarePolicy) -> Row | None:
    rows = (row for row in ON_EVENT[job.state] if row.event is type(event))
    return next((row for row in rows if row.when(job, event, policy)), None)


def _followed(
    update: Update,
    step: Row | Rule | None,
    event: FirmwareEvent,
    now: Instant,
    policy: FirmwarePolicy,
) -> Change:
    before = update.job
    effects: tuple[FirmwareEffect, ...] = ()
    while True:
        rules = (rule for rule in AT_ONCE if rule.state is update.job.state)
        step = step or next((r for r in rules if r.holds(update, now, policy)), None)
        if step is None:
            break
        update, more = _taken(update, step, event, now, policy)
        effects, step = effects + more, None
    if update.job == before:
        return update, effects
    return update, (JobKept(update.job), *effects)


def _taken(
    update: Update,
    step: Row | Rule,
    event: FirmwareEvent,
    now: Instant,
    policy: FirmwarePolicy,
) -> Change:
    was = update.job.state
    job, effects = step.action(update.job, event, now)
    if step.target is None:
        return replace(update, job=job), effects
    job = replace(job, state=step.target)
    status = job.status
    if status is not None and status is not job.told:
        job = replace(job, told=status)
        effects += (StatusChanged(job, status, now.utc),)
    update = replace(update, job=job, since_s=now.monotonic_s)
    resumes = isinstance(event, events.Rebooted)
    return update, effects + _wished(update, was, resumes, policy)


def _wished(
    update: Update, was: State, resumes: bool, policy: FirmwarePolicy
) -> tuple[FirmwareEffect, ...]:
    job = update.job
    wished: tuple[FirmwareEffect, ...] = ()
    limit = LIMITS.get(job.state)
    if limit is not None:
        wished += (Hold(update.since_s + limit(policy)),)
    elif was in LIMITS:
        wished += (Release(),)
    if job.state is State.DOWNLOADING:
        wished += (Download(job, resume=resumes or job.attempts > 1),)
    if job.state is State.WAITING_FOR_IDLE and policy.stop_transactions:
        wished += (StopTransactions(),)
    return wished + tuple(wish(job) for wish in WISHES.get(job.state, ()))
