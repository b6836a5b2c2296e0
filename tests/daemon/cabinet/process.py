"""A simulated cabinet as a process, and the daemon that drives it with real drivers."""

import asyncio
import json
import re
import sys
import tomllib
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchcsms.server import Csms
from hal.wire import play
from tests.daemon.process import Daemon

ROOT = Path(__file__).parents[3]
SAFE_A = 1.0
_GLANCE_S = 0.02


def flowing(seen: dict[str, Any]) -> bool:
    """Say whether a car is being charged."""
    return bool(seen["current_a"] > 50)


def dead(seen: dict[str, Any]) -> bool:
    """Say whether nobody could come to harm at the plug."""
    return bool(seen["contacts"] == "open" and seen["current_a"] < SAFE_A)


class Cabinet:
    """One cabinet: its directory outlives its processes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: Process | None = None
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def start(self, file: Path) -> Path:
        """Build it after a station file; return the one that fits it."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hal.simulation", "--file", str(file)),
            *("--directory", str(self.directory), "--rate", "20"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            said = (await self.process.stdout.readline()).decode()
        assert said.startswith("cabinet: ready"), said
        path = self.directory / "cabinet.sock"
        self._ends = await asyncio.open_unix_connection(path, limit=1 << 22)
        return self.directory / "station.toml"

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """Let it do something; return what came of it."""
        assert self._ends is not None
        reader, writer = self._ends
        writer.write(play.request(verb, arguments))
        return play.result(await reader.readline())

    async def sees(self, connector: int = 1) -> dict[str, Any]:
        """Return what a connector truly does."""
        seen: dict[str, Any] = (await self.ask("observe"))[str(connector)]
        return seen

    async def until(
        self, met: Callable[[dict[str, Any]], bool], within_s: float, connector: int = 1
    ) -> dict[str, Any]:
        """Look on until ``met`` says yes of what a connector does."""
        seen = await self.sees(connector)
        try:
            async with asyncio.timeout(within_s):
                while not met(seen):
                    await asyncio.sleep(_GLANCE_S)
                    seen = await self.sees(connector)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {seen}") from None
        return seen

    async def end(self) -> None:
        """Take it away."""
        if self._ends is not None:
            self._ends[1].close()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


class CabinetDaemon(Daemon):
    """The daemon of a cabinet."""

    def __init__(self, csms: Csms, directory: Path, fitting: Path) -> None:
        identity = tomllib.loads(fitting.read_text())["station"]["identity"]
        super().__init__(csms, directory, identity)
        text = re.sub(
            r"^url = .*$",
            f"url = {json.dumps(csms.url)}\nsettle_s = 0.0",
            fitting.read_text(),
            flags=re.MULTILINE,
        )
        for section, key, name in (
            ("storage", "directory", "state"),
            ("control", "socket", "control"),
        ):
            text += f"\n[{section}]\n{key} = {json.dumps(str(directory / name))}\n"
        self.file.write_text(text)

    async def charge_remotely(self, connector: int = 1) -> None:
        """Plug a car in and start it from afar; return when it charges."""
        await self.status_is("Available", connector)
        plugged = self.csms.log()[-1].seq
        await self.call("Mock.Plug", connector=connector, soc_percent=30.0)
        await self.status_is("Preparing", connector, plugged)
        await self.csms.call(
            self.identity,
            "RemoteStartTransaction",
            {"connectorId": connector, "idTag": "04A1B2C3"},
        )
        await self.status_is("Charging", connector, plugged)
