import json
from typing import Any

import pytest

from benchcsms.server import Csms
from tests.benchcsms.conftest import START, STATUS, Seconds, Station

LONG = "x" * 37
NEEDS = "data must contain ['connectorId', 'meterStart', 'timestamp'] properties"


@pytest.mark.parametrize(
    ("action", "payload", "code", "words"),
    [
        ("heartbeat", {}, "NotImplemented", "heartbeat: no such action in OCPP 1.6"),
        ("Reset", {}, "NotSupported", "Reset: a station does not ask this"),
        ("StartTransaction", {"idTag": "A"}, "ProtocolError", NEEDS),
        ("Heartbeat", {"x": 1}, "FormationViolation", "must not contain {'x'}"),
        (
            "StatusNotification",
            {**STATUS, "connectorId": 1.0},
            "TypeConstraintViolation",
            "data.connectorId must be integer",
        ),
        (
            "StatusNotification",
            {**STATUS, "info": None},
            "TypeConstraintViolation",
            "data.info must be string, but it is null",
        ),
        (
            "StatusNotification",
            {**STATUS, "status": "Occupied"},
            "PropertyConstraintViolation",
            "data.status must be one of",
        ),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": []},
            "OccurenceConstraintViolation",
            "data.meterValue must contain at least 1 items",
        ),
        ("Authorize", [], "FormationViolation", 'not [2, "id", "Action", {payload}]'),
        ("Heartbeat", None, "FormationViolation", 'not [2, "id", "Action"'),
    ],
)
async def test_a_wrong_call_is_written_down_and_refused(
    csms: Csms, station: Station, action: str, payload: Any, code: str, words: str
) -> None:
    await station.send(2, "7", action, payload)
    frame = await station.receive()
    assert [*frame[:3], frame[4]] == [4, "7", code, {}]
    assert words in frame[3]
    (violation,) = csms.violations("CP1")
    assert violation.startswith("frame 2: ")
    assert words in violation


async def test_a_call_that_is_no_json_is_refused_by_its_beginning(
    csms: Csms, station: Station
) -> None:
    await station.socket.send('[2,"7","Heartbeat",{"a":NaN}]')
    assert await station.receive() == [4, "7", "FormationViolation", "not JSON", {}]
    assert csms.violations("CP1") == ["frame 2: not JSON"]


@pytest.mark.parametrize("id_", ["", LONG])
async def test_a_message_id_has_a_length(
    csms: Csms, station: Station, id_: str
) -> None:
    await station.send(2, id_, "Heartbeat", {})
    assert (await station.receive())[:3] == [4, id_, "FormationViolation"]
    assert "a message id of" in csms.violations("CP1")[0]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("no JSON", "not JSON"),
        ('[2,7,"Heartbeat",{"a":NaN}]', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "not a list that begins with 2, 3 or 4"),
        ("[]", "not a list that begins with 2, 3 or 4"),
        ('[5,"7",{}]', "an unknown message type"),
        ('[2,7,"Heartbeat",{}]', 'not [2, "id", "Action", {payload}]'),
        ('[3,"7",{}]', "answers '7': nobody asked it"),
        ('[4,"7","GenericError","",{}]', "answers '7': nobody asked it"),
        ('[4,"7","GenericError",""]', 'not [4, "id", "Code", "description"'),
        (b'[2,"7","Heartbeat",{}]', "a binary frame"),
    ],
)
async def test_what_nobody_can_answer_is_only_written_down(
    csms: Csms, station: Station, message: str | bytes, words: str
) -> None:
    await station.socket.send(message)
    assert (await station.ask("Heartbeat"))[0] == 3
    (violation,) = csms.violations("CP1")
    assert words in violation


async def test_a_deep_payload_does_no_harm(csms: Csms, station: Station) -> None:
    deep = "[" * 800 + "]" * 800
    await station.socket.send(f'[3,"7",{{"data":{deep}}}]')
    await station.socket.send(f'[2,"8","DataTransfer",{{"data":{deep}}}]')
    assert (await station.receive())[:2] == [4, "8"]
    assert (await station.ask("Heartbeat"))[0] == 3


async def test_an_id_is_used_once_on_all_connections_of_a_station(
    csms: Csms, station: Station
) -> None:
    for action, payload in (("StartTransaction", START), ("Heartbeat", {})):
        await station.send(2, "7", action, payload)
        assert (await station.receive())[0] == 3
    assert csms.violations("CP1") == ["frame 4: Heartbeat: the id 7 was used before"]


async def test_a_retransmission_may_keep_its_id(csms: Csms, station: Station) -> None:
    for _ in range(2):
        await station.send(2, "7", "StartTransaction", START)
        assert (await station.receive())[0] == 3
    assert csms.violations("CP1") == []


async def test_a_station_asks_one_thing_at_a_time(csms: Csms, station: Station) -> None:
    csms.script("Heartbeat", [{"silence": True}])
    await station.send(2, "1", "Heartbeat", {})
    await station.send(2, "2", "Heartbeat", {})
    await station.receive()
    (violation,) = csms.violations("CP1")
    assert violation.endswith("Heartbeat: asked before the last had its answer")


async def test_a_station_may_give_up_on_an_answer(
    csms: Csms, station: Station, seconds: Seconds
) -> None:
    csms.script("Heartbeat", [{"silence": True}])
    await station.send(2, "1", "Heartbeat", {})
    await csms.wait_for("Heartbeat")
    seconds.now_s += 1.0
    assert (await station.ask("Heartbeat"))[0] == 3
    assert csms.violations("CP1") == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([3, {"status": "Maybe"}], "data.status must be one of"),
        ([3, {"status": None}], "but it is null"),
        ([4, "FormatViolation", "", {}], "'FormatViolation' is no error code"),
        ([4, "GenericError", "x" * 256, {}], "a description longer than 255"),
    ],
)
async def test_a_wrong_answer_is_written_down(
    csms: Csms, station: Station, answer: list[Any], words: str
) -> None:
    await csms.send_raw("CP1", json.dumps([2, "7", "ClearCache", {}]))
    asked = await station.receive()
    await station.send(answer[0], asked[1], *answer[1:])
    await csms.wait_for("ClearCache")
    (violation,) = csms.violations("CP1")
    assert "ClearCache" in violation
    assert words in violation
