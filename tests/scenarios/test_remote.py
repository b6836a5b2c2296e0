import pytest

from chargerd.core.events import RestartFailed, StorageChanged
from hal.values import SafetyReading
from tests.scenarios.bench import CARD, Bench

REJECTED = {"status": "Rejected"}
ACCEPTED = {"status": "Accepted"}


def starts(bench: Bench, id_tag: str = CARD, **more: object) -> object:
    return bench.asks("RemoteStartTransaction", idTag=id_tag, **more)


def why(bench: Bench) -> str:
    return str(bench.charge_point.station.refusals[-1][1].why)


@pytest.mark.requirement("REM-01", "REM-05", "TXN-01")
def test_a_remote_start_for_a_plug_that_waits() -> None:
    bench = Bench()
    bench.plugs()
    assert starts(bench, connectorId=1) == ACCEPTED
    assert bench.told("Authorize") == []
    assert bench.told("StartTransaction")[0]["idTag"] == CARD


@pytest.mark.requirement("REM-04")
def test_a_remote_start_without_a_connector_takes_the_one_that_is_plugged() -> None:
    bench = Bench(connectors=2)
    bench.plugs(2)
    assert starts(bench) == ACCEPTED
    assert bench.told("StartTransaction")[0]["connectorId"] == 2


@pytest.mark.key("ConnectionTimeOut")
@pytest.mark.requirement("REM-06", "CFG-16")
def test_a_remote_start_waits_for_the_plug_but_not_for_ever() -> None:
    bench = Bench()
    bench.sets(ConnectionTimeOut=20)
    assert starts(bench, connectorId=1) == ACCEPTED
    bench.waits(19)
    assert bench.statuses() == ["Available", "Preparing"]
    bench.waits(1)
    assert bench.statuses() == ["Available", "Preparing", "Available"]

    starts(bench, connectorId=1)
    bench.plugs()
    assert len(bench.told("StartTransaction")) == 1


@pytest.mark.key("AuthorizeRemoteTxRequests")
@pytest.mark.requirement("REM-05")
def test_a_remote_start_is_authorized_where_the_operator_wants_it() -> None:
    bench = Bench()
    bench.sets(AuthorizeRemoteTxRequests="true")
    bench.plugs()
    bench.csms.will("Authorize", {"idTagInfo": {"status": "Invalid"}})
    assert starts(bench) == ACCEPTED
    assert bench.told("Authorize") == [{"idTag": CARD}]
    assert bench.told("StartTransaction") == []
    starts(bench)
    assert len(bench.told("StartTransaction")) == 1


@pytest.mark.requirement("REM-02", "REM-03", "TXN-32")
def test_a_remote_start_that_cannot_be_is_rejected_and_says_why() -> None:
    bench = Bench(connectors=2)
    assert starts(bench, connectorId=0) == REJECTED
    assert why(bench) == "NO_SUCH_CONNECTOR"
    assert starts(bench, connectorId=3) == REJECTED
    bench.charges()
    assert starts(bench, connectorId=1) == REJECTED
    assert why(bench) == "CONNECTOR_OCCUPIED"
    bench.happens(StorageChanged(0, failing=True))
    assert starts(bench, connectorId=2) == REJECTED
    assert why(bench) == "STORAGE_FAILING"
    bench.happens(StorageChanged(0, failing=False))
    bench.reads(SafetyReading(at_s=0.0, door_open=True), 2)
    assert starts(bench, connectorId=2) == REJECTED
    assert why(bench) == "CONNECTOR_FAULTED"


@pytest.mark.requirement("REM-12", "REM-14", "TXN-06", "TXN-11")
@pytest.mark.parametrize("number", [0, -5, 2_147_483_647])
def test_a_remote_stop_ends_the_transaction_of_that_number(number: int) -> None:
    bench = Bench()
    bench.csms.first_number = number
    assert bench.asks("RemoteStopTransaction", transactionId=number) == REJECTED
    bench.charges()
    assert bench.asks("RemoteStopTransaction", transactionId=number + 1) == REJECTED
    assert why(bench) == "NO_SUCH_TRANSACTION"
    assert bench.asks("RemoteStopTransaction", transactionId=number) == ACCEPTED
    bench.finishes(121_000)
    (stop,) = bench.told("StopTransaction")
    assert stop["transactionId"] == number
    assert stop["reason"] == "Remote"
    assert "idTag" not in stop


@pytest.mark.requirement("REM-13")
def test_a_second_remote_stop_makes_no_second_bill() -> None:
    bench = Bench()
    bench.charges()
    assert bench.asks("RemoteStopTransaction", transactionId=7) == ACCEPTED
    assert bench.asks("RemoteStopTransaction", transactionId=7) == ACCEPTED
    bench.finishes(121_000)
    assert len(bench.told("StopTransaction")) == 1


