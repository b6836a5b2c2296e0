"""Figures of a whole cabinet: real drivers, and the devices' twins on real wires."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import bench_linux as linux
from bench_profiles import LIMITS_W, limits
from bench_stand import CONNECTOR, BenchFailed, Daemon, Stand, open_stand
from hal.wire import infypower, play
from hal.wire.advantics import Message, PowerControl, PowerParameters, identifier
from stage import PROGRAMS, ROOT

_CABINET: Final = ROOT / "etc/cabinet.toml"
_READER: Final = re.compile(r"^\[reader\]\n(?:\w.*\n)+", re.MULTILINE)
_SERIAL_READER: Final = '[reader]\ndriver = "em4100"\nport = "/dev/ttyS3"\n'
_CARDS: Final = 20
_TAKEN_AWAY_S: Final = 2.0
_MODULES: Final = 3
_MODULE_BUS: Final = "can0"
_VEHICLE_BUS: Final = "can1"
_STARTS_WITHIN_S: Final = 15.0
_SETTLES_S: Final = 3.0
_SETTLED_S: Final = 1.0
_SEEN_WITHIN_S: Final = 2.0
_GLANCE_S: Final = 0.01
_TICKS_S: Final = 20.0
_NEAR: Final = 0.03

Samples = AsyncIterator[float]
Frame = dict[str, Any]


class Cabinet:
    """A simulated cabinet, and what it saw on its buses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """Let the cabinet do something; return what came of it."""
        self._writer.write(play.request(verb, arguments))
        return play.result(await self._reader.readline())

    async def sees(
        self, since_s: float, wanted: Callable[[Frame], bool], bus: str = _MODULE_BUS
    ) -> float:
        """Return the second of the first such frame on a bus since then."""
        async with asyncio.timeout(_SEEN_WITHIN_S):
            while True:
                frames = await self.ask("heard", channel=bus, since_s=since_s)
                for frame in filter(wanted, frames):
                    return float(frame["at_s"])
                await asyncio.sleep(_GLANCE_S)


@asynccontextmanager
async def running(
    *program: str | Path, reader: str = ""
) -> AsyncIterator[tuple[Stand, Daemon, Cabinet]]:
    """Set up a cabinet and a daemon that drives it; ``reader`` is another reader."""
    chosen = program or (PROGRAMS / "chargerd",)
    async with open_stand() as stand:
        place, file = stand.sockets / "cabinet", stand.sockets / "cabinet.toml"
        text = _CABINET.read_text()
        file.write_text(_READER.sub(reader, text) if reader else text)
        async with _cabinet(place, file) as cabinet:
            stand.base = place / "station.toml"
            async with stand.daemon(chosen) as daemon:
                await stand.quiet()
                yield stand, daemon, cabinet


