import pytest

from benchcsms.server import Csms
from benchcsms.settings import Settings
from tests.benchcsms.conftest import BOOT, START, STATUS, Station

TIME = "2026-03-02T08:00:00.000Z"
STOP = {"meterStop": 3000, "timestamp": "2026-03-02T09:00:00Z", "reason": "Local"}
METER = {"timestamp": TIME, "sampledValue": [{"value": "1200"}]}
BLOCKED = {"status": "Blocked"}
FAMILY = {"status": "Accepted", "parentIdTag": "FAMILY"}


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("Heartbeat", {}, {"currentTime": TIME}),
        ("Authorize", {"idTag": "04A1"}, {"idTagInfo": {"status": "Accepted"}}),
        ("StatusNotification", STATUS, {}),
        ("MeterValues", {"connectorId": 1, "meterValue": [METER]}, {}),
        ("DataTransfer", {"vendorId": "org.chargerd"}, {"status": "Accepted"}),
        ("DataTransfer", {"vendorId": "com.acme"}, {"status": "UnknownVendorId"}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}, {}),
        ("SecurityEventNotification", {"type": "X", "timestamp": TIME}, {}),
        ("LogStatusNotification", {"status": "Idle"}, {}),
        ("SignCertificate", {"csr": "X"}, {"status": "Rejected"}),
        ("SignedFirmwareStatusNotification", {"status": "Idle"}, {}),
    ],
)
async def test_everything_gets_a_friendly_answer(
    csms: Csms,
    station: Station,
    action: str,
    payload: dict[str, object],
    answer: dict[str, object],
) -> None:
    assert await station.told(action, payload) == answer
    assert csms.violations("CP1") == []


@pytest.mark.parametrize("settings", [Settings(heartbeat_interval_s=60)])
async def test_a_station_that_boots_is_accepted(csms: Csms, station: Station) -> None:
    answer = await station.told("BootNotification", BOOT)
    assert answer == {"status": "Accepted", "currentTime": TIME, "interval": 60}
    assert csms.stations()[0]["boot"] == BOOT


@pytest.mark.parametrize("settings", [Settings(tags={"bad": BLOCKED, "Child": FAMILY})])
async def test_id_tags_are_answered_from_the_table(
    csms: Csms, station: Station
) -> None:
    assert await station.told("Authorize", {"idTag": "BAD"}) == {"idTagInfo": BLOCKED}
    started = await station.told("StartTransaction", {**START, "idTag": "child"})
    assert started["idTagInfo"] == FAMILY
    stop = {**STOP, "transactionId": 1, "idTag": "bad"}
    assert await station.told("StopTransaction", stop) == {"idTagInfo": BLOCKED}
    (bill,) = csms.transactions("CP1")
    assert (bill.start_status, bill.stop_status) == ("Accepted", "Blocked")


@pytest.mark.parametrize("settings", [Settings(first_transaction_id=40)])
async def test_transactions_are_numbered_and_a_resend_is_no_second(
    csms: Csms, station: Station
) -> None:
    later = {**START, "timestamp": "2026-03-02T08:30:00Z"}
    starts = [START, START, later, START]
    ids = [
        (await station.told("StartTransaction", start))["transactionId"]
        for start in starts
    ]
    assert ids == [40, 40, 41, 40]
    assert [bill.id for bill in csms.transactions("CP1")] == [40, 41]


async def test_the_books_hold_the_whole_bill(csms: Csms, station: Station) -> None:
    await station.told("StartTransaction", START)
    values = {"connectorId": 1, "transactionId": 1, "meterValue": [METER, METER]}
    await station.told("MeterValues", values)
    stop = {**STOP, "transactionId": 1}
    await station.told("StopTransaction", stop)
    (bill,) = csms.transactions("CP1")
    assert bill.as_json() == {
        "id": 1,
        "connector": 1,
        "id_tag": "04A1B2C3",
        "meter_start": 1000,
        "start_timestamp": "2026-03-02T08:00:00Z",
        "start_status": "Accepted",
        "meter_stop": 3000,
        "stop_timestamp": "2026-03-02T09:00:00Z",
        "reason": "Local",
        "stop_status": "Accepted",
        "meter_value_count": 2,
        "payloads": [
            {"action": "StartTransaction", "payload": START},
            {"action": "MeterValues", "payload": values},
            {"action": "StopTransaction", "payload": stop},
        ],
    }


async def test_a_bill_without_a_start_is_kept_too(csms: Csms, station: Station) -> None:
    assert await station.told("StopTransaction", {**STOP, "transactionId": 9}) == {}
    (bill,) = csms.transactions()
    assert (bill.id, bill.connector, bill.meter_stop) == (9, None, 3000)


async def test_the_last_status_of_each_connector_is_kept(
    csms: Csms, station: Station
) -> None:
    charging = {**STATUS, "status": "Charging"}
    other = {**STATUS, "connectorId": 2}
    for status in (STATUS, other, charging):
        await station.told("StatusNotification", status)
    assert csms.stations()[0]["statuses"] == {"1": charging, "2": other}
