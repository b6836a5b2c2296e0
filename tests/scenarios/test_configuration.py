from pathlib import Path

import pytest

from chargerd.core.events import StorageChanged
from chargerd.ocpp16.keys import KEYS, Access
from chargerd.ocpp16.records import KeyKept, Snapshot
from chargerd.ocpp16.router import EXTENSIONS, PROFILES
from chargerd.store.database import Store
from tests.scenarios.bench import Bench
from tests.scenarios.csms import Json


def get(bench: Bench, *names: str) -> Json:
    return bench.asks("GetConfiguration", key=list(names))


def value(bench: Bench, name: str) -> str:
    (found,) = get(bench, name)["configurationKey"]
    return str(found["value"])


def change(bench: Bench, name: str, text: str) -> str:
    return str(bench.asks("ChangeConfiguration", key=name, value=text)["status"])


@pytest.mark.requirement("CFG-01", "CFG-04", "CFG-05", "CFG-06")
def test_all_keys_can_be_listed_and_asked_for_in_one_request() -> None:
    bench = Bench(connectors=2)
    listed = bench.asks("GetConfiguration")["configurationKey"]
    assert listed == bench.asks("GetConfiguration", key=[])["configurationKey"]
    names = [key.name for key in KEYS.values() if key.access is not Access.WRITE_ONLY]
    assert [key["key"] for key in listed] == names
    assert len(names) <= int(value(bench, "GetConfigurationMaxKeys"))
    assert get(bench, *names)["configurationKey"] == listed
    assert all(len(key["value"]) <= 500 for key in listed)
    facts = {key["key"]: key["value"] for key in listed}
    assert facts["NumberOfConnectors"] == "2"
    assert (
        set(facts["SupportedFeatureProfiles"].split(",")) == set(PROFILES) - EXTENSIONS
    )
    wiring = "0.NotApplicable,1.NotApplicable,2.NotApplicable"
    assert facts["ConnectorPhaseRotation"] == wiring
    for key in listed:
        changed = change(bench, key["key"], key["value"])
        # A security profile can only be raised.
        refused = key["readonly"] or key["key"] == "SecurityProfile"
        assert changed == ("Rejected" if refused else "Accepted")


@pytest.mark.requirement("CFG-02", "CFG-03", "CFG-07")
def test_unknown_keys_are_named_as_they_were_asked_for() -> None:
    bench = Bench()
    found = get(bench, "hEARTbeatINTERVAL", "HeartbeatInterval", "Nonsense", "Nonsense")
    assert [key["key"] for key in found["configurationKey"]] == ["HeartbeatInterval"]
    assert found["unknownKey"] == ["Nonsense"]
    assert get(bench, "Nonsense") == {"unknownKey": ["Nonsense"]}


@pytest.mark.requirement("PERS-01")
def test_a_changed_key_outlives_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(store=store)
    assert change(bench, "MeterValueSampleInterval", "77") == "Accepted"
    store.close()
    bench.store = store = Store(tmp_path / "store.sqlite")
    bench.restarts()
    assert value(bench, "MeterValueSampleInterval") == "77"
    store.close()


@pytest.mark.key("AuthorizationKey")
@pytest.mark.requirement("CFG-08")
def test_a_password_can_be_set_and_never_be_read() -> None:
    bench = Bench()
    secret = "0123456789abcdef" * 2
    assert change(bench, "AuthorizationKey", secret) == "Accepted"
    assert bench.charge_point.upkeep.attachments.dialed.key == secret
    assert get(bench, "AuthorizationKey") == {
        "configurationKey": [{"key": "AuthorizationKey", "readonly": False}]
    }
    assert secret not in str(bench.asks("GetConfiguration"))
    assert change(bench, "AuthorizationKey", "short") == "Rejected"
    assert secret not in str(bench.answers)


@pytest.mark.requirement("CFG-09", "CFG-10", "CFG-11", "CFG-12", "CFG-13")
@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("Nonsense", "1", "NotSupported"),
        ("NumberOfConnectors", "3", "Rejected"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "12.5", "Rejected"),
        ("HeartbeatInterval", "", "Rejected"),
        ("HeartbeatInterval", "²", "Rejected"),
        ("LocalPreAuthorize", "yes", "Rejected"),
        ("LocalPreAuthorize", "1", "Rejected"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("HeartbeatInterval", " 60 ", "Accepted"),
    ],
)
def test_a_change_is_taken_whole_or_not_at_all(
    name: str, text: str, status: str
) -> None:
    bench = Bench()
    before = get(bench, name)
    assert change(bench, name, text) == status
    if status != "Accepted":
        assert get(bench, name) == before
        refused = bench.charge_point.station.refusals[-1][1]
        assert refused.why in ("UNKNOWN_KEY", "READ_ONLY", "BAD_VALUE")


