from chargerd.core.reasons import Cause
from chargerd.core.session import Phase
from chargerd.ocpp16 import status
from chargerd.ocpp16.requests import REASONS
from hal.values import Signal
from tests.ocpp16.samples import schema
from tests.scenarios.edges import EDGES

WORDS = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Unavailable",
    "Faulted",
)


def test_every_phase_has_a_status_and_every_status_a_light() -> None:
    assert set(status.STATUSES) == set(Phase)
    assert set(status.STATUSES.values()) <= set(WORDS)
    assert [status.signal(word) for word in WORDS] == [
        Signal.FREE,
        Signal.WAITING,
        Signal.CHARGING,
        Signal.PAUSED,
        Signal.PAUSED,
        Signal.DONE,
        Signal.OUT_OF_SERVICE,
        Signal.FAULT,
    ]


def test_the_statuses_that_may_follow_each_other_are_those_of_ocpp() -> None:
    ours = {
        (before, after)
        for before in WORDS
        for after in WORDS
        if before != after and status.may_follow(after, before)
    }
    assert ours == {(a, b) for a, b in EDGES if a != b and "Reserved" not in (a, b)}


def test_every_cause_has_a_reason_that_ocpp_knows() -> None:
    known = schema("StopTransaction")["properties"]["reason"]["enum"]
    assert set(REASONS) == set(Cause)
    assert set(REASONS.values()) <= set(known)
