import pytest

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
    "Reserved",
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
        Signal.RESERVED,
        Signal.OUT_OF_SERVICE,
        Signal.FAULT,
    ]


PAIRS = [(a, b) for a in WORDS for b in WORDS if a != b]


@pytest.mark.requirement("STAT-20")
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_one_status_leads_to_another_directly_or_over_one_more(
    before: str, after: str
) -> None:
    step = status.between(status.Report(1, before), status.Report(1, after))
    if (before, after) in EDGES:
        assert step is None
    else:
        assert step is not None
        assert {(before, step.status), (step.status, after)} <= EDGES


def test_every_cause_has_a_reason_that_ocpp_knows() -> None:
    known = schema("StopTransaction")["properties"]["reason"]["enum"]
    assert set(REASONS) == set(Cause)
    assert set(REASONS.values()) <= set(known)
