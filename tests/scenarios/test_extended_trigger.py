import pytest

from chargerd.ocpp16.wire import ACTIONS_FROM_STATION
from tests.scenarios.keyring_bench import KeyringBench


@pytest.mark.requirement("XTRG-01", "TRIG-01")
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("Heartbeat", "Heartbeat"),
        ("LogStatusNotification", "LogStatusNotification"),
        ("MeterValues", "MeterValues"),
        ("SignChargePointCertificate", "SignCertificate"),
        ("StatusNotification", "StatusNotification"),
    ],
)
def test_every_kind_of_message_is_shown(message: str, shown: str) -> None:
    assert shown in ACTIONS_FROM_STATION
    bench = KeyringBench()
    before = len(bench.told(shown))
    assert bench.triggers(message) == "Accepted"
    assert len(bench.told(shown)) > before


@pytest.mark.requirement("XTRG-01", "TRIG-05", "TRIG-06")
def test_the_rules_for_connectors_are_those_of_the_plain_trigger() -> None:
    bench = KeyringBench(connectors=2)

    def status(**where: int) -> str:
        wanted = {"requestedMessage": "StatusNotification", **where}
        return str(bench.asks("ExtendedTriggerMessage", **wanted)["status"])

    before = len(bench.told("StatusNotification"))
    assert status() == "Accepted"
    shown = bench.told("StatusNotification")[before:]
    assert [each["connectorId"] for each in shown] == [0, 1, 2]
    assert status(connectorId=2) == "Accepted"
    assert status(connectorId=3) == "Rejected"
    assert bench.triggers("BootNotification") == "Rejected"


@pytest.mark.requirement("XTRG-01")
def test_a_station_that_is_not_accepted_yet_boots_when_it_is_triggered() -> None:
    bench = KeyringBench(online=False)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 300))
    bench.connects()
    assert bench.triggers("BootNotification") == "Accepted"
    assert len(bench.told("BootNotification")) == 2


@pytest.mark.requirement("XTRG-02", "XTRG-03")
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("LogStatusNotification", "LogStatusNotification"),
    ],
)
def test_where_nothing_is_running_the_station_says_idle(
    message: str, shown: str
) -> None:
    bench = KeyringBench()
    bench.triggers(message)
    assert bench.told(shown) == [{"status": "Idle"}]


def test_what_only_the_plain_trigger_knows_is_a_fault_of_the_question() -> None:
    answer = KeyringBench().asks(
        "ExtendedTriggerMessage", requestedMessage="DiagnosticsStatusNotification"
    )
    assert answer == {"code": "PropertyConstraintViolation"}
