"""Fixtures: a bench CSMS in this process, and daemons that are ended by process id."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from benchcsms.server import Csms
from tests.daemon.cutting import Bench
from tests.daemon.process import Daemon


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    async with Csms() as bench:
        yield bench


@pytest.fixture
async def make_daemon(
    csms: Csms, tmp_path: Path
) -> AsyncIterator[Callable[..., Daemon]]:
    made: list[Daemon] = []

    def make(identity: str = "DC1", **rest: Any) -> Daemon:
        daemon = Daemon(csms, tmp_path / identity, identity, **rest)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        if daemon.process is not None:
            await daemon.kill()
        daemon.manager.close()


@pytest.fixture
async def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    one = make_daemon()
    await one.start()
    return one


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    one = Bench(tmp_path)
    yield one
    await one.close()
