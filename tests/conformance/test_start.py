"""Boot, and sessions that begin and end on the spot (Core)."""

import pytest

from tests.conformance.order import (
    LOCAL,
    Wanted,
    authorize,
    boot,
    heartbeat,
    status,
    stopped,
)
from tests.conformance.stage import (
    ANOTHER,
    FELLOW_CARD,
    FLEET_CARD,
    REFUSED,
    SINGLE,
    Stage,
)
from tests.conformance.states import (
    ACCEPTED,
    expect_everywhere,
    until_authorized,
    until_begun,
    until_cached,
    until_charging,
    until_ended,
    until_occupied,
    until_remotely_started,
)

FINISHING = (status("Finishing"),)
"""What a cable that is fixed to the station may leave out."""


async def boots_twice(stage: Stage, first: str) -> None:
    """Give it power; answer its first boot so, and its second one kindly."""
    times = stage.times
    later = {"status": first, "interval": times.boot_retry_s}
    stage.will("BootNotification", later, {"interval": times.heartbeat_s})
    await stage.power_cycle()


async def boots_again(stage: Stage) -> None:
    times = stage.times
    first = stage.heard(boot())[-1]
    second = await stage.expects(boot(), within_s=2 * times.boot_retry_s)
    stage.expects_spaced(first, second, times.boot_retry_s)
    await expect_everywhere(stage, "Available")
    limit_s = 2 * times.heartbeat_s
    first = await stage.expects(heartbeat(), within_s=limit_s)
    second = await stage.expects(heartbeat(), within_s=limit_s)
    stage.expects_spaced(first, second, times.heartbeat_s)


@pytest.mark.requirement("BOOT-06", "BOOT-10", "BOOT-17", "HB-01")
async def test_tc_001_cold_boot(stage: Stage) -> None:
    await boots_twice(stage, "Rejected")
    await stage.expects(boot())
    await stage.expects_nothing(for_s=stage.times.boot_retry_s * 0.7)
    await boots_again(stage)


@pytest.mark.requirement("BOOT-06", "BOOT-13", "BOOT-17", "HB-01")
async def test_tc_002_cold_boot_pending(stage: Stage) -> None:
    await boots_twice(stage, "Pending")
    await stage.expects(boot())
    assert "configurationKey" in await stage.asks("GetConfiguration")
    await stage.sets(MeterValueSampleInterval=30)
    await stage.expects_nothing(for_s=stage.times.boot_retry_s * 0.5)
    await boots_again(stage)


@pytest.mark.daemon_too
@pytest.mark.requirement("AUTH-01", "TXN-01")
async def test_tc_003_plug_first(stage: Stage) -> None:
    await until_occupied(stage)
    await stage.card(SINGLE)
    await stage.expects(authorize(SINGLE))
    await until_begun(stage)


@pytest.mark.daemon_too
@pytest.mark.requirement("AUTH-01", "AUTH-18", "TXN-01")
async def test_tc_004_1_identification_first(stage: Stage) -> None:
    await until_authorized(stage)
    await stage.plug()
    await until_begun(stage)


@pytest.mark.requirement("AUTH-18")
@pytest.mark.key("ConnectionTimeOut")
async def test_tc_004_2_identification_first_time_out(stage: Stage) -> None:
    await stage.sets(ConnectionTimeOut=stage.times.connection_timeout_s)
    await until_authorized(stage)
    await times_out(stage)


async def times_out(stage: Stage) -> None:
    """Hear that a driver who was welcome has not come."""
    limit_s = stage.times.connection_timeout_s
    (*_, preparing) = stage.heard(status("Preparing"))
    available = await stage.expects(status("Available"), within_s=2 * limit_s)
    stage.expects_spaced(preparing, available, limit_s)


@pytest.mark.requirement("STAT-35", "TXN-26")
@pytest.mark.key("StopTransactionOnEVSideDisconnect")
async def test_tc_005_2_unplug_ends_the_transaction(stage: Stage) -> None:
    await stage.sets(StopTransactionOnEVSideDisconnect=True)
    await until_charging(stage)
    await stage.unplug()
    await stage.expects_each(
        stopped("EVDisconnected"), status("Available"), perhaps=FINISHING
    )
    answer = await stage.asks("UnlockConnector", connectorId=1)
    assert answer == {"status": "NotSupported"}


