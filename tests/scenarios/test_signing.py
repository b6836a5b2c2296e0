"""What a meter signs travels with the bill, come what may."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chargerd.core.events import (
    CommandFailed,
    DeviceLost,
    MeterClosed,
    MeterOpened,
)
from chargerd.core.permissive import Loss
from chargerd.core.sealing import OPENED_WITHIN_S, Sealing
from chargerd.store.database import Store
from hal.values import MeterReading, SupplyReading, VehiclePhase
from tests.scenarios.bench import CARD, FITTED, FITTING, OTHER_CARD, Bench, record
from tests.scenarios.csms import Json

SIGNING = replace(FITTING, fitted=FITTED | {"supply"}, signs=True)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Store(tmp_path / "chargerd.db")
    yield Bench(store=store, fitting=SIGNING)
    store.close()


def signed(bench: Bench) -> list[list[tuple[str, bytes]]]:
    """Return what each StopTransaction carries that is signed, with its context."""
    return [
        [
            (value["context"], bytes.fromhex(value["value"]))
            for element in stop.get("transactionData", [])
            for value in element["sampledValue"]
            if value.get("format") == "SignedData"
        ]
        for stop in bench.told("StopTransaction")
    ]


def key(bench: Bench) -> str:
    return bench.charge_point.station.sessions[1].key


def faults(bench: Bench) -> list[str]:
    active = bench.charge_point.station.health.active
    return [each.fault.name for each in active]


def told(bench: Bench) -> Json:
    return bench.told("StatusNotification")[-1]


@pytest.mark.requirement("METER-49")
def test_the_meters_own_transaction_goes_along_with_ours(bench: Bench) -> None:
    bench.plugs()
    assert bench.output.sealing is None
    bench.presents()
    one = key(bench)
    assert bench.output.sealing == Sealing(one, CARD, open=True)
    bench.energizes()
    bench.presents()
    assert bench.output.sealing == Sealing(one, CARD, open=True)
    bench.winds_down(121_000)
    bench.vehicle(VehiclePhase.FINISHED)

    assert bench.output.sealing is None
    assert signed(bench) == [[("Transaction.End", record(one))]]
    assert faults(bench) == []


def test_a_meter_that_signs_the_beginning_is_heard_too(bench: Bench) -> None:
    bench.signs = False
    bench.plugs()
    bench.presents()
    one = key(bench)
    bench.happens(MeterOpened(1, one, b"OCMF|begin"))
    bench.energizes()
    bench.signs = True
    bench.presents()
    bench.winds_down(121_000)
    ends = [("Transaction.Begin", b"OCMF|begin"), ("Transaction.End", record(one))]
    assert signed(bench) == [ends]


def test_no_energy_flows_before_the_meter_has_begun(bench: Bench) -> None:
    bench.signs = False
    bench.plugs()
    bench.presents()
    bench.vehicle(VehiclePhase.CABLE_CHECK)
    assert not bench.output.live
    assert bench.phase() == "handshake"
    bench.happens(MeterOpened(1, "another transaction"))
    assert bench.phase() == "handshake"
    bench.happens(MeterOpened(1, key(bench)))
    assert bench.phase() == "cable check"


def test_a_meter_that_does_not_begin_is_a_fault_after_a_while(bench: Bench) -> None:
    bench.signs = False
    bench.plugs()
    bench.presents()
    bench.happens(CommandFailed(1, "meter", "clock not set"))
    assert faults(bench) == []
    bench.waits(OPENED_WITHIN_S)
    bench.happens(CommandFailed(1, "meter", "clock not set"))
    assert faults(bench) == ["meter-unsigned"]
    assert (told(bench)["status"], told(bench)["errorCode"]) == (
        "Faulted",
        "PowerMeterFailure",
    )
    bench.waits(5)
    assert [stop["meterStop"] for stop in bench.told("StopTransaction")] == [120_000]
    bench.unplugs()
    assert faults(bench) == []


@pytest.mark.requirement("METER-49")
def test_a_bill_without_its_signature_is_closed_in_time_and_says_so(
    bench: Bench,
) -> None:
    bench.charges()
    bench.signs = False
    bench.presents()
    bench.winds_down(121_000)
    assert bench.told("StopTransaction") == []
    bench.waits(3)

    assert [stop["meterStop"] for stop in bench.told("StopTransaction")] == [121_000]
    assert signed(bench) == [[]]
    assert faults(bench) == ["meter-unsigned"]
    bench.unplugs()
    assert faults(bench) == []


def test_a_meter_that_has_nothing_to_show_is_not_waited_for(bench: Bench) -> None:
    bench.charges()
    bench.signs = False
    bench.presents()
    bench.winds_down(121_000)
    bench.happens(MeterClosed(1, key(bench), None))
    assert len(bench.told("StopTransaction")) == 1
    assert faults(bench) == ["meter-unsigned"]


def test_a_record_that_comes_too_late_is_told_to_people(bench: Bench) -> None:
    bench.charges()
    one = key(bench)
    bench.signs = False
    bench.presents()
    bench.winds_down(121_000)
    bench.waits(3)
    step = bench.happens(MeterClosed(1, one, b"OCMF|late"))
    assert "came after the bill was closed" in str(step.told)
    assert signed(bench) == [[]]


def test_a_beginning_that_is_signed_too_late_is_left_out(bench: Bench) -> None:
    bench.plugs()
    bench.presents()
    one = key(bench)
    bench.unplugs()
    bench.waits(5)
    bench.happens(MeterOpened(1, one, b"OCMF|late"))
    assert signed(bench) == [[("Transaction.End", record(one))]]


@pytest.mark.requirement("METER-49", "TXN-41")
def test_after_a_restart_the_meters_open_transaction_is_closed_and_signed(
    bench: Bench,
) -> None:
    bench.charges()
    one = key(bench)
    bench.restarts()
    bench.waits(1)

    assert signed(bench) == [[("Transaction.End", record(one))]]
    assert bench.told("StopTransaction")[0]["reason"] == "PowerLoss"
    assert bench.output.sealing is None
    assert faults(bench) == []
    bench.charges(OTHER_CARD)
    assert bench.output.sealing == Sealing(key(bench), OTHER_CARD, open=True)


@pytest.mark.parametrize("plugged", [True, False])
def test_after_a_restart_a_meter_that_does_not_sign_is_not_waited_for_for_ever(
    bench: Bench, plugged: bool
) -> None:
    bench.charges()
    bench.signs = False
    bench.restarts()
    assert bench.output.sealing is not None
    if plugged:
        bench.plugs()
    bench.waits(5)

    assert signed(bench) == [[]]
    assert bench.output.sealing is None
    assert ("meter-unsigned" in faults(bench)) is plugged


def test_a_failing_supply_leaves_the_bill_to_who_can_sign_it(bench: Bench) -> None:
    bench.charges()
    bench.meters(121_000)
    one = key(bench)
    bench.reads(SupplyReading(at_s=0.0, failing=True))
    bench.reads(SupplyReading(at_s=0.0, failing=True))
    assert not bench.output.live
    assert bench.told("StopTransaction") == []
    bench.registers_wh[1] = 121_000
    bench.restarts()
    bench.waits(1)

    (stop,) = bench.told("StopTransaction")
    assert (stop["meterStop"], stop["reason"]) == (121_000, "PowerLoss")
    assert signed(bench) == [[("Transaction.End", record(one))]]


def test_a_supply_that_fails_where_nobody_pays_changes_nothing(bench: Bench) -> None:
    bench.reads(SupplyReading(at_s=0.0, failing=True))
    assert bench.messages() == []


@pytest.mark.requirement("METER-49", "METER-30")
def test_what_a_meter_signed_last_stands_under_its_true_time_when_it_is_silent() -> (
    None
):
    bench = Bench()
    bench.meters(120_000, signed=b"OCMF|begin")
    bench.charges()
    bench.meters(121_000, signed=b"OCMF|last")
    at = bench.clock.now().utc
    bench.silent.add(MeterReading)
    bench.happens(DeviceLost(1, "meter", Loss("no answer")))
    bench.waits(10)

    (stop,) = bench.told("StopTransaction")
    assert signed(bench) == [
        [("Transaction.Begin", b"OCMF|begin"), ("Transaction.End", b"OCMF|last")]
    ]
    last = stop["transactionData"][-1]["timestamp"]
    assert last == f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


@pytest.mark.requirement("METER-49", "TXN-41")
def test_a_meter_that_signs_each_reading_signs_the_bill_of_a_power_cut(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "chargerd.db")
    bench = Bench(store=store)
    bench.meters(120_000, signed=b"OCMF|begin")
    bench.charges()
    bench.meter_says = {"signed": b"OCMF|end"}
    bench.restarts()
    bench.waits(1)
    assert signed(bench) == [
        [("Transaction.Begin", b"OCMF|begin"), ("Transaction.End", b"OCMF|end")]
    ]
    store.close()


@pytest.mark.requirement("METER-49", "OFFL-21")
def test_what_is_signed_stays_however_short_a_message_must_be() -> None:
    keys = {"StopTxnSampledData": "SoC", "MaxMessageSize": "600"}
    bench = Bench(fitting=SIGNING, keys={**keys, "MeterValueSampleInterval": "2"})
    bench.charges()
    one = key(bench)
    bench.disconnects()
    bench.waits(120)
    bench.presents()
    bench.winds_down(121_000)
    bench.connects()
    bench.waits(60)
    (stop,) = bench.told("StopTransaction")
    assert len(stop["transactionData"]) < 5
    assert signed(bench) == [[("Transaction.End", record(one))]]
