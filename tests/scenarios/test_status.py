import json

import pytest

from chargerd.core.events import DeviceBack, DeviceLost, ErrorCodeSet
from chargerd.core.faults import FAULTS
from chargerd.core.permissive import Loss
from hal.values import IsolationReading, PowerReading, SafetyReading, VehiclePhase
from tests.ocpp16.samples import schema
from tests.scenarios.bench import Bench
from tests.scenarios.csms import SILENCE, Json, Refusal, Reply


def last(bench: Bench, connector: int = 1) -> Json:
    reports = bench.told("StatusNotification")
    return [r for r in reports if r["connectorId"] == connector][-1]


@pytest.mark.key("MinimumStatusDuration")
@pytest.mark.requirement("STAT-30", "STAT-31")
def test_a_status_that_does_not_last_is_not_told() -> None:
    bench = Bench(keys={"MinimumStatusDuration": "10"})
    bench.waits(10)
    bench.plugs()
    bench.waits(9)
    bench.unplugs()
    bench.waits(30)
    assert bench.statuses() == ["Available"]

    bench.plugs()
    changed = bench.clock.now().utc
    bench.waits(10)
    assert bench.statuses() == ["Available", "Preparing"]
    assert last(bench)["timestamp"].startswith(changed.isoformat()[:19])


@pytest.mark.requirement("STAT-32")
def test_a_fault_does_not_wait_to_be_told() -> None:
    bench = Bench(keys={"MinimumStatusDuration": "600"})
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    assert bench.statuses() == bench.statuses(0) == ["Faulted"]
    assert last(bench)["info"] == "door-open"


@pytest.mark.requirement("STAT-21", "STAT-32")
def test_what_was_left_out_is_told_where_the_rest_would_make_no_sense() -> None:
    bench = Bench(keys={"MinimumStatusDuration": "20", "ConnectionTimeOut": "10"})
    bench.waits(20)
    bench.plugs()
    bench.waits(10)
    assert bench.phase() == "finished"
    bench.waits(20)
    assert bench.statuses() == ["Available", "Preparing", "Finishing"]

    bench.presents()
    bench.energizes()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.vehicle(VehiclePhase.CHARGING)
    bench.waits(20)
    assert bench.statuses()[3:] == ["Preparing", "Charging"]


def modules(failed: tuple[int, ...] = ()) -> PowerReading:
    return PowerReading(
        at_s=0.0,
        voltage_v=400.0,
        current_a=90.0,
        temperature_c=40.0,
        failed_modules=failed,
    )


@pytest.mark.requirement("STAT-05", "STAT-08")
def test_a_warning_is_told_and_charging_goes_on() -> None:
    bench = Bench()
    bench.charges()
    bench.reads(modules(failed=(2,)))
    assert last(bench)["status"] == "Charging"
    assert last(bench)["errorCode"] == "PowerSwitchFailure"
    assert last(bench)["info"] == "module-failure: module 2"

    bench.happens(DeviceLost(1, "reader", Loss("no answer")))
    assert last(bench, 0)["errorCode"] == "ReaderFailure"
    assert last(bench)["errorCode"] == "PowerSwitchFailure"


@pytest.mark.requirement("STAT-09")
def test_of_two_faults_the_graver_is_told_and_then_the_other() -> None:
    bench = Bench()
    bench.reads(modules(failed=(2,)))
    bench.reads(IsolationReading(at_s=0.0, resistance_ohm=20_000.0))
    assert last(bench)["status"] == "Faulted"
    assert last(bench)["errorCode"] == "GroundFailure"
    assert last(bench)["info"] == "insulation: 20 kohm < 100 kohm (+1)"
    bench.reads(IsolationReading(at_s=0.0, resistance_ohm=1e6))
    bench.waits(5)
    assert (last(bench)["status"], last(bench)["errorCode"]) == (
        "Available",
        "PowerSwitchFailure",
    )
    assert last(bench)["info"] == "module-failure: module 2"
    bench.reads(modules())
    bench.waits(5)
    assert last(bench)["errorCode"] == "NoError"


@pytest.mark.requirement("STAT-09")
def test_every_fault_that_goes_is_told_though_a_graver_one_stays() -> None:
    bench = Bench()
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    assert last(bench)["info"] == "door-open"
    bench.happens(DeviceLost(1, "meter", Loss("no answer")))
    assert last(bench)["info"] == "door-open (+1)"
    bench.happens(DeviceBack(1, "meter"))
    bench.waits(2)
    assert last(bench)["info"] == "door-open"
    assert bench.statuses() == ["Available", "Faulted", "Faulted", "Faulted"]


