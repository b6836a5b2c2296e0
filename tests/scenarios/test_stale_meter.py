"""What nobody knows is not told; whether energy flows uncounted is a choice."""

from collections.abc import Mapping

import pytest

from chargerd.core.events import DeviceBack, DeviceLost
from chargerd.core.metering import FRESH_S
from chargerd.core.permissive import Loss
from hal.values import (
    ContactorReading,
    MeterReading,
    Position,
    PowerReading,
    VehicleReading,
)
from tests.scenarios.bench import Bench
from tests.scenarios.csms import Json

SAMPLED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
KEYS = {"MeterValueSampleInterval": "10", "MeterValuesSampledData": SAMPLED}
GOES_ON = {**KEYS, "StopTransactionOnMeterFailure": "false"}
SILENT = DeviceLost(1, "meter", Loss("no answer in 0.3 s"))
WRONG = DeviceLost(1, "meter", Loss("back from 9 to 8 Wh", implausible=True))


def charging(keys: Mapping[str, str] = KEYS) -> Bench:
    bench = Bench(keys=keys)
    bench.charges()
    bench.meters(121_000)
    return bench


def sampled(values: list[Json]) -> list[tuple[str, str, str]]:
    """Return what the last MeterValues says: measurand, location and value."""
    (element,) = values[-1]["meterValue"]
    told = element["sampledValue"]
    return [(one["measurand"], one["location"], one["value"]) for one in told]


def told(bench: Bench) -> tuple[str, str]:
    report = bench.told("StatusNotification")[-1]
    return report["status"], report["errorCode"]


@pytest.mark.requirement("METER-30")
def test_what_is_older_than_its_limit_is_left_out_of_a_sample() -> None:
    bench = charging()
    bench.silent = {MeterReading}
    bench.waits(10)
    assert sampled(bench.told("MeterValues"))[-1] == ("SoC", "EV", "42")
    assert "Register" not in str(bench.told("MeterValues")[-1])


@pytest.mark.requirement("METER-30", "METER-51")
def test_of_a_sample_in_which_nothing_is_fresh_nothing_is_sent() -> None:
    bench = charging()
    bench.silent = {MeterReading, PowerReading, VehicleReading}
    before = len(bench.told("MeterValues"))
    bench.waits(FRESH_S + 60)
    assert len(bench.told("MeterValues")) == before


@pytest.mark.requirement("METER-30")
def test_a_trigger_gets_nothing_stale_either() -> None:
    bench = Bench(keys=KEYS)
    bench.silent = {MeterReading}
    bench.waits(FRESH_S + 1)
    bench.asks("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    assert bench.told("MeterValues") == []


@pytest.mark.requirement("METER-30", "TXN-31")
@pytest.mark.parametrize("lost", [SILENT, WRONG], ids=["silent", "implausible"])
def test_a_lost_meter_ends_the_transaction_at_its_last_register(
    lost: DeviceLost,
) -> None:
    bench = charging()
    bench.happens(lost)
    assert not bench.output.live
    bench.waits(10)
    assert [stop["meterStop"] for stop in bench.told("StopTransaction")] == [121_000]
    assert told(bench) == ("Faulted", "PowerMeterFailure")


@pytest.mark.key("StopTransactionOnMeterFailure")
@pytest.mark.requirement("METER-30", "TXN-31")
@pytest.mark.parametrize("lost", [SILENT, WRONG], ids=["silent", "implausible"])
def test_where_the_operator_wants_it_energy_flows_on_by_the_modules_word(
    lost: DeviceLost,
) -> None:
    bench = charging(GOES_ON)
    bench.reads(
        PowerReading(at_s=0.0, voltage_v=400.0, current_a=100.0, temperature_c=40.0)
    )
    bench.happens(lost)
    assert bench.output.live
    assert told(bench) == ("Charging", "PowerMeterFailure")
    bench.waits(20)

    assert sampled(bench.told("MeterValues")) == [
        ("Power.Active.Import", "Body", "40000.0"),
        ("Current.Import", "Body", "100.00"),
        ("Voltage", "Body", "400.0"),
        ("SoC", "EV", "42"),
    ]
    bench.presents()
    bench.winds_down(125_000)
    assert [stop["meterStop"] for stop in bench.told("StopTransaction")] == [125_000]


@pytest.mark.requirement("METER-30")
def test_a_bill_without_its_meter_ends_at_the_last_register_that_was_good() -> None:
    bench = charging(GOES_ON)
    bench.silent = {MeterReading}
    bench.happens(SILENT)
    bench.waits(60)
    bench.presents()
    bench.reads(PowerReading(at_s=0, voltage_v=0, current_a=0, temperature_c=40))
    bench.reads(ContactorReading(at_s=0.0, position=Position.OPEN))
    bench.waits(5)
    assert [stop["meterStop"] for stop in bench.told("StopTransaction")] == [121_000]
    assert told(bench) == ("Faulted", "PowerMeterFailure")


@pytest.mark.requirement("TXN-32")
def test_nothing_begins_without_a_meter_whatever_the_operator_wants() -> None:
    bench = Bench(keys=GOES_ON)
    bench.happens(SILENT)
    bench.plugs()
    bench.presents()
    assert bench.told("StartTransaction") == []
    assert told(bench) == ("Faulted", "PowerMeterFailure")


def test_a_meter_that_is_back_is_told_again() -> None:
    bench = charging(GOES_ON)
    bench.happens(SILENT)
    bench.waits(20)
    bench.happens(DeviceBack(1, "meter"))
    bench.meters(122_000)
    bench.waits(10)
    assert told(bench) == ("Charging", "NoError")
    assert sampled(bench.told("MeterValues"))[0][1:] == ("Outlet", "122000")