@pytest.mark.requirement("CFG-14", "CFG-19")
def test_a_change_is_kept_before_it_is_answered_and_only_if_it_is_one() -> None:
    bench = Bench()
    assert change(bench, "connectiontimeout", "90") == "Accepted"
    assert KeyKept("ConnectionTimeOut", "90", "csms") in bench.steps[-1].records
    assert bench.charge_point.configuration.origin("ConnectionTimeOut") == "csms"
    assert change(bench, "ConnectionTimeOut", "90") == "Accepted"
    assert bench.steps[-1].records == ()
    assert bench.steps[-1].changed_key is None


def test_a_change_on_the_spot_is_the_same_change() -> None:
    bench = Bench()
    bench.sets_here("ConnectionTimeOut", "90")
    assert value(bench, "ConnectionTimeOut") == "90"
    assert bench.charge_point.configuration.origin("ConnectionTimeOut") == "chargerctl"
    bench.sets_here("ConnectionTimeOut", "never")
    bench.sets_here("ConnectionTimeOut", "9" * 5000)
    assert value(bench, "ConnectionTimeOut") == "90"


def test_a_failing_disk_takes_no_change() -> None:
    bench = Bench()
    bench.happens(StorageChanged(0, failing=True))
    assert change(bench, "ConnectionTimeOut", "90") == "Rejected"
    assert bench.charge_point.station.refusals[-1][1].why == "STORAGE_FAILING"
    assert value(bench, "ConnectionTimeOut") == "60"


@pytest.mark.key("ConnectorPhaseRotation")
def test_the_phase_rotation_names_connectors_that_exist() -> None:
    bench = Bench()
    assert change(bench, "ConnectorPhaseRotation", "0.RST, 1.Unknown") == "Accepted"
    for wrong in ("2.RST", "1.ABC", "RST", "1.RST,", ",".join(["1.RST"] * 11), "².RST"):
        assert change(bench, "ConnectorPhaseRotation", wrong) == "Rejected"
    assert value(bench, "ConnectorPhaseRotation") == "0.RST, 1.Unknown"
    assert change(bench, "ConnectorPhaseRotation", "") == "Accepted"


def test_a_remembered_value_that_this_version_would_refuse_is_left_at_its_default() -> (
    None
):
    kept = {
        "HeartbeatInterval": ("0", "csms"),
        "Gone": ("1", "csms"),
        "MessageTimeout": ("7", "csms"),
    }
    bench = Bench(online=False, snapshot=Snapshot(values=kept))
    policy = bench.charge_point.configuration.policy
    assert policy.heartbeat_interval_s == 300
    assert policy.message_timeout_s == 7
    assert get(Bench(), "Gone") == {"unknownKey": ["Gone"]}


@pytest.mark.key("WebSocketPingInterval")
def test_a_new_ping_interval_is_the_links_to_obey() -> None:
    bench = Bench()
    bench.sets(WebSocketPingInterval=15)
    assert bench.steps[-1].changed_key == "WebSocketPingInterval"
    assert bench.charge_point.station.policy.ping_interval_s == 15


@pytest.mark.key("ResetRetries")
def test_the_number_of_reset_retries_is_the_operators_choice() -> None:
    bench = Bench()
    bench.sets(ResetRetries=0)
    assert bench.charge_point.station.policy.reset_retries == 0


@pytest.mark.key("MeterValuesAlignedData")
@pytest.mark.requirement("CFG-16")
def test_other_aligned_values_hold_at_once() -> None:
    bench = Bench(keys={"ClockAlignedDataInterval": "60"})
    bench.sets(MeterValuesAlignedData="Voltage,SoC")
    bench.meters(120_000)
    bench.waits(60)
    (told,) = bench.told("MeterValues")
    sampled = told["meterValue"][0]["sampledValue"]
    assert [s["measurand"] for s in sampled] == ["Voltage"]


@pytest.mark.key("ConnectorPhaseRotationMaxLength")
def test_the_phase_rotation_has_an_item_for_each_connector_and_the_station() -> None:
    bench = Bench(connectors=2)
    key = "ConnectorPhaseRotationMaxLength"
    (told,) = bench.asks("GetConfiguration", key=[key])["configurationKey"]
    assert told == {"key": key, "readonly": True, "value": "3"}
    rotation = "0.RST,1.NotApplicable,2.NotApplicable"
    bench.sets(ConnectorPhaseRotation=rotation)
    answer = bench.asks(
        "ChangeConfiguration", key="ConnectorPhaseRotation", value=f"{rotation},1.RST"
    )
    assert answer == {"status": "Rejected"}


@pytest.mark.key("NumberOfConnectors")
@pytest.mark.requirement("STAT-15")
@pytest.mark.parametrize("connectors", [1, 2, 3])
def test_there_are_as_many_connectors_as_the_key_says(connectors: int) -> None:
    bench = Bench(connectors=connectors)
    asked = bench.asks("GetConfiguration", key=["NumberOfConnectors"])
    assert asked["configurationKey"][0]["value"] == str(connectors)
    reported = {r["connectorId"] for r in bench.told("StatusNotification")}
    assert reported == set(range(connectors + 1))
    for number in (connectors, connectors + 1):
        answer = bench.asks(
            "RemoteStartTransaction", idTag="04A224B2", connectorId=number
        )
        there = number == connectors
        assert answer == {"status": "Accepted" if there else "Rejected"}
