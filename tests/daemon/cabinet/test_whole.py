"""The real daemon on a whole cabinet: real drivers, and twins that speak in bytes.

What the plug truly does is seen by an onlooker in the cabinet, not told by the daemon.
"""

import asyncio
import signal
from pathlib import Path

from benchcsms.server import Csms
from tests.daemon.cabinet.process import (
    ROOT,
    Cabinet,
    CabinetDaemon,
    dead,
    flowing,
)

CONTROLLER_GIVES_UP_S = 1.5
"""The CCS controller waits half a second for a report, and contacts take their time."""
MODULES_GIVE_UP_S = 12.0
"""An Infypower module switches itself off after ten seconds without a frame."""


async def test_a_car_is_charged_and_billed_what_it_got(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    before_wh = (await cabinet.sees())["energy_wh"]
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    await daemon.watch_until(
        lambda status: status["connectors"][0].get("session_energy_wh", 0) > 500
    )
    (bill,) = daemon.csms.transactions(daemon.identity)
    await daemon.csms.call(
        daemon.identity, "RemoteStopTransaction", {"transactionId": bill.id}
    )
    await daemon.heard("StopTransaction")
    seen = await cabinet.until(dead, 1)
    (bill,) = daemon.csms.transactions(daemon.identity)
    assert bill.meter_start == before_wh
    assert bill.meter_stop == seen["energy_wh"]
    assert bill.reason == "Remote"
    stopped = daemon.csms.log()[-1].seq
    await daemon.call("Mock.Unplug", connector=1)
    await daemon.status_is("Available", since=stopped)
    assert daemon.csms.violations(daemon.identity) == []


async def test_a_pulled_meter_cable_ends_the_bill_at_the_last_good_value(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    await daemon.call("Mock.SetRate", factor=1.0)
    pulled = daemon.csms.log()[-1].seq
    await cabinet.ask("pull", name="/dev/ttyS1")
    told = await daemon.heard("StatusNotification", since=pulled)
    assert (told.payload or {})["errorCode"] == "PowerMeterFailure"
    stop = (await daemon.heard("StopTransaction", since=pulled)).payload or {}
    seen = await cabinet.until(dead, 2)
    # It is billed what was measured, and nothing that was not.
    assert 0 <= seen["energy_wh"] - stop["meterStop"] < 200
    await cabinet.ask("put_back", name="/dev/ttyS1")
    await daemon.call("Mock.Unplug", connector=1)
    await daemon.status_is("Available", since=told.seq)


async def test_a_welded_contactor_is_out_of_service_for_good(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    await cabinet.ask("set_fault", name="contactor-weld", on=True, connector=1)
    (bill,) = daemon.csms.transactions(daemon.identity)
    since = daemon.csms.log()[-1].seq
    await daemon.csms.call(
        daemon.identity, "RemoteStopTransaction", {"transactionId": bill.id}
    )
    await daemon.heard("StopTransaction", since=since)
    told = await daemon.status_is("Faulted", since=since)
    payload = told.payload or {}
    assert payload["errorCode"] == "PowerSwitchFailure"
    assert payload["vendorErrorCode"] == "contactor-weld"
    await cabinet.until(lambda seen: not seen["supplying"], 2)
    # Mended or not, nobody but a technician puts it into service again.
    await cabinet.ask("set_fault", name="contactor-weld", on=False, connector=1)
    await daemon.call("Mock.Unplug", connector=1)
    status = await daemon.watch_until(
        lambda status: not status["connectors"][0].get("plugged", False)
    )
    assert status["connectors"][0]["status"] == "Faulted"


async def test_a_lost_module_lets_the_others_charge_on(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await cabinet.ask("set_fault", name="bridge-open", on=True)
    await daemon.charge_remotely()
    await cabinet.until(lambda seen: seen["current_a"] > 100, 10)
    since = daemon.csms.log()[-1].seq
    await cabinet.ask("set_fault", name="module-2-silent", on=True, connector=1)
    match = {"connectorId": 1, "vendorErrorCode": "module-failure"}
    told = await daemon.heard("StatusNotification", match=match, since=since)
    assert (told.payload or {})["status"] == "Charging"
    assert flowing(await cabinet.sees())
    assert daemon.csms.transactions(daemon.identity)[0].meter_stop is None


async def test_a_killed_daemon_leaves_the_cabinet_safe_and_the_bill_whole(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    await daemon.kill()
    # Its coils drop with it.
    seen = await cabinet.until(dead, 0.5)
    killed = daemon.csms.log()[-1].seq
    await cabinet.until(lambda seen: not seen["supplying"], MODULES_GIVE_UP_S)
    await daemon.start(boot_id="two")
    stop = (await daemon.heard("StopTransaction", since=killed)).payload or {}
    assert stop["reason"] == "PowerLoss"
    assert stop["meterStop"] == seen["energy_wh"]


async def test_a_daemon_that_stands_still_is_overruled_by_the_devices(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        # Nobody releases its coils: the CCS controller opens their interlock.
        await cabinet.until(dead, CONTROLLER_GIVES_UP_S)
        await cabinet.until(lambda seen: not seen["supplying"], MODULES_GIVE_UP_S)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    await daemon.heard("StopTransaction")
    await asyncio.sleep(0)
    assert dead(await cabinet.sees())


async def test_a_cabinet_fits_any_station_file(
    csms: Csms, cabinet: Cabinet, tmp_path: Path
) -> None:
    file = await cabinet.start(ROOT / "etc/example-mixed.toml")
    daemon = CabinetDaemon(csms, tmp_path / "daemon", file)
    await daemon.start()
    try:
        for connector in (1, 2):
            await daemon.charge_remotely(connector)
            await cabinet.until(flowing, 10, connector)
        for connector, bill in enumerate(csms.transactions(daemon.identity), 1):
            since = csms.log()[-1].seq
            await csms.call(
                daemon.identity, "RemoteStopTransaction", {"transactionId": bill.id}
            )
            stop = (await daemon.heard("StopTransaction", since=since)).payload or {}
            seen = await cabinet.sees(connector)
            # A meter of DL/T 645 counts in tens.
            assert 0 <= seen["energy_wh"] - stop["meterStop"] < 10
    finally:
        await daemon.kill()
        daemon.manager.close()
