"""Which case runs on which stage, and with which manners of the CSMS."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_asyncio

from benchcsms import authority as authorities
from tests.conformance.manners import FRIENDLY, MANNERS, Manner
from tests.conformance.on_bench import BenchStage
from tests.conformance.secured import (
    OPERATOR,
    SERIAL,
    Begin,
    SecuredStage,
    secured,
)
from tests.conformance.stage import Stage
from tests.conformance.wings import LATE_AND_ODD, Wings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all cases share one loop, in which the next daemon gets ready."""
    one_loop = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if isinstance(item, pytest.Function) and "stage" in item.fixturenames:
            item.add_marker(one_loop, append=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a case on both stages, and on the bench with every manner it can bear."""
    if "stage" not in metafunc.fixturenames:
        return
    unbearable = metafunc.definition.get_closest_marker("contradicts")
    excluded = unbearable.kwargs if unbearable else {}
    places = [("bench", each) for each in MANNERS if each.name not in excluded]
    places.append(("daemon", FRIENDLY))
    if metafunc.definition.get_closest_marker("daemon_too"):
        places.append(("daemon", LATE_AND_ODD))
    metafunc.parametrize(
        "place", places, ids=[f"{where}-{how.name}" for where, how in places]
    )


@pytest.fixture(scope="session")
def disk() -> Iterator[Path]:
    """Make a folder that costs no time to write to, if there is one."""
    memory = "/dev/shm"
    where = memory if os.access(memory, os.W_OK) else None
    with TemporaryDirectory(prefix="chargerd-", dir=where) as folder:
        yield Path(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wings(disk: Path) -> AsyncIterator[Wings]:
    wings = Wings(disk)
    yield wings
    await wings.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    place: tuple[str, Manner], disk: Path, wings: Wings
) -> AsyncIterator[Stage]:
    where, manner = place
    if where == "bench":
        with TemporaryDirectory(dir=disk) as folder:
            yield await BenchStage.ready(Path(folder), manner)
        return
    async with wings.daemon(manner) as stage:
        stage.ear.unheard.clear()
        yield stage


@pytest.fixture(scope="session")
def authority(disk: Path) -> Path:
    """Make who certifies the CSMS, the stations and their firmware."""
    authorities.make(disk / "authority", "127.0.0.1", SERIAL, OPERATOR)
    return disk / "authority"


@pytest_asyncio.fixture
async def begin(disk: Path, authority: Path) -> AsyncIterator[Begin]:
    """Return what makes the stage of a case, once it is known which one."""
    async with AsyncExitStack() as until:
        folder = Path(until.enter_context(TemporaryDirectory(dir=disk)))

        async def begun(profile: int, **more: Any) -> SecuredStage:
            stage = secured(folder, authority, profile, **more)
            return await until.enter_async_context(stage)

        yield begun
