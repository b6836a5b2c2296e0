"""What is secret stays in the store and on the wire, whatever happens to a station."""

import asyncio
import base64
import json
import signal
import sqlite3
import stat
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from benchcsms import authority
from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Files, Settings, Signing, Tls
from tests.cli.station import ENVIRONMENT
from tests.daemon.one_port import one_port
from tests.daemon.process import CARD, Daemon

FIRST_KEY: Final = "first-key-of-4711"
SECOND_KEY: Final = "5ec0dd1e5ec0dd1e5ec0dd1e5ec0dd1e5ec0dd1e"
LETTERS_KEY: Final = "Letters-of-a-key-9"
BAD_KEYS: Final = ("hunter2-short", "x" * 20 + "-much-too-long-to-be-one")
USER, PASSWORD = "anna", "s3cr:t@/?pw"
SHORT_PASSWORD = "pw%1x"
AT = "2020-01-01T00:00:00Z"

SET_KEY: Final = ("csms", "set", "--key-file", "-")
READING: Final = (
    "status",
    "link",
    "why",
    "session list",
    "session show 1",
    "connector",
    "reserve",
    "queue list",
    "queue quarantine",
    "power",
    "power profiles",
    "power limits",
    "meter",
    "fault list --history",
    "fault causes",
    "device",
    "security-log",
    "config list",
    "config get AuthorizationKey SecurityProfile",
    "update",
    "update history",
    "csms",
)
"""Every command of chargerctl that only reads; ``tag`` is there to show id tags."""


def forms(secret: bytes) -> set[bytes]:
    """Return how a secret may be written."""
    text = secret.decode("latin-1")
    quoted = quote(text, safe="").encode()
    return {
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret),
        quoted,
        json.dumps(text)[1:-1].encode(),
        repr(text)[1:-1].encode(),
    }


