"""Bundles and the security log, as a technician and the CSMS get them."""

import asyncio
import base64
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION, TokenPresented
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.records import Drawer, SecurityEventKept, SheetKept
from chargerd.ocpp16.security import SecurityEvent, SecurityEventType
from chargerd.ocpp16.upload_events import LogClearWanted, UploadWanted
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime.control_server import ControlFailed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.log_methods import PIECE_BYTES
from hal.values import Token
from tests.runtime.points import CARD
from tests.runtime.test_station_interface import (
    DESCRIPTION,
    PASSWORD,
    PEER,
    Bench,
    charging,
)

STRANGER = "04EEFF99"
HEX_KEY = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n"
STATION_FILE = f"""
[station]
identity = "DC-1"
[csms]
url = "wss://bob:hunter2@csms.example/ocpp?token=hunter3"
private_key_file = "/etc/chargerd/key.pem"
[[connector]]
[connector.meter]
driver = "lem_dcbm"
password = "hunter4"
note = "{PASSWORD}"
[ocpp.configuration]
FreeVendIdTag = "FREETAG1"
"""
JOURNAL = f"""#!/bin/sh
echo "$@" > $(dirname $0)/asked
cat <<'END'
card {CARD} was read
Authorization: Basic Ym9iOmh1bnRlcjU=
{PEM}
key {HEX_KEY} and ftp://bob:hunter6@files.example/x
all is well
END
"""
PLANTED = (
    *(f"hunter{n}" for n in range(2, 9)),
    "Ym9iOmh1bnRlcjU",
    "MIGHAgEAMBMG",
    HEX_KEY,
    PASSWORD,
    CARD,
    STRANGER,
    "FREETAG1",
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.places.station_file.write_text(STATION_FILE)
    script = Path(made.places.journalctl[0])
    script.write_text(JOURNAL)
    script.chmod(0o755)
    yield made
    made.close()


def plant(bench: Bench) -> None:
    """Put a secret of every kind wherever one could be."""
    charging(bench)
    bench.happen(TokenPresented(0, Token(STRANGER)))
    location = "ftp://bob:hunter7@files.example/in"
    bench.happen(UploadWanted(LogKind.DIAGNOSTICS, location, "x.tar.gz"))
    job = {"location": location.replace("7", "8"), "why": f"{PASSWORD} {HEX_KEY}"}
    event = SecurityEvent(
        SecurityEventType.INVALID_MESSAGES,
        bench.clock.now().utc,
        f"said {PASSWORD} of {CARD} with {HEX_KEY}",
    )
    bench.store.commit(
        (SheetKept(Drawer.FIRMWARE, "a", job), SecurityEventKept(90, event, True))
    )
    noted = Noted(WHOLE_STATION, f"heard {PASSWORD} from ftp://bob:hunter8@h/")
    bench.journal._effect(noted)


async def made(bench: Bench, **given: Any) -> Mapping[str, str]:
    """Return the files of a bundle, made as the socket makes it."""
    DESCRIPTION.check(DESCRIPTION.methods["MakeBundle"].takes, given)
    whole, left = b"", None
    async with aclosing(bench.interface.streams["MakeBundle"](given, PEER)) as stream:
        async for told in stream:
            DESCRIPTION.check(DESCRIPTION.methods["MakeBundle"].gives, dict(told))
            piece = base64.b64decode(told["piece"])
            whole, left = whole + piece, told.get("left_bytes")
            assert len(piece) <= PIECE_BYTES
    assert left == 0
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.requirement("DIAG-06")
async def test_a_bundle_tells_everything_but_secrets(bench: Bench) -> None:
    plant(bench)
    files = await made(bench)
    manifest = json.loads(files["manifest.json"])
    assert [part["name"] for part in manifest["parts"]] == [*files][:-1]
    assert not any("error" in part or "cut" in part for part in manifest["parts"])
    whole = "".join(files.values())
    assert [secret for secret in PLANTED if secret in whole] == []

    status = json.loads(files["status.json"])
    assert status["connectors"][0]["status"] == "Charging"
    assert lines(files["sessions.jsonl"])[0]["id_tag"] == "04…B2"
    assert "AuthorizationKey" not in files["keys.json"]
    assert "HeartbeatInterval" in files["keys.json"]
    meter = json.loads(files["station-file.json"])["connector"][0]["meter"]
    assert meter == {"driver": "lem_dcbm", "password": "***", "note": "***"}
    assert "/etc/chargerd/key.pem" in files["station-file.json"]
    assert json.loads(files["machine.json"])["disk"]["free_bytes"] > 0
    assert "card 04…B2 was read" in files["journal.txt"]
    assert "all is well" in files["journal.txt"]
    assert json.loads(files["upload.json"])["location"] == "ftp://***@files.example/in"
    entry = lines(files["security-log.jsonl"])[-1]
    assert entry["type"] == "InvalidMessages"
    assert entry["techInfo"] == "said *** of 04…B2 with ***"


@pytest.mark.requirement("DIAG-03", "LOG-07")
async def test_a_bundle_keeps_to_the_time_that_is_wanted(bench: Bench) -> None:
    bench.charge()
    bench.clock.advance(7200)
    files = await made(bench, since_s=3600)
    assert lines(files["sessions.jsonl"]) != []  # it still goes on
    assert files["messages.jsonl"] == files["security-log.jsonl"] == ""
    manifest = json.loads(files["manifest.json"])
    assert manifest["since"] < manifest["made"]
    asked = (bench.places.station_file.parent / "asked").read_text()
    began = bench.clock.now().utc - timedelta(seconds=3600)
    assert f"--since=@{began.timestamp():.0f}" in asked
    assert "--until" not in asked

    everything = await made(bench)
    assert lines(everything["messages.jsonl"]) != []
    assert lines(everything["security-log.jsonl"]) != []


async def test_without_a_journal_what_the_daemon_remembers_is_there(
    bench: Bench,
) -> None:
    Path(bench.places.journalctl[0]).unlink()
    bench.places.station_file.unlink()
    plant(bench)
    files = await made(bench)
    assert "heard *** from ftp://***@h/" in files["journal.txt"]
    parts = {p["name"]: p for p in json.loads(files["manifest.json"])["parts"]}
    assert parts["station-file.json"]["error"] == "FileNotFoundError"


async def test_no_bundle_is_left_behind(bench: Bench) -> None:
    await made(bench)
    stream = bench.interface.streams["MakeBundle"]({}, PEER)
    assert (await anext(stream))["piece"] == ""
    await stream.aclose()
    assert list(bench.cache.iterdir()) == []


async def test_a_disk_without_room_is_told(bench: Bench) -> None:
    bench.cache.write_text("no folder")
    with pytest.raises(ControlFailed) as raised:
        await anext(bench.interface.streams["MakeBundle"]({}, PEER))
    assert raised.value.parameters["reason"] == "STORAGE_FAILING"

    bench.cache.unlink()
    stream = bench.interface.streams["MakeBundle"]({}, PEER)
    await anext(stream)
    for folder in bench.cache.iterdir():
        folder.rmdir()
    with pytest.raises(ControlFailed) as raised:
        async for _ in stream:
            pass
    assert raised.value.parameters["reason"] == "STORAGE_FAILING"


@pytest.mark.requirement("LOG-07")
async def test_the_security_log_is_entries_of_a_time_without_secrets(
    bench: Bench, tmp_path: Path
) -> None:
    at = bench.clock.now().utc
    for hour in range(450):
        info = None if hour == 2 else f"{PASSWORD} {hour}"
        event = SecurityEvent(
            SecurityEventType.TAMPER, at + timedelta(hours=hour), info
        )
        bench.store.commit((SecurityEventKept(hour + 1, event, True),))
    path = tmp_path / "log.jsonl"
    until = at + timedelta(hours=2)
    await bench.archive.make(LogKind.SECURITY, path, at + timedelta(minutes=30), until)
    assert lines(path.read_text()) == [
        {
            "time": "2026-03-02T09:00:00.000Z",
            "type": "TamperDetectionActivated",
            "techInfo": "*** 1",
        },
        {"time": "2026-03-02T10:00:00.000Z", "type": "TamperDetectionActivated"},
    ]
    await bench.archive.make(LogKind.SECURITY, path, None, None)
    assert len(lines(path.read_text())) == 450


@pytest.mark.parametrize("ready", [False, True])
@pytest.mark.parametrize("kind", LogKind)
async def test_a_file_that_nobody_wants_any_more_is_gone(
    bench: Bench, tmp_path: Path, kind: LogKind, ready: bool
) -> None:
    charging(bench)
    path = tmp_path / "file"
    making = asyncio.create_task(bench.archive.make(kind, path, None, None))
    await asyncio.sleep(0)
    if ready:
        # The thread ends while the loop, which could take its answer, stands still.
        bench.archive.close()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    bench.archive.close()
    assert not path.exists()


async def test_the_security_log_is_listed_newest_first(bench: Bench) -> None:
    bench.go_online()
    event = SecurityEvent(SecurityEventType.TAMPER, bench.clock.now().utc, "door")
    bench.store.commit((SecurityEventKept(9, event, True),))
    first, *_ = bench.ask("ListSecurityEvents", limit=1)["events"]
    assert first == {
        "id": 9,
        "time": timestamp(event.at),
        "type": "TamperDetectionActivated",
        "info": "door",
        "waiting": True,
    }
    assert len(bench.ask("ListSecurityEvents")["events"]) == 2


@pytest.mark.requirement("LOG-10")
async def test_only_technicians_clear_the_security_log_and_it_says_so(
    bench: Bench,
) -> None:
    bench.go_online()
    stranger = Peer(1, 4711, 4711, frozenset())
    with pytest.raises(ControlFailed):
        bench.interface.methods["ClearSecurityLog"]({}, stranger)
    assert bench.asked == []
    for _ in range(2):
        bench.ask("ClearSecurityLog")
        (wanted,) = bench.asked
        assert wanted == LogClearWanted("uid 0 on the spot")
        bench.asked.clear()
        bench.happen(wanted)
        bench.clock.advance(120)
    told = bench.ask("ListSecurityEvents")["events"]
    assert [event["type"] for event in told] == ["SecurityLogWasCleared"] * 2
    assert told[0]["info"] == "by uid 0 on the spot"
