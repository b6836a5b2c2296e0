import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from benchcsms.server import Csms
from benchcsms.settings import NotDone
from benchcsms.station import Answer
from tests.benchcsms.conftest import Seconds, Station

RESET = {"type": "Soft"}


async def asked(csms: Csms, station: Station, *answer: Any) -> Answer:
    """Let the bench ask for a Reset, and the station answer it."""
    call = asyncio.create_task(csms.call("CP1", "Reset", RESET))
    type_, id_, *rest = await station.receive()
    assert (type_, *rest) == (2, "Reset", RESET)
    await station.send(answer[0], id_, *answer[1:])
    return await call


async def test_a_call_returns_the_answer_and_its_time(
    csms: Csms, station: Station, seconds: Seconds
) -> None:
    call = asyncio.create_task(csms.call("CP1", "ClearCache"))
    _, id_, *rest = await station.receive()
    seconds.now_s += 0.25
    await station.send(3, id_, {"status": "Accepted"})
    assert rest == ["ClearCache", {}]
    assert await call == Answer({"status": "Accepted"}, "", "", 250.0)


async def test_a_call_returns_the_call_error(csms: Csms, station: Station) -> None:
    said = await asked(csms, station, 4, "NotSupported", "not here", {})
    assert said == Answer(None, "NotSupported", "not here", 0.0)


async def test_a_station_may_ask_before_it_answers(
    csms: Csms, station: Station
) -> None:
    call = asyncio.create_task(csms.call("CP1", "Reset", RESET))
    _, id_, *_ = await station.receive()
    assert "currentTime" in await station.told("Heartbeat")
    await station.send(3, id_, {"status": "Accepted"})
    assert (await call).payload == {"status": "Accepted"}
    assert csms.violations("CP1") == []


async def test_the_bench_asks_one_thing_at_a_time(csms: Csms, station: Station) -> None:
    calls = [asyncio.create_task(csms.call("CP1", "ClearCache")) for _ in range(2)]
    first = await station.receive()
    assert "currentTime" in await station.told("Heartbeat")
    await station.send(3, first[1], {"status": "Accepted"})
    second = await station.receive()
    await station.send(3, second[1], {"status": "Rejected"})
    statuses = [said.payload for said in await asyncio.gather(*calls)]
    assert statuses == [{"status": "Accepted"}, {"status": "Rejected"}]


async def test_an_answer_that_does_not_come_is_told_and_may_come_late(
    csms: Csms, station: Station
) -> None:
    with pytest.raises(NotDone, match=r"CP1: Reset: no answer within 0.01 s"):
        await csms.call("CP1", "Reset", RESET, timeout_s=0.01)
    _, id_, *_ = await station.receive()
    await station.send(3, id_, {"status": "Accepted"})
    await csms.wait_for("Reset")
    assert csms.violations("CP1") == []
    await station.send(3, id_, {"status": "Accepted"})
    await csms.wait_for(kind="result", count=2)
    assert "nobody asked it" in csms.violations("CP1")[0]


async def test_a_malformed_answer_ends_the_call(csms: Csms, station: Station) -> None:
    with pytest.raises(NotDone, match="Reset: the answer is not .3, "):
        await asked(csms, station, 3)
    assert 'Reset: not [3, "id", {payload}]' in csms.violations("CP1")[0]


async def test_a_call_ends_with_the_connection(csms: Csms, station: Station) -> None:
    calls = [asyncio.create_task(csms.call("CP1", "Reset", RESET)) for _ in range(2)]
    await station.receive()
    await station.socket.close()
    first, second = await asyncio.gather(*calls, return_exceptions=True)
    assert str(first) == "call: CP1: Reset: the connection ended before the answer"
    assert str(second) == "CP1: the connection has ended"


async def test_who_is_not_connected_cannot_be_asked(
    csms: Csms, station: Station
) -> None:
    with pytest.raises(NotDone, match="'CP9': not connected; connected: CP1"):
        await csms.call("CP9", "Reset", RESET)
    with pytest.raises(NotDone, match="'CP9': was never here; known: CP1"):
        csms.violations("CP9")


@pytest.mark.parametrize("message", ['[2,"7"', "", b"\x00\xff", '[3,"7",{}]'])
async def test_any_bytes_can_be_sent(
    csms: Csms, station: Station, message: str | bytes
) -> None:
    await csms.send_raw("CP1", message)
    assert await station.socket.recv() == message


@pytest.mark.parametrize("message", ['[2,"7","Reset",{}]', '[2,"7"]', '[2,"7","Re'])
async def test_the_answer_to_a_raw_call_is_expected(
    csms: Csms, station: Station, message: str
) -> None:
    await csms.send_raw("CP1", message)
    await station.send(4, "7", "FormationViolation", "", {})
    await csms.wait_for(kind="error", match={"code": "FormationViolation"})
    assert csms.violations("CP1") == []


async def test_a_connection_can_be_ended_with_a_code(
    csms: Csms, station: Station
) -> None:
    await csms.disconnect("CP1", 1012)
    with pytest.raises(ConnectionClosed):
        await station.receive()
    assert station.socket.close_code == 1012
    assert (await csms.wait_for(kind="close")).payload["code"] == 1012


async def test_a_connection_can_be_reset(csms: Csms, station: Station) -> None:
    csms.drop("CP1")
    with pytest.raises(ConnectionClosed) as closed:
        await station.receive()
    assert isinstance(closed.value.__cause__, ConnectionResetError)
    await csms.wait_for(kind="close")
    assert not csms.stations()[0]["connected"]
