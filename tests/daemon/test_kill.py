"""SIGKILL at every commit of a session: no bill is lost, doubled or left open."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from benchcsms.server import Csms
from benchcsms.settings import NotDone
from tests.daemon.process import CARD, Daemon, NotAnswered

KILLED_AT = str(Path(__file__).with_name("killed_at.py"))
AT_ONCE = 4
"""So many stations are killed at the same time: the machine has few cores."""
ENOUGH_WH = 1_000
"""Time for a meter value or two, at a rate that a restart still finds plausible."""
SAMPLED: Any = {"configuration": "MeterValueSampleInterval = 1", "rate": 20.0}


async def play(daemon: Daemon) -> None:
    """Play one session, as far as it goes."""
    with suppress(
        NotAnswered, NotDone, TimeoutError, OSError, asyncio.IncompleteReadError
    ):
        await daemon.charge()
        await daemon.watch_until(
            lambda status: (
                status["connectors"][0].get("session_energy_wh", 0) > ENOUGH_WH
            )
        )
        await daemon.call("Mock.PresentTag", uid=CARD)
        await daemon.heard("StopTransaction")
        await daemon.watch_until(lambda status: not status["messages_waiting"])
        await daemon.call("Mock.Unplug", connector=1)
        await daemon.watch_until(lambda s: s["connectors"][0]["phase"] == "idle")


async def start(daemon: Daemon, at: int, when: str) -> Path:
    """Start a station that dies at a commit; return where they are counted."""
    count = daemon.directory / "commits"
    count.write_text("0")
    await daemon.start(KILLED_AT, KILL_AT=str(at), KILL_WHEN=when, COMMITS=str(count))
    return count


async def commits_of_a_session(daemon: Daemon) -> int:
    """Play a whole session and return how many commits it took."""
    count = await start(daemon, 0, "after")
    await play(daemon)
    assert await daemon.stop() == 0
    return int(count.read_text())


async def killed_and_mended(daemon: Daemon, at: int, when: str) -> None:
    """Kill a station at one commit, start it again, and look at its bills."""
    new_boot = at % 2 == 0
    await start(daemon, at, when)
    playing = asyncio.create_task(play(daemon))
    ending = asyncio.create_task(daemon.ended(60))
    await asyncio.wait({playing, ending}, return_when=asyncio.FIRST_COMPLETED)
    await daemon.kill()  # where this run had one commit less than the counted one
    playing.cancel()
    await asyncio.wait({playing, ending})
    seen = daemon.csms.log()[-1].seq

    await daemon.start(boot_id="two" if new_boot else "one")
    await daemon.heard("BootNotification", since=seen)
    status = await daemon.watch_until(
        lambda status: (
            status["link"]["state"] == "online"
            and not status["messages_waiting"]
            and status["connectors"][0].get("energy_wh") is not None
        )
    )
    where = f"killed {when} commit {at}"
    register_wh = status["connectors"][0]["energy_wh"]
    sessions = (await daemon.call("Station.ListSessions"))["sessions"]
    bills = daemon.csms.transactions(daemon.identity)
    assert len(bills) == len(sessions), where
    assert daemon.csms.violations(daemon.identity) == [], where
    if not bills:
        # Killed before the bill was on the disk: then no energy has flowed either.
        assert register_wh == first_register_wh(daemon), where
        return
    (bill,), (session,) = bills, sessions
    for action in ("StartTransaction", "StopTransaction"):
        told = [p["payload"] for p in bill.payloads if p["action"] == action]
        assert told == told[:1] * len(told), where
        # Whoever dies between the answer and its record can only ask once more,
        # word for word.
        assert len(told) in ((1, 2) if when == "before" else (1,)), where
    assert bill.meter_stop == register_wh, where
    assert session["state"] == "ended", where
    interrupted = "PowerLoss" if new_boot else "Reboot"
    assert bill.reason in (interrupted, "Local"), where
    if session["stop_reason"] not in ("TOKEN", "PLUG_REMOVED"):
        assert bill.reason == interrupted, where


def first_register_wh(daemon: Daemon) -> int:
    """Return the register that the world began with: the same for every station."""
    (bill,) = daemon.csms.transactions("WHOLE")
    assert bill.meter_start is not None
    return bill.meter_start


@pytest.mark.requirement("TXN-10", "TXN-40", "TXN-41", "TXN-43", "TXN-44", "OFFL-01")
async def test_a_kill_at_any_commit_leaves_one_start_and_one_stop(
    csms: Csms, make_daemon: Callable[..., Daemon]
) -> None:
    commits = await commits_of_a_session(make_daemon("WHOLE", **SAMPLED))
    assert commits >= 6  # acceptance, start, number, sample, stop, its answer
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(at: int, when: str) -> None:
        async with turns:
            await killed_and_mended(make_daemon(f"{when}-{at}", **SAMPLED), at, when)

    cuts: Any = product(range(1, commits + 1), ("before", "after"))
    async with asyncio.TaskGroup() as stations:
        for at, when in cuts:
            stations.create_task(one(at, when))
