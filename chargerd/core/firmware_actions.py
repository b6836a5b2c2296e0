"""What a step of a firmware job does, and when it may be taken."""

from collections.abc import Callable
from dataclasses import replace

from chargerd.clock import Instant
from chargerd.core import firmware_events as events
from chargerd.core.firmware_effects import (
    Alarm,
    Alarmed,
    Declined,
    Discard,
    FirmwareEffect,
    MarkGood,
    RollBack,
)
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import AT_REST, FirmwarePolicy, Job, State, Update
from chargerd.core.patience import grown_s
from chargerd.core.reasons import Why

Done = tuple[Job, tuple[FirmwareEffect, ...]]
Action = Callable[[Job, FirmwareEvent, Instant], Done]
Guard = Callable[[Job, FirmwareEvent, FirmwarePolicy], bool]
Condition = Callable[[Update, Instant, FirmwarePolicy], bool]


def stay(job: Job, _event: FirmwareEvent, _now: Instant) -> Done:
    """Do nothing but change the state."""
    return job, ()


def supersede(job: Job, event: FirmwareEvent, _now: Instant) -> Done:
    """Put the new job in the place of the one there is."""
    assert isinstance(event, events.Wanted)
    return event.job, () if job.state in AT_REST else (Discard(job),)


def decline(job: Job, _event: FirmwareEvent, _now: Instant) -> Done:
    """Say why not."""
    if job.state in AT_REST:
        return job, (Declined(Why.NO_JOB, "firmware: there is no job"),)
    detail = f"firmware job {job.id}: it is {job.state.value}; wait for its end"
    return job, (Declined(Why.INSTALLING, detail),)


def attempt(job: Job, _event: FirmwareEvent, _now: Instant) -> Done:
    """Count an attempt at the download."""
    return replace(job, attempts=job.attempts + 1), ()


def measure(job: Job, event: FirmwareEvent, _now: Instant) -> Done:
    """Keep how long the file is."""
    assert isinstance(event, events.DownloadDone)
    return replace(job, size_bytes=event.size_bytes, why=""), ()


def expect(job: Job, event: FirmwareEvent, _now: Instant) -> Done:
    """Keep what will run: the restart after the install asks for it."""
    assert isinstance(event, events.Verified)
    return replace(job, expected_version=event.version), ()


def blame(job: Job, event: FirmwareEvent, _now: Instant) -> Done:
    """Keep why it failed."""
    match event:
        case events.Cancelled():
            why = "cancelled by a technician"
        case events.TimeLimitPassed():
            why = f"{job.state.value}: lasted too long; look at the journal for why"
        case events.Rebooted():
            why = f"{job.state.value}: {event.version} runs after the restart"
        case _:
            why = getattr(event, "why", "")
    return replace(job, why=job.why if job.state is State.ROLLING_BACK else why), ()


def distrust(job: Job, event: FirmwareEvent, now: Instant) -> Done:
    """Keep why it failed, and raise the alarm."""
    assert isinstance(event, events.SignatureBad)
    alarm = Alarm.BAD_CERTIFICATE if event.certificate else Alarm.BAD_SIGNATURE
    return replace(job, why=event.why), (Alarmed(alarm, event.why, now.utc),)


def undo(job: Job, event: FirmwareEvent, now: Instant) -> Done:
    """Keep why it failed, and let nothing start that was not confirmed."""
    job, _ = blame(job, event, now)
    return job, (RollBack(job),)


def leave(job: Job, _event: FirmwareEvent, _now: Instant) -> Done:
    """Leave a version that failed, where a power cut has kept it running."""
    return job, (RollBack(job),)


def succeed(job: Job, _event: FirmwareEvent, now: Instant) -> Done:
    """Say that other firmware runs."""
    version = job.expected_version or "a version that does not name itself"
    detail = f"{version} after {job.version_before}"
    return replace(job, why=""), (Alarmed(Alarm.UPDATED, detail, now.utc),)


def mark(job: Job, _event: FirmwareEvent, _now: Instant) -> Done:
    """Mark what a power cut has left unmarked."""
    return job, (MarkGood(job),)


def ever(_job: Job, _event: FirmwareEvent, _policy: FirmwarePolicy) -> bool:
    """Hold whatever there is."""
    return True


def repeatable(job: Job, _event: FirmwareEvent, policy: FirmwarePolicy) -> bool:
    """Tell whether another attempt is left (OCPP 1.6 section 6.55)."""
    return job.attempts <= (policy.retries if job.retries is None else job.retries)


def needs_reboot(_job: Job, event: FirmwareEvent, _policy: FirmwarePolicy) -> bool:
    """Tell whether the new version runs only after a restart."""
    return isinstance(event, events.InstallDone) and event.needs_reboot


def untrusted(_job: Job, event: FirmwareEvent, _policy: FirmwarePolicy) -> bool:
    """Tell whether the updater did not trust the file."""
    return isinstance(event, events.InstallFailed) and event.verification


def arrived(job: Job, event: FirmwareEvent, _policy: FirmwarePolicy) -> bool:
    """Tell whether the new version runs."""
    assert isinstance(event, events.Rebooted)
    if job.expected_version is None:
        return event.version != job.version_before
    if event.version != job.expected_version:
        return False
    # The same version once more: a slot marked before was not written just now.
    told_apart = job.expected_version != job.version_before
    return told_apart or job.state is not State.INSTALLING or not event.slot_marked


def unmarked(job: Job, event: FirmwareEvent, policy: FirmwarePolicy) -> bool:
    """Tell whether a power cut came between the record of the end and the mark."""
    assert isinstance(event, events.Rebooted)
    return not event.slot_marked and arrived(job, event, policy)


def at_once(_update: Update, _now: Instant, _policy: FirmwarePolicy) -> bool:
    """Hold always."""
    return True


def early(update: Update, now: Instant, _policy: FirmwarePolicy) -> bool:
    """Tell whether the download is to wait."""
    return now.utc < update.job.retrieve_at


def retrievable(update: Update, now: Instant, policy: FirmwarePolicy) -> bool:
    """Tell whether the time of the download has come."""
    return not early(update, now, policy)


def rested(update: Update, now: Instant, policy: FirmwarePolicy) -> bool:
    """Tell whether the next attempt is due."""
    return now.monotonic_s >= update.since_s + retry_interval_s(update.job, policy)


def premature(update: Update, now: Instant, _policy: FirmwarePolicy) -> bool:
    """Tell whether the install is to wait."""
    install_at = update.job.install_at
    return install_at is not None and now.utc < install_at


def busy(update: Update, now: Instant, policy: FirmwarePolicy) -> bool:
    """Tell whether nothing but transactions are in the way of the install."""
    return update.busy and not premature(update, now, policy)


def installable(update: Update, now: Instant, policy: FirmwarePolicy) -> bool:
    """Tell whether nothing is in the way of the install."""
    return not update.busy and not premature(update, now, policy)


def idle(update: Update, _now: Instant, _policy: FirmwarePolicy) -> bool:
    """Tell whether no transaction runs."""
    return not update.busy


def retry_interval_s(job: Job, policy: FirmwarePolicy) -> float:
    """Return how long to wait between two attempts at the download.

    What the request names is kept to; what is our own choice grows.
    """
    if job.retry_interval_s is not None:
        return job.retry_interval_s
    longest_s = policy.longest_retry_interval_s
    return grown_s(policy.retry_interval_s, job.attempts, longest_s)
