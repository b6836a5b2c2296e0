from datetime import timedelta
from typing import Final

import pytest

from chargerd.ocpp16.records import Record, SecurityEventKept, SecurityEventSettled
from chargerd.ocpp16.rpc import Asked, Failed, FailureKind
from chargerd.ocpp16.security import WEIGHTS, SecurityEventType, Weight
from chargerd.ocpp16.security_log import ATTEMPTS, MOST_WAITING, SecurityLog
from tests.clock import FakeClock

STARTUP: Final = SecurityEventType.STARTUP
INVALID: Final = SecurityEventType.INVALID_MESSAGES
ASKED: Final = Asked("SecurityEventNotification", {}, None)
REFUSED: Final = Failed(ASKED, FailureKind.ERROR, "InternalError", "")
SILENT: Final = Failed(ASKED, FailureKind.TIMEOUT, "", "")
UNKNOWN: Final = Failed(ASKED, FailureKind.ERROR, "NotImplemented", "")
LOST: Final = Failed(ASKED, FailureKind.LINK, "", "")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log() -> SecurityLog:
    return SecurityLog((), 6)


def kept(records: tuple[Record, ...]) -> SecurityEventKept:
    (record,) = records
    assert isinstance(record, SecurityEventKept)
    return record


@pytest.mark.requirement("EVT-06", "EVT-07")
def test_every_type_has_a_weight_and_the_spelling_of_the_whitepaper() -> None:
    assert set(WEIGHTS) == set(SecurityEventType)
    assert all(len(type_) <= 50 for type_ in SecurityEventType)
    critical = {t for t, weight in WEIGHTS.items() if weight is Weight.CRITICAL}
    assert critical == {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
    }


@pytest.mark.requirement("EVT-08")
def test_of_a_storm_one_event_a_minute_is_left_and_it_says_how_many(
    log: SecurityLog, clock: FakeClock
) -> None:
    first = kept(log.take(INVALID, "not JSON", clock.now(), every=True))
    assert (first.id, first.event.info, first.waiting) == (7, "not JSON", True)
    for _ in range(99):
        assert log.take(INVALID, "a binary frame", clock.now(), every=True) == ()
    assert log.next_deadline_s() == clock.now().monotonic_s + 60
    assert log.expire(clock.advance(59.9), every=True) == ()
    summed = kept(log.expire(clock.advance(0.1), every=True))
    assert summed.event.info == "99 times, the last: a binary frame"
    assert log.next_deadline_s() is None
    assert log.take(INVALID, "more", clock.now(), every=True) == ()
    assert log.take(STARTUP, None, clock.now(), every=True) != ()


@pytest.mark.requirement("EVT-03", "RPC-30")
def test_what_is_said_of_an_event_is_cut_to_its_length(
    log: SecurityLog, clock: FakeClock
) -> None:
    event = kept(log.take(INVALID, "ü" * 300, clock.now(), every=True)).event
    assert event.info == "ü" * 255
    assert event.at == clock.now().utc


@pytest.mark.requirement("EVT-08")
def test_what_is_not_critical_can_be_left_in_the_log(
    log: SecurityLog, clock: FakeClock
) -> None:
    assert not kept(log.take(INVALID, None, clock.now(), every=False)).waiting
    must = SecurityEventType.BAD_FIRMWARE_SIGNATURE
    assert kept(log.take(must, None, clock.now(), every=False)).waiting
    assert kept(log.take(STARTUP, None, clock.now(), every=False)).waiting
    assert log.waiting == 2


@pytest.mark.requirement("EVT-05")
def test_a_csms_that_knows_no_security_events_is_told_none_until_it_comes_back(
    log: SecurityLog, clock: FakeClock
) -> None:
    event = kept(log.take(STARTUP, None, clock.now(), every=True))
    assert log.next(clock.now()) == event
    assert log.failed(event, UNKNOWN, clock.now()) == ()
    assert log.next(clock.advance(9999)) is None
    assert log.told_again_s() is None
    log.reconnected()
    assert log.next(clock.now()) == event


@pytest.mark.requirement("EVT-02", "EVT-05")
@pytest.mark.parametrize("failed", [REFUSED, SILENT])
def test_a_critical_event_is_tried_until_it_arrives_ever_more_seldom(
    log: SecurityLog, clock: FakeClock, failed: Failed
) -> None:
    event = kept(log.take(STARTUP, None, clock.now(), every=True))
    pauses = []
    for _ in range(1_100):  # six weeks of refusals
        assert log.failed(event, failed, clock.now()) == ()
        assert log.next(clock.now()) is None
        again_s = log.told_again_s()
        assert again_s is not None
        pauses.append(again_s - clock.now().monotonic_s)
        assert log.next(clock.advance(pauses[-1])) == event
    assert pauses[:6] == [60, 120, 240, 480, 960, 1920]
    assert {*pauses[6:]} == {3600}
    assert log.failed(event, LOST, clock.now()) == ()
    assert log.delivered(event) == (SecurityEventSettled(event.id),)
    assert log.delivered(event) == ()
    assert log.next(clock.now()) is None


def test_an_event_that_is_not_critical_keeps_nobody_waiting_for_long(
    log: SecurityLog, clock: FakeClock
) -> None:
    event = kept(log.take(INVALID, None, clock.now(), every=True))
    for _ in range(ATTEMPTS - 1):
        assert log.failed(event, REFUSED, clock.now()) == ()
    assert log.failed(event, REFUSED, clock.now()) == (SecurityEventSettled(event.id),)
    assert log.waiting == 0


@pytest.mark.requirement("EVT-02", "EVT-05")
def test_the_queue_is_bounded_and_the_oldest_that_is_not_critical_goes_first(
    log: SecurityLog, clock: FakeClock
) -> None:
    light = kept(log.take(INVALID, None, clock.now(), every=True))
    first = kept(log.take(STARTUP, None, clock.advance(61), every=True))
    for _ in range(MOST_WAITING - 2):
        kept(log.take(STARTUP, None, clock.advance(61), every=True))
    _, gone = log.take(STARTUP, None, clock.advance(61), every=True)
    assert gone == SecurityEventSettled(light.id)
    _, gone = log.take(STARTUP, None, clock.advance(61), every=True)
    assert gone == SecurityEventSettled(first.id)
    assert log.waiting == MOST_WAITING
    assert clock.now().utc - first.event.at > timedelta(hours=8)