def test_two_transactions_of_one_number_cannot_be_told_apart() -> None:
    bench = Bench(connectors=2)
    same = {"transactionId": 5, "idTagInfo": ACCEPTED}
    bench.csms.always("StartTransaction", same)
    bench.charges()
    bench.charges("04FFEE11", 2)
    assert bench.asks("RemoteStopTransaction", transactionId=5) == REJECTED
    assert why(bench) == "AMBIGUOUS_TRANSACTION"


@pytest.mark.requirement("REM-20", "REM-21")
def test_the_cable_cannot_be_unlocked_and_nothing_stops() -> None:
    bench = Bench()
    bench.charges()
    for connector in (0, 1, 9):
        answer = bench.asks("UnlockConnector", connectorId=connector)
        assert answer == {"status": "NotSupported"}
    assert bench.phase() == "energized"


@pytest.mark.requirement("CACHE-07", "REM-60", "REM-61")
def test_the_cache_is_cleared_and_no_vendor_is_understood() -> None:
    bench = Bench()
    bench.presents()
    assert bench.charge_point.station.desk.drivers.tags.find(CARD) is not None
    assert bench.asks("ClearCache") == ACCEPTED
    assert bench.charge_point.station.desk.drivers.tags.find(CARD) is None
    answer = bench.asks("DataTransfer", vendorId="com.example", data="x")
    assert answer == {"status": "UnknownVendorId"}


@pytest.mark.requirement("RPC-25")
@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("MakeCoffee", "NotImplemented"),
        ("SignCertificate", "NotSupported"),
        ("Heartbeat", "NotSupported"),
    ],
)
def test_an_action_that_is_not_offered_is_refused(action: str, code: str) -> None:
    bench = Bench()
    assert bench.asks(action) == {"code": code}


def test_a_question_that_is_repeated_has_the_same_answer_and_no_second_effect() -> None:
    bench = Bench()
    bench.csms.always("StartTransaction", {"transactionId": 7, "idTagInfo": ACCEPTED})
    bench.charges()
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000)
    bench.presents()
    bench.repeats()
    assert bench.answers[-1] == bench.answers[-2]
    assert len(bench.charge_point.station.billed()) == 1


@pytest.mark.requirement("REM-50", "REM-51")
def test_a_soft_reset_ends_the_session_tells_it_and_then_restarts() -> None:
    bench = Bench()
    bench.charges()
    bench.csms.will("StopTransaction", None)
    assert bench.asks("Reset", type="Soft") == ACCEPTED
    assert bench.restarting is None
    assert starts(bench) == REJECTED
    assert why(bench) == "RESTART_PENDING"
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["reason"] == "SoftReset"
    assert bench.statuses()[-1] == "Finishing"
    assert bench.restarting is None
    bench.answers_late("StopTransaction", {})
    assert bench.restarting == "SOFT_RESET"


@pytest.mark.requirement("REM-50", "REM-52", "TXN-46")
def test_a_hard_reset_waits_for_a_silent_csms_ten_seconds() -> None:
    bench = Bench()
    bench.charges()
    bench.csms.always("StopTransaction", None)
    assert bench.asks("Reset", type="Hard") == ACCEPTED
    reset_s = bench.now_s
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["reason"] == "HardReset"
    bench.waits(30)
    assert bench.restarting == "HARD_RESET"
    assert bench.now_s == reset_s + 10


@pytest.mark.requirement("REM-56", "BOOT-27")
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_an_idle_station_restarts_with_its_answer(kind: str) -> None:
    bench = Bench()
    assert bench.asks("Reset", type=kind) == ACCEPTED
    assert bench.restarting is not None
    assert bench.security_events[-1]["type"] == "ResetOrReboot"


def test_a_station_without_a_link_restarts_as_soon_as_the_session_is_over() -> None:
    bench = Bench()
    bench.charges()
    assert bench.asks("Reset", type="Soft") == ACCEPTED
    bench.disconnects()
    bench.finishes(121_000)
    assert bench.restarting == "SOFT_RESET"


@pytest.mark.requirement("REM-55", "REM-57")
def test_a_reset_that_failed_is_reported_and_the_station_serves_on() -> None:
    bench = Bench()
    bench.charges()
    assert bench.asks("Reset", type="Hard") == ACCEPTED
    start = bench.asks("RemoteStartTransaction", idTag="A")
    assert start == {"status": "Rejected"}
    bench.finishes(121_000)
    bench.unplugs()
    assert bench.restarting == "HARD_RESET"

    bench.happens(RestartFailed(0, "reboot failed with 1"))

    assert bench.restarting is None
    report = bench.told("StatusNotification")[-1]
    assert (report["connectorId"], report["status"]) == (0, "Available")
    assert report["errorCode"] == "ResetFailure"
    assert report["info"] == "reset: reboot failed with 1"
    bench.charges()
    bench.asks("Reset", type="Hard")
    assert bench.told("StatusNotification")[-1]["errorCode"] == "NoError"
    assert bench.restarting is None
    bench.finishes(122_000)
    assert bench.restarting == "HARD_RESET"
