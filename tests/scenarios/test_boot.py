from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chargerd.core.events import ServiceChanged
from chargerd.ocpp16.records import Snapshot
from chargerd.ocpp16.wire import timestamp
from chargerd.steps import FrameReceived
from chargerd.store.database import Store
from tests.scenarios.bench import CSMS_URL, Bench
from tests.scenarios.csms import SILENCE, Refusal, Reply


def unregistered(*replies: Reply, **more: Any) -> Bench:
    """Return a bench whose CSMS answers the first boots so."""
    bench = Bench(online=False, **more)
    bench.csms.will("BootNotification", *replies)
    bench.connects()
    return bench


@pytest.mark.requirement("BOOT-01", "BOOT-03", "BOOT-17", "STAT-02")
def test_after_the_boot_every_connector_is_reported_once() -> None:
    bench = Bench(connectors=2)
    assert [action for action, _ in bench.said] == [
        "BootNotification",
        *["StatusNotification"] * 3,
    ]
    (boot,) = bench.told("BootNotification")
    assert boot == {
        "chargePointVendor": "chargerd",
        "chargePointModel": "bench",
        "firmwareVersion": "1.0",
    }
    reports = bench.told("StatusNotification")
    assert [r["connectorId"] for r in reports] == [0, 1, 2]
    assert {(r["status"], r["errorCode"]) for r in reports} == {
        ("Available", "NoError")
    }
    assert all("timestamp" in r for r in reports)


@pytest.mark.requirement("BOOT-02", "BOOT-06", "BOOT-14", "BOOT-23")
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_boot_that_is_not_accepted_is_tried_again_after_its_interval(
    status: str,
) -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot(status, 30))
    bench.connects()
    bench.plugs()
    bench.presents()
    bench.waits(29.5)
    assert [action for action, _ in bench.said] == ["BootNotification"]
    bench.waits(0.5)
    first_s, second_s = bench.times("BootNotification")
    assert second_s - first_s == 30
    assert bench.statuses(0) == ["Available"]
    assert bench.told("StartTransaction") == []


@pytest.mark.requirement("BOOT-07")
def test_an_interval_of_zero_does_not_flood_the_csms() -> None:
    bench = Bench(online=False)
    bench.csms.always("BootNotification", bench.csms.boot("Pending", 0))
    bench.connects()
    bench.waits(12_000)
    times = bench.times("BootNotification")
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert gaps == [60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.requirement("BOOT-09")
@pytest.mark.parametrize(
    ("reply", "gap_s"),
    [(SILENCE, 90), (Refusal(), 60), ({"status": "Maybe"}, 60)],
)
def test_a_boot_without_a_true_answer_is_sent_again(reply: Reply, gap_s: int) -> None:
    bench = unregistered(reply)
    bench.waits(100)
    first_s, second_s = bench.times("BootNotification")
    assert second_s - first_s == gap_s
    assert bench.statuses() == ["Available"]


@pytest.mark.requirement("BOOT-11")
def test_a_station_that_was_rejected_answers_nothing() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Rejected", 3600))
    bench.connects()
    assert bench.asks("GetConfiguration") == {}
    assert bench.asks("Heartbeat") == {}
    assert bench.asks("Reset", type="Hard") == {}
    assert bench.asks("ChangeConfiguration", key="MessageTimeout", value="7") == {}
    bench.happens(FrameReceived('[2, "id", "Reset"]'))
    assert bench.answers == []
    assert bench.restarting is None
    assert bench.charge_point.configuration.policy.message_timeout_s == 30


@pytest.mark.requirement("BOOT-13", "BOOT-15", "BOOT-29", "CFG-01")
def test_a_station_that_is_pending_can_be_configured_but_not_started() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 3600))
    bench.connects()
    assert len(bench.asks("GetConfiguration")["configurationKey"]) > 30
    bench.sets(HeartbeatInterval=77)
    start = bench.asks("RemoteStartTransaction", idTag="A", connectorId=1)
    assert start == {"status": "Rejected"}
    stop = bench.asks("RemoteStopTransaction", transactionId=1)
    assert stop == {"status": "Rejected"}
    assert [action for action, _ in bench.said] == ["BootNotification"]


