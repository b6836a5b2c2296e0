"""What Linux tells of a process and of the machine."""

import asyncio
import os
import platform
import re
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_LOAD_S: Final = 30.0
_MIB: Final = 1 << 20
_FSYNCS: Final = 50
_LOOPS: Final = 5
_PAGE: Final = bytes(4096)


def pss_mib(pid: int) -> float:
    """Return the memory of a process, what it shares counted by its share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(_fields(rollup)["Pss"].removesuffix(" kB")) / 1024


def cpu_s(pid: int) -> float:
    """Return the CPU time of all threads of a process, in the kernel included."""
    # the name in parentheses may hold anything; what follows it are numbers
    _, _, numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    user, system = numbers.split()[11:13]
    return (int(user) + int(system)) / _TICKS_PER_S


async def load_percent(pid: int) -> float:
    """Return how busy a process is in the next half minute, 100 being one core."""
    before_s, start_s = cpu_s(pid), time.monotonic()
    await asyncio.sleep(_LOAD_S)
    return 100 * (cpu_s(pid) - before_s) / (time.monotonic() - start_s)


def written_bytes(pid: int) -> int:
    """Return what a process made the disks write."""
    fields = _fields(Path(f"/proc/{pid}/io").read_text())
    return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])


def file_system(path: Path) -> str:
    """Return the type of the file system that a path is on."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split()[2] == wanted:
            return source.split()[0]
    return "unknown"


def machine(state: Path) -> Mapping[str, str | int | float]:
    """Return what figures must be compared by; ``state`` is where stores are put."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "chargerd": metadata.version("chargerd"),
        "state_directory": str(state),
        "state_file_system": file_system(state),
        "fsync_ms": round(_fsync_ms(state), 3),
        "python_ms": round(_python_ms(), 1),
    }


def _python_ms() -> float:
    """Return the median CPU time for a million steps of a loop."""
    took_ms = []
    for _ in range(_LOOPS):
        start_s = time.process_time()
        sum(number * number for number in range(1_000_000))
        took_ms.append((time.process_time() - start_s) * 1000)
    return median(took_ms)


def _fsync_ms(folder: Path) -> float:
    """Return the median time to have one more page on the disk."""
    took_ms = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_FSYNCS):
            start_s = time.monotonic()
            file.write(_PAGE)
            os.fsync(file)
            took_ms.append((time.monotonic() - start_s) * 1000)
    return median(took_ms)


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}