def test_an_error_code_can_be_chosen() -> None:
    bench = Bench()
    bench.happens(ErrorCodeSet(1, "insulation", "InternalError"))
    bench.reads(IsolationReading(at_s=0.0, resistance_ohm=20_000.0))
    assert last(bench)["errorCode"] == "InternalError"
    assert last(bench)["vendorErrorCode"] == "insulation"


@pytest.mark.requirement("STAT-44")
@pytest.mark.parametrize(("reply", "gap_s"), [(Refusal(), 30), (SILENCE, 60)])
def test_a_report_that_failed_is_told_again_after_a_pause(
    reply: Reply, gap_s: int
) -> None:
    bench = Bench(keys={"ConnectionTimeOut": "600"})
    bench.csms.will("StatusNotification", reply)
    bench.plugs()
    bench.waits(200)
    first_s, second_s = bench.times("StatusNotification")[2:]
    assert second_s - first_s == gap_s
    assert bench.statuses() == ["Available", "Preparing", "Preparing"]


def test_a_report_that_failed_is_not_told_again_once_it_is_out_of_date() -> None:
    bench = Bench()
    bench.csms.will("StatusNotification", Refusal())
    bench.plugs()
    bench.waits(10)
    bench.unplugs()
    bench.waits(100)
    assert bench.statuses() == ["Available", "Preparing", "Available"]


@pytest.mark.requirement("STAT-40")
def test_a_report_that_may_have_been_heard_is_not_held_for_the_truth() -> None:
    bench = Bench()
    bench.csms.will("StatusNotification", SILENCE)
    bench.plugs()
    bench.unplugs()
    bench.disconnects()
    bench.connects()
    # The last acknowledged was Available, too, but Preparing was told since.
    assert bench.statuses() == ["Available", "Preparing", "Available"]


@pytest.mark.requirement("STAT-40", "STAT-42", "STAT-43")
def test_after_a_time_without_a_link_each_connector_is_told_as_it_is_now() -> None:
    bench = Bench(connectors=3)
    bench.disconnects()
    bench.said.clear()
    bench.plugs(1)
    bench.reads(SafetyReading(at_s=0.0, door_open=True), 2)
    bench.reads(SafetyReading(at_s=0.0), 2)
    bench.plugs(3)
    bench.waits(100)
    bench.connects()
    told = [(r["connectorId"], r["status"]) for r in bench.told("StatusNotification")]
    assert told == [(1, "Finishing"), (3, "Finishing")]


def test_a_late_answer_to_a_report_proves_nothing() -> None:
    bench = Bench()
    bench.csms.will("StatusNotification", SILENCE)
    bench.plugs()
    bench.waits(31)
    bench.unplugs()
    bench.answers_late("StatusNotification", {})
    bench.disconnects()
    bench.plugs()
    bench.connects()
    assert bench.statuses() == ["Available", "Preparing", "Available", "Preparing"]


CODES = schema("StatusNotification")["properties"]["errorCode"]["enum"]


@pytest.mark.requirement("STAT-01", "STAT-03", "STAT-04")
def test_every_error_code_of_ocpp_can_be_told() -> None:
    assert len(CODES) == 16
    assert {fault.error_code for fault in FAULTS.values()} <= set(CODES)
    bench = Bench(keys={"StatusReportsPerMinute": "0"})
    for code in CODES:
        bench.happens(ErrorCodeSet(1, "insulation", code))
        bench.reads(IsolationReading(at_s=0.0, resistance_ohm=20_000.0))
        assert last(bench)["errorCode"] == code
        bench.reads(IsolationReading(at_s=0.0, resistance_ohm=1e6))
        bench.waits(5)
        assert last(bench)["errorCode"] == "NoError"


@pytest.mark.requirement("STAT-01", "STAT-02", "STAT-04")
def test_a_report_has_all_that_it_must_and_nothing_too_long() -> None:
    bench = Bench()
    for device in ("meter", "contactor", "power_module"):
        bench.happens(DeviceLost(1, device, Loss("no answer " * 50)))
    assert last(bench)["connectorId"] == 1
    for told in bench.told("StatusNotification"):
        assert {"connectorId", "errorCode", "status", "timestamp"} <= set(told)
        assert len(told.get("info", "")) <= 50
        wrong = told["errorCode"] != "NoError"
        assert (told.get("vendorId") == "org.chargerd") is wrong
        assert (0 < len(told.get("vendorErrorCode", "")) <= 50) is wrong


