"""The real process keeps a transaction, or a cable, for its driver."""

from collections.abc import Callable

import pytest

from tests.daemon.process import CARD, Daemon


@pytest.mark.requirement("STAT-35", "TXN-26")
async def test_a_pulled_plug_is_dead_at_once_and_charges_on_when_it_is_back(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(configuration="StopTransactionOnEVSideDisconnect = false")
    await daemon.start()
    charging = await daemon.charge()

    await daemon.call("Mock.Unplug", connector=1)

    suspended = await daemon.status_is("SuspendedEV", since=charging.seq)
    assert suspended.payload["info"] == "EV side disconnected"
    status = await daemon.watch_until(
        lambda status: status["connectors"][0]["phase"] == "waiting"
    )
    assert status["connectors"][0]["power_w"] == 0

    await daemon.call("Mock.Plug", connector=1)
    again = await daemon.status_is("Charging", since=suspended.seq)
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.heard("StopTransaction", since=again.seq)
    (bill,) = daemon.csms.transactions("DC1")
    assert bill.reason == "Local"
    assert daemon.csms.violations("DC1") == []


@pytest.mark.requirement("REM-22", "TXN-27")
async def test_a_socket_frees_its_cable_when_the_csms_says_so(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    text = daemon.file.read_text()
    daemon.file.write_text(
        text.replace("[[connector]]", '[[connector]]\ncable = "socket"', 1)
    )
    await daemon.start()
    await daemon.charge()

    answer = await daemon.csms.call("DC1", "UnlockConnector", {"connectorId": 1})

    assert answer.payload == {"status": "Unlocked"}
    stop = await daemon.heard("StopTransaction")
    assert stop.payload["reason"] == "UnlockCommand"
    answer = await daemon.csms.call("DC1", "UnlockConnector", {"connectorId": 2})
    assert answer.payload == {"status": "NotSupported"}

    await daemon.call("Mock.Unplug", connector=1)
    free = await daemon.status_is("Available", since=stop.seq)
    await daemon.call("Mock.Plug", connector=1)
    await daemon.status_is("Preparing", since=free.seq)
    await daemon.call("Mock.PresentTag", uid=CARD)
    charging = await daemon.status_is("Charging", since=free.seq)
    await daemon.call("Mock.Unplug", connector=1)
    await daemon.heard("StopTransaction", since=charging.seq)
    await daemon.watch_until(lambda s: s["connectors"][0]["phase"] == "held")
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.status_is("Available", since=charging.seq)
    assert daemon.csms.violations("DC1") == []
