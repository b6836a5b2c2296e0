"""Cables: pseudo-terminals that can be pulled and put back."""

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CHUNK: Final = 4096


class PseudoTerminal:
    """The far end of a serial port whose near end is a device file.

    The file has a name of its own, which stays the same however often the cable is
    pulled: a link to whatever the system calls the terminal.
    """

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        """Put the cable in; ``take`` gets what the other side writes."""
        self.path = path
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._ends: tuple[int, int] | None = None
        self.put_back()

    def send(self, data: bytes) -> None:
        """Let the other side hear something; while pulled it hears nothing."""
        if self._ends is None or not data:
            return
        with suppress(BlockingIOError):  # nobody reads: a wire does not wait
            os.write(self._ends[0], data)

    def pull(self) -> None:
        """Pull the cable: the device file goes away and its readers fail."""
        if self._ends is None:
            return
        far, near = self._ends
        self._ends = None
        self._loop.remove_reader(far)
        self.path.unlink(missing_ok=True)
        os.close(near)
        os.close(far)

    def put_back(self) -> None:
        """Put the cable in again."""
        if self._ends is not None:
            return
        far, near = os.openpty()
        tty.setraw(near)
        os.set_blocking(far, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(near))
        # The near end stays open here, or the far end would fail while nobody else
        # has it open.
        self._ends = far, near
        self._loop.add_reader(far, self._readable, far)

    close = pull

    def _readable(self, far: int) -> None:
        try:
            data = os.read(far, _CHUNK)
        except OSError:
            return
        if data:
            self._take(data)