@pytest.mark.key("VendorErrorDialect")
@pytest.mark.parametrize(
    ("dialect", "vendor_id", "code"),
    [
        ("chargerd", "org.chargerd", "insulation"),
        ("ChargeX", "https://chargex.inl.gov", "CX022"),
        ("evgo", "com.evgo.mrec", "F006"),
    ],
)
def test_a_fault_is_told_in_the_words_that_the_csms_knows(
    dialect: str, vendor_id: str, code: str
) -> None:
    bench = Bench(keys={"VendorErrorDialect": dialect})
    bench.reads(IsolationReading(at_s=0.0, resistance_ohm=20_000.0))
    assert last(bench)["errorCode"] == "GroundFailure"
    assert (last(bench)["vendorId"], last(bench)["vendorErrorCode"]) == (
        vendor_id,
        code,
    )


@pytest.mark.key("VendorErrorDialect")
def test_a_change_of_the_words_tells_what_is_wrong_in_the_new_ones() -> None:
    bench = Bench()
    bench.reads(SafetyReading(at_s=0.0, door_open=True, emergency_stop=True))
    assert last(bench, 0)["vendorErrorCode"] == "emergency-stop"
    bench.sets(VendorErrorDialect="ChargeX")
    assert last(bench, 0)["vendorErrorCode"] == "CX008"
    refused = bench.asks("ChangeConfiguration", key="VendorErrorDialect", value="OCA")
    assert refused == {"status": "Rejected"}
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    assert last(bench, 0)["vendorErrorCode"] == "door-open"
    assert last(bench, 0)["vendorId"] == "org.chargerd"


@pytest.mark.key("StatusReportsPerMinute")
def test_a_storm_of_reports_is_summed_up() -> None:
    bench = Bench(keys={"StatusReportsPerMinute": "6"})
    bench.charges()
    told = ["Available", "Preparing", "Charging"]
    assert bench.statuses() == told
    for _ in range(20):
        bench.vehicle(VehiclePhase.PAUSED)
        bench.waits(1)
        bench.vehicle(VehiclePhase.CHARGING)
        bench.waits(1)
    told += ["SuspendedEV", "Charging", "SuspendedEV"]
    assert bench.statuses() == told
    bench.waits(60)
    assert bench.statuses() == [*told, "Charging"]
    assert last(bench)["info"] == "36 left out"


@pytest.mark.key("StatusReportsPerMinute")
def test_a_fault_does_not_wait_for_the_storm_to_pass() -> None:
    bench = Bench(keys={"StatusReportsPerMinute": "1", "ConnectionTimeOut": "600"})
    bench.plugs()
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    assert bench.statuses() == ["Available", "Faulted"]
    assert last(bench)["info"] == "door-open, 1 left out"
    bench.reads(SafetyReading(at_s=0.0))
    assert bench.statuses() == ["Available", "Faulted"]
    bench.waits(60)
    assert bench.statuses() == ["Available", "Faulted", "Preparing"]
    assert "info" not in last(bench)


@pytest.mark.key("AdvertiseVendorErrorDialect")
def test_after_a_boot_the_csms_is_told_in_whose_words_faults_are_named() -> None:
    keys = {"AdvertiseVendorErrorDialect": "true", "VendorErrorDialect": "ChargeX"}
    bench = Bench(keys=keys)
    actions = [action for action, _ in bench.said]
    assert actions[:3] == ["BootNotification", "DataTransfer", "StatusNotification"]
    (told,) = bench.told("DataTransfer")
    assert (told["vendorId"], told["messageId"]) == (
        "org.chargerd",
        "VendorErrorDialect",
    )
    assert json.loads(told["data"]) == {
        "dialect": "ChargeX",
        "vendorId": "https://chargex.inl.gov",
    }
    bench.disconnects()
    bench.connects()
    bench.waits(1000)
    assert len(bench.told("DataTransfer")) == 1
    bench.sets(VendorErrorDialect="EVgo")
    assert json.loads(bench.told("DataTransfer")[-1]["data"])["dialect"] == "EVgo"
    # A CSMS that has forgotten the station makes it boot anew.
    bench.csms.will("StartTransaction", Refusal("SecurityError"))
    bench.charges()
    assert len(bench.told("BootNotification")) == 2
    assert len(bench.told("DataTransfer")) == 3


@pytest.mark.key("AdvertiseVendorErrorDialect")
@pytest.mark.parametrize("reply", [Refusal(), SILENCE, {"status": "UnknownVendorId"}])
def test_a_csms_that_does_not_know_the_message_is_not_told_again(reply: Reply) -> None:
    bench = Bench(keys={"AdvertiseVendorErrorDialect": "true"}, online=False)
    bench.csms.will("DataTransfer", reply)
    bench.connects()
    bench.waits(1000)
    assert len(bench.told("DataTransfer")) == 1
    assert bench.statuses() == ["Available"]


def test_by_default_the_station_sends_nothing_beyond_ocpp() -> None:
    assert Bench().told("DataTransfer") == []
