"""The daemon on a cabinet whose first connector hangs on a chargebyte board."""

from pathlib import Path

import pytest

from tests.daemon.cabinet.process import ROOT, Cabinet, CabinetDaemon, dead, flowing

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
def station_file(tmp_path: Path) -> Path:
    file = tmp_path / "boards.toml"
    file.write_text(on_a_board((ROOT / "etc/cabinet.toml").read_text()))
    return file


async def test_a_car_is_charged_through_the_contactors_of_a_board(
    daemon: CabinetDaemon, cabinet: Cabinet
) -> None:
    await daemon.charge_remotely()
    await cabinet.until(flowing, 10)
    stopped = daemon.csms.log()[-1].seq

    await cabinet.ask("set_fault", name="emergency-stop", on=True)

    await cabinet.until(dead, 1)
    stop = (await daemon.heard("StopTransaction", since=stopped)).payload or {}
    assert stop["reason"] == "EmergencyStop"
