"""The daemon on a cabinet whose first connector hangs on a chargebyte board."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchcsms.server import Csms
from tests.daemon.cabinet import ROOT, Cabinet, CabinetDaemon

BOARD = 'driver = "chargebyte"\nport = "/dev/ttyLP2"\n'
REPLACED = (
    """driver = "gpio"
chip = "/dev/gpiochip0"
emergency_stop = "ESTOP"
door = "DOOR"
surge_protector = "SPD"
""",
    """driver = "gpio"
chip = "/dev/gpiochip0"
coils = ["K11", "K12"]
mirrors = ["K11_MIRROR", "K12_MIRROR"]
""",
    """driver = "sysfs"
files = ["/sys/bus/w1/devices/28-000000000001/temperature"]
""",
)


def on_a_board(text: str) -> str:
    """Return a station file whose inputs and first connector hang on a board."""
    for table in REPLACED:
        assert table in text
        text = text.replace(table, BOARD)
    return text


@pytest.fixture
async def cabinet(tmp_path: Path) -> AsyncIterator[Cabinet]:
    one = Cabinet(tmp_path / "cabinet")
    yield one
    await one.end()


@pytest.fixture
async def daemon(
    csms: Csms, cabinet: Cabinet, tmp_path: Path
) -> AsyncIterator[CabinetDaemon]:
    file = tmp_path / "boards.toml"
    file.write_text(on_a_board((ROOT / "etc/cabinet.toml").read_text()))
    one = CabinetDaemon(csms, tmp_path / "daemon", await cabinet.start(file=file))
    await one.start()
    yield one
    await one.kill()
    one.manager.close()


def dead(seen: dict[str, Any]) -> bool:
    return bool(seen["contacts"] == "open" and seen["current_a"] < 1.0)


async def test_a_car_is_charged_through_the_contactors_of_a_board(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(lambda seen: bool(seen["current_a"] > 50), 10)
    stopped = daemon.csms.log()[-1].seq

    await cabinet.ask("set_fault", name="emergency-stop", on=True)

    await cabinet.until(dead, 1)
    stop = (await daemon.heard("StopTransaction", since=stopped)).payload or {}
    assert stop["reason"] == "EmergencyStop"
