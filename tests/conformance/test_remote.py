"""What the CSMS does from afar: start, stop, reset, unlock, trigger (Core, Trigger)."""

import pytest

from tests.conformance.order import (
    Json,
    Wanted,
    boot,
    heartbeat,
    status,
    stopped,
    values,
)
from tests.conformance.stage import CONNECTORS, SINGLE, Stage
from tests.conformance.states import (
    ACCEPTED,
    REJECTED,
    until_begun,
    until_charging,
    until_ended,
    until_remotely_started,
    until_unavailable,
)
from tests.conformance.test_start import times_out

OTHERS = (status("Available", connector=0), status("Available", connector=2))
NOT_SUPPORTED = {"status": "NotSupported"}
UNKNOWN = len(CONNECTORS) + 1


@pytest.mark.requirement("REM-01", "REM-05")
async def test_tc_010_remote_start_plugged_first(stage: Stage) -> None:
    await until_charging(stage)


@pytest.mark.requirement("REM-01", "REM-05")
@pytest.mark.key("AuthorizeRemoteTxRequests")
@pytest.mark.parametrize("asks", [False, True])
async def test_tc_011_1_remote_start_first(stage: Stage, asks: bool) -> None:
    await stage.sets(AuthorizeRemoteTxRequests=asks)
    await until_remotely_started(stage)
    await stage.expects(status("Preparing"))
    await stage.plug()
    await until_begun(stage)


@pytest.mark.requirement("REM-06", "AUTH-18")
@pytest.mark.key("ConnectionTimeOut")
async def test_tc_011_2_remote_start_time_out(stage: Stage) -> None:
    await stage.sets(ConnectionTimeOut=stage.times.connection_timeout_s)
    await until_remotely_started(stage)
    await stage.expects(status("Preparing"))
    await times_out(stage)


@pytest.mark.daemon_too
@pytest.mark.requirement("REM-12")
async def test_tc_012_remote_stop(stage: Stage) -> None:
    await until_charging(stage)
    number = await stage.transaction()
    answer = await stage.asks("RemoteStopTransaction", transactionId=number)
    assert answer == ACCEPTED
    await until_ended(stage, "Remote", transactionId=number)


async def expects_idle_reset(stage: Stage, kind: str) -> None:
    await until_unavailable(stage, 1)
    assert await stage.asks("Reset", type=kind) == ACCEPTED
    await stage.expects(boot())
    await stage.expects_each(status("Unavailable"), *OTHERS)
    back = await stage.asks("ChangeAvailability", connectorId=1, type="Operative")
    assert back == ACCEPTED
    await stage.expects(status("Available"))


@pytest.mark.requirement("REM-34", "REM-52", "REM-53", "REM-54")
async def test_tc_013_hard_reset_without_a_transaction(stage: Stage) -> None:
    await expects_idle_reset(stage, "Hard")


@pytest.mark.requirement("REM-34", "REM-51", "REM-53", "REM-54")
async def test_tc_014_soft_reset_without_a_transaction(stage: Stage) -> None:
    await expects_idle_reset(stage, "Soft")


async def expects_busy_reset(stage: Stage, kind: str, stop: Wanted) -> None:
    """Reset in a transaction; its end may be told before the boot or after it."""
    await until_charging(stage)
    assert await stage.asks("Reset", type=kind) == ACCEPTED
    told = (stop, status("Finishing"))
    await stage.expects(boot(), perhaps=told, within_s=30 + stage.times.patience_s)
    parked = status("Finishing", "Preparing")
    if stage.heard(stop):
        await stage.expects_each(parked, *OTHERS)
    else:
        await stage.expects_each(parked, *OTHERS, stop)
    assert len(stage.heard(stop)) == 1


@pytest.mark.requirement("REM-50", "REM-52", "REM-53")
async def test_tc_015_hard_reset_in_a_transaction(stage: Stage) -> None:
    await expects_busy_reset(stage, "Hard", stopped("HardReset"))


@pytest.mark.requirement("REM-50", "REM-51", "REM-53")
async def test_tc_016_soft_reset_in_a_transaction(stage: Stage) -> None:
    await expects_busy_reset(stage, "Soft", stopped("SoftReset"))


@pytest.mark.requirement("REM-20")
async def test_tc_017_2_unlock_a_fixed_cable(stage: Stage) -> None:
    assert await stage.asks("UnlockConnector", connectorId=1) == NOT_SUPPORTED


@pytest.mark.requirement("REM-20")
async def test_tc_018_2_unlock_a_fixed_cable_in_a_transaction(stage: Stage) -> None:
    await until_charging(stage)
    assert await stage.asks("UnlockConnector", connectorId=1) == NOT_SUPPORTED
    await stage.expects_nothing(Wanted("StopTransaction"), Wanted("StatusNotification"))


@pytest.mark.requirement("REM-03")
async def test_tc_026_remote_start_rejected(stage: Stage) -> None:
    await stage.sets(LocalPreAuthorize=False)
    await until_charging(stage)
    answer = await stage.asks("RemoteStartTransaction", connectorId=1, idTag=SINGLE)
    assert answer == REJECTED


@pytest.mark.requirement("REM-02")
async def test_tc_027_remote_start_at_connector_0(stage: Stage) -> None:
    answer = await stage.asks("RemoteStartTransaction", connectorId=0, idTag=SINGLE)
    assert answer == REJECTED or "code" in answer


@pytest.mark.requirement("REM-12")
async def test_tc_028_remote_stop_of_an_unknown_number(stage: Stage) -> None:
    await until_charging(stage)
    number = await stage.transaction()
    answer = await stage.asks("RemoteStopTransaction", transactionId=number + 1)
    assert answer == REJECTED
    await stage.expects_nothing(Wanted("StopTransaction"))


@pytest.mark.requirement("REM-21")
async def test_tc_031_unlock_an_unknown_connector(stage: Stage) -> None:
    assert await stage.asks("UnlockConnector", connectorId=UNKNOWN) == NOT_SUPPORTED


@pytest.mark.contradicts(drops="what was only to be shown is not told again")
@pytest.mark.requirement("TRIG-01", "TRIG-02", "TRIG-03")
async def test_tc_054_trigger_a_message(stage: Stage) -> None:
    for wanted in (values(), heartbeat(), status("Available")):
        where = {n: v for n, v in wanted.fields.items() if n == "connectorId"}
        answer = await triggers(stage, wanted.action, **where)
        assert answer == ACCEPTED
        await stage.expects(wanted)
    for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
        answer = await triggers(stage, message)
        if answer == ACCEPTED:
            await stage.expects(Wanted(message, {"status": "Idle"}))
        else:  # a station that does not offer FirmwareManagement
            assert answer == {"status": "NotImplemented"}


async def triggers(stage: Stage, message: str, **more: int) -> Json:
    return await stage.asks("TriggerMessage", requestedMessage=message, **more)


@pytest.mark.requirement("TRIG-06")
async def test_tc_055_trigger_rejected(stage: Stage) -> None:
    answer = await triggers(stage, "MeterValues", connectorId=UNKNOWN)
    assert answer == REJECTED or "code" in answer
    await stage.expects_nothing(Wanted("MeterValues"))
