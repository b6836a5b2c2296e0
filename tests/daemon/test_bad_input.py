"""What is broken around the daemon: it says what to do, and no transaction is lost."""

import asyncio
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchcsms.server import Csms
from benchcsms.settings import Settings
from tests.daemon.process import CARD, Daemon
from tests.mounts import on_a_small_disk


async def energy_reaches(daemon: Daemon, energy_wh: int) -> dict[str, Any]:
    return await daemon.watch_until(
        lambda s: s["connectors"][0].get("session_energy_wh", 0) > energy_wh
    )


@pytest.mark.parametrize(
    ("was", "broken", "said"),
    [
        ("[csms]", "[cmss]", "cmss: unknown section; known: station, csms"),
        ('vendor = "chargerd"', "vendor = 7", "station.vendor: 7 is not a string"),
        ("[reader]", "[reader", "mend this line"),
        (
            '[safety]\ndriver = "mock"',
            '[safety]\ndriver = "mok"',
            'no safety driver "mok"; installed: chargebyte, gpio, mock',
        ),
    ],
)
async def test_a_broken_station_file_ends_it_with_2_and_names_the_place(
    make_daemon: Callable[..., Daemon], was: str, broken: str, said: str
) -> None:
    daemon = make_daemon()
    text = daemon.file.read_text()
    assert was in text
    daemon.file.write_text(text.replace(was, broken))

    await daemon.start()

    assert await daemon.ended() == 2
    assert f"{daemon.file}" in daemon.log.read_text()
    assert said in daemon.log.read_text()


@pytest.mark.requirement("BOOT-23", "WS-06", "WS-20")
async def test_an_unreachable_csms_is_named_and_dialed_until_it_is_there(
    make_daemon: Callable[..., Daemon],
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        daemon = make_daemon(url=f"ws://127.0.0.1:{port}/ocpp")
        await daemon.start()
        await daemon.manager.told("READY=1")
        status = await daemon.watch_until(lambda s: s["link"].get("failed_at"))

    assert status["link"]["failed_at"] == "tcp"
    # Nobody has ever accepted this station, so it serves nobody.
    assert status["connectors"][0]["status"] == "Unavailable"
    async with Csms(Settings(port=port)) as late:
        await daemon.call("Mock.SetLink", mode="up")
        await late.wait_for("BootNotification", timeout_s=20)
        await daemon.watch_until(lambda s: s["connectors"][0]["status"] == "Available")
        assert await daemon.stop() == 0


@pytest.mark.requirement("WS-05", "WS-06")
@pytest.mark.parametrize(
    ("mode", "layer"),
    [("401", "http-auth"), ("404", "http-path"), ("503", "http"),
     ("no-subprotocol", "subprotocol")],
)  # fmt: skip
async def test_a_refusing_csms_is_named_by_layer_and_dialed_again(
    csms: Csms, make_daemon: Callable[..., Daemon], mode: str, layer: str
) -> None:
    csms.refuse(mode)
    daemon = make_daemon()
    await daemon.start()
    await daemon.manager.told("READY=1")

    status = await daemon.watch_until(lambda s: s["link"].get("failed_at"))
    csms.refuse("accept")
    await daemon.call("Mock.SetLink", mode="up")

    assert status["link"]["failed_at"] == layer
    await daemon.heard("BootNotification")


@pytest.mark.requirement("TXN-10")
async def test_on_a_full_disk_charging_goes_on_nothing_starts_and_no_bill_is_lost(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(configuration="MeterValueSampleInterval = 1")
    state = daemon.directory / "state"
    state.mkdir()
    await daemon.start(program_prefix=on_a_small_disk(state, "1m"))
    await daemon.charge()
    assert daemon.process is not None
    disk = Path(f"/proc/{daemon.process.pid}/root{state}")

    with (disk / "fill").open("wb", buffering=0) as fill:
        failing = asyncio.create_task(
            daemon.watch_until(lambda s: s["storage"] == "failing", within_s=40)
        )
        while not failing.done():
            _fill_up(fill)
            await asyncio.wait({failing}, timeout=0.1)
    before = (await failing)["connectors"][0]["session_energy_wh"]
    start = {"connectorId": 2, "idTag": CARD}
    answer = await daemon.csms.call("DC1", "RemoteStartTransaction", start)
    charging = await energy_reaches(daemon, before)
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.watch_until(lambda s: s["connectors"][0]["phase"] == "finished")
    (disk / "fill").unlink()
    stop = await daemon.heard("StopTransaction")
    await daemon.watch_until(lambda s: s["storage"] == "ok" and not s["faults"])

    assert answer.payload == {"status": "Rejected"}
    assert charging["connectors"][0]["status"] == "Charging"
    assert "storage" in [fault["name"] for fault in charging["faults"]]
    assert stop.payload["meterStop"] == await daemon.meter_wh()
    assert "free space on this disk" in daemon.log.read_text()
    assert daemon.csms.violations("DC1") == []


def _fill_up(file: Any) -> None:
    block = bytes(4096)
    while block:
        try:
            file.write(block)
        except OSError:
            block = block[: len(block) // 2]


async def test_a_damaged_store_is_set_aside_and_its_bills_are_saved(
    make_daemon: Callable[..., Daemon],
) -> None:
    # At a higher rate the meter would count more than a restart finds plausible.
    daemon = make_daemon(rate=20.0)
    await daemon.start()
    charging = await daemon.charge()
    await energy_reaches(daemon, 300)
    await daemon.kill()
    damage(daemon.directory / "state/chargerd.db", "fault")

    await daemon.start()
    stop = await daemon.heard("StopTransaction", since=charging.seq)

    assert stop.payload["reason"] == "Reboot"
    assert stop.payload["meterStop"] == await daemon.meter_wh()
    assert len(daemon.csms.transactions("DC1")) == 1
    assert list((daemon.directory / "state").glob("chargerd.damaged-*"))
    assert "the store was damaged" in daemon.log.read_text()


def damage(path: Path, table: str) -> None:
    """Write nonsense over the first page of one table."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
