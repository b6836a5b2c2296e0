"""A technician updates the real daemon with chargerctl, and looks on."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cli.station import ENVIRONMENT
from tests.daemon.process import Daemon
from tests.daemon.release import release

PROGRAM = (sys.executable, "-c", "from chargerd.cli.main import main; exit(main())")


async def installs(daemon: Daemon, file: Path) -> tuple[int, list[str], str]:
    """Run chargerctl until the update has ended; return what came of it."""
    words = ("update", "install", str(file), "--wait")
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *words,
        env={**ENVIRONMENT, "CHARGERD_SOCKET": str(daemon.directory / "control")},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 90.0)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), err.decode()


async def test_a_file_is_sent_installed_and_runs_and_chargerctl_sees_it_through(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = release(tmp_path / "next.whl", "9.1")
    daemon = make_daemon()
    await daemon.start()
    await daemon.status_is("Available", connector=2)

    code, out, err = await installs(daemon, file)

    assert (code, err) == (0, "")
    assert out[0] == "● the update has begun"
    assert out[-1] == "● installed: 9.1 runs"
    await daemon.heard("BootNotification", match={"firmwareVersion": "9.1"})
    # The CSMS is told of its own updates alone.
    actions = {entry.action for entry in daemon.csms.log()}
    assert "FirmwareStatusNotification" not in actions
    assert list((daemon.directory / "cache" / "firmware").iterdir()) == []


async def test_a_file_that_is_no_firmware_is_told_with_its_reason(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"no wheel" * 10_000)
    daemon = make_daemon()
    await daemon.start()
    await daemon.status_is("Available", connector=2)

    code, _, err = await installs(daemon, file)

    assert code == 1
    assert err.startswith("chargerctl: not installed: ")
    assert "Do: " in err
    await daemon.charge()
