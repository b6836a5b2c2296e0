"""Transactions that go on though the vehicle left, or was done."""

import pytest

from chargerd.core.events import GuardCut
from hal.values import VehiclePhase
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import Json

PULLED = "EV side disconnected"


def last(bench: Bench) -> Json:
    return [r for r in bench.told("StatusNotification") if r["connectorId"] == 1][-1]


def pulled(**keys: object) -> Bench:
    bench = Bench()
    bench.sets(StopTransactionOnEVSideDisconnect="false", **keys)
    bench.charges()
    bench.meters(125_000)
    bench.unplugs()
    assert not bench.output.live
    bench.winds_down(125_003)
    return bench


@pytest.mark.key("StopTransactionOnEVSideDisconnect")
@pytest.mark.requirement("STAT-35", "TXN-26", "STAT-C4", "STAT-D3", "TXN-20")
def test_a_pulled_plug_suspends_the_transaction_and_a_replugged_one_resumes_it() -> (
    None
):
    bench = pulled()
    assert bench.told("StopTransaction") == []
    assert (last(bench)["status"], last(bench)["info"]) == ("SuspendedEV", PULLED)
    assert last(bench)["errorCode"] == "NoError"

    bench.waits(3600)
    bench.plugs()
    assert "info" not in last(bench)
    bench.energizes()
    bench.meters(140_000)
    bench.presents()
    bench.finishes(140_000)
    assert len(bench.told("StartTransaction")) == 1
    (stop,) = bench.told("StopTransaction")
    assert (stop["reason"], stop["meterStop"]) == ("Local", 140_000)
    assert bench.statuses() == [
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "SuspendedEV",
        "Charging",
        "Finishing",
    ]


@pytest.mark.requirement("STAT-35")
def test_a_plug_that_the_guard_misses_first_is_reported_the_same() -> None:
    bench = Bench(keys={"StopTransactionOnEVSideDisconnect": "false"})
    bench.charges()
    bench.happens(GuardCut(1, ("plug-removed",)))
    bench.unplugs()
    bench.winds_down(121_000)
    assert bench.statuses() == ["Available", "Preparing", "Charging", "SuspendedEV"]
    assert last(bench)["info"] == PULLED


@pytest.mark.requirement("STAT-D1", "REM-12", "TXN-24")
def test_a_remote_stop_ends_what_waits_and_the_fixed_cable_is_free() -> None:
    bench = pulled()
    answer = bench.asks("RemoteStopTransaction", transactionId=7)
    assert answer == {"status": "Accepted"}
    bench.meters(125_003)
    (stop,) = bench.told("StopTransaction")
    assert (stop["reason"], stop["meterStop"]) == ("Remote", 125_003)
    assert "idTag" not in stop
    assert bench.statuses()[-3:] == ["SuspendedEV", "Finishing", "Available"]


def test_another_driver_is_refused_where_a_transaction_waits() -> None:
    bench = pulled()
    bench.presents(OTHER_CARD)
    assert bench.charge_point.station.refusals[-1][1].why == "OTHER_DRIVER"
    start = bench.asks("RemoteStartTransaction", idTag=OTHER_CARD, connectorId=1)
    assert start == {"status": "Rejected"}
    bench.presents(CARD)
    bench.meters(125_003)
    assert bench.told("StopTransaction")[0]["idTag"] == CARD


@pytest.mark.key("SuspendedEVTimeOut")
def test_a_vehicle_is_waited_for_no_longer_than_the_key_says() -> None:
    bench = pulled(SuspendedEVTimeOut=900)
    bench.waits(899)
    assert bench.phase() == "waiting"
    bench.waits(10)
    (stop,) = bench.told("StopTransaction")
    assert stop["reason"] == "EVDisconnected"


@pytest.mark.requirement("METER-27")
def test_values_go_on_while_a_transaction_waits() -> None:
    bench = pulled(MeterValueSampleInterval=60)
    before = len(bench.told("MeterValues"))
    bench.waits(600)
    assert len(bench.told("MeterValues")) == before + 10


@pytest.mark.key("StopTransactionOnEVEnd")
@pytest.mark.requirement("TXN-29")
@pytest.mark.parametrize("stops", ["true", "false"])
def test_a_full_vehicle_ends_its_transaction_or_is_waited_for(stops: str) -> None:
    bench = Bench(keys={"SuspendedEVTimeOut": "600"})
    bench.sets(StopTransactionOnEVEnd=stops)
    bench.charges()
    bench.vehicle(VehiclePhase.ENDING)
    bench.finishes(131_000)
    if stops == "false":
        assert bench.told("StopTransaction") == []
        assert last(bench)["status"] == "SuspendedEV"
        assert "info" not in last(bench)
        bench.waits(600)
        bench.meters(131_000)
    assert bench.told("StopTransaction")[0]["reason"] == "Other"
    assert last(bench)["status"] == "Finishing"


@pytest.mark.requirement("STAT-12")
def test_who_may_not_charge_and_would_not_is_suspended_by_the_station() -> None:
    keys = {"StopTransactionOnInvalidId": "false", "StopTransactionOnEVEnd": "false"}
    bench = Bench(keys=keys)
    invalid = {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}
    bench.csms.always("StartTransaction", invalid)
    bench.charges()
    assert last(bench)["status"] == "SuspendedEVSE"
    bench.vehicle(VehiclePhase.PAUSED)
    assert last(bench)["status"] == "SuspendedEVSE"
    bench.vehicle(VehiclePhase.ENDING)
    bench.finishes(120_000)
    assert bench.phase() == "waiting"
    assert last(bench)["status"] == "SuspendedEVSE"


def test_a_plug_pulled_before_energy_suspends_too_and_prepares_no_more() -> None:
    bench = Bench(keys={"StopTransactionOnEVSideDisconnect": "false"})
    bench.plugs()
    bench.presents()
    bench.unplugs()
    assert bench.phase() == "waiting"
    bench.plugs()
    bench.energizes()
    assert bench.statuses() == [
        "Available",
        "Preparing",
        "SuspendedEV",
        "SuspendedEV",
        "Charging",
    ]