@asynccontextmanager
async def _cabinet(place: Path, file: Path) -> AsyncIterator[Cabinet]:
    options = ("--file", file, "--directory", place)
    process = await asyncio.create_subprocess_exec(
        *(PROGRAMS / "python", "-m", "hal.simulation", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_STARTS_WITHIN_S):
            said = (await process.stdout.readline()).decode().strip()
        if not said.startswith("cabinet: ready"):
            raise BenchFailed(f"the cabinet did not start: {said}")
        reader, writer = await asyncio.open_unix_connection(
            place / "cabinet.sock", limit=1 << 24
        )
        yield Cabinet(reader, writer)
        writer.close()
    finally:
        process.terminate()
        await process.wait()


async def idle_load() -> Samples:
    """The load of an idle daemon on a cabinet, 100 being one core."""
    async with running() as (_, daemon, _cabinet):
        await asyncio.sleep(_SETTLES_S)
        yield await linux.load_percent(daemon.pid)


async def charging_load() -> Samples:
    """The load while both connectors of a cabinet charge; the twins run elsewhere."""
    async with running() as (stand, daemon, _):
        await _charge_both(stand, daemon)
        yield await linux.load_percent(daemon.pid)


async def ticks() -> Samples:
    """From one look of the guard at all facts to the next, while two cars charge."""
    witness = (sys.executable, Path(__file__).with_name("bench_ticks.py"))
    async with running(*witness) as (stand, daemon, _):
        await _charge_both(stand, daemon)
        await daemon.says("ticks")  # those of the way there
        ends_s = time.monotonic() + _TICKS_S
        while time.monotonic() < ends_s:
            for tick_ms in json.loads(await daemon.says("ticks")):
                yield tick_ms


async def off() -> Samples:
    """From the edge of the emergency stop to the modules' order to stop, on the bus."""
    async with running() as (stand, daemon, cabinet):
        for _ in range(30):
            await stand.charge(daemon)
            await daemon.mock("SetRate", factor=1.0)
            await asyncio.sleep(_SETTLED_S)
            pressed_s = time.monotonic()
            await cabinet.ask("set_fault", name="emergency-stop", on=True)
            yield (await cabinet.sees(pressed_s, _is_off) - pressed_s) * 1000
            await cabinet.ask("set_fault", name="emergency-stop", on=False)
            await stand.unplug(daemon)


async def limit() -> Samples:
    """From sending SetChargingProfile until the modules are told so on the bus.

    A lower limit is told to them at once. A higher one is told to the vehicle, and to
    the modules when the vehicle asks for more: what it takes to ask is not counted.
    """
    async with running() as (stand, daemon, cabinet):
        # Three modules share what six would, if the neighbor's could help.
        await cabinet.ask("set_fault", name="bridge-open", on=True)
        await stand.charge(daemon)
        await daemon.mock("SetRate", factor=1.0)
        async for limit_w, sent_s in limits(stand):
            now = (await cabinet.ask("observe"))[str(CONNECTOR)]
            wanted_a = limit_w / now["voltage_v"]
            told = partial(_aims, wanted_a / _MODULES)
            if limit_w == max(LIMITS_W):
                offered_s = await cabinet.sees(
                    sent_s, partial(_offers, wanted_a), _VEHICLE_BUS
                )
                asked_s = await cabinet.sees(
                    offered_s, partial(_asks, wanted_a), _VEHICLE_BUS
                )
                sent_s += asked_s - offered_s
            yield (await cabinet.sees(sent_s, told) - sent_s) * 1000


async def card() -> Samples:
    """From the bytes of a card reader, which has just read it, to Authorize."""
    async with running(reader=_SERIAL_READER) as (stand, _, cabinet):
        blocked = {"result": {"idTagInfo": {"status": "Blocked"}}}
        stand.csms.script("Authorize", [], standing=blocked)
        for number in range(_CARDS):
            since, held_s = stand.seq, time.monotonic()
            await cabinet.ask("present", uid=f"0A004C{number:04X}")
            asked = await stand.hears("Authorize", since)
            yield (stand.at_s(asked) - held_s) * 1000
            await asyncio.sleep(_TAKEN_AWAY_S)


def _is_off(said: Frame) -> bool:
    off = bytes.fromhex(said["data"])[0] == 1
    return _command(said) == infypower.Command.SWITCH and off


def _aims(current_a: float, said: Frame) -> bool:
    if _command(said) != infypower.Command.AIM_MODULE:
        return False
    told_a = int.from_bytes(bytes.fromhex(said["data"])[4:]) / 1000
    return _near(told_a, current_a)


def _offers(current_a: float, said: Frame) -> bool:
    if not _is(Message.DC_POWER_PARAMETERS, said):
        return False
    offer = PowerParameters.decode(bytes.fromhex(said["data"]))
    return _near(offer.max_current_a, current_a)


def _asks(current_a: float, said: Frame) -> bool:
    if not _is(Message.DC_POWER_CONTROL, said):
        return False
    wish = PowerControl.decode(bytes.fromhex(said["data"]))
    return _near(wish.max_current_a, current_a)


def _is(message: Message, said: Frame) -> bool:
    return int(said["identifier"], 16) == identifier(message, CONNECTOR)


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) < _NEAR * wanted


def _command(said: Frame) -> int:
    return infypower.head(int(said["identifier"], 16)).command


async def _charge_both(stand: Stand, daemon: Daemon) -> None:
    for connector in (1, 2):
        await stand.charge(daemon, connector)
    await daemon.mock("SetRate", factor=1.0)
    await asyncio.sleep(_SETTLES_S)
