"""What is fetched and what is brought: firmware, diagnostics and logs."""

import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchcsms import authority
from benchcsms.firmware import sign
from benchcsms.issuer import Issuer, Period, name, new_key, pem, valid
from benchcsms.settings import utc_now
from tests.conformance.certificates import DAY
from tests.conformance.order import Json, Wanted, boot, status
from tests.conformance.secured import KEY, Begin, SecuredStage
from tests.conformance.stage import EVERYWHERE
from tests.conformance.states import ACCEPTED
from tests.daemon.release import release
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN

LONG_AGO = "2020-01-01T00:00:00Z"
REQUEST = 17
SIGNER = ExtendedKeyUsageOID.CODE_SIGNING
SERVER = ExtendedKeyUsageOID.SERVER_AUTH

UNAVAILABLE = [status("Unavailable", connector=n) for n in EVERYWHERE]
AVAILABLE = [status("Available", connector=n) for n in EVERYWHERE]
UPDATED = Wanted("SecurityEventNotification", {"type": "FirmwareUpdated"})


@pytest.fixture
def nobody() -> Iterator[str]:
    """Hold a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"ftp://127.0.0.1:{held.getsockname()[1]}/"


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
@pytest.mark.parametrize("server", ["http", "ftp"])
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
@pytest.mark.parametrize(("profile", "server"), [(1, "http"), (2, "ftp"), (3, "https")])
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
    assert {"PORT", "EPRT"}.isdisjoint(each.split()[0] for each in ftp.commands)
    text = (folder / answer["filename"]).read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert "StartupOfTheDevice" in [entry["type"] for entry in entries]
    assert all(entry.keys() <= {"time", "type", "techInfo"} for entry in entries)
    assert KEY.hex() not in text


def signed(word: str) -> Wanted:
    told = {"status": word, "requestId": REQUEST}
    return Wanted("SignedFirmwareStatusNotification", told)


async def updates_signed(
    stage: SecuredStage, file_name: str, signature: str, certificate: str = ""
) -> Json:
    """Want firmware to be installed that somebody, or the manufacturer, has signed."""
    return await stage.asks(
        "SignedUpdateFirmware",
        requestId=REQUEST,
        retries=0,
        firmware={
            "location": stage.location(f"firmware/{file_name}"),
            "retrieveDateTime": LONG_AGO,
            "signingCertificate": certificate or stage.pem(authority.FIRMWARE),
            "signature": signature,
        },
    )


def authority_of_firmware(stage: SecuredStage) -> Issuer:
    root = stage.around.authority / authority.FIRMWARE_ROOT
    return Issuer.load(root.with_suffix(".pem"), root.with_suffix(".key"))


def certified(
    by: Issuer, period: Period, purpose: x509.ObjectIdentifier = SIGNER
) -> str:
    """Return the certificate of somebody whose key nobody has."""
    subject = name("firmware", "Bench")
    return pem(by.issue(subject, new_key().public_key(), purpose, period))


async def trusting(stage: SecuredStage) -> None:
    """Let it believe the manufacturer; until then it believes nobody."""
    root = stage.pem(authority.FIRMWARE_ROOT)
    assert await stage.installs("Manufacturer", root) == ACCEPTED


@pytest.mark.requirement("SFW-01", "SFW-06", "SFW-10", "SFW-15", "SFW-16")
@pytest.mark.requirement("SFW-17", "SFW-18", "FW-13", "XTRG-02")
async def test_tc_080_signed_firmware_update(begin: Begin) -> None:
    stage = await begin(3)
    assert stage.location("").startswith("https:")
    file = release(stage.around.files / "firmware/next.whl", "9.1")
    _, key = authority.firmware_signer(stage.around.authority)
    await trusting(stage)
    assert await updates_signed(stage, file.name, sign(file, key)) == ACCEPTED
    for word in ("Downloading", "Downloaded", "SignatureVerified", "Installing"):
        await stage.expects(signed(word), perhaps=UNAVAILABLE)
    new = Wanted("BootNotification", {"firmwareVersion": "9.1"})
    wanted = (new, *AVAILABLE, signed("Installed"), UPDATED)
    perhaps = [signed("InstallRebooting"), *UNAVAILABLE]
    await stage.expects_each(*wanted, perhaps=perhaps)
    assert stage.heard(Wanted("FirmwareStatusNotification")) == []
    every = stage.heard(Wanted("SignedFirmwareStatusNotification"))
    assert {told.payload.get("requestId") for told in every} == {REQUEST}
    await expect_idle(stage)


async def expect_idle(stage: SecuredStage) -> None:
    """Hear that no update is on, for it is asked; there is no number to tell then."""
    asked = {"requestedMessage": "FirmwareStatusNotification"}
    assert await stage.asks("ExtendedTriggerMessage", **asked) == ACCEPTED
    told = await stage.expects(Wanted("SignedFirmwareStatusNotification"))
    assert told.payload == {"status": "Idle"}


@pytest.mark.requirement("SFW-06", "SFW-07", "SFW-10")
async def test_tc_081_invalid_signature(begin: Begin) -> None:
    stage = await begin(2)
    file = release(stage.around.files / "firmware/next.whl", "9.1")
    other = file.with_name("other")
    other.write_bytes(b"something else")
    _, key = authority.firmware_signer(stage.around.authority)
    await trusting(stage)
    assert await updates_signed(stage, file.name, sign(other, key)) == ACCEPTED
    for word in ("Downloading", "Downloaded"):
        await stage.expects(signed(word))
    event = Wanted("SecurityEventNotification", {"type": "InvalidFirmwareSignature"})
    await stage.expects_each(signed("InvalidSignature"), event)
    await expect_still_available(stage)


@pytest.mark.requirement("SFW-01", "SFW-02", "SFW-04")
async def test_firmware_of_whoever_cannot_be_believed_is_not_fetched(
    begin: Begin,
) -> None:
    stage = await begin(2)
    ours, now = authority_of_firmware(stage), utc_now()
    strange = Issuer.new("Somebody", "Somebody", valid(now, DAY))
    old = (now - 9 * DAY, now - DAY)
    refused = {
        "who is not known yet": certified(ours, valid(now, DAY)),
        "who is certified by somebody else": certified(strange, valid(now, DAY)),
        "whose time is over": certified(ours, old),
        "who may not sign": certified(ours, valid(now, DAY), SERVER),
    }
    for who, certificate in refused.items():
        answer = await updates_signed(stage, "next.whl", "", certificate)
        assert answer == {"status": "InvalidCertificate"}, who
        await trusting(stage)
    event = {"type": "InvalidFirmwareSigningCertificate"}
    await stage.expects(Wanted("SecurityEventNotification", event))
    assert [e for e in stage.csms.log() if e.kind == "file"] == []
    assert stage.heard(Wanted("SignedFirmwareStatusNotification")) == []
