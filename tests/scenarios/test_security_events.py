from contextlib import closing
from pathlib import Path

import pytest

from chargerd.core.events import (
    WHOLE_STATION,
    DialFailed,
    RestartRequested,
    StorageChanged,
)
from chargerd.core.reasons import Cause
from chargerd.steps import FrameReceived
from chargerd.store.database import Store
from chargerd.store.reader import Reader
from hal.values import SafetyReading
from tests.scenarios.bench import Bench
from tests.scenarios.csms import SILENCE, Json, Refusal


def types(bench: Bench) -> list[str]:
    return [event["type"] for event in bench.security_events]


@pytest.mark.requirement("BOOT-27", "BOOT-18", "EVT-04")
def test_the_start_is_told_after_the_statuses_of_an_accepted_boot() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 30))
    bench.connects()
    bench.waits(29)
    assert bench.security_events == []
    bench.csms.will("StatusNotification", SILENCE)
    bench.waits(1)
    assert bench.security_events == []
    bench.answers_late("StatusNotification", {})
    (event,) = bench.security_events
    assert event["type"] == "StartupOfTheDevice"
    assert event["timestamp"] == "2026-03-02T08:00:00.125Z"
    assert event["techInfo"] == "firmware 1.0"


@pytest.mark.requirement("OFFL-23", "EVT-04")
def test_messages_of_transactions_and_security_events_take_turns() -> None:
    bench = Bench(online=False, keys={"AllowOfflineTxForUnknownId": "true"})
    bench.connects()
    bench.disconnects()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    for layer in ("http-auth", "tcp"):
        bench.happens(DialFailed(WHOLE_STATION, layer, "no"))
    bench.happens(StorageChanged(WHOLE_STATION, failing=True))
    bench.happens(StorageChanged(WHOLE_STATION, failing=False))
    order: list[str] = []
    heard = bench.csms.reply

    def reply(action: str, payload: Json) -> object:
        order.append(payload.get("type", action))
        return heard(action, payload)

    bench.csms.reply = reply  # type: ignore[method-assign, assignment]
    bench.connects()
    queued = [said for said in order if said != "StatusNotification"]
    assert queued == [
        "StartTransaction",
        "FailedToAuthenticateAtCentralSystem",
        "StopTransaction",
        "MemoryExhaustion",
    ]


@pytest.mark.requirement("OFFL-23")
def test_a_security_event_that_is_refused_blocks_no_transaction() -> None:
    bench = Bench(online=False)
    bench.csms.will("SecurityEventNotification", Refusal(), Refusal(), SILENCE)
    bench.connects()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    assert bench.messages() == ["StartTransaction", "StopTransaction"]
    assert types(bench) == ["StartupOfTheDevice"]
    bench.waits(55)
    assert len(types(bench)) == 1
    bench.waits(5)
    assert len(types(bench)) == 2
    bench.waits(120)
    assert len(types(bench)) == 3
    bench.waits(30 + 240)
    assert types(bench) == ["StartupOfTheDevice"] * 4


@pytest.mark.requirement("EVT-05")
def test_a_csms_without_security_events_is_asked_once_for_each_link() -> None:
    bench = Bench(online=False)
    bench.csms.always("SecurityEventNotification", Refusal("NotSupported"))
    bench.connects()
    bench.happens(StorageChanged(WHOLE_STATION, failing=True))
    bench.waits(10_000)
    assert types(bench) == ["StartupOfTheDevice"]
    bench.disconnects()
    bench.connects()
    assert types(bench) == ["StartupOfTheDevice"] * 2


@pytest.mark.requirement("EVT-01", "EVT-02", "REM-56", "BOOT-27", "PERS-08")
def test_critical_events_outlive_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(online=False, store=store)
    bench.happens(RestartRequested(WHOLE_STATION, Cause.HARD_RESET))
    bench.restarts(Cause.RESTART)
    told = [(e["type"], e["techInfo"]) for e in bench.security_events]
    assert told == [
        ("StartupOfTheDevice", "firmware 1.0"),
        ("ResetOrReboot", "HARD_RESET"),
        ("StartupOfTheDevice", "firmware 1.0"),
    ]
    bench.waits(31)
    assert store.restore(bench.clock.now().utc).security_events == ()
    bench.restarts()
    assert types(bench)[3:] == ["StartupOfTheDevice"]
    store.close()


