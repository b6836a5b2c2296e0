"""A test stand: a bench CSMS in this process, and one real daemon at a time.

Everything runs on loopback. The store is put under build/, since a directory for
temporary files may be in memory, where a commit costs nothing.
"""

import asyncio
import json
import re
import subprocess
import tempfile
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchcsms.dialogue import SENT, Entry
from benchcsms.server import Csms
from benchcsms.settings import NotDone
from chargerd.cli.client import Client
from chargerd.cli.problems import Problem
from chargerd.core.effects import ListKept
from chargerd.core.events import Standing, TagInfo
from chargerd.core.locallist import MOST_ENTRIES
from chargerd.store.database import Store
from stage import MOCK, PROGRAMS, ROOT, STATION

BUILD: Final = ROOT / "build"
CONNECTOR: Final = 1
CARD: Final = "04A1B2C3D4E5F6"
FAST: Final = 60.0
"""A minute of the world in a second, where only the way to a state is hurried."""

_START_S: Final = 15.0
_END_S: Final = 10.0
_ANSWER_S: Final = 30.0
_QUIET_S: Final = 0.3


class BenchFailed(Exception):
    """A figure could not be measured; the text says why."""


_EXPECTED: Final = (
    BenchFailed,
    NotDone,
    Problem,
    OSError,
    subprocess.SubprocessError,
)


