"""A firmware file that a technician sends through the control socket, in pieces."""

import os
from pathlib import Path
from typing import Final

from chargerd.runtime.lasting import sync

NAME: Final = "sent.firmware"
LOCATION: Final = "sent"
"""The location of a job whose file was sent, and is not fetched."""


class OutOfPlace(Exception):
    """A piece does not follow the one before."""

    def __init__(self, size_bytes: int) -> None:
        """Take how much is there already."""
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def size_bytes(folder: Path) -> int:
    """Return how much was sent; 0: nothing."""
    try:
        return (folder / NAME).stat().st_size
    except FileNotFoundError:
        return 0


def append(folder: Path, offset: int, content: bytes) -> int:
    """Write one piece; return how much there is then.

    Args:
        folder: Where it is kept, for us alone.
        offset: Where the piece belongs; 0 begins anew.
        content: The piece.

    Raises:
        OutOfPlace: There is more than ``offset``, or less.
        OSError: It cannot be written; what came before it is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if offset == 0:
        forget(folder)
    there = size_bytes(folder)
    if there != offset:
        raise OutOfPlace(there)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(folder / NAME, flags, 0o600), "wb", buffering=0) as file:
        try:
            written = file.write(content)
            while written < len(content):
                written += file.write(content[written:])
        except OSError:
            os.ftruncate(file.fileno(), offset)
            raise
    return offset + len(content)


def forget(folder: Path) -> None:
    """Delete what was sent; nothing, if nothing was."""
    (folder / NAME).unlink(missing_ok=True)


def take(folder: Path, to: Path, expected_bytes: int | None) -> int:
    """Put what was sent in a job's place, whole on the disk; return its bytes.

    A power cut may have come after that: then it is there already.

    Args:
        folder: Where it was sent to.
        to: The place.
        expected_bytes: How much was sent; ``None``: not known.

    Raises:
        OSError: It is not there, or not whole; the text says what to do.
    """
    if not to.exists():
        try:
            (folder / NAME).rename(to)
        except FileNotFoundError:
            raise OSError("the file that was sent is gone; send it again") from None
    with to.open("rb") as file:
        os.fsync(file.fileno())
        there = os.fstat(file.fileno()).st_size
    sync(to.parent)
    if expected_bytes is not None and there != expected_bytes:
        raise OSError(
            f"{there} of the {expected_bytes} bytes that were sent are here;"
            " send the file again"
        )
    return there
