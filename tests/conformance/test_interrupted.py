"""Faults, power cuts, and what happens without the CSMS (Core)."""

import pytest

from tests.conformance.order import (
    LOCAL,
    Wanted,
    boot,
    started,
    status,
    stopped,
    values,
)
from tests.conformance.stage import REFUSED, SINGLE, Stage
from tests.conformance.states import (
    REJECTED,
    until_booted,
    until_broken,
    until_charging,
    until_ended,
    until_listed,
    until_unavailable,
)
from tests.conformance.test_metering import at, expects_spaced, sampled
from tests.conformance.test_remote import OTHERS

INVALID = REFUSED["Invalid"]


@pytest.mark.requirement("TXN-40")
async def test_tc_032_2_power_failure_in_a_transaction(stage: Stage) -> None:
    await until_charging(stage)
    await stage.power_cycle()
    await stage.expects(boot())
    await stage.expects_each(
        status("Preparing", "Finishing"),
        *OTHERS,
        stopped("PowerLoss"),
        perhaps=(status("Available", "Unavailable"),),
    )


@pytest.mark.requirement("REM-34")
async def test_tc_034_power_failure_out_of_service(stage: Stage) -> None:
    await until_unavailable(stage, 0)
    await stage.power_cycle()
    await until_booted(stage, "Unavailable")


@pytest.mark.requirement("OFFL-17", "METER-20")
async def test_tc_036_connection_loss_in_a_transaction(stage: Stage) -> None:
    seconds = stage.times.sample_s
    await stage.sets(ClockAlignedDataInterval=0, MeterValueSampleInterval=seconds)
    await until_charging(stage)
    limit_s = 2 * seconds + stage.times.patience_s
    told = [await stage.expects(values(), within_s=limit_s)]
    await stage.cuts_network()
    lost = stage.utc()
    await stage.passes(3.1 * seconds)
    found = stage.utc()
    await stage.restores_network()
    while at(told[-1]) < found:
        after = await stage.expects(values(), within_s=limit_s)
        if after.payload != told[-1].payload:  # else the link was lost to its answer
            told.append(after)
    expects_spaced(stage, told, seconds)
    assert len([each for each in told if lost < at(each) < found]) >= 3
    for each in told:
        assert {s.get("format", "Raw") for s in sampled(each)} == {"Raw"}
        assert {s.get("context") for s in sampled(each)} == {"Sample.Periodic"}


async def starts_offline(stage: Stage, id_tag: str) -> None:
    await stage.cuts_network()
    await stage.plug()
    await stage.expects_seen("Preparing")
    await stage.card(id_tag)
    await stage.expects_seen("Charging")


@pytest.mark.requirement("OFFL-18")
@pytest.mark.key("LocalAuthorizeOffline")
async def test_tc_037_1_offline_start(stage: Stage) -> None:
    await until_listed(stage)
    await stage.sets(LocalAuthorizeOffline=True)
    await starts_offline(stage, SINGLE)
    await stage.restores_network()
    await stage.expects_each(started(SINGLE), status("Charging"))


async def starts_unknown(stage: Stage, *, stops: bool) -> None:
    """Start offline for a driver whom the CSMS refuses later."""
    await stage.sets(
        AllowOfflineTxForUnknownId=True,
        MaxEnergyOnInvalidId=0,
        StopTransactionOnInvalidId=stops,
    )
    await starts_offline(stage, INVALID)
    await stage.restores_network()
    await stage.expects_each(started(INVALID), status("Charging"))


@pytest.mark.requirement("AUTH-41")
@pytest.mark.key("AllowOfflineTxForUnknownId", "MaxEnergyOnInvalidId")
@pytest.mark.key("StopTransactionOnInvalidId")
async def test_tc_037_2_offline_start_that_is_refused_later(stage: Stage) -> None:
    await starts_unknown(stage, stops=False)
    await stage.expects(status("SuspendedEVSE"))
    await stage.expects_nothing(Wanted("StopTransaction"))


@pytest.mark.requirement("AUTH-40")
@pytest.mark.key("AllowOfflineTxForUnknownId", "StopTransactionOnInvalidId")
async def test_tc_037_3_offline_start_that_is_ended_later(stage: Stage) -> None:
    await starts_unknown(stage, stops=True)
    await until_ended(stage, "DeAuthorized")


async def test_tc_038_offline_stop(stage: Stage) -> None:
    await until_charging(stage)
    await stage.cuts_network()
    await stage.card(SINGLE)
    await stage.expects_seen("Finishing")
    await stage.restores_network()
    await until_ended(stage, *LOCAL)


@pytest.mark.requirement("OFFL-19")
async def test_tc_039_offline_transaction(stage: Stage) -> None:
    await until_listed(stage)
    await starts_offline(stage, SINGLE)
    await stage.card(SINGLE)
    await stage.expects_seen("Finishing")
    await stage.unplug()
    await stage.expects_seen("Available")
    await stage.restores_network()
    start = await stage.expects(started(SINGLE))
    stop = await stage.expects(stopped(*LOCAL))
    assert start.payload["timestamp"] < stop.payload["timestamp"]
    await stage.expects_nothing(Wanted("StatusNotification"))


@pytest.mark.requirement("TXN-32")
async def test_tc_041_no_start_in_a_fault(stage: Stage) -> None:
    await until_broken(stage, 0)
    start = {"connectorId": 1, "idTag": SINGLE}
    assert await stage.asks("RemoteStartTransaction", **start) == REJECTED
    await stage.plug()
    await stage.card(SINGLE)
    await stage.expects_nothing(Wanted("StartTransaction"))
    await stage.mends(0)
    await stage.expects_each(*OTHERS, status("Preparing"))
