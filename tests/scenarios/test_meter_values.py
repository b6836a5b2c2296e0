from collections.abc import Mapping
from datetime import timedelta

import pytest

from chargerd.commits import LATER_S
from chargerd.core.effects import TransactionCheckpoint
from chargerd.core.events import DeviceBack, DeviceLost
from chargerd.core.permissive import Loss
from chargerd.ocpp16.records import (
    KeyKept,
    MessageQueued,
    MessageSettled,
    NoteKept,
)
from chargerd.ocpp16.wire import moment
from hal.values import TemperatureReading
from tests.scenarios.bench import Bench
from tests.scenarios.csms import Json

CERTIFIED: Mapping[str, tuple[str, str, str]] = {
    "Current.Export": ("0.00", "A", "Outlet"),
    "Current.Import": ("125.00", "A", "Outlet"),
    "Current.Offered": ("150.00", "A", "Outlet"),
    "Energy.Active.Export.Register": ("17", "Wh", "Outlet"),
    "Energy.Active.Import.Register": ("121000", "Wh", "Outlet"),
    "Power.Active.Import": ("50000.0", "W", "Outlet"),
    "Power.Offered": ("60000.0", "W", "Outlet"),
    "SoC": ("42", "Percent", "EV"),
    "Temperature": ("38.5", "Celcius", "Cable"),
    "Voltage": ("400.0", "V", "Outlet"),
}


INTERVAL = "Energy.Active.Import.Interval"
REGISTER = "Energy.Active.Import.Register"


def stamps(messages: list[Json]) -> list[str]:
    return [value["timestamp"] for m in messages for value in m["meterValue"]]


@pytest.mark.requirement("METER-01", "METER-20", "METER-24", "METER-27")
def test_periodic_values_are_spaced_exactly() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "20"})
    bench.plugs()
    bench.presents()
    start = moment(bench.told("StartTransaction")[0]["timestamp"])
    bench.energizes()
    bench.waits(50)
    bench.disconnects()
    bench.waits(40)
    bench.connects()

    told = bench.told("MeterValues")
    gaps = [(moment(at) - start) / timedelta(seconds=1) for at in stamps(told)]
    assert gaps == [20, 40, 60, 80]
    assert {m["transactionId"] for m in told} == {7}
    assert told[0]["meterValue"][0]["sampledValue"][0] == {
        "value": "120000",
        "context": "Sample.Periodic",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "Wh",
    }


@pytest.mark.key("MeterValueSampleInterval")
@pytest.mark.requirement("METER-01", "METER-26")
def test_a_new_interval_holds_at_once_and_zero_is_silence() -> None:
    bench = Bench()
    bench.charges()
    bench.sets(MeterValueSampleInterval=10)
    bench.waits(35)
    count = len(bench.told("MeterValues"))
    assert count in (3, 4)
    bench.sets(MeterValueSampleInterval=0)
    bench.waits(600)
    assert len(bench.told("MeterValues")) == count


@pytest.mark.key("ClockAlignedDataInterval")
@pytest.mark.requirement("METER-03", "METER-08", "METER-21", "METER-22", "METER-23")
def test_aligned_values_stand_on_the_grid_of_the_clock() -> None:
    bench = Bench(connectors=2)
    bench.sets(ClockAlignedDataInterval=900, MeterValueSampleInterval=0)
    bench.sets(MeterValuesAlignedData="")
    bench.charges()
    bench.waits(1800)
    first, second = bench.told("MeterValues")[:2]
    assert stamps(bench.told("MeterValues")) == [
        *["2026-03-02T08:15:00.000Z"] * 2,
        *["2026-03-02T08:30:00.000Z"] * 2,
    ]
    assert first["transactionId"] == 7
    assert "transactionId" not in second
    assert {s["context"] for s in first["meterValue"][0]["sampledValue"]} == {
        "Sample.Clock"
    }
    assert [s["measurand"] for s in first["meterValue"][0]["sampledValue"]] == [
        "Energy.Active.Import.Register"
    ]


