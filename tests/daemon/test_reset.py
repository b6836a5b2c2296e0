"""The real process is told to reset, and the board does not."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.process import Daemon


@pytest.mark.key("ResetRetries")
@pytest.mark.requirement("REM-55", "REM-50")
async def test_a_board_that_does_not_restart_is_told_so_often_and_then_reported(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    tried = tmp_path / "tried"
    daemon = make_daemon(
        station_lines=f'reboot_command = ["sh", "-c", "echo >>{tried}; exit 3"]',
        configuration="ResetRetries = 2",
    )
    await daemon.start()
    await daemon.status_is("Available", connector=2)

    answer = await daemon.csms.call("DC1", "Reset", {"type": "Hard"})

    assert answer.payload == {"status": "Accepted"}
    failed = {"connectorId": 0, "status": "Available", "errorCode": "ResetFailure"}
    told = await daemon.heard("StatusNotification", match=failed)
    assert told.payload["info"] == "reset: sh failed with 3"
    assert len(tried.read_text().splitlines()) == 3
    await daemon.charge()


async def test_a_board_that_goes_down_finds_nobody_in_its_way(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    going = tmp_path / "going"
    daemon = make_daemon(station_lines=f'reboot_command = ["touch", "{going}"]')
    await daemon.start()
    await daemon.status_is("Available", connector=2)
    await daemon.csms.call("DC1", "Reset", {"type": "Hard"})
    await daemon.heard("SecurityEventNotification", match={"type": "ResetOrReboot"})
    while not going.exists():
        await daemon.status()
    assert await daemon.stop() in (0, -signal.SIGTERM)
