import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchcsms.control import answer, control
from benchcsms.server import Csms
from benchcsms.settings import Json, NotDone
from tests.benchcsms.conftest import START, STATUS, Station


class Remote:
    """Whoever is at the other end of the control socket."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, command: Any, **arguments: Any) -> Json:
        return await self.say({"command": command, **arguments})

    async def say(self, request: Any) -> Json:
        self.writer.write(json.dumps(request).encode() + b"\n")
        said: Json = json.loads(await self._reader.readline())
        return said


@pytest.fixture
async def remote(csms: Csms, tmp_path: Path) -> AsyncIterator[Remote]:
    path = tmp_path / "bench.sock"
    async with control(csms, path):
        reader, writer = await asyncio.open_unix_connection(path)
        yield Remote(reader, writer)
        writer.close()
        await writer.wait_closed()


async def test_a_call_tells_the_answer_and_how_long_it_took(
    station: Station, remote: Remote
) -> None:
    for said, told in (
        ([3, {"status": "Accepted"}], {"result": {"status": "Accepted"}}),
        (
            [4, "InternalError", "oh", {}],
            {"call_error": {"code": "InternalError", "description": "oh"}},
        ),
    ):
        call = asyncio.create_task(
            remote.ask("call", station="CP1", action="Reset", payload={"type": "Hard"})
        )
        _, id_, *asked = await station.receive()
        assert asked == ["Reset", {"type": "Hard"}]
        await station.send(said[0], id_, *said[1:])
        assert await call == {**told, "ms": 0.0}


async def test_the_books_can_be_read(station: Station, remote: Remote) -> None:
    await station.told("StatusNotification", STATUS)
    await station.told("StartTransaction", START)
    await station.ask("Reset")
    (about,) = (await remote.ask("stations"))["stations"]
    assert (about["identity"], about["connected"], about["violations"]) == (
        "CP1",
        True,
        1,
    )
    assert about["statuses"] == {"1": STATUS}
    (bill,) = (await remote.ask("transactions", station="CP1"))["transactions"]
    assert (bill["id"], bill["meter_start"], bill["meter_stop"]) == (1, 1000, None)
    assert await remote.ask("violations", station="CP1") == {
        "violations": ["frame 6: Reset: a station does not ask this"]
    }


async def test_the_log_can_be_read_and_waited_for(
    station: Station, remote: Remote
) -> None:
    wait = asyncio.create_task(
        remote.ask("wait", action="Heartbeat", direction="sent", match={}, count=1)
    )
    await station.told("Heartbeat")
    entry = (await wait)["entry"]
    assert (entry["seq"], entry["kind"]) == (3, "result")
    log = (await remote.ask("log", station="CP1", since=2))["log"]
    assert log == [entry]
    gone = await remote.ask("wait", action="Heartbeat", since=3, timeout_s=0)
    assert gone == {"error": "wait: received Heartbeat: 0 of 1 came within 0 s"}


async def test_a_script_can_be_written(station: Station, remote: Remote) -> None:
    replies = [{"result": {"a": 1}}]
    written = await remote.ask("script", action="Heartbeat", replies=replies)
    assert written == {}
    assert await station.told("Heartbeat") == {"a": 1}


@pytest.mark.parametrize("message", ["{not json", b"\xff\x00"])
async def test_any_frame_can_be_sent(
    station: Station, remote: Remote, message: str | bytes
) -> None:
    if isinstance(message, str):
        words = {"text": message}
    else:
        words = {"base64": base64.b64encode(message).decode()}
    assert await remote.ask("send_raw", station="CP1", **words) == {}
    assert await station.socket.recv() == message


@pytest.mark.parametrize(
    ("command", "code"),
    [({"command": "drop"}, 1006), ({"command": "disconnect"}, 1000)],
)
async def test_a_connection_can_be_ended(
    station: Station, remote: Remote, command: Json, code: int
) -> None:
    assert await remote.say({**command, "station": "CP1"}) == {}
    said = await remote.ask("wait", kind="close")
    assert said["entry"]["payload"]["code"] == code


async def test_stations_can_be_refused_and_the_bench_stopped(
    csms: Csms, remote: Remote
) -> None:
    assert await remote.ask("refuse", mode="503") == {}
    assert not csms.stopped.is_set()
    assert await remote.ask("stop") == {}
    assert csms.stopped.is_set()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ([], "not an object; write "),
        ({}, "command: None is unknown; known: stations, call, "),
        ({"command": "cal"}, "command: 'cal' is unknown; known: stations, call, "),
        ({"command": ["call"]}, "command: ['call'] is unknown"),
        ({"command": "call", "station": "CP1"}, "call: action: missing; write a text"),
        ({"command": "drop", "station": 1}, "drop: station: 1 is not a text"),
        ({"command": "log", "sinze": 1}, "log: sinze: no such argument; known: st"),
        ({"command": "wait", "count": 0}, "wait: count: 0 is not a whole number fro"),
        ({"command": "wait", "timeout_s": "1"}, "timeout_s: '1' is not a number of s"),
        ({"command": "wait", "direction": "up"}, "'up' is not one of received, sent"),
        ({"command": "stop", "now": True}, "stop: now: no such argument; known: none"),
        ({"command": "refuse", "mode": {}}, "refuse: mode: {} is not one of accept, "),
        ({"command": "send_raw", "station": "A"}, "send_raw: write either text or ba"),
        ({"command": "drop", "station": "A"}, "'A': not connected; connected: nobody"),
        ({"command": "script", "action": "A", "replies": [1]}, "reply: 1 is not an o"),
        ({"command": "transactions", "station": "A"}, "'A': was never here; known: n"),
    ],
)
async def test_a_mistake_is_named(remote: Remote, request_: Any, words: str) -> None:
    assert words in (await remote.say(request_))["error"]


async def test_a_line_that_is_no_json_is_told(csms: Csms) -> None:
    assert (await answer(csms, b"{"))["error"].startswith("not JSON: ")
    assert (await answer(csms, b"\xff"))["error"].startswith("not JSON: ")


async def test_a_long_line_is_no_problem(station: Station, remote: Remote) -> None:
    text = "x" * 500_000
    assert await remote.ask("send_raw", station="CP1", text=text) == {}
    assert await station.socket.recv() == text


async def test_only_the_owner_may_open_the_socket(csms: Csms, tmp_path: Path) -> None:
    path = tmp_path / "bench.sock"
    async with control(csms, path):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


async def test_the_socket_of_a_bench_that_was_killed_is_replaced(
    csms: Csms, tmp_path: Path
) -> None:
    path = tmp_path / "bench.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
    async with control(csms, path):
        with pytest.raises(NotDone, match="another bench listens there"):
            async with control(csms, path):
                pass
        assert path.is_socket()


async def test_what_is_no_socket_is_left_alone(csms: Csms, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(NotDone, match="Address already in use; name another with"):
        async with control(csms, path):
            pass
    assert path.read_text() == "mine"