@pytest.mark.key("StopTxnAlignedData", "StopTxnSampledData")
@pytest.mark.requirement("METER-10", "METER-50")
def test_the_bill_carries_values_from_its_beginning_to_its_end() -> None:
    bench = Bench()
    energy = "Energy.Active.Import.Register"
    bench.sets(StopTxnSampledData=f"{energy},SoC", StopTxnAlignedData="Voltage")
    bench.sets(ClockAlignedDataInterval=300, MeterValueSampleInterval=200)
    bench.charges()
    bench.meters(121_000)
    bench.waits(450)
    bench.presents()
    bench.finishes(126_000)

    (stop,) = bench.told("StopTransaction")
    found = [
        (
            value["sampledValue"][0]["context"],
            [s["measurand"] for s in value["sampledValue"]],
        )
        for value in stop["transactionData"]
    ]
    assert found == [
        ("Transaction.Begin", [energy, "Voltage", "SoC"]),
        ("Sample.Periodic", [energy, "SoC"]),
        ("Sample.Clock", ["Voltage"]),
        ("Sample.Periodic", [energy, "SoC"]),
        ("Transaction.End", [energy, "Voltage", "SoC"]),
    ]
    first, last = stop["transactionData"][0], stop["transactionData"][-1]
    assert first["sampledValue"][0]["value"] == "120000"
    assert last["sampledValue"][0]["value"] == "126000" == str(stop["meterStop"])


@pytest.mark.requirement("METER-09")
def test_a_bill_without_wishes_carries_no_values() -> None:
    bench = Bench()
    bench.charges()
    bench.waits(100)
    bench.presents()
    bench.finishes(121_000)
    assert "transactionData" not in bench.told("StopTransaction")[0]


@pytest.mark.key("StopTransactionMaxMeterValues")
@pytest.mark.requirement("OFFL-21", "METER-11")
def test_a_very_long_bill_keeps_its_ends_and_is_thinned_evenly_between() -> None:
    bench = Bench(keys={"StopTxnSampledData": "SoC", "MeterValueSampleInterval": "1"})
    bench.charges()
    bench.waits(1500)
    bench.presents()
    bench.finishes(121_000)
    values = bench.told("StopTransaction")[0]["transactionData"]
    contexts = [value["sampledValue"][0]["context"] for value in values]
    assert len(values) == 1000
    assert contexts[0] == "Transaction.Begin"
    assert contexts[-1] == "Transaction.End"


@pytest.mark.key("MeterValuesSampledData")
@pytest.mark.requirement("METER-02", "METER-40", "METER-41", "METER-47")
def test_everything_that_was_certified_can_be_measured() -> None:
    bench = Bench()
    bench.reads(TemperatureReading(at_s=0.0, temperature_c=38.5))
    bench.meters(120_000, energy_export_wh=17)
    bench.sets(MeterValuesSampledData=",".join(CERTIFIED))
    bench.charges()
    bench.meters(121_000, energy_export_wh=17)
    bench.waits(60)
    (told,) = bench.told("MeterValues")
    sampled = told["meterValue"][0]["sampledValue"]
    found = {s["measurand"]: (s["value"], s["unit"], s["location"]) for s in sampled}
    in_cabinet = {s["value"] for s in sampled if s["location"] == "Body"}
    plug = next(s for s in sampled if s["location"] == "Cable")
    found["Temperature"] = (plug["value"], plug["unit"], plug["location"])
    assert found == CERTIFIED
    assert in_cabinet == {"31.0"}


