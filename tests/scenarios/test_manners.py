"""How the station behaves toward its CSMS, whatever is asked of it."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.reasons import Cause
from chargerd.ocpp16.handlers.data_transfer import VENDORS
from chargerd.ocpp16.keys import KEYS, Access
from chargerd.ocpp16.wire import ACTIONS_FROM_CSMS
from chargerd.steps import FrameReceived
from tests.ocpp16.samples import sample
from tests.scenarios.bench import Bench
from tests.scenarios.csms import SILENCE, Json
from tests.test_house import ROOT


def code(bench: Bench, action: str, **payload: Any) -> str:
    return str(bench.asks(action, **payload).get("code"))


@pytest.mark.requirement("RPC-16", "RPC-17")
def test_an_action_that_is_not_offered_is_told_from_one_that_does_not_exist() -> None:
    bench = Bench()
    for action in ("Heartbeat", "StartTransaction", "BootNotification"):
        assert code(bench, action, **sample(action, full=False)) == "NotSupported"
    for action in ("MakeCoffee", "heartbeat", "reset", "NotifyReport"):
        assert code(bench, action) == "NotImplemented"
    assert bench.messages() == []
    assert len(bench.told("BootNotification")) == 1


@pytest.mark.requirement("RPC-14")
@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        ("RemoteStopTransaction", {"transactionId": 99}, "Rejected"),
        ("RemoteStartTransaction", {"idTag": "A", "connectorId": 9}, "Rejected"),
        ("ChangeConfiguration", {"key": "Nonsense", "value": "1"}, "NotSupported"),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "x"}, "Rejected"),
        ("UnlockConnector", {"connectorId": 9}, "NotSupported"),
        ("DataTransfer", {"vendorId": "com.example"}, "UnknownVendorId"),
    ],
)
def test_a_no_is_an_answer_and_not_an_error(
    action: str, payload: Json, status: str
) -> None:
    assert Bench().asks(action, **payload) == {"status": status}


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("action", sorted(ACTIONS_FROM_CSMS | {"MakeCoffee"}))
def test_every_question_is_answered_at_once_while_our_own_waits(
    action: str, full: bool
) -> None:
    bench = Bench()
    bench.csms.always("Heartbeat", SILENCE)
    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    payload = sample(action, full=full) if action in ACTIONS_FROM_CSMS else {}
    before = len(bench.answers)
    frame = json.dumps([2, "the-one", action, payload])
    bench._asked["the-one"] = action
    came_s = bench.now_s
    bench.happens(FrameReceived(frame))
    assert [answer[1] for answer in bench.answers[before:]] == ["the-one"]
    assert bench.now_s == came_s


BAD: Final[tuple[tuple[str, Json, str, str], ...]] = (
    ("Reset", {}, "ProtocolError", "FormationViolation"),
    ("Reset", {"type": 1}, "TypeConstraintViolation", "FormationViolation"),
    ("Reset", {"type": "Hard", "x": 1}, "FormationViolation", "FormationViolation"),
    (
        "RemoteStartTransaction",
        {"idTag": "x" * 21},
        "PropertyConstraintViolation",
        "FormationViolation",
    ),
    (
        "Reset",
        {"type": "Warm"},
        "PropertyConstraintViolation",
        "PropertyConstraintViolation",
    ),
)


@pytest.mark.key("DetailedCallErrors")
@pytest.mark.requirement("RPC-18")
@pytest.mark.parametrize(("action", "payload", "detailed", "coarse"), BAD)
def test_a_bad_message_is_refused_in_detail_or_as_others_do(
    action: str, payload: Json, detailed: str, coarse: str
) -> None:
    bench = Bench()
    assert code(bench, action, **payload) == detailed
    bench.sets(DetailedCallErrors="false")
    assert code(bench, action, **payload) == coarse


@pytest.mark.key("AnswerUnreadableMessages")
@pytest.mark.requirement("RPC-23", "RPC-09")
def test_what_has_no_usable_id_is_answered_only_where_the_operator_wants_it() -> None:
    bench = Bench()
    unreadable = ("{", '[2,7,"Reset",{}]', b"\0")
    for frame in unreadable:
        bench.happens(FrameReceived(frame))
    assert bench.answers == []
    bench.sets(AnswerUnreadableMessages="true")
    bench.answers.clear()
    for frame in (*unreadable, '[5,"a",{}]'):
        bench.happens(FrameReceived(frame))
    assert [answer[:3] for answer in bench.answers] == [
        [4, "-1", "FormationViolation"]
    ] * 3
    assert bench.asks("ClearCache") == {"status": "Accepted"}


@pytest.mark.requirement("RPC-33")
@pytest.mark.parametrize("value", ["x" * 600, 7, ["0f" * 16]])
def test_an_error_repeats_nothing_of_a_secret(value: object) -> None:
    bench = Bench()
    bench.asks("ChangeConfiguration", key="AuthorizationKey", value=value)
    (answer,) = bench.answers
    assert answer[0] == 4
    assert answer[4] == {}
    assert "xxxx" not in str(answer)
    assert "0f0f" not in str((answer, bench.security_events))


@pytest.mark.key("MessagesReplaceHeartbeats")
@pytest.mark.requirement("HB-01", "HB-02")
def test_heartbeats_can_come_whatever_else_is_said() -> None:
    bench = Bench(keys={"MessagesReplaceHeartbeats": "false"})
    start_s = bench.now_s
    for _ in range(6):
        bench.waits(100)
        bench.plugs()
        bench.unplugs()
    assert [at_s - start_s for at_s in bench.times("Heartbeat")] == [300, 600]


@pytest.mark.requirement("HB-05")
def test_heartbeats_do_not_pile_up_while_there_is_no_link() -> None:
    bench = Bench()
    bench.disconnects()
    bench.waits(3000)
    bench.connects()
    assert len(bench.told("Heartbeat")) == 1
    bench.waits(299)
    assert len(bench.told("Heartbeat")) == 1


@pytest.mark.requirement("BOOT-10")
def test_a_station_that_is_rejected_says_nothing_until_its_time_has_come() -> None:
    bench = Bench(online=False, keys={"ClockAlignedDataInterval": "60"})
    bench.csms.will("BootNotification", bench.csms.boot("Rejected", 600))
    bench.connects()
    before = len(bench.said)
    bench.plugs()
    bench.presents()
    bench.asks("TriggerMessage", requestedMessage="StatusNotification")
    bench.waits(599)
    assert len(bench.said) == before
    assert bench.security_events == []
    bench.waits(1)
    assert bench.said[before][0] == "BootNotification"


@pytest.mark.requirement("BOOT-16")
def test_a_pending_station_with_a_new_password_boots_at_once_on_its_new_link() -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 3600))
    bench.connects()
    bench.sets(AuthorizationKey="0f" * 16)
    bench.waits(5)
    assert len(bench.told("BootNotification")) == 1
    bench.disconnects()
    bench.connects()
    assert len(bench.told("BootNotification")) == 2
    assert bench.statuses() == ["Available"]
    bench.sets(AuthorizationKey="1e" * 16)
    bench.disconnects()
    bench.connects()
    assert len(bench.told("BootNotification")) == 2


@pytest.mark.requirement("WS-24", "BOOT-06")
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_link_lost_while_not_accepted_does_not_shorten_the_wait(status: str) -> None:
    bench = Bench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot(status, 100))
    bench.connects()
    bench.waits(20)
    bench.disconnects()
    bench.waits(20)
    bench.connects()
    bench.waits(59)
    assert len(bench.told("BootNotification")) == 1
    bench.waits(1)
    first_s, second_s = bench.times("BootNotification")
    assert second_s - first_s == 100
    bench.restarts()
    assert len(bench.told("BootNotification")) == 3


@pytest.mark.requirement("BOOT-28")
@pytest.mark.parametrize("plugged", [True, False])
def test_after_a_restart_a_plug_that_is_in_is_preparing(plugged: bool) -> None:
    bench = Bench()
    bench.charges()
    bench.restarts(Cause.RESTART, online=False)
    if plugged:
        bench.plugs()
    bench.connects()
    assert bench.statuses()[-1] == ("Preparing" if plugged else "Available")


@pytest.mark.requirement("RPC-29")
def test_an_id_tag_is_compared_without_regard_to_case_and_told_as_it_came() -> None:
    bench = Bench()
    bench.plugs()
    bench.asks("RemoteStartTransaction", idTag="AbCdEf", connectorId=1)
    bench.energizes()
    assert bench.told("StartTransaction")[0]["idTag"] == "AbCdEf"
    bench.presents("ABCDEF")
    bench.finishes(121_000)
    (stop,) = bench.told("StopTransaction")
    assert (stop["reason"], stop["idTag"]) == ("Local", "ABCDEF")
    asked = bench.asks("GetConfiguration", key=["hEARTBEATinterval", "nOnsense"])
    assert asked["configurationKey"][0]["key"] == "HeartbeatInterval"
    assert asked["unknownKey"] == ["nOnsense"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([key.name for key in KEYS.values()])
        | st.sampled_from([name.upper() for name in KEYS])
        | st.text(min_size=1, max_size=50),
        min_size=1,
        max_size=150,
    )
)
@pytest.mark.requirement("CFG-02", "CFG-06", "CFG-07")
@pytest.mark.key("GetConfigurationMaxKeys")
def test_each_key_that_is_asked_for_is_in_exactly_one_of_the_two_lists(
    names: list[str],
) -> None:
    bench = Bench()
    names = [name for name in names if "\0" not in name]
    answer = bench.asks("GetConfiguration", key=names)
    if not names:
        return
    known = [found["key"].lower() for found in answer.get("configurationKey", [])]
    unknown = answer.get("unknownKey", [])
    assert sorted(known) == sorted({n.lower() for n in names if n.lower() in KEYS})
    assert sorted(unknown) == sorted({n for n in names if n.lower() not in KEYS})
    assert len(names) <= int(KEYS["getconfigurationmaxkeys"].default)


@pytest.mark.requirement("CFG-15")
def test_no_key_needs_a_restart_since_each_is_obeyed_at_once() -> None:
    bench = Bench()
    changeable = [k for k in KEYS.values() if k.access is Access.READ_WRITE]
    for key in changeable:
        if key.name == "SecurityProfile":
            continue  # its default cannot be gone back to
        answer = bench.asks("ChangeConfiguration", key=key.name, value=key.default)
        assert answer == {"status": "Accepted"}, key.name
    assert bench.restarting is None
    assert len(bench.told("BootNotification")) == 1


@pytest.mark.requirement("REM-61", "REM-62")
def test_only_the_stations_own_vendor_functions_are_answered() -> None:
    bench = Bench(connectors=2)
    for vendor in ("com.example", "ORG.CHARGERD", ""):
        told = bench.asks("DataTransfer", vendorId=vendor, messageId="GetStatus")
        assert told == {"status": "UnknownVendorId"}
    unknown = {"status": "UnknownMessageId"}
    for message in ({}, {"messageId": "SetStatus"}, {"messageId": "getstatus"}):
        told = bench.asks("DataTransfer", vendorId="org.chargerd", **message)
        assert told == unknown


def test_the_vendor_function_tells_why_each_connector_is_as_it_is() -> None:
    bench = Bench(connectors=2)
    bench.charges()
    told = bench.asks("DataTransfer", vendorId="org.chargerd", messageId="GetStatus")
    assert told["status"] == "Accepted"
    first, second = json.loads(told["data"])
    assert (first["connectorId"], first["phase"]) == (1, "energized")
    assert first["limitW"] == 60_000
    assert (second["phase"], second["barredBy"], second["faults"]) == ("idle", None, [])
    bench.asks("Reset", type="Soft")
    told = bench.asks("DataTransfer", vendorId="org.chargerd", messageId="GetStatus")
    assert json.loads(told["data"])[1]["barredBy"] == "RESTART_PENDING"


@pytest.mark.requirement("REM-63")
def test_every_vendor_function_is_documented_and_none_is_asked_of_the_csms() -> None:
    manual = (ROOT / "docs" / "data-transfer.md").read_text()
    for vendor, functions in VENDORS.items():
        assert vendor.split(".")[0] in ("org", "com")
        for message in functions:
            assert f"| `{vendor}` | `{message}` |" in manual
    bench = Bench()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.waits(90_000)
    assert bench.told("DataTransfer") == []


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["org.chargerd", "com.example"]),
    st.sampled_from(["GetStatus", "ChangeConfiguration", "SetKey", ""]),
    st.sampled_from(['{"AuthorizationKey":"00"}', '{"SecurityProfile":0}']) | st.text(),
)
@pytest.mark.requirement("REM-64")
def test_no_data_transfer_changes_anything(
    vendor: str, message: str, data: str
) -> None:
    bench = Bench()
    bench.sets(AuthorizationKey="0f" * 16)
    before = dict(bench.charge_point.configuration.values)
    steps = len(bench.steps)
    bench.asks("DataTransfer", vendorId=vendor, messageId=message, data=data)
    assert bench.charge_point.configuration.values == before
    assert all(not s.told and s.changed_key is None for s in bench.steps[steps:])