@pytest.mark.requirement("BOOT-20", "BOOT-22", "TRIG-11")
def test_a_trigger_brings_the_boot_forward_but_not_once_accepted() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 3600))
    bench.connects()
    bench.waits(10)
    wanted = {"requestedMessage": "BootNotification"}
    assert bench.asks("TriggerMessage", **wanted) == {"status": "Accepted"}
    assert len(bench.told("BootNotification")) == 2
    assert bench.asks("TriggerMessage", **wanted) == {"status": "Rejected"}
    assert len(bench.told("BootNotification")) == 2


@pytest.mark.requirement("BOOT-14", "TRIG-07")
def test_a_station_that_is_pending_shows_what_is_triggered_and_no_more() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 3600))
    bench.connects()
    bench.asks("TriggerMessage", requestedMessage="StatusNotification", connectorId=0)
    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    bench.plugs()
    bench.waits(70)
    bench.asks("TriggerMessage", requestedMessage="StatusNotification", connectorId=1)
    assert [action for action, _ in bench.said] == [
        "BootNotification",
        "StatusNotification",
        "Heartbeat",
        "StatusNotification",
    ]
    assert bench.statuses(0) == bench.statuses(1) == ["Unavailable"]


def test_what_was_triggered_is_not_sent_by_a_station_that_is_rejected_then() -> None:
    bench = unregistered(SILENCE)
    for wanted in ("Heartbeat", "StatusNotification"):
        bench.asks("TriggerMessage", requestedMessage=wanted)
    bench.answers_late("BootNotification", bench.csms.boot("Rejected", 3600))
    bench.waits(60)
    assert [action for action, _ in bench.said] == ["BootNotification"]


@pytest.mark.requirement("BOOT-25", "STAT-40", "STAT-42")
def test_a_reconnection_tells_only_what_has_changed_and_boots_no_more() -> None:
    bench = Bench(connectors=2)
    bench.disconnects()
    bench.plugs()
    bench.plugs(2)
    bench.unplugs(2)
    before = len(bench.said)
    bench.connects()
    told = [(a, p["connectorId"], p["status"]) for a, p in bench.said[before:]]
    assert told == [("StatusNotification", 1, "Preparing")]


def test_a_link_lost_during_the_boot_makes_the_next_one_immediate() -> None:
    bench = unregistered(SILENCE)
    bench.disconnects()
    bench.waits(2)
    bench.connects()
    assert len(bench.told("BootNotification")) == 2
    assert bench.statuses() == ["Available"]


@pytest.mark.requirement("BOOT-23", "BOOT-24")
def test_a_station_that_was_accepted_once_serves_drivers_before_it_is_heard(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(store=store, keys={"AllowOfflineTxForUnknownId": "true"})
    bench.restarts(online=False)
    bench.charges()
    assert bench.phase() == "energized"

    stranger = Bench(
        online=False,
        keys={"AllowOfflineTxForUnknownId": "true"},
        snapshot=Snapshot(accepted_by=frozenset({"wss://other/CP1"})),
    )
    stranger.plugs()
    stranger.presents()
    assert stranger.phase() == "plugged"
    store.close()


def test_the_first_step_of_a_known_station_opens_it() -> None:
    bench = Bench(online=False, snapshot=Snapshot(accepted_by=frozenset({CSMS_URL})))
    assert bench.charge_point.station.in_service
    bench.happens(ServiceChanged(0))
    assert bench.said == []


@pytest.mark.requirement("BOOT-14", "BOOT-21")
def test_a_late_word_that_is_not_accepted_holds_and_sessions_go_on() -> None:
    bench = unregistered(SILENCE, keys={"AllowOfflineTxForUnknownId": "true"})
    bench.waits(91)
    bench.charges()
    bench.answers_late("BootNotification", bench.csms.boot("Pending", 600))
    before = len(bench.said)
    bench.presents()
    bench.finishes(121_000)
    bench.presents()
    assert bench.phase() != "finished"
    assert len(bench.said) == before
    bench.waits(600)
    assert "StopTransaction" in bench.messages()


@pytest.mark.requirement("HB-01", "HB-06", "BOOT-04", "BOOT-19", "TRIG-12")
def test_heartbeats_come_exactly_when_nothing_else_was_said() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot(interval=100))
    bench.connects()
    start_s = bench.now_s
    bench.waits(350)
    assert [at - start_s for at in bench.times("Heartbeat")] == [100, 200, 300]

    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    bench.waits(149)
    assert [at - start_s for at in bench.times("Heartbeat")][3:] == [350, 450]


