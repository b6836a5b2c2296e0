"""The real daemon updates itself, and goes back: real files, real restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchcsms.server import Csms
from benchcsms.settings import Files, Settings
from chargerd.runtime.installers import slot_state
from tests.daemon.process import Daemon
from tests.daemon.release import release

STATUS = "FirmwareStatusNotification"
WHOLE = ["Downloading", "Downloaded", "Installing", "Installed"]
FAILED = [*WHOLE[:-1], "InstallationFailed"]
UNSOUND = '''
"""An app that comes up and is not sound."""

import sys


def main():
    sys.exit("this version does nothing")
'''


@pytest.fixture
async def csms(tmp_path: Path) -> AsyncIterator[Csms]:
    (tmp_path / "server" / "firmware").mkdir(parents=True)
    async with Csms(Settings(files=Files(tmp_path / "server"))) as bench:
        yield bench


def told(csms: Csms) -> list[str]:
    """Return the statuses that were told, those told twice once."""
    calls = [e for e in csms.log() if e.action == STATUS and e.kind == "call"]
    words = [e.payload["status"] for e in calls]
    return [w for n, w in enumerate(words) if n == 0 or words[n - 1] != w]


@asynccontextmanager
async def supervised(daemon: Daemon) -> AsyncIterator[None]:
    """Do the part of systemd: what ends is started again."""

    async def restarts() -> None:
        while True:
            assert daemon.process is not None
            await daemon.process.wait()
            await daemon.start()

    task = asyncio.create_task(restarts())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def wants(daemon: Daemon, file: Path) -> None:
    """Let the CSMS want a file to be installed."""
    answer = await daemon.csms.call(
        daemon.identity,
        "UpdateFirmware",
        {
            "location": f"{daemon.csms.files_url}/firmware/{file.name}",
            "retrieveDate": "2020-01-01T00:00:00Z",
            "retries": 0,
        },
    )
    assert answer.payload == {}


@pytest.mark.requirement("FW-04", "FW-09", "FW-13")
async def test_the_daemon_installs_another_version_of_itself_and_is_that(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = release(tmp_path / "server/firmware/next.whl", "9.1")
    daemon = make_daemon()
    await daemon.start()
    await daemon.status_is("Available", connector=2)

    await wants(daemon, file)
    await daemon.heard(STATUS, match={"status": "Installed"}, timeout_s=60.0)

    assert told(daemon.csms) == WHOLE
    boot = await daemon.heard("BootNotification", match={"firmwareVersion": "9.1"})
    since = boot.seq
    await daemon.heard("SecurityEventNotification", match={"type": "FirmwareUpdated"})
    await daemon.status_is("Available", connector=2, since=since)
    await daemon.charge()
    assert await daemon.stop() == 0
    # What is marked good starts as often as it is started.
    assert slot_state.read(daemon.directory / "state/firmware/slots").good

    await daemon.start()
    await daemon.heard(
        "BootNotification", match={"firmwareVersion": "9.1"}, since=since + 1
    )


@pytest.mark.requirement("FW-08", "FW-10", "SFW-20")
async def test_a_version_that_dies_is_left_and_the_csms_is_told(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = release(
        tmp_path / "server/firmware/bad.whl", "9.2", {"chargerd/app.py": UNSOUND}
    )
    daemon = make_daemon()
    await daemon.start()
    await daemon.status_is("Available", connector=2)
    await wants(daemon, file)
    await daemon.heard(STATUS, match={"status": "Installing"})

    async with supervised(daemon):
        failed = {"status": "InstallationFailed"}
        await daemon.heard(STATUS, match=failed, timeout_s=60.0)
    assert told(daemon.csms) == FAILED
    await daemon.charge()