class Daemon:
    """A running chargerd."""

    def __init__(self, process: Process, control: Path) -> None:
        self.pid = process.pid
        self.control = control
        self.boot_ms = 0.0
        """From the start of the process until the CSMS had its BootNotification."""
        self._process = process
        self._recent: deque[str] = deque(maxlen=12)
        self._said: asyncio.Queue[str] = asyncio.Queue()

    async def listen(self) -> None:
        """Take what the daemon prints, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            self._recent.append(text)
            self._said.put_nowait(text)

    async def says(self, word: str) -> str:
        """Return the rest of the next printed line that begins with a word."""
        async with asyncio.timeout(_ANSWER_S):
            while not (line := await self._said.get()).startswith(f"{word} "):
                pass
        return line.removeprefix(f"{word} ")

    async def mock(self, method: str, **parameters: Any) -> None:
        """Move the simulated world: ``mock("Plug", connector=1)``."""
        await asyncio.to_thread(self._call, MOCK + method, parameters)

    async def connector(self) -> dict[str, Any]:
        """Return how the connector that is measured with stands."""
        told = await asyncio.to_thread(self._call, f"{STATION}GetStatus", {})
        connector: dict[str, Any] = told["status"]["connectors"][CONNECTOR - 1]
        return connector

    async def end(self) -> None:
        """End it as systemd would."""
        with suppress(ProcessLookupError):  # it ended by itself
            self._process.terminate()
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def post_mortem(self) -> str:
        """Return what the daemon said last, and how it ended if it did."""
        code = self._process.returncode
        head = "chargerd is running" if code is None else f"chargerd ended with {code}"
        return "\n    ".join([f"{head}; its last lines:", *self._recent])

    def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        with closing(Client(str(self.control), timeout_s=_ANSWER_S)) as client:
            return client.call(method, **parameters)


class Stand:
    """A bench CSMS that knows when each frame came or went, and a place on the disk."""

    def __init__(self, state: Path, sockets: Path) -> None:
        self.base = ROOT / "etc/mock.toml"
        """The file of the station that is measured."""
        self.csms = Csms(listeners=(self._stamp,))
        self.state = state
        self.identity = ""
        self.seq = 0
        """The number of the last entry in the log of the dialogue."""
        self.sockets = sockets
        self._stamps_s: dict[int, float] = {}

    def at_s(self, entry: Entry) -> float:
        """Return the monotonic second of an entry."""
        return self._stamps_s[entry.seq]

    @asynccontextmanager
    async def daemon(
        self, program: tuple[str | Path, ...] = (PROGRAMS / "chargerd",)
    ) -> AsyncIterator[Daemon]:
        """Run the daemon; the block begins with its BootNotification."""
        since, control = self.seq, self.sockets / "control"
        file = self.state / "station.toml"
        file.write_text(_station_file(self.base, self.csms.url, self.state, control))
        started_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *program,
            "--config",
            file,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches it through us, in our order
        )
        daemon = Daemon(process, control)
        listening = asyncio.create_task(daemon.listen())
        try:
            boot = await self.hears("BootNotification", since, _START_S)
            self.identity = boot.station
            daemon.boot_ms = (self.at_s(boot) - started_s) * 1000
            yield daemon
        except _EXPECTED as error:
            text = str(error) or type(error).__name__
            raise BenchFailed(f"{text}\n{daemon.post_mortem()}") from error
        finally:
            await daemon.end()
            await listening

    async def hears(
        self, action: str, since: int, timeout_s: float = _ANSWER_S, **match: Any
    ) -> Entry:
        """Return the first CALL of the station with this action after ``since``."""
        return await self.csms.wait_for(
            action, kind="call", match=match, since=since, timeout_s=timeout_s
        )

    async def ask(self, action: str, **payload: Any) -> None:
        """Ask the station for something that it must accept."""
        answer = await self.csms.call(self.identity, action, payload, _ANSWER_S)
        if answer.payload != {"status": "Accepted"}:
            raise BenchFailed(f"{action}: {answer.payload or answer.code}")

    async def lag_ms(self, action: str, follows: str, **payload: Any) -> float:
        """Return the time from a CALL to the station to the CALL that follows."""
        since = self.seq
        await self.ask(action, **payload)
        sent = await self.csms.wait_for(action, direction=SENT, since=since)
        came = await self.hears(follows, since)
        return (self.at_s(came) - self.at_s(sent)) * 1000

    async def quiet(self) -> None:
        """Return when nobody has said anything for a while."""
        async with asyncio.timeout(_ANSWER_S):
            seq = -1
            while seq != self.seq:
                seq = self.seq
                await asyncio.sleep(_QUIET_S)

    async def plug(self, daemon: Daemon, connector: int = CONNECTOR) -> None:
        """Plug a car in, and wait until it waits."""
        since = self.seq
        await daemon.mock("Plug", connector=connector)
        await self._reports("Preparing", since, connector)
        await self.quiet()

    async def charge(self, daemon: Daemon, connector: int = CONNECTOR) -> None:
        """Let a car charge at full power; the way there is hurried."""
        await daemon.mock("SetRate", factor=FAST)
        await self.plug(daemon, connector)
        since = self.seq
        await self.ask("RemoteStartTransaction", connectorId=connector, idTag=CARD)
        await self._reports("Charging", since, connector)
        await self.quiet()

    async def unplug(self, daemon: Daemon, connector: int = CONNECTOR) -> None:
        """Unplug the car, and wait until all is told."""
        since = self.seq
        await daemon.mock("SetRate", factor=FAST)
        await daemon.mock("Unplug", connector=connector)
        await self._reports("Available", since, connector)
        await self.quiet()

    async def _reports(self, status: str, since: int, connector: int) -> None:
        await self.hears(
            "StatusNotification", since, connectorId=connector, status=status
        )

    def _stamp(self, entry: Entry) -> None:
        self.seq = entry.seq
        self._stamps_s[entry.seq] = time.monotonic()


@asynccontextmanager
async def open_stand() -> AsyncIterator[Stand]:
    """Set up a stand whose store holds as many id tags as fit, and nothing else."""
    BUILD.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as state,
        # the path of a socket must be short, and that of a checkout may be long
        tempfile.TemporaryDirectory(prefix="chargerd-bench-") as sockets,
    ):
        stand = Stand(Path(state), Path(sockets))
        _fill(stand.state / "chargerd.db")
        async with stand.csms:
            yield stand


@asynccontextmanager
async def running(*program: str | Path) -> AsyncIterator[tuple[Stand, Daemon]]:
    """Set up a stand with a daemon that has told all it has to tell."""
    chosen = program or (PROGRAMS / "chargerd",)
    async with open_stand() as stand, stand.daemon(chosen) as daemon:
        await stand.quiet()
        yield stand, daemon


def _fill(path: Path) -> None:
    """Fill a store with a local list of as many id tags as fit."""
    info = TagInfo(Standing.ACCEPTED, "FLEET", datetime(2036, 1, 1, tzinfo=UTC))
    entries = tuple((f"04a1b2c3{n:06}", info) for n in range(MOST_ENTRIES))
    with closing(Store(path)) as disk:
        disk.commit((ListKept(1, True, entries),))


def _station_file(base: Path, url: str, state: Path, control: Path) -> str:
    """Return a simulated station's file, for this bench and this directory."""
    text = base.read_text()
    for line, lines in (
        # without time to settle every redial is a first try
        (r"url = .*", f"url = {json.dumps(url)}\nsettle_s = 0.0"),
        # a hurried day of sessions is no storm of reports
        (r"\[ocpp\.configuration\]", r"\g<0>\nStatusReportsPerMinute = 0"),
    ):
        text, found = re.subn(f"^{line}$", lines, text, flags=re.MULTILINE)
        if found != 1:
            raise BenchFailed(f"{base}: {line} stands there {found} times, not 1")
    for section, key, path in (
        ("storage", "directory", state),
        ("control", "socket", control),
    ):
        text += f"\n[{section}]\n{key} = {json.dumps(str(path))}\n"
    return text
