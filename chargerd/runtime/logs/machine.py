"""What the machine tells of itself: its room, its load, its journal."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

JOURNALCTL: Final = ("journalctl", "--unit=chargerd.service")

_LINES: Final = 20_000
_WITHIN_S: Final = 10.0
_PROC: Final = ("uptime", "loadavg", "meminfo", "self/status", "version", "cmdline")
_LONGEST: Final = 8_192


def facts(state: Path) -> dict[str, Any]:
    """Return what can be known of the machine.

    Args:
        state: A folder on the disk that matters.
    """
    disk = shutil.disk_usage(state)
    return {
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "disk": {"total_bytes": disk.total, "free_bytes": disk.free},
        "cpus": os.cpu_count(),
        "proc": {name: text for name in _PROC if (text := _proc(name))},
    }


def journal(
    since: datetime | None,
    until: datetime | None,
    command: Sequence[str] = JOURNALCTL,
) -> list[str]:
    """Return the newest lines of the journal; none if we may not read it."""
    times = [("since", since), ("until", until)]
    ends = [f"--{name}=@{at.timestamp():.0f}" for name, at in times if at is not None]
    how = ["--output=short-iso", "--utc", "--no-pager", "--quiet", f"--lines={_LINES}"]
    try:
        done = subprocess.run(
            [*command, *how, *ends],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.decode(errors="replace").splitlines(keepends=True)


def _proc(name: str) -> str:
    try:
        with Path("/proc", name).open(errors="replace") as file:
            return file.read(_LONGEST).replace("\0", " ").strip()
    except OSError:
        return ""
