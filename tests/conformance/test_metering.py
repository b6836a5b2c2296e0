"""Meter values, by the second (Core)."""

from datetime import UTC, datetime
from typing import Final

import pytest

from tests.conformance.order import Heard, Json, Wanted, values
from tests.conformance.stage import Stage
from tests.conformance.states import until_charging

MEASURANDS: Final = "Energy.Active.Import.Register,Current.Import,Voltage,SoC"


def at(told: Heard) -> datetime:
    (value,) = told.payload["meterValue"]
    return datetime.fromisoformat(value["timestamp"])


def sampled(told: Heard) -> list[Json]:
    (value,) = told.payload["meterValue"]
    samples: list[Json] = value["sampledValue"]
    return samples


def expects_spaced(stage: Stage, told: list[Heard], seconds: float) -> None:
    """Find the times that messages tell exactly so far apart."""
    for earlier, later in zip(told, told[1:], strict=False):
        apart_s = (at(later) - at(earlier)).total_seconds()
        assert abs(apart_s - seconds) <= stage.times.exactness_s, apart_s


def complete(told: Heard, context: str) -> None:
    """Find every measurand that was asked for, in the way that it was measured."""
    samples = sampled(told)
    assert {sample["measurand"] for sample in samples} == set(MEASURANDS.split(","))
    assert {sample["context"] for sample in samples} == {context}
    places = {s["measurand"] for s in samples if s.get("location") == "EV"}
    assert places <= {"SoC"}


async def several(stage: Stage, wanted: Wanted, seconds: float) -> list[Heard]:
    limit_s = 2 * seconds + stage.times.patience_s
    return [await stage.expects(wanted, within_s=limit_s) for _ in range(3)]


@pytest.mark.requirement("METER-08", "METER-20")
@pytest.mark.key("MeterValueSampleInterval", "MeterValuesSampledData")
async def test_tc_070_sampled_meter_values(stage: Stage) -> None:
    seconds = stage.times.sample_s
    await stage.sets(
        ClockAlignedDataInterval=0,
        MeterValueSampleInterval=seconds,
        MeterValuesSampledData=MEASURANDS,
    )
    start = await until_charging(stage)
    told = await several(stage, values(), seconds)
    began = datetime.fromisoformat(start.payload["timestamp"])
    since_s = (at(told[0]) - began).total_seconds()
    assert abs(since_s - seconds) <= stage.times.exactness_s
    expects_spaced(stage, told, seconds)
    for each in told:
        complete(each, "Sample.Periodic")


@pytest.mark.requirement("METER-08", "METER-21")
@pytest.mark.key("ClockAlignedDataInterval", "MeterValuesAlignedData")
async def test_tc_071_clock_aligned_meter_values(stage: Stage) -> None:
    seconds = stage.times.aligned_s
    await stage.sets(
        ClockAlignedDataInterval=seconds,
        MeterValueSampleInterval=0,
        MeterValuesAlignedData=MEASURANDS,
    )
    await until_charging(stage)
    in_transaction = Wanted(
        "MeterValues",
        {"connectorId": 1, "transactionId": await stage.transaction()},
    )
    told = await several(stage, in_transaction, seconds)
    for each in told:
        midnight = datetime.combine(at(each), datetime.min.time(), UTC)
        assert (at(each) - midnight).total_seconds() % seconds == 0
        complete(each, "Sample.Clock")
    expects_spaced(stage, told, seconds)
