"""The real process lends modules over the bridge, and gives them back."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.daemon.process import CARD, Daemon

BRIDGE = '[bridge]\ndriver = "mock"\nconnectors = [1, 2]\n'
OTHER_CARD = "04FFEE22"
OWN_W = 150_000.0


@pytest.fixture
async def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    """A station with a bridge, in a world that runs a little faster than life."""
    one = make_daemon(csms_lines=f"\n{BRIDGE}", rate=10.0)
    await one.start()
    return one


async def charges(daemon: Daemon, connector: int, card: str) -> None:
    car = {"max_power_w": 350_000.0, "max_voltage_v": 900.0, "capacity_wh": 500_000.0}
    await daemon.call("Mock.Plug", connector=connector, **car)
    await daemon.status_is("Preparing", connector)
    await daemon.call("Mock.PresentTag", uid=card)


def takes(connector: int, least_w: float) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["connectors"][connector - 1]["power_w"] > least_w


async def bridge(daemon: Daemon) -> dict[str, Any]:
    told: dict[str, Any] = (await daemon.call("Station.GetPower"))["bridge"]
    return told


async def borrows(daemon: Daemon) -> None:
    await daemon.status_is("Available", 2)
    await charges(daemon, 1, CARD)
    status = await daemon.watch_until(takes(1, 1.6 * OWN_W))
    assert status["connectors"][0]["limit"]["power_w"] == 2 * OWN_W
    lent = {"joins": [1, 2], "position": "closed", "lender": 2, "borrower": 1}
    assert await bridge(daemon) == lent


async def test_modules_help_and_come_back_when_a_second_car_comes(
    daemon: Daemon,
) -> None:
    await borrows(daemon)
    await charges(daemon, 2, OTHER_CARD)
    status = await daemon.watch_until(takes(2, 0.9 * OWN_W))
    assert await bridge(daemon) == {"joins": [1, 2], "position": "open"}
    assert [one["status"] for one in status["connectors"]] == ["Charging"] * 2
    assert takes(1, 0.9 * OWN_W)(status)
    assert not takes(1, 1.05 * OWN_W)(status)
    assert status["faults"] == []
    assert await daemon.stop() == 0
    assert daemon.csms.violations("DC1") == []


async def test_a_bridge_that_welds_lets_one_car_charge_at_a_time(
    daemon: Daemon,
) -> None:
    await borrows(daemon)
    await daemon.call("Mock.SetFault", name="bridge-weld", on=True)
    await charges(daemon, 2, OTHER_CARD)
    status = await daemon.watch_until(lambda status: bool(status["faults"]))
    assert [fault["name"] for fault in status["faults"]] == ["bridge-weld"]
    assert status["connectors"][0]["status"] == "Charging"
    assert status["connectors"][1]["power_w"] == 0.0
    await daemon.status_is("Preparing", 2)

    await daemon.call("Mock.Unplug", connector=1)
    status = await daemon.watch_until(takes(2, 0.9 * OWN_W), within_s=60.0)
    assert status["connectors"][1]["status"] == "Charging"


async def test_a_killed_daemon_leaves_the_bridge_open(daemon: Daemon) -> None:
    await borrows(daemon)
    await daemon.kill()
    await daemon.start()
    stop = await daemon.heard("StopTransaction")
    assert stop.payload["reason"] in ("PowerLoss", "Reboot")
    await daemon.watch_until(lambda status: status["connectors"][0]["plugged"])
    assert await bridge(daemon) == {"joins": [1, 2], "position": "open"}
    status = await daemon.status()
    assert status["faults"] == []
