"""The stages, and which case runs on which of them."""

from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from benchcsms.server import Csms
from benchcsms.settings import Settings, utc_now
from tests.conformance import manners, states
from tests.conformance.manners import ELSEWHERE, FRIENDLY, MANNERS, ODD, Manner
from tests.conformance.on_bench import BenchStage
from tests.conformance.on_daemon import DaemonStage, Listener
from tests.conformance.order import Ear, Json
from tests.conformance.stage import TAGS, Stage
from tests.daemon.process import Daemon

LATE = Manner("late", answers_after_s=0.5)
"""Slower than anything here, and yet a test can wait for it."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a case on both stages, and on the bench with every manner it can bear."""
    if "stage" not in metafunc.fixturenames:
        return
    unbearable = metafunc.definition.get_closest_marker("contradicts")
    excluded = unbearable.kwargs if unbearable else {}
    odd = metafunc.definition.get_closest_marker("daemon_too") is not None
    places = [("bench", each) for each in MANNERS if each.name not in excluded]
    places += [("daemon", each) for each in (FRIENDLY, *((LATE, ODD) if odd else ()))]
    metafunc.parametrize(
        "place", places, ids=[f"{where}-{how.name}" for where, how in places]
    )


@pytest.fixture
async def stage(place: tuple[str, Manner], tmp_path: Path) -> AsyncIterator[Stage]:
    where, manner = place
    on = _bench if where == "bench" else _daemon
    async for stage in on(manner, tmp_path):
        stage.ear.unheard.clear()
        yield stage


async def _bench(manner: Manner, folder: Path) -> AsyncIterator[Stage]:
    stage = BenchStage(folder, manner)
    await stage.starts()
    await states.booted(stage)
    await stage.passes(4 * manner.answers_after_s)
    yield stage


async def _daemon(manner: Manner, folder: Path) -> AsyncIterator[Stage]:
    listener = Listener(Ear())
    first = -1 if manner.odd else 1
    settings = Settings(tags=TAGS, first_transaction_id=first)
    zone = ELSEWHERE if manner.odd else UTC
    standing: Json | None = None
    if manner.answers_after_s:
        standing = {"delay_s": manner.answers_after_s}
    async with Csms(settings, [listener], lambda: utc_now().astimezone(zone)) as csms:
        daemon = Daemon(csms, folder)
        stage = DaemonStage(daemon, listener, standing)
        try:
            await stage.starts()
            await states.booted(stage)
            for action in sorted(manners.LOSES | {"Authorize"} if standing else ()):
                csms.script(action, (), standing)
            yield stage
            assert csms.violations(daemon.identity) == []
        finally:
            await daemon.kill()
            daemon.manager.close()
