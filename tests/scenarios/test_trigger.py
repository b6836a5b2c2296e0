import pytest

from chargerd.core.events import DeviceLost
from chargerd.core.permissive import Loss
from hal.values import VehiclePhase
from tests.scenarios.bench import Bench
from tests.scenarios.csms import Json


def wants(bench: Bench, message: str, connector: int | None = None) -> str:
    where = {} if connector is None else {"connectorId": connector}
    answer = bench.asks("TriggerMessage", requestedMessage=message, **where)
    return str(answer["status"])


def after(bench: Bench, message: str, connector: int | None = None) -> list[Json]:
    before = len(bench.said)
    assert wants(bench, message, connector) == "Accepted"
    return [payload for _, payload in bench.said[before:]]


@pytest.mark.requirement("TRIG-01", "TRIG-04", "TRIG-12")
def test_a_heartbeat_is_shown_whatever_connector_it_is_asked_of() -> None:
    bench = Bench()
    bench.asks("TriggerMessage", requestedMessage="Heartbeat", connectorId=5)
    answer, question = bench.steps[-2].frames
    assert answer.startswith("[3,")
    assert '"Heartbeat"' in question


@pytest.mark.requirement("TRIG-05", "TRIG-06", "TRIG-07")
def test_statuses_are_shown_of_one_connector_or_of_all() -> None:
    bench = Bench(connectors=2)
    shown = after(bench, "StatusNotification")
    assert [s["connectorId"] for s in shown] == [0, 1, 2]
    assert [s["connectorId"] for s in after(bench, "StatusNotification", 0)] == [0]
    assert [s["connectorId"] for s in after(bench, "StatusNotification", 2)] == [2]
    assert wants(bench, "StatusNotification", 3) == "Rejected"


@pytest.mark.requirement("TRIG-13", "STAT-43")
def test_a_triggered_status_waits_for_no_duration_and_overtakes_no_other() -> None:
    bench = Bench(keys={"MinimumStatusDuration": "600"})
    bench.plugs()
    assert bench.statuses() == []
    bench.waits(1)
    after(bench, "StatusNotification", 1)
    assert bench.statuses() == ["Preparing"]

    slow = Bench()
    slow.charges()
    slow.csms.will("StatusNotification", None)
    for phase in (VehiclePhase.PAUSED, VehiclePhase.CHARGING, VehiclePhase.ENDING):
        slow.vehicle(phase)
    wants(slow, "StatusNotification", 1)
    slow.answers_late("StatusNotification", {})
    assert slow.statuses()[3:] == ["SuspendedEV", "Charging", "Finishing"]


@pytest.mark.requirement("METER-23", "METER-31", "METER-32")
def test_meter_values_are_shown_with_the_transaction_if_there_is_one() -> None:
    bench = Bench(connectors=2)
    bench.charges()
    bench.meters(121_000)
    first, second = after(bench, "MeterValues")
    assert first["connectorId"] == 1
    assert first["transactionId"] == 7
    sampled = first["meterValue"][0]["sampledValue"]
    assert {s["context"] for s in sampled} == {"Trigger"}
    assert sampled[0]["value"] == "121000"
    assert second["connectorId"] == 2
    assert "transactionId" not in second
    assert wants(bench, "MeterValues", 0) == "Rejected"
    assert wants(bench, "MeterValues", 9) == "Rejected"


def test_a_transaction_without_a_number_is_shown_without_one() -> None:
    bench = Bench()
    bench.csms.will("StartTransaction", None)
    bench.charges()
    assert wants(bench, "MeterValues", 1) == "Accepted"
    bench.waits(31)
    assert "transactionId" not in bench.told("MeterValues")[0]


def test_what_cannot_be_measured_any_more_is_not_shown() -> None:
    bench = Bench(keys={"MeterValuesSampledData": "Voltage"})
    bench.happens(DeviceLost(1, "meter", Loss("no answer")))
    assert after(bench, "MeterValues") == []


@pytest.mark.requirement("TRIG-03", "TRIG-09", "TRIG-10")
@pytest.mark.parametrize(
    "message", ["DiagnosticsStatusNotification", "FirmwareStatusNotification"]
)
def test_where_nothing_is_running_the_station_says_idle_and_only_if_asked(
    message: str,
) -> None:
    bench = Bench()
    bench.charges()
    bench.waits(4_000)
    assert bench.told(message) == []
    assert after(bench, message, 1) == [{"status": "Idle"}]


@pytest.mark.requirement("TRIG-08")
def test_what_is_triggered_shows_the_present_and_not_what_was() -> None:
    bench = Bench()
    bench.csms.will("Heartbeat", None)
    wants(bench, "Heartbeat")
    wants(bench, "MeterValues", 1)
    wants(bench, "StatusNotification", 1)
    bench.meters(120_777)
    bench.plugs()
    bench.answers_late("Heartbeat", bench.csms.time({}))
    (shown,) = bench.told("MeterValues")
    assert shown["meterValue"][0]["sampledValue"][0]["value"] == "120777"
    assert bench.statuses() == ["Available", "Available", "Preparing"]
    bench.disconnects()
    bench.connects()
    assert len(bench.told("MeterValues")) == 1


@pytest.mark.requirement("TRIG-02")
def test_a_message_that_no_standard_knows_is_a_fault_of_the_question() -> None:
    answer = Bench().asks("TriggerMessage", requestedMessage="Weather")
    assert answer == {"code": "PropertyConstraintViolation"}


def test_what_is_wanted_twice_before_its_turn_is_shown_once() -> None:
    bench = Bench()
    bench.csms.will("Heartbeat", None)
    for _ in range(5):
        wants(bench, "Heartbeat")
    bench.answers_late("Heartbeat", bench.csms.time({}))
    assert len(bench.told("Heartbeat")) == 2
