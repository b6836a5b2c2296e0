"""Three programs of the operator install, tell and mark; their exit codes count."""

import asyncio
import sys
from pathlib import Path

import pytest

from chargerd.runtime.installers import programs
from chargerd.runtime.installers.command import CommandInstaller
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

FILE = Path("/firmware/new.bin")


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys\n{code}")


def updater(
    install: str = "", status: str = "print('{}')", mark: str = ""
) -> CommandInstaller:
    return CommandInstaller(program(install), program(status), program(mark))


def ignored(_: int) -> None:
    pass


@pytest.mark.parametrize(("code", "needed"), [(0, False), (10, True)])
async def test_an_install_tells_how_far_it_is(code: int, needed: bool) -> None:
    told: list[int] = []
    lines = "print('begin\\r7%\\r 40 %\\nx%\\n250%', flush=True)"
    here = f"assert sys.argv[1:] == ['{FILE}', 'J']; sys.exit({code})"
    installer = updater(install=f"{lines}\n{here}")
    assert await installer.install(FILE, "J", told.append) == Installed(needed)
    assert told == [7, 40, 100]


async def test_a_file_that_is_not_trusted_is_told_apart() -> None:
    installer = updater("sys.stderr.write('checking\\nwrong key\\n'); sys.exit(20)")
    with pytest.raises(InstallRefused) as raised:
        await installer.install(FILE, "J", ignored)
    assert raised.value.why is Refusal.NOT_TRUSTED
    assert raised.value.verification
    assert str(raised.value) == f"{sys.executable}: wrong key"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("sys.exit('no room')", "no room"),
        ("sys.exit(3)", "it has ended with 3; see its own log"),
        ("import os; os.kill(os.getpid(), 9)", "it has ended with -9; see its own log"),
    ],
)
async def test_a_program_that_fails_is_named_with_its_reason(
    code: str, text: str
) -> None:
    with pytest.raises(InstallError) as raised:
        await updater(install=code).install(FILE, "J", ignored)
    assert raised.value.why is Trouble.FAILED
    assert str(raised.value) == f"{sys.executable}: {text}"


async def test_a_program_that_is_not_there_is_named() -> None:
    installer = CommandInstaller(["/nowhere/install"], ["x"], ["y"])
    with pytest.raises(InstallError) as raised:
        await installer.install(FILE, "J", ignored)
    assert raised.value.why is Trouble.UNREACHABLE
    assert str(raised.value) == (
        "/nowhere/install: No such file or directory; name a program that is there"
    )


async def test_what_runs_is_read_from_the_status() -> None:
    status = 'print(\'{"version": "7", "slot": "A",\\n "good": false, "more": 1}\')'
    installer = updater(status=status)
    assert await installer.running() == Running("7", "A", good=False)
    assert await installer.slots() == (Slot("A", "7", True, True, False),)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "[]",
        "{}",
        '{"version": 7, "slot": "A", "good": true}',
        '{"version": "7", "slot": "A", "good": "yes"}',
        "7",
    ],
)
async def test_a_status_that_says_something_else_is_named(printed: str) -> None:
    with pytest.raises(InstallError) as raised:
        await updater(status=f"print({printed!r})").running()
    assert "has not printed" in str(raised.value)


@pytest.mark.parametrize(("code", "needed"), [(0, False), (10, True)])
async def test_what_is_marked_bad_may_need_a_restart(code: int, needed: bool) -> None:
    installer = updater(mark=f"assert sys.argv[1:] == ['bad']; sys.exit({code})")
    assert await installer.roll_back() is needed


async def test_what_is_good_is_marked() -> None:
    await updater(mark="assert sys.argv[1:] == ['good']").mark_good()


async def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for text in ("No such file or directory", "empty"):
        with pytest.raises(InstallRefused) as raised:
            await updater().inspect(file)
        assert str(raised.value) == f"{file}: {text}; fetch it again"
        file.touch()
    file.write_text("x")
    assert await updater().inspect(file) == Inspected(None)


async def begun(installer: CommandInstaller) -> asyncio.Task[Installed]:
    """Return an install that has come to its first percent."""
    first = asyncio.Event()
    install = installer.install(FILE, "J", lambda _: first.set())
    task = asyncio.create_task(install)
    await first.wait()
    return task


async def test_a_cancelled_install_may_put_things_in_order(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, time\n"
        "def end(*_):\n"
        f"    pathlib.Path({str(tmp_path / 'ended')!r}).touch(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('1%', flush=True); time.sleep(600)"
    )
    task = await begun(updater(install=code))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tmp_path / "ended").exists()


async def test_a_cancelled_install_that_goes_on_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "GRACE_S", 0.05)
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(f'{os.getpid() % 90}%', flush=True); time.sleep(600)"
    )
    task = await begun(updater(install=code))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_line_without_an_end_takes_no_more_than_its_room() -> None:
    lines: list[str] = []
    code = "sys.stdout.write('x' * 10**6 + 'END\\n')"
    assert await programs.run(program(code), lines.append) == programs.Ended(0, "")
    assert lines[0].endswith("xEND")
    assert len(lines[0]) < 10**5
