"""The real PC/SC daemon with its virtual reader, and a hand that holds cards to it.

The virtual reader listens on every address of the machine. So the daemon has a
network of its own, which nobody outside can reach, and the hand is sent in there;
its Unix socket is in the file system, where the driver finds it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread
from typing import Self

READER = "Virtual PCD 00 0?"

_READY = "daemon ready"
_SOCKET = "PCSCLITE_CSOCK_NAME"
# The library asks for the name of the socket once in the life of a process.
_DIRECTORY = tempfile.TemporaryDirectory(prefix="pcscd-")
_PLACE = Path(_DIRECTORY.name)
_NETWORK = f"""
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind {_PLACE} /run/pcscd
echo ready
exec sleep infinity
"""
_SHARED = () if os.geteuid() == 0 else ("--map-root-user",)
_ENTER = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")


class Pcscd:
    """A network with the daemon in it, which can be killed and started again."""

    def __init__(self) -> None:
        self._network: subprocess.Popen[str] | None = None
        self._daemon: subprocess.Popen[str] | None = None
        self._drain = Thread()

    def __enter__(self) -> Self:
        os.environ[_SOCKET] = str(_PLACE / "pcscd.comm")
        self._network = subprocess.Popen(
            ["unshare", *_SHARED, "--net", "--mount", "sh", "-ec", _NETWORK],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._network.stdout is not None
        assert self._network.stdout.readline() == "ready\n"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self._network is not None
        self._network.kill()
        self._network.communicate()

    def start(self) -> None:
        """Start the daemon; it serves when this returns."""
        (_PLACE / "pcscd.comm").unlink(missing_ok=True)
        (_PLACE / "pcscd.pid").unlink(missing_ok=True)
        self._daemon = self._inside("pcscd", "--foreground", "--info")
        said = self._daemon.stdout
        assert said is not None
        assert any(_READY in line for line in said)
        # What it says further on must not fill the pipe, or it would wait.
        self._drain = Thread(target=said.read, daemon=True)
        self._drain.start()

    def kill(self) -> None:
        """Let the daemon die."""
        assert self._daemon is not None
        self._daemon.kill()
        self._drain.join()
        self._daemon.communicate()

    def hand(self) -> "Hand":
        """Return a hand that can hold cards to the first virtual reader."""
        return Hand(self._inside(sys.executable, "-m", "hal.simulation.card_hand"))

    def _inside(self, *command: str) -> subprocess.Popen[str]:
        assert self._network is not None
        enter = (
            "nsenter",
            *_ENTER,
            "--net",
            "--mount",
            f"--target={self._network.pid}",
        )
        return subprocess.Popen(
            [*enter, "--", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


class Hand:
    """Holds one card at a time to the reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def hold(self, uid: str) -> None:
        """Hold a card to the reader."""
        self._say(uid)

    def take_away(self) -> list[str]:
        """Take it away, and return the commands that it was given, in hex."""
        self._say("-")
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
