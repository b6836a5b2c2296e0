"""The real PC/SC daemon with its virtual reader, for the cards of a simulated world.

The virtual reader listens on every address of the machine. So the daemon, and the hand
that holds cards to it, have a network of their own that nobody outside can reach; the
daemon's Unix socket is in a directory of ours, where the station's driver finds it.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

from hal.simulation.held_cards import HELD_S, held_cards
from hal.world.site import World

_NAMESPACES: Final = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child")
_NETWORK: Final = """
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
PATH=$PATH:/usr/sbin pcscd --foreground >/dev/null 2>&1 &
exec "$2" -m hal.simulation.card_hand
"""
SOCKET: Final = "pcscd.comm"
_STARTS_WITHIN_S: Final = 10.0
_GLANCE_S: Final = 0.02


class NoReader(OSError):
    """The daemon, its virtual reader or the rights for them are missing."""


@asynccontextmanager
async def virtual_reader(directory: Path) -> AsyncIterator["VirtualReader"]:
    """Run the daemon, its socket ``pcscd.comm`` in a directory.

    Raises:
        NoReader: It cannot be started.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / SOCKET).unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(*_NAMESPACES, "sh", "-ec", _NETWORK, "sh", str(directory), sys.executable),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    reader = VirtualReader(directory / SOCKET, process)
    try:
        await reader.started()
        yield reader
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class VirtualReader:
    """One virtual reader, and a hand in its network."""

    def __init__(self, socket: Path, process: Process) -> None:
        self._socket = socket
        self._process = process

    async def started(self) -> None:
        """Return once the daemon serves.

        Raises:
            NoReader: It does not; the text says what to install.
        """
        for _ in range(int(_STARTS_WITHIN_S / _GLANCE_S)):
            if self._socket.exists():
                return
            if self._process.returncode is not None:
                break
            await asyncio.sleep(_GLANCE_S)
        raise NoReader(
            "the virtual card reader does not start; it needs root and the Debian "
            "packages pcscd, vsmartcard-vpcd and iproute2; or name another reader in "
            "the station file"
        )

    async def follow(self, world: World, connector: int) -> None:
        """Hold the world's cards to the reader, for ever."""
        async with aclosing(held_cards(world, connector)) as cards:
            async for uid in cards:
                self._say(uid.hex())
                await asyncio.sleep(HELD_S)
                self._say("-")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
