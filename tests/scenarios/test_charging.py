import pytest

from chargerd.core import events
from chargerd.core.reasons import Cause
from hal.values import SafetyReading, VehiclePhase
from tests.scenarios.bench import CARD, Bench
from tests.scenarios.csms import SILENCE


@pytest.mark.requirement("TXN-01", "TXN-03", "TXN-20", "TXN-30", "METER-50")
def test_a_card_starts_a_session_and_the_bill_is_right() -> None:
    bench = Bench()
    bench.charges()
    bench.waits(1200)
    bench.meters(136_600)
    bench.presents()
    assert not bench.output.closed or bench.output.limit_w == 0.0
    bench.finishes(136_640)
    bench.unplugs()

    (start,) = bench.told("StartTransaction")
    (stop,) = bench.told("StopTransaction")
    assert start["connectorId"] == 1
    assert start["idTag"] == CARD
    assert start["meterStart"] == 120_000
    assert stop["transactionId"] == 7
    assert stop["meterStop"] == 136_640
    assert stop["reason"] == "Local"
    assert stop["idTag"] == CARD
    assert "transactionData" not in stop
    assert bench.statuses() == [
        "Available",
        "Preparing",
        "Charging",
        "Finishing",
        "Available",
    ]


@pytest.mark.requirement("STAT-35", "TXN-26")
def test_a_plug_pulled_in_mid_charge_ends_the_transaction() -> None:
    bench = Bench()
    bench.charges()
    bench.meters(125_000)
    bench.unplugs()
    assert not bench.output.live
    bench.winds_down(125_003)

    (stop,) = bench.told("StopTransaction")
    assert stop["reason"] == "EVDisconnected"
    assert stop["meterStop"] == 125_003
    assert bench.statuses()[-3:] == ["Charging", "Finishing", "Available"]
    finishing = bench.told("StatusNotification")[-2]
    assert finishing["info"] == "EV side disconnected"
    assert finishing["errorCode"] == "NoError"


@pytest.mark.requirement("STAT-04", "STAT-07", "TXN-31")
def test_an_emergency_stop_in_mid_charge_is_a_fault_until_it_is_released() -> None:
    bench = Bench()
    bench.charges()
    bench.meters(125_000)
    bench.reads(SafetyReading(at_s=0.0, emergency_stop=True))
    assert not bench.output.live
    bench.finishes(125_001)

    (stop,) = bench.told("StopTransaction")
    assert stop["reason"] == "EmergencyStop"
    assert "idTag" not in stop
    for connector in (0, 1):
        told = [
            r
            for r in bench.told("StatusNotification")
            if r["connectorId"] == connector and r["status"] == "Faulted"
        ]
        assert [r["errorCode"] for r in told] == ["OtherError"]
        assert told[0]["vendorErrorCode"] == "emergency-stop"
        assert told[0]["vendorId"] == "org.chargerd"

    bench.reads(SafetyReading(at_s=0.0, emergency_stop=False))
    last = {r["connectorId"]: r for r in bench.told("StatusNotification")[-2:]}
    assert last[0]["status"] == "Available"
    assert last[1]["status"] == "Finishing"
    assert {r["errorCode"] for r in last.values()} == {"NoError"}
    assert all("vendorErrorCode" not in r for r in last.values())


def test_a_vehicle_that_pauses_and_resumes_is_reported_so() -> None:
    bench = Bench()
    bench.charges()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.vehicle(VehiclePhase.CHARGING)
    assert bench.statuses()[-3:] == ["Charging", "SuspendedEV", "Charging"]


def test_a_full_vehicle_ends_the_transaction_by_itself() -> None:
    bench = Bench()
    bench.charges()
    bench.vehicle(VehiclePhase.ENDING)
    bench.finishes(131_000)
    assert bench.told("StopTransaction")[0]["reason"] == "Other"


@pytest.mark.requirement("STAT-B6")
def test_a_plug_without_a_driver_is_finishing_after_a_while_and_may_still_start() -> (
    None
):
    bench = Bench()
    bench.plugs()
    bench.waits(60)
    assert bench.statuses() == ["Available", "Preparing", "Finishing"]

    bench.presents()
    assert bench.statuses()[-1] == "Preparing"
    assert len(bench.told("StartTransaction")) == 1


@pytest.mark.requirement("AUTH-18", "STAT-B1")
def test_a_driver_who_never_plugs_in_is_forgotten() -> None:
    bench = Bench()
    bench.presents()
    bench.waits(59)
    assert bench.statuses() == ["Available", "Preparing"]
    bench.waits(1)
    bench.plugs()
    assert bench.statuses() == ["Available", "Preparing", "Available", "Preparing"]
    assert bench.told("StartTransaction") == []


@pytest.mark.requirement("AUTH-16")
def test_a_refused_card_starts_nothing_and_leaves_the_plug_as_it_was() -> None:
    bench = Bench()
    bench.plugs()
    bench.csms.will("Authorize", {"idTagInfo": {"status": "Blocked"}})
    bench.presents()
    assert bench.told("StartTransaction") == []
    assert bench.statuses() == ["Available", "Preparing"]


@pytest.mark.requirement("AUTH-31", "AUTH-35")
def test_a_card_of_the_same_group_ends_the_transaction_with_its_own_id() -> None:
    bench = Bench()
    of_the_fleet = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}
    bench.csms.always("Authorize", of_the_fleet)
    bench.csms.will("StartTransaction", {"transactionId": 9, **of_the_fleet})
    bench.charges()
    bench.presents("04FFEE11")
    bench.finishes(121_000)
    (stop,) = bench.told("StopTransaction")
    assert stop["reason"] == "Local"
    assert stop["idTag"] == "04FFEE11"


@pytest.mark.requirement("STAT-14")
def test_two_connectors_charge_side_by_side_and_the_station_stays_available() -> None:
    bench = Bench(connectors=2)
    bench.charges(connector=1)
    bench.charges("04FFEE11", connector=2)
    bench.happens(events.StopRequested(2, Cause.TOKEN))
    bench.finishes(121_000, connector=2)

    assert [s["idTag"] for s in bench.told("StartTransaction")] == [CARD, "04FFEE11"]
    assert [s["transactionId"] for s in bench.told("StopTransaction")] == [8]
    assert bench.statuses(0) == ["Available"]
    assert bench.statuses(1)[-1] == "Charging"


@pytest.mark.key("ConnectionTimeOut")
@pytest.mark.parametrize(
    ("word", "follows"),
    [("Accepted", "Charging"), ("Invalid", "Finishing")],
)
def test_a_driver_who_came_in_time_is_not_too_late_because_the_csms_is(
    word: str, follows: str
) -> None:
    bench = Bench()
    bench.csms.will("Authorize", SILENCE)
    bench.plugs()
    bench.waits(50)
    bench.presents()
    bench.waits(25)
    bench.answers_late("Authorize", {"idTagInfo": {"status": word}})
    bench.waits(0)
    if word == "Accepted":
        bench.energizes()
    assert bench.statuses() == ["Available", "Preparing", follows]
