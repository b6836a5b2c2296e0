"""The systemd files, judged by systemd's own tools."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "chargerd.service"
DAEMON = Path(sys.executable).with_name("chargerd")
HARDWARE_KEYS = SYSTEMD.with_name("docs") / "hardware-keys.md"
NEEDED = {
    "memfd_create": "a private key that the CSMS had certified is handed to OpenSSL",
    "execve": "the chosen slot is entered, and an updater's programs are run",
    "setsid": "those programs can be ended with all that they have started",
    "setpriority": "unpacking yields to charging",
    "chown": "the control socket is given to its group",
    "socket": "files are fetched, and RAUC is spoken with",
}
"""System calls, and what does not work without them."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def settings(name: str) -> list[str]:
    """Return the values of a setting of the unit, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def system_calls(names: str) -> set[str]:
    """Return what systemd makes of the names of system calls and their groups."""
    if not names.startswith("@"):
        return {names}
    listed = run("systemd-analyze", "syscall-filter", names).stdout.splitlines()
    members = [line.strip() for line in listed[1:] if line.startswith(" ")]
    known = [member for member in members if not member.startswith("#")]
    return set[str]().union(*map(system_calls, known))


@pytest.fixture(scope="module")
def allowed() -> set[str]:
    """Return every system call that the unit lets through."""
    through: set[str] = set()
    for value in settings("SystemCallFilter"):
        named = {call for n in value.lstrip("~").split() for call in system_calls(n)}
        through = through - named if value.startswith("~") else through | named
    return through


def local(folder: Path) -> Path:
    """Return the unit with the daemon of this checkout."""
    unit = folder / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/chargerd", str(DAEMON)))
    return unit


def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    verdict = run("systemd-analyze", "verify", local(tmp_path))

    # an unknown key is only a line on stderr, with return code 0
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_the_unit_exposes_little() -> None:
    verdict = run(
        "systemd-analyze", "security", "--offline=true", "--threshold=25", UNIT
    )
    assert verdict.returncode == 0, verdict.stdout


@pytest.mark.parametrize("call", NEEDED)
def test_the_unit_lets_through_what_is_needed(call: str, allowed: set[str]) -> None:
    assert call in allowed, NEEDED[call]


def test_the_unit_lets_nothing_through_that_takes_privileges(allowed: set[str]) -> None:
    assert not allowed & {"mount", "ptrace", "init_module", "reboot", "swapon"}


def test_firmware_and_downloads_have_a_place_that_can_be_written() -> None:
    assert settings("StateDirectory") == settings("CacheDirectory") == ["chargerd"]
    # slots are in the state directory, and programs of an updater anywhere
    assert settings("NoExecPaths") == []


def test_systemd_understands_the_drop_in_for_a_key_in_hardware(tmp_path: Path) -> None:
    (drop_in,) = re.findall(
        r"^```ini\n(.*?)^```", HARDWARE_KEYS.read_text(), re.M | re.S
    )
    unit = local(tmp_path)
    folder = tmp_path / f"{UNIT.name}.d"
    folder.mkdir()
    (folder / "token.conf").write_text(drop_in)

    verdict = run("systemd-analyze", "verify", unit)

    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_the_users_of_the_unit_are_created(tmp_path: Path) -> None:
    verdict = run(
        "systemd-sysusers",
        "--dry-run",
        f"--root={tmp_path}",
        SYSTEMD / "chargerd.sysusers.conf",
    )

    assert verdict.returncode == 0, verdict.stderr
    created = {
        line.split("'")[1] for line in verdict.stderr.splitlines() if "'" in line
    }
    assert created == {"chargerd", "chargerd-hw", "chargerd-view"}


def test_a_wrong_line_would_be_noticed(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(f"[Service]\nExecStart={DAEMON}\nWatchDogSeconds=10\n")
    assert "WatchDogSeconds" in run("systemd-analyze", "verify", unit).stderr
