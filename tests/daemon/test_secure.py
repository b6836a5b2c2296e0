"""The daemon over TLS: security profiles 2 and 3, with a throw-away authority."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from benchcsms import authority
from benchcsms.server import Csms
from benchcsms.settings import Files, Settings, Tls
from tests.authority import REFERENCE
from tests.daemon.process import Daemon

KEY = bytes.fromhex("4F43415F4F4354545F61646D696E5F74657374")
INVALID = "InvalidMessages"
FILES = (
    'root_files = ["{0}/root.pem"]\n'
    'certificate_file = "{0}/station.pem"\n'
    'private_key_file = "{0}/station.key"\n'
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "authority"
    authority.make(folder, "127.0.0.1", "SN-1", "Bench")
    return folder


@asynccontextmanager
async def bench(
    folder: Path, *, clients: bool, files: Path | None = None
) -> AsyncIterator[Csms]:
    """Be a CSMS of profile 2, or of profile 3 if clients need a certificate."""
    roots = folder / "root.pem" if clients else None
    tls = Tls(folder / "bench.pem", folder / "bench.key", roots)
    key = None if clients else KEY
    served = Files(files) if files else None
    async with Csms(Settings(tls=tls, key=key, files=served)) as csms:
        yield csms


@asynccontextmanager
async def station(
    csms: Csms, directory: Path, lines: str, **more: Any
) -> AsyncIterator[Daemon]:
    key = directory / "password"
    directory.mkdir()
    key.write_text(KEY.hex())
    lines += f'authorization_key_file = "{key}"\n'
    daemon = Daemon(csms, directory / "daemon", csms_lines=lines, **more)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.kill()
        daemon.manager.close()


@pytest.mark.requirement("SEC-01", "SEC-08", "SEC-14")
@pytest.mark.parametrize("profile", [2, 3])
async def test_a_car_is_charged_over_tls(
    profile: int, made: Path, tmp_path: Path
) -> None:
    lines = f"security_profile = {profile}\n" + FILES.format(made)
    async with (
        bench(made, clients=profile == 3) as csms,
        station(csms, tmp_path / "station", lines) as daemon,
    ):
        await daemon.charge()
        (running,) = csms.transactions(daemon.identity)
        assert running.meter_stop is None
        (opened,) = [e for e in csms.log() if e.kind == "open"]
        assert csms.violations(daemon.identity) == []
        assert opened.station == daemon.identity


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a root of somebody else": (
        lambda made: (made / "root.pem").write_bytes((made / "other.pem").read_bytes()),
        "tls-trust",
    ),
    "no certificate of ours that it takes": (
        lambda made: [
            (made / f"station.{kind}").write_bytes(
                (made / f"other-station.{kind}").read_bytes()
            )
            for kind in ("pem", "key")
        ],
        "tls-refused",
    ),
    "a key in hardware that does not answer": (
        lambda made: (made / "station.key").write_text(REFERENCE),
        "tls",
    ),
}


@pytest.mark.requirement("SEC-15", "SEC-18")
@pytest.mark.parametrize("fault", FAULTS)
async def test_where_there_is_no_trust_there_is_no_link_and_a_reason(
    fault: str, made: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    authority.make(other, "127.0.0.1", "SN-1", "Other")
    (made / "other.pem").write_bytes((other / "root.pem").read_bytes())
    for kind in ("pem", "key"):
        path = made / f"other-station.{kind}"
        path.write_bytes((other / f"station.{kind}").read_bytes())
    spoil, layer = FAULTS[fault]
    async with bench(made, clients=True) as csms:
        spoil(made)
        lines = "security_profile = 3\n" + FILES.format(made)
        async with station(csms, tmp_path / "station", lines) as daemon:
            await daemon.manager.told("READY=1")
            told = await daemon.watch_until(
                lambda status: status["link"].get("failed_at") is not None
            )
            assert told["link"]["failed_at"] == layer
            assert csms.stations() == []


@pytest.mark.requirement("SEC-03")
@pytest.mark.parametrize(
    ("profile", "missing"),
    [(2, "root_files"), (3, "certificate_file")],
)
async def test_without_what_its_profile_needs_a_station_dials_nobody(
    make_daemon: Callable[..., Daemon], profile: int, missing: str
) -> None:
    daemon = make_daemon(csms_lines=f"security_profile = {profile}\n")
    await daemon.start()
    assert await daemon.ended() == 2
    assert missing in daemon.log.read_text()
    assert daemon.csms.log() == []


@pytest.mark.requirement("SEC-03")
async def test_the_first_dial_has_the_profile_of_the_station_file(
    made: Path, tmp_path: Path
) -> None:
    lines = "security_profile = 3\n" + FILES.format(made)
    async with (
        bench(made, clients=True) as csms,
        station(csms, tmp_path / "station", lines) as daemon,
    ):
        boot = await daemon.heard("BootNotification")
        before = [entry.kind for entry in csms.log() if entry.seq < boot.seq]
        assert before == ["open"]


@pytest.mark.requirement("LOG-09")
async def test_the_security_log_tells_a_csms_with_a_good_certificate_what_and_when(
    made: Path, tmp_path: Path
) -> None:
    lines = "security_profile = 2\n" + FILES.format(made)
    server = tmp_path / "server"
    async with (
        bench(made, clients=False, files=server) as csms,
        station(csms, tmp_path / "station", lines) as daemon,
    ):
        await daemon.status_is("Available", connector=2)
        await csms.send_raw(daemon.identity, f"no JSON, but {KEY.hex()}")
        await daemon.heard("SecurityEventNotification", match={"type": INVALID})
        wish = {
            "logType": "SecurityLog",
            "requestId": 4,
            "log": {"remoteLocation": f"{csms.files_url}/uploads/"},
        }
        answer = await csms.call(daemon.identity, "GetLog", wish)
        over = {"status": "Uploaded", "requestId": 4}
        await daemon.heard("LogStatusNotification", match=over)
        assert answer.payload is not None
    text = (server / "uploads" / answer.payload["filename"]).read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert {entry["type"] for entry in entries} >= {"StartupOfTheDevice", INVALID}
    for entry in entries:
        assert datetime.fromisoformat(entry["time"]).tzinfo is not None
        assert entry.keys() <= {"time", "type", "techInfo"}
    assert any("techInfo" in entry for entry in entries)
    assert not any(secret in text for secret in (KEY.hex(), KEY.decode()))