@pytest.mark.requirement("PERS-09")
@pytest.mark.key("NonCriticalSecurityEvents")
def test_the_log_outlives_the_process_whatever_of_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    bench = Bench(store=store, keys={"NonCriticalSecurityEvents": "false"})
    bench.happens(FrameReceived("no OCPP"))
    bench.happens(RestartRequested(WHOLE_STATION, Cause.HARD_RESET))
    store.close()
    with closing(Reader(path)) as reader:
        logged = [row["type"] for row in reader.security_log()]
    assert logged == ["StartupOfTheDevice", "InvalidMessages", "ResetOrReboot"]
    assert types(bench) == ["StartupOfTheDevice", "ResetOrReboot"]


@pytest.mark.requirement("WS-07")
def test_a_link_that_was_refused_for_its_password_is_told_when_it_is_there() -> None:
    bench = Bench(online=False)
    bench.happens(DialFailed(WHOLE_STATION, "dns", "unknown host"))
    bench.happens(DialFailed(WHOLE_STATION, "http-auth", "HTTP 401: check the key"))
    bench.connects()
    assert types(bench)[1:] == ["FailedToAuthenticateAtCentralSystem"]
    assert bench.security_events[1]["techInfo"] == "HTTP 401: check the key"


@pytest.mark.requirement("RPC-23", "RPC-25", "EVT-08")
@pytest.mark.key("NonCriticalSecurityEvents")
def test_what_cannot_be_read_is_a_security_event_once_a_minute() -> None:
    bench = Bench()
    bench.waits(1)
    for frame in ("{", b"\0", '[2,"a","Reset",{"type":"Warm"}]', '[2,7,"Reset",{}]'):
        bench.happens(FrameReceived(frame))
    bench.happens(FrameReceived('[3,"nobody",{}]'))
    bench.csms.will("Heartbeat", {"currentTime": "soon"})
    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    bench.asks("Nonsense")
    assert types(bench)[1:] == ["InvalidMessages"]
    bench.waits(60)
    told = [event["techInfo"] for event in bench.security_events[1:]]
    assert told == [
        "not JSON",
        "4 times, the last: answer to Heartbeat: PropertyConstraintViolation",
    ]

    bench.waits(60)
    bench.sets(NonCriticalSecurityEvents="false")
    bench.happens(FrameReceived("{"))
    assert len(types(bench)) == 3
    bench.happens(StorageChanged(WHOLE_STATION, failing=True))
    assert types(bench)[3:] == ["MemoryExhaustion"]


@pytest.mark.requirement("RPC-22")
def test_another_question_under_an_answered_id_looks_like_a_replay() -> None:
    bench = Bench()
    bench.asks("GetConfiguration")
    id_ = bench.answers[-1][1]
    bench.happens(FrameReceived(f'[2,"{id_}","ClearCache",{{}}]'))
    assert bench.answers[-1][2] == "GenericError"
    assert types(bench)[1:] == ["AttemptedReplayAttacks"]


@pytest.mark.requirement("CFG-18")
def test_a_new_password_is_a_security_event_that_does_not_tell_it() -> None:
    bench = Bench()
    bench.sets(AuthorizationKey="0f" * 16)
    (event,) = bench.security_events[1:]
    assert event["type"] == "ReconfigurationOfSecurityParameters"
    assert event["techInfo"] == "AuthorizationKey, by csms"
    bench.sets(HeartbeatInterval=50)
    assert len(bench.security_events) == 2


def test_an_open_door_is_a_security_event() -> None:
    bench = Bench()
    bench.reads(SafetyReading(at_s=0.0, door_open=True), 0)
    assert types(bench)[1:] == ["TamperDetectionActivated"]
