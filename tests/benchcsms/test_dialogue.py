import asyncio
import json

import pytest

from benchcsms.dialogue import readable
from benchcsms.server import Csms
from benchcsms.settings import NotDone, Settings
from tests.benchcsms.conftest import STATUS, Station, connecting

SECRET = "4f70656e536573616d65"


async def test_every_frame_is_in_the_log(csms: Csms, station: Station) -> None:
    await station.told("StatusNotification", STATUS)
    opened, asked, answered = [entry.as_json() for entry in csms.log("CP1")]
    assert (opened["kind"], opened["payload"]) == ("open", {"subprotocol": "ocpp1.6"})
    assert asked == {
        "seq": 2,
        "time": "2026-03-02T08:00:00.000Z",
        "direction": "received",
        "station": "CP1",
        "kind": "call",
        "action": "StatusNotification",
        "id": asked["id"],
        "payload": STATUS,
        "text": "",
        "flaw": "",
    }
    assert answered["direction"] == "sent"
    assert (answered["kind"], answered["id"]) == ("result", asked["id"])
    assert answered["action"] == "StatusNotification"


async def test_the_log_can_be_read_from_a_number_on(
    csms: Csms, station: Station
) -> None:
    await station.told("Heartbeat")
    assert [entry.seq for entry in csms.log(since=1)] == [2, 3]
    assert csms.log("CP2") == []


@pytest.mark.parametrize("settings", [Settings(log_frames=3)])
async def test_the_log_has_a_bound(csms: Csms, station: Station) -> None:
    for _ in range(5):
        await station.told("Heartbeat")
    assert [entry.seq for entry in csms.log()] == [9, 10, 11]


async def test_keys_of_stations_are_masked(csms: Csms, station: Station) -> None:
    setting = {"key": "authorizationKEY", "value": SECRET}
    shown = {"configurationKey": [{**setting, "readonly": False}]}
    calls = asyncio.gather(
        csms.call("CP1", "ChangeConfiguration", setting),
        csms.call("CP1", "GetConfiguration"),
    )
    for answer in ({"status": "Accepted"}, shown):
        _, id_, *_ = await station.receive()
        await station.send(3, id_, answer)
    assert [said.payload for said in await calls] == [{"status": "Accepted"}, shown]
    await station.send(3, "stray", shown)
    await csms.send_raw("CP1", json.dumps([2, "7", "Change", setting, 5]))
    await csms.send_raw("CP1", json.dumps(setting).encode())
    await csms.wait_for(kind="result", count=3)
    log = [json.dumps(entry.as_json()) for entry in csms.log()]
    assert [line for line in log if SECRET in line] == []
    assert len([line for line in log if "***" in line]) == 5


async def test_other_values_are_not_masked(csms: Csms, station: Station) -> None:
    setting = {"key": "HeartbeatInterval", "value": "60"}
    call = asyncio.create_task(csms.call("CP1", "ChangeConfiguration", setting))
    _, id_, *_ = await station.receive()
    await station.send(3, id_, {"status": "Accepted"})
    await call
    entry = await csms.wait_for("ChangeConfiguration", direction="sent")
    assert entry.payload == setting


async def test_what_passed_already_can_be_waited_for(
    csms: Csms, station: Station
) -> None:
    charging = {**STATUS, "status": "Charging"}
    for status in (STATUS, charging, STATUS):
        await station.told("StatusNotification", status)
    by_status = {"status": "Available"}
    first = await csms.wait_for("StatusNotification", match=by_status)
    second = await csms.wait_for("StatusNotification", match=by_status, count=2)
    later = await csms.wait_for("StatusNotification", since=first.seq)
    assert (first.seq, second.seq, later.payload) == (2, 6, charging)


async def test_what_is_still_to_come_can_be_waited_for(
    csms: Csms, station: Station
) -> None:
    await station.told("Heartbeat")
    waits = [
        asyncio.create_task(csms.wait_for("Heartbeat", count=2)),
        asyncio.create_task(csms.wait_for("Heartbeat", count=2, direction="sent")),
        asyncio.create_task(csms.wait_for("Heartbeat", since=3, direction="both")),
        asyncio.create_task(csms.wait_for(station="CP2", kind="open")),
    ]
    await station.told("Heartbeat")
    async with connecting(csms, "CP2"):
        entries = [await wait for wait in waits]
    assert [entry.seq for entry in entries] == [4, 5, 4, 6]


async def test_a_wait_in_vain_says_what_it_waited_for(csms: Csms) -> None:
    words = 'wait: received CP1 Heartbeat {"a": 1}: 0 of 2 came within 0.01 s'
    with pytest.raises(NotDone) as told:
        await csms.wait_for(
            "Heartbeat", station="CP1", match={"a": 1}, count=2, timeout_s=0.01
        )
    assert str(told.value) == words


async def test_an_entry_is_one_readable_line(csms: Csms, station: Station) -> None:
    await station.told("Heartbeat")
    await station.socket.send("[]")
    await csms.wait_for(kind="malformed")
    _, asked, answered, odd = [readable(entry.as_json()) for entry in csms.log()]
    time = "2026-03-02T08:00:00.000Z"
    assert asked == f"{time} CP1 ← call Heartbeat {{}}"
    assert answered == f'{time} CP1 → result Heartbeat {{"currentTime": "{time}"}}'
    assert odd == f"{time} CP1 ← malformed [] (not a list that begins with 2, 3 or 4)"
