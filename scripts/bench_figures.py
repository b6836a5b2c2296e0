"""The figures: how each is measured, and what it shall be."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import bench_cabinet as cabinet
import bench_linux as linux
from bench_profiles import composite, set_limit
from bench_stand import (
    CARD,
    CONNECTOR,
    FAST,
    BenchFailed,
    Daemon,
    Stand,
    open_stand,
    running,
)
from benchcsms.dialogue import Entry
from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.locallist import MOST_SENT
from chargerd.core.reasons import Cause
from chargerd.ocpp16.records import MessageQueued
from chargerd.ocpp16.requests import start_transaction, stop_transaction
from chargerd.store.database import Store
from stage import PROGRAMS

_IDLE_S: Final = 60.0
_STEADY_S: Final = 1.0
"""The world's own time at full power before a charge is interrupted."""
_SESSIONS: Final = 20
_SESSION_WH: Final = 10_000
_SESSION_WITHIN_S: Final = 60.0
_MINUTE_S: Final = 2
"""So long lasts a minute of the world, where samples are counted: they come by the
station's clock, and so does the cable check, which would fill a shorter one."""
_QUEUED: Final = 10_000
_ASKED_EVERY_S: Final = 0.02
_DRAINED_WITHIN_S: Final = 300.0
_LISTS: Final = 30

