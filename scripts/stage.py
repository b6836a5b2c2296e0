"""A stage: the bench CSMS and chargerd on a simulated station, while a play lasts.

The station is the mock one, or a cabinet whose twins speak as real devices do.

Everything runs on loopback and in a temporary directory, and ends with the block.
"""

import argparse
import json
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import stage_security
from benchcsms.client import Client as BenchClient
from benchcsms.settings import NotDone
from chargerd.cli.client import Client
from chargerd.cli.problems import Problem
from stage_security import PROFILES, Place, Security

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
STATION = "org.chargerd.Station."
MOCK = "org.chargerd.Mock."

_READY = re.compile(r"benchcsms: listening on (\S+) control (.+)")
_START_S = 15.0
_END_S = 10.0


class StageFailed(Exception):
    """Something did not go as it should; the text says what."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a play is given on."""

    cabinet: bool = False
    """Whether real drivers on a simulated cabinet, instead of the mock station."""
    profile: int = 0
    """The security profile of the link."""
    issued: Path | None = None
    """Who certifies bench and station; ``None``: a new one does."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running, and how to speak with it."""

    bench: BenchClient
    station: Client
    socket: Path
    daemon: subprocess.Popen[bytes]
    log: Path

    def mock(self, method: str, **parameters: Any) -> None:
        """Move the simulated world: ``mock("Plug", connector=1)``."""
        self.station.call(MOCK + method, **parameters)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the station: ``ask("ReadMeters", connector=1)``."""
        return self.station.call(STATION + method, **parameters)

    def link(self) -> str:
        """Return over what the station and the bench speak, for people."""
        return stage_security.over(self.ask("GetStatus")["status"]["link"])

    def watch(self) -> Generator[dict[str, Any], None, None]:
        """Yield the station's status, now and at every change."""
        with Client(str(self.socket), timeout_s=5.0) as client:
            client.subscribe(f"{STATION}Watch")
            while True:
                yield client.receive()["status"]

    def post_mortem(self) -> str:
        """Return what the daemon said last, and how it ended if it did."""
        code = self.daemon.poll()
        lines = self.log.read_text(errors="replace").splitlines()[-12:]
        head = "chargerd is running" if code is None else f"chargerd ended with {code}"
        return "\n    ".join([f"{head}; its last lines:", *lines])


def asked() -> Setting:
    """Return what the command line asks for."""
    reader = argparse.ArgumentParser(prog="demo")
    reader.add_argument("--cabinet", action="store_true")
    reader.add_argument("--profile", type=int, choices=PROFILES, default=0)
    given = reader.parse_args()
    return Setting(given.cabinet, given.profile)


def perform(play: Callable[[Stage], int], setting: Setting) -> int:
    """Play on a stage; return the exit code, and say why if it is not 0."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with _stage(setting) as on:
            try:
                # from here on the station can be spoken with, at both its ends
                on.bench.ask("wait", action="BootNotification", timeout_s=_START_S)
                return play(on)
            except (StageFailed, NotDone, Problem) as error:
                raise StageFailed(f"{error}\n{on.post_mortem()}") from error
    except StageFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)  # through every "finally", so that all is ended


@contextmanager
def _stage(setting: Setting) -> Iterator[Stage]:
    with ExitStack() as ends:
        directory = Path(
            ends.enter_context(tempfile.TemporaryDirectory(prefix="chargerd-demo-"))
        )
        base = ROOT / "etc/mock.toml"
        if setting.cabinet:
            base = _start_cabinet(directory, ends)
        security = stage_security.make(
            setting.profile, _place(base, setting.issued, directory)
        )
        url = _start_bench(directory, security, ends)
        bench = ends.enter_context(BenchClient(directory / "bench"))
        file = directory / "station.toml"
        file.write_text(_station_file(base, url, security, directory))
        log = directory / "chargerd.log"
        daemon = _start_station(file, log, ends)
        control = directory / "control"
        client = ends.enter_context(Client(str(control), timeout_s=5.0))
        yield Stage(bench, client, control, daemon, log)


def _place(base: Path, issued: Path | None, directory: Path) -> Place:
    station = tomllib.loads(base.read_text())["station"]
    return Place(
        directory,
        issued or directory / "authority",
        station["identity"],
        station["serial_number"],
    )


def _station_file(base: Path, url: str, security: Security, directory: Path) -> str:
    """Return a simulated station's file, for this bench and this directory."""
    text = base.read_text()
    for instead in (
        {"url": url, **security.station},
        {"MeterValueSampleInterval": 2},
    ):
        key = next(iter(instead))
        parts = re.split(rf"^{key} = .*$", text, flags=re.MULTILINE)
        if len(parts) != 2:
            found = len(parts) - 1
            raise StageFailed(f"{base}: {key} stands there {found} times, not 1")
        text = _lines(instead).join(parts)
    for section, key in (("storage", "directory"), ("control", "socket")):
        text += f"\n[{section}]\n{_lines({key: str(directory / section)})}\n"
    return text


def _lines(values: Mapping[str, Any]) -> str:
    # JSON's texts, numbers and lists of texts are TOML's too
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


def _start_bench(directory: Path, security: Security, ends: ExitStack) -> str:
    process = _start(
        ends,
        ("benchcsms", "--port", "0", "--control", directory / "bench", *security.bench),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    line = _first_line(process)
    found = _READY.match(line)
    if found is None:
        raise StageFailed(f"benchcsms did not start: {line}")
    return found[1]


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """Return what a program says first; what it says later nobody needs."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_S)
    line = process.stdout.readline().decode().strip() if ready else "it says nothing"
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return line


def _start_cabinet(directory: Path, ends: ExitStack) -> Path:
    """Start a simulated cabinet; return the station file that fits it."""
    place, file = directory / "cabinet", ROOT / "etc/cabinet.toml"
    process = _start(
        ends,
        ("python", "-m", "hal.simulation", "--file", file, "--directory", place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = _first_line(process)
    if not said.startswith("cabinet: ready"):
        raise StageFailed(f"the cabinet did not start: {said}")
    return place / "station.toml"


def _start_station(file: Path, log: Path, ends: ExitStack) -> subprocess.Popen[bytes]:
    return _start(
        ends,
        ("chargerd", "--config", file),
        stdout=ends.enter_context(log.open("wb")),
        stderr=subprocess.STDOUT,
    )


def _start(
    ends: ExitStack, command: tuple[str | Path, ...], **more: Any
) -> subprocess.Popen[bytes]:
    program, *arguments = command
    # a session of its own, so that Ctrl-C reaches it through us, in our order
    process = subprocess.Popen(
        [PROGRAMS / program, *arguments],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        **more,
    )
    ends.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
