"""A station whose meters sign: the record reaches the CSMS, even past a SIGKILL."""

import json
from collections.abc import Callable

import pytest

from tests.daemon.process import CARD, Daemon

PLAIN = '[[connector]]\ndriver = "mock"\n'
SIGNING = f'{PLAIN}\n[connector.meter]\ndriver = "mock"\nsigning = true\n'


def record(daemon: Daemon) -> dict[str, object]:
    """Return what the meter has signed of the only bill."""
    (bill,) = daemon.csms.transactions(daemon.identity)
    stop = next(p for p in bill.payloads if p["action"] == "StopTransaction")
    signed = [
        value
        for element in stop["payload"]["transactionData"]
        for value in element["sampledValue"]
        if value.get("format") == "SignedData"
    ]
    assert [value["context"] for value in signed] == ["Transaction.End"]
    _, text, _ = bytes.fromhex(signed[0]["value"]).decode().split("|")
    found: dict[str, object] = json.loads(text)
    return found


@pytest.mark.requirement("METER-49")
@pytest.mark.parametrize("killed", [False, True])
async def test_a_bill_carries_the_meters_own_record(
    make_daemon: Callable[..., Daemon], killed: bool
) -> None:
    daemon = make_daemon(rate=20.0)
    text = daemon.file.read_text()
    daemon.file.write_text(text.replace(PLAIN, SIGNING))
    await daemon.start()
    await daemon.charge()
    await daemon.watch_until(
        lambda status: status["connectors"][0].get("session_energy_wh", 0) > 100
    )
    if killed:
        await daemon.kill()
        await daemon.start()
    else:
        await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.heard("StopTransaction")
    await daemon.watch_until(lambda status: not status["messages_waiting"])

    content = record(daemon)
    (bill,) = daemon.csms.transactions(daemon.identity)
    (session,) = (await daemon.call("Station.ListSessions"))["sessions"]
    assert (content["ID"], content["TT"]) == (CARD, session["id"])
    begin, end = (reading["RV"] for reading in content["RD"])  # type: ignore[attr-defined]
    assert begin == bill.meter_start
    assert bill.meter_start < end == bill.meter_stop
    assert await daemon.stop() == 0