def private_forms(pem: bytes) -> set[bytes]:
    """Return how a private key may be written."""
    key = load_pem_private_key(pem, None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    number: bytes = key.private_numbers().private_value.to_bytes(32)  # type: ignore[union-attr]
    lines = {line for line in pem.splitlines() if len(line) > 40}
    return {b"PRIVATE KEY", der, *lines, *forms(number)}


def read_whole(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a file holds, and what lies packed in it."""
    yield str(path), path.read_bytes()
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member)
                if file is not None:
                    yield f"{path}:{member.name}", file.read()


async def chargerctl(daemon: Daemon, *words: str, told: bytes = b"") -> bytes:
    """Run chargerctl; return what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from chargerd.cli.main import main; exit(main())"),
        *words,
        env={**ENVIRONMENT, "CHARGERD_SOCKET": str(daemon.directory / "control")},
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(told)
    return said


class Scene:
    """A bench of every kind, and a station that is told many secrets."""

    def __init__(self, csms: Csms, daemon: Daemon, folder: Path) -> None:
        self.csms = csms
        self.daemon = daemon
        self.folder = folder
        self.found: list[tuple[str, bytes]] = []

    def place(self, path: str, password: str = PASSWORD) -> str:
        """Return the URL of a place on the file server, with a password in it."""
        assert self.csms.files_url is not None
        login = f"{USER}:{quote(password, safe='')}"
        return self.csms.files_url.replace("://", f"://{login}@") + path

    async def asks(self, action: str, **payload: Any) -> Any:
        answer = await self.csms.call("DC1", action, payload)
        self.found.append((f"answer to {action}", repr(answer).encode()))
        return answer

    async def hears(self, action: str, status: str, since: int) -> None:
        match = {"status": status}
        await self.daemon.heard(action, match=match, since=since, timeout_s=20.0)

    @property
    def now(self) -> int:
        return self.csms.log()[-1].seq


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = tmp_path / "authority"
    authority.make(made, "127.0.0.1", "SN-1", "Bench")
    key = tmp_path / "first-key"
    key.write_text(FIRST_KEY)
    settings = Settings(
        key=FIRST_KEY.encode(),
        tls=Tls(made / "bench.pem", made / "bench.key", made / "root.pem"),
        tls_port=0,
        signing=Signing(made),
        files=Files(tmp_path / "server", user=f"{USER}:{PASSWORD}"),
    )
    async with Csms(settings) as csms, one_port(csms) as place:
        daemon = Daemon(
            csms,
            tmp_path / "station",
            url=f"ws://{place}/ocpp",
            csms_lines=(
                f'security_profile = 1\nauthorization_key_file = "{key}"\n'
                f'root_files = ["{made}/root.pem"]\n'
                f'certificate_file = "{made}/station.pem"\n'
                f'private_key_file = "{made}/station.key"\n'
            ),
            station_lines='serial_number = "SN-1"',
            configuration='CpoName = "Bench"\nPlainFirmwareUpdates = "Always"',
            firmware_lines='[log]\nlevel = "debug"',
        )
        # As a shell of somebody who looks for core files would start it.
        here = f'ulimit -c unlimited && cd {daemon.directory} && exec "$0" "$@"'
        await daemon.start(program_prefix=("sh", "-c", here))
        await daemon.status_is("Available", connector=2)
        yield Scene(csms, daemon, tmp_path)
        await daemon.kill()
        daemon.manager.close()


async def keys_are_changed(scene: Scene) -> None:
    for bad in BAD_KEYS:
        wish = {"key": "AuthorizationKey", "value": bad}
        refused = await scene.asks("ChangeConfiguration", **wish)
        assert refused.payload == {"status": "Rejected"}
    # What breaks the schema is answered by a CALLERROR, which has details.
    for value in ({"is": SECOND_KEY}, SECOND_KEY * 20):
        wrong = await scene.asks(
            "ChangeConfiguration", key="AuthorizationKey", value=value
        )
        assert wrong.code
    for new in (SECOND_KEY, LETTERS_KEY.encode().hex()):
        since = scene.now
        wish = {"key": "AuthorizationKey", "value": new}
        answer = await scene.asks("ChangeConfiguration", **wish)
        assert answer.payload == {"status": "Accepted"}
        await scene.csms.wait_for(
            kind="open", direction=BOTH, since=since, timeout_s=30
        )
        await settled(scene.daemon)
    # Over the control socket; the bench does not know it and refuses it.
    told = f"{BAD_KEYS[0]}\n".encode()
    scene.found.append(
        ("csms set", await chargerctl(scene.daemon, *SET_KEY, told=told))
    )


async def settled(daemon: Daemon) -> None:
    async with asyncio.timeout(30):
        while "trial" in await daemon.call("Station.GetAttachment"):
            await asyncio.sleep(0.05)


async def files_are_wanted(scene: Scene) -> None:
    """Fetch and bring files: with a right password, a wrong one, and from nowhere."""
    since = scene.now
    await scene.asks(
        "UpdateFirmware",
        location=scene.place("/firmware/none.whl"),
        retrieveDate=AT,
        retries=0,
    )
    await scene.hears("FirmwareStatusNotification", "DownloadFailed", since)
    for password, word in ((SHORT_PASSWORD, "UploadFailed"), (PASSWORD, "Uploaded")):
        since = scene.now
        await scene.asks(
            "GetDiagnostics", location=scene.place("/uploads/", password), retries=0
        )
        await scene.hears("DiagnosticsStatusNotification", word, since)
    for number, kind in enumerate(("DiagnosticsLog", "SecurityLog")):
        since = scene.now
        where = {"remoteLocation": scene.place("/uploads/")}
        await scene.asks("GetLog", logType=kind, requestId=number, log=where, retries=0)
        await scene.hears("LogStatusNotification", "Uploaded", since)
    await scene.asks(
        "GetLog",
        logType="SecurityLog",
        requestId=9,
        retries=0,
        log={"remoteLocation": f"gopher://{USER}:{PASSWORD}@127.0.0.1/"},
    )


async def a_certificate_is_made(scene: Scene) -> None:
    since = scene.now
    wanted = "SignChargePointCertificate"
    await scene.asks("ExtendedTriggerMessage", requestedMessage=wanted)
    await scene.csms.wait_for(
        "CertificateSigned",
        kind="result",
        match={"status": "Accepted"},
        since=since,
        timeout_s=30,
    )


async def a_car_is_charged(scene: Scene) -> None:
    await scene.daemon.charge()
    await scene.daemon.call("Mock.PresentTag", uid=CARD)
    await scene.daemon.heard("StopTransaction")


async def all_is_looked_at(scene: Scene) -> None:
    daemon = scene.daemon
    for command in READING:
        said = await chargerctl(daemon, *command.split(), "--json")
        scene.found.append((f"chargerctl {command}", said))
    bundle = daemon.directory / "bundle.tar.gz"
    await chargerctl(daemon, "bundle", "--since", "1h", "-o", str(bundle))
    assert bundle.is_file()
    assert daemon.process is not None
    of_process = Path(f"/proc/{daemon.process.pid}")
    for name in ("cmdline", "environ"):
        scene.found.append((name, (of_process / name).read_bytes()))
    (limit,) = (
        line
        for line in (of_process / "limits").read_text().splitlines()
        if line.startswith("Max core file size")
    )
    assert limit.split()[4] == "0"


def own_keys(store: Path) -> list[bytes]:
    """Return the private keys that the station has made itself."""
    with sqlite3.connect(store) as disk:
        rows = disk.execute("SELECT sheet FROM sheet WHERE drawer = 'key'").fetchall()
    disk.close()
    return [pem.encode() for (row,) in rows for pem in _private(json.loads(row))]


def _private(sheet: dict[str, Any]) -> list[str]:
    return [v for v in sheet.values() if isinstance(v, str) and "PRIVATE KEY" in v]


async def test_no_secret_leaves_the_store_but_on_the_wire(scene: Scene) -> None:
    daemon = scene.daemon
    await keys_are_changed(scene)
    await files_are_wanted(scene)
    await a_certificate_is_made(scene)
    await a_car_is_charged(scene)
    await all_is_looked_at(scene)
    # A crash prints every stack, and leaves no core file.
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGABRT)
    await daemon.ended()
    assert b"Fatal Python error: Aborted" in daemon.log.read_bytes()
    assert not list(daemon.directory.glob("core*"))

    state = daemon.directory / "state"
    made = own_keys(state / "chargerd.db")
    assert made
    # The forms are those in which the store has them, and the files are looked into.
    stored = b"".join(path.read_bytes() for path in state.glob("chargerd.db*"))
    assert LETTERS_KEY.encode().hex().encode() in stored
    words = (FIRST_KEY, LETTERS_KEY, *BAD_KEYS, PASSWORD, SHORT_PASSWORD, CARD)
    secrets = {form for word in words for form in forms(word.encode())}
    secrets |= forms(bytes.fromhex(SECOND_KEY)) | {SECOND_KEY.encode()}
    for pem in (*made, (scene.folder / "authority/station.key").read_bytes()):
        secrets |= private_forms(pem)
    for path in (daemon.directory, scene.folder / "server"):
        for file in path.rglob("*"):
            if file.is_file() and not file.name.startswith("chargerd.db"):
                scene.found += read_whole(file)
    assert any(".tar.gz:" in place for place, _ in scene.found)
    leaks = {
        (place, secret)
        for place, content in scene.found
        for secret in secrets
        if secret in content
    }
    assert leaks == set()

    for path in state.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.name.startswith("chargerd.db"):
            assert mode == 0o600, path
        assert not mode & stat.S_IWOTH, path
