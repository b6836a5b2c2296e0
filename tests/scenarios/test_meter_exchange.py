"""Meters are exchanged and lose what they counted; the bills go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.core.effects import MeterExchanged
from chargerd.core.events import RestartRequested
from chargerd.core.reasons import Cause
from chargerd.core.registers import CONSISTENT
from chargerd.store.database import Store
from chargerd.store.reader import Reader
from hal.values import PowerReading
from tests.scenarios.bench import Bench

STRICT = {"MeterStepLimit": "110"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Store(tmp_path / "chargerd.db")
    yield Bench(store=store, keys=STRICT)
    store.close()


def bills(bench: Bench) -> list[tuple[int, int]]:
    starts = [each["meterStart"] for each in bench.told("StartTransaction")]
    stops = [each["meterStop"] for each in bench.told("StopTransaction")]
    return list(zip(starts, stops, strict=True))


def exchange(bench: Bench, register_wh: int) -> None:
    """Let another meter speak until it is believed, and its fault has cleared."""
    for _ in range(CONSISTENT):
        bench.meters(register_wh)
    bench.waits(10)


def counts(bench: Bench, to_wh: int) -> None:
    """Let the meter count as fast as the station delivers."""
    while bench.registers_wh[1] < to_wh:
        bench.waits(18)
        bench.meters(min(bench.registers_wh[1] + 300, to_wh))


def charge(bench: Bench, from_wh: int, to_wh: int) -> None:
    bench.charges()
    counts(bench, to_wh)
    bench.presents()
    bench.finishes(to_wh)
    bench.unplugs()


def exchanges(bench: Bench) -> list[MeterExchanged]:
    told = [effect for step in bench.steps for effect in step.told]
    return [effect for effect in told if isinstance(effect, MeterExchanged)]


@pytest.mark.requirement("METER-42", "TXN-23")
def test_a_new_meter_goes_on_where_the_old_one_ended(bench: Bench) -> None:
    charge(bench, 120_000, 125_000)
    exchange(bench, 17)
    charge(bench, 17, 3_017)

    assert bills(bench) == [(120_000, 125_000), (125_000, 128_000)]
    assert len(exchanges(bench)) == 1


def test_a_meter_that_is_not_believed_yet_is_a_fault_and_starts_nothing(
    bench: Bench,
) -> None:
    bench.plugs()
    for _ in range(CONSISTENT - 1):
        bench.meters(17)
    bench.presents()
    assert bench.messages() == []
    report = bench.told("StatusNotification")[-1]
    assert (report["status"], report["errorCode"]) == ("Faulted", "PowerMeterFailure")

    bench.meters(17)
    bench.waits(10)
    bench.presents()
    assert bench.told("StartTransaction")[0]["meterStart"] == 120_000


@pytest.mark.requirement("METER-42", "METER-30")
@pytest.mark.parametrize("wrong_wh", [0, 119_000, 1_000_000_000])
def test_a_step_in_a_transaction_ends_it_at_the_last_good_register(
    bench: Bench, wrong_wh: int
) -> None:
    bench.charges()
    counts(bench, 124_000)
    bench.waits(60)
    for _ in range(CONSISTENT):
        bench.meters(wrong_wh)
    assert not bench.output.live
    bench.winds_down(wrong_wh)
    bench.waits(3)

    assert bills(bench) == [(120_000, 124_000)]
    assert bench.told("StopTransaction")[0]["reason"] == "Other"
    report = bench.told("StatusNotification")[-1]
    assert (report["status"], report["errorCode"]) == ("Faulted", "PowerMeterFailure")
    told = bench.told("MeterValues")
    assert f"'value': '{wrong_wh}'" not in str(told)
    assert "'value': '124000'" in str(told)


def test_a_register_in_kilowatt_hours_is_found_before_much_is_given_away(
    bench: Bench,
) -> None:
    bench.charges()
    full = PowerReading(at_s=0, voltage_v=400, current_a=125, temperature_c=40)
    for second in range(20):
        bench.reads(full)
        bench.meters(120_000 + 50 * second // 3_600)
        bench.clock.advance(0.75)
    assert not bench.output.live
    report = bench.told("StatusNotification")[-1]
    assert (report["status"], report["errorCode"]) == ("Faulted", "PowerMeterFailure")


def test_a_register_in_milliwatt_hours_is_not_billed(bench: Bench) -> None:
    bench.charges()
    for _ in range(10):
        bench.waits(1)
        bench.meters(bench.registers_wh[1] + 16 * 1_000)
    bench.waits(5)
    assert bills(bench) == [(120_000, 120_000)]


@pytest.mark.requirement("PERS-13")
def test_the_offset_outlives_the_process_and_so_does_the_last_register(
    bench: Bench,
) -> None:
    exchange(bench, 17)
    charge(bench, 17, 3_017)
    bench.registers_wh[1] = 2
    bench.restarts()
    exchange(bench, 2)
    charge(bench, 2, 1_002)

    assert bills(bench) == [(120_000, 123_000), (123_000, 124_000)]
    assert bench.store is not None
    reader = Reader(bench.store.path)
    kept = [
        (row["why"], row["old_wh"], row["new_wh"], row["offset_wh"])
        for row in reader.exchanges(1, 10)
    ]
    reader.close()
    assert kept == [
        ("the register went back", 3_017, 2, 122_998),
        ("the register went back", 120_000, 17, 119_983),
    ]


@pytest.mark.requirement("TXN-41")
def test_a_meter_exchanged_in_a_power_cut_bills_what_the_disk_knows(
    bench: Bench,
) -> None:
    bench.charges()
    counts(bench, 121_000)
    bench.waits(60)
    bench.registers_wh[1] = 40
    bench.restarts()
    exchange(bench, 40)
    bench.waits(60)
    charge(bench, 40, 1_040)

    assert bills(bench) == [(120_000, 121_000), (121_000, 122_000)]


@pytest.mark.requirement("METER-42")
def test_what_was_told_without_a_transaction_does_not_run_back_either(
    bench: Bench,
) -> None:
    bench.sets(ClockAlignedDataInterval=60)
    bench.meters(120_040)
    bench.waits(60)
    bench.registers_wh[1] = 0
    bench.restarts()
    exchange(bench, 0)
    bench.waits(60)
    told = [
        value["value"]
        for each in bench.told("MeterValues")
        for value in each["meterValue"][0]["sampledValue"]
    ]
    assert set(told) == {"120040"}


def test_a_stop_in_good_order_writes_the_register_down(bench: Bench) -> None:

    bench.meters(120_050)
    bench.happens(RestartRequested(0, Cause.RESTART))
    assert bench.store is not None
    (kept,) = bench.store.restore(bench.clock.now().utc).registers
    assert kept.public_wh == 120_050
