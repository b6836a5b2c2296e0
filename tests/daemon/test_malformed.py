"""Everything a CSMS can say wrong, over a real WebSocket; then a car is charged."""

import asyncio

import pytest

from benchcsms.dialogue import BOTH
from tests.daemon.process import CARD, Daemon
from tests.ocpp16.malformed import FRAMES, LONGEST

SENDABLE = tuple((name, frame) for name, frame in FRAMES if len(frame) <= LONGEST)
"""A longer frame ends the link by itself; see the last test."""


@pytest.mark.requirement("RPC-23", "RPC-27", "WS-16")
async def test_after_thousands_of_malformed_frames_it_still_charges(
    daemon: Daemon,
) -> None:
    assert len(SENDABLE) >= 200
    await daemon.status_is("Available")
    process = daemon.process
    assert process is not None

    for number, (_, frame) in enumerate(SENDABLE):
        await daemon.csms.send_raw("DC1", frame)
        if number % 50 == 0:  # one question among fifty bad ones is still answered
            answer = await daemon.csms.call("DC1", "GetConfiguration", {"key": ["x"]})
            assert answer.payload == {"unknownKey": ["x"]}
    await daemon.charge()
    await daemon.call("Mock.PresentTag", uid=CARD)
    stop = await daemon.heard("StopTransaction")

    assert stop.payload["reason"] == "Local"
    assert process.returncode is None
    opened = [e for e in daemon.csms.log("DC1") if e.kind == "open"]
    assert len(opened) == 1


@pytest.mark.requirement("RPC-23", "RPC-25")
async def test_malformed_answers_to_each_question_lose_nothing(daemon: Daemon) -> None:
    await daemon.status_is("Available", connector=2)
    for key, value in {
        "AllowOfflineTxForUnknownId": "true",
        "MessageTimeout": "1",
        "TransactionMessageRetryInterval": "0",
        "TransactionMessageAttempts": "100",
    }.items():
        change = {"key": key, "value": value}
        answer = await daemon.csms.call("DC1", "ChangeConfiguration", change)
        assert answer.payload == {"status": "Accepted"}
    raws = ("{", '[3,"{id}"]', '[3,"{id}",[]]', '[3,"{id}",{"status":7}]', "[4]")
    for action in ("Authorize", "StatusNotification", "StartTransaction"):
        daemon.csms.script(action, [{"raw": raw} for raw in raws])
    daemon.csms.script("StopTransaction", [{"binary": "AAEC"}])

    await daemon.call("Mock.Plug", connector=1)
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.watch_until(
        lambda status: status["connectors"][0].get("session_energy_wh", 0) > 100
    )
    await daemon.call("Mock.PresentTag", uid=CARD)

    await daemon.heard("StopTransaction")
    await daemon.watch_until(lambda status: not status["messages_waiting"])
    bills = daemon.csms.transactions("DC1")
    assert [bill.reason for bill in bills] == ["Local"]


@pytest.mark.requirement("WS-15")
async def test_a_frame_beyond_all_bounds_ends_the_link_and_not_the_daemon(
    daemon: Daemon,
) -> None:
    await daemon.status_is("Available")
    await daemon.csms.send_raw("DC1", " " * (LONGEST + 1))

    closed = await daemon.csms.wait_for(station="DC1", direction=BOTH, kind="close")
    again = await daemon.csms.wait_for(
        station="DC1", direction=BOTH, kind="open", since=closed.seq
    )

    assert again.seq > closed.seq
    async with asyncio.timeout(5):
        answer = await daemon.csms.call("DC1", "GetConfiguration", {"key": ["x"]})
    assert answer.payload == {"unknownKey": ["x"]}
