"""Fixtures: a cabinet in a process of its own, and the daemon that drives it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchcsms.server import Csms
from tests.daemon.cabinet.process import ROOT, Cabinet, CabinetDaemon


@pytest.fixture
async def cabinet(tmp_path: Path) -> AsyncIterator[Cabinet]:
    one = Cabinet(tmp_path / "cabinet")
    yield one
    await one.end()


@pytest.fixture
def station_file() -> Path:
    """The station file that the cabinet is built after."""
    return ROOT / "etc/cabinet.toml"


@pytest.fixture
async def daemon(
    csms: Csms, cabinet: Cabinet, station_file: Path, tmp_path: Path
) -> AsyncIterator[CabinetDaemon]:
    fitting = await cabinet.start(station_file)
    one = CabinetDaemon(csms, tmp_path / "daemon", fitting)
    await one.start()
    yield one
    await one.kill()
    one.manager.close()
