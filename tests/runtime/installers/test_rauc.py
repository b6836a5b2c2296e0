"""The real RAUC is asked over a real D-Bus."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chargerd.runtime.installers.interface import (
    Inspected,
    Installed,
    InstallError,
    InstallRefused,
    Refusal,
    Running,
    Slot,
    Trouble,
)
from chargerd.runtime.installers.rauc import RaucInstaller
from tests.runtime.installers.rauc_station import IS_ROOT, RaucStation, rauc_station

as_root = pytest.mark.skipif(not IS_ROOT, reason="RAUC mounts what it installs")
OLD, NEW = "rootfs.0", "rootfs.1"


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[RaucStation]:
    async with rauc_station(tmp_path) as one:
        await one.boot("A")
        yield one


def ignored(_: int) -> None:
    pass


async def copied(rauc: RaucInstaller, file: Path) -> asyncio.Task[Installed]:
    """Return an install that has yet to tell the boot loader."""
    almost = asyncio.Event()

    def progress(done: int) -> None:
        if done >= 99:
            almost.set()

    task = asyncio.create_task(rauc.install(file, "J", progress))
    await almost.wait()
    return task


@as_root
async def test_a_system_is_installed_booted_and_kept(station: RaucStation) -> None:
    file = await station.bundle("2024.05")
    rauc = station.installer
    assert await rauc.running() == Running(None, OLD, good=False)
    assert await rauc.inspect(file) == Inspected("2024.05")
    told: list[int] = []
    for _ in range(2):
        done = await rauc.install(file, "J", told.append)
        assert done == Installed(needs_reboot=True)
    assert told == sorted(told)
    assert told[-1] == 100
    assert (station.directory / "slot.B").read_bytes().startswith(b"2024.05" * 1024)
    old, new = await rauc.slots()
    assert old == Slot(OLD, None, runs=True, starts_next=False, good=True)
    assert (new.version, new.runs, new.starts_next) == ("2024.05", False, True)

    assert await station.boot("B") == Running("2024.05", NEW, good=False)
    assert await rauc.install(file, "J", ignored) == Installed(needs_reboot=False)
    await rauc.mark_good()
    assert station.read("state.B") == "good"
    assert await rauc.roll_back() is False
    assert station.read("primary") == "B"


@as_root
async def test_a_system_that_runs_and_is_not_sound_is_left(
    station: RaucStation,
) -> None:
    rauc = station.installer
    await rauc.install(await station.bundle("2"), "J", ignored)
    await rauc.mark_good()
    await station.boot("B")
    for _ in range(2):
        assert await rauc.roll_back() is True
    assert (station.read("primary"), station.read("state.B")) == ("A", "bad")
    await station.boot("A")
    assert await rauc.roll_back() is False


@as_root
async def test_rolled_back_before_the_restart_the_old_system_is_booted(
    station: RaucStation,
) -> None:
    rauc = station.installer
    assert await rauc.roll_back() is False
    await rauc.install(await station.bundle("2"), "J", ignored)
    assert station.read("primary") == "B"
    assert await rauc.roll_back() is False
    assert station.read("primary") == "A"


async def test_a_bundle_of_somebody_else_is_not_trusted(station: RaucStation) -> None:
    file = await station.bundle("2", signer="other")
    rauc = station.installer
    for asked in (rauc.inspect(file), rauc.install(file, "J", ignored)):
        with pytest.raises(InstallRefused) as raised:
            await asked
        assert raised.value.why is Refusal.NOT_TRUSTED
    assert station.read("primary") == "A"


async def test_a_bundle_for_another_station_is_refused(station: RaucStation) -> None:
    file = await station.bundle("2", compatible="toaster")
    with pytest.raises(InstallRefused) as raised:
        await station.installer.inspect(file)
    assert raised.value.why is Refusal.OTHER_STATION
    assert str(raised.value) == (
        "the bundle is for 'toaster', not for 'dc-station'; give another"
    )


async def test_what_is_no_bundle_is_refused(
    station: RaucStation, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    for text in ("No such file or directory", "no bundle"):
        with pytest.raises(InstallRefused) as raised:
            await station.installer.inspect(file)
        assert raised.value.why is Refusal.NO_PACKAGE
        assert str(raised.value) == f"{file}: {text}; fetch it again"
        file.write_text("<html>not found</html>")


@as_root
async def test_an_install_that_is_given_up_is_undone_when_rauc_has_ended(
    station: RaucStation,
) -> None:
    file = await station.bundle("2")
    station.gate.shut()
    rauc = station.installer
    task = await copied(rauc, file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    undone = asyncio.create_task(rauc.roll_back())
    station.gate.open()
    assert await undone is False
    assert station.read("primary") == "A"


@as_root
async def test_an_install_fails_when_rauc_dies(station: RaucStation) -> None:
    file = await station.bundle("2")
    station.gate.shut()
    task = await copied(station.installer, file)
    await station.end()
    with pytest.raises(InstallError) as raised:
        await task
    assert raised.value.why is Trouble.UNREACHABLE
    assert str(raised.value) == "RAUC: NoReply: it has ended; see journalctl -u rauc"


async def test_without_rauc_or_without_a_bus_it_is_said_so(
    station: RaucStation, tmp_path: Path
) -> None:
    await station.end()
    nowhere = RaucInstaller("unix:path=/nowhere", tmp_path)
    for installer in (station.installer, nowhere):
        with pytest.raises(InstallError) as raised:
            await installer.running()
        assert raised.value.why is Trouble.UNREACHABLE
