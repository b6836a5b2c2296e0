"""Unpacks a wheel into a slot, as a program: ``FILE SLOT``; says ``N%`` meanwhile.

A process of its own can be ended at any moment, and takes no time from the daemon. It
ends when all of the slot is on the disk.
"""

import compileall
import os
import shutil
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from chargerd.runtime.installers import wheel
from chargerd.runtime.installers.interface import InstallRefused
from chargerd.runtime.lasting import sync

_PIECE_BYTES: Final = 256 * 1024
_SPARE_BYTES: Final = 16 * 1024 * 1024
"""So much stays free for the store."""
_POLITE: Final = 10


def main(file: Path, slot: Path) -> None:
    """Fill the slot, whatever was in it."""
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(_POLITE)
    try:
        with wheel.opened(file) as archive:
            wheel.check(archive)
            _empty(slot)
            _check_room(archive, slot)
            _unpack(archive, slot)
        with redirect_stdout(sys.stderr):
            whole = compileall.compile_dir(slot, quiet=1, force=True)
        if not whole:
            sys.exit("the wheel holds code that is no Python of this version")
        _sync(slot)
    except (InstallRefused, OSError) as error:
        sys.exit(f"{error}")


def _empty(slot: Path) -> None:
    if slot.exists():
        shutil.rmtree(slot)
    slot.mkdir(parents=True)


def _check_room(archive: ZipFile, slot: Path) -> None:
    # What Python compiles is about as large as what it compiles it from.
    needed_bytes = 2 * wheel.size_bytes(archive) + _SPARE_BYTES
    free_bytes = shutil.disk_usage(slot).free
    if free_bytes < needed_bytes:
        sys.exit(f"{needed_bytes} bytes are needed here, and {free_bytes} are free")


def _unpack(archive: ZipFile, slot: Path) -> None:
    members = [member for member in archive.infolist() if not member.is_dir()]
    whole = sum(member.file_size for member in members) or 1
    done = percent = 0
    for member in members:
        target = slot / member.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        # Modes of the archive are not taken over: nothing in a slot is a program.
        with archive.open(member) as source, target.open("xb") as written:
            shutil.copyfileobj(source, written, _PIECE_BYTES)
        done += member.file_size
        if done * 100 // whole > percent:
            percent = done * 100 // whole
            sys.stdout.write(f"{percent}%\n")
            sys.stdout.flush()


def _sync(slot: Path) -> None:
    for directory, _, files in os.walk(slot, topdown=False):
        for name in files:
            sync(Path(directory, name))
        sync(Path(directory))
    sync(slot.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
