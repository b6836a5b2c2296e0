import asyncio
import base64
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError

from benchcsms.server import Csms
from benchcsms.settings import NotDone
from tests.benchcsms.conftest import BOOT, START, Station, connecting

PENDING = {"change": {"status": "Pending", "interval": 2}}


async def test_replies_are_used_once_each(csms: Csms, station: Station) -> None:
    csms.script("BootNotification", [PENDING, {}, {"result": {"a": 1}}])
    answers = [await station.told("BootNotification", BOOT) for _ in range(4)]
    assert [(said.get("status"), said.get("interval")) for said in answers] == [
        ("Pending", 2),
        ("Accepted", 300),
        (None, None),
        ("Accepted", 300),
    ]
    assert answers[2] == {"a": 1}


async def test_a_standing_reply_stays_until_the_script_is_replaced(
    csms: Csms, station: Station
) -> None:
    csms.script("Heartbeat", [{}], standing={"result": {}})
    answers = [await station.told("Heartbeat") for _ in range(3)]
    assert [bool(said) for said in answers] == [True, False, False]
    csms.script("Heartbeat")
    assert await station.told("Heartbeat")


async def test_a_script_of_one_station_goes_before_that_of_all(
    csms: Csms, station: Station
) -> None:
    csms.script("Heartbeat", standing={"result": {"for": "all"}})
    csms.script("Heartbeat", standing={"result": {"for": "CP1"}}, station="CP1")
    assert await station.told("Heartbeat") == {"for": "CP1"}
    async with connecting(csms, "CP2") as socket:
        assert await Station(socket).told("Heartbeat") == {"for": "all"}


async def test_a_reply_may_be_a_call_error(csms: Csms, station: Station) -> None:
    csms.script("Heartbeat", [{"error": {"code": "Odd", "description": "no"}}])
    frame = await station.ask("Heartbeat")
    assert [frame[0], *frame[2:]] == [4, "Odd", "no", {}]


async def test_a_transaction_counts_though_its_answer_is_lost(
    csms: Csms, station: Station
) -> None:
    other = {"change": {"transactionId": 77}}
    csms.script("StartTransaction", [{"error": {"code": "InternalError"}}, {}, other])
    await station.ask("StartTransaction", START)
    assert (await station.told("StartTransaction", START))["transactionId"] == 1
    assert (await station.told("StartTransaction", START))["transactionId"] == 77
    assert [bill.id for bill in csms.transactions("CP1")] == [77]


async def test_silence_is_silence(csms: Csms, station: Station) -> None:
    csms.script("Heartbeat", [{"silence": True}])
    await station.send(2, "lost", "Heartbeat", {})
    assert (await station.ask("Heartbeat"))[1] != "lost"
    assert not [e for e in csms.log() if e.id == "lost" and e.direction == "sent"]


async def test_a_late_answer_holds_nobody_up(csms: Csms, station: Station) -> None:
    csms.script("Heartbeat", [{"delay_s": 0.02}])
    await station.send(2, "late", "Heartbeat", {})
    assert (await station.ask("Heartbeat"))[1] != "late"
    type_, id_, said = await station.receive()
    assert (type_, id_, "currentTime" in said) == (3, "late", True)


async def test_a_reply_may_be_the_end_of_the_connection(
    csms: Csms, station: Station
) -> None:
    csms.script("Heartbeat", [{"drop": True}])
    with pytest.raises(ConnectionClosedError):
        await station.ask("Heartbeat")
    assert (await csms.wait_for(kind="close")).payload["code"] == 1006


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"raw": '[3,"{id}"]'}, '[3,"7"]'),
        ({"raw": "{not json"}, "{not json"),
        ({"binary": base64.b64encode(b"\xff[]").decode()}, b"\xff[]"),
    ],
)
async def test_a_reply_may_be_any_bytes(
    csms: Csms, station: Station, reply: dict[str, str], message: str | bytes
) -> None:
    csms.script("Heartbeat", [reply])
    await station.send(2, "7", "Heartbeat", {})
    assert await station.socket.recv() == message


async def test_a_station_that_left_before_its_answer_does_no_harm(
    csms: Csms, station: Station
) -> None:
    csms.script("Heartbeat", [{"delay_s": 60}])
    await station.send(2, "7", "Heartbeat", {})
    await csms.wait_for("Heartbeat")
    await station.socket.close()
    await csms.wait_for(kind="close")
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [t for t in others if "_reply" in repr(t.get_coro())]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("Pending", "reply: 'Pending' is not an object"),
        ({"resullt": {}}, "reply: resullt: not one of result, change, error"),
        ({"raw": "", "drop": True}, "reply: drop, raw: not one of"),
        ({"result": 5}, "reply: result: 5"),
        ({"error": "InternalError"}, "reply: error: 'InternalError'"),
        ({"raw": 5}, "reply: raw: 5"),
        ({"binary": "***"}, "base64: '\\*\\*\\*' is not base64"),
        ({"delay_s": -1}, "reply: delay_s: -1 is no number of seconds"),
    ],
)
def test_a_mistake_in_a_reply_is_named(csms: Csms, reply: Any, words: str) -> None:
    with pytest.raises(NotDone, match=words):
        csms.script("Heartbeat", [reply])
