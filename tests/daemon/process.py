"""The real daemon as a process, on the mock station, with its socket and its CSMS."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchcsms.dialogue import Entry
from benchcsms.server import Csms
from chargerd import control

STATION_FILE = """\
[station]
identity = "{identity}"
vendor = "chargerd"
model = "Mock"
{station}

[csms]
url = "{url}"
settle_s = 0.0
{csms}

[storage]
directory = "{directory}/state"

[firmware]
cache_directory = "{directory}/cache"
{firmware}

[control]
socket = "{directory}/control"

[ocpp.configuration]
RetryBackOffWaitMinimum = 0
RetryBackOffRandomRange = 1
# this world runs faster than any station could deliver
MeterStepLimit = 0
{configuration}

[simulation]
driver = "mock"
rate = {rate}
handshake_s = 5.0
cable_check_s = 5.0
welding_check_s = 5.0
state = "{directory}/world"

[safety]
driver = "mock"

[supply]
driver = "mock"

[reader]
driver = "mock"

[[connector]]
driver = "mock"

[[connector]]
driver = "mock"
"""
"""At two hundred times the speed of life, five seconds of the world are 25 ms."""

CARD = "04A1B2C3"


class Manager:
    """The end of the notify socket that systemd has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    async def told(self, beginning: str, within_s: float = 10.0) -> str:
        """Return the next message that begins so."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            while True:
                message = (await loop.sock_recv(self._socket, 4096)).decode()
                if message.startswith(beginning):
                    return message

    def forget(self) -> None:
        """Drop what an earlier process has said."""
        with suppress(BlockingIOError):
            while self._socket.recv(4096):
                pass

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class NotAnswered(Exception):
    """The daemon refused, or is not there."""


class Daemon:
    """One station: its directory outlives its processes, as a board's disk does."""

    def __init__(
        self,
        csms: Csms,
        directory: Path,
        identity: str = "DC1",
        *,
        url: str | None = None,
        csms_lines: str = "",
        station_lines: str = "",
        configuration: str = "",
        firmware_lines: str = "",
        rate: float = 200.0,
    ) -> None:
        self.csms = csms
        self.identity = identity
        self.directory = directory
        self.file = directory / "station.toml"
        self.log = directory / "log"
        self.process: Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.manager = Manager(directory / "notify")
        self.file.write_text(
            STATION_FILE.format(
                identity=identity,
                url=url or csms.url,
                csms=csms_lines,
                station=station_lines,
                configuration=configuration,
                firmware=firmware_lines,
                rate=rate,
                directory=directory,
            )
        )

    async def start(
        self,
        *program: str,
        program_prefix: Sequence[str] = (),
        boot_id: str = "one",
        **environment: str,
    ) -> None:
        """Start it; ``program`` stands in for ``-m chargerd``."""
        self.manager.forget()
        own = {"CHARGERD_BOOT_ID": boot_id, "NOTIFY_SOCKET": str(self.manager.path)}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *program_prefix,
                sys.executable,
                *(program or ("-m", "chargerd")),
                "--config",
                str(self.file),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **own, **environment},
            )

    async def ended(self, within_s: float = 20.0) -> int:
        """Return the exit code, once it has ended."""
        assert self.process is not None
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def stop(self) -> int:
        """End it as systemd does; return the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the control socket, as chargerctl does."""
        path = str(self.directory / "control")
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            raise NotAnswered(f"{path}: {error}") from error
        try:
            name = f"org.chargerd.{method}"
            writer.write(control.encode({"method": name, "parameters": parameters}))
            frame = await reader.readuntil(control.END)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise NotAnswered(f"{method}: {error!r}") from error
        finally:
            writer.close()
        answer = json.loads(frame[:-1])
        if "error" in answer:
            raise NotAnswered(f"{method}: {answer}")
        parameters = answer["parameters"]
        return parameters

    async def status(self) -> dict[str, Any]:
        """Return the whole status."""
        status: dict[str, Any] = (await self.call("Station.GetStatus"))["status"]
        return status

    async def meter_wh(self, connector: int = 1) -> int:
        """Return a meter's register as the daemon last read it."""
        (meter,) = (await self.call("Station.ReadMeters", connector=connector))[
            "meters"
        ]
        return int(meter["energy_wh"])

    async def watch_until(self, met: Any, within_s: float = 20.0) -> dict[str, Any]:
        """Follow the daemon's own status until ``met`` says yes; return it."""
        path = str(self.directory / "control")
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                name = "org.chargerd.Station.Watch"
                writer.write(control.encode({"method": name, "more": True}))
                while True:
                    frame = json.loads((await reader.readuntil(control.END))[:-1])
                    status: dict[str, Any] = frame["parameters"]["status"]
                    if met(status):
                        return status
            finally:
                writer.close()

    async def heard(self, action: str, **rest: Any) -> Entry:
        """Wait until the CSMS has heard something of this station."""
        rest.setdefault("timeout_s", 20.0)
        rest.setdefault("kind", "call")
        return await self.csms.wait_for(action, station=self.identity, **rest)

    async def status_is(self, word: str, connector: int = 1, since: int = 0) -> Entry:
        """Wait until the CSMS has been told this status."""
        match: Mapping[str, Any] = {"connectorId": connector, "status": word}
        return await self.heard("StatusNotification", match=match, since=since)

    async def charge(self, connector: int = 1) -> Entry:
        """Plug a car in and hold a card to the reader; return when it charges."""
        await self.status_is("Available", connector)
        plugged = self.csms.log()[-1].seq
        await self.call("Mock.Plug", connector=connector)
        await self.status_is("Preparing", connector, plugged)
        await self.call("Mock.PresentTag", uid=CARD)
        return await self.status_is("Charging", connector, plugged)
