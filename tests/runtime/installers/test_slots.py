"""A wheel goes into the slot that is free, and starts once it is whole."""

import asyncio
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from chargerd.runtime.installers import slot_boot, slot_state
from chargerd.runtime.installers.interface import (
    Installed,
    InstallError,
    InstallRefused,
    Refusal,
    Running,
    Slot,
    Trouble,
)
from chargerd.runtime.installers.slot_state import SYSTEM, TRIES, Choice
from chargerd.runtime.installers.slots import SlotsInstaller
from tests.mounts import on_a_small_disk
from tests.runtime.installers import wheels

OWN = metadata.version("chargerd")
SLOW = "import pathlib, time\npathlib.Path({!r}).touch()\ntime.sleep(600)\n"
KILLER = '''\
"""Ends a process at the n-th step that reaches the disk."""
import os, signal, sys

left = int(os.environ["KILL_AT"]) if os.environ["KILL_IN"] in sys.orig_argv else 0

def counted(step):
    def counting(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*arguments, **named)
    return counting

os.fsync, os.replace, os.mkdir = map(counted, (os.fsync, os.replace, os.mkdir))
'''
INSTALL = """\
import asyncio, sys
from pathlib import Path
from chargerd.runtime.installers.slots import SlotsInstaller

installer = SlotsInstaller(Path(sys.argv[1]))
asyncio.run(installer.install(Path(sys.argv[2]), "J", lambda _: None))
"""


