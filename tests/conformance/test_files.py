"""What is fetched and what is brought: firmware, diagnostics and logs."""

import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchcsms import authority
from benchcsms.firmware import sign
from tests.conformance.order import Json, Wanted, boot, status
from tests.conformance.secured import KEY, Begin, SecuredStage
from tests.conformance.stage import EVERYWHERE
from tests.conformance.states import ACCEPTED, expect_everywhere
from tests.daemon.release import release
from tests.file_servers import LOGIN, Ftp, ftp_server

LONG_AGO = "2020-01-01T00:00:00Z"
REQUEST = 17
SERVERS = ("http", "ftp")

UNAVAILABLE = [status("Unavailable", connector=n) for n in EVERYWHERE]
AVAILABLE = [status("Available", connector=n) for n in EVERYWHERE]
UPDATED = Wanted("SecurityEventNotification", {"type": "FirmwareUpdated"})


@pytest.fixture
def nobody() -> Iterator[str]:
    """Hold a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield "ftp://127.0.0.1:{}/".format(held.getsockname()[1])


@pytest.fixture
def ftp(tmp_path: Path) -> Iterator[Ftp]:
    with ftp_server(Ftp(tmp_path)) as server:
        yield server


def plain(word: str) -> Wanted:
    return Wanted("FirmwareStatusNotification", {"status": word})


async def updates(stage: SecuredStage, location: str) -> None:
    """Want firmware to be installed that nobody has signed."""
    asked = {"location": location, "retrieveDate": LONG_AGO, "retries": 0}
    assert await stage.asks("UpdateFirmware", **asked) == {}


@pytest.mark.requirement("FW-01", "FW-04", "FW-09", "FW-13")
async def test_tc_044_1_download_and_install(begin: Begin) -> None:
    stage = await begin(0)
    release(stage.around.files / "firmware/next.whl", "9.1")
    await updates(stage, stage.location("firmware/next.whl"))
    for word in ("Downloading", "Downloaded", "Installing"):
        await stage.expects(plain(word), perhaps=UNAVAILABLE)
    new = Wanted("BootNotification", {"firmwareVersion": "9.1"})
    wanted = (new, *AVAILABLE, plain("Installed"), UPDATED)
    await stage.expects_each(*wanted, perhaps=UNAVAILABLE)


@pytest.mark.requirement("FW-01", "FW-04", "FW-05", "FW-08")
async def test_tc_044_2_download_failed(begin: Begin, nobody: str) -> None:
    stage = await begin(0)
    await updates(stage, f"{nobody}next.whl")
    await stage.expects(plain("DownloadFailed"), perhaps=[plain("Downloading")])
    await expect_still_available(stage)


@pytest.mark.requirement("FW-04", "FW-08", "FW-14")
async def test_tc_044_3_installation_failed(begin: Begin) -> None:
    stage = await begin(0)
    file = stage.around.files / "firmware/holiday.jpg"
    file.write_bytes(b"no wheel" * 10_000)
    await updates(stage, stage.location("firmware/holiday.jpg"))
    for word in ("Downloading", "Downloaded"):
        await stage.expects(plain(word), perhaps=UNAVAILABLE)
    perhaps = [plain("Installing"), boot(), *UNAVAILABLE, *AVAILABLE]
    await stage.expects(plain("InstallationFailed"), perhaps=perhaps)
    await expect_still_available(stage)


async def expect_still_available(stage: SecuredStage) -> None:
    """Hear of every connector that it is available, for it is asked."""
    stage.ear.unheard.clear()
    for connector in EVERYWHERE:
        asked = {"requestedMessage": "StatusNotification", "connectorId": connector}
        assert await stage.asks("TriggerMessage", **asked) == ACCEPTED
        await stage.expects(status("Available", connector=connector))


def uploading(word: str) -> Wanted:
    return Wanted("DiagnosticsStatusNotification", {"status": word})


def place(stage: SecuredStage, server: str, ftp: Ftp) -> tuple[str, Path]:
    """Return where files are to be brought, as a URL and as a folder."""
    if server == "ftp":
        return f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/", ftp.folder
    return stage.location("uploads/"), stage.around.files / "uploads"


@pytest.mark.requirement("DIAG-01", "DIAG-02", "DIAG-06")
@pytest.mark.parametrize("server", SERVERS)
async def test_tc_045_1_get_diagnostics(begin: Begin, ftp: Ftp, server: str) -> None:
    stage = await begin(1)
    location, folder = place(stage, server, ftp)
    answer = await stage.asks("GetDiagnostics", location=location, retries=0)
    await stage.expects(uploading("Uploading"))
    await stage.expects(uploading("Uploaded"))
    with tarfile.open(folder / answer["fileName"]) as archive:
        members = [m for m in archive.getmembers() if m.isfile()]
        whole = b"".join(archive.extractfile(m).read() for m in members)  # type: ignore[union-attr]
    assert stage.daemon.identity.encode() in whole
    assert KEY not in whole
    assert KEY.hex().encode() not in whole


@pytest.mark.requirement("DIAG-02", "DIAG-04")
async def test_tc_045_2_upload_failed(begin: Begin, nobody: str) -> None:
    stage = await begin(0)
    await stage.asks("GetDiagnostics", location=nobody, retries=0)
    await stage.expects(uploading("Uploading"))
    await stage.expects(uploading("UploadFailed"))


@pytest.mark.requirement("LOG-01", "LOG-02", "LOG-03", "LOG-08", "LOG-09")
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_079_get_security_log(
    begin: Begin, ftp: Ftp, profile: int, server: str
) -> None:
    stage = await begin(profile)
    location, folder = place(stage, server, ftp)
    answer = await stage.asks(
        "GetLog",
        logType="SecurityLog",
        requestId=REQUEST,
        log={"remoteLocation": location},
    )
    assert answer["status"] == "Accepted"
    for word in ("Uploading", "Uploaded"):
        told = {"status": word, "requestId": REQUEST}
        await stage.expects(Wanted("LogStatusNotification", told))
    assert [path.name for path in folder.iterdir()] == [answer["filename"]]
    text = (folder / answer["filename"]).read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert "StartupOfTheDevice" in [entry["type"] for entry in entries]
    assert all(entry.keys() <= {"time", "type", "techInfo"} for entry in entries)
    assert KEY.hex() not in text


def signed(word: str) -> Wanted:
    told = {"status": word, "requestId": REQUEST}
    return Wanted("SignedFirmwareStatusNotification", told)


async def updates_signed(stage: SecuredStage, file: Path, signature: str) -> Json:
    """Want firmware to be installed that its manufacturer has signed."""
    return await stage.asks(
        "SignedUpdateFirmware",
        requestId=REQUEST,
        retries=0,
        firmware={
            "location": stage.location(f"firmware/{file.name}"),
            "retrieveDateTime": LONG_AGO,
            "signingCertificate": stage.pem(authority.FIRMWARE),
            "signature": signature,
        },
    )


async def trusting(stage: SecuredStage) -> None:
    """Let it believe the manufacturer; until then it believes nobody."""
    root = stage.pem(authority.FIRMWARE_ROOT)
    assert await stage.installs("Manufacturer", root) == ACCEPTED


@pytest.mark.requirement("SFW-01", "SFW-06", "SFW-10", "SFW-15", "SFW-16", "FW-13")
@pytest.mark.parametrize("profile", [1, 3])
async def test_tc_080_signed_firmware_update(begin: Begin, profile: int) -> None:
    stage = await begin(profile)
    file = release(stage.around.files / "firmware/next.whl", "9.1")
    _, key = authority.firmware_signer(stage.around.authority)
    await trusting(stage)
    assert await updates_signed(stage, file, sign(file, key)) == ACCEPTED
    for word in ("Downloading", "Downloaded", "SignatureVerified", "Installing"):
        await stage.expects(signed(word), perhaps=UNAVAILABLE)
    new = Wanted("BootNotification", {"firmwareVersion": "9.1"})
    wanted = (new, *AVAILABLE, signed("Installed"), UPDATED)
    perhaps = [signed("InstallRebooting"), *UNAVAILABLE]
    await stage.expects_each(*wanted, perhaps=perhaps)
    assert stage.heard(Wanted("FirmwareStatusNotification")) == []


@pytest.mark.requirement("SFW-06", "SFW-07", "SFW-10")
async def test_tc_081_invalid_signature(begin: Begin) -> None:
    stage = await begin(2)
    file = release(stage.around.files / "firmware/next.whl", "9.1")
    other = file.with_name("other")
    other.write_bytes(b"something else")
    _, key = authority.firmware_signer(stage.around.authority)
    await trusting(stage)
    assert await updates_signed(stage, file, sign(other, key)) == ACCEPTED
    for word in ("Downloading", "Downloaded"):
        await stage.expects(signed(word))
    event = Wanted("SecurityEventNotification", {"type": "InvalidFirmwareSignature"})
    await stage.expects_each(signed("InvalidSignature"), event)
    await expect_still_available(stage)


@pytest.mark.requirement("SFW-01", "SFW-02", "SFW-04")
async def test_firmware_of_a_manufacturer_whom_nobody_vouches_for_is_not_fetched(
    begin: Begin,
) -> None:
    stage = await begin(2)
    file = release(stage.around.files / "firmware/next.whl", "9.1")
    _, key = authority.firmware_signer(stage.around.authority)
    answer = await updates_signed(stage, file, sign(file, key))
    assert answer == {"status": "InvalidCertificate"}
    event = {"type": "InvalidFirmwareSigningCertificate"}
    await stage.expects(Wanted("SecurityEventNotification", event))
    assert [e for e in stage.csms.log() if e.kind == "file"] == []
    assert stage.heard(Wanted("SignedFirmwareStatusNotification")) == []
