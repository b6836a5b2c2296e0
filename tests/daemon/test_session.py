"""One session of the real process, seen from both of its ends."""

from collections.abc import Callable

import pytest

from tests.daemon.process import CARD, Daemon


@pytest.mark.requirement("BOOT-01", "BOOT-17", "TXN-01", "TXN-03", "TXN-20", "AUTH-30")
async def test_a_card_starts_and_ends_a_session_and_the_bill_is_right(
    daemon: Daemon,
) -> None:
    await daemon.status_is("Available")
    before_wh = await daemon.meter_wh()
    await daemon.charge()
    await daemon.watch_until(
        lambda status: status["connectors"][0].get("session_energy_wh", 0) > 500
    )
    await daemon.call("Mock.PresentTag", uid=CARD)
    stop = await daemon.heard("StopTransaction")
    await daemon.call("Mock.Unplug", connector=1)
    await daemon.status_is("Available", since=stop.seq)

    (bill,) = daemon.csms.transactions("DC1")
    assert bill.meter_start == before_wh
    assert bill.meter_stop == await daemon.meter_wh()
    assert bill.reason == "Local"
    assert stop.payload["idTag"] == CARD
    assert daemon.csms.violations("DC1") == []
    assert await daemon.stop() == 0


@pytest.mark.requirement("TXN-22")
async def test_the_emergency_stop_ends_charging_and_says_why(daemon: Daemon) -> None:
    charging = await daemon.charge()

    await daemon.call("Mock.SetFault", name="emergency-stop", on=True)

    faulted = await daemon.status_is("Faulted", since=charging.seq)
    stop = await daemon.heard("StopTransaction")
    assert stop.payload["reason"] == "EmergencyStop"
    assert faulted.payload["errorCode"] == "OtherError"
    assert faulted.payload["vendorErrorCode"] == "emergency-stop"
    status = await daemon.watch_until(
        lambda status: status["connectors"][0]["power_w"] == 0
    )
    assert status["connectors"][0]["status"] == "Faulted"
    assert daemon.csms.violations("DC1") == []


async def test_sigterm_ends_the_session_in_good_order(daemon: Daemon) -> None:
    await daemon.charge()

    assert await daemon.stop() == 0

    stop = await daemon.heard("StopTransaction")
    assert stop.payload["reason"] == "Reboot"
    (bill,) = daemon.csms.transactions("DC1")
    assert bill.meter_stop is not None


@pytest.mark.requirement("REM-50", "REM-51", "REM-53", "REM-54", "TXN-46")
@pytest.mark.parametrize(
    ("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")]
)
async def test_a_reset_stops_the_session_restarts_and_boots_again(
    daemon: Daemon, kind: str, reason: str
) -> None:
    charging = await daemon.charge()

    answer = await daemon.csms.call("DC1", "Reset", {"type": kind})

    assert answer.payload == {"status": "Accepted"}
    stop = await daemon.heard("StopTransaction")
    assert stop.payload["reason"] == reason
    boot = await daemon.heard("BootNotification", since=charging.seq)
    told = await daemon.heard(
        "StatusNotification", match={"connectorId": 1}, since=boot.seq
    )
    # The car is still plugged in.
    assert told.payload["status"] in ("Preparing", "Finishing")
    assert len(daemon.csms.transactions("DC1")) == 1
    assert daemon.csms.violations("DC1") == []


@pytest.mark.requirement("CFG-14", "CFG-16")
async def test_a_changed_key_outlives_a_power_cut(daemon: Daemon) -> None:
    await daemon.status_is("Available")
    change = {"key": "MeterValueSampleInterval", "value": "17"}

    answer = await daemon.csms.call("DC1", "ChangeConfiguration", change)
    await daemon.kill()
    seen = daemon.csms.log()[-1].seq
    await daemon.start()
    await daemon.heard("BootNotification", since=seen)

    assert answer.payload == {"status": "Accepted"}
    asked = {"key": ["MeterValueSampleInterval"]}
    kept = await daemon.csms.call("DC1", "GetConfiguration", asked)
    assert kept.payload is not None
    assert kept.payload["configurationKey"][0]["value"] == "17"


async def test_a_second_daemon_on_the_same_socket_says_what_to_do(
    daemon: Daemon, make_daemon: Callable[..., Daemon]
) -> None:
    await daemon.status_is("Available")
    second = make_daemon("DC2")
    text = second.file.read_text().replace(
        f"{second.directory}/control", f"{daemon.directory}/control"
    )
    second.file.write_text(text)

    await second.start()

    assert await second.ended() == 1
    assert "stop it, or set control.socket" in second.log.read_text()
    assert (await daemon.status())["link"]["state"] == "online"


@pytest.mark.requirement("TXN-05")
async def test_a_second_session_needs_no_new_plug_in(daemon: Daemon) -> None:
    await daemon.charge()
    await daemon.call("Mock.PresentTag", uid=CARD)
    stop = await daemon.heard("StopTransaction")
    await daemon.watch_until(lambda s: s["connectors"][0]["phase"] == "finished")

    start = {"connectorId": 1, "idTag": "SECOND"}
    answer = await daemon.csms.call("DC1", "RemoteStartTransaction", start)

    assert answer.payload == {"status": "Accepted"}
    await daemon.status_is("Charging", since=stop.seq)
    first, second = daemon.csms.transactions("DC1")
    assert second.id_tag == "SECOND"
    assert first.meter_stop is not None
    assert second.meter_start is not None
    assert second.meter_start >= first.meter_stop


async def test_the_story_of_a_running_session_is_there_before_the_disk_has_it(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(configuration="MeterValueSampleInterval = 1")
    await daemon.start()
    await daemon.charge()
    await daemon.heard("MeterValues")
    await daemon.watch_until(lambda status: not status["messages_waiting"])

    (session,) = (await daemon.call("Station.ListSessions"))["sessions"]
    told = await daemon.call("Station.GetSession", id=session["id"][:8])
    queue = await daemon.call("Station.ListMessages")

    steps = [step["what"] for step in told["steps"]]
    assert steps[-4:] == ["handshake", "cable check", "pre-charge", "energized"]
    assert session["messages_waiting"] == 0
    assert (queue["messages"], queue["total"]) == ([], 0)