@pytest.mark.requirement("STAT-35", "TXN-26")
@pytest.mark.key("StopTransactionOnEVSideDisconnect")
async def test_tc_005_3_unplug_suspends_the_transaction(stage: Stage) -> None:
    await stage.sets(StopTransactionOnEVSideDisconnect=False)
    await until_charging(stage)
    await stage.unplug()
    away = "EV side disconnected"
    await stage.expects(status("SuspendedEV", errorCode="NoError", info=away))
    number = await stage.transaction()
    answer = await stage.asks("RemoteStopTransaction", transactionId=number)
    assert answer == ACCEPTED
    await stage.expects_each(
        stopped("Remote", transactionId=number), status("Available"), perhaps=FINISHING
    )


@pytest.mark.requirement("AUTH-05")
@pytest.mark.key("LocalPreAuthorize")
async def test_tc_007_1_start_with_a_cached_card(stage: Stage) -> None:
    await until_cached(stage)
    await stage.sets(LocalPreAuthorize=True)
    await until_occupied(stage)
    await stage.card(SINGLE)
    await until_begun(stage)
    assert not stage.heard(Wanted("Authorize"))


@pytest.mark.requirement("AUTH-05", "REM-05")
@pytest.mark.key("LocalPreAuthorize")
async def test_tc_007_2_remote_start_with_a_cached_card(stage: Stage) -> None:
    await until_cached(stage)
    await stage.sets(LocalPreAuthorize=True, AuthorizeRemoteTxRequests=True)
    await until_occupied(stage)
    await until_remotely_started(stage, known=True)
    await until_begun(stage)
    assert not stage.heard(Wanted("Authorize"))


@pytest.mark.requirement("AUTH-16")
@pytest.mark.key("MinimumStatusDuration")
async def test_tc_023_authorize_refused(stage: Stage) -> None:
    times = stage.times
    await stage.sets(
        ConnectionTimeOut=3600,
        LocalPreAuthorize=True,
        MinimumStatusDuration=times.minimum_status_s,
    )
    plugged_s = stage.now_s
    await stage.plug()
    preparing = await stage.expects(
        status("Preparing"), within_s=times.minimum_status_s + times.patience_s
    )
    assert preparing.at_s - plugged_s >= times.minimum_status_s
    await nobody_charges(stage)


@pytest.mark.requirement("AUTH-16")
async def test_tc_023_4_refused_before_the_plug(stage: Stage) -> None:
    await stage.sets(LocalPreAuthorize=True)
    await nobody_charges(stage)
    await stage.plug()
    await stage.expects(status("Preparing"))
    await stage.expects_nothing(Wanted("StartTransaction"), status("Charging"))


async def nobody_charges(stage: Stage) -> None:
    for card in REFUSED.values():
        await stage.card(card)
        await stage.expects(authorize(card))
        await stage.expects_nothing(Wanted("StartTransaction"), status("Charging"))


@pytest.mark.requirement("CACHE-07")
async def test_tc_061_1_clear_the_cache(stage: Stage) -> None:
    await stage.sets(LocalPreAuthorize=True)
    await until_authorized(stage)
    await stage.card(SINGLE)
    await stage.expects(status("Available"))
    assert await stage.asks("ClearCache") == ACCEPTED
    await until_authorized(stage)


@pytest.mark.requirement("CACHE-07")
async def test_tc_061_2_clear_the_cache_before_a_remote_start(stage: Stage) -> None:
    await stage.sets(
        AuthorizeRemoteTxRequests=True,
        ConnectionTimeOut=stage.times.connection_timeout_s,
        LocalPreAuthorize=True,
    )
    await until_remotely_started(stage)
    await stage.expects(status("Preparing"))
    await times_out(stage)
    assert await stage.asks("ClearCache") == ACCEPTED
    await until_remotely_started(stage)
    await stage.expects(status("Preparing"))


@pytest.mark.requirement("AUTH-30", "AUTH-32", "AUTH-35")
async def test_tc_068_stop_with_the_same_card(stage: Stage) -> None:
    await until_charging(stage)
    await until_charging(stage, "0BEE0001", connector=2)
    await stage.card(ANOTHER)
    await stage.expects_nothing(Wanted("Authorize"), Wanted("StopTransaction"))
    await stage.card(SINGLE)
    await until_ended(stage, *LOCAL, idTag=SINGLE)


@pytest.mark.requirement("AUTH-31", "AUTH-34", "AUTH-35")
async def test_tc_069_stop_with_a_card_of_the_same_group(stage: Stage) -> None:
    await until_charging(stage, FLEET_CARD)
    await until_charging(stage, "0BEE0001", connector=2)
    await stage.card(FELLOW_CARD)
    await stage.expects(authorize(FELLOW_CARD))
    await until_ended(stage, *LOCAL, idTag=FELLOW_CARD)