@pytest.mark.key("HeartbeatInterval")
@pytest.mark.requirement("HB-02", "HB-04")
def test_other_messages_postpone_heartbeats_and_a_new_interval_holds() -> None:
    bench = Bench()
    bench.waits(200)
    bench.plugs()
    bench.waits(60)
    said_s = bench.times("StatusNotification")[-1]
    bench.waits(said_s + 300 - bench.now_s)
    assert bench.times("Heartbeat") == [said_s + 300]

    bench.waits(10)
    bench.sets(HeartbeatInterval=20)
    bench.waits(55)
    beats = [at_s - said_s for at_s in bench.times("Heartbeat")]
    assert beats == [300, 320, 340, 360]


@pytest.mark.requirement("HB-03", "WS-13")
def test_a_busy_station_still_beats_once_a_day() -> None:
    bench = Bench(keys={"ClockAlignedDataInterval": "200"})
    start_s = bench.now_s
    bench.waits(2 * 86_400)
    beats = [at - start_s for at in bench.times("Heartbeat")]
    assert [round(at / 86_400, 2) for at in beats] == [1.0, 2.0]


@pytest.mark.requirement("BOOT-04", "BOOT-08", "CFG-03")
def test_the_interval_of_the_boot_is_what_the_key_says_then() -> None:
    def interval(bench: Bench) -> str:
        asked = bench.asks("GetConfiguration", key=["heartbeatinterval"])
        (found,) = asked["configurationKey"]
        assert found["key"] == "HeartbeatInterval"
        return str(found["value"])

    for told, kept in ((77, "77"), (0, "300"), (-1, "300"), (1_000_000, "86400")):
        bench = Bench(online=False)
        bench.csms.will("BootNotification", bench.csms.boot(interval=told))
        bench.connects()
        assert interval(bench) == kept


@pytest.mark.requirement("TIME-01", "TIME-07")
@pytest.mark.parametrize(
    ("ahead", "step_s"),
    [
        (timedelta(seconds=1), None),
        (timedelta(seconds=-90), -90),
        (timedelta(hours=3), 10_800),
        (timedelta(days=-1000), None),
    ],
)
def test_the_clock_follows_the_csms_unless_that_cannot_be_right(
    ahead: timedelta, step_s: float | None
) -> None:
    bench = Bench(online=False)
    told = timestamp(bench.clock.now().utc + ahead)
    bench.csms.will("BootNotification", {**bench.csms.boot(), "currentTime": told})
    bench.connects()
    steps = [s.clock_step_s for s in bench.steps if s.clock_step_s is not None]
    assert steps == ([] if step_s is None else [step_s])

    registration = bench.charge_point.dialogue.registration
    assert registration.clock_offset_s == ahead.total_seconds()
    assert registration.last_heartbeat is None
    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    assert registration.last_heartbeat == bench.clock.now().utc
    assert registration.clock_offset_s == 0


def test_a_heartbeat_that_fails_is_of_no_consequence() -> None:
    bench = Bench()
    bench.csms.will("Heartbeat", Refusal(), {"currentTime": "soon"}, SILENCE)
    bench.waits(1300)
    assert len(bench.times("Heartbeat")) == 4