@pytest.mark.requirement("METER-05", "METER-06", "CFG-13")
@pytest.mark.parametrize(
    "wish",
    [
        "Energy.Reactive.Import.Register",
        "Power.Reactive.Export",
        "Voltage,Energy.Active.Export.Register",
        "Voltage.L1",
        "Voltage,,SoC",
    ],
)
def test_what_this_station_cannot_measure_is_refused_and_changes_nothing(
    wish: str,
) -> None:
    bench = Bench()
    for key in (
        "MeterValuesSampledData",
        "MeterValuesAlignedData",
        "StopTxnSampledData",
        "StopTxnAlignedData",
    ):
        before = bench.asks("GetConfiguration", key=[key])
        answer = bench.asks("ChangeConfiguration", key=key, value=wish)
        assert answer == {"status": "Rejected"}
        assert bench.asks("GetConfiguration", key=[key]) == before
        assert bench.charge_point.station.refusals[-1][1].why == "BAD_VALUE"


def test_what_a_meter_value_was_answered_costs_no_commit_of_its_own() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "20"})
    bench.charges()
    before = len(bench.steps)
    bench.waits(41)
    # Who asks what still waits is not told of what the CSMS has taken.
    assert len(bench.charge_point.commits.acknowledged) == 1
    bench.sets(MeterValueSampleInterval=0)
    bench.waits(LATER_S)

    written = [step.records for step in bench.steps[before:] if step.records]
    kinds = [{type(record) for record in records} - {NoteKept} for records in written]
    sample = {MessageQueued, TransactionCheckpoint}
    assert kinds == [sample, sample | {MessageSettled}, {MessageSettled, KeyKept}]


def energies(messages: list[Json], measurand: str = INTERVAL) -> list[tuple[str, str]]:
    return [
        (each["context"], each["value"])
        for message in messages
        for value in message["meterValue"]
        for each in value["sampledValue"]
        if each["measurand"] == measurand
    ]