Samples = AsyncIterator[float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    unit: str
    measure: Callable[[], Samples]
    targets: Mapping[str, float] = field(default_factory=dict)
    """What some of its statistics shall not exceed."""
    least: float | None = None
    """What none of its samples shall fall below."""


async def _boot() -> Samples:
    """From the start of the process until the CSMS has BootNotification."""
    async with open_stand() as stand:
        async with stand.daemon():
            pass  # the first start makes the store, and fills the caches
        for _ in range(15):
            async with stand.daemon() as daemon:
                yield daemon.boot_ms


async def _configuration() -> Samples:
    """From sending GetConfiguration for all keys until the answer is there."""
    async with running() as (stand, _):
        for _ in range(1000):
            answer = await stand.csms.call(stand.identity, "GetConfiguration")
            if not answer.payload:
                raise BenchFailed(f"GetConfiguration: {answer.code}")
            yield answer.took_ms


async def _heartbeat() -> Samples:
    """From sending TriggerMessage until the Heartbeat that it asks for."""
    async with running() as (stand, _):
        for _ in range(200):
            yield await stand.lag_ms(
                "TriggerMessage", "Heartbeat", requestedMessage="Heartbeat"
            )


async def _remote_start() -> Samples:
    """From sending RemoteStartTransaction until StartTransaction; a car waits.

    The start record is on the disk by then.
    """
    async with running() as (stand, daemon):
        await daemon.mock("SetRate", factor=FAST)
        for _ in range(30):
            await stand.plug(daemon)
            yield await stand.lag_ms(
                "RemoteStartTransaction",
                "StartTransaction",
                connectorId=CONNECTOR,
                idTag=CARD,
            )
            await stand.unplug(daemon)


async def _remote_stop() -> Samples:
    """From sending RemoteStopTransaction until StopTransaction, at full power.

    Most of it is the current going down, in the world's own time.
    """
    async with running() as (stand, daemon):
        for _ in range(10):
            await stand.charge(daemon)
            await _steady(daemon)
            number = stand.csms.transactions()[-1].id
            yield await stand.lag_ms(
                "RemoteStopTransaction", "StopTransaction", transactionId=number
            )
            await stand.unplug(daemon)


async def _reconnect() -> Samples:
    """From a TCP reset by the CSMS until the next WebSocket is open; a first try."""
    async with running() as (stand, _):
        for _ in range(10):
            since, dropped_s = stand.seq, time.monotonic()
            stand.csms.drop(stand.identity)
            opened = await stand.csms.wait_for(kind="open", since=since)
            yield (stand.at_s(opened) - dropped_s) * 1000
            await stand.quiet()


async def _local_list() -> Samples:
    """From sending SendLocalList (Full, 1000 id tags) until the answer is there.

    The list is on the disk by then. The first one replaces a list of 10,000.
    """
    async with running() as (stand, _):
        for version in range(1, _LISTS + 1):
            yield await _send_list(stand, version)


async def _stall() -> Samples:
    """The longest that the loop serves nobody else while it takes such a list."""
    witness = (sys.executable, Path(__file__).with_name("bench_stall.py"))
    async with running(*witness) as (stand, daemon):
        for version in range(1, _LISTS + 1):
            await _send_list(stand, version)
            yield float(await daemon.says("stall"))
            await stand.quiet()


async def _emergency_stop() -> Samples:
    """From ``mock fault emergency-stop on`` at full power until the plug is dead."""
    witness = (sys.executable, Path(__file__).with_name("bench_emergency.py"))
    async with open_stand() as stand, stand.daemon(witness) as daemon:
        for _ in range(10):
            await stand.charge(daemon)
            await _steady(daemon)
            pressed_s = time.monotonic()
            await daemon.mock("SetFault", name="emergency-stop", on=True)
            yield (float(await daemon.says("dead")) - pressed_s) * 1000
            await daemon.mock("SetFault", name="emergency-stop", on=False)
            await stand.unplug(daemon)


async def _status_command() -> Samples:
    """``chargerctl status`` as a whole process."""
    async with running() as (_, daemon):
        command = (PROGRAMS / "chargerctl", "--socket", daemon.control, "status")
        for _ in range(20):
            start_s = time.monotonic()
            await asyncio.to_thread(
                subprocess.run, command, stdout=subprocess.DEVNULL, check=True
            )
            yield (time.monotonic() - start_s) * 1000


async def _memory() -> Samples:
    """The memory of an idle daemon.

    The bench is a Python too: half of what the two share counts for the bench.
    """
    async with running() as (_, daemon):
        await asyncio.sleep(_IDLE_S)
        yield linux.pss_mib(daemon.pid)


async def _idle_load() -> Samples:
    """The load of an idle daemon, 100 being one core."""
    async with running() as (_, daemon):
        await asyncio.sleep(_IDLE_S)
        yield await linux.load_percent(daemon.pid)


async def _charging_load() -> Samples:
    """The load while one car charges, the simulation of the car included."""
    async with running() as (stand, daemon):
        await stand.charge(daemon)
        await _steady(daemon)
        yield await linux.load_percent(daemon.pid)


async def _written() -> Samples:
    """What the disk writes for a session of 10 kWh with a sample a minute.

    Linux counts whole pages of 4 KiB, as they are handed to the disk; what the file
    system writes for itself is not in it.
    """
    async with running() as (stand, daemon):
        kind = linux.file_system(stand.state)
        if kind in ("tmpfs", "ramfs"):
            raise BenchFailed(f"{stand.state}: is {kind}; put the checkout on a disk")
        interval_s = str(_MINUTE_S)
        await stand.ask(
            "ChangeConfiguration", key="MeterValueSampleInterval", value=interval_s
        )
        before = linux.written_bytes(daemon.pid)
        for _ in range(_SESSIONS):
            await _session(stand, daemon)
        yield (linux.written_bytes(daemon.pid) - before) / _SESSIONS


async def _drain() -> Samples:
    """How many messages a second are told after an outage of 10 000 transactions.

    Each is settled on the disk, and the CSMS asks for all keys all the while.
    """
    async with _draining() as (stand, _):
        first = await stand.hears("StartTransaction", 0)
        last = await _drained(stand)
        yield (2 * _QUEUED - 1) / (stand.at_s(last) - stand.at_s(first))


async def _configuration_draining() -> Samples:
    """From GetConfiguration for all keys to its answer, while a backlog is told."""
    async with _draining() as (stand, lags_ms):
        await _drained(stand)
        for lag_ms in tuple(lags_ms):
            yield lag_ms


@asynccontextmanager
async def _draining() -> AsyncIterator[tuple[Stand, list[float]]]:
    """Set up a daemon with a backlog, and a CSMS that asks it for all keys."""
    async with open_stand() as stand:
        _queue(stand.state / "chargerd.db")
        async with stand.daemon():
            lags_ms: list[float] = []
            asking = asyncio.create_task(_ask_on(stand, lags_ms))
            try:
                yield stand, lags_ms
            finally:
                asking.cancel()


async def _ask_on(stand: Stand, lags_ms: list[float]) -> None:
    while True:
        answer = await stand.csms.call(stand.identity, "GetConfiguration")
        lags_ms.append(answer.took_ms)
        await asyncio.sleep(_ASKED_EVERY_S)


async def _drained(stand: Stand) -> Entry:
    return await stand.csms.wait_for(
        "StopTransaction", kind="call", count=_QUEUED, timeout_s=_DRAINED_WITHIN_S
    )


# fmt: off
FIGURES: Final = (
    Figure("boot_ms",               "ms",  _boot,           {"p50": 600.0}),
    Figure("get_configuration_ms",  "ms",  _configuration,  {"p50": 1.0, "p99": 3.0}),
    Figure("local_list_1000_ms",    "ms",  _local_list,     {"max": 60.0}),
    Figure("local_list_stall_ms",   "ms",  _stall,          {"max": 50.0}),
    Figure("trigger_heartbeat_ms",  "ms",  _heartbeat,      {"p50": 1.2}),
    Figure("remote_start_ms",       "ms",  _remote_start,   {"p50": 6.0}),
    Figure("remote_stop_ms",        "ms",  _remote_stop),
    Figure("reconnect_ms",          "ms",  _reconnect,      {"max": 1200.0}),
    Figure("emergency_stop_ms",     "ms",  _emergency_stop, {"max": 100.0}),
    Figure("set_limit_ms",          "ms",  set_limit,       {"max": 100.0}),
    Figure("composite_schedule_ms", "ms",  composite,       {"p99": 5.0}),
    Figure("status_command_ms",     "ms",  _status_command, {"p50": 150.0}),
    Figure("pss_mib",               "MiB", _memory,         {"max": 45.0}),
    Figure("idle_cpu_percent",      "%",   _idle_load,      {"max": 0.5}),
    Figure("charging_cpu_percent",  "%",   _charging_load),
    Figure("bytes_per_transaction", "B",   _written,        {"max": 70_000.0}),
    Figure("queue_drain_per_s",     "1/s", _drain,          least=300.0),
    Figure("cabinet_tick_ms",       "ms",  cabinet.ticks,   {"p99": 20.0}),
    Figure("cabinet_off_ms",        "ms",  cabinet.off,     {"p99": 30.0}),
    Figure("cabinet_card_ms",       "ms",  cabinet.card,    {"max": 50.0}),
    Figure("cabinet_limit_ms",      "ms",  cabinet.limit,   {"p99": 100.0}),
    Figure("cabinet_idle_cpu_percent",     "%", cabinet.idle_load,     {"max": 3.0}),
    Figure("cabinet_charging_cpu_percent", "%", cabinet.charging_load, {"max": 8.0}),
    Figure("get_configuration_draining_ms", "ms", _configuration_draining,
           {"p99": 25.0}),
)
# fmt: on


async def _steady(daemon: Daemon) -> None:
    await daemon.mock("SetRate", factor=1.0)
    await asyncio.sleep(_STEADY_S)


async def _session(stand: Stand, daemon: Daemon) -> None:
    """Charge a car, stop it from afar and send it away."""
    await stand.charge(daemon)
    await daemon.mock("SetRate", factor=60.0 / _MINUTE_S)
    async with asyncio.timeout(_SESSION_WITHIN_S):
        while (await daemon.connector()).get("session_energy_wh", 0) < _SESSION_WH:
            await asyncio.sleep(0.1)
    number = stand.csms.transactions()[-1].id
    await stand.lag_ms("RemoteStopTransaction", "StopTransaction", transactionId=number)
    await stand.unplug(daemon)


async def _send_list(stand: Stand, version: int) -> float:
    """Send a list of 1000 id tags, each time others; return how long it took [ms]."""
    entries = [
        {
            "idTag": f"04{version:04}{number:06}C4D5E6F7",
            "idTagInfo": {
                "status": "Accepted",
                "parentIdTag": f"FLEET-{number % 7}",
                "expiryDate": "2036-01-01T00:00:00Z",
            },
        }
        for number in range(MOST_SENT)
    ]
    payload = {
        "listVersion": version,
        "updateType": "Full",
        "localAuthorizationList": entries,
    }
    answer = await stand.csms.call(stand.identity, "SendLocalList", payload)
    if answer.payload != {"status": "Accepted"}:
        raise BenchFailed(f"SendLocalList: {answer.payload or answer.code}")
    return answer.took_ms


def _queue(path: Path) -> None:
    """Fill a store with transactions that were sold without the CSMS."""
    now = datetime.now(UTC)
    with closing(Store(path)) as disk:
        for n in range(_QUEUED):
            at = now - timedelta(minutes=_QUEUED - n)
            started = TransactionStarted(str(n), CONNECTOR, CARD, None, at, n)
            ended = TransactionEnded(str(n), at, n + 1, Cause.TOKEN, CARD)
            start, stop = start_transaction(started), stop_transaction(ended, ())
            disk.commit(
                (
                    started,
                    ended,
                    MessageQueued(2 * n + 1, str(n), "StartTransaction", start, at),
                    MessageQueued(2 * n + 2, str(n), "StopTransaction", stop, at),
                )
            )
