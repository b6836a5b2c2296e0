"""The course of a firmware job, as tables (OCPP 1.6 section 5.19, whitepaper L01).

Rule 1: whatever changes the state of a job stands in ``ON_EVENT``, or in ``AT_ONCE``
        for what follows from the state and the time. The first row that fits counts.
Rule 2: what OCPP is told follows from the state, through ``SIGNED`` and ``PLAIN``
        of ``core.firmware_job``.
Rule 3: what is wished follows from the state, through ``WISHES``; a row adds to it.
Rule 4: an event that a state does not list changes nothing. The whole matrix is
        printed in tests/core/firmware_matrix.txt, where its gaps can be seen.
Rule 5: connectors are held exactly in the states of ``LIMITS``, in each no longer
        than its own limit: then the job has failed, and what it did is undone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chargerd.core import firmware_events as events
from chargerd.core.firmware_actions import (
    Action,
    Condition,
    Guard,
    arrived,
    at_once,
    attempt,
    blame,
    busy,
    decline,
    distrust,
    early,
    ever,
    expect,
    idle,
    installable,
    leave,
    mark,
    measure,
    needs_reboot,
    premature,
    repeatable,
    rested,
    retrievable,
    stay,
    succeed,
    supersede,
    undo,
    unmarked,
    untrusted,
)
from chargerd.core.firmware_effects import (
    Confirm,
    Discard,
    FirmwareEffect,
    Install,
    MarkGood,
    Reboot,
    RollBack,
    Verify,
)
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import (
    ENDS,
    FirmwarePolicy,
    Job,
    State,
)


@dataclass(frozen=True, slots=True)
class Row:
    """On ``event``, if ``when``: do ``action`` and enter ``target``.

    A target that is the state itself is entered anew; ``None``: the state goes on.
    """

    event: type[FirmwareEvent]
    target: State | None
    action: Action = stay
    when: Guard = ever


_BEGIN: Final = Row(events.Wanted, State.WANTED, supersede)
_GO_ON: Final = Row(events.Wanted, None, decline)
_LEAVE: Final = Row(events.Cancelled, State.DOWNLOAD_FAILED, blame)
_GIVE_UP: Final = Row(events.Cancelled, State.INSTALLATION_FAILED, blame)
_DECLINE: Final = Row(events.Cancelled, None, decline)
_AT_REST: Final = (_BEGIN, _DECLINE)
_FETCHING: Final = (_BEGIN, _LEAVE)
_READY: Final = (_BEGIN, _GIVE_UP)
_COMMITTED: Final = (_GO_ON, _DECLINE)

# fmt: off
ON_EVENT: Final[Mapping[State, tuple[Row, ...]]] = {
    # on event                   enter                      and        if
    State.NONE: _AT_REST,
    State.WANTED: _FETCHING,
    State.SCHEDULED: (
        *_FETCHING,
        Row(events.Rebooted,        State.SCHEDULED),
    ),
    State.DOWNLOADING: (
        *_FETCHING,
        Row(events.DownloadDone,    State.VERIFYING,           measure),
        Row(events.DownloadFailed,  State.PAUSED,              blame,    repeatable),
        Row(events.DownloadFailed,  State.DOWNLOAD_FAILED,     blame),
        Row(events.Rebooted,        State.DOWNLOADING),
    ),
    State.PAUSED: (
        *_FETCHING,
        Row(events.Rebooted,        State.PAUSED),
    ),
    State.VERIFYING: (
        *_READY,
        Row(events.Verified,        State.VERIFIED,            expect),
        Row(events.SignatureBad,    State.SIGNATURE_BAD,       distrust),
        Row(events.Rebooted,        State.VERIFYING),
    ),
    State.VERIFIED: _READY,
    State.INSTALL_SCHEDULED: (
        *_READY,
        Row(events.Rebooted,        State.INSTALL_SCHEDULED),
    ),
    State.WAITING_FOR_IDLE: (
        *_READY,
        Row(events.Rebooted,        State.WAITING_FOR_IDLE),
        Row(events.TimeLimitPassed, State.INSTALLATION_FAILED, blame),
    ),
    State.INSTALLING: (
        *_COMMITTED,
        Row(events.InstallDone,     State.REBOOTING,           stay,     needs_reboot),
        Row(events.InstallDone,     State.CONFIRMING),
        Row(events.InstallFailed,   State.VERIFICATION_FAILED, blame,    untrusted),
        Row(events.InstallFailed,   State.INSTALLATION_FAILED, blame),
        Row(events.Rebooted,        State.CONFIRMING,          stay,     arrived),
        Row(events.Rebooted,        State.INSTALLATION_FAILED, undo),
        Row(events.TimeLimitPassed, State.INSTALLATION_FAILED, undo),
    ),
    State.REBOOTING: (
        *_COMMITTED,
        Row(events.Rebooted,        State.CONFIRMING,          stay,     arrived),
        Row(events.Rebooted,        State.INSTALLATION_FAILED, undo),
        Row(events.TimeLimitPassed, State.INSTALLATION_FAILED, undo),
    ),
    State.CONFIRMING: (
        *_COMMITTED,
        Row(events.GatePassed,      State.INSTALLED,           succeed),
        Row(events.GateFailed,      State.ROLLING_BACK,        blame),
        Row(events.Rebooted,        State.CONFIRMING,          stay,     arrived),
        Row(events.Rebooted,        State.INSTALLATION_FAILED, undo),
        Row(events.TimeLimitPassed, State.ROLLING_BACK,        blame),
    ),
    State.ROLLING_BACK: (
        *_COMMITTED,
        Row(events.Rebooted,        State.INSTALLATION_FAILED, undo),
        Row(events.TimeLimitPassed, State.INSTALLATION_FAILED, blame),
    ),
    State.INSTALLED: (
        *_AT_REST,
        Row(events.Rebooted,        None,                      mark,     unmarked),
    ),
    State.DOWNLOAD_FAILED: _AT_REST,
    State.SIGNATURE_BAD: _AT_REST,
    State.VERIFICATION_FAILED: _AT_REST,
    State.INSTALLATION_FAILED: (
        *_AT_REST,
        Row(events.Rebooted,        None,                      leave,    arrived),
    ),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Rule:
    """In ``state``, as soon as ``holds``: do ``action`` and enter ``target``."""

    state: State
    holds: Condition
    target: State
    action: Action = stay


# fmt: off
AT_ONCE: Final[tuple[Rule, ...]] = (
    # in state                    when         enter                    and
    Rule(State.WANTED,            early,       State.SCHEDULED),
    Rule(State.WANTED,            at_once,     State.DOWNLOADING,       attempt),
    Rule(State.SCHEDULED,         retrievable, State.DOWNLOADING,       attempt),
    Rule(State.PAUSED,            rested,      State.DOWNLOADING,       attempt),
    Rule(State.VERIFIED,          premature,   State.INSTALL_SCHEDULED),
    Rule(State.VERIFIED,          busy,        State.WAITING_FOR_IDLE),
    Rule(State.VERIFIED,          at_once,     State.INSTALLING),
    Rule(State.INSTALL_SCHEDULED, busy,        State.WAITING_FOR_IDLE),
    Rule(State.INSTALL_SCHEDULED, installable, State.INSTALLING),
    Rule(State.WAITING_FOR_IDLE,  idle,        State.INSTALLING),
)

LIMITS: Final[Mapping[State, Callable[[FirmwarePolicy], float]]] = {
    State.WAITING_FOR_IDLE: lambda policy: policy.idle_within_s,
    State.INSTALLING:       lambda policy: policy.install_within_s,
    State.REBOOTING:        lambda policy: policy.reboot_within_s,
    State.CONFIRMING:       lambda policy: policy.confirm_within_s,
    State.ROLLING_BACK:     lambda policy: policy.roll_back_within_s,
}

WISHES: Final[Mapping[State, tuple[Callable[[Job], FirmwareEffect], ...]]] = {
    State.VERIFYING:    (Verify,),
    State.INSTALLING:   (Install,),
    State.REBOOTING:    (Reboot,),
    State.CONFIRMING:   (Confirm,),
    State.ROLLING_BACK: (RollBack,),
    State.INSTALLED:    (MarkGood, Discard),
    **dict.fromkeys(ENDS - {State.INSTALLED}, (Discard,)),
}
# fmt: on
"""What is wished on entering a state, besides what needs more than the job."""