@pytest.mark.requirement("METER-48")
def test_the_energy_of_each_interval_is_told_at_its_end() -> None:
    bench = Bench()
    bench.sets(MeterValuesSampledData=INTERVAL, StopTxnSampledData=INTERVAL)
    bench.charges()
    for register_wh in (121_000, 121_700):
        bench.waits(30)
        bench.meters(register_wh)
        bench.waits(30)
    told = bench.told("MeterValues")
    assert energies(told) == [
        ("Sample.Periodic", "1000"),
        ("Sample.Periodic", "700"),
    ]
    bench.meters(121_750)
    bench.asks("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    assert energies(bench.told("MeterValues")[2:]) == [("Trigger", "50")]
    bench.presents()
    bench.finishes(121_900)
    (stop,) = bench.told("StopTransaction")
    assert energies([{"meterValue": stop["transactionData"]}]) == [
        ("Transaction.Begin", "0"),
        ("Sample.Periodic", "1000"),
        ("Sample.Periodic", "700"),
        ("Transaction.End", "200"),
    ]


@pytest.mark.requirement("METER-48", "METER-22")
def test_the_energy_of_the_clocks_intervals_begins_with_a_whole_one() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.sets(ClockAlignedDataInterval=900, MeterValuesAlignedData=INTERVAL)
    bench.waits(905)
    assert bench.told("MeterValues") == []
    bench.meters(120_300)
    bench.waits(900)
    assert energies(bench.told("MeterValues")) == [("Sample.Clock", "300")]
    assert "transactionId" not in bench.told("MeterValues")[0]


@pytest.mark.requirement("METER-30", "METER-48", "METER-51")
def test_energy_counted_while_the_meter_was_silent_goes_to_the_next_interval() -> None:
    keys = {"ClockAlignedDataInterval": "900", "MeterValueSampleInterval": "0"}
    bench = Bench(keys={**keys, "MeterValuesAlignedData": INTERVAL})
    bench.waits(905)
    bench.happens(DeviceLost(1, "meter", Loss("no answer")))
    bench.waits(900)
    assert bench.told("MeterValues") == []
    bench.happens(DeviceBack(1, "meter"))
    bench.meters(120_500)
    bench.waits(900)
    assert energies(bench.told("MeterValues")) == [("Sample.Clock", "500")]


@pytest.mark.key("ClockAlignedDataTimeZone")
@pytest.mark.requirement("METER-21")
def test_the_clocks_grid_may_begin_at_the_midnight_of_another_zone() -> None:
    bench = Bench(keys={"ClockAlignedDataInterval": "25200"})
    bench.sets(ClockAlignedDataTimeZone="Asia/Kolkata")
    bench.waits(86_400)
    assert stamps(bench.told("MeterValues")) == [
        "2026-03-02T08:30:00.000Z",  # 14:00 there
        "2026-03-02T15:30:00.000Z",
        "2026-03-02T18:30:00.000Z",  # midnight
        "2026-03-03T01:30:00.000Z",
    ]


@pytest.mark.requirement("METER-42", "TXN-23")
def test_a_register_is_the_meters_own_in_every_transaction() -> None:
    bench = Bench(keys={"StopTxnSampledData": REGISTER})
    bench.charges()
    bench.waits(60)
    bench.presents()
    bench.finishes(126_000)
    bench.unplugs()
    bench.charges()
    bench.meters(127_000)
    bench.waits(60)
    bench.presents()
    bench.finishes(128_500)
    starts, stops = bench.told("StartTransaction"), bench.told("StopTransaction")
    assert [start["meterStart"] for start in starts] == [120_000, 126_000]
    assert [stop["meterStop"] for stop in stops] == [126_000, 128_500]
    told = [
        int(value)
        for stop in stops
        for _, value in energies([{"meterValue": stop["transactionData"]}], REGISTER)
    ]
    assert (
        told == sorted(told) == [120_000, 120_000, 126_000, 126_000, 127_000, 128_500]
    )


@pytest.mark.requirement("METER-49")
@pytest.mark.parametrize("wanted", ["", "SoC"])
def test_what_the_meter_signed_travels_in_the_bill_whatever_is_wanted(
    wanted: str,
) -> None:
    bench = Bench(keys={"StopTxnSampledData": wanted})
    bench.meters(120_000, signed=b"OCMF|begin")
    bench.charges()
    bench.meters(121_000, signed=b"OCMF|middle")
    bench.waits(70)
    bench.presents()
    bench.finishes(121_500)
    (stop,) = bench.told("StopTransaction")
    signed = [
        (value["context"], bytes.fromhex(value["value"]))
        for element in stop["transactionData"]
        for value in element["sampledValue"]
        if value.get("format") == "SignedData"
    ]
    assert signed == [("Transaction.Begin", b"OCMF|begin")]
    assert "SignedData" not in str(bench.told("MeterValues"))


@pytest.mark.requirement("METER-49")
def test_the_bill_ends_with_what_the_meter_signed_after_the_contactors_opened() -> None:
    bench = Bench()
    bench.charges()
    bench.presents()
    bench.winds_down(121_000, signed=b"OCMF|end")
    (stop,) = bench.told("StopTransaction")
    (end,) = stop["transactionData"]
    assert end["sampledValue"] == [
        {
            "value": b"OCMF|end".hex(),
            "context": "Transaction.End",
            "format": "SignedData",
            "measurand": REGISTER,
            "location": "Outlet",
        }
    ]


@pytest.mark.requirement("METER-25")
def test_samples_of_both_grids_at_one_moment_stand_apart() -> None:
    bench = Bench(keys={"ClockAlignedDataInterval": "30"})
    bench.waits(30 - bench.now_s % 30)
    bench.sets(MeterValueSampleInterval=30)
    bench.plugs()
    while bench.clock.now().utc.second % 30 or bench.clock.now().utc.microsecond:
        bench.waits(0.125)
    bench.presents()
    bench.waits(30)
    first, second = bench.told("MeterValues")[-2:]
    assert stamps([first]) == stamps([second])
    contexts = [
        m["meterValue"][0]["sampledValue"][0]["context"] for m in (first, second)
    ]
    assert sorted(contexts) == ["Sample.Clock", "Sample.Periodic"]
    assert [len(m["meterValue"]) for m in (first, second)] == [1, 1]
