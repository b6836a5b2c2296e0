"""Files that no server should give: the job says why, and everything else goes on."""

import asyncio
import base64
import datetime
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from benchcsms.server import Csms
from tests import authority
from tests.daemon.process import Daemon
from tests.mounts import on_a_small_disk
from tests.servers.papers import DAY, Papers
from tests.servers.web import Web, web_server

STATUS = "FirmwareStatusNotification"
MIB = 1024 * 1024
LARGE = bytes(2 * MIB)

BAD_WEBS: dict[str, tuple[Web, str]] = {
    "empty": (Web(files={"/fw": b""}), "the file is empty"),
    "not there": (Web(), "no such file"),
    "too large": (Web(files={"/fw": LARGE}), "the file is too large"),
    "growing": (Web(files={"/fw": LARGE}, announced=False), "the file is too large"),
    "led in circles": (Web(answers={"/fw": (302, "/fw")}), "sends us elsewhere"),
    "cut off": (Web(files={"/fw": bytes(MIB)}, cut_after=4096), "ended too early"),
    "denied for ever": (Web(files={"/fw": b"x"}, login="a:b"), "does not let us"),
    "a server in trouble": (Web(answers={"/fw": (503, "")}), "the server failed"),
    "no firmware": (Web(files={"/fw": b"no wheel"}), "wheel"),
}


async def fails(daemon: Daemon, location: str, word: str) -> str:
    """Let a file be wanted that comes to nothing; return what people are told."""
    since = daemon.csms.log()[-1].seq
    answer = await daemon.csms.call(
        daemon.identity,
        "UpdateFirmware",
        {"location": location, "retrieveDate": "2020-01-01T00:00:00Z", "retries": 0},
    )
    assert answer.payload == {}
    await daemon.heard(STATUS, match={"status": word}, since=since)
    job = (await daemon.call("Station.GetUpdate"))["job"]
    assert job["over"]
    assert job["status"] == word
    why: str = job["why"]
    return why


async def goes_on(daemon: Daemon) -> None:
    """Prove that version and link are what they were, and that nothing is left."""
    status = await daemon.status()
    assert status["link"]["state"] == "online"
    assert status["version"] == metadata.version("chargerd")
    folder = daemon.directory / "cache" / "firmware"
    async with asyncio.timeout(20):
        while list(folder.glob("*")):
            await asyncio.sleep(0.05)
    opened = [e for e in daemon.csms.log(daemon.identity) if e.kind == "open"]
    assert len(opened) == 1
    types = {e.payload.get("type") for e in daemon.csms.log(daemon.identity)}
    assert "FirmwareUpdated" not in types
    assert daemon.csms.violations(daemon.identity) == []


async def test_a_file_that_cannot_be_had_ends_its_job_with_a_reason(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(firmware_lines="[files]\nmax_mib = 1")
    await daemon.start()
    await daemon.status_is("Available", connector=2)
    for name, (web, words) in BAD_WEBS.items():
        word = "InstallationFailed" if name == "no firmware" else "DownloadFailed"
        with web_server(web):
            place = f"http://127.0.0.1:{web.port}/fw"
            assert words in await fails(daemon, place, word), name
    # Nobody listens there any more.
    assert "nobody listens" in await fails(daemon, place, "DownloadFailed")
    await goes_on(daemon)
    await daemon.charge()


async def test_a_file_that_the_disk_has_no_room_for_leaves_the_disk_alone(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    cache = daemon.directory / "cache"
    cache.mkdir()
    await daemon.start(program_prefix=on_a_small_disk(cache, "1m"))
    await daemon.status_is("Available", connector=2)
    with web_server(Web(files={"/fw": LARGE})) as web:
        place = f"http://127.0.0.1:{web.port}/fw"
        assert "no room" in await fails(daemon, place, "DownloadFailed")
    await goes_on(daemon)


async def test_a_server_whose_certificate_is_of_another_time_is_not_believed(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    papers = Papers.made(tmp_path, until=-DAY)
    root = tmp_path / "root.pem"
    root.write_text(papers.root_pem)
    daemon = make_daemon(firmware_lines=f'[files]\nroot_files = ["{root}"]')
    await daemon.start()
    await daemon.status_is("Available", connector=2)
    with web_server(Web(files={"/fw": b"x"}), papers) as web:
        place = f"https://127.0.0.1:{web.port}/fw"
        assert "check the clock" in await fails(daemon, place, "DownloadFailed")
    await goes_on(daemon)


@pytest.mark.requirement("SFW-02")
async def test_a_signer_whose_time_has_not_come_is_refused_and_the_csms_alarmed(
    daemon: Daemon, csms: Csms
) -> None:
    await daemon.status_is("Available", connector=2)
    now = datetime.datetime.now(datetime.UTC)
    life: dict[str, Any] = {"not_before": now - DAY, "not_after": now + 99 * DAY}
    root = authority.root("Maker", **life)
    signing = authority.usage("digital_signature")
    early = life | {"not_before": now + 9 * DAY}
    signer = root.issue(authority.Wish(extensions=(signing,), **early))
    wish = {"certificateType": "ManufacturerRootCertificate", "certificate": root.pem}
    installed = await csms.call("DC1", "InstallCertificate", wish)
    assert installed.payload == {"status": "Accepted"}
    wanted = {
        "location": "http://127.0.0.1:9/fw",
        "retrieveDateTime": "2020-01-01T00:00:00Z",
        "signingCertificate": signer.pem,
        "signature": base64.b64encode(b"none").decode(),
    }
    answer = await csms.call(
        "DC1", "SignedUpdateFirmware", {"requestId": 1, "firmware": wanted}
    )
    assert answer.payload == {"status": "InvalidCertificate"}
    alarm = {"type": "InvalidFirmwareSigningCertificate"}
    await daemon.heard("SecurityEventNotification", match=alarm)
    assert "job" not in await daemon.call("Station.GetUpdate")
    await goes_on(daemon)
