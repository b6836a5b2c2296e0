"""The real daemon makes a bundle while a car charges, and chargerctl takes it."""

import asyncio
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.process import CARD, Daemon

PASSWORD = "open-sesame-4711"


@pytest.mark.requirement("DIAG-06", "DIAG-08")
async def test_a_bundle_is_made_while_a_car_charges(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    daemon = make_daemon(
        csms_lines=f'security_profile = 1\nauthorization_key_file = "{password}"'
    )
    await daemon.start()
    await daemon.status_is("Available", connector=2)
    await daemon.charge()

    path = tmp_path / "bundle.tar.gz"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from chargerd.cli.main import main; exit(main())"),
        *("--socket", str(daemon.directory / "control")),
        *("bundle", "--since", "1h", "-o", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()

    with tarfile.open(path) as archive:
        files = {
            member.name.partition("/")[2]: archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }
    whole = b"".join(files.values())
    assert PASSWORD.encode() not in whole
    assert CARD.encode() not in whole
    status = json.loads(files["status.json"])
    assert {c["status"] for c in status["connectors"]} >= {"Charging"}
    manifest = json.loads(files["manifest.json"])
    assert [part for part in manifest["parts"] if "error" in part] == []
    assert await daemon.stop() == 0