class Station:
    """The slots of one station, and what runs there."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.directory = slot_state.slots_directory(self.state)
        self.wheels = directory
        self.told: list[int] = []

    def running(self, slot: str = SYSTEM) -> SlotsInstaller:
        """Return the installer of the version that lies there."""
        if slot == SYSTEM:
            return SlotsInstaller(self.state)
        return SlotsInstaller(self.state, self.directory / slot)

    def wheel(self, version: str, app: str = wheels.APP, needs: str = "") -> Path:
        path = self.wheels / f"{version}.whl"
        return wheels.wheel(path, wheels.files(version, app, needs))

    async def install(
        self, version: str, runs: str = SYSTEM, job: str = "", app: str = wheels.APP
    ) -> Installed:
        file = self.wheel(version, app)
        running = self.running(runs)
        return await running.install(file, job or version, self.told.append)

    @property
    def choice(self) -> Choice:
        return slot_state.read(self.directory)

    def starts(self) -> str:
        """Return the slot that a start takes, and count it."""
        return slot_boot.chosen(self.directory, True)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


async def test_a_version_is_installed_proven_and_kept(station: Station) -> None:
    file = station.wheel("2.0")
    inspected = await station.running().inspect(file)
    assert inspected.version == "2.0"
    assert await station.install("2.0") == Installed(needs_reboot=True)
    assert station.told == sorted(station.told)
    assert station.told[-1] == 100
    assert await station.running().running() == Running(OWN, "system", good=True)

    assert station.starts() == "a"
    new = station.running("a")
    assert await new.running() == Running("2.0", "a", good=False)
    await new.mark_good()
    await new.mark_good()
    assert await new.running() == Running("2.0", "a", good=True)
    assert [station.starts() for _ in range(TRIES + 1)] == ["a"] * (TRIES + 1)
    assert await new.roll_back() is False
    assert station.choice.slot == "a"


async def test_the_next_version_goes_into_the_other_slot(station: Station) -> None:
    await station.install("2.0")
    await station.running("a").mark_good()
    await station.install("3.0", runs="a")
    assert station.choice == Choice("b", "a", TRIES, good=False, job="3.0")
    await station.running("b").mark_good()
    await station.install("4.0", runs="b")
    assert await station.running("b").slots() == (
        Slot("system", OWN, runs=False, starts_next=False, good=True),
        Slot("a", "4.0", runs=False, starts_next=True, good=False),
        Slot("b", "3.0", runs=True, starts_next=False, good=True),
    )


async def test_a_job_that_is_done_is_not_done_again(station: Station) -> None:
    await station.install("2.0", job="J")
    station.told.clear()
    assert await station.install("2.0", job="J") == Installed(needs_reboot=True)
    again = await station.install("2.0", runs="a", job="J")
    assert again == Installed(needs_reboot=False)
    assert station.told == []


async def test_a_newer_job_takes_the_place_of_one_that_has_not_started(
    station: Station,
) -> None:
    await station.install("2.0")
    await station.install("3.0")
    assert station.choice == Choice("a", SYSTEM, TRIES, good=False, job="3.0")


async def test_rolled_back_before_the_restart_nothing_has_happened(
    station: Station,
) -> None:
    await station.install("2.0")
    for _ in range(2):
        assert await station.running().roll_back() is False
    assert station.starts() == SYSTEM


async def test_rolled_back_after_the_restart_another_one_is_needed(
    station: Station,
) -> None:
    await station.install("2.0")
    await station.running("a").mark_good()
    await station.install("3.0", runs="a")
    for _ in range(2):
        assert await station.running("b").roll_back() is True
    assert station.starts() == "a"
    assert await station.running("a").roll_back() is False
    await station.running("b").mark_good()
    assert station.starts() == "a"


async def test_a_version_to_go_back_to_is_not_written_over(station: Station) -> None:
    await station.install("2.0")
    await station.running("a").mark_good()
    await station.install("3.0", runs="a")
    with pytest.raises(InstallError) as raised:
        await station.install("4.0", runs="b")
    assert raised.value.why is Trouble.BUSY
    assert str(raised.value) == (
        "slot b runs without having proven itself, and slot a is needed to go back; "
        "roll back or restart first"
    )
    assert station.choice.slot == "b"


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("import nowhere\n", "No module named 'nowhere'"),
        ("raise SystemExit(3)\n", "does not start here: 3;"),
        ("if:\n", "slot a: the wheel holds code that is no Python of this version"),
    ],
)
async def test_code_that_does_not_start_here_is_not_chosen(
    station: Station, app: str, text: str
) -> None:
    with pytest.raises(InstallError) as raised:
        await station.install("2.0", app=app)
    assert raised.value.why is Trouble.FAILED
    assert text in str(raised.value)
    assert station.starts() == SYSTEM
    assert not (station.directory / "a").exists()


async def test_a_wheel_that_does_not_fit_leaves_what_is_chosen(
    station: Station,
) -> None:
    await station.install("2.0")
    before = station.choice
    other = station.wheel("3.0", needs="Requires-Dist: nowhere\n")
    missing = station.wheels / "missing.whl"
    for file, why in ((other, Refusal.OTHER_STATION), (missing, Refusal.NO_PACKAGE)):
        with pytest.raises(InstallRefused) as raised:
            await station.running().install(file, "J", station.told.append)
        assert raised.value.why is why
    assert station.choice == before


async def test_a_state_that_cannot_be_written_is_named(station: Station) -> None:
    station.directory.mkdir(parents=True)
    (station.directory / "chosen.json.next").mkdir()
    with pytest.raises(InstallError) as raised:
        await station.install("2.0")
    assert raised.value.why is Trouble.STORAGE
    assert str(raised.value).endswith("Is a directory; make room, or mend the disk")


async def test_this_very_chargerd_is_installed_and_starts(station: Station) -> None:
    file = wheels.wheel(station.wheels / "2.0.whl", wheels.own("2.0"))
    await station.running().install(file, "J", station.told.append)
    settings = station.wheels / "station.toml"
    settings.write_text(f'[storage]\ndirectory = "{station.state}"\n')
    ended = subprocess.run(
        [sys.executable, "-m", "chargerd", "--config", settings, "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "2.0\n"


def test_where_there_is_no_room_nothing_is_unpacked(station: Station) -> None:
    file = station.wheel("2.0")
    station.state.mkdir()
    ended = subprocess.run(
        [
            *on_a_small_disk(station.state, "8m"),
            *(sys.executable, "-c", INSTALL, station.state, file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    reason = ended.stderr.splitlines()[-1]
    assert "bytes are needed here, and 8" in reason
    assert reason.endswith("are free; make room or try again")


async def test_an_install_that_is_cancelled_has_ended(station: Station) -> None:
    begun = station.wheels / "begun"
    app = SLOW.format(str(begun))
    task = asyncio.create_task(station.install("2.0", app=app))
    while not begun.exists():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (station.directory / "a").exists()
    assert await station.running().roll_back() is False
    assert station.starts() == SYSTEM


@pytest.mark.parametrize(("process", "stride"), [("-c", 1), ("-m", 7)])
def test_killed_at_any_step_the_old_version_starts_or_the_whole_new_one(
    station: Station, process: str, stride: int
) -> None:
    killer = wheels.tree(station.wheels / "killer", {"sitecustomize.py": KILLER})
    file = station.wheel("2.0")
    path = os.pathsep.join((str(killer), str(wheels.ROOT), *sys.path))
    outcomes = []
    for step in range(1, 200, stride):
        ended = subprocess.run(
            [sys.executable, "-c", INSTALL, station.state, file],
            env={
                **os.environ,
                "PYTHONPATH": path,
                "KILL_IN": process,
                "KILL_AT": str(step),
            },
            capture_output=True,
            check=False,
        )
        slot = station.choice.slot
        outcomes.append(slot)
        if slot != SYSTEM:
            new = subprocess.run(
                [sys.executable, "-P", "-m", "chargerd"],
                env={**os.environ, "PYTHONPATH": str(station.directory / slot)},
                capture_output=True,
                text=True,
                check=True,
            )
            assert new.stdout == "2.0\n"
            slot_state.write(station.directory, Choice())
        if ended.returncode == 0:
            break
    assert ended.returncode == 0
    assert len(outcomes) > 3
    assert outcomes == sorted(outcomes)
    assert outcomes[-1] == "a"
