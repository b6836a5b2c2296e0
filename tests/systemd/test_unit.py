"""The systemd files, judged by systemd's own tools."""

import subprocess
import sys
from pathlib import Path

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "chargerd.service"
DAEMON = Path(sys.executable).with_name("chargerd")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/chargerd", str(DAEMON)))

    verdict = run("systemd-analyze", "verify", unit)

    # an unknown key is only a line on stderr, with return code 0
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_the_unit_exposes_little() -> None:
    verdict = run(
        "systemd-analyze", "security", "--offline=true", "--threshold=25", UNIT
    )
    assert verdict.returncode == 0, verdict.stdout


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
